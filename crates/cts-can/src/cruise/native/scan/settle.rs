//! From what was collected to what is known: which source tells each fact, the windows, and when the car was engaged.
//!
//! The profile's signals are preferred where their frames occur; else openpilot's events tell it, else nothing does.

use super::super::level::Level;
use super::super::plan::{EngagedClock, PRESS_AFTER, PRESS_BEFORE, Parts, Plan, padded, place_windows};
use super::super::{
    BitPlace, CarUse, CruiseResult, Engaged, EngagedFrom, FollowedKind, FollowedSignal, LogTime, Note, Press, Role,
    Run, SourceUse, Stretch,
};
use super::Scan;
use super::follow::{Collected, Follower, WatchedBit};
use crate::cars::{BusDbc, RoleKind};
use crate::dbc::DbcMessage;
use crate::frame::{Address, Bus, Origin};

mod notes;
mod windows;

/// What is known after the first reading.
#[derive(Debug)]
pub(in super::super) struct Settled {
    /// What was found so far; the streams and bits are not measured.
    pub(in super::super) result: CruiseResult,
    pub(in super::super) plan: Plan,
    /// Frames that the second reading must find again.
    pub(in super::super) frames: u64,
    pub(in super::super) messages: Messages,
    /// Signals of the profile whose frames did not come.
    pub(in super::super) silent: Vec<Silent>,
}

/// The messages of the profile.
#[derive(Debug)]
pub(in super::super) struct Messages {
    /// Those that a signal names another bus for than that of its DBC file.
    moved: Vec<(Bus, DbcMessage)>,
    dbcs: Vec<BusDbc>,
}

impl Messages {
    fn new(followers: &[Follower], dbcs: Vec<BusDbc>) -> Self {
        let is_moved = |of: &&Follower| !dbcs.iter().any(|dbc| dbc.bus == of.signal.bus);
        let moved = followers.iter().filter(is_moved).map(|of| (of.signal.bus, of.signal.message.clone())).collect();
        Self { moved, dbcs }
    }

    /// Returns the message that a stream has; of an echo that of its bus.
    pub(in super::super) fn of(&self, bus: Bus, address: Address) -> Option<&DbcMessage> {
        let bus = bus.physical();
        let moved = self.moved.iter().find(|(of, message)| (*of, message.address) == (bus, address));
        let of_bus = || self.dbcs.iter().filter(|of| of.bus == bus).find_map(|of| of.dbc.message(address));
        moved.map(|(_, message)| message).or_else(of_bus)
    }
}

/// A signal of the profile whose frames did not come.
#[derive(Debug)]
pub(in super::super) struct Silent {
    /// The fact and the signal.
    pub(in super::super) signal: String,
    pub(in super::super) address: Address,
    pub(in super::super) bus: Bus,
}

