//! The native hunt: what the Python tool misses, and the faults of it that are mended.

use std::fmt::Write as _;
use std::fs;

use cts_can::Error;
use cts_can::bitwatch::{BitwatchOptions, FieldKind, Table, Window, WindowsFault, check_windows};
use serde_json::Value;

use super::{analyze, file, files};
use crate::shared;
use crate::writer::{MadeEvent, log};

fn options(windows: &[(f64, f64)], watch: &[&str], pattern: &str) -> BitwatchOptions {
    BitwatchOptions {
        windows: windows.iter().map(|(start, end)| Window { start: *start, end: *end }).collect(),
        watch: watch.iter().map(|text| text.parse().unwrap()).collect(),
        pattern: pattern.parse().unwrap(),
        ..BitwatchOptions::default()
    }
}

/// A table of one address on bus 0: time and payload.
fn table(rows: &[(f64, &str)]) -> Vec<u8> {
    let mut text = String::from("timestamp,address,bus,data_hex\n");
    for (time, payload) in rows {
        writeln!(text, "{time},0x10,0,{payload}").unwrap();
    }
    text.into_bytes()
}

fn hunt(rows: &[(f64, &str)], windows: &[(f64, f64)], pattern: &str) -> String {
    file(&analyze(&table(rows), &options(windows, &[], pattern)).unwrap(), Table::Pulses)
}

#[test]
fn exactly_the_five_hidden_bits_of_the_made_drive_are_found() {
    let Some(shared) = shared::folder() else { return };
    let reference = fs::read(shared.join("golden/reference_bits_subaru.json")).unwrap();
    let reference: Vec<Value> = serde_json::from_slice(&reference).unwrap();
    let packed = fs::read(shared.join("golden/rlog-to-csv/subaru/window/out.csv.zst")).unwrap();
    let table = zstd::decode_all(packed.as_slice()).unwrap();
    let log = fs::read(shared.join("data/synth/subaru.rlog.zst")).unwrap();
    let from_table = analyze(&table, &BitwatchOptions::default()).unwrap();
    let from_log = analyze(&log, &options(&[(21.0, 36.0)], &[], "3x2.0±0.5")).unwrap();
    assert_eq!(files(&from_table), files(&from_log), "a log and its table give the same files");

    let mut found: Vec<Value> = Vec::new();
    for candidate in from_log.candidates().iter().filter(|found| found.shows_pattern()) {
        let [window] = candidate.pulses.as_slice() else { panic!("there is one window") };
        found.push(serde_json::json!({
            "bus": candidate.bus.0,
            "address": candidate.address.to_string(),
            "bit": candidate.bit,
            "active": if window.is_active_high { "high" } else { "low" },
            "pulses": window.pulses.iter().map(|pulse| (pulse * 1000.0).round() / 1000.0).collect::<Vec<_>>(),
        }));
    }
    found.sort_by_key(|bit| (bit["address"].to_string(), bit["bus"].as_u64(), bit["bit"].as_u64()));
    let mut expected = reference;
    expected.sort_by_key(|bit| (bit["address"].to_string(), bit["bus"].as_u64(), bit["bit"].as_u64()));
    assert_eq!(found, expected);
    let ranked: Vec<bool> = from_log.candidates().iter().map(|found| found.shows_pattern()).collect();
    assert!(ranked.iter().rev().is_sorted(), "the hidden bits lead the ranking: {ranked:?}");
    assert!(from_log.fields().iter().any(|field| field.kind == FieldKind::Counter), "counters are recognized");
}

#[test]
fn the_real_drive_has_the_known_checksums() {
    let Some(shared) = shared::folder() else { return };
    let log = fs::read(shared.join("data/real/real.rlog.zst")).unwrap();
    let analysis = analyze(&log, &options(&[(20.0, 32.0)], &[], "3x2")).unwrap();
    let find = |address, bus| {
        analysis
            .fields()
            .iter()
            .find(|field| (field.address.0, field.bus.0) == (address, bus) && !field.kind.is_counter())
    };
    for (address, bus) in [(0x25, 0), (0x1D2, 0), (0x260, 0), (0x2E4, 128)] {
        let Some(found) = find(address, bus) else { panic!("{address:#x} on {bus} has a checksum") };
        assert_eq!(found.kind, FieldKind::Sum, "{address:#x} on {bus}");
        assert!(found.sure >= 0.95);
    }
}

