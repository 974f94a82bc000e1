//! What is known of the drives: the truth of the made one, and what openpilot's events say of the real ones.

use std::fs;

use cts_can::cars::SpeedUnit;
use cts_can::cruise::native::{CandidateKind, CruiseOptions, CruiseResult, FollowedSignal, Role, Run};

use super::{analyze, candidate, car_of, made_car, notes, try_analyze};
use crate::shared;

fn runs(result: &CruiseResult, name: &str) -> Vec<Run> {
    let signal = result.followed.iter().find(|signal| signal.name == name);
    let FollowedSignal { runs, .. } = signal.unwrap_or_else(|| panic!("{name} is followed"));
    runs.clone()
}

/// Frames come each 10 to 50 ms, and an event has the time of its last frame.
fn is_near(found: f64, truth: f64) -> bool {
    (found - truth).abs() < 0.06
}

fn subaru() -> Option<CruiseResult> {
    let log = fs::read(shared::folder()?.join("data/synth/subaru.rlog.zst")).unwrap();
    Some(analyze(&log, &CruiseOptions::default()))
}

#[test]
fn the_made_drive_is_told_as_it_was() {
    let Some(result) = subaru() else { return };
    assert_eq!(result.car.profile.as_deref(), Some("subaru"));
    let presses = |button: &str| {
        let of = result.presses.iter().filter(|press| press.button == button);
        of.map(|press| press.run.start).collect::<Vec<f64>>()
    };
    let expected = [("main", vec![5.0]), ("set", vec![10.5, 24.0, 40.0]), ("resume", vec![53.0])];
    for (button, expected) in expected {
        let found = presses(button);
        assert_eq!(found.len(), expected.len(), "{button}");
        assert!(found.iter().zip(expected).all(|(found, truth)| is_near(*found, truth)), "{button} at {found:?}");
    }
    for (name, start, end) in [("cruise engaged", 24.2, 50.0), ("brake", 50.0, 52.5)] {
        let [run] = runs(&result, name)[..] else { panic!("{name} is on once") };
        assert!(is_near(run.start, start) && is_near(run.end, end), "{name} {run:?}");
        assert!(!run.is_begun_before && !run.is_unfinished);
    }
    let engaged = result.engaged.as_ref().unwrap();
    assert_eq!(engaged.source, "Cruise_Status.Cruise_Activated (0x241 on bus 0)");
    assert!((engaged.seconds - 25.8).abs() < 0.1);
    let set: Vec<f64> = result.set_speeds.iter().map(|set| SpeedUnit::Mph.of_mps(set.mps).round()).collect();
    assert_eq!(set, [0.0, 55.0, 0.0]);
    let [low, _, high] = result.speed.range.unwrap();
    assert!((SpeedUnit::Mph.of_mps(low) - 48.4).abs() < 0.1 && (SpeedUnit::Mph.of_mps(high) - 60.0).abs() < 0.1);
    assert!(result.speed.difference.unwrap() < 0.1, "openpilot says the same of the speed");
}

#[test]
fn the_windows_of_the_made_drive_are_those_that_were_marked() {
    let Some(result) = subaru() else { return };
    let found: Vec<_> = result.windows.iter().map(|window| (window.begun, window.ended)).collect();
    let expected = [(22.0, Some(34.0)), (43.4, Some(45.0)), (56.0, None)];
    assert_eq!(found.len(), expected.len(), "the first pair took longer than the timeout: {found:?}");
    for ((begun, ended), (left, right)) in found.iter().zip(expected) {
        assert!(is_near(*begun, left), "{found:?}");
        assert_eq!(ended.is_some(), right.is_some());
        assert!(ended.zip(right).is_none_or(|(found, truth)| is_near(found, truth)), "{found:?}");
    }
    let first = &result.windows[0];
    assert_eq!(first.window.start, first.begun - 1.5);
    assert_eq!(first.window.end, first.ended.unwrap() + 1.5);
    assert!(notes(&result).contains("window 3 is not complete"), "{}", notes(&result));
}

#[test]
fn the_bits_that_tell_the_cruise_control_of_the_made_drive_lead_the_ranking() {
    let Some(result) = subaru() else { return };
    let place = |address, bus, bit| {
        let found = result.candidates.iter().position(|of| (of.address.0, of.bus.0, of.bit) == (address, bus, bit));
        found.unwrap_or_else(|| panic!("{address:#x}@{bus}:{bit} is a candidate"))
    };
    let own = candidate(&result, 0x241, 0, 55).unwrap();
    assert!(place(0x241, 0, 55) < 5, "at {}", place(0x241, 0, 55));
    assert_eq!((own.kind, own.rises, own.falls), (CandidateKind::Engaged, 1, 1));
    assert!(own.phi.unwrap() > 0.9999, "{own:?}");
    assert_eq!(own.signal.as_deref(), Some("Cruise_Status.Cruise_Activated"));
    assert!((own.high - 25.8).abs() < 0.1 && (own.high_engaged - own.high).abs() < 1e-9);
    let set = candidate(&result, 0x146, 0, 43).unwrap();
    assert_eq!((set.kind, set.presses_hit, set.press_toggles, set.rises), (CandidateKind::Presses, 3, 6, 3));
    assert!(set.score > 99.0 && place(0x146, 0, 43) < 12);
    // The bits of the pulse hunt toggle in the first window only, and tell nothing of the cruise control.
    for (address, bus, bit) in [(0x2A4, 0, 43), (0x1F8, 1, 17), (0x7F1, 1, 163)] {
        if let Some(found) = candidate(&result, address, bus, bit) {
            assert!(found.kind != CandidateKind::Engaged && found.phi.unwrap().abs() < 0.5, "{found:?}");
        }
    }
    let best = &result.candidates[..20];
    assert!(best.iter().all(|of| {
        !result.fields.iter().any(|field| (field.bus, field.address) == (of.bus, of.address) && field.holds(of.bit))
    }));
}

