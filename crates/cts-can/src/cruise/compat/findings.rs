//! What the analysis found, the files that tell it, and what is worth a warning.
//!
//! Each file is written on its own: one that cannot be written costs no other.

use std::io::{self, Write};

use super::changes::Changes;
use super::exports::{self, Export};
use super::meta::{self, Provenance};
use super::{
    AddressChanges, BitChanges, CompatOptions, EngagedInterval, EngagedMode, Selector, SetPress, SignalChanges,
    SpeedEvent, SpeedSummary, Target,
};
use crate::Error;
use crate::inputs::InputSummary;
use crate::markers::BlinkerWindow;

/// How many bits of each message are candidates.
const CANDIDATES_MAX: usize = 10;

/// What one of the five messages did in the whole log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFound {
    /// The message.
    pub target: Target,
    /// Its frames.
    pub frames: u64,
    /// Those that differ from the one before them.
    pub changes: u64,
    /// The ten bits that changed most often; of equal ones those first that changed earlier.
    pub top: Vec<BitChanges>,
}

impl TargetFound {
    pub(super) fn new((target, changes): (&Target, &Changes)) -> Self {
        Self { target: *target, frames: changes.frames(), changes: changes.changes(), top: changes.top(CANDIDATES_MAX) }
    }
}

/// What was too much to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Stretches at the speed that is looked for.
    pub speed_events: u64,
    /// Marker windows.
    pub marker_windows: u64,
    /// Presses of the set button.
    pub set_presses: u64,
    /// Frames in marker windows, of too many addresses.
    pub window_frames: u64,
    /// Engaged intervals.
    pub engaged_intervals: u64,
    /// Frames of the engaged bit.
    pub engaged_frames: u64,
}

/// A file that tells what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFile {
    /// A table with comment lines.
    Table(Export),
    /// What the comment lines of the table say, as an object.
    Meta(Export),
    /// The rows of the table as a list of records.
    Records(Export),
    /// What was asked for.
    Config,
}

impl OutputFile {
    /// Returns the name of the file.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Table(export) => format!("{}.csv", export.name()),
            Self::Meta(export) => format!("{}.analysis_meta.json", export.name()),
            Self::Records(export) => format!("{}.json", export.name()),
            Self::Config => "config_snapshot.json".to_owned(),
        }
    }
}

/// What is known after the first look.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) options: CompatOptions,
    pub(super) selector: Option<Selector>,
    pub(super) inputs: Vec<InputSummary>,
    pub(super) speed: SpeedSummary,
    pub(super) speed_events: Vec<SpeedEvent>,
    pub(super) signals: SignalChanges,
    pub(super) targets: Vec<TargetFound>,
    pub(super) windows: Vec<BlinkerWindow>,
    pub(super) left_out: LeftOut,
}

/// What the analysis found.
#[derive(Debug)]
pub struct Findings {
    pub(super) partial: Partial,
    pub(super) window_changes: Vec<Vec<AddressChanges>>,
    pub(super) set_presses: Vec<SetPress>,
    pub(super) engaged: Vec<EngagedInterval>,
}

impl Findings {
    /// Returns the files that the options ask for, in the order in which they are written.
    #[must_use]
    pub fn files(&self) -> Vec<OutputFile> {
        let CompatOptions { export_csv, export_json, .. } = *self.options();
        let mut files = Vec::new();
        for export in Export::ALL {
            if export_csv {
                files.extend([OutputFile::Table(export), OutputFile::Meta(export)]);
            }
            // The Python tool has no list of these.
            if export_json && export != Export::EngagedIntervals {
                files.push(OutputFile::Records(export));
            }
        }
        if export_csv || export_json {
            files.push(OutputFile::Config);
        }
        files
    }

    /// Writes a file.
    ///
    /// # Errors
    /// When the output does not take it.
    pub fn write(&self, file: OutputFile, provenance: &Provenance, out: &mut dyn Write) -> Result<(), Error> {
        let written = match file {
            OutputFile::Table(export) => self.write_table(export, provenance, out),
            OutputFile::Meta(export) => out.write_all(self.meta(export, provenance).compact().as_bytes()),
            OutputFile::Records(export) => exports::write_records(export, self.rows(export), out),
            OutputFile::Config => out.write_all(meta::config(self.options(), provenance).indented(0).as_bytes()),
        };
        written.and_then(|()| out.flush()).map_err(Error::Write)
    }

    fn write_table(&self, export: Export, provenance: &Provenance, out: &mut dyn Write) -> io::Result<()> {
        meta::write_comments(&self.meta(export, provenance), out)?;
        exports::write_table(export, self.rows(export), out)
    }

