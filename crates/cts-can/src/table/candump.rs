//! Lines as `candump -l` of can-utils writes them: `(12.345678) can0 123#DEADBEEF`.
//!
//! An extended address has eight digits. A payload that is too long for classic CAN makes a CAN-FD line, `123##0` and
//! the payload: a log does not tell whether the bit rate was switched, so no flag is set. Shorter CAN-FD frames look
//! like classic ones, because a log does not tell them apart.

use super::digits::{eight_digits, put_bus};
use super::lines::Line;
use super::sink::RowHead;
use crate::frame::{Bus, Frame};
use crate::text::Text;
use crate::time;

/// Enough for `(-18446744073.709553) can`.
const HEAD_BYTES: usize = 32;

/// Digits of a standard address.
const STANDARD_DIGITS: usize = 3;

/// The lines.
#[derive(Debug, Default)]
pub(super) struct CandumpLine {
    head: Text<HEAD_BYTES>,
}

impl Line for CandumpLine {
    fn header(&self) -> &'static [u8] {
        b""
    }

    fn begin_event(&mut self, head: &RowHead) {
        self.head.clear();
        self.head.push(b"(");
        time::push_seconds(&mut self.head, head.time);
        self.head.push(b") can");
    }

    #[inline]
    fn put_before(&self, line: &mut [u8], frame: &Frame<'_>, shown_bus: Bus) -> usize {
        line[..HEAD_BYTES].copy_from_slice(&self.head.bytes);
        let mut at = self.head.len;
        at += put_bus(&mut line[at..], shown_bus);
        line[at] = b' ';
        at += 1;
        let digits = eight_digits(frame.address);
        if frame.address.is_extended() {
            line[at..at + digits.len()].copy_from_slice(&digits);
            at += digits.len();
        } else {
            line[at..at + STANDARD_DIGITS].copy_from_slice(&digits[digits.len() - STANDARD_DIGITS..]);
            at += STANDARD_DIGITS;
        }
        let mark: &[u8] = if frame.is_fd() { b"##0" } else { b"#" };
        line[at..at + mark.len()].copy_from_slice(mark);
        at + mark.len()
    }

    #[inline]
    fn put_after(&self, line: &mut [u8], _: &Frame<'_>) -> usize {
        line[0] = b'\n';
        1
    }
}
