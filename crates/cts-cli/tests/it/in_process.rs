//! The journeys of a user without a service.

use std::io::Write as _;
use std::process::Stdio;

use rustix::process::Signal;

use crate::support::{Place, Said, sample, until};

const ID: &str = "01a2123d-e393-702a-8ce3-fab20893529c";

/// Returns the arguments that run the shell tool.
fn shell<'a>(script: &'a str, more: &[&'a str]) -> Vec<String> {
    let mut args = vec!["run".to_owned(), "shell".to_owned(), "-p".to_owned(), format!("script={script}")];
    args.extend(more.iter().map(|&arg| arg.to_owned()));
    args
}

fn run_shell(place: &Place, script: &str, more: &[&str]) -> Said {
    let args = shell(script, more);
    place.cts(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_log_becomes_a_table_in_one_command() {
    let place = Place::new();
    let log = sample();
    let args = ["run", "rlog-to-csv", "--path", log.to_str().unwrap(), "--follow", "--out-dir", "out", "-p", "to=2"];
    let said = place.cts(&args).ends(0);
    assert!(said.err.contains("in process"), "it says so: {}", said.err);
    assert!(said.out.contains("11290 CAN frames"), "its lines are shown: {}", said.out);
    assert!(said.out.contains("completed after") && said.out.contains("in out"), "the summary: {}", said.out);
    let csv = std::fs::read_to_string(place.path("work/out/toyota-5s.csv")).unwrap();
    assert!(csv.lines().count() > 1000);

    // What was found is there afterwards as well.
    let run = place.cts(&["runs", "get", "last", "--json"]).ends(0).json();
    assert_eq!((run["status"].as_str(), run["params"]["to"].as_f64()), (Some("completed"), Some(2.0)));
    let id = run["run_id"].as_str().unwrap().to_owned();
    assert_eq!(place.cts(&["runs", "--json"]).ends(0).json()[0]["run_id"], *id);
    assert!(place.cts(&["logs", &id, "--grep", "can FRAMES"]).ends(0).out.contains("11290"));
    assert_eq!(place.cts(&["logs", &id, "--level", "error"]).ends(0).out, "");
    let line: serde_json::Value = place.cts(&["logs", &id, "--json"]).ends(0).json();
    assert_eq!(line["seq"], 1);
    let artifacts = place.cts(&["art", "list", &id, "--json"]).ends(0).json();
    let csv_id = artifacts.as_array().unwrap().iter().find(|a| a["filename"] == "toyota-5s.csv").unwrap()["id"].clone();
    let piped = place.cts(&["art", "get", csv_id.as_str().unwrap(), "--output", "-"]).ends(0);
    assert_eq!(piped.out, csv);
    let opened = place.cts(&["art", "open", csv_id.as_str().unwrap()]).ends(0);
    assert!(opened.out.contains("toyota-5s.csv"), "{}", opened.out);
    assert!(place.path(&format!("work/cts-results/{id}/toyota-5s.csv")).exists());

    let again = place.cts(&["runs", "rerun", &id, "-p", "from=1", "--json"]).ends(0).json();
    assert_eq!((again["params"]["from"].as_f64(), again["params"]["to"].as_f64()), (Some(1.0), Some(2.0)));
    assert!(again["saved"].as_array().unwrap().len() == 2, "{again}");
}

#[test]
fn the_exit_code_tells_how_the_run_ended() {
    let place = Place::new();
    run_shell(&place, "true", &[]).ends(0);
    let failed = run_shell(&place, "echo no such thing >&2; exit 7", &[]).ends(3);
    assert!(failed.out.contains("no such thing") && failed.out.contains("TOOL_FAILED"), "{}", failed.out);
    run_shell(&place, "kill -SEGV $$", &[]).ends(3);
    let json = run_shell(&place, "exit 7", &["--json"]).ends(3).json();
    assert_eq!((json["status"].as_str(), json["exit_code"].as_i64()), (Some("failed"), Some(7)));
}

#[test]
fn what_is_wrong_is_found_before_anything_starts() {
    let place = Place::new();
    let said = place.cts(&["run", "rlog-to-cvs", "--path", "x"]).ends(2);
    assert!(said.err.contains("rlog-to-csv"), "the nearest: {}", said.err);
    let said = place.cts(&["run", "shell", "-p", "count=0", "-p", "scirpt=x"]).ends(1);
    for part in ["/params/count", "at least 1", "did you mean \"script\"", "/params/script", "cts cap shell"] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    let said = place.cts(&["run", "rlog-to-csv", "--path", "none.zst"]).ends(1);
    assert!(said.err.contains("none.zst is not there") && said.err.contains("request"), "{}", said.err);
    let said = place.cts(&["runs", "get", ID]).ends(2);
    assert!(said.err.contains("RUN_NOT_FOUND"), "{}", said.err);
    place.cts(&["runs", "get", "../x"]).ends(2);
    place.cts(&["logs", "last"]).ends(2);
    place.cts(&["art", "get", ID]).ends(2);
    let error = place.cts(&["runs", "get", ID, "--json"]).ends(2).json();
    assert_eq!(error["error"]["error_code"], "RUN_NOT_FOUND");
    assert_eq!(place.cts(&["runs", "--json"]).ends(0).json(), serde_json::json!([]), "nothing was queued");
}

#[test]
fn several_files_go_into_one_run_in_the_order_of_their_numbers() {
    let place = Place::new();
    for number in [10, 2, 1] {
        std::fs::write(place.path(&format!("work/seg--{number}--rlog")), format!("{number}\n")).unwrap();
    }
    run_shell(&place, "cat \"$@\" > all.txt", &["--path", "seg--*", "-o", "out"]).ends(0);
    assert_eq!(std::fs::read_to_string(place.path("work/out/all.txt")).unwrap(), "1\n2\n10\n");
}

#[test]
fn each_file_gets_a_run_and_one_table_tells_all() {
    let place = Place::new();
    for name in ["a", "b", "bad"] {
        std::fs::write(place.path(&format!("work/{name}.txt")), name).unwrap();
    }
    let script = "grep -q bad \"$1\" && exit 1; cp \"$1\" copy.txt";
    let said = run_shell(&place, script, &["--path", "*.txt", "--each", "--out-dir", "out"]).ends(3);
    assert!(said.out.contains("3 runs, 2 completed"), "{}", said.out);
    assert_eq!(std::fs::read_to_string(place.path("work/out/a.txt/copy.txt")).unwrap(), "a");
    assert_eq!(std::fs::read_to_string(place.path("work/out/b.txt/copy.txt")).unwrap(), "b");
    let said = run_shell(&place, script, &["--path", "a.txt", "b.txt", "--each", "--json"]).ends(0);
    let rows = said.json();
    assert_eq!(rows.as_array().unwrap().len(), 2);
    assert!(rows[0]["run"]["saved"][0]["path"].as_str().unwrap().contains("cts-results/"));
    let said = run_shell(&place, script, &["--path", "none*", "--each"]).ends(1);
    assert!(said.err.contains("matches no file"), "{}", said.err);
}

#[test]
fn an_artifact_is_the_input_of_the_next_run() {
    let place = Place::new();
    let made = run_shell(&place, "echo hello > greeting.txt", &["--json"]).ends(0).json();
    let artifact = made["saved"][0]["id"].as_str().unwrap().to_owned();
    run_shell(&place, "tr a-z A-Z < \"$1\" > loud.txt", &["--artifact", &artifact, "-o", "out"]).ends(0);
    assert_eq!(std::fs::read_to_string(place.path("work/out/loud.txt")).unwrap(), "HELLO\n");
}

#[test]
fn the_first_interrupt_cancels_the_run() {
    let place = Place::new();
    let args = shell("touch begun; echo begun; exec sleep 600", &["--follow"]);
    let running = place.start(&args.iter().map(String::as_str).collect::<Vec<_>>());
    wait_for_line(&place, "begun");
    running.signal(Signal::INT);
    let said = running.end().ends(4);
    assert!(said.out.contains("canceled"), "{}", said.out);
    assert_eq!(place.cts(&["runs", "get", "last", "--json"]).ends(0).json()["status"], "canceled");
}

#[test]
fn the_second_interrupt_kills_a_tool_that_will_not_stop() {
    let place = Place::new();
    // A long grace, so that only the second interrupt can be what ends it.
    let manifest = std::fs::read_to_string(place.path("data/tools.d/shell.toml")).unwrap();
    std::fs::write(
        place.path("data/tools.d/shell.toml"),
        manifest.replace("stop_grace = \"1s\"", "stop_grace = \"10m\""),
    )
    .unwrap();
    let args = shell("trap 'echo not yet' TERM INT; echo begun; while :; do sleep 0.1; done", &["--follow"]);
    let running = place.start(&args.iter().map(String::as_str).collect::<Vec<_>>());
    wait_for_line(&place, "begun");
    running.signal(Signal::INT);
    wait_for_line(&place, "not yet");
    running.signal(Signal::INT);
    running.end().ends(4);
    assert_eq!(place.cts(&["runs", "get", "last", "--json"]).ends(0).json()["status"], "canceled");
}

/// Looks at the log of the newest run until it holds a text.
fn wait_for_line(place: &Place, text: &str) {
    until(text, || {
        let said = place.cts(&["logs", "last", "--grep", text, "-q"]);
        (said.code == 0 && !said.out.is_empty()).then_some(())
    });
}

#[test]
fn two_commands_at_once_both_finish() {
    let place = Place::new();
    let script = shell("sleep 0.3; echo done > done.txt", &[]);
    let args: Vec<&str> = script.iter().map(String::as_str).collect();
    let running = [place.start(&args), place.start(&args), place.start(&args)];
    for command in running {
        command.end().ends(0);
    }
    let runs = place.cts(&["runs", "--status", "completed", "--json"]).ends(0).json();
    assert_eq!(runs.as_array().unwrap().len(), 3);
}

#[test]
fn a_secret_comes_from_a_file_or_a_pipe_and_is_never_shown() {
    let place = Place::new();
    let mut child = place
        .command(&["run", "secretive", "--param-file", "token=-", "--follow"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"hunter2\n").unwrap();
    let said = Said::from(child.wait_with_output().unwrap()).ends(0);
    assert!(said.out.lines().any(|line| line.trim() == "7"), "{}", said.out);
    let run = place.cts(&["runs", "get", "last", "--json"]).ends(0);
    assert!(!format!("{}{}{}", said.out, said.err, run.out).contains("hunter2"));
}

#[test]
fn an_artifact_goes_where_it_may_and_nowhere_else() {
    let place = Place::new();
    std::fs::write(place.path("work/file"), "in the way").unwrap();
    let said = run_shell(&place, "echo x > x.txt", &["-o", "file"]).ends(1);
    assert!(said.out.contains("completed") && said.out.contains("cannot make the folder"), "{}", said.out);
    // The configured folder is used when none is named.
    std::fs::create_dir_all(place.path("home/config/cts")).unwrap();
    let folder = place.path("configured");
    std::fs::write(place.path("home/config/cts/config.toml"), format!("out_dir = {folder:?}\n")).unwrap();
    run_shell(&place, "echo x > x.txt", &[]).ends(0);
    assert!(folder.join("x.txt").exists());
    run_shell(&place, "echo x > x.txt", &["--no-download"]).ends(0);
}

#[test]
fn a_reader_who_goes_away_is_no_error() {
    let place = Place::new();
    run_shell(&place, "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done", &[]).ends(0);
    let mut child = place.command(&["logs", "last"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let said = Said::from(child.wait_with_output().unwrap()).ends(0);
    assert_eq!(said.err, "");
}

#[test]
fn tools_are_listed_with_the_manifests_that_were_refused() {
    let place = Place::new();
    std::fs::write(place.path("data/tools.d/broken.toml"), "id = ").unwrap();
    let said = place.cts(&["tools", "list"]).ends(0);
    for part in ["rlog-to-csv", "shell", "broken.toml was refused"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let tool = place.cts(&["cap", "shell", "--json"]).ends(0).json();
    assert_eq!(tool["parameters"]["count"]["minimum"], 1.0);
    assert!(place.cts(&["cap", "shell"]).ends(0).out.contains("at least 1"));
}
