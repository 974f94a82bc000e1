//! The tool from parameters to files.

use std::fs;
use std::path::Path;

use super::*;

struct Ran {
    result: Result<(), ToolError>,
    folder: tempfile::TempDir,
}

impl Ran {
    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn summary(&self) -> Value {
        serde_json::from_str(&self.file(SUMMARY)).unwrap()
    }
}

fn run(input: &Path, params: &Value) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let checked = cts_model::CheckedParams::check(&CanSummaryTool.spec().params, params.as_object().unwrap()).unwrap();
    let name = input.file_name().unwrap().to_str().unwrap().to_owned();
    let inputs = vec![InputFile { path: input.to_owned(), name }];
    let mut cx = ToolCx::new(checked.values, inputs, folder.path().to_owned());
    let result = CanSummaryTool.run(&mut cx);
    Ran { result, folder }
}

fn run_on_text(text: &str, params: &Value) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv");
    fs::write(&path, text).unwrap();
    run(&path, params)
}

/// The sample log of the repository.
fn run_on_example(params: &Value) -> Ran {
    run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/toyota-5s.rlog.zst"), params)
}

#[test]
fn a_log_gives_two_tables_and_a_summary() {
    let ran = run_on_example(&json!({}));
    ran.result.as_ref().unwrap();
    let summary = ran.summary();
    assert_eq!(summary["files"], json!(["can_summary.csv", "can_summary.txt"]));
    assert_eq!((&summary["frames"], &summary["streams"]), (&json!(11290), &json!(172)));
    assert_eq!(summary["car"], json!({"brand": "toyota", "fingerprint": "TOYOTA_RAV4"}));
    assert_eq!(summary["buses"][2]["origin"], "echoed");
    assert_eq!(summary["inputs"][0]["format"], "zstd");
    assert_eq!(summary["warnings"], json!([]));
    assert_eq!(ran.file("can_summary.csv").lines().count(), 173);
    assert!(ran.file("can_summary.txt").starts_with("11290 frames, 172 streams, 0.000 s to 4.990 s\ncar: toyota "));
    let again = run_on_example(&json!({}));
    for name in ["can_summary.csv", "can_summary.txt", SUMMARY] {
        assert_eq!(again.file(name), ran.file(name), "the same input gives the same bytes");
    }
}

#[test]
fn only_what_was_asked_for_is_shown() {
    let params = json!({"bus": [0, 128], "address": ["0x2E4"], "from": 1.0, "to": 2.0, "output_prefix": "a/b"});
    let ran = run_on_example(&params);
    ran.result.as_ref().unwrap();
    let lines: Vec<String> = ran.file("a/b.csv").lines().map(str::to_owned).collect();
    assert!(lines.len() == 2 && lines[1].starts_with("128,0x2E4,,echoed,standard,"), "{lines:?}");
    let summary = ran.summary();
    let counted = summary["frames"].as_u64().unwrap() + summary["frames_filtered"].as_u64().unwrap();
    assert_eq!((counted, &summary["inputs"][0]["frames"]), (11290, &json!(11290)));
    let nothing = run_on_example(&json!({"bus": [7]}));
    assert_eq!(nothing.summary()["warnings"], json!(["no frame passes bus, address, from and to"]));
}

#[test]
fn messages_have_names_where_a_dbc_file_is_given() {
    let ran = run_on_example(&json!({"dbc": ["toyota_nodsu_pt_generated@0"]}));
    ran.result.as_ref().unwrap();
    let csv = ran.file("can_summary.csv");
    assert!(csv.contains("\r\n0,0x024,KINEMATICS,received,") && csv.contains("\r\n128,0x2E4,STEERING_LKA,echoed,"));
    let summary = ran.summary();
    assert_eq!(summary["dbc"], json!(["toyota_nodsu_pt_generated@0"]));
    let named = csv.lines().skip(1).filter(|line| !line.split(',').nth(2).unwrap().is_empty()).count();
    assert_eq!(summary["streams_named"], named);
    assert_eq!(run_on_example(&json!({})).summary()["streams_named"], 0);
    let message = run_on_example(&json!({"dbc": ["toyota"]})).result.unwrap_err().to_string();
    assert!(message.starts_with("dbc has \"toyota\""), "{message}");
}

#[test]
fn silences_and_late_frames_are_warnings() {
    let mut table = String::from("timestamp,address,bus,data_hex\n");
    for tenth in 0..100 {
        if !(50..60).contains(&tenth) {
            table.push_str(&format!("{}.{},0x10,1,00\n", tenth / 10, tenth % 10));
        }
        table.push_str(&format!("{}.{},0x20,1,00\n", tenth / 10, tenth % 10));
    }
    table.push_str("3.0,0x20,1,00\n");
    let ran = run_on_text(&table, &json!({}));
    ran.result.as_ref().unwrap();
    let warnings = json!([
        "1 frames come after one of their stream with a later time",
        "0x010 on bus 1 paused for 1.100 s from 4.900 s on, and usually comes each 100.0 ms",
    ]);
    assert_eq!(ran.summary()["warnings"], warnings);
    let silence = json!([{"bus": 1, "address": "0x010", "kind": "paused", "start": 4.9, "seconds": 1.1}]);
    assert_eq!(ran.summary()["silences"], silence);
}

#[test]
fn what_is_no_log_and_no_table_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in");
    fs::write(&path, [0; 64]).unwrap();
    let message = run(&path, &json!({})).result.unwrap_err().to_string();
    assert!(message.starts_with("in: this is not a driving log"), "{message}");
    let message = run_on_text("timestamp,address\n1,x\n", &json!({})).result.unwrap_err().to_string();
    assert_eq!(message, "in.csv: line 2: the address is no number of 32 bits");
    let message = run_on_example(&json!({"output_prefix": "../a"})).result.unwrap_err().to_string();
    assert!(message.starts_with("output_prefix is \"../a\""), "{message}");
}

#[test]
fn every_default_of_the_spec_is_allowed_by_it() {
    let checked = cts_model::CheckedParams::check(&CanSummaryTool.spec().params, &cts_model::JsonMap::new()).unwrap();
    assert_eq!(Value::Object(checked.values), json!({"output_prefix": "can_summary", "join": "time", "strict": false}));
}
