//! Lines of CSV: the columns of the Python tool, the same with more behind them, and those of Cabana.

use super::digits::{eight_digits, put_address, put_bus};
use super::lines::Line;
use super::sink::RowHead;
use crate::frame::{Bus, Frame, Origin, format_name};
use crate::text::Text;
use crate::time;

const LINE_END: &[u8] = b"\r\n";

/// Enough for `1,window,-18446744073.709553,`.
const HEAD_BYTES: usize = 32;

/// Enough for `,18446744073709551615,requested,extended_fd` and the line end.
const TAIL_BYTES: usize = 48;

/// `window,segment,timestamp,address,bus,data_hex`, and more where it is extended.
#[derive(Debug, Default)]
pub(super) struct CsvLine {
    head: Text<HEAD_BYTES>,
    extended: Option<ExtendedColumns>,
}

/// What the rows of an event share in the extended columns.
#[derive(Debug, Default)]
struct ExtendedColumns {
    mono_time: Text<24>,
    origin: Option<Origin>,
}

impl CsvLine {
    pub(super) fn basic() -> Self {
        Self::default()
    }

    pub(super) fn extended() -> Self {
        Self { extended: Some(ExtendedColumns::default()), ..Self::default() }
    }
}

impl Line for CsvLine {
    fn header(&self) -> &'static [u8] {
        match self.extended {
            None => b"window,segment,timestamp,address,bus,data_hex\r\n",
            Some(_) => b"window,segment,timestamp,address,bus,data_hex,log_mono_time,origin,format\r\n",
        }
    }

    fn begin_event(&mut self, head: &RowHead) {
        self.head.clear();
        self.head.push(b"1,");
        self.head.push(head.segment.name().as_bytes());
        self.head.push(b",");
        time::push_seconds(&mut self.head, head.time);
        self.head.push(b",");
        if let Some(extended) = &mut self.extended {
            extended.mono_time.clear();
            extended.mono_time.push_number(head.mono_time, 1);
            extended.origin = head.origin;
        }
    }

    #[inline]
    fn put_before(&self, line: &mut [u8], frame: &Frame<'_>, shown_bus: Bus) -> usize {
        line[..HEAD_BYTES].copy_from_slice(&self.head.bytes);
        let mut at = self.head.len;
        at += put_address(&mut line[at..], frame.address) + 1;
        at + put_bus(&mut line[at..], shown_bus) + 1
    }

    #[inline]
    fn put_after(&self, line: &mut [u8], frame: &Frame<'_>) -> usize {
        match &self.extended {
            None => {
                line[..LINE_END.len()].copy_from_slice(LINE_END);
                LINE_END.len()
            }
            Some(extended) => extended.put(line, frame),
        }
    }
}

impl ExtendedColumns {
    fn put(&self, line: &mut [u8], frame: &Frame<'_>) -> usize {
        let mut tail = Text::<TAIL_BYTES>::default();
        tail.push(b",");
        tail.push(self.mono_time.as_bytes());
        tail.push(b",");
        tail.push(self.origin.unwrap_or(frame.bus.origin()).name().as_bytes());
        tail.push(b",");
        tail.push(format_name(frame.address, frame.is_fd()).as_bytes());
        tail.push(LINE_END);
        line[..tail.len].copy_from_slice(tail.as_bytes());
        tail.len
    }
}

/// What Cabana exports and imports: `time,addr,bus,data`, with three decimals and lines that end in LF.
#[derive(Debug, Default)]
pub(super) struct CabanaLine {
    /// Enough for `-18446744073.710,0x`.
    head: Text<24>,
}

impl Line for CabanaLine {
    fn header(&self) -> &'static [u8] {
        b"time,addr,bus,data\n"
    }

    fn begin_event(&mut self, head: &RowHead) {
        self.head.clear();
        time::push_seconds_to_milliseconds(&mut self.head, head.time);
        self.head.push(b",0x");
    }

    fn put_before(&self, line: &mut [u8], frame: &Frame<'_>, shown_bus: Bus) -> usize {
        line[..24].copy_from_slice(&self.head.bytes);
        let mut at = self.head.len;
        let digits = eight_digits(frame.address).map(|digit| digit.to_ascii_lowercase());
        let digits = &digits[(frame.address.0 | 1).leading_zeros() as usize / 4..];
        line[at..at + digits.len()].copy_from_slice(digits);
        at += digits.len();
        line[at] = b',';
        at += 1;
        at += put_bus(&mut line[at..], shown_bus) + 1;
        line[at..at + 2].copy_from_slice(b"0x");
        at + 2
    }

    fn put_after(&self, line: &mut [u8], _: &Frame<'_>) -> usize {
        line[0] = b'\n';
        1
    }
}
