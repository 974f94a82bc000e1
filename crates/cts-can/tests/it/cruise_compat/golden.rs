//! The files against those of the Python tool, byte for byte: what varies from run to run there is taken from each of
//! its files and given to ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cts_can::cruise::compat::{CompatOptions, EngagedMode, Findings, OutputFile, Provenance};
use serde_json::Value;

use super::{analyze, file, report};
use crate::shared;

/// What the command line of the Python tool says.
#[derive(Debug)]
struct Case {
    log: String,
    status: i64,
    options: CompatOptions,
    outputs: BTreeSet<String>,
}

impl Case {
    fn read(folder: &Path) -> Self {
        let command: Value = serde_json::from_slice(&fs::read(folder.join("cmd.json")).unwrap()).unwrap();
        let arguments = command["argv"].as_array().unwrap().iter().map(|value| value.as_str().unwrap());
        let [log, arguments @ ..] = &*arguments.collect::<Vec<_>>() else { panic!("{}: no log", folder.display()) };
        let outputs =
            command["outputs"].as_object().unwrap().keys().map(|name| name.trim_start_matches("out/").to_owned());
        Self {
            log: (*log).to_owned(),
            status: command["rc"].as_i64().unwrap(),
            options: options(arguments),
            outputs: outputs.collect(),
        }
    }
}

fn options(arguments: &[&str]) -> CompatOptions {
    let mut options = CompatOptions::default();
    let mut arguments = arguments.iter();
    while let Some(name) = arguments.next() {
        let mut value = || *arguments.next().unwrap();
        let number = |text: &str| text.parse().unwrap();
        match *name {
            "--export-csv" => options.export_csv = true,
            "--export-json" => options.export_json = true,
            "--output-dir" => assert_eq!(value(), "out"),
            "--speed-min" => options.speed_min = number(value()),
            "--speed-max" => options.speed_max = number(value()),
            "--marker-type" => options.markers = value() == "blinkers",
            "--marker-pre" => options.rule.pre = number(value()),
            "--marker-post" => options.rule.post = number(value()),
            "--marker-timeout" => options.rule.timeout = number(value()),
            "--engaged-bit" => options.engaged_bit = Some(value().to_owned()),
            "--engaged-bus" => options.engaged_bus = Some(value().parse().unwrap()),
            "--engaged-margin" => options.engaged_margin = number(value()),
            "--engaged-mode" => {
                let is_filter = value() == "filter";
                options.engaged_mode = if is_filter { EngagedMode::Filter } else { EngagedMode::Annotate };
            }
            other => panic!("unknown argument {other}"),
        }
    }
    options
}

/// Returns what varies from run to run in a golden file.
fn provenance(name: &str, golden: &str) -> Provenance {
    let object = match golden.lines().find_map(|line| line.strip_prefix("# meta_json: ")) {
        Some(meta) => meta,
        None if golden.starts_with('{') => golden,
        // A list of records says nothing about its run.
        None => return Provenance::default(),
    };
    let meta: Value = serde_json::from_str(object).unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (arguments, input) = (&meta["cli_args"], &meta["input_metadata"]);
    Provenance {
        timestamp: text(&meta["timestamp"]).unwrap(),
        analysis_id: text(&meta["analysis_id"]).unwrap_or_default(),
        tool_version: text(&meta["tool_version"]).unwrap_or_default(),
        log_file: text(&arguments["log_file"]).unwrap(),
        repo_root: text(&arguments["repo_root"]),
        deps_dir: text(&arguments["deps_dir"]),
        install_missing_deps: arguments["install_missing_deps"].as_bool().unwrap(),
        output_dir: text(&arguments["output_dir"]).unwrap(),
        file_path: text(&input["file_path"]).unwrap(),
        file_size: input["file_size"].as_u64().unwrap(),
        file_extension: text(&input["file_extension"]).unwrap(),
    }
}

/// Compares those of our files that a folder has; returns their names.
fn compare(findings: &Findings, folder: &Path) -> BTreeSet<String> {
    let compare = |ours: &OutputFile| {
        let name = ours.name();
        let golden = fs::read_to_string(folder.join("out").join(&name)).ok()?;
        let found = file(findings, *ours, &provenance(&name, &golden));
        assert_eq!(found, golden, "{}: {name}", folder.display());
        Some(name)
    };
    findings.files().iter().filter_map(compare).collect()
}