/// Settles what was found.
pub(super) fn settle(scan: Scan) -> Settled {
    let Scan { options, car, inputs, found } = scan;
    let (first, last) = found.extent.unwrap_or((0.0, 0.0));
    let log = Stretch { start: first, end: last };
    let mut notes = car.notes;
    notes::of_inputs(&found, &options, &mut notes);
    let difference = found.followers.difference();
    let dbcs = if car.car.is_some() { car.dbcs } else { Vec::new() };
    let messages = Messages::new(&found.followers.followers, dbcs);
    let mut chosen = Chosen::new(found.followers.followers, found.followers.watched);
    let openpilot = found.openpilot;

    let (speed_text, speeds) = match chosen.take(&RoleKind::Speed) {
        Some(Follower { signal, collected: Collected::Speed(speeds), .. }) => (Some(signal.to_string()), *speeds),
        _ => ((openpilot.speeds.samples() > 0).then(|| "carState.vEgo".to_owned()), openpilot.speeds),
    };
    chosen.tell(Role::Speed, speed_text, speeds.samples());
    let (speed, target) = speeds.finish(difference);
    notes::of_speed(&speed, &target, &options, &mut notes);

    let mut presses = Vec::new();
    let buttons = chosen.buttons();
    let (mut names, mut samples) = (Vec::new(), 0);
    for Follower { kind, signal, collected } in buttons {
        let (RoleKind::Button(button), Collected::Level(level)) = (&kind, collected) else { continue };
        names.push(signal.to_string());
        samples += level.samples;
        let place = BitPlace { address: signal.address(), bus: signal.bus, bit: signal.bit() };
        let followed = chosen.follow(Role::Buttons, kind.to_string(), signal.to_string(), Some(place), level);
        // One that was pressed when it was first seen may have been stuck for hours.
        for run in followed.runs.iter().filter(|run| !run.is_begun_before) {
            let mps = speed.at(run.start);
            let is_in_target = mps.is_some_and(|mps| {
                let speed = options.speed_unit.of_mps(mps);
                options.speed_min <= speed && speed <= options.speed_max
            });
            presses.push(Press { button: button.clone(), run: *run, mps, is_in_target });
        }
    }
    presses.sort_by(|a, b| a.run.start.total_cmp(&b.run.start));
    chosen.tell(Role::Buttons, (!names.is_empty()).then(|| names.join(", ")), samples);

    chosen.level(
        Role::CruiseAvailable,
        &RoleKind::CruiseAvailable,
        "carState.cruiseState.available",
        openpilot.cruise_available,
    );
    chosen.level(
        Role::CruiseEngaged,
        &RoleKind::CruiseEngaged,
        "carState.cruiseState.enabled",
        openpilot.cruise_enabled,
    );
    chosen.level(Role::Brake, &RoleKind::Brake, "carState.brakePressed", openpilot.brake);
    chosen.level(Role::Gas, &RoleKind::Gas, "carState.gasPressed", openpilot.gas);
    let set_speeds = match chosen.take(&RoleKind::SetSpeed) {
        Some(Follower { signal, collected: Collected::SetSpeed(set), .. }) => {
            chosen.tell(Role::SetSpeed, Some(signal.to_string()), set.samples);
            set.changes
        }
        _ => {
            let text = (openpilot.set_speeds.samples > 0).then(|| "carState.cruiseState.speed".to_owned());
            chosen.tell(Role::SetSpeed, text, openpilot.set_speeds.samples);
            openpilot.set_speeds.changes
        }
    };
    chosen.blinkers(openpilot.left, openpilot.right);
    if openpilot.selfdrive.samples > 0 {
        let name = "openpilot engaged".to_owned();
        chosen.follow(Role::Engaged, name, "selfdriveState.enabled".to_owned(), None, openpilot.selfdrive);
    }
    let engaged = chosen.engaged(&options, log, &mut notes);

    let mut windows = windows::of(&options, &chosen.followed, &presses, &openpilot.bookmarks, log, &mut notes);
    let stretches: Vec<Stretch> = windows.iter().map(|window| window.window).collect();
    let parts = Parts::new(&stretches);
    place_windows(&mut windows, &parts, log);
    let marked: Vec<Run> =
        presses.iter().filter(|press| press.button == options.button).map(|press| press.run).collect();
    notes::of_presses(&options, &chosen.sources, &presses, &mut notes);
    let plan = Plan {
        log,
        parts,
        presses: padded(&marked, PRESS_BEFORE, PRESS_AFTER),
        engaged: EngagedClock::new(engaged.as_ref().map_or(&[], |engaged| engaged.runs.as_slice())),
    };
    let result = CruiseResult {
        analysis_id: String::new(),
        options,
        car: CarUse {
            identity: found.identity,
            profile: car.car.map(|car| car.name),
            dbcs: messages.dbcs.iter().map(|of| (of.name.clone(), of.bus)).collect(),
        },
        time: LogTime { zero_ns: inputs.time_zero(), first, last },
        inputs: inputs.into_summaries(),
        sources: chosen.sources,
        speed,
        target,
        presses,
        set_speeds,
        followed: chosen.followed,
        windows,
        engaged,
        streams: Vec::new(),
        fields: Vec::new(),
        candidates: Vec::new(),
        bits_scored: 0,
        bits_in_fields: 0,
        notes,
    };
    Settled { result, plan, frames: found.frames, messages, silent: chosen.silent }
}

/// Chooses the sources, and keeps what they told.
struct Chosen {
    followers: Vec<Follower>,
    watched: Vec<WatchedBit>,
    silent: Vec<Silent>,
    sources: Vec<SourceUse>,
    followed: Vec<FollowedSignal>,
}

impl Chosen {
    /// Leaves signals out whose frames did not come, and all but the first of several for one role.
    fn new(followers: Vec<Follower>, watched: Vec<WatchedBit>) -> Self {
        let mut chosen =
            Self { followers: Vec::new(), watched, silent: Vec::new(), sources: Vec::new(), followed: Vec::new() };
        let mut silent: Vec<Follower> = Vec::new();
        for follower in followers {
            if follower.samples() == 0 {
                silent.push(follower);
            } else if !chosen.followers.iter().any(|known| known.kind == follower.kind) {
                chosen.followers.push(follower);
            }
        }
        for (index, follower) in silent.iter().enumerate() {
            let is_told = chosen.followers.iter().any(|known| known.kind == follower.kind);
            if !is_told && !silent[..index].iter().any(|known| known.kind == follower.kind) {
                let BitPlace { address, bus, .. } = follower.place();
                let signals = follower.signal.names().join("+");
                let signal = format!("{} {}.{signals}", follower.kind, follower.signal.message.name);
                chosen.silent.push(Silent { signal, address, bus });
            }
        }
        chosen
    }

    fn take(&mut self, kind: &RoleKind) -> Option<Follower> {
        let at = self.followers.iter().position(|follower| follower.kind == *kind)?;
        Some(self.followers.remove(at))
    }

    fn buttons(&mut self) -> Vec<Follower> {
        let (buttons, others) = std::mem::take(&mut self.followers)
            .into_iter()
            .partition(|follower| matches!(follower.kind, RoleKind::Button(_)));
        self.followers = others;
        buttons
    }

