//! What a log holds at a glance: the `can-summary` analysis, one line for each bus and address.
//!
//! Frames are looked at once, in the order of the input, and none is kept: what is known of a stream has a fixed size,
//! so memory grows with the number of buses and addresses only, of which at most [`STREAMS_MAX`] are told apart.
//! A log gives the same lines as its table, but for the name of the car, which no table has.

use std::io::{Read, Write};

mod bits;
mod periods;
mod silence;
mod stream;
mod tables;

pub use crate::fields::{Field, FieldKind};
pub use crate::stream_numbers::STREAMS_MAX;
pub use silence::{PERIODS_MIN, Silence, SilenceKind};
pub use stream::{Gap, PAYLOAD_BYTES_KEPT, StreamSummary};

use crate::filter::{FrameFilter, PreparedFilter};
use crate::frame::{Bus, Frame};
use crate::inputs::{EventTime, InputSummary, Inputs, Take};
use crate::progress::Progress;
use crate::rlog::{Event, EventKind, Frames};
use crate::stream_numbers::StreamNumbers;
use crate::table::read::FrameRow;
use crate::table::signals::GivenDbc;
use crate::{Error, PointerFault};
use stream::Stream;

/// The longest text about the car that is kept, in characters.
const CAR_TEXT_CHARS_MAX: usize = 100;

/// What a user can choose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SummaryOptions {
    /// Which frames are looked at.
    pub filter: FrameFilter,
    /// Whether damage and unknown kinds of event end the analysis with an error.
    pub strict: bool,
}

/// Which car a log says it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Car {
    /// The make, such as `toyota`.
    pub brand: String,
    /// The model, such as `TOYOTA_RAV4`.
    pub fingerprint: String,
}

/// Looks at the frames of one or more inputs that follow one another in time.
#[derive(Debug)]
pub struct Summarizer {
    inputs: Inputs,
    seen: Seen,
}

/// What was seen so far.
#[derive(Debug)]
struct Seen {
    filter: PreparedFilter,
    numbers: StreamNumbers,
    streams: Vec<Stream>,
    car: Option<Car>,
    /// Frames of the inputs, with those that are not looked at.
    frames: u64,
    frames_filtered: u64,
    frames_left_out: u64,
}

impl Summarizer {
    /// Begins an analysis.
    #[must_use]
    pub fn new(options: &SummaryOptions) -> Self {
        let seen = Seen {
            filter: PreparedFilter::new(&options.filter),
            numbers: StreamNumbers::default(),
            streams: Vec::new(),
            car: None,
            frames: 0,
            frames_filtered: 0,
            frames_left_out: 0,
        };
        Self { inputs: Inputs::new(options.strict), seen }
    }

    /// Looks at an input, a log or a table of frames, and returns what was found in it.
    ///
    /// Times of all logs count from the first `can` event of the first one; the times of a table are its own.
    ///
    /// # Errors
    /// When the input cannot be read, a row of a table is no frame, or damage is met where the options are strict.
    pub fn add(&mut self, input: impl Read + Send, progress: &mut dyn FnMut(Progress)) -> Result<&InputSummary, Error> {
        self.inputs.read(input, &mut self.seen, progress)
    }

    /// Ends the analysis.
    #[must_use]
    pub fn finish(self) -> CanSummary {
        let Seen { streams, car, frames, frames_filtered, frames_left_out, .. } = self.seen;
        let mut streams: Vec<StreamSummary> = streams.into_iter().map(Stream::into_summary).collect();
        streams.sort_by_key(|stream| (stream.bus, stream.address));
        let (time_zero, inputs) = (self.inputs.time_zero(), self.inputs.into_summaries());
        CanSummary { streams, car, frames, frames_filtered, frames_left_out, time_zero, inputs }
    }
}

impl Take for Seen {
    fn frames(&mut self, time: EventTime, frames: Frames<'_>) -> Result<(), Error> {
        if !self.filter.takes_time(time.seconds()) {
            self.frames += frames.len() as u64;
            self.frames_filtered += frames.len() as u64;
            return Ok(());
        }
        let seconds = time.printed_seconds();
        for frame in frames {
            self.take(seconds, &frame);
        }
        Ok(())
    }

    #[inline]
    fn row(&mut self, row: &FrameRow<'_>) -> Result<(), Error> {
        if !self.filter.takes_time(row.time) {
            self.frames += 1;
            self.frames_filtered += 1;
            return Ok(());
        }
        self.take(row.time, &Frame { address: row.address, bus: row.bus, data: row.data });
        Ok(())
    }

    fn event(&mut self, _: Option<EventTime>, event: &Event<'_>) -> Result<(), PointerFault> {
        if event.kind == EventKind::CarParams
            && let Some(params) = event.car_params()?
            && self.car.is_none()
            && !(params.brand.is_empty() && params.fingerprint.is_empty())
        {
            self.car = Some(Car { brand: short(params.brand), fingerprint: short(params.fingerprint) });
        }
        Ok(())
    }

