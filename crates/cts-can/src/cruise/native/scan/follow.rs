//! The frames that tell something: those of the profile's messages, and those with the bits that the user named.

use std::collections::{HashMap, HashSet};

use super::super::level::Level;
use super::super::speed::Speeds;
use super::super::{BitPlace, SetSpeed};
use super::openpilot::Openpilot;
use crate::bitwatch::Watch;
use crate::cars::{Resolved, RoleKind, RoleSignal};
use crate::frame::{Address, Bus, Frame, STANDARD_ADDRESS_MAX};

/// How many changes of the set speed are kept.
const SET_SPEEDS_MAX: usize = 65_536;

/// Seconds in which what openpilot last said of the speed is compared with what the frames say.
const COMPARED_WITHIN: f64 = 0.1;

/// Changes of the speed that the cruise control is set to.
#[derive(Debug, Default)]
pub(super) struct SetSpeeds {
    pub(super) changes: Vec<SetSpeed>,
    pub(super) samples: u64,
    last: Option<(f64, f64)>,
}

impl SetSpeeds {
    /// Takes a speed in m/s.
    pub(super) fn push(&mut self, time: f64, mps: f64) {
        if !mps.is_finite() || self.last.is_some_and(|(last, _)| time < last) {
            return;
        }
        self.samples += 1;
        let is_change = self.last.is_none_or(|(_, before)| before != mps);
        self.last = Some((time, mps));
        if is_change && self.changes.len() < SET_SPEEDS_MAX {
            self.changes.push(SetSpeed { time, mps });
        }
    }
}

/// What a signal of the profile told so far.
#[derive(Debug)]
pub(super) enum Collected {
    Speed(Box<Speeds>),
    SetSpeed(SetSpeeds),
    Level(Level),
}

/// A signal of the profile.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) kind: RoleKind,
    pub(super) signal: RoleSignal,
    pub(super) collected: Collected,
}

impl Follower {
    pub(super) fn samples(&self) -> u64 {
        match &self.collected {
            Collected::Speed(speeds) => speeds.samples(),
            Collected::SetSpeed(set) => set.samples,
            Collected::Level(level) => level.samples,
        }
    }

    pub(super) fn place(&self) -> BitPlace {
        BitPlace { address: self.signal.address(), bus: self.signal.bus, bit: self.signal.bit() }
    }
}

/// A bit that the user named, on every bus that has it.
#[derive(Debug)]
pub(super) struct WatchedBit {
    pub(super) watch: Watch,
    pub(super) levels: Vec<(Bus, Level)>,
}

/// All frames that tell something.
#[derive(Debug)]
pub(super) struct Followers {
    standard: Box<[bool; STANDARD_ADDRESS_MAX as usize + 1]>,
    extended: HashSet<Address>,
    by_stream: HashMap<(Bus, Address), Vec<usize>>,
    pub(super) followers: Vec<Follower>,
    pub(super) watched: Vec<WatchedBit>,
    /// Sum and count of the differences between what frames and openpilot say of the speed.
    difference: (f64, u64),
}

impl Followers {
    pub(super) fn new(resolved: Resolved, watch: &[Watch], [min, max]: [f64; 2]) -> Self {
        let mut found = Self {
            standard: Box::new([false; STANDARD_ADDRESS_MAX as usize + 1]),
            extended: HashSet::new(),
            by_stream: HashMap::new(),
            followers: Vec::new(),
            watched: watch.iter().map(|watch| WatchedBit { watch: *watch, levels: Vec::new() }).collect(),
            difference: (0.0, 0),
        };
        for role in resolved.roles {
            for signal in role.sources {
                let collected = match role.kind {
                    RoleKind::Speed => Collected::Speed(Box::new(Speeds::new(min, max))),
                    RoleKind::SetSpeed => Collected::SetSpeed(SetSpeeds::default()),
                    _ => Collected::Level(Level::default()),
                };
                found.want(signal.address());
                let stream = found.by_stream.entry((signal.bus, signal.address())).or_default();
                stream.push(found.followers.len());
                found.followers.push(Follower { kind: role.kind.clone(), signal, collected });
            }
        }
        watch.iter().for_each(|watch| found.want(watch.address));
        found
    }

    fn want(&mut self, address: Address) {
        match self.standard.get_mut(address.0 as usize) {
            Some(wanted) => *wanted = true,
            None => {
                self.extended.insert(address);
            }
        }
    }

    /// Returns whether some frames with this address tell something.
    #[inline]
    pub(super) fn wants(&self, address: Address) -> bool {
        match self.standard.get(address.0 as usize) {
            Some(wanted) => *wanted,
            None => !self.extended.is_empty() && self.extended.contains(&address),
        }
    }

    /// Returns the mean difference between what the frames and openpilot say of the speed.
    #[expect(clippy::cast_precision_loss, reason = "there are far fewer samples than 2^53")]
    pub(super) fn difference(&self) -> Option<f64> {
        let (sum, count) = self.difference;
        (count > 0).then(|| sum / count as f64)
    }

    pub(super) fn take(&mut self, time: f64, frame: &Frame<'_>, openpilot: &Openpilot, room: &mut usize) {
        for index in self.by_stream.get(&(frame.bus, frame.address)).into_iter().flatten() {
            let Follower { signal, collected, .. } = &mut self.followers[*index];
            match collected {
                Collected::Speed(speeds) => {
                    let (mut wheels, mut count) = ([0.0; crate::cars::ITEMS_MAX], 0);
                    signal.each_value(frame.data, |value| {
                        wheels[count] = signal.unit.to_mps(value);
                        count += 1;
                    });
                    let speed = speeds.push(time, wheels[..count].iter().copied(), room);
                    if let (Some(speed), Some((told, other))) = (speed, openpilot.speeds.last)
                        && (time - told).abs() <= COMPARED_WITHIN
                    {
                        self.difference.0 += (speed - other).abs();
                        self.difference.1 += 1;
                    }
                }
                Collected::SetSpeed(set) => {
                    signal.each_value(frame.data, |value| set.push(time, signal.unit.to_mps(value)))
                }
                Collected::Level(level) => {
                    signal.each_value(frame.data, |value| level.push(time, signal.test.is_on(value), room));
                }
            }
        }
        for WatchedBit { watch, levels } in &mut self.watched {
            if watch.address != frame.address || watch.bus.is_some_and(|bus| bus != frame.bus) {
                continue;
            }
            let Some(byte) = frame.data.get(usize::from(watch.bit / 8)) else { continue };
            let at = levels.iter().position(|(bus, _)| *bus == frame.bus).unwrap_or_else(|| {
                levels.push((frame.bus, Level::default()));
                levels.len() - 1
            });
            levels[at].1.push(time, byte >> (watch.bit % 8) & 1 == 1, room);
        }
    }
}
