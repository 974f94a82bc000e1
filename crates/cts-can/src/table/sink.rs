//! Where the rows of a table go: one sink for each format.
//!
//! A sink is given events in their order, and of each the frames that were chosen. It does not judge them and counts
//! nothing but its own bytes.

use std::io::Write;

use super::candump::CandumpLine;
use super::csv::{CabanaLine, CsvLine};
use super::lines::LineWriter;
use super::ndjson::NdjsonLine;
use super::parquet::ParquetRows;
use super::signals::{SignalSink, SignalSummary};
use super::{Columns, TableFormat, TableOptions};
use crate::Error;
use crate::frame::{Frame, Origin};
use crate::segments::Segment;

/// What the rows of one event share.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowHead {
    pub(super) segment: Segment,
    /// Nanoseconds to be shown as seconds.
    pub(super) time: i128,
    pub(super) mono_time: u64,
    /// What happened to the frames, where their bus does not tell it.
    pub(super) origin: Option<Origin>,
}

/// Takes rows.
pub(super) trait RowSink {
    /// Begins the next event.
    fn begin_event(&mut self, head: &RowHead);

    /// Takes a frame of the event; returns whether it is one that the table is about.
    fn row(&mut self, frame: &Frame<'_>) -> Result<bool, Error>;

    /// Ends the event.
    fn end_event(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// The sink of a format.
pub(super) enum Sink<W: Write + Send> {
    Csv(LineWriter<W, CsvLine>),
    Cabana(LineWriter<W, CabanaLine>),
    Ndjson(LineWriter<W, NdjsonLine>),
    Candump(LineWriter<W, CandumpLine>),
    Parquet(Box<ParquetRows<W>>),
    Signals(Box<SignalSink<W>>),
}

impl<W: Write + Send> Sink<W> {
    pub(super) fn new(out: W, options: &TableOptions) -> Result<Self, Error> {
        let physical = options.physical_buses;
        Ok(match options.format {
            TableFormat::Csv(Columns::Basic) => Self::Csv(LineWriter::new(out, CsvLine::basic(), physical)),
            TableFormat::Csv(Columns::Extended) => Self::Csv(LineWriter::new(out, CsvLine::extended(), physical)),
            TableFormat::Csv(Columns::Cabana) => Self::Cabana(LineWriter::new(out, CabanaLine::default(), physical)),
            TableFormat::Ndjson => Self::Ndjson(LineWriter::new(out, NdjsonLine::default(), physical)),
            TableFormat::Candump => Self::Candump(LineWriter::new(out, CandumpLine::default(), physical)),
            TableFormat::Parquet => Self::Parquet(Box::new(ParquetRows::new(out, physical)?)),
        })
    }

    /// Writes everything that waits, and what a file ends with. No row may follow.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match self {
            Self::Csv(rows) => rows.flush(),
            Self::Cabana(rows) => rows.flush(),
            Self::Ndjson(rows) => rows.flush(),
            Self::Candump(rows) => rows.flush(),
            Self::Parquet(rows) => rows.finish(),
            Self::Signals(signals) => signals.finish(),
        }
    }

    /// Returns how many bytes were written, without those that still wait.
    pub(super) fn bytes_written(&self) -> u64 {
        match self {
            Self::Csv(rows) => rows.bytes_written(),
            Self::Cabana(rows) => rows.bytes_written(),
            Self::Ndjson(rows) => rows.bytes_written(),
            Self::Candump(rows) => rows.bytes_written(),
            Self::Parquet(rows) => rows.bytes_written(),
            Self::Signals(signals) => signals.bytes_written(),
        }
    }

    /// Returns what was found of the messages of DBC files, where these are what the table is about.
    pub(super) fn signal_summary(&self) -> Option<SignalSummary> {
        if let Self::Signals(signals) = self { Some(signals.summary()) } else { None }
    }
}
