//! Frames that are held until the end, because they do not come in the order of time.
//!
//! The one place whose memory grows with the number of frames; it is used only when the caller asks for it.

use crate::segments::Segment;

/// One frame of a stream, on its way to the hunt.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldRow<'a> {
    pub(super) time: f64,
    pub(super) segment: Segment,
    pub(super) stream: usize,
    /// The payload is the one of the stream's frame before, for sure.
    pub(super) is_repeat: bool,
    pub(super) data: &'a [u8],
}

#[derive(Debug)]
struct Row {
    time: f64,
    begin: usize,
    length: u32,
    stream: u16,
    segment: Segment,
}

/// The frames that are held.
#[derive(Debug, Default)]
pub(super) struct Held {
    rows: Vec<Row>,
    payloads: Vec<u8>,
    /// Where the last payload of each stream lies.
    last: Vec<usize>,
}

impl Held {
    pub(super) fn hold(&mut self, row: &HeldRow<'_>) {
        if self.last.len() <= row.stream {
            self.last.resize(row.stream + 1, 0);
        }
        if !row.is_repeat {
            self.last[row.stream] = self.payloads.len();
            self.payloads.extend_from_slice(row.data);
        }
        self.rows.push(Row {
            time: row.time,
            begin: self.last[row.stream],
            length: u32::try_from(row.data.len()).expect("a row of a table and a message of a log are shorter"),
            stream: u16::try_from(row.stream).expect("there are fewer streams"),
            segment: row.segment,
        });
    }

    /// Calls back with every frame in the order of time; frames of one time keep the order of the input.
    pub(super) fn each_by_time<E>(mut self, mut call: impl FnMut(&HeldRow<'_>) -> Result<(), E>) -> Result<(), E> {
        // -0.0 and 0.0 are one time.
        self.rows.sort_by(|a, b| a.time.partial_cmp(&b.time).unwrap_or(std::cmp::Ordering::Equal));
        for Row { time, begin, length, stream, segment } in self.rows {
            let data = &self.payloads[begin..begin + length as usize];
            call(&HeldRow { time, segment, stream: usize::from(stream), is_repeat: false, data })?;
        }
        Ok(())
    }
}