    fn frames_taken(&self) -> u64 {
        self.frames
    }
}

impl Seen {
    #[inline]
    fn take(&mut self, seconds: f64, frame: &Frame<'_>) {
        self.frames += 1;
        if !self.filter.takes_frame(frame) {
            self.frames_filtered += 1;
            return;
        }
        let Some(number) = self.numbers.number(frame.bus, frame.address) else {
            self.frames_left_out += 1;
            return;
        };
        if number == self.streams.len() {
            self.streams.push(Stream::new(frame.bus, frame.address));
        }
        self.streams[number].take(seconds, frame.data);
    }
}

/// Returns a text of a log in a length and with characters that any screen takes.
fn short(text: &str) -> String {
    text.chars()
        .take(CAR_TEXT_CHARS_MAX)
        .map(|character| if character.is_control() { '?' } else { character })
        .collect()
}

/// One of the files that tell what was found; the name of each is [`SummaryTable::extension`] behind the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummaryTable {
    /// A row for each stream, for programs.
    Csv,
    /// The same with aligned columns, for people.
    Text,
}

impl SummaryTable {
    /// Every one, in the order in which they are written.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Text];

    /// Returns the end of the file's name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Text => "txt",
        }
    }
}

/// What was seen on one bus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BusSummary {
    /// The bus, as the log has it.
    pub bus: Bus,
    /// How many addresses it has.
    pub addresses: usize,
    /// How many frames of them.
    pub frames: u64,
    /// The time of the first one.
    pub first_time: f64,
    /// The time of the last one.
    pub last_time: f64,
}

/// What a log holds.
#[derive(Debug)]
pub struct CanSummary {
    streams: Vec<StreamSummary>,
    car: Option<Car>,
    frames: u64,
    frames_filtered: u64,
    frames_left_out: u64,
    time_zero: Option<u64>,
    inputs: Vec<InputSummary>,
}

impl CanSummary {
    /// Gives each stream the name that a DBC file has for it; where several files know it, the first one decides.
    pub fn name(&mut self, dbcs: &[GivenDbc]) {
        for stream in &mut self.streams {
            let name = |file: &GivenDbc| {
                let index = file.message_index(stream.bus, stream.address)?;
                Some(file.dbc.messages().get(index)?.name.clone())
            };
            stream.name = dbcs.iter().find_map(name);
        }
    }

    /// Returns the streams by bus, then address.
    #[must_use]
    pub fn streams(&self) -> &[StreamSummary] {
        &self.streams
    }

    /// Returns what each bus has, by number.
    #[must_use]
    pub fn buses(&self) -> Vec<BusSummary> {
        let bus = |streams: &[StreamSummary]| {
            let (first_time, last_time) = span(streams).expect("a chunk has a stream");
            BusSummary {
                bus: streams[0].bus,
                addresses: streams.len(),
                frames: streams.iter().map(|stream| stream.frames).sum(),
                first_time,
                last_time,
            }
        };
        self.streams.chunk_by(|a, b| a.bus == b.bus).map(bus).collect()
    }

    /// Returns which car it is, where a log tells.
    #[must_use]
    pub fn car(&self) -> Option<&Car> {
        self.car.as_ref()
    }

    /// Returns the times of the first and the last frame that was looked at.
    #[must_use]
    pub fn span(&self) -> Option<(f64, f64)> {
        span(&self.streams)
    }

    /// Returns how many frames were looked at.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames - self.frames_filtered - self.frames_left_out
    }

    /// Returns how many frames the filter did not let pass.
    #[must_use]
    pub fn frames_filtered(&self) -> u64 {
        self.frames_filtered
    }

    /// Returns how many frames were not looked at, because there are more addresses than [`STREAMS_MAX`].
    #[must_use]
    pub fn frames_left_out(&self) -> u64 {
        self.frames_left_out
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

    /// Returns the streams that fell silent for much longer than they use to, the longest silence first.
    #[must_use]
    pub fn silences(&self) -> Vec<Silence> {
        silence::silences(&self.streams)
    }

    /// Writes a table.
    ///
    /// # Errors
    /// When the output does not take it.
    pub fn write(&self, table: SummaryTable, out: &mut dyn Write) -> Result<(), Error> {
        let written = match table {
            SummaryTable::Csv => tables::csv(self, out),
            SummaryTable::Text => tables::text(self, out),
        };
        written.and_then(|()| out.flush()).map_err(Error::Write)
    }
}

fn span(streams: &[StreamSummary]) -> Option<(f64, f64)> {
    let spans = streams.iter().map(|stream| (stream.first_time, stream.last_time));
    spans.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)))
}
