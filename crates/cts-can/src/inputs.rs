//! What an analysis reads: driving logs and tables of their frames, one after another, told apart by what they hold.
//!
//! A log is decompressed ahead on a second thread. Broken and unknown events are counted and cost only themselves,
//! unless the caller is strict. Nothing is held: an analysis takes what comes, in the order of the input, through
//! the trait `Take`.

use std::io::{Cursor, ErrorKind, Read};
use std::thread;

use crate::progress::Progress;
use crate::rlog::{Event, EventKind, Frames, LogEnd, LogReader};
use crate::table::read::{FrameReader, FrameRow};
use crate::{Error, PointerFault, time};

/// Rows of a table between two calls of a caller's `progress`.
const ROWS_PER_PROGRESS: u64 = 16_384;

/// What an input turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A driving log, plain or compressed.
    Log,
    /// A table of frames as text.
    Table,
}

impl InputKind {
    /// How many bytes tell the kind.
    pub const PREFIX_BYTES: usize = 8;

    /// Returns the kind of an input that begins so.
    #[must_use]
    pub fn of(prefix: &[u8]) -> Self {
        let is_packed = prefix.starts_with(b"BZh") || prefix.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]);
        // A plain log begins with a count of at most 512 in four bytes, so it has zero bytes; text has none.
        if is_packed || prefix.contains(&0) { Self::Log } else { Self::Table }
    }

    /// Returns the word for it in summaries: `log` or `table`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Table => "table",
        }
    }
}

/// What was found in one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSummary {
    /// What it is.
    pub kind: InputKind,
    /// Frames.
    pub rows: u64,
    /// Events of kinds that are not known.
    pub unknown_events: u64,
    /// Events that are broken inside.
    pub bad_events: u64,
    /// How a log ended.
    pub log_end: Option<LogEnd>,
}

/// When an event was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventTime {
    mono_time: u64,
    /// That of the first `can` event of the first log.
    zero: u64,
}

impl EventTime {
    /// Returns the seconds since the first `can` event of the first log, as exact as they are known.
    pub(crate) fn seconds(self) -> f64 {
        time::seconds(self.since_zero())
    }

    /// Returns the seconds since the device booted.
    pub(crate) fn seconds_since_boot(self) -> f64 {
        time::seconds(i128::from(self.mono_time))
    }

    /// Returns the seconds that the log's table shows, those with six decimals: so the analysis of a log is that of its
    /// table.
    pub(crate) fn printed_seconds(self) -> f64 {
        time::printed_seconds(self.since_zero())
    }

    fn since_zero(self) -> i128 {
        time::difference(self.mono_time, self.zero)
    }
}

