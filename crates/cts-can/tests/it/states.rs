//! What cars, pandas and openpilot do, against what is known about the logs from elsewhere: the frames beside the
//! states, the truth of the made drive, and what the Python monitor prints.

use std::fmt::Write as _;
use std::fs;

use cts_can::frame::{Address, Bus};
use cts_can::rlog::{CarState, Event, EventKind, LogReader, SafetyModel};

use crate::shared::{self, example};

fn for_each_event(log: &[u8], mut look: impl FnMut(&Event<'_>)) {
    let mut reader = LogReader::new(log);
    while let Some(event) = reader.next_event().unwrap() {
        look(&event.unwrap());
    }
    assert_eq!(reader.end().unwrap().damage, None);
}

/// Every `carState` with its seconds after the first `can` event.
fn car_states(log: &[u8]) -> Vec<(f64, CarState)> {
    let mut first_can = None;
    let mut states = Vec::new();
    for_each_event(log, |event| {
        if event.kind == EventKind::Can {
            first_can.get_or_insert(event.mono_time);
        }
        states.extend(event.car_state().unwrap().map(|state| (event.mono_time, state)));
    });
    let seconds = |time| (i128::from(time) - i128::from(first_can.unwrap())) as f64 / 1e9;
    states.into_iter().map(|(time, state)| (seconds(time), state)).collect()
}

/// The mean of the four wheels of a Toyota, in m/s: big-endian hundredths of a km/h above -67.67 km/h.
fn toyota_wheels(data: &[u8]) -> f64 {
    let wheels = data.chunks_exact(2).map(|wheel| f64::from(u16::from_be_bytes([wheel[0], wheel[1]])) * 0.01 - 67.67);
    wheels.sum::<f64>() / 4.0 / 3.6
}

#[test]
fn the_speed_of_the_sample_log_is_that_of_its_wheels() {
    let sample = zstd::decode_all(example("toyota-5s.rlog.zst").as_slice()).unwrap();
    let (mut wheels, mut compared) = (None, 0);
    for_each_event(&sample, |event| {
        if event.kind == EventKind::Can {
            let frames = event.frames().unwrap().filter(|frame| (frame.address, frame.bus) == (Address(0xAA), Bus(0)));
            wheels = frames.map(|frame| toyota_wheels(frame.data)).last().or(wheels);
        }
        let (Some(wheels), Some(state)) = (wheels, event.car_state().unwrap()) else { return };
        assert!((f64::from(state.v_ego) - wheels).abs() < 0.2, "{} m/s, the wheels have {wheels} m/s", state.v_ego);
        assert_eq!((state.can_valid, state.cruise.enabled, state.cruise.available), (true, true, true));
        assert_eq!((state.gas_pressed, state.brake_pressed, state.standstill), (false, false, false));
        compared += 1;
    });
    assert!(compared > 400, "{compared} states");
}

#[test]
fn the_sample_log_tells_which_car_it_is_of_and_not_which_vehicle() {
    let mut cars = Vec::new();
    let mut pandas = 0;
    for_each_event(&example("toyota-5s.rlog.zst"), |event| {
        if let Some(car) = event.car_params().unwrap() {
            let rules: Vec<_> = car.safety_configs().map(|config| (config.model.to_string(), config.param)).collect();
            cars.push((car.brand.to_owned(), car.fingerprint.to_owned(), rules));
            assert_eq!((event.kind, car.flags, car.alternative_experience), (EventKind::CarParams, 0, 0));
            let printed = format!("{car:?} {event:?}");
            assert!(printed.len() < 600, "debugging prints no content: {printed}");
        }
        for panda in event.panda_states().unwrap() {
            assert_eq!((panda.safety_model, panda.safety_param), (SafetyModel(2), 73));
            assert!(panda.controls_allowed && panda.ignition_line && panda.uptime <= 5);
            assert!((11_000..15_000).contains(&panda.voltage), "{} mV", panda.voltage);
            pandas += 1;
        }
    });
    assert_eq!(cars, [("toyota".to_owned(), "TOYOTA_RAV4".to_owned(), vec![("toyota".to_owned(), 73)])]);
    assert_eq!(pandas, 50);
}

#[test]
fn events_of_other_kinds_tell_no_state() {
    for_each_event(&example("toyota-5s.rlog.zst"), |event| {
        let told = [
            (event.car_state().unwrap().is_some(), EventKind::CarState),
            (event.car_params().unwrap().is_some(), EventKind::CarParams),
            (event.selfdrive_state().unwrap().is_some(), EventKind::SelfdriveState),
            (event.panda_states().unwrap().len() > 0, EventKind::PandaStates),
        ];
        for (tells, kind) in told {
            assert_eq!(tells, event.kind == kind, "{kind:?} of {:?}", event.kind);
        }
    });
}

/// Where a flag turns on and off, in seconds.
fn changes(states: &[(f64, CarState)], flag: impl Fn(&CarState) -> bool) -> Vec<f64> {
    let mut last = false;
    let mut times = Vec::new();
    for (seconds, state) in states {
        if flag(state) != last {
            last = !last;
            times.push(*seconds);
        }
    }
    times
}

#[expect(clippy::print_stdout, reason = "a failing comparison shows both lists")]
fn assert_near(what: &str, found: &[f64], expected: &[f64]) {
    println!("{what}: found {found:?}, expected {expected:?}");
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        // States come every 10 ms and are stamped up to one such step early.
        assert!((found - expected).abs() < 0.02, "{what}: {found} s instead of {expected} s");
    }
}

