//! One line of text a row, written quickly: the part that an event's rows share is made once, the rest comes from
//! tables.
//!
//! A line is put into a buffer with room for the longest one, so that the parts are copied with fixed sizes.
//! Payloads are never cut; ones that no bus can carry are written piece by piece. What stands before and after a
//! payload is the format's own, see [`Line`].

use std::io::Write;

use super::digits::put_payload;
use super::sink::{RowHead, RowSink};
use crate::Error;
use crate::frame::{Bus, Frame};

/// Rows that wait to be written.
const BUFFER_BYTES: usize = 256 * 1024;

/// The longest payload that takes the quick way; CAN-FD has 64.
const QUICK_PAYLOAD_BYTES_MAX: usize = 256;

/// The most that a format puts, or touches, before a payload.
pub(super) const BEFORE_BYTES_MAX: usize = 192;

/// The most that a format puts, or touches, after a payload.
pub(super) const AFTER_BYTES_MAX: usize = 64;

const LINE_BYTES_MAX: usize = BEFORE_BYTES_MAX + 2 * QUICK_PAYLOAD_BYTES_MAX + AFTER_BYTES_MAX;

/// How a format writes a row: what stands around the digits of the payload.
pub(super) trait Line {
    /// What a file begins with.
    fn header(&self) -> &'static [u8];

    /// Makes the part that the rows of an event share.
    fn begin_event(&mut self, head: &RowHead);

    /// Puts what comes before the payload to the front of `line`, where there is room for [`BEFORE_BYTES_MAX`];
    /// returns how long it is.
    fn put_before(&self, line: &mut [u8], frame: &Frame<'_>, shown_bus: Bus) -> usize;

    /// Puts what comes after the payload, with the end of the line, where there is room for [`AFTER_BYTES_MAX`];
    /// returns how long it is.
    fn put_after(&self, line: &mut [u8], frame: &Frame<'_>) -> usize;
}

/// Writes lines.
#[derive(Debug)]
pub(super) struct LineWriter<W, L> {
    out: W,
    line: L,
    buffer: Vec<u8>,
    used: usize,
    written: u64,
    physical_buses: bool,
}

impl<W: Write, L: Line> LineWriter<W, L> {
    pub(super) fn new(out: W, line: L, physical_buses: bool) -> Self {
        let mut buffer = vec![0; BUFFER_BYTES];
        let header = line.header();
        buffer[..header.len()].copy_from_slice(header);
        let used = header.len();
        Self { out, line, buffer, used, written: 0, physical_buses }
    }

    /// Returns how many bytes were written, without those that still wait.
    pub(super) fn bytes_written(&self) -> u64 {
        self.written
    }

    /// Writes everything that waits, down to what the writer itself holds back.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.write_buffer()?;
        self.out.flush().map_err(Error::Write)
    }

    /// A row whose payload is longer than any bus can carry, as only damaged logs have it.
    #[cold]
    fn long_row(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.write_buffer()?;
        let bus = self.shown_bus(frame);
        self.used = self.line.put_before(&mut self.buffer, frame, bus);
        for piece in frame.data.chunks(QUICK_PAYLOAD_BYTES_MAX) {
            self.make_room()?;
            put_payload(&mut self.buffer[self.used..], piece);
            self.used += 2 * piece.len();
        }
        self.make_room()?;
        self.used += self.line.put_after(&mut self.buffer[self.used..], frame);
        Ok(())
    }

    #[inline]
    fn shown_bus(&self, frame: &Frame<'_>) -> Bus {
        if self.physical_buses { frame.bus.physical() } else { frame.bus }
    }

    #[inline]
    fn make_room(&mut self) -> Result<(), Error> {
        if self.buffer.len() - self.used < LINE_BYTES_MAX { self.write_buffer() } else { Ok(()) }
    }

    #[cold]
    fn write_buffer(&mut self) -> Result<(), Error> {
        self.out.write_all(&self.buffer[..self.used]).map_err(Error::Write)?;
        self.written += self.used as u64;
        self.used = 0;
        Ok(())
    }
}

impl<W: Write, L: Line> RowSink for LineWriter<W, L> {
    fn begin_event(&mut self, head: &RowHead) {
        self.line.begin_event(head);
    }

    #[inline]
    fn row(&mut self, frame: &Frame<'_>) -> Result<bool, Error> {
        if frame.data.len() > QUICK_PAYLOAD_BYTES_MAX {
            self.long_row(frame)?;
            return Ok(true);
        }
        self.make_room()?;
        let bus = self.shown_bus(frame);
        let line = &mut self.buffer[self.used..][..LINE_BYTES_MAX];
        let mut at = self.line.put_before(line, frame, bus);
        put_payload(&mut line[at..], frame.data);
        at += 2 * frame.data.len();
        at += self.line.put_after(&mut line[at..], frame);
        self.used += at;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
