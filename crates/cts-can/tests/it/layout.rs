//! The reader against the table of facts about the schema: every kind, and every field that is read, in logs of
//! versions that know fewer fields and of versions that know more.

use std::collections::BTreeMap;

use cts_can::rlog::{
    CarState, EVENT_KINDS, Event, EventKind, LogReader, PandaState, SafetyConfig, SafetyModel, SelfdriveState,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::events::{places, unknown_value};
use crate::shared::{fixture, same_cases};
use crate::writer::event;
use crate::writer::message::{Place, Tree, Value, message};

/// Where a field lies, as the table says it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lies {
    Bit(usize, u32),
    Number(usize, String),
    Pointer(usize),
}

/// The table: discriminants of events and places of fields, both by name.
struct Schema {
    kinds: BTreeMap<String, u16>,
    fields: BTreeMap<String, Lies>,
}

impl Schema {
    fn read() -> Self {
        let text = String::from_utf8(fixture("event-layout.txt")).unwrap();
        let mut schema = Self { kinds: BTreeMap::new(), fields: BTreeMap::new() };
        let mut of = String::new();
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "disc=").collect();
            match words.as_slice() {
                ["##", name, ..] => of = name.trim_end_matches(':').to_owned(),
                [name, _, "-", "data", "byte", byte, "bit", bit] => {
                    let lies = Lies::Bit(byte.parse().unwrap(), bit.parse().unwrap());
                    schema.fields.insert(format!("{of}.{name}"), lies);
                }
                [name, _, "-", "data", "byte", byte, kind] => {
                    let kind = kind.trim_matches(['(', ')']).to_owned();
                    schema.fields.insert(format!("{of}.{name}"), Lies::Number(byte.parse().unwrap(), kind));
                }
                [name, _, "-", "pointer", pointer, _] => {
                    schema.fields.insert(format!("{of}.{name}"), Lies::Pointer(pointer.parse().unwrap()));
                }
                [name, _, discriminant, "pointer", "0", _] if of == "Event" => {
                    schema.kinds.insert((*name).to_owned(), discriminant.parse().unwrap());
                }
                _ => {}
            }
        }
        schema
    }

    fn pointer(&self, field: &str) -> usize {
        let Some(Lies::Pointer(pointer)) = self.fields.get(field) else { panic!("{field} is a pointer") };
        *pointer
    }

    /// The bits of a field in a struct with this data; 0 where the data ends before it.
    fn bits(&self, field: &str, tree: &Tree) -> u64 {
        let data: Vec<u8> = tree.data.iter().flat_map(|word| word.to_le_bytes()).collect();
        let bytes = |at: usize, count: usize| {
            let found = data.get(at..at + count).unwrap_or_default();
            found.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
        };
        match self.fields.get(field).unwrap_or_else(|| panic!("{field} is in the table")) {
            Lies::Bit(byte, bit) => bytes(*byte, 1) >> bit & 1,
            Lies::Number(byte, kind) => match kind.as_str() {
                "uint8" => bytes(*byte, 1),
                "enum" | "uint16" | "int16" => bytes(*byte, 2),
                "uint32" | "float32" => bytes(*byte, 4),
                "uint64" => bytes(*byte, 8),
                _ => panic!("{field} has the unknown type {kind}"),
            },
            Lies::Pointer(_) => panic!("{field} is a pointer"),
        }
    }
}

#[test]
fn kinds_are_discriminants_and_not_ordinals() {
    let schema = Schema::read();
    assert_eq!(schema.kinds.len(), usize::from(EVENT_KINDS));
    let known = BTreeMap::from([
        ("can", EventKind::Can),
        ("sendcan", EventKind::SendCan),
        ("carState", EventKind::CarState),
        ("carParams", EventKind::CarParams),
        ("pandaStates", EventKind::PandaStates),
        ("selfdriveState", EventKind::SelfdriveState),
    ]);
    for (name, discriminant) in &schema.kinds {
        let expected = known.get(name.as_str()).copied().unwrap_or(EventKind::Other(*discriminant));
        assert_eq!(EventKind::from_discriminant(*discriminant), expected, "{name}");
    }
    for unknown in [EVENT_KINDS, u16::MAX] {
        assert_eq!(EventKind::from_discriminant(unknown), EventKind::Unknown(unknown));
    }
}

