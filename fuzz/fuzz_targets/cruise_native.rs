//! Any bytes as a log or a table whose cruise control is analyzed: counts add up, and every table is written in both formats.

#![no_main]

use std::sync::OnceLock;

use cts_can::bitwatch::Window;
use cts_can::cars::{self, BusDbc, Car};
use cts_can::cruise::native::{
    CarInUse, CruiseOptions, CruiseTable, EngagedFrom, MarkFrom, Scan, TableFormat, engaged_bit,
};
use cts_can::dbc::{Dbc, shipped};
use libfuzzer_sys::fuzz_target;

fn subaru() -> CarInUse {
    static READ: OnceLock<CarInUse> = OnceLock::new();
    let read = || {
        let profile = cars::shipped("subaru").expect("it is shipped");
        let known = [Car::parse(profile.as_bytes()).expect("it is right")];
        let car = CarInUse::choose(&known, None, Some("subaru")).expect("it has this name");
        let needed = car.dbcs_needed().to_vec();
        let load = |of: &cars::CarDbc| {
            let text = shipped(&of.name).expect("it is shipped");
            BusDbc { name: of.name.clone(), bus: of.bus, dbc: Dbc::parse(text.as_bytes()).expect("it is right") }
        };
        car.with_dbcs(needed.iter().map(load).collect())
    };
    READ.get_or_init(read).clone()
}

fuzz_target!(|log: &[u8]| {
    let options = options(log);
    let mut scan = Scan::new(options.clone(), subaru());
    if let Err(error) = scan.add(log, &mut |_| {}) {
        // What looks like a table may have rows that are no frames; nothing else is refused.
        assert!(matches!(error, cts_can::Error::BadRow { .. }), "{error}");
        return;
    }
    let mut measure = scan.finish();
    measure.add(log, &mut |_| {}).expect("memory gives everything");
    let result = measure.finish().expect("the log is the same");
    let frames: u64 = result.inputs.iter().map(|input| input.rows).sum();
    assert_eq!(result.streams.iter().map(|of| of.frames).sum::<u64>(), frames);
    for found in &result.candidates {
        assert!((0.0..=100.0).contains(&found.score), "{found:?}");
        assert!(found.rises.abs_diff(found.falls) <= 1, "{found:?}");
        assert!(found.high <= found.seconds && found.high_engaged <= found.engaged, "{found:?}");
    }
    for signal in &result.followed {
        assert!(signal.runs.windows(2).all(|pair| pair[0].end <= pair[1].start), "{signal:?}");
    }
    for table in CruiseTable::ALL {
        let written = |format| {
            let mut out = Vec::new();
            let rows = result.write(table, format, &mut out).expect("memory takes everything");
            (rows, String::from_utf8(out).expect("tables are text"))
        };
        let ((rows, csv), (objects, _)) = (written(TableFormat::Csv), written(TableFormat::Json));
        assert_eq!(rows, objects);
        assert!(csv.matches("\r\n").count() as u64 > rows);
    }
});

fn options(log: &[u8]) -> CruiseOptions {
    let [.., flags, value] = log else { return CruiseOptions::default() };
    let flag = |bit: u8| flags >> bit & 1 == 1;
    let start = f64::from(*value) / 16.0;
    let bit = engaged_bit("0x241:55").expect("it names a bit");
    CruiseOptions {
        marks: match flags & 3 {
            0 => MarkFrom::Blinkers,
            1 => MarkFrom::Button("set".to_owned()),
            2 => MarkFrom::Bookmarks,
            _ => MarkFrom::Windows(vec![Window { start, end: start + 1.0 }]),
        },
        engaged: if flag(2) { EngagedFrom::Bit(bit) } else { EngagedFrom::Auto },
        filters_engaged: flag(3),
        watch: if flag(4) { vec![bit] } else { Vec::new() },
        candidates_max: if flag(5) { 3 } else { 200 },
        ..CruiseOptions::default()
    }
}
