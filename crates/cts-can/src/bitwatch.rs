//! Which bits changed only while the user did something: the `can-bitwatch` analysis, from frames to tables.
//!
//! The input is a driving log or a table of its frames, told apart by what they hold. Frames are looked at once, in the
//! order of time; where they come in another order they are held until the end, if the caller allows that. Two modes:
//! [`Mode::Compat`] gives the tables of the Python tool byte for byte, [`Mode::Native`] looks at every bus, byte and
//! polarity and ranks what it finds.

use std::io::{Read, Write};

mod compat;
mod hold;
mod native;
mod pattern;
mod payloads;
mod streams;
mod tables;
mod watch;
mod windows;

pub use crate::fields::{Field, FieldKind};
pub use native::{Candidate, WindowPulses};
pub use pattern::{PULSES_MAX, PatternFault, PulsePattern};
pub use streams::STREAMS_MAX;
pub use watch::{Watch, WatchFault};
pub use windows::{WINDOWS_MAX, Window, WindowsFault, check_windows};

use crate::Error;
use crate::error::RowFault;
use crate::frame::{Address, Bus};
use crate::inputs::{EventTime, InputSummary, Inputs, Take};
use crate::progress::Progress;
use crate::rlog::Frames;
use crate::segments::Segment;
use crate::table::read::FrameRow;
use compat::Compat;
use hold::{Held, HeldRow};
use native::{BYTES_MAX, Native};
use streams::{Counted, Streams};
use windows::segment_of;

/// What the analysis is true to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The frames: buses apart, every byte, true levels, both polarities.
    #[default]
    Native,
    /// The Python tool: one stream for each address, 8 bytes, levels that begin at 0.
    Compat,
}

/// What a user can choose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BitwatchOptions {
    /// What the analysis is true to.
    pub mode: Mode,
    /// When the user did it. Without any, a table's own segments are taken, and a log has no window.
    pub windows: Vec<Window>,
    /// Where relative times and the search for pulses begin, instead of where the first window does.
    pub window_start: Option<f64>,
    /// Which pulses are looked for; the Python tool knows the default only.
    pub pattern: PulsePattern,
    /// Bits whose every edge is told.
    pub watch: Vec<Watch>,
    /// Whether frames are held until the end and sorted by time: takes memory for each of them.
    pub holds_rows: bool,
    /// Whether damage and unknown kinds of event end the analysis with an error.
    pub strict: bool,
}

/// Looks at the frames of one or more inputs that follow one another in time.
#[derive(Debug)]
pub struct Bitwatch {
    inputs: Inputs,
    looking: Looking,
}

/// What was seen so far.
#[derive(Debug)]
struct Looking {
    options: BitwatchOptions,
    streams: Streams,
    hunt: Hunt,
    held: Held,
    last_time: Option<f64>,
    rows: u64,
    rows_left_out: u64,
}

/// The part that is different in each mode.
#[derive(Debug)]
enum Hunt {
    Compat(Box<Compat>),
    Native(Box<Native>),
}

impl Bitwatch {
    /// Begins an analysis.
    #[must_use]
    pub fn new(options: BitwatchOptions) -> Self {
        let hunt = match options.mode {
            Mode::Compat => Hunt::Compat(Box::new(Compat::new(&options))),
            Mode::Native => Hunt::Native(Box::new(Native::new(&options))),
        };
        let looking = Looking {
            streams: Streams::new(options.mode == Mode::Compat),
            options,
            hunt,
            held: Held::default(),
            last_time: None,
            rows: 0,
            rows_left_out: 0,
        };
        Self { inputs: Inputs::new(looking.options.strict), looking }
    }

    /// Looks at an input and returns what was found in it.
    ///
    /// Times of all logs count from the first `can` event of the first one; the times of a table are its own.
    ///
    /// # Errors
    /// When the input cannot be read, a row of a table is no frame, frames are not in the order of time and are not to
    /// be held, or damage is met where the options are strict.
    pub fn add(&mut self, input: impl Read + Send, progress: &mut dyn FnMut(Progress)) -> Result<&InputSummary, Error> {
        self.inputs.read(input, &mut self.looking, progress)
    }

