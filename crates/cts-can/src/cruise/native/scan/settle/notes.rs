//! What about a log and the options is worth a warning, with what would mend it.

use super::super::super::level::Level;
use super::super::super::{
    CruiseOptions, EngagedFrom, FollowedSignal, MarkFrom, Note, Press, Role, Run, SourceUse, SpeedTrack, Stretch,
};
use super::super::Found;
use super::super::follow::WatchedBit;
use super::is_received;
use crate::bitwatch::Watch;
use crate::frame::Bus;

/// The mean difference from which what frames and openpilot say of the speed do not fit together, in m/s.
const DIFFERENCE_MAX: f64 = 1.0;

pub(super) fn of_inputs(found: &Found, options: &CruiseOptions, notes: &mut Vec<Note>) {
    if found.frames == 0 {
        notes.push(Note::new("there are no frames", "give a full log (rlog): short ones (qlog) leave most frames out"));
    }
    if found.late > 0 {
        notes.push(Note::new(
            format!("{} frames come with an earlier time than the frame before", found.late),
            "give the logs of one drive; times beside them may be wrong",
        ));
    }
    if let (Some(other), Some(car)) = (&found.other_car, &found.identity) {
        notes.push(Note::new(
            format!("the logs are of several cars: {} and {}", car.fingerprint, other.fingerprint),
            "analyze the logs of each car for themselves",
        ));
    }
    if options.speed_min > options.speed_max {
        notes.push(Note::new("speed_min is above speed_max, so no speed is in the range", "exchange them"));
    }
}

pub(super) fn of_speed(speed: &SpeedTrack, target: &[Run], options: &CruiseOptions, notes: &mut Vec<Note>) {
    let unit = options.speed_unit;
    let Some([low, _, high]) = speed.range else {
        notes.push(Note::new("nothing tells the speed", "give a profile with [speed], or a log with carState"));
        return;
    };
    if target.is_empty() && options.speed_min <= options.speed_max {
        let (low, high) = (unit.of_mps(low), unit.of_mps(high));
        notes.push(Note::new(
            format!(
                "the speed is never from {} to {} {unit}: it is from {low:.1} to {high:.1}",
                options.speed_min, options.speed_max
            ),
            "choose `speed_min` and `speed_max` from that range",
        ));
    }
    if let Some(difference) = speed.difference.filter(|difference| *difference > DIFFERENCE_MAX) {
        notes.push(Note::new(
            format!("the speed of the frames differs from that of openpilot by {difference:.1} m/s in the mean"),
            "check the unit, the signals and the DBC file of the profile",
        ));
    }
    if speed.impossible > 0 {
        notes.push(Note::new(
            format!("{} speeds of single wheels are above 400 km/h and were left out", speed.impossible),
            "nothing is to be done where they are few: cars send such values while they start",
        ));
    }
    if speed.step > 0.0 {
        notes.push(Note::new(
            format!(
                "of {} speeds one is kept for each {:.3} s, {} in all",
                speed.points_seen,
                speed.step,
                speed.points.len()
            ),
            "give fewer logs at once for more of them",
        ));
    }
}

pub(super) fn of_presses(options: &CruiseOptions, sources: &[SourceUse], presses: &[Press], notes: &mut Vec<Note>) {
    let is_told = sources.iter().any(|source| source.role == Role::Buttons && source.source.is_some());
    if !is_told || options.marks == MarkFrom::Button(options.button.clone()) {
        return;
    }
    if !presses.iter().any(|press| press.button == options.button) {
        notes.push(Note::new(
            format!("the button {} is never pressed", options.button),
            "name another one with `button`, if candidates are to be held against its presses",
        ));
    }
}

pub(super) fn of_engaged(
    options: &CruiseOptions,
    signal: Option<&FollowedSignal>,
    log: Stretch,
    notes: &mut Vec<Note>,
) {
    let Some(signal) = signal else {
        // A bit that no frame has was told before.
        if !matches!(options.engaged, EngagedFrom::Nothing | EngagedFrom::Bit(_)) {
            notes.push(Note::new(
                "nothing tells whether the car was engaged",
                "name a bit with `engaged_bit`, or a profile with [cruise] engaged",
            ));
        }
        return;
    };
    let seconds: f64 = signal.runs.iter().map(Run::seconds).sum();
    if signal.runs_left_out > 0 {
        notes.push(Note::new(
            format!("{} changes more often than can be kept, so it is no sign of being engaged", signal.source),
            "name another bit with `engaged_bit`",
        ));
    } else if signal.runs.is_empty() {
        notes.push(Note::new(
            format!("the car was never engaged, says {}", signal.source),
            "give a log in which it was, or another sign with `engaged` or `engaged_bit`",
        ));
    } else if seconds >= log.seconds() && log.seconds() > 0.0 {
        notes.push(Note::new(
            format!("the car was engaged all the time, says {}, so no bit can be held against it", signal.source),
            "give a log in which it was not, or another sign with `engaged` or `engaged_bit`",
        ));
    }
}

/// Chooses among the buses that have the engaged bit: the one that was named, or else the one with most frames of it.
pub(super) fn choose_bus(bit: WatchedBit, wanted: Option<Bus>, notes: &mut Vec<Note>) -> Option<(Watch, Bus, Level)> {
    let WatchedBit { watch, mut levels } = bit;
    let buses: Vec<String> = levels.iter().map(|(bus, _)| bus.to_string()).collect();
    if let Some(wanted) = wanted {
        levels.retain(|(bus, _)| *bus == wanted);
    }
    // Frames that openpilot sent are no sign of what the car does, unless there are no others.
    levels.sort_by_key(|(bus, level)| (is_received(*bus), level.samples, std::cmp::Reverse(*bus)));
    let Some((bus, level)) = levels.pop() else {
        let message = match wanted {
            Some(wanted) if !buses.is_empty() => {
                format!("the engaged bit {watch} is not on bus {wanted}, but on {}", buses.join(", "))
            }
            _ => format!("no frame has the engaged bit {watch}"),
        };
        notes.push(Note::new(message, "name one of an address and a bus that counts_by_segment has"));
        return None;
    };
    if !levels.is_empty() {
        notes.push(Note::new(
            format!(
                "the engaged bit {watch} is on the buses {}; the one with most frames, {bus}, is used",
                buses.join(", ")
            ),
            "name the bus with `engaged_bus`",
        ));
    }
    Some((watch, bus, level))
}
