//! A Parquet file of frames: typed columns for pandas, databases and the like.
//!
//! Rows are gathered into groups of bounded size; a second thread encodes and compresses a group while the next one is
//! gathered. The same frames give the same bytes. The file can be read only after [`ParquetRows::finish`], because its
//! index stands at its end.

use std::io::Write;

use super::sink::{RowHead, RowSink};
use crate::Error;
use crate::frame::{Frame, Origin};
use crate::segments::Segment;
use crate::time;

mod column;
mod encode;
mod file;
mod sheet;

pub(super) use sheet::ParquetSheet;

use column::Column;
use encode::{Group, GroupEncoder};
use file::ParquetFile;

/// Rows of a group. Databases give their threads groups of about this size.
const GROUP_ROWS_MAX: usize = 128 * 1024;

/// Bytes of payload after which a group ends early: 64 in every row are less, so that is so in damaged logs only.
const GROUP_PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;

const SEGMENTS: [&str; 3] = ["pre", "window", "post"];
const ORIGINS: [&str; 4] = ["received", "echoed", "rejected", "requested"];

/// Writes frames.
pub(super) struct ParquetRows<W: Write + Send> {
    file: ParquetFile<W, FrameColumns>,
    columns: FrameColumns,
    physical_buses: bool,
    timestamp: f64,
    mono_time: i64,
    segment: u8,
    origin: Option<Origin>,
}

impl<W: Write + Send> ParquetRows<W> {
    pub(super) fn new(out: W, physical_buses: bool) -> Result<Self, Error> {
        let columns = [
            Column::double("timestamp"),
            Column::int64("log_mono_time"),
            Column::word("segment"),
            Column::uint32("address"),
            Column::uint8("bus"),
            Column::word("origin"),
            Column::bytes("data"),
        ];
        Ok(Self {
            file: ParquetFile::new(out, &columns)?,
            columns: FrameColumns::default(),
            physical_buses,
            timestamp: 0.0,
            mono_time: 0,
            segment: 0,
            origin: None,
        })
    }

    /// Returns how many bytes were written, without those that still wait.
    pub(super) fn bytes_written(&self) -> u64 {
        self.file.bytes_written()
    }

    /// Writes everything that waits, and the end of the file.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.end_group()?;
        self.file.finish()
    }

    #[cold]
    fn end_group(&mut self) -> Result<(), Error> {
        if self.columns.payload_ends.is_empty() {
            return Ok(());
        }
        self.columns = self.file.put(std::mem::take(&mut self.columns))?;
        Ok(())
    }
}

impl<W: Write + Send> RowSink for ParquetRows<W> {
    fn begin_event(&mut self, head: &RowHead) {
        self.timestamp = time::seconds(head.time);
        // Times beyond 292 years after the boot, which damaged logs have, wrap.
        self.mono_time = head.mono_time.cast_signed();
        self.segment = match head.segment {
            Segment::Pre => 0,
            Segment::Window => 1,
            Segment::Post => 2,
        };
        self.origin = head.origin;
    }

    #[inline]
    fn row(&mut self, frame: &Frame<'_>) -> Result<bool, Error> {
        let columns = &mut self.columns;
        let bus = if self.physical_buses { frame.bus.physical() } else { frame.bus };
        columns.timestamps.push(self.timestamp);
        columns.mono_times.push(self.mono_time);
        columns.segments.push(self.segment);
        columns.addresses.push(frame.address.0.cast_signed());
        columns.buses.push(i32::from(bus.0));
        columns.origins.push(match self.origin.unwrap_or(frame.bus.origin()) {
            Origin::Received => 0,
            Origin::Echoed => 1,
            Origin::Rejected => 2,
            Origin::Requested => 3,
        });
        columns.payloads.extend_from_slice(frame.data);
        columns.payload_ends.push(columns.payloads.len());
        if columns.payload_ends.len() == GROUP_ROWS_MAX || columns.payloads.len() > GROUP_PAYLOAD_BYTES_MAX {
            self.end_group()?;
        }
        Ok(true)
    }
}

/// The values of a group.
#[derive(Debug, Default)]
struct FrameColumns {
    timestamps: Vec<f64>,
    mono_times: Vec<i64>,
    segments: Vec<u8>,
    addresses: Vec<i32>,
    buses: Vec<i32>,
    origins: Vec<u8>,
    payloads: Vec<u8>,
    payload_ends: Vec<usize>,
}

impl Group for FrameColumns {
    fn encode(&self, encoder: &mut GroupEncoder) -> ::parquet::errors::Result<()> {
        encoder.doubles(&self.timestamps)?;
        encoder.int64s(&self.mono_times)?;
        encoder.words(&self.segments, &SEGMENTS)?;
        encoder.int32s(&self.addresses)?;
        encoder.int32s(&self.buses)?;
        encoder.words(&self.origins, &ORIGINS)?;
        encoder.payloads(&self.payloads, &self.payload_ends)
    }

    fn clear(&mut self) {
        self.timestamps.clear();
        self.mono_times.clear();
        self.segments.clear();
        self.addresses.clear();
        self.buses.clear();
        self.origins.clear();
        self.payloads.clear();
        self.payload_ends.clear();
    }
}

#[cfg(test)]
mod tests;
