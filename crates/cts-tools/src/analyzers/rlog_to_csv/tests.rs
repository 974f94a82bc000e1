//! The tool from parameters to files.

use std::fs;
use std::path::{Path, PathBuf};

use cts_model::child_line::ChildLine;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;

/// Returns the name of the table, or of the folder of tables, of a log.
fn out_name(log: &str, params: Value) -> Result<String, ToolError> {
    let checked = cts_model::CheckedParams::check(&RlogToCsv.spec().params, params.as_object().unwrap()).unwrap();
    let cx = ToolCx::new(checked.values, Vec::new(), "/o".into());
    let dbcs = dbc_files::files(&cx, &[])?;
    let logs = [InputFile { path: "/x".into(), name: log.to_owned() }];
    Choices::read(&cx, dbcs)?.out_name(&cx, &logs).map(|name| name.to_string())
}

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

    /// Returns what would mend the error.
    fn hint(&self) -> String {
        match self.result.as_ref().unwrap_err().line() {
            ChildLine::Error { hint, .. } => hint.unwrap_or_default(),
            other => panic!("{other:?} is no error"),
        }
    }

    /// Returns the names of the files, the summary left out.
    fn files(&self) -> Vec<String> {
        let summary = self.summary();
        let files = summary["files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        let files: Vec<String> = files.collect();
        assert!(files.iter().all(|name| self.folder.path().join(name).is_file()));
        files
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
        assert_eq!(out_name(log, json!({})).unwrap(), table, "{log}");
    }
    for (params, name) in [
        (json!({"format": "parquet"}), "a.parquet"),
        (json!({"format": "ndjson"}), "a.ndjson"),
        (json!({"format": "candump"}), "a.log"),
        (json!({"dbc": ["toyota_adas"]}), "a"),
        (json!({"dbc": ["toyota_adas"], "layout": "wide"}), "a.csv"),
        (json!({"dbc": ["toyota_adas"], "layout": "wide", "format": "parquet"}), "a.parquet"),
    ] {
        assert_eq!(out_name("a.rlog.zst", params).unwrap(), name);
    }
}

