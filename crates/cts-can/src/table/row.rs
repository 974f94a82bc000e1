//! One row's bytes, written quickly: the part that an event's rows share is made once, the rest comes from
//! tables.
//!
//! A row is put into a buffer with room for the longest one, so that the parts are copied with fixed sizes.
//! Payloads are never cut; ones that no bus can carry are written piece by piece.

use std::io::Write;

use super::{Columns, time};
use crate::Error;
use crate::frame::{Address, Bus, Frame, Origin, STANDARD_ADDRESS_MAX};
use crate::segments::Segment;
use crate::text::Text;

const BASIC_HEADER: &[u8] = b"window,segment,timestamp,address,bus,data_hex";
const EXTENDED_HEADER: &[u8] = b",log_mono_time,origin,format";
const LINE_END: &[u8] = b"\r\n";

/// Rows that wait to be written.
const BUFFER_BYTES: usize = 256 * 1024;

/// The longest payload that takes the quick way; CAN-FD has 64.
const QUICK_PAYLOAD_BYTES_MAX: usize = 256;

/// Enough for `1,window,-18446744073.709553,`.
const HEAD_BYTES: usize = 32;

/// Enough for `,18446744073709551615,requested,extended_fd`.
const TAIL_BYTES: usize = 48;

/// Enough for all but the payload: head, `0xFFFFFFFF,`, `255,`, tail, line end, and what copies of fixed
/// size write beyond.
const ROW_BYTES_MAX: usize = HEAD_BYTES + 16 + 8 + TAIL_BYTES + 8;

/// What the rows of one event share.
#[derive(Debug)]
pub(super) struct RowHead {
    pub(super) segment: Segment,
    /// Nanoseconds to be shown as seconds.
    pub(super) time: i128,
    pub(super) mono_time: u64,
    /// What happened to the frames, where their bus does not tell it.
    pub(super) origin: Option<Origin>,
}

/// Writes rows.
#[derive(Debug)]
pub(super) struct RowWriter<W> {
    out: W,
    buffer: Vec<u8>,
    used: usize,
    written: u64,
    columns: Columns,
    physical_buses: bool,
    head: Text<HEAD_BYTES>,
    /// For the extended columns only.
    mono_time: Text<24>,
    origin: Option<Origin>,
}

impl<W: Write> RowWriter<W> {
    pub(super) fn new(out: W, columns: Columns, physical_buses: bool) -> Self {
        let mut rows = Self {
            out,
            buffer: vec![0; BUFFER_BYTES],
            used: 0,
            written: 0,
            columns,
            physical_buses,
            head: Text::default(),
            mono_time: Text::default(),
            origin: None,
        };
        rows.append(BASIC_HEADER);
        if columns == Columns::Extended {
            rows.append(EXTENDED_HEADER);
        }
        rows.append(LINE_END);
        rows
    }

    /// Returns how many bytes were written, without those that still wait.
    pub(super) fn bytes_written(&self) -> u64 {
        self.written
    }

    pub(super) fn begin_event(&mut self, head: &RowHead) {
        self.head.clear();
        self.head.push(b"1,");
        self.head.push(head.segment.name().as_bytes());
        self.head.push(b",");
        time::push_seconds(&mut self.head, head.time);
        self.head.push(b",");
        if self.columns == Columns::Extended {
            self.mono_time.clear();
            self.mono_time.push_number(head.mono_time, 1);
            self.origin = head.origin;
        }
    }

    #[inline]
    pub(super) fn row(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        if frame.data.len() > QUICK_PAYLOAD_BYTES_MAX {
            return self.long_row(frame);
        }
        if self.buffer.len() - self.used < ROW_BYTES_MAX + 2 * QUICK_PAYLOAD_BYTES_MAX {
            self.write_buffer()?;
        }
        let row = &mut self.buffer[self.used..][..ROW_BYTES_MAX + 2 * QUICK_PAYLOAD_BYTES_MAX];
        let mut at = put_head(row, &self.head, frame.address, shown_bus(frame, self.physical_buses));
        if let Ok(data) = frame.data.try_into() {
            row[at..at + 16].copy_from_slice(&hex_of_8(data));
        } else {
            let digits = &mut row[at..at + 2 * frame.data.len()];
            for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(frame.data) {
                *pair = HEX[usize::from(*byte)];
            }
        }
        at += 2 * frame.data.len();
        self.used += at;
        self.end_row(frame);
        Ok(())
    }

    /// A row whose payload is longer than any bus can carry, as only damaged logs have it.
    #[cold]
    fn long_row(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.write_buffer()?;
        self.used = put_head(&mut self.buffer, &self.head, frame.address, shown_bus(frame, self.physical_buses));
        for piece in frame.data.chunks(QUICK_PAYLOAD_BYTES_MAX) {
            if self.buffer.len() - self.used < ROW_BYTES_MAX + 2 * QUICK_PAYLOAD_BYTES_MAX {
                self.write_buffer()?;
            }
            for byte in piece {
                self.append(&HEX[usize::from(*byte)]);
            }
        }
        self.end_row(frame);
        Ok(())
    }