    fn tell(&mut self, role: Role, source: Option<String>, samples: u64) {
        self.sources.push(SourceUse { role, source, samples });
    }

    fn follow(
        &mut self,
        role: Role,
        name: String,
        source: String,
        place: Option<BitPlace>,
        level: Level,
    ) -> &FollowedSignal {
        self.keep(FollowedKind::Role(role), name, source, place, level)
    }

    fn keep(
        &mut self,
        kind: FollowedKind,
        name: String,
        source: String,
        place: Option<BitPlace>,
        level: Level,
    ) -> &FollowedSignal {
        let samples = level.samples;
        let (runs, runs_left_out) = level.finish();
        self.followed.push(FollowedSignal { kind, name, source, place, runs, runs_left_out, samples });
        self.followed.last().expect("it was pushed above")
    }

    /// Settles what is on or off: the profile's signal, or else what openpilot says.
    fn level(&mut self, role: Role, kind: &RoleKind, event: &str, told: Level) {
        match self.take(kind) {
            Some(Follower { signal, collected: Collected::Level(level), .. }) => {
                let place = BitPlace { address: signal.address(), bus: signal.bus, bit: signal.bit() };
                self.tell(role, Some(signal.to_string()), level.samples);
                self.follow(role, kind.to_string(), signal.to_string(), Some(place), level);
            }
            _ if told.samples > 0 => {
                self.tell(role, Some(event.to_owned()), told.samples);
                self.follow(role, kind.to_string(), event.to_owned(), None, told);
            }
            _ => self.tell(role, None, 0),
        }
    }

    fn blinkers(&mut self, left_told: Level, right_told: Level) {
        let has = |kind: &RoleKind| self.followers.iter().any(|follower| follower.kind == *kind);
        if !(has(&RoleKind::LeftBlinker) && has(&RoleKind::RightBlinker)) {
            // One of them alone marks nothing.
            self.followers.retain(|follower| !matches!(follower.kind, RoleKind::LeftBlinker | RoleKind::RightBlinker));
        }
        self.level(Role::Blinkers, &RoleKind::LeftBlinker, "carState.leftBlinker", left_told);
        self.level(Role::Blinkers, &RoleKind::RightBlinker, "carState.rightBlinker", right_told);
    }

    /// Follows the bits that the user named, and settles when the car was engaged.
    fn engaged(&mut self, options: &super::CruiseOptions, log: Stretch, notes: &mut Vec<Note>) -> Option<Engaged> {
        let mut watched = std::mem::take(&mut self.watched);
        let bit = if matches!(options.engaged, EngagedFrom::Bit(_)) { watched.pop() } else { None };
        let bit = bit.and_then(|bit| notes::choose_bus(bit, options.engaged_bus, notes));
        for WatchedBit { watch, levels } in watched {
            if levels.is_empty() {
                notes.push(Note::new(
                    format!("no frame has the bit {watch}"),
                    "look in counts_by_segment for the addresses and buses that there are",
                ));
            }
            for (bus, level) in levels {
                let watch = crate::bitwatch::Watch { bus: Some(bus), ..watch };
                let place = BitPlace { address: watch.address, bus, bit: Some(watch.bit) };
                self.keep(FollowedKind::Watch, watch.to_string(), watch.to_string(), Some(place), level);
            }
        }
        let bit_signal = bit.map(|(watch, bus, level)| {
            let watch = crate::bitwatch::Watch { bus: Some(bus), ..watch };
            let place = BitPlace { address: watch.address, bus, bit: Some(watch.bit) };
            let role = FollowedKind::Role(Role::Engaged);
            self.keep(role, format!("engaged bit {watch}"), watch.to_string(), Some(place), level).clone()
        });
        let first_of = |roles: &[Role]| {
            let of = |role: &Role| self.followed.iter().find(|signal| signal.kind == FollowedKind::Role(*role));
            roles.iter().find_map(of).cloned()
        };
        let signal = match options.engaged {
            EngagedFrom::Auto => first_of(&[Role::CruiseEngaged, Role::Engaged]),
            EngagedFrom::Cruise => first_of(&[Role::CruiseEngaged]),
            EngagedFrom::Selfdrive => first_of(&[Role::Engaged]),
            EngagedFrom::Bit(_) => bit_signal,
            EngagedFrom::Nothing => None,
        };
        let (text, samples) = signal.as_ref().map_or((None, 0), |signal| (Some(signal.source.clone()), signal.samples));
        self.tell(Role::Engaged, text, samples);
        notes::of_engaged(options, signal.as_ref(), log, notes);
        let signal = signal?;
        let margin = options.engaged_margin.max(0.0);
        Some(Engaged {
            source: signal.source,
            place: signal.place,
            padded: padded(&signal.runs, margin, margin),
            seconds: signal.runs.iter().map(Run::seconds).sum(),
            runs: signal.runs,
        })
    }
}

/// Returns whether a bus is one that frames are received on.
fn is_received(bus: Bus) -> bool {
    bus.origin() == Origin::Received
}