#[test]
fn buses_are_kept_apart() {
    let mut text = String::from("timestamp,address,bus,data_hex\n");
    for second in 0_u8..10 {
        let level = u8::from((3..5).contains(&second));
        writeln!(text, "{second},0x1F8,0,FF\n{second}.1,0x1F8,1,{level:02X}").unwrap();
    }
    let analysis = analyze(text.as_bytes(), &options(&[(2.0, 6.0)], &["0x1F8:0"], "1x2")).unwrap();
    let lines = file(&analysis, Table::Pulses);
    assert_eq!(lines.lines().nth(1), Some("0x1F8,1,0,[2.0],True,1x2.0±0.5,high,1,1,False"));
    assert_eq!(lines.lines().count(), 2);
    let edges = file(&analysis, Table::BitEdges);
    assert_eq!(edges.lines().nth(1), Some("0x1F8,1,0,7,0,0,3.1,00:01.100,0->1,window"));
    let counts = file(&analysis, Table::Counts);
    assert!(counts.starts_with("address,bus,pre,window,post,delta,"));
    assert!(counts.contains("0x1F8,0,2,5,3,") && counts.contains("0x1F8,1,2,4,4,"), "{counts}");
}

#[test]
fn both_polarities_and_true_first_levels_are_hunted() {
    let rows =
        [(0.0, "FF"), (2.0, "FE"), (4.0, "FF"), (5.0, "FE"), (7.0, "FF"), (8.0, "FE"), (10.0, "FF"), (12.0, "FF")];
    let lines = hunt(&rows, &[(1.0, 11.0)], "3x2");
    assert!(lines.contains("0x010,0,0,\"[2.0, 2.0, 2.0]\",True,3x2.0±0.5,low,1,3,False"), "{lines}");
}

#[test]
fn a_pulse_that_begins_with_the_window_is_kept() {
    let rows =
        [(0.0, "00"), (1.0, "01"), (3.0, "00"), (4.0, "01"), (6.0, "00"), (7.0, "01"), (9.0, "00"), (10.0, "00")];
    let lines = hunt(&rows, &[(1.0, 9.0)], "3x2.0+-0.5");
    assert!(lines.contains("[2.0, 2.0, 2.0]\",True"), "{lines}");
}

#[test]
fn every_byte_of_a_long_payload_is_looked_at() {
    let payload = |byte: &str| format!("{}{byte}{}", "00".repeat(63), "");
    let [low, high] = [payload("00"), payload("80")];
    let rows = [(0.0, low.as_str()), (1.0, &high), (2.0, &low), (3.0, &low)];
    let lines = hunt(&rows, &[(0.5, 2.5)], "1x1");
    assert!(lines.contains("0x010,0,511,[1.0],True"), "{lines}");
}

#[test]
fn a_short_payload_is_no_toggle_of_what_it_does_not_have() {
    let rows = [(0.0, "0001"), (1.0, "00"), (2.0, "0001"), (3.0, "0000"), (4.0, "")];
    let lines = hunt(&rows, &[(0.5, 3.5)], "1x1");
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(lines.contains("0x010,0,8,[],False,1x1.0±0.25,low,1,0,False"), "{lines}");
}

#[test]
fn a_pulse_that_the_window_cuts_is_measured_and_marked() {
    let rows = [(0.0, "00"), (1.0, "01"), (2.5, "01"), (4.0, "01")];
    let lines = hunt(&rows, &[(0.5, 3.0)], "1x1.5");
    assert!(lines.contains("0x010,0,0,[1.5],True,1x1.5±0.375,high,1,1,True"), "{lines}");
}

#[test]
fn several_windows_are_judged_one_by_one() {
    let rows = [(0.0, "00"), (1.0, "01"), (2.0, "02"), (2.5, "00"), (5.0, "01"), (6.0, "00"), (8.0, "00")];
    let analysis = analyze(&table(&rows), &options(&[(0.5, 3.0), (4.5, 7.0)], &["0x10:B0b7"], "1x1")).unwrap();
    let bits: Vec<_> = analysis.candidates().iter().map(|found| (found.bit, found.pulses.len())).collect();
    assert_eq!(bits, [(0, 2), (1, 1)], "the bit of both windows leads");
    let candidates = file(&analysis, Table::Candidates);
    assert!(candidates.contains("toggles in 2 of 2 windows; pulses are 1x1.0±0.25 in 2"), "{candidates}");
    let edges = file(&analysis, Table::BitEdges);
    let clocks: Vec<_> = edges.lines().skip(1).map(|line| line.split(',').nth(7).unwrap()).collect();
    assert_eq!(clocks, ["00:00.000", "00:01.000", "00:00.000", "00:01.000"]);
    let joined = options(&[(0.5, 1.5), (1.7, 3.0)], &[], "1x1");
    let analysis = analyze(&table(&rows), &joined).unwrap();
    assert_eq!(analysis.windows().len(), 2, "windows without a frame between them are two");
}

