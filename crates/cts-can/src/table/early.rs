//! Frames of `sendcan` events that come before the first `can` event.
//!
//! Times count from the first `can` event, so these frames wait for it. They wait in bounded memory: a log
//! that has more of them than that counts its times from the first of them.

use std::ops::Range;

use crate::frame::{Address, Bus, Frame};

/// How many frames may wait: about half a minute of them.
const FRAMES_MAX: usize = 16 * 1024;

/// How many bytes of payload may wait.
const PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// The frames that wait, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct EarlyFrames {
    frames: Vec<EarlyFrame>,
    payloads: Vec<u8>,
}

#[derive(Debug)]
struct EarlyFrame {
    mono_time: u64,
    address: Address,
    bus: Bus,
    payload: Range<usize>,
}

impl EarlyFrames {
    /// Keeps the frames of an event; returns false, and keeps none, when there is no room for all.
    pub(super) fn hold<'f>(&mut self, mono_time: u64, frames: impl ExactSizeIterator<Item = Frame<'f>>) -> bool {
        let (frames_before, bytes_before) = (self.frames.len(), self.payloads.len());
        for Frame { address, bus, data } in frames {
            if self.frames.len() == FRAMES_MAX || self.payloads.len() + data.len() > PAYLOAD_BYTES_MAX {
                self.frames.truncate(frames_before);
                self.payloads.truncate(bytes_before);
                return false;
            }
            let start = self.payloads.len();
            self.payloads.extend_from_slice(data);
            self.frames.push(EarlyFrame { mono_time, address, bus, payload: start..self.payloads.len() });
        }
        true
    }

    /// Returns each frame with the time of its event.
    pub(super) fn frames(&self) -> impl Iterator<Item = (u64, Frame<'_>)> {
        self.frames.iter().map(|EarlyFrame { mono_time, address, bus, payload }| {
            (*mono_time, Frame { address: *address, bus: *bus, data: &self.payloads[payload.clone()] })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_does_not_fit_is_not_kept_in_part() {
        let mut early = EarlyFrames::default();
        let frame = Frame { address: Address(1), bus: Bus(0), data: &[7; 8] };
        assert!(early.hold(1, [frame].into_iter()));
        assert!(!early.hold(2, vec![frame; 100_000].into_iter()));
        let large = vec![0; PAYLOAD_BYTES_MAX];
        assert!(!early.hold(3, [frame, Frame { data: &large, ..frame }].into_iter()));
        assert_eq!(early.frames().collect::<Vec<_>>(), [(1, frame)]);
    }
}
