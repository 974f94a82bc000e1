//! The analysis of the cruise control from outside: what made and real drives tell, and each fault that is mended.

mod drives;
mod faults;
mod hostile;
mod report;
mod sources;

use std::io::Cursor;

use cts_can::cars::{self, BusDbc, Car, CarIdentity, identify};
use cts_can::cruise::native::{Candidate, CarInUse, CruiseOptions, CruiseResult, CruiseTable, Scan, TableFormat};
use cts_can::dbc::{self, Dbc};
use cts_can::frame::{Address, Bus};

/// Returns the profiles that come with the crate.
fn shipped() -> Vec<Car> {
    cars::SHIPPED.iter().map(|name| Car::parse(cars::shipped(name).unwrap().as_bytes()).unwrap()).collect()
}

/// Reads what a profile needs from the files that come with the crate.
fn with_dbcs(car: CarInUse) -> CarInUse {
    let load = |name: &str| Dbc::parse(dbc::shipped(name).unwrap().as_bytes()).unwrap();
    let needed = car.dbcs_needed().to_vec();
    car.with_dbcs(needed.iter().map(|of| BusDbc { name: of.name.clone(), bus: of.bus, dbc: load(&of.name) }).collect())
}

/// Returns what a log is read by: what its `carParams` say, or the profile that is named.
fn car_of(log: &[u8], named: Option<&str>) -> CarInUse {
    let identity = identify(log).unwrap();
    with_dbcs(CarInUse::choose(&shipped(), identity, named).unwrap())
}

/// Returns a car with a profile and a DBC file of its own, called `made`.
fn made_car(profile: &str, dbc: &str) -> CarInUse {
    let text = format!("name = \"made\"\n[[dbc]]\nname = \"made\"\nbus = 0\n{profile}");
    let car = Car::parse(text.as_bytes()).unwrap();
    let dbc = BusDbc { name: "made".to_owned(), bus: Bus(0), dbc: Dbc::parse(dbc.as_bytes()).unwrap() };
    CarInUse::choose(&[car], None, Some("made")).unwrap().with_dbcs(vec![dbc])
}

fn try_analyze(inputs: &[&[u8]], options: &CruiseOptions, car: CarInUse) -> Result<CruiseResult, cts_can::Error> {
    let mut scan = Scan::new(options.clone(), car);
    for input in inputs {
        scan.add(Cursor::new(input), &mut |_| {})?;
    }
    let mut measure = scan.finish();
    for input in inputs {
        measure.add(Cursor::new(input), &mut |_| {})?;
    }
    measure.finish()
}

fn analyze(input: &[u8], options: &CruiseOptions) -> CruiseResult {
    try_analyze(&[input], options, car_of(input, None)).unwrap()
}

fn text(result: &CruiseResult, table: CruiseTable, format: TableFormat) -> String {
    let mut out = Vec::new();
    result.write(table, format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Returns the rows of a table, each a JSON object.
fn rows(result: &CruiseResult, table: CruiseTable) -> Vec<serde_json::Value> {
    serde_json::from_str(&text(result, table, TableFormat::Json)).unwrap()
}

fn candidate(result: &CruiseResult, address: u32, bus: u8, bit: u16) -> Option<&Candidate> {
    result.candidates.iter().find(|of| (of.address, of.bus, of.bit) == (Address(address), Bus(bus), bit))
}

fn notes(result: &CruiseResult) -> String {
    result.notes.iter().map(|note| format!("{note}\n")).collect()
}

fn identity(brand: &str, fingerprint: &str) -> Option<CarIdentity> {
    Some(CarIdentity { brand: brand.to_owned(), fingerprint: fingerprint.to_owned() })
}
