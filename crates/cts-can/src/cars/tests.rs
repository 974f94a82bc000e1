//! Profiles: what is read, what is refused with which line, and that those that are shipped fit their DBC files.

use proptest::prelude::*;

use super::*;
use crate::dbc::{self, Dbc};
use crate::frame::Address;

fn dbcs(car: &Car) -> Vec<BusDbc> {
    let load = |of: &CarDbc| {
        let dbc = Dbc::parse(dbc::shipped(&of.name).unwrap().as_bytes()).unwrap();
        BusDbc { name: of.name.clone(), bus: of.bus, dbc }
    };
    car.dbcs.iter().map(load).collect()
}

fn fault(text: &str) -> String {
    Car::parse(text.as_bytes()).unwrap_err().to_string()
}

const LEAST: &str = "name = \"a\"\ndbc = [{ name = \"d\", bus = 2 }]\n";

#[test]
fn every_shipped_profile_is_read_and_all_its_signals_are_in_its_dbc_files() {
    for name in SHIPPED {
        let car = Car::parse(shipped(name).unwrap().as_bytes()).unwrap();
        assert_eq!(car.name, name);
        let resolved = car.resolve(&dbcs(&car));
        assert_eq!(resolved.faults, [], "{name}");
        assert!(car.speed.is_some() && car.blinkers.is_some() && car.set_speed.is_some() && !car.buttons.is_empty());
        let roles = 8 + car.buttons.len();
        assert_eq!(resolved.roles.len(), roles, "{name}");
    }
    assert_eq!(shipped("lada"), None);
}

#[test]
fn the_set_speed_of_a_subaru_is_big_endian() {
    let car = Car::parse(shipped("subaru").unwrap().as_bytes()).unwrap();
    let resolved = car.resolve(&dbcs(&car));
    let role = resolved.roles.iter().find(|role| role.kind == RoleKind::SetSpeed).unwrap();
    let mut values = Vec::new();
    role.sources[0].each_value(&[0, 0, 0, 0, 0, 0, 0xC0, 55], |value| values.push(value));
    assert_eq!(values, [55.0], "the faulty decoder reads 1784");
    assert_eq!(role.sources[0].to_string(), "Cruise_Status.Cruise_Set_Speed (0x241 on bus 0)");
}

#[test]
fn a_message_at_several_addresses_has_several_sources() {
    let car = Car::parse(shipped("toyota").unwrap().as_bytes()).unwrap();
    let resolved = car.resolve(&dbcs(&car));
    let addresses = |kind: RoleKind| {
        let role = resolved.roles.iter().find(|role| role.kind == kind).unwrap();
        role.sources.iter().map(|source| (source.address(), source.bit())).collect::<Vec<_>>()
    };
    assert_eq!(addresses(RoleKind::Brake), [(Address(0x224), Some(5)), (Address(0x226), Some(37))]);
    assert_eq!(addresses(RoleKind::CruiseEngaged), [(Address(0x1D2), Some(5))]);
    assert_eq!(addresses(RoleKind::LeftBlinker), [(Address(0x614), None)], "two bits are not a bit");
}