/// What an analysis does with what the inputs hold.
pub(crate) trait Take {
    /// Takes the frames of a `can` event.
    fn frames(&mut self, time: EventTime, frames: Frames<'_>) -> Result<(), Error>;

    /// Takes a row of a table.
    fn row(&mut self, row: &FrameRow<'_>) -> Result<(), Error>;

    /// Takes an event of another kind that is known. A fault of it makes it a broken one. Before the first `can` event
    /// nothing is there that its time could count from.
    fn event(&mut self, time: Option<EventTime>, event: &Event<'_>) -> Result<(), PointerFault> {
        let _ = (time, event);
        Ok(())
    }

    /// Returns how many frames were taken, for the progress.
    fn frames_taken(&self) -> u64;
}

/// Reads inputs that follow one another in time.
#[derive(Debug)]
pub(crate) struct Inputs {
    is_strict: bool,
    time_zero: Option<u64>,
    events: u64,
    read: Vec<InputSummary>,
}

impl Inputs {
    /// Returns a reader that has read nothing so far; a strict one fails where anything is damaged or not known.
    pub(crate) fn new(is_strict: bool) -> Self {
        Self { is_strict, time_zero: None, events: 0, read: Vec::new() }
    }

    /// Returns `logMonoTime` of the first `can` event of the first log.
    pub(crate) fn time_zero(&self) -> Option<u64> {
        self.time_zero
    }

    /// Returns what was found in each input.
    pub(crate) fn into_summaries(self) -> Vec<InputSummary> {
        self.read
    }

    /// Reads an input to its end and returns what was found in it.
    ///
    /// Times of all logs count from the first `can` event of the first one; the times of a table are its own.
    ///
    /// # Errors
    /// When the input cannot be read, a row of a table is no frame, damage is met by a strict reader, or `take` does not
    /// take what comes.
    pub(crate) fn read(
        &mut self,
        mut input: impl Read + Send,
        take: &mut impl Take,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<&InputSummary, Error> {
        let prefix = read_prefix(&mut input)?;
        let kind = InputKind::of(&prefix);
        let input = Cursor::new(prefix).chain(input);
        let rows_before = take.frames_taken();
        let mut found = InputSummary { kind, rows: 0, unknown_events: 0, bad_events: 0, log_end: None };
        match kind {
            InputKind::Table => self.read_table(input, take, progress)?,
            InputKind::Log => {
                thread::scope(|scope| self.read_log(&mut LogReader::ahead(scope, input), &mut found, take, progress))?;
            }
        }
        found.rows = take.frames_taken() - rows_before;
        self.read.push(found);
        Ok(self.read.last().expect("it was pushed above"))
    }

    fn progress(&self, packed_bytes: u64, rows: u64) -> Progress {
        Progress { log: self.read.len(), packed_bytes, events: self.events, rows }
    }

    fn read_table(
        &mut self,
        input: impl Read,
        take: &mut impl Take,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let mut table = FrameReader::new(input);
        loop {
            if table.rows().is_multiple_of(ROWS_PER_PROGRESS) {
                progress(self.progress(table.bytes_read(), take.frames_taken()));
            }
            let Some(row) = table.next_row()? else { break };
            take.row(&row)?;
        }
        progress(self.progress(table.bytes_read(), take.frames_taken()));
        Ok(())
    }

    fn read_log(
        &mut self,
        log: &mut LogReader<'_>,
        found: &mut InputSummary,
        take: &mut impl Take,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), Error> {
        let mut told_bytes = 0;
        loop {
            let message = log.messages();
            let Some(event) = log.next_event()? else { break };
            self.read_event(message, event, found, take)?;
            self.events += 1;
            if log.packed_bytes() != told_bytes {
                told_bytes = log.packed_bytes();
                progress(self.progress(told_bytes, take.frames_taken()));
            }
        }
        let end = log.end().expect("a log without a next event has ended").clone();
        progress(self.progress(end.packed_bytes, take.frames_taken()));
        let damage = end.damage.clone().filter(|_| self.is_strict);
        found.log_end = Some(end);
        damage.map_or(Ok(()), |damage| Err(Error::Damaged(damage)))
    }

    fn read_event(
        &mut self,
        message: u64,
        event: Result<Event<'_>, PointerFault>,
        found: &mut InputSummary,
        take: &mut impl Take,
    ) -> Result<(), Error> {
        let opened = event.and_then(|event| Ok((event, event.frames()?)));
        let taken = match opened {
            Ok((event, frames)) => match event.kind {
                EventKind::Can => {
                    let zero = *self.time_zero.get_or_insert(event.mono_time);
                    return take.frames(EventTime { mono_time: event.mono_time, zero }, frames);
                }
                EventKind::Unknown(kind) if self.is_strict => return Err(Error::UnknownEvent { message, kind }),
                EventKind::Unknown(_) => {
                    found.unknown_events += 1;
                    return Ok(());
                }
                _ => {
                    let time = self.time_zero.map(|zero| EventTime { mono_time: event.mono_time, zero });
                    take.event(time, &event)
                }
            },
            Err(fault) => Err(fault),
        };
        match taken {
            Err(fault) if self.is_strict => Err(Error::BadEvent { message, fault }),
            Err(_) => {
                found.bad_events += 1;
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

fn read_prefix(input: &mut impl Read) -> Result<Vec<u8>, Error> {
    let mut prefix = vec![0; InputKind::PREFIX_BYTES];
    let mut filled = 0;
    while filled < prefix.len() {
        match input.read(&mut prefix[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::Read { packed_bytes: filled as u64, source }),
        }
    }
    prefix.truncate(filled);
    Ok(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_input_is_stands_in_its_first_bytes() {
        let kinds = [
            (&b"BZh91AY&"[..], InputKind::Log),
            (&[0x28, 0xB5, 0x2F, 0xFD, 4, 4, 4, 4], InputKind::Log),
            (&[0, 0, 0, 0, 9, 0, 0, 0], InputKind::Log),
            (b"timestam", InputKind::Table),
            (b"", InputKind::Table),
        ];
        for (prefix, kind) in kinds {
            assert_eq!(InputKind::of(prefix), kind, "{prefix:?}");
        }
    }
}
