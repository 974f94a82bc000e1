//! Tables against those of the Python tool, byte for byte.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use cts_can::rlog::{first_can_time, time_order};
use cts_can::segments::WindowRule;
use cts_can::table::{Conversion, Summary, TableOptions, write_table};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::shared;
use crate::table::{first_second, table};

#[test]
fn every_edge_log_of_the_fixtures_gives_the_golden_table() {
    let mut compared = 0;
    for (log, golden) in [
        ("cut_frame.rlog.zst", "cut_frame_zst"),
        ("empty.rlog.zst", "empty_zst"),
        ("garbage_tail.rlog.zst", "garbage_tail_zst"),
        ("longer_event.rlog.zst", "longer_event_zst"),
        ("multisegment.rlog.zst", "multisegment_zst"),
        ("no_can.rlog.zst", "no_can_zst"),
        ("no_extension_zst", "no_extension_zst"),
        ("out_of_order.rlog.zst", "out_of_order_zst"),
        ("shapes.rlog.zst", "shapes_zst"),
        ("stream_frame.rlog.zst", "stream_frame_zst"),
        ("truncated_body.rlog.zst", "truncated_body_zst"),
        ("truncated_header.rlog.zst", "truncated_header_zst"),
        ("two_frames.rlog.zst", "two_frames_zst"),
        ("two_streams.rlog.bz2", "two_streams_bz2"),
    ] {
        let expected = String::from_utf8(shared::fixture(&format!("golden/{golden}.csv"))).unwrap();
        let (found, _) = table(&shared::fixture(&format!("edge/{log}")), &first_second());
        assert_eq!(found, expected, "{log}");
        compared += 1;
    }
    let goldens = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden")).unwrap().count();
    assert_eq!(compared, goldens, "every golden is compared");
}

/// What one golden case asks for.
struct Case {
    folder: PathBuf,
    log: String,
    options: TableOptions,
    sha256: String,
    bytes: u64,
}

impl Case {
    fn read(folder: &Path) -> Option<Self> {
        let command: Value = serde_json::from_slice(&fs::read(folder.join("cmd.json")).unwrap()).unwrap();
        let output = &command["outputs"]["out.csv"];
        if command["rc"] != 0 || output.is_null() {
            return None;
        }
        let arguments: Vec<&str> = command["argv"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        let argument = |name| arguments.iter().position(|found| *found == name).map(|index| arguments[index + 1]);
        let seconds = |name| argument(name).map(|text| text.parse().unwrap());
        let window = WindowRule::new(seconds("--window-start"), seconds("--window-dur"));
        Some(Self {
            folder: folder.to_owned(),
            log: argument("--rlog").unwrap().to_owned(),
            options: TableOptions { window, ..TableOptions::default() },
            sha256: output["sha256"].as_str().unwrap().to_owned(),
            bytes: output["bytes"].as_u64().unwrap(),
        })
    }
}

#[derive(Default)]
struct Hashed {
    sha256: Sha256,
}

impl std::io::Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.sha256.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Hashed {
    fn hex(self) -> String {
        self.sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

#[test]
fn every_golden_case_is_reproduced_byte_for_byte() {
    let Some(shared) = shared::folder() else { return };
    let cases: Vec<Case> = folders(&shared.join("golden/rlog-to-csv"))
        .iter()
        .flat_map(|set| folders(set))
        .filter_map(|folder| Case::read(&folder))
        .collect();
    assert_eq!(cases.len(), 23, "all cases with a table are known");
    for case in cases {
        let log = File::open(shared.join(&case.log)).unwrap();
        let mut out = Hashed::default();
        let summary = write_table(log, &mut out, &case.options, |_| {}).unwrap();
        assert_eq!(summary.output_bytes, case.bytes, "{}", case.folder.display());
        assert_eq!(out.hex(), case.sha256, "{}", case.folder.display());
    }
}

#[test]
fn the_rows_before_the_damage_are_kept_where_the_python_tool_keeps_nothing() {
    let Some(shared) = shared::folder() else { return };
    let whole = fs::read(shared.join("data/real/real.rlog.bz2")).unwrap();
    let cut = fs::read(shared.join("data/edge/cut_real.rlog.bz2")).unwrap();
    let (whole, _) = table(&whole, &first_second());
    let (cut, summary) = table(&cut, &first_second());
    assert!(whole.starts_with(&cut));
    assert!(summary.rows > 10_000, "{} rows", summary.rows);
    let damage = summary.logs[0].end.damage.as_ref().unwrap();
    assert_eq!(damage.reason.to_string(), "the file ends inside a bzip2 stream");
}

/// Returns where the segments with these numbers lie.
fn segments(numbers: &[u32]) -> Option<Vec<PathBuf>> {
    let shared = shared::folder()?;
    Some(numbers.iter().map(|number| shared.join(format!("data/big/seg--{number}--rlog.zst"))).collect())
}

/// Joins segments in the order in which they were recorded.
fn joined(segments: &[PathBuf], out: impl std::io::Write + Send) -> (Vec<usize>, Summary) {
    let first_time = |path: &PathBuf| first_can_time(File::open(path).unwrap()).unwrap();
    let order = time_order(&segments.iter().map(first_time).collect::<Vec<_>>());
    let mut told = Vec::new();
    let mut conversion = Conversion::new(out, &TableOptions::default()).unwrap();
    for &number in &order {
        conversion.add_log(File::open(&segments[number]).unwrap(), &mut |progress| told.push(progress)).unwrap();
    }
    let summary = conversion.finish().unwrap();
    assert!(told.is_sorted_by_key(|progress| (progress.log, progress.packed_bytes, progress.events, progress.rows)));
    let last = told.last().unwrap();
    assert_eq!((last.log, last.rows, last.events), (segments.len() - 1, summary.rows, summary.events));
    (order, summary)
}

#[test]
fn segments_in_any_order_give_the_table_of_the_whole_drive() {
    let Some(shared) = shared::folder() else { return };
    let mut whole = Vec::new();
    let big = File::open(shared.join("data/big/big.rlog.zst")).unwrap();
    write_table(big, &mut whole, &TableOptions::default(), |_| {}).unwrap();
    for (given, order) in [([0, 1, 2], [0, 1, 2]), ([2, 0, 1], [1, 2, 0]), ([1, 2, 0], [2, 0, 1])] {
        let mut parts = Vec::new();
        let (found, summary) = joined(&segments(&given).unwrap(), &mut parts);
        assert_eq!((found.as_slice(), summary.rows), (order.as_slice(), 3 * 135_468));
        assert!(whole.starts_with(&parts), "{given:?}");
    }
}

#[test]
fn a_segment_that_is_missing_leaves_a_gap_and_nothing_else() {
    let Some(given) = segments(&[10, 1, 0]) else { return };
    let mut table = Vec::new();
    let (order, summary) = joined(&given, &mut table);
    assert_eq!((order.as_slice(), summary.rows), ([2, 1, 0].as_slice(), 3 * 135_468));
    let (first, last) = (summary.first_time.unwrap(), summary.last_time.unwrap());
    assert!(first == 0.0 && (659.0..660.0).contains(&last), "from {first} to {last}");
}