#[test]
fn the_name_of_the_table_stays_below_the_run() {
    for (out, name) in [("a/b.csv", Some("a/b.csv")), ("/home/me/b.csv", Some("b.csv")), ("../b.csv", None)] {
        assert_eq!(out_name("x", json!({"out": out})).ok().as_deref(), name, "{out}");
    }
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
        "layout": "messages",
        "values": "numbers",
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

/// A DBC file of one message of the sample log.
const MINE: &str = "BO_ 608 MINE: 8 ME\n SG_ ANGLE : 31|16@0- (0.1,0) [0|0] \"deg\" ME\n";

/// The sample log and a file beside it.
fn with_dbc(name: &str, text: &str) -> (tempfile::TempDir, Vec<InputFile>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    (folder, vec![input(path), input(example())])
}

#[test]
fn a_dbc_file_among_the_inputs_decodes_and_is_no_log() {
    let (_folder, inputs) = with_dbc("mine.dbc", MINE);
    let ran = run_on(inputs, &json!({}));
    ran.result.as_ref().unwrap();
    assert_eq!(ran.files(), ["toyota-5s/0-MINE.csv"]);
    let table = ran.file("toyota-5s/0-MINE.csv");
    assert!(table.starts_with("timestamp,ANGLE\r\n0.000000,"), "{table}");
    let summary = ran.summary();
    let signals = &summary["signals"];
    assert_eq!(signals["dbc"], json!(["mine.dbc"]));
    assert_eq!(signals["messages"][0]["units"], json!({"ANGLE": "deg"}));
    assert_eq!(signals["frames"], json!(table.lines().count() - 1));
    let known = signals["frames"].as_u64().unwrap() + signals["unknown_frames"].as_u64().unwrap();
    assert_eq!((known, summary["logs"].as_array().unwrap().len()), (11290, 1));
}

#[test]
fn shipped_files_decode_each_for_its_bus() {
    let dbc = json!(["toyota_new_mc_pt_generated@0", "toyota_adas@1"]);
    let ran = run(&json!({"dbc": dbc, "layout": "wide", "values": "names", "out": "all.csv", "bus": [0, 1]}));
    ran.result.as_ref().unwrap();
    assert_eq!(ran.files(), ["all.csv"]);
    let table = ran.file("all.csv");
    let columns = table.lines().next().unwrap();
    assert!(columns.contains(",STEER_TORQUE_SENSOR.STEER_ANGLE,") && columns.contains(",TRACK_A_0."), "{columns}");
    let summary = ran.summary();
    assert_eq!(summary["signals"]["dbc"], dbc);
    assert_eq!(summary["signals"]["rows"], json!(table.lines().count() - 1));

    let ran = run(&json!({"dbc": dbc, "format": "parquet", "bus": [0]}));
    ran.result.as_ref().unwrap();
    let files = ran.files();
    assert!(files.contains(&"toyota-5s/0-STEER_TORQUE_SENSOR.parquet".to_owned()), "{files:?}");
}

#[test]
fn a_dbc_file_that_is_named_is_found_and_others_are_left() {
    let (_folder, inputs) = with_dbc("mine.dbc", MINE);
    for name in ["mine", "mine.dbc", "mine@0"] {
        let ran = run_on(inputs.clone(), &json!({"dbc": [name]}));
        ran.result.as_ref().unwrap();
        assert_eq!(ran.files(), ["toyota-5s/0-MINE.csv"], "{name}");
    }
    let ran = run_on(inputs, &json!({"dbc": ["toyota_adas@1"], "bus": [1]}));
    ran.result.as_ref().unwrap();
    assert!(!ran.files().contains(&"toyota-5s/0-MINE.csv".to_owned()));
}

#[test]
fn what_cannot_be_decoded_is_told_with_a_remedy() {
    let ran = run(&json!({"dbc": ["nobody"]}));
    assert_eq!(ran.message(), "dbc has \"nobody\", and no input and no file that comes with CTS is called so");
    assert!(ran.hint().starts_with("Give the file as an input beside the log, or one of: subaru_"), "{}", ran.hint());

    let (_folder, inputs) = with_dbc("torn.dbc", "BO_ 608 TORN: 8 ME\n SG_ A : 0|0@1+ (1,0) [0|0] \"\" ME\n");
    let ran = run_on(inputs, &json!({}));
    assert!(ran.message().starts_with("torn.dbc: line 2, column "), "{}", ran.message());

    let (_folder, mut inputs) = with_dbc("mine.dbc", MINE);
    inputs.pop();
    assert_eq!(run_on(inputs, &json!({})).message(), "there is no log among the inputs");

    let dbc = json!(["toyota_adas"]);
    for (params, message) in [
        (json!({"layout": "wide"}), "layout=wide is about signals, and there is no DBC file to find them by"),
        (json!({"values": "names"}), "values=names is about signals, and there is no DBC file to find them by"),
        (
            json!({"dbc": dbc, "columns": "cabana"}),
            "columns are chosen for frames, and with DBC files the columns are signals",
        ),
        (json!({"dbc": dbc, "format": "ndjson"}), "signals are written with format=csv or format=parquet"),
        (
            json!({"dbc": dbc, "format": "parquet", "values": "names"}),
            "values=names is for format=csv: in a Parquet file every signal is a number",
        ),
        (json!({"dbc": ["toyota_adas@200"]}), "dbc has \"toyota_adas@200\"; a bus is a number from 0 to 127"),
    ] {
        let ran = run(&params);
        assert_eq!(ran.message(), message, "{params}");
        assert!(params["dbc"][0] == "toyota_adas@200" || !ran.hint().is_empty(), "{params}");
    }
}

#[test]
fn more_signals_than_columns_are_refused_with_a_remedy() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for message in 0..0x800 {
        writeln!(text, "BO_ {message} M{message}: 8 ME").unwrap();
        for signal in 0..8 {
            writeln!(text, " SG_ S{signal} : {}|8@1+ (1,0) [0|0] \"\" ME", signal * 8).unwrap();
        }
    }
    let (_folder, inputs) = with_dbc("all.dbc", &text);
    let ran = run_on(inputs, &json!({"layout": "wide"}));
    assert!(ran.message().ends_with(" signals, and one table has at most 1024"), "{}", ran.message());
    assert_eq!(ran.hint(), "Choose messages with `bus` or `address`, or give `layout=messages`.");
}
