//! What the analysis found, as plain data. Times are seconds after the first `can` event of the first log; speeds are m/s.
//!
//! Lists of moments and stretches stand in the order of time.

use std::fmt;

use super::CruiseOptions;
use crate::cars::CarIdentity;
use crate::cruise::analysis_name;
use crate::fields::Field;
use crate::frame::{Address, Bus};
use crate::inputs::InputSummary;

/// The most toggles of a bit whose moments are kept.
pub const TOGGLES_KEPT_MAX: usize = 256;

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct CruiseResult {
    /// A name of this analysis, the same for the same logs and options: 32 hexadecimal digits.
    pub analysis_id: String,
    /// What was asked for.
    pub options: CruiseOptions,
    /// Which car it is, and which profile was used.
    pub car: CarUse,
    /// From when to when the log is.
    pub time: LogTime,
    /// What was found in each input.
    pub inputs: Vec<InputSummary>,
    /// Where each fact comes from.
    pub sources: Vec<SourceUse>,
    /// How fast the car was.
    pub speed: SpeedTrack,
    /// The stretches in which the speed was in the target range.
    pub target: Vec<Run>,
    /// Presses of the buttons of the profile.
    pub presses: Vec<Press>,
    /// Changes of the speed that the cruise control is set to.
    pub set_speeds: Vec<SetSpeed>,
    /// Signals and bits that were followed, each with the stretches in which it was on.
    pub followed: Vec<FollowedSignal>,
    /// The windows.
    pub windows: Vec<WindowFound>,
    /// When the car was engaged; none where nothing tells it.
    pub engaged: Option<Engaged>,
    /// Every bus and address.
    pub streams: Vec<StreamCounts>,
    /// Counters and checksums, which are no candidates.
    pub fields: Vec<Field>,
    /// The bits that are most likely to tell what the cruise control did, the best ones first.
    pub candidates: Vec<Candidate>,
    /// How many bits were scored.
    pub bits_scored: usize,
    /// How many were not, because they belong to a counter or a checksum.
    pub bits_in_fields: usize,
    /// What is worth a warning, with what would mend it.
    pub notes: Vec<Note>,
}

impl CruiseResult {
    /// Returns a name from what was asked for and what each stream of the logs has.
    pub(super) fn name(&self) -> String {
        let mut told = vec![format!("{:?}|{:?}|{:?}", self.options, self.car, self.time)];
        for input in &self.inputs {
            let plain = input.log_end.as_ref().map(|end| (end.messages, end.plain_bytes));
            told.push(format!("|{}:{plain:?}", input.rows));
        }
        for of in &self.streams {
            let StreamCounts { address, bus, frames, unique, changes, seen, .. } = of;
            told.push(format!("|{address}@{bus}:{frames}:{unique}:{changes}:{seen:?}"));
        }
        for of in &self.followed {
            told.push(format!("|{}:{}:{:?}", of.name, of.samples, of.runs));
        }
        analysis_name(told.iter().map(String::as_str))
    }
}

/// Which car it is, and which profile was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarUse {
    /// What the log says.
    pub identity: Option<CarIdentity>,
    /// The name of the profile.
    pub profile: Option<String>,
    /// Its DBC files, with their buses.
    pub dbcs: Vec<(String, Bus)>,
}

/// From when to when the log is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LogTime {
    /// `logMonoTime` of the moment 0: that of the first `can` event, in nanoseconds.
    pub zero_ns: Option<u64>,
    /// The first `can` event in the order of time.
    pub first: f64,
    /// The last one.
    pub last: f64,
}

/// A fact that is read from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// How fast the car is.
    Speed,
    /// Whether the main switch of the cruise control is on.
    CruiseAvailable,
    /// Whether the cruise control drives.
    CruiseEngaged,
    /// The speed that it is set to.
    SetSpeed,
    /// Whether the driver brakes.
    Brake,
    /// Whether the driver presses the gas pedal.
    Gas,
    /// Whether the blinkers are on.
    Blinkers,
    /// Whether the buttons are pressed.
    Buttons,
    /// Whether the car is engaged, as candidates are held against it.
    Engaged,
}

impl Role {
    /// Returns its word in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Speed => "speed",
            Self::CruiseAvailable => "cruise_available",
            Self::CruiseEngaged => "cruise_engaged",
            Self::SetSpeed => "set_speed",
            Self::Brake => "brake",
            Self::Gas => "gas",
            Self::Blinkers => "blinkers",
            Self::Buttons => "buttons",
            Self::Engaged => "engaged",
        }
    }
}