    /// Ends the analysis.
    ///
    /// # Errors
    /// When the segments of a table begin more windows than are told apart.
    pub fn finish(self) -> Result<Analysis, Error> {
        let Looking { options, streams, mut hunt, held, rows, rows_left_out, .. } = self.looking;
        held.each_by_time(|row| hunt.row(&streams, row))?;
        let found = match hunt {
            Hunt::Compat(compat) => Found::Compat(Box::new(compat.finish(&streams))),
            Hunt::Native(native) => Found::Native(Box::new(native.finish(&streams))),
        };
        let (time_zero, inputs) = (self.inputs.time_zero(), self.inputs.into_summaries());
        Ok(Analysis { options, streams, found, time_zero, rows, rows_left_out, inputs })
    }
}

impl Take for Looking {
    fn frames(&mut self, time: EventTime, frames: Frames<'_>) -> Result<(), Error> {
        // The table of the log has the stretch of the exact time and the time with six decimals.
        let segment = segment_of(&self.options.windows, time.seconds()).unwrap_or(Segment::Pre);
        let shown = time.printed_seconds();
        for frame in frames {
            self.take(shown, segment, frame.bus, frame.address, frame.data)?;
        }
        Ok(())
    }

    #[inline]
    fn row(&mut self, row: &FrameRow<'_>) -> Result<(), Error> {
        let Some(segment) = segment_of(&self.options.windows, row.time).or(row.segment) else {
            return Err(Error::BadRow { line: row.line, fault: RowFault::NoSegment });
        };
        self.take(row.time, segment, row.bus, row.address, row.data)
    }

    fn frames_taken(&self) -> u64 {
        self.rows
    }
}

impl Looking {
    /// Takes one frame, counted in the order of the input and hunted in the order of time.
    #[inline]
    fn take(&mut self, time: f64, segment: Segment, bus: Bus, address: Address, data: &[u8]) -> Result<(), Error> {
        self.rows += 1;
        // Longer ones are no frames of any bus; what is kept of a payload has a bound.
        let data = if self.options.mode == Mode::Native { &data[..data.len().min(BYTES_MAX)] } else { data };
        let counted = match self.streams.count(segment, bus, address, data) {
            Err(Error::TooManyAddresses(_)) if self.options.mode == Mode::Native => {
                self.rows_left_out += 1;
                return Ok(());
            }
            counted => counted?,
        };
        if let Hunt::Native(native) = &mut self.hunt
            && counted.is_new
        {
            native.sample(counted.stream, data);
        }
        let Counted { stream, is_repeat, .. } = counted;
        let row = HeldRow { time, segment, stream, is_repeat, data };
        if self.options.holds_rows {
            self.held.hold(&row);
            return Ok(());
        }
        match self.last_time {
            Some(after) if time < after => return Err(Error::OutOfOrder { time, after }),
            _ => self.last_time = Some(time),
        }
        self.hunt.row(&self.streams, &row)
    }
}

impl Hunt {
    #[inline]
    fn row(&mut self, streams: &Streams, row: &HeldRow<'_>) -> Result<(), Error> {
        match self {
            Self::Compat(compat) => compat.row(streams, row),
            Self::Native(native) => native.row(streams, row)?,
        }
        Ok(())
    }
}

/// What an analysis found.
#[derive(Debug)]
pub struct Analysis {
    options: BitwatchOptions,
    streams: Streams,
    found: Found,
    time_zero: Option<u64>,
    rows: u64,
    rows_left_out: u64,
    inputs: Vec<InputSummary>,
}

#[derive(Debug)]
enum Found {
    Compat(Box<compat::Found>),
    Native(Box<native::Found>),
}

/// One of the files that tell what was found; the name of each is [`Table::suffix`] behind the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Frames of each stream before, in and after the window.
    Counts,
    /// The most frequent payloads of each stream.
    PerAddress,
    /// Every edge of the watched bits.
    BitEdges,
    /// Bits that toggled in the window only.
    Candidates,
    /// The pulses of these bits.
    Pulses,
    /// Counters and checksums; in native mode only.
    Fields,
}

