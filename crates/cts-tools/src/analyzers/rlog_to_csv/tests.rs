//! The tool from parameters to files.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};

use super::*;

fn cx(out: Option<&str>) -> ToolCx {
    let params = out.map(|out| ("out".to_owned(), Value::from(out))).into_iter().collect();
    ToolCx::new(params, Vec::new(), "/o".into())
}

const CSV_BASIC: TableFormat = TableFormat::Csv(Columns::Basic);

struct Ran {
    result: Result<(), ToolError>,
    folder: tempfile::TempDir,
}

impl Ran {
    fn file(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {name}: {error}"))
    }

    fn summary(&self) -> Value {
        serde_json::from_str(&self.file(SUMMARY)).unwrap()
    }

    fn message(&self) -> String {
        self.result.as_ref().unwrap_err().to_string()
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/toyota-5s.rlog.zst")
}

fn input(path: PathBuf) -> InputFile {
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    InputFile { path, name }
}

fn run_on(inputs: Vec<InputFile>, params: &Value) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let checked = cts_model::CheckedParams::check(&RlogToCsv.spec().params, params.as_object().unwrap()).unwrap();
    let mut cx = ToolCx::new(checked.values, inputs, folder.path().to_owned());
    let result = RlogToCsv.run(&mut cx);
    Ran { result, folder }
}

/// Runs the tool on the sample log.
fn run(params: &Value) -> Ran {
    run_on(vec![input(example())], params)
}

#[test]
fn the_table_is_named_after_the_log() {
    for (log, table) in [
        ("real.rlog.zst", "real.csv"),
        ("rlog.zst", "rlog.csv"),
        ("rlog.bz2", "rlog.csv"),
        ("seg--0--rlog.zst", "seg--0--rlog.csv"),
        ("drive.qlog", "drive.csv"),
        ("noend", "noend.csv"),
        (".zst", "frames.csv"),
    ] {
        let inputs = [InputFile { path: "/x".into(), name: log.to_owned() }];
        assert_eq!(out_name(&cx(None), &inputs, CSV_BASIC).unwrap().as_str(), table, "{log}");
    }
}

#[test]
fn the_name_of_the_table_stays_below_the_run() {
    assert_eq!(out_name(&cx(Some("a/b.csv")), &[], CSV_BASIC).unwrap().as_str(), "a/b.csv");
    assert_eq!(out_name(&cx(Some("/home/me/b.csv")), &[], CSV_BASIC).unwrap().as_str(), "b.csv");
    assert!(out_name(&cx(Some("../b.csv")), &[], CSV_BASIC).is_err());
}

#[test]
fn every_default_of_the_spec_is_allowed_by_it() {
    let spec = RlogToCsv.spec();
    let checked = cts_model::CheckedParams::check(&spec.params, &cts_model::JsonMap::new()).unwrap();
    let expected = json!({
        "format": "csv",
        "columns": "basic",
        "sendcan": false,
        "physical_buses": false,
        "join": "time",
        "strict": false,
    });
    assert_eq!(Value::Object(checked.values), expected);
}

/// Compares the first two lines of a table.
#[expect(clippy::needless_pass_by_value, reason = "the macros make values")]
fn check(params: Value, name: &str, expected: Expect) {
    let ran = run(&params);
    ran.result.as_ref().unwrap();
    let text = ran.file(name);
    let first: String = text.split_inclusive('\n').take(2).collect();
    expected.assert_eq(&first.replace('\r', "\\r"));
    let summary = ran.summary();
    assert_eq!((&summary["out"], &summary["rows"]), (&json!(name), &json!(11290)), "{params}");
    assert_eq!(summary["format"], *params.get("format").unwrap_or(&json!("csv")), "{params}");
}

