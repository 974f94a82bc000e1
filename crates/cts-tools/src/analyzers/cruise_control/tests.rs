//! The tool from parameters to files, in both modes.

mod pictures;

use std::fs;
use std::path::PathBuf;

use cts_can::cruise::native::CruiseTable;
use serde_json::{Value, json};

use super::*;

struct Ran {
    result: Result<(), ToolError>,
    folder: tempfile::TempDir,
}

impl Ran {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.file(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let folder = fs::read_dir(self.folder.path().join("out")).unwrap();
        let mut names: Vec<String> = folder.map(|of| of.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn message(&self) -> String {
        self.result.as_ref().unwrap_err().to_string()
    }
}

fn run_with(files: &[(&str, &[u8])], params: Value, prepare: impl FnOnce(&std::path::Path)) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let inputs: Vec<InputFile> = files
        .iter()
        .enumerate()
        .map(|(number, (name, bytes))| {
            let path = folder.path().join(number.to_string());
            fs::write(&path, bytes).unwrap();
            InputFile { path, name: (*name).to_owned() }
        })
        .collect();
    let given = params.as_object().unwrap();
    let checked = cts_model::CheckedParams::check(&CruiseControl.spec().params, given).unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    prepare(&out);
    let mut cx = ToolCx::new(checked.values, inputs, out);
    let result = CruiseControl.run(&mut cx);
    Ran { result, folder }
}

fn run(files: &[(&str, &[u8])], params: Value) -> Ran {
    run_with(files, params, |_| {})
}

fn sample() -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/toyota-5s.rlog.zst")).unwrap()
}

/// A button on bus 1 and the speed on bus 0, as a table of frames.
fn table() -> String {
    let mut text = String::from("timestamp,address,bus,data_hex\n");
    for tenth in 0..200 {
        let pressed = u8::from([50..55, 100..105, 150..155].iter().any(|press| press.contains(&tenth)));
        let (second, rest) = (tenth / 10, tenth % 10);
        text.push_str(&format!(
            "{second}.{rest},0x10,1,{pressed:02X}\n{second}.{rest},0x20,0,{:02X}\n",
            50 + tenth / 4
        ));
    }
    text
}

const PROFILE: &str = "name = \"mine\"\n[[dbc]]\nname = \"mine\"\nbus = 0\n[speed]\nsignals = [\"S.KPH\"]\nunit = \"kph\"\n\
                       [buttons]\nset = \"B.SET@1\"\n";
const DBC: &str =
    "BO_ 16 B: 1 X\n SG_ SET : 0|1@1+ (1,0) [0|1] \"\" X\nBO_ 32 S: 1 X\n SG_ KPH : 0|8@1+ (1,0) [0|0] \"\" X\n";

#[test]
fn a_log_gives_every_file_and_a_summary() {
    let log = sample();
    let ran = run(&[("drive.rlog.zst", &log)], json!({}));
    ran.result.as_ref().unwrap();
    let mut expected: Vec<String> = CruiseTable::ALL
        .iter()
        .flat_map(|table| ["csv", "json"].map(|ending| format!("{}.{ending}", table.name())))
        .collect();
    expected.extend(["analysis_report.html", "config_snapshot.json", "summary.json"].map(str::to_owned));
    expected.sort();
    assert_eq!(ran.names(), expected);
    let summary = ran.json("summary.json");
    assert_eq!(summary["car"]["profile"], "toyota");
    assert_eq!(summary["files"].as_array().unwrap().len(), expected.len() - 1);
    assert_eq!(summary["sources"]["brake"], "BRAKE_MODULE.BRAKE_PRESSED (0x224 on bus 0)");
    let config = ran.json("config_snapshot.json");
    assert_eq!((&config["analysis_id"], &config["gate_sources"]), (&summary["analysis_id"], &summary["sources"]));
    assert_eq!(config["params"]["speed_min"], 55.0);
    let again = run(&[("drive.rlog.zst", &log)], json!({}));
    for name in &expected {
        assert_eq!(again.file(name), ran.file(name), "{name}: the same input gives the same bytes");
    }
}

