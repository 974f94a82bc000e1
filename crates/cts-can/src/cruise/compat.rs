//! The files of the Python tool `cruise-control-analyzer`, byte for byte apart from ids, times and paths.
//!
//! Logs are looked at once, and where markers, presses of the set button or the engaged bit are to be looked at in
//! their surroundings once more; frames are never kept. All buses are one, as they are for that tool. What varies from
//! run to run is given as [`Provenance`]; nothing is read from a clock. Every list of what was found has a limit, and
//! what is beyond it is counted.
//!
//! The results of the Python tool are kept, its crashes and their like are not:
//!
//! - The whole log is read. The Python tool stops without a word after the 100,001st event of any kind; the logs whose
//!   outputs are known are all shorter, and a minute of a device can be longer.
//! - A large set speed is no error, a target speed does not end the export, and no file depends on another one.
//! - A frame whose wheels show more than 400 km/h is left out of the speeds and counted; the Python tool gives up on
//!   the whole log there.
//! - An event that is broken or of an unknown kind costs itself only, a damaged tail what comes after it.
//! - Bytes of a payload beyond 64 are not looked at.
//!
//! ```
//! use cts_can::cruise::compat::{CompatOptions, FirstLook, Looked, Provenance};
//!
//! # fn main() -> Result<(), cts_can::Error> {
//! # let log: &[u8] = include_bytes!("../../tests/fixtures/edge/garbage_tail.rlog.zst");
//! let mut first = FirstLook::new(CompatOptions { export_csv: true, ..CompatOptions::default() });
//! first.add(log, &mut |_| {})?;
//! let findings = match first.finish() {
//!     Looked::Complete(findings) => findings,
//!     // Something was found whose surroundings are to be looked at: the same logs once more.
//!     Looked::Again(mut second) => {
//!         second.add(log, &mut |_| {})?;
//!         second.finish()
//!     }
//! };
//! for file in findings.files() {
//!     let mut out = Vec::new();
//!     findings.write(file, &Provenance::default(), &mut out)?;
//!     // Save it as `file.name()`.
//! }
//! # assert_eq!(findings.files().len(), 13);
//! # Ok(())
//! # }
//! ```

use std::io::Read;

mod changes;
mod engaged;
mod exports;
mod findings;
mod limited;
mod messages;
mod meta;
mod presses;
mod signals;
mod speeds;
mod windows;

pub use changes::BitChanges;
pub use engaged::{EngagedInterval, Selector};
pub use exports::Export;
pub use findings::{Findings, LeftOut, OutputFile, TargetFound};
pub use messages::Target;
pub use meta::Provenance;
pub use presses::SetPress;
pub use signals::SignalChanges;
pub use speeds::{SpeedEvent, SpeedSummary};
pub use windows::AddressChanges;

use crate::Error;
use crate::frame::{Address, Frame};
use crate::inputs::{EventTime, InputSummary, Inputs, Take};
use crate::markers::{BlinkerMarks, BlinkerWindow, MarkerRule};
use crate::progress::Progress;
use crate::rlog::Frames;
use crate::table::read::FrameRow;
use changes::Changes;
use engaged::Engaged;
use findings::Partial;
use limited::Limited;
use messages::{Brake, Buttons, DASHLIGHTS, Status, blinkers, wheel_speed_mph, word};
use presses::PressSpeeds;
use signals::Signals;
use speeds::Speeds;
use windows::WindowChanges;

/// How many speed events, presses and intervals are kept, of each.
pub const FOUND_MAX: usize = 1 << 18;

/// How many marker windows are kept.
pub const MARKER_WINDOWS_MAX: usize = 256;

/// How many addresses are counted in all marker windows together, each in each.
pub const WINDOW_ADDRESSES_MAX: usize = 1 << 18;

/// How many frames of the engaged bit are held where they do not come in the order of time.
pub const HELD_STATES_MAX: usize = 1 << 20;

/// What the engaged bit is for. The Python tool means to leave out what happens while the car is not engaged, but asks
/// for the intervals before it has found them: both modes give the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngagedMode {
    /// The intervals are told.
    #[default]
    Annotate,
    /// They are told, and the files say that the candidates are those of the whole log.
    Filter,
}

impl EngagedMode {
    /// Returns `annotate` or `filter`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Annotate => "annotate",
            Self::Filter => "filter",
        }
    }
}

