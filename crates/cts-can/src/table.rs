//! Frames to the rows of a table: the `rlog-to-csv` analysis, from any reader to any writer, in several formats.
//!
//! Rows come in the order of the log, one a frame. Nothing is sorted and nothing is left out unless a filter says
//! so. Memory does not grow with the log. Where the log is damaged the rows before the damage are written and the
//! [`Summary`] tells the rest.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;

// What comes in.
mod early;
pub mod read;
// What goes out.
mod candump;
mod csv;
mod digits;
mod lines;
mod ndjson;
mod parquet;
pub mod signals;
mod sink;
// What is told.
mod summary;

pub use summary::{BusRows, LogSummary, SegmentRows, Summary};

use crate::filter::{FrameFilter, PreparedFilter};
use crate::frame::{Frame, Origin};
use crate::progress::Progress;
use crate::rlog::{Event, EventKind, LogReader};
use crate::segments::WindowRule;
use crate::{Error, PointerFault, time};
use early::EarlyFrames;
use signals::{GivenDbc, SignalFormat, SignalSink, SignalSummary};
use sink::{RowHead, RowSink, Sink};
use summary::{Counts, LogCounts};

/// How a table of frames is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// A CSV file with these columns.
    Csv(Columns),
    /// One JSON object a line: `timestamp`, `log_mono_time`, `segment`, `address`, `bus`, `origin`, `data`.
    Ndjson,
    /// The lines of `candump -l`.
    Candump,
    /// A Parquet file: `timestamp`, `log_mono_time`, `segment`, `address`, `bus`, `origin`, `data`.
    Parquet,
}

impl Default for TableFormat {
    fn default() -> Self {
        Self::Csv(Columns::default())
    }
}

/// Which columns a CSV table of frames has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Columns {
    /// `window,segment,timestamp,address,bus,data_hex`, lines ended by CR LF.
    #[default]
    Basic,
    /// The basic ones, then `log_mono_time` (nanoseconds since boot), `origin` (see [`Origin::name`]) and
    /// `format` (`standard` or `extended`, with `_fd` where the payload is longer than 8 bytes).
    Extended,
    /// `time,addr,bus,data` as openpilot's Cabana exports and imports them, lines ended by LF.
    Cabana,
}

/// What the column `timestamp` counts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeOrigin {
    /// The first `can` event of the first log.
    #[default]
    FirstCan,
    /// The boot of the device. The window and the filter stay relative to the first `can` event.
    Boot,
}

/// What a user can choose about a table of frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableOptions {
    /// The window that decides the column `segment`.
    pub window: WindowRule,
    /// Which frames become rows.
    pub filter: FrameFilter,
    /// Whether frames of `sendcan` events become rows too.
    pub include_sendcan: bool,
    /// Whether the column `bus` tells the bus only, without the marks of echoes (128) and refused frames (192).
    pub physical_buses: bool,
    /// How the rows are written.
    pub format: TableFormat,
    /// What the column `timestamp` counts from.
    pub time_origin: TimeOrigin,
    /// Whether damage and unknown kinds of event end the analysis with an error.
    pub strict: bool,
}

/// Writes the frames of one log as rows; for several logs see [`Conversion`].
///
/// `progress` is called about every quarter of a megabyte of the decompressed log.
///
/// # Errors
/// When the log cannot be read or the rows cannot be written, and for damage where the options are strict.
pub fn write_table(
    log: impl Read + Send,
    out: impl Write + Send,
    options: &TableOptions,
    mut progress: impl FnMut(Progress),
) -> Result<Summary, Error> {
    let mut conversion = Conversion::new(out, options)?;
    conversion.add_log(log, &mut progress)?;
    conversion.finish()
}

/// Writes the frames of several logs into one table, one after another.
///
/// The logs belong together: times of all of them count from the first `can` event of the first one.
/// Rows wait in a buffer until [`Conversion::finish`], which every table needs.
pub struct Conversion<W: Write + Send> {
    sink: Sink<W>,
    window: WindowRule,
    filter: PreparedFilter,
    include_sendcan: bool,
    time_origin: TimeOrigin,
    strict: bool,
    /// `logMonoTime` of the first `can` event.
    time_zero: Option<u64>,
    early: EarlyFrames,
    counts: Counts,
    logs: Vec<LogSummary>,
}

