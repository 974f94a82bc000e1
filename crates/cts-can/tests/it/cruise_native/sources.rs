//! Made logs: what openpilot's events tell where there is no profile, and which marks make which windows.

use cts_can::cruise::native::{CarInUse, CruiseOptions, CruiseResult, CruiseTable, EngagedFrom, MarkFrom, Role};
use cts_can::markers::MarkerRule;

use super::{candidate, made_car, notes, rows, try_analyze};
use crate::writer::message::{Tree, Value, message};
use crate::writer::{CAN, MadeEvent, event};

const CAR_STATE: u16 = 21;
const SELFDRIVE_STATE: u16 = 128;
const USER_BOOKMARK: u16 = 91;

/// What a tenth of a second is like.
#[derive(Clone, Copy, Default)]
struct Tenth {
    mps: f32,
    is_braking: bool,
    left: bool,
    right: bool,
    is_cruising: bool,
    is_driving: bool,
    is_bookmarked: bool,
    payload: u8,
}

/// A drive of these tenths: `carState`, `selfdriveState` and a frame of 0x10 each.
fn drive(tenths: &[Tenth]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, tenth) in (0_u64..).zip(tenths) {
        let time = 5_000_000_000 + number * 100_000_000;
        bytes.extend(message(MadeEvent::new(time, CAN, &[(0x10, 0, &[tenth.payload])]).tree(), []));
        let bits = u64::from(tenth.is_braking) << 1 | u64::from(tenth.left) << 5 | u64::from(tenth.right) << 6;
        let mut data = vec![0; 10];
        data[0] = u64::from(tenth.mps.to_bits());
        data[1] = bits;
        let cruise = Tree { data: vec![u64::from(tenth.is_cruising), 0], pointers: Vec::new() };
        let state = Tree { data, pointers: vec![Value::Null, Value::Null, Value::Struct(cruise)] };
        bytes.extend(message(event(time + 1, CAR_STATE, Value::Struct(state)), []));
        let selfdrive = Tree { data: vec![u64::from(tenth.is_driving) << 16, 0], pointers: Vec::new() };
        bytes.extend(message(event(time + 2, SELFDRIVE_STATE, Value::Struct(selfdrive)), []));
        if tenth.is_bookmarked {
            bytes.extend(message(event(time + 3, USER_BOOKMARK, Value::Null), []));
        }
    }
    bytes
}

fn tenths(count: usize, of: impl Fn(usize) -> Tenth) -> Vec<Tenth> {
    (0..count).map(of).collect()
}

fn run(log: &[u8], options: &CruiseOptions) -> CruiseResult {
    try_analyze(&[log], options, CarInUse::default()).unwrap()
}

#[test]
fn a_car_without_a_profile_is_told_by_openpilot() {
    let log = drive(&tenths(100, |tenth| Tenth {
        mps: 20.0 + tenth as f32 / 10.0,
        is_braking: (70..80).contains(&tenth),
        left: (20..24).contains(&tenth),
        right: (40..44).contains(&tenth),
        is_cruising: (30..60).contains(&tenth),
        is_driving: (35..55).contains(&tenth),
        payload: u8::from((30..60).contains(&tenth)) | u8::from((25..27).contains(&tenth)) << 1,
        ..Tenth::default()
    }));
    let result = run(&log, &CruiseOptions { speed_min: 49.0, speed_max: 51.0, ..CruiseOptions::default() });
    let source = |role: Role| result.sources.iter().find(|of| of.role == role).unwrap().source.clone();
    let expected = [
        (Role::Speed, "carState.vEgo"),
        (Role::Brake, "carState.brakePressed"),
        (Role::Blinkers, "carState.leftBlinker"),
        (Role::CruiseEngaged, "carState.cruiseState.enabled"),
        (Role::Engaged, "carState.cruiseState.enabled"),
    ];
    for (role, expected) in expected {
        assert_eq!(source(role).as_deref(), Some(expected));
    }
    assert_eq!(source(Role::Buttons), None, "no event tells them");
    let [window] = result.windows[..] else { panic!("one window: {:?}", result.windows) };
    assert!((window.begun - 2.0).abs() < 0.01 && (window.ended.unwrap() - 4.0).abs() < 0.01);
    let [target] = result.target[..] else { panic!("the range is crossed once") };
    assert!((target.start - 2.0).abs() < 0.11 && (target.end - 2.8).abs() < 0.11, "{target:?}");
    let cruise = candidate(&result, 0x10, 0, 0).unwrap();
    assert!(cruise.phi.unwrap() > 0.99, "{cruise:?}");
    let brake = rows(&result, CruiseTable::Edges).into_iter().find(|row| row["name"] == "brake").unwrap();
    assert_eq!((&brake["address_hex"], &brake["source"]), (&serde_json::Value::Null, &"carState.brakePressed".into()));
    let openpilot = run(&log, &CruiseOptions { engaged: EngagedFrom::Selfdrive, ..CruiseOptions::default() });
    let engaged = openpilot.engaged.unwrap();
    assert!((engaged.seconds - 2.0).abs() < 0.01 && engaged.source == "selfdriveState.enabled");
    let nothing = run(&log, &CruiseOptions { engaged: EngagedFrom::Nothing, ..CruiseOptions::default() });
    assert!(nothing.engaged.is_none() && candidate(&nothing, 0x10, 0, 0).unwrap().phi.is_none());
}