#[test]
fn c14_the_report_escapes_names_and_links_the_files_beside_it() {
    let log = sample();
    let name = "a<script>&\"'.rlog.zst";
    let ran = run(&[(name, &log)], json!({"output_dir": "out", "export_json": false}));
    ran.result.as_ref().unwrap();
    let report = ran.file("out/analysis_report.html");
    assert!(report.contains("a&lt;script&gt;&amp;&quot;&#39;.rlog.zst") && !report.contains("<script"));
    for table in CruiseTable::ALL {
        assert!(report.contains(&format!("href=\"./{}.csv\"", table.name())), "{table:?} lies beside the report");
    }
    assert!(report.contains("href=\"./config_snapshot.json\""));
}

#[test]
fn the_report_can_be_written_alone() {
    let log = sample();
    let ran = run(&[("a", &log)], json!({"export_csv": false, "export_json": false}));
    ran.result.as_ref().unwrap();
    assert_eq!(ran.names(), ["analysis_report.html", "summary.json"]);
}

#[test]
fn c3_json_without_csv_and_csv_without_json_are_written() {
    let log = sample();
    for (param, ending) in [("export_csv", ".json"), ("export_json", ".csv")] {
        let ran = run(&[("a", &log)], json!({param: false, "output_dir": "tables/"}));
        ran.result.as_ref().unwrap();
        let tables = CruiseTable::ALL.map(|table| ran.path(&format!("tables/{}{ending}", table.name())));
        assert!(tables.iter().all(|path| path.is_file()), "{param}");
        let names = fs::read_dir(ran.path("tables")).unwrap().count();
        assert_eq!(names, CruiseTable::ALL.len() + 2, "and the report and the configuration beside them");
    }
    let old = run(&[("a", &log)], json!({"output_dir": "/home/me/old/", "export_json": false}));
    assert!(old.path("old/edges.csv").is_file(), "the last part of a path on another machine");
    let none =
        run(&[("a", &log)], json!({"export_csv": false, "export_json": false, "report": false, "output_dir": "./"}));
    none.result.as_ref().unwrap();
    assert_eq!(none.names(), ["summary.json"]);
}

#[test]
fn a_file_that_cannot_be_written_does_not_keep_the_others_from_it() {
    let log = sample();
    let ran = run_with(&[("a", &log)], json!({}), |out| fs::create_dir(out.join("candidates.csv")).unwrap());
    let message = ran.message();
    assert!(message.starts_with("1 of 14 files could not be written: candidates.csv: cannot make"), "{message}");
    assert!(ran.path("engaged_intervals.json").is_file() && ran.path("config_snapshot.json").is_file());
    let summary = ran.json("summary.json");
    assert_eq!(summary["files_failed"][0]["name"], "candidates.csv");
    assert_eq!(summary["files"].as_array().unwrap().len(), 13);
}

