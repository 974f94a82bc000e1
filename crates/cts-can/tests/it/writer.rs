//! Writes logs: events of frames, and any other message that a test needs.

pub(crate) mod message;

use message::{Tree, Value};

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

pub(crate) const INIT_DATA: u16 = 0;
pub(crate) const CAN: u16 = 4;
pub(crate) const SENDCAN: u16 = 16;

impl MadeEvent {
    pub(crate) fn can(mono_time: u64, frames: &[(u32, u8, &[u8])]) -> Self {
        Self::new(mono_time, CAN, frames)
    }

    pub(crate) fn new(mono_time: u64, kind: u16, frames: &[(u32, u8, &[u8])]) -> Self {
        let frame = |&(address, bus, data): &(u32, u8, &[u8])| MadeFrame { address, bus, data: data.to_vec() };
        Self { mono_time, kind, frames: frames.iter().map(frame).collect() }
    }

    /// Returns the event's struct in the layout of today: no field more and none less.
    pub(crate) fn tree(&self) -> Tree {
        let frame = |frame: &MadeFrame| Tree {
            data: vec![u64::from(frame.address) | u64::from(frame.bus) << 48],
            pointers: vec![Value::Bytes(frame.data.clone())],
        };
        let elements = self.frames.iter().map(frame).collect();
        event(self.mono_time, self.kind, Value::Structs { data_words: 1, pointer_count: 1, elements })
    }
}

/// Returns the struct of an event of any kind.
pub(crate) fn event(mono_time: u64, kind: u16, content: Value) -> Tree {
    Tree { data: vec![mono_time, u64::from(kind)], pointers: vec![content] }
}

/// Returns the log of some events, each in one segment.
pub(crate) fn log(events: &[MadeEvent]) -> Vec<u8> {
    events.iter().flat_map(|event| message::message(event.tree(), [])).collect()
}