    #[inline]
    fn end_row(&mut self, frame: &Frame<'_>) {
        if self.columns == Columns::Extended {
            self.append_extended(frame);
        }
        self.append(LINE_END);
    }

    fn append_extended(&mut self, frame: &Frame<'_>) {
        let format: &[u8] = match (frame.address.is_extended(), frame.is_fd()) {
            (false, false) => b"standard",
            (true, false) => b"extended",
            (false, true) => b"standard_fd",
            (true, true) => b"extended_fd",
        };
        let mut tail = Text::<TAIL_BYTES>::default();
        tail.push(b",");
        tail.push(self.mono_time.as_bytes());
        tail.push(b",");
        tail.push(self.origin.unwrap_or(frame.bus.origin()).name().as_bytes());
        tail.push(b",");
        tail.push(format);
        self.append(tail.as_bytes());
    }

    /// The caller has seen to it that there is room.
    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        self.buffer[self.used..self.used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }

    #[cold]
    fn write_buffer(&mut self) -> Result<(), Error> {
        self.out.write_all(&self.buffer[..self.used]).map_err(Error::Write)?;
        self.written += self.used as u64;
        self.used = 0;
        Ok(())
    }

    /// Writes everything that waits, down to what the writer itself holds back.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.write_buffer()?;
        self.out.flush().map_err(Error::Write)
    }
}

fn shown_bus(frame: &Frame<'_>, physical: bool) -> Bus {
    if physical { frame.bus.physical() } else { frame.bus }
}

/// Puts everything before the payload to the front of `row`; returns how long it is.
#[inline]
fn put_head(row: &mut [u8], head: &Text<HEAD_BYTES>, address: Address, bus: Bus) -> usize {
    row[..HEAD_BYTES].copy_from_slice(&head.bytes);
    let mut at = head.len;
    if address.0 <= STANDARD_ADDRESS_MAX {
        row[at..at + 8].copy_from_slice(&STANDARD_ADDRESSES[address.0 as usize]);
        at += STANDARD_ADDRESS_LEN;
    } else {
        let [a, b, c, d] = address.0.to_be_bytes().map(|byte| HEX[usize::from(byte)]);
        let digits = [a, b, c, d];
        let digits = digits.as_flattened();
        let zeros = address.0.leading_zeros() as usize / 4;
        let digits = &digits[zeros..];
        row[at..at + 2].copy_from_slice(b"0x");
        row[at + 2..at + 2 + digits.len()].copy_from_slice(digits);
        row[at + 2 + digits.len()] = b',';
        at += digits.len() + 3;
    }
    row[at..at + 4].copy_from_slice(&BUSES[usize::from(bus.0)]);
    at + 2 + usize::from(bus.0 >= 10) + usize::from(bus.0 >= 100)
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// The two digits of every byte.
static HEX: [[u8; 2]; 256] = {
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    table
};

/// `0x123,` for every standard address; two more bytes make it one copy.
static STANDARD_ADDRESSES: [[u8; 8]; STANDARD_ADDRESS_MAX as usize + 1] = {
    let mut table = [*b"0x000,  "; STANDARD_ADDRESS_MAX as usize + 1];
    let mut address = 0;
    while address < table.len() {
        table[address][2] = DIGITS[address >> 8];
        table[address][3] = DIGITS[address >> 4 & 15];
        table[address][4] = DIGITS[address & 15];
        address += 1;
    }
    table
};
const STANDARD_ADDRESS_LEN: usize = 6;

/// `0,` to `255,`.
static BUSES: [[u8; 4]; 256] = {
    let mut table = [*b"    "; 256];
    let mut bus = 0;
    while bus < 256 {
        let (hundreds, tens, ones) = (DIGITS[bus / 100], DIGITS[bus / 10 % 10], DIGITS[bus % 10]);
        table[bus] = match bus {
            0..10 => [ones, b',', b' ', b' '],
            10..100 => [tens, ones, b',', b' '],
            _ => [hundreds, tens, ones, b','],
        };
        bus += 1;
    }
    table
};

/// Returns the digits of eight bytes, all at once where the table would need eight turns.
#[inline]
fn hex_of_8(data: [u8; 8]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h] = data;
    let first = hex_of_4([a, b, c, d]).to_le_bytes();
    let second = hex_of_4([e, f, g, h]).to_le_bytes();
    let mut digits = [0; 16];
    digits[..8].copy_from_slice(&first);
    digits[8..].copy_from_slice(&second);
    digits
}

/// Spreads eight half bytes over eight bytes, then turns each into its digit.
#[inline]
fn hex_of_4(data: [u8; 4]) -> u64 {
    let mut spread = u64::from(u32::from_le_bytes(data));
    spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF;
    spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF;
    let halves = (spread >> 4 | spread << 8) & 0x0F0F_0F0F_0F0F_0F0F;
    let letters = (halves + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    halves + 0x3030_3030_3030_3030 + letters * u64::from(b'A' - b'0' - 10)
}

#[cfg(test)]
mod tests;