impl Conversion<io::Sink> {
    /// Begins to find the messages of the DBC files that occur, and writes nothing.
    pub fn survey(options: &TableOptions, dbcs: Arc<[GivenDbc]>) -> Self {
        let sink = SignalSink::survey(dbcs, options.physical_buses);
        Self::with_sink(Sink::Signals(Box::new(sink)), options)
    }
}

impl<W: Write + Send> Conversion<W> {
    /// Begins a table with its header.
    ///
    /// # Errors
    /// When the beginning of the table cannot be written.
    pub fn new(out: W, options: &TableOptions) -> Result<Self, Error> {
        Ok(Self::with_sink(Sink::new(out, options)?, options))
    }

    /// Begins a table for each message of the DBC files, each made when the message is first seen and called
    /// `<bus>-<message>`. Of several files that know a message the first decides. The format of `options` has no
    /// meaning here.
    pub fn messages(
        options: &TableOptions,
        dbcs: Arc<[GivenDbc]>,
        format: SignalFormat,
        make: signals::MakeFile<W>,
    ) -> Self {
        let sink = SignalSink::messages(dbcs, options.physical_buses, format, make);
        Self::with_sink(Sink::Signals(Box::new(sink)), options)
    }

    /// Begins one table of all messages that [`Conversion::survey`] has found: a row for each event that has any of
    /// them, a column for each signal, and in it the last value.
    ///
    /// # Errors
    /// When there are more signals than a table has columns, or the beginning of the table cannot be written.
    pub fn wide(
        out: W,
        options: &TableOptions,
        dbcs: Arc<[GivenDbc]>,
        format: SignalFormat,
        found: &SignalSummary,
    ) -> Result<Self, Error> {
        let sink = SignalSink::wide(dbcs, options.physical_buses, format, found, out)?;
        Ok(Self::with_sink(Sink::Signals(Box::new(sink)), options))
    }

    fn with_sink(sink: Sink<W>, options: &TableOptions) -> Self {
        Self {
            sink,
            window: options.window,
            filter: PreparedFilter::new(&options.filter),
            include_sendcan: options.include_sendcan,
            time_origin: options.time_origin,
            strict: options.strict,
            time_zero: None,
            early: EarlyFrames::default(),
            counts: Counts::default(),
            logs: Vec::new(),
        }
    }

    /// Adds the rows of a log and returns what was found in it.
    ///
    /// A second thread decompresses ahead while rows are written. The times of several logs fit together only
    /// when they are added in the order in which they were recorded.
    ///
    /// # Errors
    /// As for [`write_table`]; the rows before the error are written all the same, and none can be added then.
    pub fn add_log(&mut self, log: impl Read + Send, progress: &mut dyn FnMut(Progress)) -> Result<&LogSummary, Error> {
        let result = thread::scope(|scope| self.convert(&mut LogReader::ahead(scope, log), progress));
        if let Err(error) = result {
            if !matches!(error, Error::Write(_)) {
                self.sink.finish()?;
            }
            return Err(error);
        }
        Ok(self.logs.last().expect("a log that was read has left its summary"))
    }

    /// Writes what is still buffered and tells what was found in all logs.
    ///
    /// # Errors
    /// When the rows cannot be written.
    pub fn finish(mut self) -> Result<Summary, Error> {
        self.release_early_frames()?;
        self.sink.finish()?;
        let signals = self.sink.signal_summary();
        let summary = self.counts.into_summary(self.sink.bytes_written(), self.time_zero, self.logs);
        Ok(Summary { signals, ..summary })
    }

    fn convert(&mut self, log: &mut LogReader<'_>, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        let number = self.logs.len();
        let events_before = self.counts.events;
        let mut found = LogCounts::default();
        let mut told_bytes = 0;
        loop {
            let message = log.messages();
            let Some(event) = log.next_event()? else { break };
            self.take_event(message, event, &mut found)?;
            self.counts.events += 1;
            if log.packed_bytes() != told_bytes {
                told_bytes = log.packed_bytes();
                progress(self.progress(number, told_bytes));
            }
        }
        let end = log.end().expect("a log without a next event has ended").clone();
        debug_assert_eq!(end.messages, self.counts.events - events_before, "every message is one event");
        progress(self.progress(number, end.packed_bytes));
        let damage = end.damage.clone();
        self.logs.push(found.into_summary(end));
        match damage {
            Some(damage) if self.strict => Err(Error::Damaged(damage)),
            _ => Ok(()),
        }
    }