/// Where a fact comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceUse {
    /// The fact.
    pub role: Role,
    /// The signal or the event; none where the log does not tell it.
    pub source: Option<String>,
    /// How many frames or events told it.
    pub samples: u64,
}

/// How fast the car was at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedPoint {
    /// The moment.
    pub time: f64,
    /// The speed.
    pub mps: f32,
}

/// How fast the car was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpeedTrack {
    /// The moments, in the order of time.
    pub points: Vec<SpeedPoint>,
    /// How many there were before some of them were left out.
    pub points_seen: u64,
    /// The time between two points at least, where some were left out; 0 where all are kept.
    pub step: f64,
    /// Speeds of single wheels that no car reaches, which were left out.
    pub impossible: u64,
    /// Lowest, mean and highest speed of all points.
    pub range: Option<[f64; 3]>,
    /// The mean difference to what openpilot says of the speed, where both are known.
    pub difference: Option<f64>,
}

/// A stretch of time in which something was on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Its first moment.
    pub start: f64,
    /// The first moment after it, or where the log ends before that, the last one in it.
    pub end: f64,
    /// It was on when it was first seen; so nobody knows when that began.
    pub is_begun_before: bool,
    /// It was on when it was last seen.
    pub is_unfinished: bool,
}

impl Run {
    /// Returns how long it lasted, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.end - self.start
    }
}

/// A press of a button.
#[derive(Clone, Debug, PartialEq)]
pub struct Press {
    /// The button.
    pub button: String,
    /// When it was pressed, and released.
    pub run: Run,
    /// The speed at that moment, where it is known.
    pub mps: Option<f64>,
    /// Whether that is in the target range.
    pub is_in_target: bool,
}

/// The speed that the cruise control was set to from a moment on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SetSpeed {
    /// The moment.
    pub time: f64,
    /// The speed.
    pub mps: f64,
}

/// What a followed signal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowedKind {
    /// A role of the profile, or what openpilot says of it.
    Role(Role),
    /// A bit that the user named.
    Watch,
}

/// A bit on a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BitPlace {
    /// The address.
    pub address: Address,
    /// The bus.
    pub bus: Bus,
    /// The bit, 8 × byte + bit with bit 0 the least significant one of its byte; none for a signal of several bits.
    pub bit: Option<u16>,
}

/// Something that was on or off, with the stretches in which it was on.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowedSignal {
    /// What it is.
    pub kind: FollowedKind,
    /// Its name, such as `button set` or `0x241@0:B6b0`.
    pub name: String,
    /// The signal or the event that it was read from.
    pub source: String,
    /// Where it lies; none for what openpilot says.
    pub place: Option<BitPlace>,
    /// When it was on.
    pub runs: Vec<Run>,
    /// Stretches that were left out because there were too many.
    pub runs_left_out: u64,
    /// Frames or events that told it.
    pub samples: u64,
}

/// What a window is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The blinkers.
    Blinkers,
    /// A button.
    Button,
    /// A bookmark.
    Bookmark,
    /// The user.
    Given,
}

impl Mark {
    /// Returns its word in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Blinkers => "blinkers",
            Self::Button => "button",
            Self::Bookmark => "bookmark",
            Self::Given => "given",
        }
    }
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stretch {
    /// Its first moment.
    pub start: f64,
    /// Its last moment.
    pub end: f64,
}

impl Stretch {
    /// Returns how long it is, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.end - self.start).max(0.0)
    }
}

/// A window. Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowFound {
    /// Its number, from 1.
    pub id: usize,
    /// What it is made of.
    pub mark: Mark,
    /// When the mark began; for a given window its start.
    pub begun: f64,
    /// When the mark ended; none where it never did.
    pub ended: Option<f64>,
    /// From when to when it is, with its margins.
    pub window: Stretch,
    /// The part of it that the log has.
    pub inside: Stretch,
    /// The part of the log before it in which there is no window.
    pub before: Stretch,
    /// The part of the log after it in which there is no window.
    pub after: Stretch,
}

/// When the car was engaged.
#[derive(Clone, Debug, PartialEq)]
pub struct Engaged {
    /// What tells it.
    pub source: String,
    /// Where that lies; none for what openpilot says.
    pub place: Option<BitPlace>,
    /// The times.
    pub runs: Vec<Run>,
    /// The same times with the margin at both ends, those that touch joined.
    pub padded: Vec<Stretch>,
    /// How long it was engaged, in seconds.
    pub seconds: f64,
}