    fn meta(&self, export: Export, provenance: &Provenance) -> crate::python::Json {
        meta::meta(self.options(), provenance, export, exports::buses(export, self.rows(export)))
    }

    /// Returns what was asked for.
    #[must_use]
    pub fn options(&self) -> &CompatOptions {
        &self.partial.options
    }

    /// Returns the engaged bit, if one was given that can be read.
    #[must_use]
    pub fn selector(&self) -> Option<Selector> {
        self.partial.selector
    }

    /// Returns what was found in each input.
    #[must_use]
    pub fn inputs(&self) -> &[InputSummary] {
        &self.partial.inputs
    }

    /// Returns what the wheels told.
    #[must_use]
    pub fn speed(&self) -> &SpeedSummary {
        &self.partial.speed
    }

    /// Returns the stretches at the speed that is looked for, in the order of the log.
    #[must_use]
    pub fn speed_events(&self) -> &[SpeedEvent] {
        &self.partial.speed_events
    }

    /// Returns how often the decoded signals changed.
    #[must_use]
    pub fn signals(&self) -> &SignalChanges {
        &self.partial.signals
    }

    /// Returns when the set button was pressed, in the order of the log.
    #[must_use]
    pub fn set_presses(&self) -> &[SetPress] {
        &self.set_presses
    }

    /// Returns the five messages, in the order of [`Target::ALL`].
    #[must_use]
    pub fn targets(&self) -> &[TargetFound] {
        &self.partial.targets
    }

    /// Returns the marker windows in the order in which they ended, each with the addresses that changed in it: those
    /// with the most changes first.
    pub fn marker_windows(&self) -> impl Iterator<Item = (&BlinkerWindow, &[AddressChanges])> {
        self.partial.windows.iter().zip(self.window_changes.iter().map(Vec::as_slice))
    }

    /// Returns when the car was engaged, in the order of time.
    #[must_use]
    pub fn engaged_intervals(&self) -> &[EngagedInterval] {
        &self.engaged
    }

    /// Returns what was too much to be kept.
    #[must_use]
    pub fn left_out(&self) -> &LeftOut {
        &self.partial.left_out
    }

    /// Returns sentences about what was not found or has no effect, and about what was left out.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let options = self.options();
        let mut warnings = self.empty_warnings();
        match (options.engaged_bit.as_deref(), self.selector()) {
            (Some(text), None) => warnings.push(format!(
                "engaged_bit is {text:?}, neither <address>:b<bit> nor <address>:MSB B<bit>: no interval"
            )),
            (_, Some(Selector { address, .. })) if Target::of(address).is_none() => warnings.push(format!(
                "engaged_bit is in {address}, but only 0x13A, 0x146, 0x241, 0x220 and 0x139 are followed: no interval"
            )),
            (_, Some(_)) if self.engaged.is_empty() => warnings.push("the engaged bit is never set".to_owned()),
            _ => {}
        }
        if options.engaged_mode == EngagedMode::Filter {
            warnings.push("engaged_mode=filter leaves out nothing, as in the Python tool".to_owned());
        }
        let impossible = self.speed().impossible;
        if impossible > 0 {
            warnings.push(format!("{impossible} frames have a wheel above 400 km/h and were left out of the speeds"));
        }
        warnings.extend(self.left_out().warnings());
        warnings
    }

    fn empty_warnings(&self) -> Vec<String> {
        if self.inputs().iter().all(|input| input.rows == 0) {
            return vec!["there are no frames".to_owned()];
        }
        let mut warnings = Vec::new();
        if self.speed_events().is_empty() {
            warnings.push("the car never had the speed that is looked for".to_owned());
        }
        if self.partial.windows.is_empty() && self.options().markers {
            warnings.push("there is no marker window: blink left, then right".to_owned());
        }
        if self.targets().iter().all(|found| found.changes == 0) {
            warnings
                .push("none of the five messages changes: is this the Subaru that the tool is made for?".to_owned());
        }
        warnings
    }
}

impl LeftOut {
    fn warnings(&self) -> Vec<String> {
        let counts = [
            (self.speed_events, "speed events"),
            (self.marker_windows, "marker windows"),
            (self.set_presses, "presses of the set button"),
            (self.window_frames, "frames in marker windows"),
            (self.engaged_intervals, "engaged intervals"),
            (self.engaged_frames, "frames of the engaged bit"),
        ];
        let told = counts.iter().filter(|(count, _)| *count > 0);
        told.map(|(count, what)| format!("{count} {what} were left out, because there are too many")).collect()
    }
}