#[test]
fn an_edge_before_the_window_has_a_negative_clock() {
    let rows = [(0.0, "00"), (0.5, "01"), (61.9997, "00"), (62.0, "01")];
    let analysis = analyze(&table(&rows), &options(&[(2.0, 60.0), (61.0, 70.0)], &["16:0"], "1x1")).unwrap();
    let edges = file(&analysis, Table::BitEdges);
    assert!(edges.contains("0.5,-01:01.500,0->1,pre"), "the first window with a frame counts: {edges}");
}

#[test]
fn counters_and_checksums_are_no_candidates() {
    let mut text = String::from("timestamp,address,bus,data_hex\n");
    let mut time = 0.0;
    for index in 0..200_u32 {
        // The message changes in the window only: nothing else tells a counter from a button.
        let is_window = (50..150).contains(&index);
        let counter = if is_window { u8::try_from(index % 16).unwrap() } else { 2 };
        let button = u8::from((70..90).contains(&index));
        let sum = counter.wrapping_add(button << 7).wrapping_add(0x33);
        let count = if is_window { 1 } else { 0 };
        writeln!(text, "{time},0x10,0,{counter:02X}{:02X}{sum:02X}", button << 7).unwrap();
        writeln!(text, "{time},0x11,0,{:02X}", (index % 16) | (count << 7)).unwrap();
        time += 0.1;
    }
    let analysis = analyze(text.as_bytes(), &options(&[(4.95, 15.05)], &[], "1x2")).unwrap();
    let fields: Vec<_> =
        analysis.fields().iter().map(|field| (field.address.0, field.first_bit, field.bits, field.kind)).collect();
    assert_eq!(fields, [(0x10, 16, 8, FieldKind::Sum), (0x11, 0, 4, FieldKind::Counter)]);
    assert!(analysis.fields().iter().all(|field| field.sure > 0.95));
    let first = &analysis.candidates()[0];
    assert_eq!((first.address.0, first.bit, first.shows_pattern()), (0x10, 15, true));
    assert!(analysis.candidates().iter().all(|found| !(16..24).contains(&found.bit)));
    assert!(analysis.bits_left_out().0 > 0);
}

#[test]
fn a_toggle_lies_in_the_segment_of_its_own_row() {
    // Both rows of 1 s stand in one stretch for the Python tool: that whose name comes last in the alphabet.
    let text = "segment,timestamp,address,bus,data\n\
        pre,0,0x10,0,00\npost,1,0x10,0,01\nwindow,1,0x11,0,00\npost,2,0x10,0,01\n";
    let native = analyze(text.as_bytes(), &BitwatchOptions::default()).unwrap();
    assert_eq!(native.candidate_counts(), (0, 0));
    let compat = analyze(text.as_bytes(), &super::compat(&[])).unwrap();
    assert_eq!(file(&compat, Table::Candidates), "address,global_idx,toggles\r\n0x010,0,1\r\n");
}

#[test]
fn rates_are_compared_and_not_counts_of_segments_of_different_lengths() {
    let mut text = String::from("timestamp,address,bus,data_hex\n");
    for second in 0..100 {
        writeln!(text, "{second},0x10,0,00\n{second}.5,0x10,0,00").unwrap();
        if (10..20).contains(&second) {
            writeln!(text, "{second}.75,0x11,0,00").unwrap();
        }
    }
    let counts = file(&analyze(text.as_bytes(), &options(&[(10.0, 20.0)], &[], "1x1")).unwrap(), Table::Counts);
    let delta = |address: &str| {
        let line = counts.lines().find(|line| line.starts_with(address)).unwrap();
        line.split(',').nth(5).unwrap().parse::<f64>().unwrap()
    };
    assert!(delta("0x010").abs() < 0.3, "always two in a second: {counts}");
    assert!((0.9..=1.1).contains(&delta("0x011")), "in the window one in a second: {counts}");
}

#[test]
fn any_pattern_of_pulses_is_hunted() {
    let rows = [(0.0, "00"), (1.0, "03"), (1.5, "01"), (2.0, "03"), (2.5, "00"), (3.0, "04"), (7.0, "00"), (8.0, "00")];
    for (pattern, bits) in [("2x0.5", vec![1]), ("1x1.5+-0.1", vec![0]), ("1x4±0.0", vec![2]), ("3x2", vec![])] {
        let analysis = analyze(&table(&rows), &options(&[(0.5, 7.5)], &[], pattern)).unwrap();
        let shown = analysis.candidates().iter().filter(|found| found.shows_pattern());
        assert_eq!(shown.map(|found| found.bit).collect::<Vec<_>>(), bits, "{pattern}");
        assert_eq!(analysis.candidate_counts().0, 3);
    }
}

