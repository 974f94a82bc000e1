//! What programs see: the wire types as they came, with what only the client knows beside them.

use serde_json::{Value, json};

use crate::commands::{EachRow, EachRun, Finished, ManifestCheck, Report, Saved};

/// Returns what a command found; none when it printed on the way.
pub(crate) fn report(report: &Report) -> Option<Value> {
    Some(match report {
        Report::Nothing => return None,
        Report::Ping(ping) => json!({
            "url": ping.url,
            "milliseconds": ping.milliseconds,
            "version": ping.version,
            "health": ping.health,
        }),
        Report::Tools(capabilities, broken) => {
            let mut value = json!(capabilities);
            value["broken_manifests"] = json!(broken);
            value
        }
        Report::Tool(tool) => json!(tool),
        Report::Submitted(run) | Report::Run(run) => json!(run),
        Report::Finished(run) => finished(run),
        Report::Each(rows) => rows.iter().map(each).collect(),
        Report::Runs(page) => json!(page.items),
        Report::Canceled(runs) => json!(runs),
        Report::Artifacts(artifacts) => json!(artifacts),
        Report::Saved(files) => files.iter().map(saved).collect(),
        Report::Opened(opened) => {
            let mut value = saved(&opened.saved);
            value["preview"] = json!(opened.preview);
            value
        }
        Report::Uploads(uploads) => json!(uploads),
        Report::Checks(checks) => checks.iter().map(check).collect(),
        Report::TokenMade(token) => json!(token),
        Report::Tokens(tokens) | Report::TokensRevoked(tokens) => json!(tokens),
        Report::Config(explained) => json!(explained.report),
        Report::Examined(diagnosis) => diagnosis.json(),
        Report::LogLevels(held) => json!(held),
        Report::Written(files) => files.iter().map(|file| json!(file.display().to_string())).collect(),
    })
}

/// A run with what was fetched of it: the run's own members stay where they are.
fn finished(finished: &Finished) -> Value {
    let mut value = json!(finished.run);
    value["out_dir"] = json!(finished.folder.as_ref().map(|folder| folder.display().to_string()));
    value["saved"] = finished.saved.iter().map(saved).collect();
    value["log"] = finished
        .log
        .map_or(Value::Null, |log| json!({"lines": log.lines, "warnings": log.warnings, "errors": log.errors}));
    value["trouble"] = finished.trouble.as_ref().map_or(Value::Null, |error| error.json()["error"].clone());
    value
}

fn saved(saved: &Saved) -> Value {
    let mut value = json!(saved.artifact);
    value["path"] = json!(saved.path.display().to_string());
    value["was_there"] = json!(saved.was_there);
    value
}

fn each(row: &EachRow) -> Value {
    match &row.result {
        Ok(EachRun::Submitted(run)) => json!({"input": row.input, "run": run, "error": null}),
        Ok(EachRun::Finished(run)) => json!({"input": row.input, "run": finished(run), "error": null}),
        Err(error) => json!({"input": row.input, "run": null, "error": error.json()["error"]}),
    }
}

fn check(check: &ManifestCheck) -> Value {
    let path = check.path.display().to_string();
    match &check.result {
        Ok(tool) => json!({
            "file": path, "ok": true, "tool_id": tool.id, "unavailable_reason": tool.unavailable_reason, "faults": [],
        }),
        Err(faults) => {
            let faults: Vec<Value> = faults
                .iter()
                .map(|fault| {
                    json!({
                        "line": fault.line, "column": fault.column, "width": fault.width, "message": fault.message,
                        "source_line": fault.source_line,
                    })
                })
                .collect();
            json!({"file": path, "ok": false, "tool_id": null, "unavailable_reason": null, "faults": faults})
        }
    }
}

/// Returns lines of a log, one object a line.
pub(crate) fn log_lines(lines: &[cts_api::LogEntry]) -> String {
    lines.iter().map(|line| format!("{}\n", json!(line))).collect()
}
