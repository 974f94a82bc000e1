//! Rows to frames: reads the tables that `rlog-to-csv` and tools like it write.
//!
//! Columns are found by the names of the first row, in any order; columns that are not known are ignored. Cells follow
//! the rules of Python's `csv` module, values those of its `float` and `int`. Memory is bounded by the longest row that
//! is taken; whatever the text is, nothing panics.

use std::io::{ErrorKind, Read};

mod cells;
mod values;

use cells::{Cells, Columns};

use crate::Error;
use crate::error::RowFault;
use crate::frame::{Address, Bus};
use crate::segments::Segment;

/// Bytes of the table that are read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// The longest row that is taken, in bytes.
pub const ROW_BYTES_MAX: usize = 1024 * 1024;

/// One row of a table of frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameRow<'a> {
    /// Number of the row's first line in its table, from 1.
    pub line: u64,
    /// Seconds, finite.
    pub time: f64,
    /// The stretch of the log that the row says it lies in; none where the row does not tell.
    pub segment: Option<Segment>,
    /// What the frame is about.
    pub address: Address,
    /// Where it was seen; 0 where the table has no such column.
    pub bus: Bus,
    /// Its payload.
    pub data: &'a [u8],
}

/// Reads a table of frames row by row.
#[derive(Debug)]
pub struct FrameReader<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    input_ended: bool,
    bytes_read: u64,
    columns: Option<Columns>,
    cells: Cells,
    payload: Vec<u8>,
    /// Lines that were consumed.
    lines: u64,
    rows: u64,
}

impl<R: Read> FrameReader<R> {
    /// Returns a reader that has read nothing so far.
    pub fn new(input: R) -> Self {
        Self {
            input,
            buffer: vec![0; CHUNK_BYTES],
            start: 0,
            end: 0,
            input_ended: false,
            bytes_read: 0,
            columns: None,
            cells: Cells::default(),
            payload: Vec::new(),
            lines: 0,
            rows: 0,
        }
    }

    /// Returns how many bytes of the table were read.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Returns how many rows were returned, so without the header.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the next row, or none at the end of the table.
    ///
    /// # Errors
    /// When the table cannot be read, or a row of it is no frame; the error names the line.
    pub fn next_row(&mut self) -> Result<Option<FrameRow<'_>>, Error> {
        if self.columns.is_none() {
            if !self.next_cells(usize::MAX)? {
                return Ok(None);
            }
            let from = self.start - self.cells.consumed;
            self.columns = Some(Columns::from_header(&self.cells, &self.buffer[from..]));
        }
        let last_needed = self.columns.as_ref().map_or(0, |columns| columns.last);
        loop {
            let line = self.lines + 1;
            if !self.next_cells(last_needed)? {
                return Ok(None);
            }
            if self.cells.blank {
                continue;
            }
            self.rows += 1;
            let row = &self.buffer[self.start - self.cells.consumed..];
            let columns = self.columns.as_ref().expect("the header was read above");
            let fault = |fault| Error::BadRow { line, fault };
            let cell = |column: Option<usize>| column.and_then(|column| self.cells.get(column, row));
            let segment = columns.segments.iter().find_map(|column| values::segment(cell(*column)?));
            let time = values::time(cell(columns.time).ok_or(fault(RowFault::NoTime))?).map_err(fault)?;
            let address = values::address(cell(columns.address).ok_or(fault(RowFault::NoAddress))?).map_err(fault)?;
            let bus = match columns.bus {
                None => Bus(0),
                Some(column) => values::bus(cell(Some(column)).unwrap_or_default()).map_err(fault)?,
            };
            let data = columns.data.iter().find_map(|column| cell(*column).filter(|text| !text.is_empty()));
            values::payload(data.unwrap_or_default(), &mut self.payload).map_err(fault)?;
            return Ok(Some(FrameRow { line, time, segment, address, bus, data: &self.payload }));
        }
    }

    /// Splits the next row into cells; returns false at the end of the table.
    #[inline]
    fn next_cells(&mut self, last_needed: usize) -> Result<bool, Error> {
        loop {
            if self.lines == 0 && self.end - self.start >= 3 && self.buffer[self.start..].starts_with(b"\xEF\xBB\xBF") {
                self.start += 3;
            }
            let unread = &self.buffer[self.start..self.end];
            let enough = self.lines > 0 || self.input_ended || unread.len() >= 3;
            if enough && self.cells.split(unread, self.input_ended, last_needed) {
                self.start += self.cells.consumed;
                self.lines += self.cells.lines;
                return Ok(true);
            }
            if self.input_ended {
                return Ok(false);
            }
            self.refill()?;
        }
    }

    #[cold]
    fn refill(&mut self) -> Result<(), Error> {
        let unread = self.end - self.start;
        if unread > ROW_BYTES_MAX {
            return Err(Error::BadRow { line: self.lines + 1, fault: RowFault::TooLong });
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, unread);
        self.buffer.resize(self.buffer.len().max(unread + CHUNK_BYTES), 0);
        while self.end < self.buffer.len() {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.input_ended = true;
                    break;
                }
                Ok(count) => {
                    self.end += count;
                    self.bytes_read += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::Read { packed_bytes: self.bytes_read, source }),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