#[test]
fn a_profile_and_a_dbc_file_among_the_inputs_are_used() {
    let table = table();
    let files: [(&str, &[u8]); 3] =
        [("frames.csv", table.as_bytes()), ("mine.toml", PROFILE.as_bytes()), ("mine.dbc", DBC.as_bytes())];
    let params = json!({"speed_min": 60.0, "speed_max": 80.0, "speed_unit": "kph", "marker_type": "button"});
    let ran = run(&files, params);
    ran.result.as_ref().unwrap();
    let summary = ran.json("summary.json");
    assert_eq!(summary["car"]["profile"], "mine");
    assert_eq!(summary["presses_count"], 3);
    assert_eq!(summary["windows"].as_array().unwrap().len(), 3);
    assert_eq!(summary["presses"][0]["in_target"], true);
    assert_eq!(summary["candidates"][0]["signal"], "B.SET");
    let named = run(&files, json!({"car": "mine.toml"}));
    assert_eq!(named.json("summary.json")["car"]["profile"], "mine");
    let other = run(&files[..1], json!({"car": "subaru"}));
    other.result.as_ref().unwrap();
    assert_eq!(other.json("summary.json")["car"]["profile"], "subaru");
    let none = run(&files, json!({"car": "none"}));
    assert_eq!(none.json("summary.json")["car"]["profile"], Value::Null);
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_place() {
    let log = sample();
    for (params, expected) in [
        (json!({"car": "lada"}), "car is \"lada\", and no profile has that name"),
        (json!({"dbc": "nowhere"}), "dbc names the DBC file nowhere, which is neither an input nor shipped"),
        (json!({"engaged_bit": "0x241"}), "engaged_bit is \"0x241\": a bit to watch looks like"),
        (json!({"watch": ["0x10:B0b8"]}), "watch has \"0x10:B0b8\": the bit of a byte"),
        (json!({"windows": ["3..2"]}), "windows has \"3..2\": a window ends before it begins"),
        (json!({"windows": ["1..3", "2..4"]}), "windows: the windows from 1 s and from 2 s overlap"),
        (json!({"output_dir": ".."}), "output_dir is \"..\", which is no path below"),
        (json!({"output_dir": "../up"}), "output_dir is \"../up\", which is no path below"),
        (json!({"mode": "compat", "marker_type": "button"}), "marker_type is button, but mode=compat knows"),
    ] {
        let message = run(&[("a.rlog", &log)], params).message();
        assert!(message.starts_with(expected), "{message}");
    }
    let files: [(&str, &[u8]); 2] = [("a.rlog", &log), ("my.toml", b"name = \"my\"\nspeeds = 1\n")];
    let message = run(&files, json!({})).message();
    assert!(message.starts_with("my.toml: line 2: there is no key speeds here"), "{message}");
    let files: [(&str, &[u8]); 3] = [("a.rlog", &log), ("mine.toml", PROFILE.as_bytes()), ("mine.dbc", b"nothing")];
    let message = run(&files, json!({})).message();
    assert!(message.starts_with("mine.dbc: line 1, column 1: no line begins with BO_"), "{message}");
    let message = run(&files[..2], json!({})).message();
    assert!(message.starts_with("the profile, line 2, names the DBC file mine"), "{message}");
    assert_eq!(run(&files[1..], json!({})).message(), "there is no log among the inputs");
    let message = run(&[("a.rlog", &[0; 64])], json!({})).message();
    assert!(message.starts_with("a.rlog: "), "{message}");
}

#[test]
fn compat_gives_the_old_files_and_says_what_it_does_not_know() {
    let log = sample();
    let ran = run(&[("drive.rlog.zst", &log)], json!({"mode": "compat", "car": "toyota", "windows": ["1..2"]}));
    ran.result.as_ref().unwrap();
    let names = ran.names();
    assert!(names.contains(&"edges.analysis_meta.json".to_owned()) && names.len() == 19, "{names:?}");
    assert!(ran.file("counts_by_segment.csv").starts_with("# schema_version: counts_by_segment.v1\n"));
    let summary = ran.json("summary.json");
    let warnings = summary["warnings"].to_string();
    for name in ["car", "windows"] {
        assert!(warnings.contains(&format!("{name} has no effect with mode=compat")), "{warnings}");
    }
    assert!(!warnings.contains("speed_unit has no effect"), "{warnings}");
    let config = ran.json("config_snapshot.json");
    assert_eq!(config["cli_args"]["log_file"], "drive.rlog.zst");
    assert_eq!(config["input_metadata"]["file_extension"], ".zst");
    assert!(config["timestamp"].as_str().unwrap().starts_with("1970-01-0"), "{}", config["timestamp"]);
}

#[test]
fn every_default_of_the_spec_is_allowed_by_it() {
    let spec = CruiseControl.spec();
    let checked = cts_model::CheckedParams::check(&spec.params, &cts_model::JsonMap::new()).unwrap();
    let expected = json!({
        "mode": "native", "car": "auto", "speed_min": 55.0, "speed_max": 56.0, "speed_unit": "mph",
        "marker_type": "blinkers", "marker_pre": 1.5, "marker_post": 1.5, "marker_timeout": 15.0, "button": "set",
        "engaged": "auto", "engaged_mode": "annotate", "engaged_margin": 0.5, "candidates": 200, "export_csv": true,
        "export_json": true, "report": true, "output_dir": ".", "join": "time", "strict": false,
    });
    assert_eq!(Value::Object(checked.values), expected);
}

#[test]
fn the_page_tells_every_parameter_and_column_and_shows_a_profile_that_is_read() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/tools/cruise-control-analyzer.md");
    let page = fs::read_to_string(path).unwrap();
    for param in CruiseControl.spec().params {
        assert!(page.contains(&format!("`{}`", param.name)), "{} is not told", param.name);
    }
    for table in CruiseTable::ALL {
        assert!(page.contains(&format!("\n{}\n", table.columns().join(","))), "{} has other columns", table.name());
        assert!(page.contains(&format!("### `{}`", table.name())));
    }
    let profile = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let car = cts_can::cars::Car::parse(profile.as_bytes()).unwrap();
    assert_eq!((car.name.as_str(), car.buttons.len(), car.dbcs.len()), ("my_car", 3, 2));
}
