//! Writes logs: the few lines of Cap'n Proto that a test needs.

/// An event of frames, or of nothing when its kind is another.
#[derive(Clone, Debug)]
pub(crate) struct MadeEvent {
    pub mono_time: u64,
    pub kind: u16,
    pub frames: Vec<MadeFrame>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MadeFrame {
    pub address: u32,
    pub bus: u8,
    pub data: Vec<u8>,
}

pub(crate) const CAN: u16 = 4;
pub(crate) const SENDCAN: u16 = 16;

/// Where the list of frames and the payloads are put.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layout {
    /// Everything in one segment.
    One,
    /// The list in a second segment, behind a far pointer.
    Far,
    /// The list in a second segment without a pad, behind a double far pointer.
    DoubleFar,
    /// Every payload in a segment of its own.
    FarPayloads,
}

impl MadeEvent {
    pub(crate) fn can(mono_time: u64, frames: &[(u32, u8, &[u8])]) -> Self {
        Self::new(mono_time, CAN, frames)
    }

    pub(crate) fn new(mono_time: u64, kind: u16, frames: &[(u32, u8, &[u8])]) -> Self {
        let frame = |&(address, bus, data): &(u32, u8, &[u8])| MadeFrame { address, bus, data: data.to_vec() };
        Self { mono_time, kind, frames: frames.iter().map(frame).collect() }
    }

    /// Returns the message.
    pub(crate) fn write(&self, layout: Layout) -> Vec<u8> {
        let mut root = vec![structure(0, 2, 1), self.mono_time, u64::from(self.kind), 0];
        let far_payloads = matches!(layout, Layout::FarPayloads);
        let (list_words, payload_segments) = self.list(far_payloads);
        let content_words = u32::try_from(self.frames.len() * 2).unwrap();
        let list_pointer = |offset| list(offset, 7, content_words);
        let mut segments = Vec::new();
        match layout {
            Layout::One | Layout::FarPayloads => {
                root[3] = list_pointer(0);
                root.extend(list_words);
                segments.push(root);
                segments.extend(payload_segments);
            }
            Layout::Far => {
                root[3] = far(false, 0, 1);
                let mut second = vec![list_pointer(0)];
                second.extend(list_words);
                segments.extend([root, second]);
            }
            Layout::DoubleFar => {
                // The pad stands in the third segment, the list at the very front of the second.
                root[3] = far(true, 1, 2);
                segments.extend([root, list_words, vec![0, far(false, 0, 1), list_pointer(0)]]);
            }
        }
        message(&segments)
    }

    /// The tag, the elements and the payloads, or segments for the payloads.
    fn list(&self, far_payloads: bool) -> (Vec<u64>, Vec<Vec<u64>>) {
        let count = i32::try_from(self.frames.len()).unwrap();
        let mut words = vec![structure(count, 1, 1)];
        let mut payloads = Vec::new();
        let mut segments = Vec::new();
        for (index, frame) in self.frames.iter().enumerate() {
            words.push(u64::from(frame.address) | u64::from(frame.bus) << 48);
            let length = u32::try_from(frame.data.len()).unwrap();
            let content = frame.data.chunks(8).map(|chunk| {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                u64::from_le_bytes(word)
            });
            if far_payloads {
                words.push(far(false, 0, u32::try_from(segments.len()).unwrap() + 1));
                segments.push([list(0, 2, length)].into_iter().chain(content).collect());
            } else {
                let after_elements = (self.frames.len() - index - 1) * 2 + payloads.len();
                words.push(list(i32::try_from(after_elements).unwrap(), 2, length));
                payloads.extend(content);
            }
        }
        words.extend(payloads);
        (words, segments)
    }
}

/// Returns the log of some events, each in one segment.
pub(crate) fn log(events: &[MadeEvent]) -> Vec<u8> {
    events.iter().flat_map(|event| event.write(Layout::One)).collect()
}

fn message(segments: &[Vec<u64>]) -> Vec<u8> {
    let mut bytes = (u32::try_from(segments.len()).unwrap() - 1).to_le_bytes().to_vec();
    for segment in segments {
        bytes.extend(u32::try_from(segment.len()).unwrap().to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(segments.iter().flatten().flat_map(|word| word.to_le_bytes()));
    bytes
}

fn structure(offset: i32, data_words: u16, pointers: u16) -> u64 {
    u64::from((offset << 2).cast_unsigned()) | u64::from(data_words) << 32 | u64::from(pointers) << 48
}

fn list(offset: i32, element_size: u32, count: u32) -> u64 {
    u64::from((offset << 2).cast_unsigned() | 1) | u64::from(count << 3 | element_size) << 32
}

fn far(double: bool, pad_word: u32, segment: u32) -> u64 {
    u64::from(pad_word << 3 | u32::from(double) << 2 | 2) | u64::from(segment) << 32
}
