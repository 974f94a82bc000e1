use std::path::PathBuf;

use cts_api::problem::FieldError;
use cts_api::run::ErrorDetails;
use cts_api::{Artifact, Capabilities, LogEntry, Run, RunStatus, ToolCapability, samples};
use cts_model::Timestamp;
use cts_server::embedded::check_manifest;
use expect_test::{Expect, expect};

use super::{Look, complaint, log_lines, report};
use crate::client::{LogCounts, Page};
use crate::commands::{EachRow, EachRun, Finished, ManifestCheck, Report, Saved};
use crate::error::{CliError, Complaint};
use crate::transport::TransportError;

fn look() -> Look {
    Look { width: 110, now: Timestamp::from_ms(1_795_599_060_000), current_dir: PathBuf::from("/w") }
}

fn plain(text: &str) -> String {
    let text = anstream::adapter::strip_str(text).to_string();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn check(found: &Report, expected: &Expect) {
    expected.assert_eq(&plain(&report(found, &look())));
}

fn artifact() -> Artifact {
    serde_json::from_value(samples::artifact_json()).unwrap()
}

fn saved() -> Saved {
    Saved { artifact: artifact(), path: "/w/cts-results/r/drive.csv".into(), lines: 12_346, was_there: false }
}

fn finished(run: Run) -> Finished {
    Finished { run, folder: Some("/w/cts-results/r".into()), saved: Vec::new(), log: None, trouble: None }
}

fn failed() -> Run {
    let mut run = samples::run();
    run.status = RunStatus::Failed;
    run.artifacts.clear();
    run.error = Some("the tool ended with exit code 3".into());
    run.error_code = Some("TOOL_FAILED".into());
    run.exit_code = Some(3);
    run.suggested_actions = vec!["Read the last lines of the log.".into()];
    run.error_details = Some(ErrorDetails::Tool {
        tool_stderr: "first\n\u{1b}[31mcannot read\u{1b}[0m\n".into(),
        exit_code: Some(3),
        execution_time: 0.4,
        suggested_fix: "Read the last lines of the log.".into(),
    });
    run
}

#[test]
fn a_completed_run_says_what_was_found_and_what_to_try_next() {
    let log = Some(LogCounts { lines: 1234, warnings: 1, errors: 0 });
    let mut finished = Finished { saved: vec![saved()], log, ..finished(samples::run()) };
    let isolation = finished.run.isolation.as_mut().unwrap();
    isolation.level = cts_api::run::IsolationLevel::Partial;
    isolation.missing = vec!["memory is sampled".into(), "no Landlock".into()];
    check(
        &Report::Finished(Box::new(finished)),
        &expect![[r#"
            ✓ rlog-to-csv completed after 495 ms morning drive
              run          0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11
              used         21.0 MB of memory at most, 0.41 s of processor time
              log          1 234 lines, 1 warning
              isolation    partial: memory is sampled (and 1 more)

            FILE       SIZE    LINES   TYPE
            drive.csv  1.2 MB  12 346  text/csv
            1 file, 1.2 MB in cts-results/r

            Next
              → cts art open 0193a5c0-9a42-7d10-8c55-6f0b1d2e3f44
              → cts runs rerun 0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11 -p NAME=VALUE    see cts cap rlog-to-csv
        "#]],
    );
}

#[test]
fn a_failed_run_says_why_and_what_to_do() {
    check(
        &Report::Finished(Box::new(finished(failed()))),
        &expect![[r#"
            ✗ rlog-to-csv failed after 495 ms morning drive
              run          0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11
              used         21.0 MB of memory at most, 0.41 s of processor time

            error: the tool ended with exit code 3 (TOOL_FAILED)
              exit code    3
              | first
              | cannot read
              → Read the last lines of the log.

            Next
              → cts logs 0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11 --level warning
              → cts runs rerun 0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11
        "#]],
    );
}

#[test]
fn a_download_that_fails_does_not_hide_how_the_run_went() {
    let trouble = CliError::Connection { to: "http://x".into(), source: TransportError::broken("it broke off") };
    let finished = Finished { trouble: Some(trouble), ..finished(samples::run()) };
    assert_eq!(finished.exit().code(), 1);
    check(
        &Report::Finished(Box::new(finished)),
        &expect![[r#"
            ✓ rlog-to-csv completed after 495 ms morning drive
              run          0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11
              used         21.0 MB of memory at most, 0.41 s of processor time
              artifacts    1 (cts art get 0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11)
            error: cannot talk to http://x: it broke off
              → Check the address (--url, CTS_URL) and whether the service runs: cts ping.
              → Without an address `cts run` works in its own process.

            Next
              → cts logs 0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11
              → cts runs rerun 0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11 -p NAME=VALUE    see cts cap rlog-to-csv
        "#]],
    );
}

#[test]
fn one_run_for_each_file_ends_in_one_table() {
    let row = |input: &str, result| EachRow { input: input.to_owned(), result };
    let done = Finished { saved: vec![saved()], ..finished(samples::run()) };
    let rows = vec![
        row("/d/a.zst", Ok(EachRun::Finished(Box::new(done)))),
        row("/d/b.zst", Ok(EachRun::Finished(Box::new(finished(failed()))))),
        row("/d/c.zst", Err(CliError::usage("c.zst is not there"))),
    ];
    check(
        &Report::Each(rows),
        &expect![[r#"
            FILE   STATE      TIME    FILES  SIZE    RUN                                   WHERE
            a.zst  completed  495 ms      1  1.2 MB  0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11  cts-results/r
            b.zst  failed     495 ms      0          0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11
            c.zst  refused

            /d/b.zst
              error: the tool ended with exit code 3
              → Read the last lines of the log.

            /d/c.zst
            error: c.zst is not there

            3 runs, 1 completed, 1.2 MB of artifacts
        "#]],
    );
}

#[test]
fn runs_are_listed_with_their_state_and_age() {
    let mut queued = samples::run();
    (queued.status, queued.attempt, queued.queue_position) = (RunStatus::Queued, 0, Some(2));
    (queued.duration, queued.name) = (None, None);
    let page = Page { items: vec![queued, samples::run()], next: Some("abc".into()), total: Some(7) };
    check(
        &Report::Runs(page),
        &expect![[r#"
            RUN                                   TOOL         STATE      CREATED         TIME    FILES  NAME
            0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11  rlog-to-csv  queued #2  1 min 00 s ago              1
            0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11  rlog-to-csv  completed  1 min 00 s ago  495 ms      1  morning drive

            2 of 7 runs shown; more: --cursor abc or --all
        "#]],
    );
    check(&Report::Runs(Page { items: Vec::new(), next: None, total: Some(0) }), &expect!["no runs\n"]);
}

#[test]
fn everything_about_a_run_is_told() {
    check(
        &Report::Run(Box::new(samples::run())),
        &expect![[r#"
            ✓ rlog-to-csv completed after 495 ms morning drive
              run          0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11
              tool         rlog-to-csv 1.0.0
              label        car=outback
              created      2026-11-25T09:30:00.000Z (1 min 00 s ago)
              started      2026-11-25T09:30:00.003Z
              ended        2026-11-25T09:30:00.498Z
              parameter    window_start=12.5
              input        /data/drive.rlog.zst
              used         21.0 MB of memory at most, 0.41 s of processor time
              isolation    full
              time limit   5 min 00 s an attempt, 3 at most
              request      0193a5c0-7b10-7000-8000-00000000abcd by anonymous
              artifacts    1
        "#]],
    );
}

#[test]
fn a_tool_is_shown_with_its_parameters_and_an_example() {
    let tool: ToolCapability = serde_json::from_value(samples::tool_json()).unwrap();
    check(
        &Report::Tool(Box::new(tool)),
        &expect![[r#"
            rlog-to-csv 1.0.0 analyzer
            Writes every CAN frame of a driving log as a row of a CSV file.

              input        one file (.rlog, .zst, .bz2): A driving log
              makes        *.csv
              time limit   5 min 00 s

            PARAMETER     TYPE   DEFAULT  ALLOWED       WHAT
            window_start  float  none     at least 0 s  Seconds at which rows begin
                                                        for example 12.5

            Example
              cts run rlog-to-csv --path FILE.rlog --follow
        "#]],
    );
}

#[test]
fn tools_are_listed_with_what_keeps_them_from_running() {
    let mut tool: ToolCapability = serde_json::from_value(samples::tool_json()).unwrap();
    let well = tool.clone();
    tool.id = "word-count".into();
    tool.available = false;
    tool.unavailable_reason = Some("install wc".into());
    let capabilities =
        Capabilities { tools: vec![well, tool], monitors: Vec::new(), api_version: "1.0".into(), features: Vec::new() };
    check(
        &Report::Tools(Box::new(capabilities), vec!["odd.toml".into()]),
        &expect![[r#"
            TOOL         KIND      VERSION  WHAT
            rlog-to-csv  analyzer  1.0.0    Writes every CAN frame of a driving log as a row of a CSV file.
            word-count   analyzer  1.0.0    Writes every CAN frame of a driving log as a row of a CSV file.
                                            not here: install wc
            ! odd.toml was refused; cts tools check FILE tells why

            cts cap TOOL shows the parameters of one
        "#]],
    );
}

#[test]
fn a_fault_of_a_manifest_is_shown_at_its_very_place() {
    let text = "id = \"t\"\nname = \"T\"\ndescription = \"A tool.\"\ncomand = [\"true\"]\n";
    let result = check_manifest(std::path::Path::new("/w/t.toml"), text).map(|_| unreachable!("it has faults"));
    check(
        &Report::Checks(vec![ManifestCheck { path: "t.toml".into(), result }]),
        &expect![[r#"
        ✗ t.toml:1:1: the manifest needs the key command
          1 | id = "t"
            | ^
        ✗ t.toml:4:1: unknown key comand in the manifest; did you mean "command"?
          4 | comand = ["true"]
            | ^^^^^^
        2 faults
    "#]],
    );
}

#[test]
fn a_complaint_names_every_field_and_what_to_do() {
    let fault = |pointer: &str, message: &str| FieldError {
        pointer: pointer.into(),
        code: "range".into(),
        message: message.into(),
    };
    let text = complaint(&Complaint {
        sentence: "start is -1 (and 1 more)".into(),
        code: Some("INVALID_PARAMETERS".into()),
        faults: vec![fault("/params/start", "start is -1"), fault("/params/x", "unknown\u{7}")],
        actions: vec!["See `cts cap`.".into()],
        request_id: Some("r-1".into()),
        details: None,
    });
    expect![[r#"
        error: start is -1 (and 1 more) (INVALID_PARAMETERS)
          /params/start start is -1
          /params/x unknown
          → See `cts cap`.
          request r-1
    "#]]
    .assert_eq(&plain(&text));
}

#[test]
fn lines_of_a_log_tell_who_speaks() {
    let mut line: LogEntry = serde_json::from_value(samples::log_entry_json()).unwrap();
    let tool = line.clone();
    line.source = cts_api::log::LogSource::System;
    line.level = cts_api::log::LogLevel::Warning;
    line.message = "the log was cut here".into();
    let lines = [tool, line];
    expect![[r#"
        a.zst: 2026-11-25T09:30:00.012Z INFO    found 12345 CAN frames
        a.zst: 2026-11-25T09:30:00.012Z WARNING [cts] the log was cut here
    "#]]
    .assert_eq(&plain(&log_lines(&lines, Some("a.zst"), true)));
    expect![[r#"
        found 12345 CAN frames
        [cts] the log was cut here
    "#]]
    .assert_eq(&plain(&log_lines(&lines, None, false)));
}
