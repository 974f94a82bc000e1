//! Any bytes as a log or a table that can-bitwatch looks at, in both modes: what it finds adds up, and holding the
//! frames until the end changes nothing.

#![no_main]

use cts_can::Error;
use cts_can::bitwatch::{Analysis, Bitwatch, BitwatchOptions, Mode, STREAMS_MAX, Table, WINDOWS_MAX, Window};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for mode in [Mode::Native, Mode::Compat] {
        let options = BitwatchOptions { mode, ..options(input) };
        let held = BitwatchOptions { holds_rows: true, ..options.clone() };
        let held = analyze(input, &held);
        match (analyze(input, &options), held) {
            (Ok(found), Ok(held)) => {
                check(&found, mode);
                assert_eq!(files(&found), files(&held), "the frames are in the order of time, so nothing changes");
            }
            (Err(Error::OutOfOrder { .. }), Ok(held)) => check(&held, mode),
            (Err(error), Err(_)) => assert!(!error.to_string().is_empty()),
            (Err(error), Ok(_)) => panic!("{error}"),
            (Ok(_), Err(error)) => panic!("{error}"),
        }
    }
});

fn analyze(input: &[u8], options: &BitwatchOptions) -> Result<Analysis, Error> {
    let mut bitwatch = Bitwatch::new(options.clone());
    bitwatch.add(input, &mut |_| {})?;
    bitwatch.finish()
}

fn files(analysis: &Analysis) -> Vec<(Table, String)> {
    let file = |table: &Table| {
        let mut out = Vec::new();
        analysis.write(*table, &mut out).expect("memory takes everything");
        (*table, String::from_utf8(out).expect("tables are text"))
    };
    analysis.tables().iter().map(file).collect()
}

fn check(found: &Analysis, mode: Mode) {
    assert!(found.streams() <= STREAMS_MAX && found.windows().len() <= WINDOWS_MAX);
    let rows: u64 = found.rows_by_segment().iter().sum();
    assert_eq!(rows + found.rows_left_out(), found.rows());
    assert!(found.streams() <= found.distinct_payloads() && found.distinct_payloads() as u64 <= rows);
    // The Python tool takes any start of the window, also one behind its end.
    assert!(mode == Mode::Compat || found.windows().iter().all(|window| window.start <= window.end));
    let (candidates, shown) = found.candidate_counts();
    assert!(shown <= candidates);
    for candidate in found.candidates() {
        assert!((0.0..=100.0).contains(&candidate.score), "{candidate:?}");
        assert!(candidate.toggles > 0 && candidate.bit < 512, "{candidate:?}");
        let of_windows: u64 = candidate.pulses.iter().map(|window| window.toggles).sum();
        assert_eq!(of_windows, candidate.toggles, "{candidate:?}");
        let is_of = |address, bus| (address, bus) == (candidate.address, candidate.bus);
        assert!(!found.fields().iter().any(|field| is_of(field.address, field.bus) && field.holds(candidate.bit)));
    }
    for field in found.fields() {
        assert!((0.0..=1.0).contains(&field.sure), "{field:?}");
    }
    for (table, text) in files(found) {
        let rows = match table {
            Table::Counts => found.streams(),
            Table::BitEdges => found.edges(),
            Table::Candidates => candidates,
            Table::Pulses if mode == Mode::Compat => candidates,
            Table::Pulses => found.candidates().iter().map(|candidate| candidate.pulses.len()).sum(),
            Table::Fields => found.fields().len(),
            Table::PerAddress => {
                let streams: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
                assert!(streams.as_object().expect("it is an object").len() <= found.streams());
                continue;
            }
        };
        assert_eq!(text.matches("\r\n").count(), rows + 1, "{table:?}");
    }
}

/// The last two bytes of the input choose the options.
fn options(input: &[u8]) -> BitwatchOptions {
    let [.., flags, value] = input else { return BitwatchOptions::default() };
    let flag = |bit: u8| flags >> bit & 1 == 1;
    let start = f64::from(*value) / 16.0;
    let window = |start: f64, length: f64| Window { start, end: start + length };
    let watch: &[&str] = &["0x10:B0b7", "0x10:B8b0", "291:0", "0x123@0:3"];
    BitwatchOptions {
        windows: match flags & 3 {
            0 => Vec::new(),
            1 => vec![window(start, 1.0)],
            2 => vec![window(start, 0.0), window(start + 0.25, 3.0)],
            _ => vec![window(f64::MIN, f64::INFINITY)],
        },
        window_start: flag(2).then_some(start),
        watch: watch.iter().map(|bit| bit.parse().expect("it names a bit")).collect(),
        pattern: if flag(3) { "1x0.5".parse().expect("it is a pattern") } else { Default::default() },
        strict: flag(4),
        ..BitwatchOptions::default()
    }
}