#[test]
fn a_log_gives_the_files_of_its_table() {
    let log = shared::example("toyota-5s.rlog.zst");
    let (rows, _) = crate::table::table(&log, &cts_can::table::TableOptions::default());
    for options in [
        options(&[(1.0, 2.5), (3.0, 4.0)], &["0x025:B1b7", "0x25@0:9"], "1x0.5"),
        BitwatchOptions { windows: vec![Window { start: 1.0, end: 3.0 }], ..super::compat(&["0x025:B1b7"]) },
    ] {
        let (of_log, of_table) = (analyze(&log, &options).unwrap(), analyze(rows.as_bytes(), &options).unwrap());
        assert!(of_log.candidate_counts().0 > 0 && of_log.edges() > 0);
        assert_eq!(files(&of_log), files(&of_table));
    }
}

#[test]
fn more_bits_than_can_be_followed_are_counted() {
    // 2048 addresses of 64 bits, which all toggle in the window.
    let mut text = String::from("timestamp,address,bus,data_hex\n");
    for (time, payload) in [(0, "0000000000000000"), (1, "FFFFFFFFFFFFFFFF"), (2, "FFFFFFFFFFFFFFFF")] {
        for address in 0..2048 {
            writeln!(text, "{time},{address},0,{payload}").unwrap();
        }
    }
    let analysis = analyze(text.as_bytes(), &options(&[(0.5, 1.5)], &[], "1x1")).unwrap();
    assert_eq!((analysis.candidate_counts().0, analysis.bits_left_out()), (65_536, (0, 65_536)));
}

#[test]
fn rows_without_a_segment_need_a_window() {
    let rows = [(0.0, "00")];
    let error = analyze(&table(&rows), &options(&[], &[], "1x1")).unwrap_err();
    assert_eq!(error.to_string(), "line 2: there is no segment pre, window or post");
}

#[test]
fn more_windows_than_are_told_apart_are_refused() {
    let mut text = String::from("segment,timestamp,address\n");
    for index in 0..65 {
        writeln!(text, "window,{index},1\npost,{index}.5,1").unwrap();
    }
    let found = analyze(text.as_bytes(), &BitwatchOptions::default());
    assert!(matches!(found, Err(Error::TooManyWindows(64))));
    assert_eq!(check_windows(vec![Window { start: 0.0, end: 0.0 }; 65]), Err(WindowsFault::TooMany));
}

#[test]
fn events_out_of_order_are_sorted_and_a_damaged_tail_is_told() {
    let frame = |time: u64, level: u8| MadeEvent::can(time * 1_000_000_000, &[(0x10, 0, &[level])]);
    let mut bytes = log(&[frame(10, 0), frame(12, 1), frame(11, 0), frame(14, 0), frame(16, 0)]);
    let whole = analyze(&bytes, &options(&[(0.5, 5.0)], &[], "1x2")).unwrap();
    assert!(file(&whole, Table::Pulses).contains("0x010,0,0,[2.0],True"));
    bytes.extend([1, 2, 3]);
    let damaged = analyze(&bytes, &options(&[(0.5, 5.0)], &[], "1x2")).unwrap();
    assert_eq!(files(&damaged), files(&whole));
    assert!(damaged.inputs()[0].log_end.as_ref().unwrap().damage.is_some());
    let strict = BitwatchOptions { strict: true, ..options(&[(0.5, 5.0)], &[], "1x2") };
    assert!(matches!(analyze(&bytes, &strict), Err(Error::Damaged(_))));
}

#[test]
fn frames_of_too_many_addresses_are_left_out_and_counted() {
    let mut text = String::from("segment,timestamp,address\n");
    for address in 0..5000 {
        writeln!(text, "pre,{address},{address}").unwrap();
    }
    let analysis = analyze(text.as_bytes(), &BitwatchOptions::default()).unwrap();
    assert_eq!((analysis.rows(), analysis.rows_left_out(), analysis.streams()), (5000, 904, 4096));
}

#[test]
fn what_lies_behind_the_longest_payload_of_any_bus_is_not_looked_at() {
    let payload = |byte: &str, behind: &str| format!("{}{byte}{behind}", "00".repeat(63));
    let [low, high] = [payload("00", "00"), payload("00", "01")];
    let rows = [(0.0, low.as_str()), (1.0, &high), (2.0, &low)];
    let analysis = analyze(&table(&rows), &options(&[(0.5, 2.5)], &[], "1x1")).unwrap();
    assert_eq!((analysis.candidates().len(), analysis.distinct_payloads()), (0, 1));
}