/// A struct of any version: fewer words and pointers than today, or more.
fn any_version(words: usize, pointers: usize) -> impl Strategy<Value = Tree> {
    (vec(any::<u64>(), 0..words + 3), vec(unknown_value(), 0..pointers + 3))
        .prop_map(|(data, pointers)| Tree { data, pointers })
}

/// Puts a struct where a pointer stands, if this version has the pointer.
fn put(tree: &mut Tree, pointer: usize, value: Value) -> bool {
    let slot = tree.pointers.get_mut(pointer);
    slot.map(|slot| *slot = value).is_some()
}

/// A list of structs of one version, so of one size.
fn list(elements: Vec<Tree>) -> Value {
    let data_words = elements.iter().map(|tree| tree.data.len()).max().unwrap_or(0);
    let pointer_count = elements.iter().map(|tree| tree.pointers.len()).max().unwrap_or(0);
    Value::Structs { data_words, pointer_count, elements }
}

fn with_event<T>(kind: u16, content: Value, places: Vec<Place>, look: impl FnOnce(&Event<'_>) -> T) -> T {
    let bytes = message(event(1, kind, content), places);
    let mut log = LogReader::new(bytes.as_slice());
    look(&log.next_event().unwrap().unwrap().unwrap())
}

fn check_car_state(schema: &Schema, state: &CarState, made: &Tree, cruise: &Tree, wheels: &Tree) {
    let of = |field: &str| schema.bits(&format!("CarState.{field}"), made);
    let of_cruise = |field: &str| schema.bits(&format!("CarState.CruiseState.{field}"), cruise);
    let of_wheels = |field: &str| schema.bits(&format!("CarState.WheelSpeeds.{field}"), wheels);
    let float = |value: f32| u64::from(value.to_bits());
    assert_eq!(float(state.v_ego), of("vEgo"));
    assert_eq!(u64::from(state.gas_pressed), of("gasPressed"));
    assert_eq!(u64::from(state.brake_pressed), of("brakePressed"));
    assert_eq!(u64::from(state.standstill), of("standstill"));
    assert_eq!(u64::from(state.left_blinker), of("leftBlinker"));
    assert_eq!(u64::from(state.right_blinker), of("rightBlinker"));
    assert_eq!(u64::from(state.can_valid), of("canValid"));
    assert_eq!(u64::from(state.cruise.enabled), of_cruise("enabled"));
    assert_eq!(u64::from(state.cruise.available), of_cruise("available"));
    assert_eq!(u64::from(state.cruise.standstill), of_cruise("standstill"));
    assert_eq!(float(state.cruise.speed), of_cruise("speed"));
    assert_eq!(float(state.wheel_speeds.front_left), of_wheels("fl"));
    assert_eq!(float(state.wheel_speeds.front_right), of_wheels("fr"));
    assert_eq!(float(state.wheel_speeds.rear_left), of_wheels("rl"));
    assert_eq!(float(state.wheel_speeds.rear_right), of_wheels("rr"));
}

fn check_panda_state(schema: &Schema, state: &PandaState, made: &Tree) {
    let of = |field: &str| schema.bits(&format!("PandaState.{field}"), made);
    assert_eq!(u64::from(state.voltage), of("voltage"));
    assert_eq!(u64::from(state.current), of("current"));
    assert_eq!(u64::from(state.ignition_line), of("ignitionLine"));
    assert_eq!(u64::from(state.ignition_can), of("ignitionCan"));
    assert_eq!(u64::from(state.controls_allowed), of("controlsAllowed"));
    assert_eq!(u64::from(state.power_save_enabled), of("powerSaveEnabled"));
    assert_eq!(u64::from(state.heartbeat_lost), of("heartbeatLost"));
    assert_eq!(u64::from(state.rx_buffer_overflow), of("rxBufferOverflow"));
    assert_eq!(u64::from(state.tx_buffer_overflow), of("txBufferOverflow"));
    assert_eq!(u64::from(state.safety_model.0), of("safetyModel"));
    assert_eq!(u64::from(state.safety_param), of("safetyParam"));
    assert_eq!(u64::from(state.alternative_experience.cast_unsigned()), of("alternativeExperience"));
    assert_eq!(u64::from(state.uptime), of("uptime"));
    assert_eq!(u64::from(state.safety_rx_invalid), of("safetyRxInvalid"));
    assert_eq!(u64::from(state.safety_rx_checks_invalid), of("safetyRxChecksInvalid"));
    assert_eq!(u64::from(state.safety_tx_blocked), of("safetyTxBlocked"));
}

proptest! {
    #![proptest_config(same_cases(500))]

    #[test]
    fn car_states_of_every_version_are_read_by_the_table(
        mut made in any_version(10, 6),
        cruise in any_version(2, 0),
        wheels in any_version(2, 0),
        places in places(),
    ) {
        let schema = Schema::read();
        let mut child = |field: &str, tree: Tree| {
            let there = put(&mut made, schema.pointer(field), Value::Struct(tree.clone()));
            if there { tree } else { Tree::default() }
        };
        let cruise = child("CarState.cruiseState", cruise);
        let wheels = child("CarState.wheelSpeeds", wheels);
        with_event(schema.kinds["carState"], Value::Struct(made.clone()), places, |event| {
            check_car_state(&schema, &event.car_state().unwrap().unwrap(), &made, &cruise, &wheels);
        });
    }

    #[test]
    fn selfdrive_states_of_every_version_are_read_by_the_table(made in any_version(2, 3), places in places()) {
        let schema = Schema::read();
        let of = |field: &str| schema.bits(&format!("SelfdriveState.{field}"), &made) == 1;
        let expected =
            SelfdriveState { enabled: of("enabled"), active: of("active"), engageable: of("engageable") };
        with_event(schema.kinds["selfdriveState"], Value::Struct(made.clone()), places, |event| {
            assert_eq!(event.selfdrive_state(), Ok(Some(expected)));
        });
    }

    #[test]
    fn panda_states_of_every_version_are_read_by_the_table(
        made in vec(any_version(9, 4), 0..4),
        places in places(),
    ) {
        let schema = Schema::read();
        with_event(schema.kinds["pandaStates"], list(made.clone()), places, |event| {
            let states = event.panda_states().unwrap();
            assert_eq!(states.len(), made.len());
            states.zip(&made).for_each(|(state, made)| check_panda_state(&schema, &state, made));
        });
    }

    #[test]
    fn car_params_of_every_version_are_read_by_the_table(
        mut made in any_version(18, 14),
        texts in vec(prop_oneof![Just(String::new()), "[a-zA-Z_ äöü]{1,30}"], 2),
        configs in vec(any_version(2, 0), 0..4),
        places in places(),
    ) {
        let schema = Schema::read();
        let mut text = |field: &str, text: &str| {
            let bytes = [text.as_bytes(), &[0]].concat();
            if put(&mut made, schema.pointer(field), Value::Bytes(bytes)) { text.to_owned() } else { String::new() }
        };
        let brand = text("CarParams.brand", &texts[0]);
        let fingerprint = text("CarParams.carFingerprint", &texts[1]);
        let there = put(&mut made, schema.pointer("CarParams.safetyConfigs"), list(configs.clone()));
        let of_config = |field: &str, tree: &Tree| {
            u16::try_from(schema.bits(&format!("CarParams.SafetyConfig.{field}"), tree)).unwrap()
        };
        let config = |tree: &Tree| SafetyConfig {
            model: SafetyModel(of_config("safetyModel", tree)),
            param: of_config("safetyParam", tree),
        };
        let configs: Vec<SafetyConfig> = if there { configs.iter().map(config).collect() } else { Vec::new() };
        with_event(schema.kinds["carParams"], Value::Struct(made.clone()), places, |event| {
            let car = event.car_params().unwrap().unwrap();
            assert_eq!((car.brand, car.fingerprint), (brand.as_str(), fingerprint.as_str()));
            assert_eq!(u64::from(car.flags), schema.bits("CarParams.flags", &made));
            let experience = u64::from(car.alternative_experience.cast_unsigned());
            assert_eq!(experience, schema.bits("CarParams.alternativeExperience", &made));
            assert_eq!(car.safety_configs().collect::<Vec<_>>(), configs);
        });
    }
}
