//! `cts` without a service: the same requests, in process.

use std::process::{Output, Stdio};

use crate::support::service::{bare, wait, write_tool};
use crate::support::{binary, files_below, processes_with, root};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir_all(home.data().join("tools.d")).unwrap();
        home
    }

    fn data(&self) -> std::path::PathBuf {
        self.0.path().join("data")
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = bare(&binary("cts"), self.0.path());
        command.env("CTS_BASE_STORAGE_PATH", self.data()).env("CTS_TEMP_DIRECTORY", self.0.path().join("temp"));
        command.args(args);
        command
    }

    fn cts(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

fn sample() -> String {
    root().join("examples/toyota-5s.rlog.zst").display().to_string()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_native_tool_runs_on_a_real_log_and_its_files_lie_in_a_folder() {
    let home = Home::new();
    let output = home.cts(&[
        "run",
        "rlog-to-csv",
        "--path",
        &sample(),
        "--wait",
        "--out-dir",
        "out",
        "-p",
        "window_start=1",
        "-p",
        "window_dur=2",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let table = std::fs::read_to_string(home.0.path().join("out/toyota-5s.csv")).unwrap();
    assert!(table.starts_with("window,segment,timestamp,address,bus,data_hex\r\n"));
    assert!(table.contains(",window,1."), "the window was marked");
    assert!(home.0.path().join("out/summary.json").exists());
    assert_eq!(processes_with(&home.data().display().to_string()), Vec::<i32>::new());
}

#[test]
fn exit_codes_tell_how_it_ended() {
    let home = Home::new();
    write_tool(&home.data().join("tools.d"), "fails", "exit 3", "");
    write_tool(&home.data().join("tools.d"), "works", "true", "");
    for (args, code) in [
        (&["run", "works"][..], 0),
        (&["run", "fails"][..], 3),
        (&["run", "no-such-tool"][..], 2),
        (&["run", "works", "-p", "x=1"][..], 1),
        (&["run"][..], 1),
        (&["--url", "http://127.0.0.1:9", "ping"][..], 1),
    ] {
        let output = home.cts(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output));
    }
}

#[test]
fn ctrl_c_cancels_a_run_in_process() {
    let home = Home::new();
    write_tool(&home.data().join("tools.d"), "slow", "echo started; sleep 300", "");
    let mut child =
        home.command(&["run", "slow", "--follow"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let marker = home.data().display().to_string();
    crate::support::until("the tool runs", || {
        let running = processes_with(&marker)
            .into_iter()
            .any(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "sleep"));
        running.then_some(())
    });
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(wait(&mut child).code(), Some(4));
    assert_eq!(processes_with(&marker), Vec::<i32>::new());
}

#[test]
fn two_at_once_on_one_data_directory_both_finish() {
    let home = Home::new();
    write_tool(&home.data().join("tools.d"), "works", "sleep 0.3; echo $CTS_RUN_ID > id.txt", "");
    let start = |out: &str| {
        let mut command = home.command(&["run", "works", "--out-dir", out]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut children: Vec<_> = (0..4).map(|number| start(&format!("out{number}"))).collect();
    for child in &mut children {
        assert_eq!(wait(child).code(), Some(0));
    }
    let ids: std::collections::BTreeSet<String> = (0..4)
        .map(|number| std::fs::read_to_string(home.0.path().join(format!("out{number}/id.txt"))).unwrap())
        .collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_client_that_is_killed_leaves_nothing_and_its_run_ends() {
    let home = Home::new();
    write_tool(&home.data().join("tools.d"), "slow", "trap '' TERM; sleep 300", "");
    write_tool(&home.data().join("tools.d"), "works", "true", "");
    let mut child = home.command(&["run", "slow"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let marker = home.data().display().to_string();
    crate::support::until("the tool runs", || {
        let running = processes_with(&marker)
            .into_iter()
            .any(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "sleep"));
        running.then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    crate::support::until("nothing is left", || processes_with(&marker).is_empty().then_some(()));
    assert_eq!(home.cts(&["run", "works"]).status.code(), Some(0));
    let listed = home.cts(&["runs", "list", "--json"]);
    let runs: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let lost: Vec<_> = runs.as_array().unwrap().iter().filter(|run| run["tool_id"] == "slow").collect();
    assert_eq!((lost.len(), lost[0]["error_code"].as_str()), (1, Some("RUN_LOST")), "{runs}");
    let attempts = files_below(&home.data().join("runs"));
    assert!(attempts.len() <= 1, "{attempts:?}");
}

#[test]
fn every_kind_of_tool_goes_the_whole_journey() {
    let home = Home::new();
    let examples = root().join("examples/tools.d");
    for entry in std::fs::read_dir(&examples).unwrap().flatten() {
        std::fs::copy(entry.path(), home.data().join("tools.d").join(entry.file_name())).unwrap();
    }
    let listed = home.cts(&["cap", "--json"]);
    assert_eq!(listed.status.code(), Some(0), "{}", text(&listed));
    let capabilities: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let tools = capabilities["tools"].as_array().unwrap();
    assert!(tools.len() >= 4, "{tools:?}");
    let table = home.cts(&["run", "rlog-to-csv", "--path", &sample(), "--out-dir", "table"]);
    assert_eq!(table.status.code(), Some(0), "{}", text(&table));
    let table = home.0.path().join("table/toyota-5s.csv").display().to_string();
    for tool in tools {
        let id = tool["id"].as_str().unwrap();
        let takes = |end: &str| tool["input"]["extensions"].as_array().unwrap().iter().any(|found| found == end);
        let input = if takes(".csv") { table.clone() } else { sample() };
        let output = home.cts(&["run", id, "--path", &input, "--out-dir", id]);
        assert_eq!(output.status.code(), Some(0), "{id}: {}", text(&output));
        assert!(!files_below(&home.0.path().join(id)).is_empty(), "{id} makes something");
    }
}