/// What a user can choose.
#[derive(Clone, Debug, PartialEq)]
pub struct CompatOptions {
    /// The lowest speed that is looked for, in miles an hour.
    pub speed_min: f64,
    /// The highest one.
    pub speed_max: f64,
    /// Whether blinkers mark windows.
    pub markers: bool,
    /// How blinkers become windows.
    pub rule: MarkerRule,
    /// The bit that tells whether the car is engaged, see [`Selector::parse`]; one that cannot be read has no effect.
    pub engaged_bit: Option<String>,
    /// The bus that its intervals are labeled with; frames of every bus count.
    pub engaged_bus: Option<i64>,
    /// What the bit is for.
    pub engaged_mode: EngagedMode,
    /// Seconds that an interval is widened by on both sides.
    pub engaged_margin: f64,
    /// Whether there are tables and what goes with them.
    pub export_csv: bool,
    /// Whether there are lists of records.
    pub export_json: bool,
    /// Whether damage and unknown kinds of event end the analysis with an error.
    pub strict: bool,
}

impl Default for CompatOptions {
    fn default() -> Self {
        Self {
            speed_min: 55.0,
            speed_max: 56.0,
            markers: true,
            rule: MarkerRule::default(),
            engaged_bit: None,
            engaged_bus: None,
            engaged_mode: EngagedMode::default(),
            engaged_margin: 0.5,
            export_csv: false,
            export_json: false,
            strict: false,
        }
    }
}

/// Looks at the inputs for the first time: speeds, blinkers, signals, and the bits of the five messages.
#[derive(Debug)]
pub struct FirstLook {
    options: CompatOptions,
    inputs: Inputs,
    seen: Seen,
}

#[derive(Debug)]
struct Seen {
    speeds: Speeds,
    marks: Option<BlinkerMarks>,
    windows: Limited<BlinkerWindow>,
    signals: Signals,
    targets: [Changes; Target::ALL.len()],
    frames: u64,
    last_time: f64,
    is_ordered: bool,
}

/// What the first look led to.
#[derive(Debug)]
pub enum Looked {
    /// There is nothing to look at again.
    Complete(Box<Findings>),
    /// The same inputs are to be looked at once more.
    Again(Box<SecondLook>),
}

impl FirstLook {
    /// Begins an analysis.
    #[must_use]
    pub fn new(options: CompatOptions) -> Self {
        let seen = Seen {
            speeds: Speeds::new(options.speed_min, options.speed_max),
            marks: options.markers.then(|| BlinkerMarks::new(&options.rule, 0.0)),
            windows: Limited::new(MARKER_WINDOWS_MAX),
            signals: Signals::default(),
            targets: Default::default(),
            frames: 0,
            last_time: f64::NEG_INFINITY,
            is_ordered: true,
        };
        Self { inputs: Inputs::new(options.strict), options, seen }
    }

    /// Looks at an input and returns what was found in it. Several inputs count as one log.
    ///
    /// Times of a log are seconds since boot, those of a table are its own.
    ///
    /// # Errors
    /// When the input cannot be read, a row of a table is no frame, or damage is met where the options are strict.
    pub fn add(&mut self, input: impl Read + Send, progress: &mut dyn FnMut(Progress)) -> Result<&InputSummary, Error> {
        self.inputs.read(input, &mut self.seen, progress)
    }

    /// Looks at a frame that is in no input.
    pub fn frame(&mut self, seconds: f64, frame: &Frame<'_>) {
        self.seen.frame(seconds, frame.address, frame.data);
    }

    /// Ends the first look.
    #[must_use]
    pub fn finish(self) -> Looked {
        let Self { options, inputs, mut seen } = self;
        let (speed, speed_events, speed_events_left_out) = seen.speeds.finish();
        if let Some(window) = seen.marks.and_then(BlinkerMarks::finish) {
            seen.windows.push(window);
        }
        let (windows, marker_windows_left_out) = seen.windows.into_parts();
        let (signals, presses, set_presses_left_out) = seen.signals.finish();
        let selector = options.engaged_bit.as_deref().and_then(Selector::parse);
        let engaged = selector
            .filter(|selector| selector.target().is_some())
            .map(|selector| Engaged::new(selector, options.engaged_margin, seen.is_ordered));
        let is_complete = windows.is_empty() && presses.is_empty() && engaged.is_none();
        let strict = options.strict;
        let second = SecondLook {
            inputs: Inputs::new(strict),
            again: Again {
                has_windows: !windows.is_empty(),
                windows: WindowChanges::new(windows.iter().map(|found| found.window).collect()),
                presses: PressSpeeds::new(presses),
                engaged,
                frames: 0,
            },
            partial: Partial {
                options,
                selector,
                inputs: inputs.into_summaries(),
                speed,
                speed_events,
                signals,
                targets: Target::ALL.iter().zip(&seen.targets).map(TargetFound::new).collect(),
                windows,
                left_out: LeftOut {
                    speed_events: speed_events_left_out,
                    marker_windows: marker_windows_left_out,
                    set_presses: set_presses_left_out,
                    ..LeftOut::default()
                },
            },
        };
        if is_complete { Looked::Complete(second.finish()) } else { Looked::Again(Box::new(second)) }
    }
}