#[test]
fn the_states_of_the_made_drive_are_its_truth() {
    let Some(shared) = shared::folder() else { return };
    let log = fs::read(shared.join("data/synth/subaru.rlog.zst")).unwrap();
    let states = car_states(&log);
    assert_eq!(states.len(), 6000);
    assert_near("cruise active", &changes(&states, |state| state.cruise.enabled), &[24.2, 50.0]);
    assert_near("brake", &changes(&states, |state| state.brake_pressed), &[50.0, 52.5]);
    let left = [2.0, 2.4, 22.0, 22.4, 42.0, 42.35, 42.7, 43.05, 43.4, 43.75, 56.0, 56.4];
    assert_near("left blinker", &changes(&states, |state| state.left_blinker), &left);
    let right = [18.5, 18.9, 34.0, 34.4, 45.0, 45.35, 45.7, 46.05];
    assert_near("right blinker", &changes(&states, |state| state.right_blinker), &right);
    assert_near("main switch", &changes(&states, |state| state.cruise.available), &[5.2]);
    for (seconds, state) in &states {
        assert!(state.can_valid && !state.gas_pressed && !state.standstill, "at {seconds} s");
        let set_mph = if state.cruise.enabled { 55.0 } else { 0.0 };
        assert!((f64::from(state.cruise.speed) / 0.44704 - set_mph).abs() < 0.01, "at {seconds} s");
    }
    let mph_at = |at: f64| {
        let (_, state) = states.iter().find(|(seconds, _)| *seconds >= at).unwrap();
        f64::from(state.v_ego) / 0.44704
    };
    assert!((mph_at(0.0) - 50.0).abs() < 0.05, "{} mph", mph_at(0.0));
    let fastest = states.iter().map(|(_, state)| state.v_ego).fold(0.0, f32::max);
    assert!((f64::from(fastest) / 0.44704 - 60.0).abs() < 0.05, "{fastest} m/s");
    assert!((mph_at(45.0) - 55.6).abs() < 0.05, "{} mph", mph_at(45.0));
}

/// `True` or `False`, as Python has them.
fn python(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

#[test]
fn panda_states_are_those_that_the_python_monitor_prints() {
    let Some(shared) = shared::folder() else { return };
    for (set, log) in [("subaru", "synth/subaru"), ("real", "real/real")] {
        let log = fs::read(shared.join(format!("data/{log}.rlog.zst"))).unwrap();
        let golden = fs::read_to_string(shared.join(format!("golden/monitors/{set}/panda-state/stdout.txt"))).unwrap();
        let (mut printed, mut enabled) = (String::new(), false);
        for_each_event(&log, |event| {
            enabled = event.selfdrive_state().unwrap().map_or(enabled, |state| state.enabled);
            for (number, panda) in event.panda_states().unwrap().enumerate() {
                let model = panda.safety_model;
                write!(printed, "panda{number}: model={model} param={} ", panda.safety_param).unwrap();
                write!(printed, "altExp={} ", panda.alternative_experience).unwrap();
                write!(printed, "controlsAllowed={} ", python(panda.controls_allowed)).unwrap();
                writeln!(printed, "rxInvalid={}", python(panda.safety_rx_checks_invalid)).unwrap();
            }
            if event.kind == EventKind::PandaStates {
                writeln!(printed, "selfdrive enabled={}\n---", python(enabled)).unwrap();
            }
        });
        assert!(printed == golden, "{set}: the monitor printed something else");
    }
}
