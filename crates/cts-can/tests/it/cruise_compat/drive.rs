//! A drive that is made here: what its files say, and what must not matter.

use cts_can::cruise::compat::{
    CompatOptions, EngagedMode, Findings, FirstLook, Looked, MARKER_WINDOWS_MAX, OutputFile, Provenance,
};
use cts_can::frame::{Address, Bus, Frame};
use cts_can::markers::MarkerRule;
use cts_can::table::{TableOptions, write_table};
use cts_can::{Error, rlog};
use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{analyze, files};
use crate::shared::same_cases;
use crate::writer::{MadeEvent, log};

const SECOND: u64 = 1_000_000_000;

/// When the drive begins, after the boot.
const BEGIN: u64 = 90 * SECOND;

/// Returns a payload of 8 bytes in which some bits are set.
fn with_bits(bits: &[u32]) -> [u8; 8] {
    bits.iter().fold(0_u64, |word, bit| word | 1 << bit).to_le_bytes()
}

/// Returns the payload of wheels that all show so many steps of 0.057 km/h.
fn wheels(steps: u64) -> [u8; 8] {
    [12, 25, 38, 51].iter().fold(0, |word, first| word | steps << first).to_le_bytes()
}

/// Twenty half seconds: faster and slower through 55 to 56 mph, set pressed twice, left and right blinked, cruise
/// control active from the eighth to the thirteenth, and another bus with an address that counts.
fn drive() -> Vec<MadeEvent> {
    let event = |tick: u32| {
        let steps = [1540, 1550, 1560, 1570, 1580, 1590, 1570, 1560][tick as usize / 2 % 8];
        let set = if tick == 4 || tick == 11 { 1 << 43 } else { 0_u64 };
        let blinkers: &[u32] = match tick {
            3..6 => &[50],
            9..12 => &[51],
            17 => &[50, 51],
            _ => &[],
        };
        let active: &[u32] = if (8..13).contains(&tick) { &[54, 55] } else { &[54] };
        let frames: [(u32, u8, &[u8]); 6] = [
            (0x13A, 0, &wheels(steps)),
            (0x146, 0, &(set | u64::from(tick % 4)).to_le_bytes()),
            (0x241, 0, &with_bits(active)),
            (0x390, 0, &with_bits(blinkers)),
            (0x18DA_F110, 1, &tick.to_le_bytes()),
            (0x10, 2, &[7]),
        ];
        MadeEvent::can(BEGIN + u64::from(tick) * SECOND / 2, &frames)
    };
    (0..20).map(event).collect()
}

fn exporting() -> CompatOptions {
    CompatOptions { export_csv: true, export_json: true, ..CompatOptions::default() }
}

fn findings(events: &[MadeEvent], options: &CompatOptions) -> Findings {
    analyze(&[&log(events)], options).unwrap()
}

/// Compares the rows of a table, without its comment lines.
fn check(findings: &Findings, name: &str, expected: Expect) {
    let text = &files(findings)[name];
    let rows: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).skip(1).collect();
    expected.assert_eq(&rows.join("\n"));
}

