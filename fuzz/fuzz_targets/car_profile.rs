//! Any bytes as a car profile: what is refused has a line, and what is read names signals that are looked for.

#![no_main]

use std::sync::OnceLock;

use cts_can::cars::{BusDbc, Car, CarIdentity, ITEMS_MAX, NAME_BYTES_MAX, choose};
use cts_can::dbc::{Dbc, shipped};
use cts_can::frame::Bus;
use libfuzzer_sys::fuzz_target;

/// The DBC files that the shipped profiles name.
const DBCS: [&str; 2] = ["subaru_global_2020_hybrid_generated", "toyota_new_mc_pt_generated"];

fn dbcs() -> &'static [BusDbc] {
    static READ: OnceLock<Vec<BusDbc>> = OnceLock::new();
    READ.get_or_init(|| {
        let read = |name: &str| Dbc::parse(shipped(name).expect("it is shipped").as_bytes()).expect("it is right");
        DBCS.map(|name| BusDbc { name: name.to_owned(), bus: Bus(0), dbc: read(name) }).into()
    })
}

fuzz_target!(|profile: &[u8]| {
    let car = match Car::parse(profile) {
        Ok(car) => car,
        Err(fault) => {
            let line_ends = profile.iter().filter(|byte| **byte == b'\n').count();
            assert!((1..=line_ends + 1).contains(&fault.line), "{fault}");
            assert!(!fault.kind.remedy().is_empty());
            return;
        }
    };
    assert!((1..=NAME_BYTES_MAX).contains(&car.name.len()));
    assert!(!car.dbcs.is_empty() && car.dbcs.len() <= ITEMS_MAX && car.buttons.len() <= ITEMS_MAX);
    let resolved = car.resolve(dbcs());
    for role in &resolved.roles {
        assert!(!role.sources.is_empty());
        for source in &role.sources {
            let mut values = 0;
            source.each_value(&[0xA5; 64], |_| values += 1);
            assert!(values <= source.signals.len() && source.signals.len() <= ITEMS_MAX);
        }
    }
    assert!(resolved.faults.iter().all(|fault| !fault.to_string().is_empty()));
    let text = String::from_utf8_lossy(profile);
    let identity = CarIdentity { brand: "toyota".to_owned(), fingerprint: text.chars().take(64).collect() };
    assert!(choose(std::slice::from_ref(&car), Some(&identity), Some(&car.name)).is_some());
    let _ = choose(&[car], Some(&identity), None);
});
