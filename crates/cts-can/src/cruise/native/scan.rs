//! The first reading of a log: what the car and its driver did.
//!
//! Only the frames of the profile's messages and of the bits that the user named are decoded, and of openpilot's events
//! those that tell the same. What is kept is thinned or has a limit; so memory does not grow with the log.

use std::io::Read;

mod follow;
mod openpilot;
mod settle;

use super::car::CarInUse;
use super::level::RUNS_MAX;
use super::{CruiseOptions, EngagedFrom, Measure};
use crate::Error;
use crate::inputs::{EventTime, InputSummary, Inputs, Take};
use crate::progress::Progress;
use crate::rlog::{Event, EventKind, Frames};
use crate::table::read::FrameRow;
use crate::{PointerFault, cars};
use follow::Followers;
use openpilot::Openpilot;
pub(super) use settle::{Settled, Silent};

/// Reads the logs the first time.
#[derive(Debug)]
pub struct Scan {
    options: CruiseOptions,
    car: CarInUse,
    inputs: Inputs,
    found: Found,
}

/// What the inputs told so far.
#[derive(Debug)]
struct Found {
    followers: Followers,
    openpilot: Openpilot,
    /// What another `carParams` event says, where that is another car.
    other_car: Option<cars::CarIdentity>,
    identity: Option<cars::CarIdentity>,
    frames: u64,
    /// The first and the last moment with frames.
    extent: Option<(f64, f64)>,
    /// The moment of the last frames, and how many came with an earlier one after it.
    last: f64,
    late: u64,
    /// How many more stretches may be kept.
    room: usize,
}

impl Scan {
    /// Begins an analysis of a car.
    #[must_use]
    pub fn new(options: CruiseOptions, mut car: CarInUse) -> Self {
        let resolved = car.resolve();
        let limits = [options.speed_min, options.speed_max].map(|speed| options.speed_unit.to_mps(speed));
        let mut watch = options.watch.clone();
        if let EngagedFrom::Bit(bit) = options.engaged {
            watch.push(bit);
        }
        let found = Found {
            followers: Followers::new(resolved, &watch, limits),
            openpilot: Openpilot::new(limits),
            other_car: None,
            identity: car.identity.clone(),
            frames: 0,
            extent: None,
            last: f64::NEG_INFINITY,
            late: 0,
            room: RUNS_MAX,
        };
        let is_strict = options.strict;
        Self { options, car, inputs: Inputs::new(is_strict), found }
    }

    /// Reads an input and returns what was found in it. Inputs follow one another in time; they may be logs and tables of
    /// frames.
    ///
    /// # Errors
    /// When the input cannot be read, a row of a table is no frame, or damage is met where the options are strict.
    pub fn add(&mut self, input: impl Read + Send, progress: &mut dyn FnMut(Progress)) -> Result<&InputSummary, Error> {
        self.inputs.read(input, &mut self.found, progress)
    }

    /// Settles what is known of the times, and returns what reads the inputs again.
    #[must_use]
    pub fn finish(self) -> Measure {
        Measure::new(settle::settle(self))
    }
}

impl Found {
    fn moment(&mut self, time: f64, frames: u64) {
        self.frames += frames;
        let (first, last) = self.extent.unwrap_or((time, time));
        self.extent = Some((first.min(time), last.max(time)));
        if time < self.last {
            self.late += frames;
        }
        self.last = time;
    }
}

impl Take for Found {
    fn frames(&mut self, time: EventTime, frames: Frames<'_>) -> Result<(), Error> {
        let time = time.seconds();
        self.moment(time, frames.len() as u64);
        for frame in frames {
            if self.followers.wants(frame.address) {
                self.followers.take(time, &frame, &self.openpilot, &mut self.room);
            }
        }
        Ok(())
    }

    fn row(&mut self, row: &FrameRow<'_>) -> Result<(), Error> {
        self.moment(row.time, 1);
        if self.followers.wants(row.address) {
            let frame = crate::frame::Frame { address: row.address, bus: row.bus, data: row.data };
            self.followers.take(row.time, &frame, &self.openpilot, &mut self.room);
        }
        Ok(())
    }

    fn event(&mut self, time: Option<EventTime>, event: &Event<'_>) -> Result<(), PointerFault> {
        if event.kind == EventKind::CarParams
            && let Some(params) = event.car_params()?
            && let Some(found) = cars::CarIdentity::new(params.brand, params.fingerprint)
        {
            match &self.identity {
                None => self.identity = Some(found),
                Some(known) if *known != found => self.other_car = Some(found),
                Some(_) => {}
            }
        }
        let Some(time) = time else { return Ok(()) };
        self.openpilot.take(time.seconds(), event, &mut self.room)
    }

    fn frames_taken(&self) -> u64 {
        self.frames
    }
}