    fn progress(&self, log: usize, packed_bytes: u64) -> Progress {
        Progress { log, packed_bytes, events: self.counts.events, rows: self.counts.rows }
    }

    fn take_event(
        &mut self,
        message: u64,
        event: Result<Event<'_>, PointerFault>,
        found: &mut LogCounts,
    ) -> Result<(), Error> {
        let (event, frames) = match event.and_then(|event| Ok((event, event.frames()?))) {
            Ok(opened) => opened,
            Err(fault) if self.strict => return Err(Error::BadEvent { message, fault }),
            Err(_) => {
                found.bad_events += 1;
                return Ok(());
            }
        };
        match event.kind {
            EventKind::Can => {
                found.can_events += 1;
                found.can_frames += frames.len() as u64;
                if self.time_zero.is_none() {
                    self.time_zero = Some(event.mono_time);
                    self.release_early_frames()?;
                }
                self.write_frames(event.mono_time, None, frames)
            }
            EventKind::SendCan => {
                found.sendcan_events += 1;
                found.sendcan_frames += frames.len() as u64;
                if !self.include_sendcan {
                    return Ok(());
                }
                if self.time_zero.is_none() && self.early.hold(event.mono_time, frames.clone()) {
                    return Ok(());
                }
                self.release_early_frames()?;
                self.time_zero.get_or_insert(event.mono_time);
                self.write_frames(event.mono_time, Some(Origin::Requested), frames)
            }
            EventKind::Unknown(kind) if self.strict => Err(Error::UnknownEvent { message, kind }),
            EventKind::Unknown(kind) => {
                found.count_unknown(kind);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Writes the frames that waited for the first `can` event. Without one the first of them sets the time.
    fn release_early_frames(&mut self) -> Result<(), Error> {
        let early = std::mem::take(&mut self.early);
        for (mono_time, frame) in early.frames() {
            self.time_zero.get_or_insert(mono_time);
            self.write_frames(mono_time, Some(Origin::Requested), [frame].into_iter())?;
        }
        Ok(())
    }

    /// Writes frames of one event; `origin` is given where the frames themselves do not tell it.
    fn write_frames<'f>(
        &mut self,
        mono_time: u64,
        origin: Option<Origin>,
        frames: impl ExactSizeIterator<Item = Frame<'f>>,
    ) -> Result<(), Error> {
        let time_zero = self.time_zero.expect("the time is set before the first row");
        let since_first = time::difference(mono_time, time_zero);
        let seconds = time::seconds(since_first);
        if !self.filter.takes_time(seconds) {
            self.counts.rows_left_out += frames.len() as u64;
            return Ok(());
        }
        let shown = match self.time_origin {
            TimeOrigin::FirstCan => since_first,
            TimeOrigin::Boot => time::difference(mono_time, 0),
        };
        let segment = self.window.segment(seconds);
        let head = RowHead { segment, time: shown, mono_time, origin };
        let rows_before = self.counts.rows;
        let Self { sink, filter, counts, .. } = self;
        match sink {
            Sink::Csv(rows) => put_rows(rows, &head, filter, counts, frames),
            Sink::Cabana(rows) => put_rows(rows, &head, filter, counts, frames),
            Sink::Ndjson(rows) => put_rows(rows, &head, filter, counts, frames),
            Sink::Candump(rows) => put_rows(rows, &head, filter, counts, frames),
            Sink::Parquet(rows) => put_rows(rows.as_mut(), &head, filter, counts, frames),
            Sink::Signals(signals) => put_rows(signals.as_mut(), &head, filter, counts, frames),
        }?;
        self.counts.count_event_rows(segment, seconds, self.counts.rows - rows_before);
        Ok(())
    }
}

/// Gives the chosen frames of an event to a sink and counts them.
#[inline]
fn put_rows<'f>(
    sink: &mut impl RowSink,
    head: &RowHead,
    filter: &PreparedFilter,
    counts: &mut Counts,
    frames: impl Iterator<Item = Frame<'f>>,
) -> Result<(), Error> {
    sink.begin_event(head);
    for frame in frames {
        if filter.takes_frame(&frame) {
            if sink.row(&frame)? {
                counts.count_row(frame.bus);
            }
        } else {
            counts.rows_left_out += 1;
        }
    }
    sink.end_event()
}