#[test]
fn a_log_without_anything_gives_the_golden_files() {
    check_fixture("tiny", &shared::fixture("edge/shapes.rlog.zst"));
}

#[test]
fn a_minute_of_another_car_gives_the_golden_files() {
    check_fixture("toyota", &shared::example("toyota-60s.rlog.zst"));
}

fn check_fixture(name: &str, log: &[u8]) {
    let options = CompatOptions { export_csv: true, export_json: true, ..CompatOptions::default() };
    let findings = analyze(&[log], &options).unwrap();
    for ours in findings.files() {
        let golden = String::from_utf8(shared::fixture(&format!("cruise/{name}/{}", ours.name()))).unwrap();
        assert_eq!(file(&findings, ours, &provenance(name, &golden)), golden, "{name}: {}", ours.name());
    }
    assert_eq!(findings.files().len(), 18, "every file of the Python tool is there");
}

/// Returns the folders of all cases that are about what the analysis does, not about what a command line may be.
fn folders(shared: &Path) -> Vec<PathBuf> {
    let goldens = shared.join("golden/cruise-control-analyzer");
    let mut folders: Vec<_> = fs::read_dir(goldens)
        .unwrap()
        .flat_map(|set| fs::read_dir(set.unwrap().path()).unwrap().map(|case| case.unwrap().path()))
        .filter(|folder| {
            let refused = ["edge/help", "edge/missing", "edge/negative_marker", "edge/not_zst"];
            !refused.iter().any(|case| folder.ends_with(case))
        })
        .collect();
    folders.sort();
    folders
}

#[test]
fn every_golden_case_is_reproduced_byte_for_byte() {
    let Some(shared) = shared::folder() else { return };
    let folders = folders(&shared);
    assert_eq!(folders.len(), 19, "all cases are known");
    for folder in folders {
        let case = Case::read(&folder);
        let log = fs::read(shared.join(&case.log)).unwrap();
        let findings = analyze(&[&log], &case.options).unwrap();
        assert_eq!(compare(&findings, &folder), case.outputs, "{}", folder.display());
        let names: BTreeSet<String> = findings.files().iter().map(|ours| ours.name()).collect();
        if case.status == 0 {
            assert_eq!(names, case.outputs, "{}", folder.display());
        } else {
            assert!(names.len() > case.outputs.len(), "{}: what the crash took is there", folder.display());
        }
        report::compare(&findings, &fs::read_to_string(folder.join("stdout.txt")).unwrap(), &folder);
    }
}

#[test]
fn where_the_python_tool_dies_the_files_are_those_of_its_repaired_copy() {
    let Some(shared) = shared::folder() else { return };
    let goldens = shared.join("golden/cruise-control-analyzer");
    // A set speed of 55, and a target speed.
    for (dies, repaired) in [
        ("subaru/default", "subaru/patched_default"),
        ("subaru_noset/default", "subaru_noset/patched_default"),
        // Nothing but records: those of the run that had tables as well.
        ("subaru_noset/json_only", "subaru_noset/speed_out_of_range"),
    ] {
        let (case, repaired) = (Case::read(&goldens.join(dies)), goldens.join(repaired));
        assert_eq!((case.status, Case::read(&repaired).status), (1, 0), "{dies}");
        let findings = analyze(&[&fs::read(shared.join(&case.log)).unwrap()], &case.options).unwrap();
        let expected = if case.options.export_csv { 18 } else { 6 };
        assert_eq!(findings.files().len(), expected, "{dies}");
        for ours in findings.files() {
            let golden = fs::read_to_string(repaired.join("out").join(ours.name())).unwrap();
            let found = file(&findings, ours, &provenance(dies, &golden));
            if !case.options.export_csv && ours == OutputFile::Config {
                // The one that had tables as well says so.
                let golden = golden.replace("\"export_csv\": true", "\"export_csv\": false");
                assert_eq!(found, golden, "{dies}: {}", ours.name());
            } else {
                assert_eq!(found, golden, "{dies}: {}", ours.name());
            }
        }
    }
}