#[test]
fn every_format_has_a_file_with_its_own_end_and_form() {
    check(
        json!({}),
        "toyota-5s.csv",
        expect![[r#"
        window,segment,timestamp,address,bus,data_hex\r
        1,pre,0.000000,0x260,0,08FFFB0000001884\r
    "#]],
    );
    check(
        json!({"columns": "extended"}),
        "toyota-5s.csv",
        expect![[r#"
        window,segment,timestamp,address,bus,data_hex,log_mono_time,origin,format\r
        1,pre,0.000000,0x260,0,08FFFB0000001884,46408593467896,received,standard\r
    "#]],
    );
    check(
        json!({"columns": "cabana"}),
        "toyota-5s.csv",
        expect![[r#"
        time,addr,bus,data
        0.000,0x260,0,0x08FFFB0000001884
    "#]],
    );
    check(
        json!({"format": "ndjson"}),
        "toyota-5s.ndjson",
        expect![[r#"
        {"timestamp":0.000000,"log_mono_time":46408593467896,"segment":"pre","address":"0x260","bus":0,"origin":"received","data":"08FFFB0000001884"}
        {"timestamp":0.000000,"log_mono_time":46408593467896,"segment":"pre","address":"0x2C1","bus":0,"origin":"received","data":"0014DF14BBCA3A91"}
    "#]],
    );
    check(
        json!({"format": "candump"}),
        "toyota-5s.log",
        expect![[r#"
        (46408.593468) can0 260#08FFFB0000001884
        (46408.593468) can0 2C1#0014DF14BBCA3A91
    "#]],
    );
    check(
        json!({"format": "candump", "time": "relative"}),
        "toyota-5s.log",
        expect![[r#"
        (0.000000) can0 260#08FFFB0000001884
        (0.000000) can0 2C1#0014DF14BBCA3A91
    "#]],
    );
}

#[test]
fn a_parquet_file_begins_and_ends_as_one() {
    let ran = run(&json!({"format": "parquet", "out": "a/frames.parquet"}));
    ran.result.as_ref().unwrap();
    let bytes = fs::read(ran.folder.path().join("a/frames.parquet")).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert_eq!(ran.summary()["format"], "parquet");
}

#[test]
fn the_summary_tells_the_order_in_which_the_logs_were_read() {
    let earlier = || input(Path::new(env!("CARGO_MANIFEST_DIR")).join("../cts-can/tests/fixtures/edge/shapes.rlog"));
    for (params, first, second) in [
        (json!({}), "shapes.rlog", "toyota-5s.rlog.zst"),
        (json!({"join": "given"}), "toyota-5s.rlog.zst", "shapes.rlog"),
    ] {
        let ran = run_on(vec![input(example()), earlier()], &params);
        ran.result.as_ref().unwrap();
        let summary = ran.summary();
        let names: Vec<&Value> = summary["logs"].as_array().unwrap().iter().map(|log| &log["name"]).collect();
        assert_eq!(names, [first, second], "{params}");
        assert_eq!(summary["rows"], 11290 + 7, "{params}");
    }
}

#[test]
fn physical_buses_take_the_marks_off() {
    let buses = |params: Value| {
        let lines = run(&params).file("toyota-5s.csv");
        let buses = lines.lines().skip(1).map(|line| line.split(',').nth(4).unwrap().to_owned());
        buses.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(buses(json!({})), ["0", "1", "128", "129"]);
    assert_eq!(buses(json!({"physical_buses": true})), ["0", "1"]);
}

#[test]
fn times_of_candump_count_from_the_boot_unless_told_otherwise() {
    let told = |params: Value| run(&params).summary()["time"].clone();
    assert_eq!(told(json!({"format": "candump"})), "boot");
    assert_eq!(told(json!({"format": "candump", "time": "relative"})), "relative");
    assert_eq!(told(json!({})), "relative");
    assert_eq!(told(json!({"time": "boot"})), "boot");
}

#[test]
fn columns_are_for_csv_only() {
    let ran = run(&json!({"format": "ndjson", "columns": "cabana"}));
    assert_eq!(ran.message(), "columns are chosen for format=csv only");
}
