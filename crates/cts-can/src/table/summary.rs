//! What was found while rows were written: counts, times, and how each log ended.
//!
//! Everything here has a bound: buses are at most 256, and of unknown kinds only the first few are listed.

use std::collections::BTreeMap;

use crate::frame::Bus;
use crate::rlog::LogEnd;
use crate::segments::Segment;
use crate::table::signals::SignalSummary;

/// How many unknown kinds are listed one by one; the others are counted together.
const UNKNOWN_KINDS_MAX: usize = 64;

/// What was found in all logs of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Rows, without the header. Where signals are decoded, the frames that were.
    pub rows: u64,
    /// Bytes of the table.
    pub output_bytes: u64,
    /// Frames that the filter left out.
    pub rows_left_out: u64,
    /// Rows before, in and after the window.
    pub segments: SegmentRows,
    /// Rows of each bus that has any, in the order of their numbers (as in the log, with echoes).
    pub buses: Vec<BusRows>,
    /// Events of any kind.
    pub events: u64,
    /// `logMonoTime` of the first `can` event, from which times are counted.
    pub time_zero: Option<u64>,
    /// The earliest time of a row, in seconds after the first `can` event.
    pub first_time: Option<f64>,
    /// The latest time of a row.
    pub last_time: Option<f64>,
    /// What was found in each log, in the order in which they were added.
    pub logs: Vec<LogSummary>,
    /// What was found of the messages of DBC files, where the table is about their signals.
    pub signals: Option<SignalSummary>,
}

impl Summary {
    /// Returns whether every log was read to its end without damage inside or at the tail.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.logs.iter().all(LogSummary::is_whole)
    }

    /// Returns how many events have a kind that the schema does not know.
    #[must_use]
    pub fn unknown_events(&self) -> u64 {
        self.logs.iter().map(|log| log.unknown_events).sum()
    }
}

/// How many rows each stretch of the log has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentRows {
    /// Before the window, or all when no window is marked.
    pub pre: u64,
    /// Inside the window.
    pub window: u64,
    /// After the window.
    pub post: u64,
}

/// How many rows a bus has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusRows {
    /// The bus as the log has it.
    pub bus: Bus,
    /// Its rows.
    pub rows: u64,
}

/// What was found in one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSummary {
    /// `can` events.
    pub can_events: u64,
    /// Frames in them.
    pub can_frames: u64,
    /// `sendcan` events.
    pub sendcan_events: u64,
    /// Frames in them.
    pub sendcan_frames: u64,
    /// Events of a kind that the schema does not know.
    pub unknown_events: u64,
    /// The unknown kinds by discriminant, each with its count; at most 64 of them.
    pub unknown_kinds: BTreeMap<u16, u64>,
    /// Events that were left out because they are broken inside.
    pub bad_events: u64,
    /// How reading ended: messages, bytes, damage.
    pub end: LogEnd,
}

impl LogSummary {
    /// Returns whether the log was read to its end without damage inside or at the tail.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.bad_events == 0 && self.end.damage.is_none()
    }
}

/// What is counted while a log is read.
#[derive(Debug, Default)]
pub(super) struct LogCounts {
    pub(super) can_events: u64,
    pub(super) can_frames: u64,
    pub(super) sendcan_events: u64,
    pub(super) sendcan_frames: u64,
    pub(super) bad_events: u64,
    unknown_events: u64,
    unknown_kinds: BTreeMap<u16, u64>,
}

impl LogCounts {
    pub(super) fn count_unknown(&mut self, kind: u16) {
        self.unknown_events += 1;
        if self.unknown_kinds.len() < UNKNOWN_KINDS_MAX || self.unknown_kinds.contains_key(&kind) {
            *self.unknown_kinds.entry(kind).or_default() += 1;
        }
    }

    pub(super) fn into_summary(self, end: LogEnd) -> LogSummary {
        LogSummary {
            can_events: self.can_events,
            can_frames: self.can_frames,
            sendcan_events: self.sendcan_events,
            sendcan_frames: self.sendcan_frames,
            unknown_events: self.unknown_events,
            unknown_kinds: self.unknown_kinds,
            bad_events: self.bad_events,
            end,
        }
    }
}

/// What is counted while rows are written.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) rows: u64,
    pub(super) rows_left_out: u64,
    pub(super) events: u64,
    buses: Box<[u64; 256]>,
    segments: SegmentRows,
    first_time: f64,
    last_time: f64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            rows: 0,
            rows_left_out: 0,
            events: 0,
            buses: Box::new([0; 256]),
            segments: SegmentRows::default(),
            first_time: f64::INFINITY,
            last_time: f64::NEG_INFINITY,
        }
    }
}

impl Counts {
    #[inline]
    pub(super) fn count_row(&mut self, bus: Bus) {
        self.rows += 1;
        self.buses[usize::from(bus.0)] += 1;
    }

    /// Counts the rows of one event a second time, by what they share.
    pub(super) fn count_event_rows(&mut self, segment: Segment, seconds: f64, rows: u64) {
        if rows == 0 {
            return;
        }
        self.first_time = self.first_time.min(seconds);
        self.last_time = self.last_time.max(seconds);
        *match segment {
            Segment::Pre => &mut self.segments.pre,
            Segment::Window => &mut self.segments.window,
            Segment::Post => &mut self.segments.post,
        } += rows;
    }

    pub(super) fn into_summary(self, output_bytes: u64, time_zero: Option<u64>, logs: Vec<LogSummary>) -> Summary {
        let bus_rows = |(number, &rows)| BusRows { bus: Bus(number), rows };
        Summary {
            rows: self.rows,
            output_bytes,
            rows_left_out: self.rows_left_out,
            segments: self.segments,
            buses: (0..=u8::MAX).zip(self.buses.iter()).map(bus_rows).filter(|bus| bus.rows > 0).collect(),
            events: self.events,
            time_zero,
            first_time: (self.rows > 0).then_some(self.first_time),
            last_time: (self.rows > 0).then_some(self.last_time),
            logs,
            signals: None,
        }
    }
}