impl Seen {
    #[inline]
    fn frame(&mut self, time: f64, address: Address, data: &[u8]) {
        self.frames += 1;
        self.is_ordered &= self.last_time <= time;
        self.last_time = time;
        if let Some(target) = Target::of(address) {
            self.target(time, target, data);
        } else if address == DASHLIGHTS
            && let Some(marks) = &mut self.marks
            && let Some(window) = word(data).and_then(|word| marks.change(&blinkers(time, word)))
        {
            self.windows.push(window);
        }
    }

    fn target(&mut self, time: f64, target: Target, data: &[u8]) {
        self.targets[target as usize].frame(data);
        let Some(word) = word(data) else { return };
        match target {
            Target::WheelSpeeds => match wheel_speed_mph(word) {
                Some(mph) => self.speeds.point(time, mph),
                None => self.speeds.impossible(),
            },
            Target::CruiseButtons => self.signals.buttons(time, Buttons::decode(word)),
            Target::CruiseStatus => self.signals.status(Status::decode(word)),
            Target::EsBrake => self.signals.brake(Brake::decode(word)),
            Target::BrakePedal => {}
        }
    }
}

impl Take for Seen {
    fn frames(&mut self, time: EventTime, frames: Frames<'_>) -> Result<(), Error> {
        let time = time.seconds_since_boot();
        frames.for_each(|frame| self.frame(time, frame.address, frame.data));
        Ok(())
    }

    fn row(&mut self, row: &FrameRow<'_>) -> Result<(), Error> {
        self.frame(row.time, row.address, row.data);
        Ok(())
    }

    fn frames_taken(&self) -> u64 {
        self.frames
    }
}

/// Looks at the same inputs a second time: what surrounds that which the first look found.
#[derive(Debug)]
pub struct SecondLook {
    inputs: Inputs,
    again: Again,
    partial: Partial,
}

#[derive(Debug)]
struct Again {
    has_windows: bool,
    windows: WindowChanges,
    presses: PressSpeeds,
    engaged: Option<Engaged>,
    frames: u64,
}

impl SecondLook {
    /// Looks at an input again; the inputs come in the order of the first time.
    ///
    /// # Errors
    /// As for [`FirstLook::add`].
    pub fn add(&mut self, input: impl Read + Send, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        self.inputs.read(input, &mut self.again, progress).map(|_| ())
    }

    /// Looks at a frame again that is in no input.
    pub fn frame(&mut self, seconds: f64, frame: &Frame<'_>) {
        self.again.frame(seconds, frame.address, frame.data);
    }

    /// Ends the analysis.
    #[must_use]
    pub fn finish(self) -> Box<Findings> {
        let Self { again: Again { windows, presses, engaged, .. }, mut partial, .. } = self;
        let (window_changes, window_frames) = windows.finish();
        let (engaged, engaged_intervals, engaged_frames) = engaged.map(Engaged::finish).unwrap_or_default();
        partial.left_out = LeftOut { window_frames, engaged_intervals, engaged_frames, ..partial.left_out };
        Box::new(Findings { partial, window_changes, set_presses: presses.finish(), engaged })
    }
}

impl Again {
    #[inline]
    fn frame(&mut self, time: f64, address: Address, data: &[u8]) {
        self.frames += 1;
        if self.has_windows {
            self.windows.frame(time, address, data);
        }
        if let Some(engaged) = &mut self.engaged {
            engaged.frame(time, address, data);
        }
        if address == Target::WheelSpeeds.address()
            && self.presses.is_pending()
            && let Some(mph) = word(data).and_then(wheel_speed_mph)
        {
            self.presses.point(time, mph);
        }
    }
}

impl Take for Again {
    fn frames(&mut self, time: EventTime, frames: Frames<'_>) -> Result<(), Error> {
        let time = time.seconds_since_boot();
        frames.for_each(|frame| self.frame(time, frame.address, frame.data));
        Ok(())
    }

    fn row(&mut self, row: &FrameRow<'_>) -> Result<(), Error> {
        self.frame(row.time, row.address, row.data);
        Ok(())
    }

    fn frames_taken(&self) -> u64 {
        self.frames
    }
}