impl Table {
    /// Returns the end of the file's name.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Counts => "counts.csv",
            Self::PerAddress => "per_address.json",
            Self::BitEdges => "bit_edges.csv",
            Self::Candidates => "candidates_window_only.csv",
            Self::Pulses => "accel_hunt.csv",
            Self::Fields => "fields.csv",
        }
    }
}

impl Analysis {
    /// Returns the tables that there are, in the order in which they are written.
    #[must_use]
    pub fn tables(&self) -> &'static [Table] {
        const ALL: [Table; 6] =
            [Table::Counts, Table::PerAddress, Table::BitEdges, Table::Candidates, Table::Pulses, Table::Fields];
        match self.found {
            Found::Compat(_) => &ALL[..5],
            Found::Native(_) => &ALL,
        }
    }

    /// Writes a table.
    ///
    /// # Errors
    /// When the output does not take it.
    pub fn write(&self, table: Table, out: &mut dyn Write) -> Result<(), Error> {
        let written = match &self.found {
            Found::Compat(found) => tables::compat(found, &self.streams, &self.options, table, out),
            Found::Native(found) => tables::native(found, &self.streams, &self.options, table, out),
        };
        written.and_then(|()| out.flush()).map_err(Error::Write)
    }

    /// Returns how many frames were read.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns how many frames were not looked at, because there are more addresses than [`STREAMS_MAX`].
    #[must_use]
    pub fn rows_left_out(&self) -> u64 {
        self.rows_left_out
    }

    /// Returns the frames before, in and after the window.
    #[must_use]
    pub fn rows_by_segment(&self) -> [u64; 3] {
        let mut rows = [0; 3];
        for stream in self.streams.all() {
            for (sum, frames) in rows.iter_mut().zip(stream.frames) {
                *sum += frames;
            }
        }
        rows
    }

    /// Returns how many streams (bus and address) there are; in compat mode addresses.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.all().len()
    }

    /// Returns how many distinct payloads the streams have in all.
    #[must_use]
    pub fn distinct_payloads(&self) -> usize {
        self.streams.distinct_payloads()
    }

    /// Returns `logMonoTime` of the first `can` event of the first log.
    #[must_use]
    pub fn time_zero(&self) -> Option<u64> {
        self.time_zero
    }

    /// Returns what was found in each input.
    #[must_use]
    pub fn inputs(&self) -> &[InputSummary] {
        &self.inputs
    }

    /// Returns the windows as they were found: the first and the last frame of each.
    #[must_use]
    pub fn windows(&self) -> Vec<Window> {
        match &self.found {
            Found::Compat(found) => found.windows(),
            Found::Native(found) => found.windows.clone(),
        }
    }

    /// Returns how many edges of watched bits there are.
    #[must_use]
    pub fn edges(&self) -> usize {
        match &self.found {
            Found::Compat(found) => found.edges.len(),
            Found::Native(found) => found.edges.len(),
        }
    }

    /// Returns how many bits toggled in the window only, and how many of them show the pattern.
    #[must_use]
    pub fn candidate_counts(&self) -> (usize, usize) {
        match &self.found {
            Found::Compat(found) => {
                (found.candidates.len(), found.candidates.iter().filter(|found| found.is_valid).count())
            }
            Found::Native(found) => {
                (found.candidates.len(), found.candidates.iter().filter(|found| found.shows_pattern()).count())
            }
        }
    }

    /// Returns the ranked bits; none in compat mode, which does not rank.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        match &self.found {
            Found::Compat(_) => &[],
            Found::Native(found) => &found.candidates,
        }
    }

    /// Returns the counters and checksums; none in compat mode, which does not look for them.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match &self.found {
            Found::Compat(_) => &[],
            Found::Native(found) => &found.fields,
        }
    }

    /// Returns how many bits would be candidates if they did not belong to a counter or a checksum, and how many bits
    /// were not followed because too many changed in the window.
    #[must_use]
    pub fn bits_left_out(&self) -> (usize, u64) {
        match &self.found {
            Found::Compat(_) => (0, 0),
            Found::Native(found) => (found.bits_in_fields, found.bits_not_followed),
        }
    }
}
