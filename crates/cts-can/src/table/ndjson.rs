//! One JSON object a line, for jq and everything else that reads a line at a time.
//!
//! Keys always come in the same order. Numbers are numbers, addresses and payloads are texts as in the CSV table, so
//! that `select(.address == "0x146")` finds what was seen there.

use super::digits::{put_address, put_bus};
use super::lines::Line;
use super::sink::RowHead;
use crate::frame::{Bus, Frame, Origin};
use crate::text::Text;
use crate::time;

/// Enough for the times, the segment and the key of the address.
const HEAD_BYTES: usize = 120;

/// The lines.
#[derive(Debug, Default)]
pub(super) struct NdjsonLine {
    head: Text<HEAD_BYTES>,
    origin: Option<Origin>,
}

impl Line for NdjsonLine {
    fn header(&self) -> &'static [u8] {
        b""
    }

    fn begin_event(&mut self, head: &RowHead) {
        self.head.clear();
        self.head.push(b"{\"timestamp\":");
        time::push_seconds(&mut self.head, head.time);
        self.head.push(b",\"log_mono_time\":");
        self.head.push_number(head.mono_time, 1);
        self.head.push(b",\"segment\":\"");
        self.head.push(head.segment.name().as_bytes());
        self.head.push(b"\",\"address\":\"");
        self.origin = head.origin;
    }

    #[inline]
    fn put_before(&self, line: &mut [u8], frame: &Frame<'_>, shown_bus: Bus) -> usize {
        line[..HEAD_BYTES].copy_from_slice(&self.head.bytes);
        let mut at = self.head.len;
        at += put_address(&mut line[at..], frame.address);
        at = append(line, at, b"\",\"bus\":");
        at += put_bus(&mut line[at..], shown_bus);
        at = append(line, at, b",\"origin\":\"");
        at = append(line, at, self.origin.unwrap_or(frame.bus.origin()).name().as_bytes());
        append(line, at, b"\",\"data\":\"")
    }

    #[inline]
    fn put_after(&self, line: &mut [u8], _: &Frame<'_>) -> usize {
        append(line, 0, b"\"}\n")
    }
}

#[inline]
fn append(line: &mut [u8], at: usize, text: &[u8]) -> usize {
    line[at..at + text.len()].copy_from_slice(text);
    at + text.len()
}
