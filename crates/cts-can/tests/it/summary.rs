//! A log at a glance, from inputs to files.

mod slow;

use std::fs;

use cts_can::bitwatch::BitwatchOptions;
use cts_can::dbc::{Dbc, shipped};
use cts_can::filter::FrameFilter;
use cts_can::frame::{Address, Bus};
use cts_can::summary::{CanSummary, SilenceKind, Summarizer, SummaryOptions, SummaryTable};
use cts_can::table::TableOptions;
use cts_can::table::signals::GivenDbc;
use cts_can::{Error, RowFault};
use expect_test::{expect, expect_file};

use crate::bitwatch::analyze;
use crate::shared;
use crate::table::table;
use crate::writer::{MadeEvent, SENDCAN, log};

const SECOND: u64 = 1_000_000_000;

pub(crate) fn summarize(inputs: &[&[u8]], options: &SummaryOptions) -> Result<CanSummary, Error> {
    let mut summarizer = Summarizer::new(options);
    for input in inputs {
        summarizer.add(*input, &mut |_| {})?;
    }
    Ok(summarizer.finish())
}

pub(crate) fn summary(input: &[u8]) -> CanSummary {
    summarize(&[input], &SummaryOptions::default()).unwrap()
}

pub(crate) fn file(summary: &CanSummary, table: SummaryTable) -> String {
    let mut out = Vec::new();
    summary.write(table, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_sample_log_looks_like_this() {
    let summary = summary(&shared::example("toyota-5s.rlog.zst"));
    expect_file!["../fixtures/summary/toyota-5s.txt"].assert_eq(&file(&summary, SummaryTable::Text));
    let csv = file(&summary, SummaryTable::Csv);
    assert!(csv.lines().all(|line| line.split(',').count() == 23) && csv.ends_with("\r\n"));
    let lines: String = csv.split_inclusive("\r\n").take(3).collect();
    expect![[r#"
        bus,address,name,origin,format,frames,first_time,last_time,rate_hz,period_median_ms,period_p95_ms,longest_gap_ms,longest_gap_start,late_frames,length_min,length_max,last_data_hex,changed_bits,changed_mask,constant_bytes,counter_bits,checksum_bits,checksum
        0,0x024,,received,standard,415,0.000000,4.990039,82.965,10.917,20.844,30.641,3.850636,0,8,8,01FF01E4420280D5,33,03FF003F03FF007F,2 6,,56-63,sum of the other bytes
        0,0x025,,received,standard,415,0.000000,4.990039,82.965,10.912,20.857,30.641,3.850636,0,8,8,000010002FFE006A,36,0FFF0000FFFF00FF,2-3 6,,56-63,sum of the other bytes
    "#]].assert_eq(&lines.replace("\r\n", "\n"));
}

#[test]
fn a_log_and_its_table_have_the_same_lines() {
    for name in ["toyota-5s.rlog.zst", "toyota-60s.rlog.zst"] {
        let log = shared::example(name);
        let (rows, _) = table(&log, &TableOptions::default());
        let (of_log, of_table) = (summary(&log), summary(rows.as_bytes()));
        assert_eq!(file(&of_log, SummaryTable::Csv), file(&of_table, SummaryTable::Csv), "{name}");
        assert_eq!((of_log.car().is_some(), of_table.car()), (true, None));
        assert_eq!((of_log.frames(), of_log.silences()), (of_table.frames(), of_table.silences()));
    }
}

#[test]
fn the_same_fields_are_found_as_by_can_bitwatch() {
    let log = shared::example("toyota-60s.rlog.zst");
    let mut hunted = analyze(&log, &BitwatchOptions::default()).unwrap().fields().to_vec();
    hunted.sort_by_key(|field| (field.bus, field.address, field.first_bit));
    let found: Vec<_> = summary(&log).streams().iter().flat_map(|stream| stream.fields.clone()).collect();
    assert!(found.len() > 20, "{}", found.len());
    assert_eq!(found, hunted);
}

#[test]
fn streams_have_the_names_of_the_first_dbc_file_that_knows_them_on_their_bus() {
    let file_for = |name: &str, bus: Option<u8>| {
        let dbc = Dbc::parse(shipped(name).unwrap().as_bytes()).unwrap();
        GivenDbc { dbc, bus: bus.map(Bus) }
    };
    let mut found = summary(&shared::example("toyota-5s.rlog.zst"));
    let dbcs = [file_for("toyota_adas", Some(1)), file_for("toyota_nodsu_pt_generated", Some(0))];
    found.name(&dbcs);
    let name = |bus: u8, address: u32| {
        let stream = found.streams().iter().find(|stream| (stream.bus.0, stream.address.0) == (bus, address));
        stream.unwrap().name.clone()
    };
    let names = [(0, 0x24), (128, 0x2E4), (1, 0x210)].map(|(bus, address)| name(bus, address));
    let names: Vec<Option<&str>> = names.iter().map(Option::as_deref).collect();
    assert_eq!(names, [Some("KINEMATICS"), Some("STEERING_LKA"), Some("TRACK_A_0")]);
    let unnamed = found.streams().iter().filter(|stream| stream.bus == Bus(129) && stream.name.is_some()).count();
    assert_eq!(unnamed, 0, "the radar's file knows nothing of what is sent to it");
    let text = file(&found, SummaryTable::Text);
    assert!(text.contains("\naddress  name"), "{text}");
    assert!(text.contains("\n0x024    KINEMATICS "), "{text}");
    let csv = file(&found, SummaryTable::Csv);
    assert!(csv.contains("\r\n0,0x024,KINEMATICS,received,standard,415,"), "{csv}");
}

#[test]
fn the_large_logs_have_their_known_totals() {
    let Some(shared) = shared::folder() else { return };
    let read = |path: &str| summary(&fs::read(shared.join("data").join(path)).unwrap());
    let buses = |summary: &CanSummary| -> Vec<(u8, u64)> {
        summary.buses().iter().map(|bus| (bus.bus.0, bus.frames)).collect()
    };
    let real = read("real/real.rlog.zst");
    assert_eq!((real.frames(), real.streams().len()), (135_468, 175));
    assert_eq!(buses(&real), [(0, 53_800), (1, 45_000), (128, 12_434), (129, 24_234)]);
    assert_eq!(real.silences(), [], "nothing is lost in the real drive");
    let car = real.car().unwrap();
    assert_eq!((car.brand.as_str(), car.fingerprint.as_str()), ("toyota", "TOYOTA_RAV4"));

    let made = read("synth/subaru.rlog.zst");
    assert_eq!((made.frames(), made.streams().len()), (145_750, 74));
    assert_eq!(buses(&made), [(0, 101_940), (1, 24_610), (2, 13_800), (128, 5_400)]);
    let silences = made.silences();
    let [silence] = silences.as_slice() else { panic!("one stream drops out: {silences:?}") };
    assert_eq!((silence.bus, silence.address, silence.kind), (Bus(1), Address(0x168), SilenceKind::Paused));
    assert!((29.4..=29.5).contains(&silence.start) && (1.0..1.05).contains(&silence.seconds), "{silence:?}");
    let longest = made.streams().iter().filter(|stream| stream.bus == Bus(1) && stream.frames > 2000);
    let longest = longest.max_by(|a, b| a.longest_gap.unwrap().seconds.total_cmp(&b.longest_gap.unwrap().seconds));
    assert_eq!(longest.unwrap().address, Address(0x168));
    let fd = made.streams().iter().find(|stream| stream.address == Address(0x7F1)).unwrap();
    assert_eq!((fd.is_fd(), fd.length_max, fd.changed[20]), (true, 64, 0x08));
}

/// Half a minute at ten frames a second: 0x10 pauses, 0x11 stops, 0x12 comes when it likes, 0x13 goes on.
fn drive() -> Vec<u8> {
    let mut events = Vec::new();
    for tenth in 0..300_u64 {
        let byte = [u8::try_from(tenth % 256).unwrap()];
        let mut frames: Vec<(u32, u8, &[u8])> = vec![(0x13, 0, &byte)];
        if !(100..150).contains(&tenth) {
            frames.push((0x10, 0, &[1, 2]));
        }
        if tenth < 200 {
            frames.push((0x11, 0, &[]));
        }
        if tenth % 70 < 3 {
            frames.push((0x12, 0, &byte));
        }
        events.push(MadeEvent::can(5 * SECOND + tenth * SECOND / 10, &frames));
    }
    log(&events)
}

#[test]
fn streams_that_pause_or_stop_are_told_and_others_are_not() {
    let silences = summary(&drive()).silences();
    let found: Vec<_> = silences.iter().map(|s| (s.address.0, s.kind, s.start, (s.seconds * 1e6).round())).collect();
    assert_eq!(
        found,
        [(0x11, SilenceKind::Stopped, 19.9, 10_000_000.0), (0x10, SilenceKind::Paused, 9.9, 5_100_000.0)]
    );
}

#[test]
fn only_frames_that_pass_the_filter_are_looked_at() {
    let filter = FrameFilter {
        buses: vec![Bus(0)],
        addresses: vec![Address(0x10), Address(0x12)],
        from: Some(1.0),
        to: Some(1.9),
    };
    let (rows, _) = table(&drive(), &TableOptions::default());
    for input in [drive(), rows.into_bytes()] {
        let found = summarize(&[&input], &SummaryOptions { filter: filter.clone(), strict: false }).unwrap();
        assert_eq!((found.frames(), found.span()), (10, Some((1.0, 1.9))));
        assert_eq!(found.frames() + found.frames_filtered(), found.inputs()[0].rows);
    }
}

#[test]
fn what_openpilot_asked_to_send_is_not_seen_on_a_bus() {
    let events = [MadeEvent::new(SECOND, SENDCAN, &[(1, 0, &[1])]), MadeEvent::can(2 * SECOND, &[(1, 128, &[1])])];
    let found = summary(&log(&events));
    assert_eq!((found.frames(), found.streams()[0].origin().name()), (1, "echoed"));
    assert!(file(&found, SummaryTable::Text).contains("\nbus 128 (echoed on bus 0): 1 frames, 1 addresses\n"));
}

#[test]
fn several_logs_are_one_drive() {
    let frame = |seconds: u64| log(&[MadeEvent::can(seconds * SECOND, &[(1, 0, &[])])]);
    let inputs = [frame(100), frame(160), frame(150)];
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let found = summarize(&inputs, &SummaryOptions::default()).unwrap();
    let stream = &found.streams()[0];
    assert_eq!((stream.frames, stream.frames_late, stream.periods), (3, 1, 1));
    assert_eq!((stream.first_time, stream.last_time, stream.rate_hz()), (0.0, 60.0, Some(2.0 / 60.0)));
    assert_eq!((found.inputs().len(), found.time_zero()), (3, Some(100 * SECOND)));
}

#[test]
fn damage_is_told_and_ends_a_strict_run() {
    let mut bytes = drive();
    bytes.extend([1, 2, 3]);
    assert!(summary(&bytes).inputs()[0].log_end.as_ref().unwrap().damage.is_some());
    let strict = SummaryOptions { strict: true, ..SummaryOptions::default() };
    assert!(matches!(summarize(&[&bytes], &strict), Err(Error::Damaged(_))));
    let error = summarize(&[b"timestamp,address\n1,x"], &SummaryOptions::default()).unwrap_err();
    assert!(matches!(error, Error::BadRow { line: 2, fault: RowFault::BadAddress }), "{error}");
}

#[test]
fn frames_of_too_many_addresses_are_left_out_and_counted() {
    let frames: Vec<(u32, u8, &[u8])> = (0..5000).map(|address| (address, 0, &[][..])).collect();
    let found = summary(&log(&[MadeEvent::can(SECOND, &frames)]));
    assert_eq!((found.frames(), found.frames_left_out(), found.streams().len()), (4096, 904, 4096));
}

#[test]
fn nothing_gives_tables_without_rows() {
    let found = summary(b"");
    assert_eq!(file(&found, SummaryTable::Text), "0 frames, 0 streams\n");
    assert_eq!(file(&found, SummaryTable::Csv).lines().count(), 1);
    assert_eq!((found.span(), found.buses(), found.silences()), (None, vec![], vec![]));
}