#[test]
fn bookmarks_and_buttons_make_windows_too() {
    let log = drive(&tenths(100, |tenth| Tenth {
        is_bookmarked: tenth == 50 || tenth == 52,
        payload: u8::from((48..53).contains(&tenth)),
        ..Tenth::default()
    }));
    let rule = MarkerRule { pre: 0.5, post: 0.7, timeout: 15.0 };
    let options = CruiseOptions { marks: MarkFrom::Bookmarks, rule, ..CruiseOptions::default() };
    let result = run(&log, &options);
    let [window] = result.windows[..] else { panic!("two events of one press are one: {:?}", result.windows) };
    assert!((window.window.start - 4.5).abs() < 0.01 && (window.window.end - 5.7).abs() < 0.01);
    assert_eq!(window.mark.word(), "bookmark");
    assert_eq!(candidate(&result, 0x10, 0, 0).unwrap().windows_hit, 1);

    let dbc = "BO_ 16 B: 1 X\n SG_ SET : 0|1@1+ (1,0) [0|1] \"\" X\n";
    let car = made_car("[buttons]\nset = \"B.SET\"\n", dbc);
    let options = CruiseOptions { marks: MarkFrom::Button("set".to_owned()), rule, ..CruiseOptions::default() };
    let result = try_analyze(&[&log], &options, car.clone()).unwrap();
    let [window] = result.windows[..] else { panic!("one press") };
    assert!((window.window.start - 4.3).abs() < 0.01 && (window.window.end - 6.0).abs() < 0.01, "{window:?}");
    let [press] = &result.presses[..] else { panic!("one press") };
    assert_eq!((press.button.as_str(), press.mps), ("set", Some(0.0)));
    let options = CruiseOptions { marks: MarkFrom::Button("up".to_owned()), ..options };
    let result = try_analyze(&[&log], &options, car).unwrap();
    assert!(notes(&result).contains("no windows: the button up is never pressed"), "{}", notes(&result));
}

#[test]
fn a_table_of_frames_is_read_with_a_profile_that_is_named() {
    let mut table = String::from("timestamp,address,bus,data_hex\n");
    for tenth in 0..100 {
        let pressed = u8::from((30..35).contains(&tenth) || (60..65).contains(&tenth));
        table.push_str(&format!("{}.{},0x10,0,{pressed:02X}\n", tenth / 10, tenth % 10));
    }
    let dbc = "BO_ 16 B: 1 X\n SG_ SET : 0|1@1+ (1,0) [0|1] \"\" X\n";
    let car = made_car("[buttons]\nset = \"B.SET\"\n", dbc);
    let result = try_analyze(&[table.as_bytes()], &CruiseOptions::default(), car).unwrap();
    assert_eq!(result.presses.iter().map(|press| press.run.start).collect::<Vec<_>>(), [3.0, 6.0]);
    assert_eq!(result.time.zero_ns, None);
    assert!(notes(&result).contains("nothing tells the speed"), "{}", notes(&result));
    assert!(notes(&result).contains("nothing tells whether the car was engaged"));
    let set = candidate(&result, 0x10, 0, 0).unwrap();
    assert_eq!((set.presses_hit, set.signal.as_deref()), (2, Some("B.SET")));
}

#[test]
fn watched_bits_are_followed_on_every_bus() {
    let events: Vec<MadeEvent> = (0..50_u64)
        .map(|tenth| {
            let level = u8::from((10..20).contains(&tenth));
            MadeEvent::can(tenth * 100_000_000, &[(0x10, 0, &[level]), (0x10, 1, &[1 - level]), (0x11, 0, &[])])
        })
        .collect();
    let log = crate::writer::log(&events);
    let watch = ["0x10:B0b7", "0x10@1:0", "0x11:0"].map(|text| text.parse().unwrap()).to_vec();
    let result = run(&log, &CruiseOptions { watch, ..CruiseOptions::default() });
    let edges = rows(&result, CruiseTable::Edges);
    let told: Vec<String> = edges
        .iter()
        .map(|row| format!("{} {} {}", row["name"], row["edge_type"], row["bus"]).replace('"', ""))
        .collect();
    let expected = [
        "0x010@0:B0b7 rise 0",
        "0x010@1:B0b7 fall 1",
        "0x010@1:B0b7 fall 1",
        "0x010@0:B0b7 fall 0",
        "0x010@1:B0b7 rise 1",
        "0x010@1:B0b7 rise 1",
    ];
    assert_eq!(told, expected);
    assert!(notes(&result).contains("no frame has the bit 0x011:B0b7"));
    let timeline = rows(&result, CruiseTable::Timeline);
    assert!(timeline.iter().all(|row| row["name"] != "0x010@0:B0b7"), "watched bits have tables of their own");
}

#[test]
fn a_message_on_another_bus_is_named() {
    let frames: Vec<MadeEvent> = (0..20).map(|tenth| MadeEvent::can(tenth * 100_000_000, &[(0x10, 1, &[0])])).collect();
    let car = made_car("[buttons]\nset = \"B.SET\"\n", "BO_ 16 B: 1 X\n SG_ SET : 0|1@1+ (1,0) [0|1] \"\" X\n");
    let result = try_analyze(&[&crate::writer::log(&frames)], &CruiseOptions::default(), car).unwrap();
    let told = notes(&result);
    assert!(
        told.contains("no frame of 0x010 came on bus 0 with button set B.SET, but on bus 1: where that is"),
        "{told}"
    );
}