#[test]
fn a_profile_may_be_small_and_may_name_another_bus() {
    let car = Car::parse(format!("{LEAST}[buttons]\nset = \"A.B@1 > 2\"\nup = \"A.C\"").as_bytes()).unwrap();
    assert_eq!(car.dbcs, [CarDbc { name: "d".to_owned(), bus: Bus(2), line: 2 }]);
    let names: Vec<_> = car.buttons.iter().map(|(name, condition)| format!("{name} {condition}")).collect();
    assert_eq!(names, ["set A.B@1 > 2", "up A.C"]);
    let file = "BO_ 291 A: 8 X\n SG_ B : 0|8@1+ (1,0) [0|1] \"\" X\n";
    let dbc = BusDbc { name: "d".to_owned(), bus: Bus(2), dbc: Dbc::parse(file.as_bytes()).unwrap() };
    let resolved = car.resolve(&[dbc]);
    assert_eq!((resolved.roles[0].sources[0].bus, resolved.roles.len()), (Bus(1), 1));
    let told = resolved.faults[0].to_string();
    assert_eq!(told, "line 5: button up: no DBC file of the profile has A.C; the message has B");
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_what_mends_it() {
    let rows = [
        ("name = \"a\"", "line 1: there is no dbc; write [[dbc]] and below it"),
        ("\n\nbrands = [\"x\"]\n[[dbc]]\nname=\"d\"\nbus=0", "line 1: there is no name; write name = \"my_car\""),
        (
            "name = \"a\"\nbrand = [\"x\"]",
            "line 2: there is no key brand here; leave it out, or use one of name, brands",
        ),
        ("name = \"a\"\n[[dbc]]\nname = \"d\"", "line 2: there is no bus; write bus here"),
        ("name = \"a\"\n[[dbc]]\nname = \"d\"\nbus = 256", "line 4: bus is not a number from 0 to 255"),
        ("name = \"a\"\nname = \"b\"", "line 2: not valid TOML: duplicate key"),
        ("name = 3\n[[dbc]]\nname=\"d\"\nbus=0", "line 1: name is not a text in quotes"),
        ("name = \"\"\n[[dbc]]\nname=\"d\"\nbus=0", "line 1:  is no name of 1 to 128 bytes"),
    ];
    for (text, expected) in rows {
        assert!(fault(text).starts_with(expected), "{}\n{expected}", fault(text));
    }
    let rows = [
        ("[speed]\nsignals = []\nunit = \"kph\"", "line 4: signals is empty; write at least one item"),
        (
            "[speed]\nsignals = [\"A.B\", \"C.D\"]\nunit = \"kph\"",
            "line 4: the signals of the speed are not all of one",
        ),
        (
            "[speed]\nsignals = [\"A.B\"]\nunit = \"km/h\"",
            "line 5: \"km/h\" is no unit of speed; write one of mph, kph, mps",
        ),
        ("[speed]\nsignals = [\"A.B\"]", "line 3: there is no unit"),
        ("[speed]\nsignals = \"A.B\"\nunit = \"kph\"", "line 4: signals is not a list of texts"),
        ("[buttons]\nset = \"A\"", "line 4: \"A\" names no signal; write MESSAGE.SIGNAL"),
        ("[buttons]\nset = \"A.B ~ 1\"", "line 4: \"A.B ~ 1\" names no signal"),
        ("[buttons]\nset = \"A.B = 1\"", "line 4: \"= 1\" is no comparison; write =="),
        ("[cruise]\nset_speed = \"A.B\"", "line 3: there is no set_speed_unit"),
        ("[cruise]\nengage = \"A.B\"", "line 4: there is no key engage here; leave it out, or use one of available"),
        ("[blinkers]\nleft = \"A.B\"", "line 3: there is no right"),
        ("[pedals]\nbrake = \"A.B@300\"", "line 4: \"300\" is no bus; write a number from 0 to 255"),
        ("pedals = 3", "line 3: pedals is not a table"),
    ];
    for (text, expected) in rows {
        let text = format!("{LEAST}{text}");
        assert!(fault(&text).starts_with(expected), "{}\n{expected}", fault(&text));
    }
    let bytes = [b"name = \"a\"\n\"".as_slice(), &[0xFF]].concat();
    assert_eq!(Car::parse(&bytes).unwrap_err().to_string(), "line 2: the profile is not in UTF-8; save it as UTF-8");
    let large = vec![b' '; PROFILE_BYTES_MAX + 1];
    assert!(Car::parse(&large).unwrap_err().to_string().contains("more than 65536 bytes"));
    let many: String = (0..17).map(|number| format!("b{number} = \"A.B\"\n")).collect();
    assert!(fault(&format!("{LEAST}[buttons]\n{many}")).contains("buttons has more than 16 items"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}") {
        let _ = Car::parse(text.as_bytes());
    }

    #[test]
    fn no_change_of_a_profile_makes_it_panic(at in 0_usize..2000, with in ".{0,3}", cut in 0_usize..8) {
        let text = shipped("toyota").unwrap();
        let bound = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let changed = format!("{}{with}{}", &text[..bound(at)], &text[bound(at + cut)..]);
        if let Err(fault) = Car::parse(changed.as_bytes()) {
            prop_assert!(fault.line >= 1 && fault.line <= changed.matches('\n').count() + 1);
        }
    }
}
