//! The analysis of the cruise control that is true to the frames, for any car.
//!
//! A log is read twice. The first time ([`Scan`]) tells what the car and its driver did: speed, pedals, blinkers, buttons
//! and cruise control, read from the frames by a car profile and a DBC file, or where those say nothing from openpilot's
//! own events. From that come the windows that the driver marked and the times in which the car was engaged. The second
//! time ([`Measure`]) counts, with these known, what each bit of each bus did in and outside of them. Nothing of a frame
//! is kept but counts; memory has a bound beside that of the distinct payloads.

mod car;
mod options;
mod result;

// The first reading.
mod level;
mod scan;
mod speed;

// The second one.
mod candidates;
mod measure;
mod plan;

// What is written.
mod report;
mod tables;

pub use car::CarInUse;
pub use measure::Measure;
pub use options::{CruiseOptions, EngagedFrom, FOLLOWED_MAX, MarkFrom, WINDOWS_MAX, engaged_bit};
pub use report::ReportAbout;
pub use result::{
    BitPlace, BitToggles, Candidate, CandidateKind, CarUse, CruiseResult, Engaged, FollowedKind, FollowedSignal,
    Levels, LogTime, Mark, Note, Press, Role, Run, SetSpeed, SourceUse, SpeedPoint, SpeedTrack, StreamCounts, Stretch,
    StretchCount, TOGGLES_KEPT_MAX, WindowCounts, WindowFound,
};
pub use scan::Scan;
pub use tables::{CruiseTable, TableFormat};