#[test]
fn the_real_drive_is_told_as_openpilot_says() {
    let Some(shared) = shared::folder() else { return };
    let log = fs::read(shared.join("data/real/real.rlog.zst")).unwrap();
    let options =
        CruiseOptions { speed_min: 20.0, speed_max: 50.0, speed_unit: SpeedUnit::Kph, ..CruiseOptions::default() };
    let result = analyze(&log, &options);
    assert_eq!(result.car.profile.as_deref(), Some("toyota"));
    assert!(result.speed.difference.unwrap() < 0.1, "m/s from carState: {:?}", result.speed.difference);
    assert_eq!(result.speed.points_seen, 4974);
    assert!(!result.target.is_empty() && result.target[0].is_begun_before);
    let [run] = runs(&result, "cruise engaged")[..] else { panic!("it is engaged once") };
    assert!((run.start - 9.011).abs() < 0.001 && run.is_unfinished, "{run:?}");
    let active = candidate(&result, 0x1D2, 0, 5).unwrap();
    assert!(active.signal.as_deref() == Some("PCM_CRUISE.CRUISE_ACTIVE") && active.phi.unwrap() > 0.9999, "{active:?}");
    let set: Vec<f64> = result.set_speeds.iter().map(|set| (set.mps * 3.6).round()).collect();
    assert_eq!(set, [67.0, 72.0, 74.0, 75.0, 77.0, 78.0]);
    assert!(result.windows.is_empty() && notes(&result).contains("no windows: no left blinker"));
    assert!(notes(&result).contains("no frame of 0x365 came on bus 0 with button main DSU_CRUISE.MAIN_ON, button set"));
}

#[test]
fn the_first_wheel_of_the_real_drive_is_that_of_its_publishers() {
    let Some(shared) = shared::folder() else { return };
    let log = fs::read(shared.join("data/real/real.rlog.bz2")).unwrap();
    let profile = "[speed]\nsignals = [\"WHEEL_SPEEDS.WHEEL_SPEED_FL\"]\nunit = \"kph\"\n";
    let car = made_car(profile, cts_can::dbc::shipped("toyota_new_mc_pt_generated").unwrap());
    let result = try_analyze(&[&log], &CruiseOptions::default(), car).unwrap();
    assert!((f64::from(result.speed.points[0].mps) * 3.6 - 28.86).abs() < 0.001, "{:?}", result.speed.points[0]);
}

#[test]
fn the_sample_log_is_told_with_and_without_a_profile() {
    let log = shared::example("toyota-5s.rlog.zst");
    let by_frames = analyze(&log, &CruiseOptions::default());
    assert_eq!(by_frames.car.profile.as_deref(), Some("toyota"));
    let by_events = try_analyze(&[&log], &CruiseOptions::default(), super::CarInUse::default()).unwrap();
    let source = |result: &CruiseResult, role: Role| {
        result.sources.iter().find(|of| of.role == role).and_then(|of| of.source.clone()).unwrap_or_default()
    };
    assert!(source(&by_frames, Role::Speed).contains("WHEEL_SPEEDS"), "{}", source(&by_frames, Role::Speed));
    assert_eq!(source(&by_events, Role::Speed), "carState.vEgo");
    assert_eq!(source(&by_events, Role::Engaged), "carState.cruiseState.enabled");
    assert!(by_frames.speed.difference.unwrap() < 0.1);
    for time in [1.0, 2.5, 4.0] {
        let [frames, events] = [&by_frames, &by_events].map(|result| result.speed.at(time).unwrap());
        assert!((frames - events).abs() < 0.1, "{frames} and {events} m/s at {time} s");
    }
    assert_eq!(by_frames.streams.len(), by_events.streams.len());
    assert_ne!(by_frames.analysis_id, by_events.analysis_id);
}

#[test]
fn segments_and_the_whole_give_the_same() {
    let Some(shared) = shared::folder() else { return };
    let read = |name: &str| fs::read(shared.join("data").join(name)).unwrap();
    let (zero, one) = (read("big/seg--0--rlog.zst"), read("big/seg--1--rlog.zst"));
    let whole = [zstd::decode_all(zero.as_slice()).unwrap(), zstd::decode_all(one.as_slice()).unwrap()].concat();
    let options = CruiseOptions::default();
    let parts = try_analyze(&[&zero, &one], &options, car_of(&zero, None)).unwrap();
    let joined = try_analyze(&[&whole], &options, car_of(&zero, None)).unwrap();
    assert_eq!((parts.streams, parts.candidates), (joined.streams, joined.candidates));
    assert_eq!((parts.followed, parts.speed), (joined.followed, joined.speed));
}