#[test]
fn marker_windows_are_runs() {
    let found = findings(&drive(), &exporting());
    check(
        &found,
        "runs.csv",
        expect![[r#"
        0x027,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,91.5,91.5,01:31.500,94.5,94.5,01:34.500,3.0,00:03.000,0
        0x027,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,98.5,98.5,01:38.500,0.0,0.0,incomplete,0.0,00:00.000,0"#]],
    );
}

#[test]
fn presses_are_edges_with_a_speed() {
    check(
        &findings(&drive(), &exporting()),
        "edges.csv",
        expect![[r#"
        0x146,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,92.0,92.0,01:32.000,rise,54.9,0
        0x146,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,95.5,95.5,01:35.500,rise,56.3,0"#]],
    );
}

#[test]
fn target_speeds_and_markers_are_the_timeline() {
    check(
        &findings(&drive(), &exporting()),
        "timeline.csv",
        expect![[r#"
        91.5,91.5,01:31.500,0x027,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,marker_start,,0.0,0
        92.0,92.0,01:32.000,0x000,0,0,0,7,Byte0 bit0 (LSB),MSB B0b7,target_speed,,0.0,0
        94.5,94.5,01:34.500,0x027,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,marker_end,,0.0,0
        96.0,96.0,01:36.000,0x000,0,0,0,7,Byte0 bit0 (LSB),MSB B0b7,target_speed,,0.0,0
        98.5,98.5,01:38.500,0x027,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,marker_start,,0.0,0"#]],
    );
}

#[test]
fn addresses_that_change_in_a_window_are_counted() {
    check(
        &findings(&drive(), &exporting()),
        "counts_by_segment.csv",
        expect![[r#"
        0x13A,0,0,13,0,13,0,1,0
        0x146,0,0,13,0,13,0,1,0
        0x18DAF110,0,0,13,0,13,0,1,0
        0x241,0,0,13,0,13,0,1,0
        0x390,0,0,13,0,13,0,1,0
        0x13A,0,0,6,0,6,0,1,0
        0x146,0,0,6,0,6,0,1,0
        0x18DAF110,0,0,6,0,6,0,1,0
        0x390,0,0,6,0,6,0,1,0"#]],
    );
}

#[test]
fn the_busiest_bits_are_candidates() {
    check(
        &findings(&drive(), &exporting()),
        "candidates.csv",
        expect![[r#"
        0x146,0,0,0,7,Byte0 bit0 (LSB),MSB B0b7,19.0,9,10,19,0.0,0
        0x146,1,0,1,6,Byte0 bit1 (LSB),MSB B0b6,9.0,4,5,9,0.0,0
        0x13A,13,1,5,2,Byte1 bit5 (LSB),MSB B1b2,7.0,3,4,7,0.0,0
        0x13A,15,1,7,0,Byte1 bit7 (LSB),MSB B1b0,7.0,3,4,7,0.0,0
        0x13A,26,3,2,5,Byte3 bit2 (LSB),MSB B3b5,7.0,3,4,7,0.0,0
        0x13A,28,3,4,3,Byte3 bit4 (LSB),MSB B3b3,7.0,3,4,7,0.0,0
        0x13A,39,4,7,0,Byte4 bit7 (LSB),MSB B4b0,7.0,3,4,7,0.0,0
        0x13A,41,5,1,6,Byte5 bit1 (LSB),MSB B5b6,7.0,3,4,7,0.0,0
        0x13A,52,6,4,3,Byte6 bit4 (LSB),MSB B6b3,7.0,3,4,7,0.0,0
        0x13A,54,6,6,1,Byte6 bit6 (LSB),MSB B6b1,7.0,3,4,7,0.0,0
        0x13A,16,2,0,7,Byte2 bit0 (LSB),MSB B2b7,6.0,3,3,6,0.0,0
        0x13A,29,3,5,2,Byte3 bit5 (LSB),MSB B3b2,6.0,3,3,6,0.0,0
        0x146,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,4.0,2,2,4,0.0,0
        0x241,55,6,7,0,Byte6 bit7 (LSB),MSB B6b0,2.0,1,1,2,0.0,0"#]],
    );
}

#[test]
fn the_engaged_bit_gives_intervals() {
    let with = |text: &str, margin, bus| {
        let engaged_bit = Some(text.to_owned());
        let options = CompatOptions { engaged_bit, engaged_margin: margin, engaged_bus: bus, ..exporting() };
        findings(&drive(), &options)
    };
    let found = with("0x241:b55", 0.0, None);
    check(
        &found,
        "engaged_intervals.csv",
        expect![[r#"
        0x241,55,6,7,0,Byte6 bit7 (LSB),MSB B6b0,94.0,94.0,01:34.000,96.5,96.5,01:36.500,2.5,00:02.500,0"#]],
    );
    check(
        &with("0x241:MSB B8", 1.0, Some(2)),
        "engaged_intervals.csv",
        expect![[r#"
        0x241,55,6,7,0,Byte6 bit7 (LSB),MSB B6b0,93.0,93.0,01:33.000,97.5,97.5,01:37.500,4.5,00:04.500,2"#]],
    );
    check(
        &with("0x146:b43", 0.0, None),
        "engaged_intervals.csv",
        expect![[r#"
        0x146,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,92.0,92.0,01:32.000,92.5,92.5,01:32.500,0.5,00:00.500,0
        0x146,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,95.5,95.5,01:35.500,96.0,96.0,01:36.000,0.5,00:00.500,0"#]],
    );
    check(
        &with("0x241:b54", 0.25, None),
        "engaged_intervals.csv",
        expect![[r#"
        0x241,54,6,6,1,Byte6 bit6 (LSB),MSB B6b1,89.75,89.75,01:29.750,99.75,99.75,01:39.750,10.0,00:10.000,0"#]],
    );
}

#[test]
fn a_selector_without_effect_is_told() {
    let warnings = |text: &str| {
        let options = CompatOptions { engaged_bit: Some(text.to_owned()), ..exporting() };
        findings(&drive(), &options).warnings()
    };
    let expected: [(&str, &[&str]); 4] = [
        ("0x241:b55", &[]),
        (
            "0x027:b46",
            &["engaged_bit is in 0x027, but only 0x13A, 0x146, 0x241, 0x220 and 0x139 are followed: no interval"],
        ),
        (
            "0x027:MSB B5b1",
            &["engaged_bit is \"0x027:MSB B5b1\", neither <address>:b<bit> nor <address>:MSB B<bit>: no interval"],
        ),
        ("0x241:b99", &["the engaged bit is never set"]),
    ];
    for (text, told) in expected {
        assert_eq!(warnings(text), told, "{text}");
    }
}

#[test]
fn filter_mode_changes_no_row() {
    let annotate = CompatOptions { engaged_bit: Some("0x241:b55".to_owned()), ..exporting() };
    let filter = CompatOptions { engaged_mode: EngagedMode::Filter, ..annotate.clone() };
    let (annotated, filtered) = (findings(&drive(), &annotate), findings(&drive(), &filter));
    let rows =
        |text: &String| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    for (name, text) in files(&annotated) {
        let other = &files(&filtered)[&name];
        if name.ends_with(".csv") {
            assert_eq!(rows(other), rows(&text), "{name}");
            assert!(other.contains("\"engaged_intervals_count\":0,\"candidates_scope\":\"full-window\""), "{name}");
            assert!(!text.contains("candidates_scope"), "{name}");
        }
    }
    assert_eq!(filtered.warnings(), ["engaged_mode=filter leaves out nothing, as in the Python tool"]);
}

#[test]
fn an_impossible_wheel_costs_its_own_point_only() {
    let mut events = drive();
    events[6].frames[0].data = wheels(0x1FFF).to_vec();
    let (found, whole) = (findings(&events, &exporting()), findings(&drive(), &exporting()));
    assert_eq!((found.speed().points, found.speed().impossible), (whole.speed().points - 1, 1));
    assert_eq!(found.targets()[0].frames, whole.targets()[0].frames, "the frame itself counts");
    assert_eq!(found.warnings(), ["1 frames have a wheel above 400 km/h and were left out of the speeds"]);
}

#[test]
fn nothing_to_look_at_again_needs_one_look() {
    let quiet = [MadeEvent::can(BEGIN, &[(0x13A, 0, &wheels(1000)), (0x10, 0, &[1])])];
    let mut first = FirstLook::new(exporting());
    first.add(log(&quiet).as_slice(), &mut |_| {}).unwrap();
    let Looked::Complete(found) = first.finish() else { panic!("there is no marker, press or engaged bit") };
    assert_eq!(
        found.warnings(),
        [
            "the car never had the speed that is looked for",
            "there is no marker window: blink left, then right",
            "none of the five messages changes: is this the Subaru that the tool is made for?",
        ]
    );
    assert_eq!(findings(&[], &exporting()).warnings(), ["there are no frames"]);
}

#[test]
fn files_are_those_that_were_asked_for() {
    let names = |export_csv, export_json| {
        let found = findings(&drive(), &CompatOptions { export_csv, export_json, ..CompatOptions::default() });
        found.files().iter().map(|file| file.name()).collect::<Vec<_>>()
    };
    assert_eq!(names(false, false), Vec::<String>::new());
    let records = ["counts_by_segment.json", "candidates.json", "edges.json", "runs.json", "timeline.json"];
    assert_eq!(names(false, true), [&records[..], &["config_snapshot.json"]].concat());
    assert_eq!((names(true, false).len(), names(true, true).len()), (13, 18));
}

#[test]
fn a_file_that_cannot_be_written_costs_no_other() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let found = findings(&drive(), &exporting());
    let before = files(&found);
    for file in found.files() {
        let error = found.write(file, &Provenance::default(), &mut Full).unwrap_err();
        assert!(matches!(error, Error::Write(_)), "{}", file.name());
    }
    assert_eq!(files(&found), before);
}

#[test]
fn damage_costs_what_comes_after_it_and_is_an_error_where_strict() {
    let whole = log(&drive()[..12]);
    let mut cut = log(&drive());
    cut.truncate(whole.len() + 11);
    let found = analyze(&[&cut], &exporting()).unwrap();
    assert_eq!(files(&found), files(&analyze(&[&whole], &exporting()).unwrap()));
    let damage = found.inputs()[0].log_end.as_ref().unwrap().damage.as_ref().unwrap();
    assert_eq!((&damage.reason, damage.message), (&rlog::DamageReason::CutMessage, 12));
    let strict = CompatOptions { strict: true, ..exporting() };
    assert!(matches!(analyze(&[&cut], &strict), Err(Error::Damaged(_))));
    let unknown = log(&[drive(), vec![MadeEvent::new(BEGIN, 9999, &[])]].concat());
    assert_eq!(analyze(&[&unknown], &exporting()).unwrap().inputs()[0].unknown_events, 1);
    assert!(matches!(analyze(&[&unknown], &strict), Err(Error::UnknownEvent { message: 20, kind: 9999 })));
}

#[test]
fn several_logs_are_one() {
    let options = CompatOptions { engaged_bit: Some("0x241:b55".to_owned()), ..exporting() };
    let whole = files(&findings(&drive(), &options));
    for split in 0..=20 {
        let (one, other) = (log(&drive()[..split]), log(&drive()[split..]));
        let found = analyze(&[&one, &other], &options).unwrap();
        assert_eq!(files(&found), whole, "split at {split}");
        assert_eq!(found.inputs().iter().map(|input| input.rows).sum::<u64>(), 120);
    }
}

#[test]
fn logs_in_another_order_have_the_same_intervals() {
    let options = CompatOptions { engaged_bit: Some("0x241:b55".to_owned()), engaged_margin: 0.0, ..exporting() };
    let whole = files(&findings(&drive(), &options)).remove("engaged_intervals.csv");
    for split in 1..20 {
        let (one, other) = (log(&drive()[..split]), log(&drive()[split..]));
        let found = analyze(&[&other, &one], &options).unwrap();
        assert_eq!(files(&found).remove("engaged_intervals.csv"), whole, "split at {split}");
    }
}

#[test]
fn a_log_of_more_than_a_hundred_thousand_events_is_read_whole() {
    let mut events = vec![MadeEvent::new(BEGIN, 17, &[]); 100_001];
    events.extend(drive());
    let (found, short) = (findings(&events, &exporting()), findings(&drive(), &exporting()));
    assert_eq!(files(&found), files(&short));
    assert_eq!(found.inputs()[0].log_end.as_ref().unwrap().messages, 100_021);
}

#[test]
fn more_marker_windows_than_fit_are_told() {
    let blink = |tick: u64| MadeEvent::can(BEGIN + tick * SECOND, &[(0x390, 0, &with_bits(&[50 + (tick % 2) as u32]))]);
    let events: Vec<_> = (0..2 * MARKER_WINDOWS_MAX as u64 + 6).map(blink).collect();
    let found = findings(&events, &exporting());
    assert_eq!((found.marker_windows().count(), found.left_out().marker_windows), (MARKER_WINDOWS_MAX, 3));
    // From 1.5 s before left to 1.5 s after right: four ticks, and three where nothing came before.
    let frames: Vec<u32> = found.marker_windows().map(|(_, changed)| changed[0].frames).collect();
    assert_eq!((frames[0], frames[1], frames[MARKER_WINDOWS_MAX - 1]), (3, 4, 4));
    let told = "3 marker windows were left out, because there are too many";
    assert!(found.warnings().contains(&told.to_owned()), "{:?}", found.warnings());
}

#[test]
fn a_table_gives_its_own_times() {
    let mut table = Vec::new();
    write_table(log(&drive()).as_slice(), &mut table, &TableOptions::default(), |_| {}).unwrap();
    let found = analyze(&[&table], &exporting()).unwrap();
    check(
        &found,
        "runs.csv",
        expect![[r#"
        0x027,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,1.5,1.5,00:01.500,4.5,4.5,00:04.500,3.0,00:03.000,0
        0x027,43,5,3,4,Byte5 bit3 (LSB),MSB B5b4,8.5,8.5,00:08.500,0.0,0.0,incomplete,0.0,00:00.000,0"#]],
    );
    let counts = |found: &Findings| {
        let text = files(found).remove("counts_by_segment.json").unwrap();
        assert!(text.len() > 2);
        text
    };
    assert_eq!(counts(&found), counts(&findings(&drive(), &exporting())));
}

#[test]
fn frames_without_a_log_give_the_same() {
    let options = CompatOptions { engaged_bit: Some("0x241:b55".to_owned()), ..exporting() };
    let mut first = FirstLook::new(options.clone());
    let frames =
        || drive().into_iter().flat_map(|event| event.frames.into_iter().map(move |frame| (event.mono_time, frame)));
    for (time, frame) in frames() {
        let (address, bus) = (Address(frame.address), Bus(frame.bus));
        first.frame(time as f64 / 1e9, &Frame { address, bus, data: &frame.data });
    }
    let Looked::Again(mut second) = first.finish() else { panic!("there are markers") };
    for (time, frame) in frames() {
        let (address, bus) = (Address(frame.address), Bus(frame.bus));
        second.frame(time as f64 / 1e9, &Frame { address, bus, data: &frame.data });
    }
    assert_eq!(files(&second.finish()), files(&findings(&drive(), &options)));
}

#[test]
fn what_varies_from_run_to_run_is_what_was_given() {
    let provenance = Provenance {
        timestamp: "2026-01-02T03:04:05.000006".to_owned(),
        analysis_id: "an id".to_owned(),
        tool_version: "1.2.3".to_owned(),
        log_file: "über.zst".to_owned(),
        repo_root: None,
        deps_dir: Some("deps".to_owned()),
        install_missing_deps: true,
        output_dir: "out".to_owned(),
        file_path: "/a/b".to_owned(),
        file_size: 12,
        file_extension: ".zst".to_owned(),
    };
    let found = findings(&drive(), &exporting());
    let mut out = Vec::new();
    found.write(OutputFile::Config, &provenance, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    for part in [
        "\"timestamp\": \"2026-01-02T03:04:05.000006\"",
        "\"log_file\": \"\\u00fcber.zst\"",
        "\"repo_root\": null",
        "\"deps_dir\": \"deps\"",
        "\"install_missing_deps\": true",
        "\"file_path\": \"/a/b\"",
        "\"file_size\": 12",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let mut out = Vec::new();
    found.write(OutputFile::Table(cts_can::cruise::compat::Export::Edges), &provenance, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("# schema_version: edges.v1\n# analysis_id: an id\n# tool_version: 1.2.3\n"), "{text}");
}

proptest! {
    #![proptest_config(same_cases(64))]

    #[test]
    fn any_log_gives_all_files(
        frames in prop::collection::vec(
            (
                0_u64..200,
                prop::sample::select(vec![0x13A, 0x146, 0x241, 0x220, 0x139, 0x390, 0x10, 0x800]),
                prop::collection::vec(any::<u8>(), 0..12),
            ),
            0..120,
        ),
        pre in 0.0_f64..20.0,
        margin in 0.0_f64..3.0,
        bit in 0_u16..100,
    ) {
        let events: Vec<_> = frames
            .iter()
            .map(|(tick, address, data)| MadeEvent::can(tick * SECOND / 10, &[(*address, 0, data)]))
            .collect();
        let options = CompatOptions {
            engaged_bit: Some(format!("0x146:b{bit}")),
            engaged_margin: margin,
            rule: MarkerRule { pre, post: pre, timeout: 15.0 },
            ..exporting()
        };
        let found = findings(&events, &options);
        let files = files(&found);
        prop_assert_eq!(files.len(), 18);
        for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".json")) {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            let records = value.as_array().map_or(0, Vec::len);
            if let Some(table) = files.get(&name.replace(".json", ".csv")).filter(|_| value.is_array()) {
                let rows = table.lines().filter(|line| !line.starts_with('#')).count() - 1;
                prop_assert_eq!(rows, records, "{}", name);
            }
        }
    }
}