/// Frames and distinct payloads of a stream in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StretchCount {
    /// Frames.
    pub frames: u64,
    /// Distinct payloads.
    pub unique: u64,
}

/// What a stream did before, in and after a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowCounts {
    /// The number of the window.
    pub window: usize,
    /// In the part of the log before it in which there is no window.
    pub before: StretchCount,
    /// In it.
    pub inside: StretchCount,
    /// In the part of the log after it in which there is no window.
    pub after: StretchCount,
}

/// One bus and address.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamCounts {
    /// The bus.
    pub bus: Bus,
    /// The address.
    pub address: Address,
    /// What the profile's DBC file calls the message.
    pub message: Option<String>,
    /// Frames.
    pub frames: u64,
    /// Distinct payloads.
    pub unique: u64,
    /// Times at which the payload was not the one before.
    pub changes: u64,
    /// The first and the last frame.
    pub seen: Stretch,
    /// For each window.
    pub windows: Vec<WindowCounts>,
    /// For each bit of its longest payload; nothing where no bit toggled.
    pub bits: Vec<BitToggles>,
}

/// How often a bit toggled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BitToggles {
    /// In the whole log.
    pub all: u32,
    /// In the windows.
    pub in_windows: u32,
}

/// The level of a bit over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// Whether it was 1 when it was first seen.
    pub is_high_first: bool,
    /// The moments at which it became the other one.
    pub toggles: Vec<f64>,
}

/// Which of the three parts of a candidate's score is the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateKind {
    /// Its level goes with the times in which the car was engaged.
    Engaged,
    /// Its edges lie in the windows.
    Windows,
    /// Its edges lie near the presses of the button.
    Presses,
}

impl CandidateKind {
    /// Returns its word in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Engaged => "engaged",
            Self::Windows => "windows",
            Self::Presses => "presses",
        }
    }
}

/// A bit that may tell what the cruise control did.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The bus.
    pub bus: Bus,
    /// The address.
    pub address: Address,
    /// The bit, 8 × byte + bit with bit 0 the least significant one of its byte.
    pub bit: u16,
    /// The message and signal that it belongs to, where the profile's DBC file has one there.
    pub signal: Option<String>,
    /// How likely it tells what the cruise control did, from 0 to 100.
    pub score: f64,
    /// What speaks for it most.
    pub kind: CandidateKind,
    /// How often it went from 0 to 1.
    pub rises: u64,
    /// How often it went from 1 to 0.
    pub falls: u64,
    /// Seconds from the first to the last frame of its stream.
    pub seconds: f64,
    /// Seconds in which it was 1.
    pub high: f64,
    /// Seconds of the stream in which the car was engaged.
    pub engaged: f64,
    /// Seconds in which it was 1 and the car was engaged.
    pub high_engaged: f64,
    /// The correlation of the two; none where one of them never changed.
    pub phi: Option<f64>,
    /// Toggles in the windows.
    pub window_toggles: u64,
    /// Windows in which it toggles.
    pub windows_hit: u64,
    /// How much its edges fall into the windows and nowhere else, from 0 to 1; none without windows.
    pub windows_part: Option<f64>,
    /// Toggles near presses of the button.
    pub press_toggles: u64,
    /// Presses near which it toggles.
    pub presses_hit: u64,
    /// How much its edges fall near the presses and nowhere else, from 0 to 1; none without presses.
    pub presses_part: Option<f64>,
    /// What speaks for it, in words.
    pub evidence: String,
    /// When it was 1, where it toggled at most [`TOGGLES_KEPT_MAX`] times and there was room for it.
    pub levels: Option<Levels>,
}

impl Candidate {
    /// Returns how much of this kind speaks for it, from 0 to 1; none where nothing of it is known.
    #[must_use]
    pub fn part(&self, kind: CandidateKind) -> Option<f64> {
        match kind {
            CandidateKind::Engaged => self.phi.map(f64::abs),
            CandidateKind::Windows => self.windows_part,
            CandidateKind::Presses => self.presses_part,
        }
    }
}

/// Something that is worth a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is so.
    pub message: String,
    /// What would mend it.
    pub remedy: String,
}

impl Note {
    pub(super) fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.remedy)
    }
}
