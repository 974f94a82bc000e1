//! The files of the compat mode against those of the Python tool, byte for byte.

use std::fs;
use std::path::Path;

use cts_can::bitwatch::{BitwatchOptions, Watch, WatchFault};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{analyze, compat, files};
use crate::shared;

/// What the goldens of the small tables watch.
const WATCH: [&str; 5] = ["0x27:B4b5", "0x10:B0b7", "0x7F1:B20b4", "0x123:B1b6", "0x2A4:B0b4"];

/// What the Python tool watches when it is not told.
const DEFAULT_WATCH: [&str; 4] = ["0x027:B4b5", "0x027:B5b1", "0x67A:B3b7", "0x321:B5b1"];

#[test]
fn every_small_table_gives_the_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bitwatch");
    let mut compared = 0;
    for case in fs::read_dir(folder).unwrap() {
        let case = case.unwrap().file_name().into_string().unwrap();
        let read = |name: &str| shared::fixture(&format!("bitwatch/{case}/{name}"));
        let analysis = match analyze(&read("in.csv"), &compat(&WATCH)) {
            Ok(analysis) => analysis,
            Err(error) => {
                let expected = match case.as_str() {
                    "bad_hex" => "line 2: the payload is not hexadecimal",
                    "bad_segment" => "line 2: there is no segment pre, window or post",
                    "empty_bus" => "line 2: the bus is no number from 0 to 255",
                    "inf_timestamp" => "line 3: the time is not finite",
                    _ => "",
                };
                assert_eq!(error.to_string(), expected, "{case}");
                compared += 1;
                continue;
            }
        };
        for (name, found) in files(&analysis) {
            assert_eq!(found, String::from_utf8(read(name)).unwrap(), "{case} {name}");
            compared += 1;
        }
    }
    assert_eq!(compared, 13 * 5 + 4, "every case is compared");
}

#[test]
fn holding_the_rows_changes_nothing() {
    for case in ["ties", "pulses", "mmss60", "spaces_and_case"] {
        let table = shared::fixture(&format!("bitwatch/{case}/in.csv"));
        for options in [compat(&WATCH), BitwatchOptions { watch: compat(&WATCH).watch, ..BitwatchOptions::default() }] {
            let held = BitwatchOptions { holds_rows: true, ..options.clone() };
            assert_eq!(files(&analyze(&table, &held).unwrap()), files(&analyze(&table, &options).unwrap()), "{case}");
        }
    }
}

struct Case {
    name: String,
    status: i64,
    /// Below the shared folder.
    table: String,
    window_start: Option<f64>,
    watch: Vec<String>,
    /// Name, size and hash.
    outputs: Vec<(String, u64, String)>,
}

impl Case {
    fn read(folder: &Path) -> Option<Self> {
        let command: Value = serde_json::from_slice(&fs::read(folder.join("cmd.json")).unwrap()).unwrap();
        let arguments: Vec<&str> = command["argv"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        let argument = |name| arguments.iter().position(|found| *found == name).map(|index| arguments[index + 1]);
        let watch = match arguments.iter().position(|found| *found == "--watch") {
            Some(index) => arguments[index + 1..].iter().map(|text| (*text).to_owned()).collect(),
            None => DEFAULT_WATCH.map(str::to_owned).to_vec(),
        };
        let outputs = command["outputs"].as_object().unwrap().iter().map(|(name, output)| {
            let name = name.split_once('.').unwrap().1.to_owned();
            (name, output["bytes"].as_u64().unwrap(), output["sha256"].as_str().unwrap().to_owned())
        });
        Some(Self {
            name: folder.display().to_string(),
            status: command["rc"].as_i64().unwrap(),
            table: argument("--csv")?.to_owned(),
            window_start: argument("--window-start").map(|text| text.parse().unwrap()),
            watch,
            outputs: outputs.collect(),
        })
    }
}

/// Returns a table of the shared folder, or makes it from its log.
fn table(shared: &Path, path: &str) -> Vec<u8> {
    if let Ok(table) = fs::read(shared.join(path)) {
        return table;
    }
    if let Ok(packed) = fs::read(shared.join(format!("{path}.zst"))) {
        return zstd::decode_all(packed.as_slice()).unwrap();
    }
    assert_eq!(path, "golden/rlog-to-csv/big/window/out.csv");
    big_table(shared)
}

/// The table of the big log, whose own test compares it with its golden hash.
fn big_table(shared: &Path) -> Vec<u8> {
    use cts_can::segments::WindowRule;
    use cts_can::table::{TableOptions, write_table};

    let window = WindowRule::new(Some(600.0), Some(30.0));
    let log = fs::File::open(shared.join("data/big/big.rlog.zst")).unwrap();
    let mut table = Vec::new();
    write_table(log, &mut table, &TableOptions { window, ..TableOptions::default() }, |_| {}).unwrap();
    table
}

#[test]
fn every_golden_case_is_reproduced_byte_for_byte() {
    let Some(shared) = shared::folder() else { return };
    let mut folders: Vec<_> = fs::read_dir(shared.join("golden/can-bitwatch"))
        .unwrap()
        .flat_map(|set| fs::read_dir(set.unwrap().path()).unwrap().map(|case| case.unwrap().path()))
        .collect();
    folders.sort();
    let cases: Vec<Case> = folders.iter().filter_map(|folder| Case::read(folder)).collect();
    assert_eq!(cases.iter().filter(|case| case.status == 0).count(), 21, "all cases with files are known");
    for case in cases {
        let watch: Result<Vec<Watch>, WatchFault> = case.watch.iter().map(|text| text.parse()).collect();
        let table = table(&shared, &case.table);
        let found = watch.map_err(|fault| fault.to_string()).and_then(|watch| {
            let options = BitwatchOptions { watch, window_start: case.window_start, ..compat(&[]) };
            analyze(&table, &options).map_err(|error| error.to_string())
        });
        assert_eq!(found.is_ok(), case.status == 0, "{}: {:?}", case.name, found.err());
        let Ok(analysis) = found else { continue };
        let files = files(&analysis);
        assert_eq!(files.len(), case.outputs.len(), "{}", case.name);
        for (name, text) in files {
            let (_, bytes, hash) = case.outputs.iter().find(|(known, _, _)| *known == name).unwrap();
            let found: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!((text.len() as u64, found), (*bytes, hash.clone()), "{} {name}", case.name);
        }
    }
}
