//! Runs for people: the summary at the end, lists, everything about one.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::Style;
use cts_api::run::{ErrorDetails, InputType, Isolation, IsolationLevel};
use cts_api::time::duration_text;
use cts_api::{Run, RunStatus};

use super::{Look, actions, artifacts, complaint, field};
use crate::client::{LogCounts, Page};
use crate::commands::{EachRow, EachRun, Finished};
use crate::render::progress::message;
use crate::render::table::{Table, Tone, cell, right, toned};
use crate::render::text::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, ago, clean, count, cut, number, paint, size, typed};

/// Most lines of a tool's standard error in a summary; the log has all.
const STDERR_LINES_MAX: usize = 12;
/// Longest name in a list, in characters.
const NAME_MAX: usize = 32;

fn style(status: RunStatus) -> (Style, &'static str) {
    match status {
        RunStatus::Queued => (DIM, "·"),
        RunStatus::Running => (CYAN, "▸"),
        RunStatus::Completed => (GREEN, "✓"),
        RunStatus::Failed => (RED, "✗"),
        RunStatus::Canceled => (YELLOW, "■"),
    }
}

fn tone(status: RunStatus) -> Tone {
    match status {
        RunStatus::Queued => Tone::Quiet,
        RunStatus::Running | RunStatus::Canceled => Tone::Notable,
        RunStatus::Completed => Tone::Good,
        RunStatus::Failed => Tone::Bad,
    }
}

/// Returns that a run was acknowledged.
pub(super) fn submitted(run: &Run) -> String {
    let id = clean(&run.run_id);
    let mut text = format!("run {} of {} is {}\n", paint(BOLD, &id), clean(&run.tool_id), message(run));
    text += &actions(&[format!("cts logs {id} --follow"), format!("cts runs wait {id}"), format!("cts art get {id}")]);
    text
}

/// Returns the summary of a run that ended.
pub(super) fn finished(finished: &Finished, look: &Look) -> String {
    let run = &finished.run;
    let mut text = headline(run);
    text += &field("run", clean(&run.run_id));
    text += &used(run);
    if let Some(progress) = run.progress.as_ref().and_then(|progress| progress.message.as_deref()) {
        text += &field("last words", clean(progress));
    }
    if let Some(counts) = finished.log {
        text += &field("log", log_counts(counts));
    }
    if let Some(isolation) = run.isolation.as_ref().filter(|isolation| isolation.level != IsolationLevel::Full) {
        text += &short_isolation(isolation);
    }
    text += &failure(run);
    text += &made(finished, look);
    if let Some(trouble) = &finished.trouble {
        text += &complaint(&trouble.complaint());
    }
    text += &next(finished);
    text
}

fn headline(run: &Run) -> String {
    let (style, sign) = style(run.status);
    let time = run.duration.as_deref().map(|time| format!(" after {}", clean(time)));
    let head = format!("{sign} {} {}{}", clean(&run.tool_id), run.status.as_str(), time.unwrap_or_default());
    let name = run.name.as_deref().map(|name| format!(" {}", paint(DIM, clean(name))));
    format!("{}{}\n", paint(style, head), name.unwrap_or_default())
}

/// What it used of the machine.
fn used(run: &Run) -> String {
    let memory = run.peak_memory_bytes.map(|bytes| format!("{} of memory at most", size(bytes)));
    let processor = run.cpu_seconds.map(|seconds| format!("{seconds:.2} s of processor time"));
    let attempts = (run.attempt > 1).then(|| format!("{} attempts", run.attempt));
    let parts: Vec<String> = [memory, processor, attempts].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { field("used", parts.join(", ")) }
}

fn log_counts(counts: LogCounts) -> String {
    let mut text = count(counts.lines, "line", "lines");
    if counts.warnings > 0 {
        let _ = write!(text, ", {}", paint(YELLOW, count(counts.warnings, "warning", "warnings")));
    }
    if counts.errors > 0 {
        let _ = write!(text, ", {}", paint(RED, count(counts.errors, "error", "errors")));
    }
    text
}

/// One short line; `cts runs get` tells all.
fn short_isolation(isolation: &Isolation) -> String {
    let word = match isolation.level {
        IsolationLevel::Full => "full",
        IsolationLevel::Partial => "partial",
        IsolationLevel::Off => "off",
    };
    let missing = match isolation.missing.as_slice() {
        [] => String::new(),
        [only] => format!(": {}", clean(only)),
        [first, rest @ ..] => format!(": {} (and {} more)", clean(first), rest.len()),
    };
    field("isolation", format_args!("{}{missing}", paint(YELLOW, word)))
}

/// How well runs are kept apart, with everything that is missing.
pub(super) fn isolation(isolation: &Isolation) -> String {
    let word = match isolation.level {
        IsolationLevel::Full => paint(GREEN, "full"),
        IsolationLevel::Partial => paint(YELLOW, "partial"),
        IsolationLevel::Off => paint(YELLOW, "off"),
    };
    let mut text = field("isolation", word);
    for missing in &isolation.missing {
        text += &field("", clean(missing));
    }
    text
}

fn failure(run: &Run) -> String {
    let Some(error) = &run.error else { return String::new() };
    let code = run.error_code.as_deref().map(|code| format!(" {}", paint(DIM, format_args!("({})", clean(code)))));
    let mut text = format!("\n{} {}{}\n", paint(RED, "error:"), clean(error), code.unwrap_or_default());
    match &run.error_details {
        Some(ErrorDetails::Tool { tool_stderr, exit_code, suggested_fix, .. }) => {
            if let Some(code) = exit_code {
                text += &field("exit code", code);
            }
            if let Some(signal) = run.signal {
                text += &field("signal", signal);
            }
            let lines: Vec<&str> = tool_stderr.lines().collect();
            for line in &lines[lines.len().saturating_sub(STDERR_LINES_MAX)..] {
                let _ = writeln!(text, "  {} {}", paint(DIM, "|"), clean(line));
            }
            if !suggested_fix.is_empty() && !run.suggested_actions.contains(suggested_fix) {
                text += &actions(std::slice::from_ref(suggested_fix));
            }
        }
        Some(ErrorDetails::Validation { validation_errors }) => {
            for fault in validation_errors {
                let _ = writeln!(text, "  {} {}", paint(CYAN, clean(&fault.pointer)), clean(&fault.message));
            }
        }
        Some(ErrorDetails::System { system_error, error_type }) => {
            text += &field("system", format_args!("{} ({})", clean(system_error), clean(error_type)));
        }
        None => {}
    }
    text += &actions(&run.suggested_actions);
    text
}

/// What it made, and where that is now.
fn made(finished: &Finished, look: &Look) -> String {
    if !finished.saved.is_empty() {
        return format!("\n{}", artifacts::saved(&finished.saved, look));
    }
    let number = finished.run.artifacts.len() as u64;
    match (number, finished.run.status) {
        (0, RunStatus::Completed) => field("artifacts", "none"),
        (0, _) => String::new(),
        (number, _) => field("artifacts", format_args!("{} (cts art get {})", number, clean(&finished.run.run_id))),
    }
}

/// What to try next.
fn next(finished: &Finished) -> String {
    let id = clean(&finished.run.run_id);
    let mut next = Vec::new();
    match finished.run.status {
        RunStatus::Completed => {
            if let Some(saved) = finished.saved.first() {
                next.push(format!("cts art open {}", clean(&saved.artifact.id)));
            }
            if finished.log.is_none() {
                next.push(format!("cts logs {id}"));
            }
            next.push(format!("cts runs rerun {id} -p NAME=VALUE    see cts cap {}", clean(&finished.run.tool_id)));
        }
        RunStatus::Failed => {
            next.push(format!("cts logs {id} --level warning"));
            next.push(format!("cts runs rerun {id}"));
        }
        RunStatus::Canceled => next.push(format!("cts runs rerun {id}")),
        RunStatus::Queued | RunStatus::Running => next.push(format!("cts logs {id} --follow")),
    }
    format!("\nNext\n{}", actions(&next))
}

/// Returns one row for each file, and the sum.
pub(super) fn each(rows: &[EachRow], look: &Look) -> String {
    let mut table = Table::new(&["FILE", "STATE", "TIME", "FILES", "SIZE", "RUN", "WHERE"], look.width).whole(5);
    let (mut completed, mut bytes) = (0, 0);
    let mut troubles = String::new();
    for row in rows {
        let input = file_name(&row.input);
        let (run, finished) = match &row.result {
            Ok(EachRun::Submitted(run)) => (run, None),
            Ok(EachRun::Finished(finished)) => (&Box::new(finished.run.clone()), Some(finished)),
            Err(error) => {
                table.row(vec![cell(input), toned("refused", Tone::Bad)]);
                let _ = write!(troubles, "\n{}\n{}", paint(BOLD, clean(&row.input)), complaint(&error.complaint()));
                continue;
            }
        };
        completed += u64::from(run.status == RunStatus::Completed);
        let saved: u64 = finished.iter().flat_map(|finished| &finished.saved).map(|saved| saved.artifact.size).sum();
        bytes += saved;
        let folder = finished.and_then(|finished| finished.folder.as_ref()).filter(|_| saved > 0);
        table.row(vec![
            cell(input),
            toned(run.status.as_str(), tone(run.status)),
            right(run.duration.as_deref().unwrap_or_default()),
            right(run.artifacts.len().to_string()),
            right(if saved > 0 { size(saved) } else { String::new() }),
            toned(&run.run_id, Tone::Quiet),
            cell(folder.map(|folder| look.path(folder)).unwrap_or_default()),
        ]);
        if let Some(error) = &run.error {
            let _ =
                write!(troubles, "\n{}\n  {} {}\n", paint(BOLD, clean(&row.input)), paint(RED, "error:"), clean(error));
            troubles += &actions(&run.suggested_actions);
        }
        if let Some(trouble) = finished.and_then(|finished| finished.trouble.as_ref()) {
            let _ = write!(troubles, "\n{}\n{}", paint(BOLD, clean(&row.input)), complaint(&trouble.complaint()));
        }
    }
    let total = count(rows.len() as u64, "run", "runs");
    let sum = if rows.iter().any(|row| matches!(row.result, Ok(EachRun::Finished(_)))) {
        format!("{total}, {completed} completed, {} of artifacts\n", size(bytes))
    } else {
        format!("{total} submitted\n")
    };
    format!("{}{troubles}\n{sum}", table.text())
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path)
}

/// Returns a list of runs.
pub(super) fn list(page: &Page<Run>, look: &Look) -> String {
    if page.items.is_empty() {
        return "no runs\n".to_owned();
    }
    let mut table = Table::new(&["RUN", "TOOL", "STATE", "CREATED", "TIME", "FILES", "NAME"], look.width).whole(0);
    for run in &page.items {
        let state = match run.status {
            RunStatus::Queued => {
                run.queue_position.map_or("queued".to_owned(), |position| format!("queued #{}", number(position)))
            }
            RunStatus::Running => message(run),
            ended => ended.as_str().to_owned(),
        };
        table.row(vec![
            cell(&run.run_id),
            cell(&run.tool_id),
            toned(state, tone(run.status)),
            toned(ago(run.created_at.0, look.now), Tone::Quiet),
            right(run.duration.as_deref().unwrap_or_default()),
            right(run.artifacts.len().to_string()),
            cell(cut(run.name.as_deref().unwrap_or_default(), NAME_MAX)),
        ]);
    }
    let mut text = table.text();
    if let Some(cursor) = &page.next {
        let total = page.total.map(|total| format!(" of {}", count(total, "run", "runs")));
        let shown = page.items.len();
        let _ = writeln!(
            text,
            "\n{}",
            paint(
                DIM,
                format_args!("{shown}{} shown; more: --cursor {} or --all", total.unwrap_or_default(), clean(cursor))
            )
        );
    }
    text
}

/// Returns everything about a run.
pub(super) fn one(run: &Run, look: &Look) -> String {
    let mut text = headline(run);
    text += &field("run", clean(&run.run_id));
    text += &field("tool", format_args!("{} {}", clean(&run.tool_id), clean(&run.tool_version)));
    if matches!(run.status, RunStatus::Queued | RunStatus::Running) {
        text += &field("now", message(run));
    }
    for (name, value) in &run.labels {
        text += &field("label", format_args!("{}={}", clean(name), clean(value)));
    }
    text += &field("created", format_args!("{} ({})", run.created_at, ago(run.created_at.0, look.now)));
    if let Some(started) = run.started_at {
        text += &field("started", started);
    }
    if let Some(ended) = run.completed_at {
        text += &field("ended", ended);
    }
    for (name, value) in &run.params {
        text += &field("parameter", format_args!("{}={}", clean(name), typed(value)));
    }
    for input in &run.inputs {
        let kind = match input.kind {
            InputType::Path => "",
            InputType::Upload => "upload ",
            InputType::Artifact => "artifact ",
        };
        text += &field("input", format_args!("{kind}{}", clean(&input.value)));
    }
    text += &used(run);
    if run.attempt > 1 {
        for attempt in &run.attempts {
            let outcome = attempt.outcome.and_then(|outcome| serde_json::to_value(outcome).ok());
            let outcome = outcome.as_ref().and_then(|word| word.as_str()).unwrap_or("under way").replace('_', " ");
            text += &field("attempt", format_args!("{}: {outcome}, started {}", attempt.number, attempt.started_at));
        }
    }
    if let Some(found) = &run.isolation {
        text += &isolation(found);
    }
    let limit = duration_text(Duration::try_from_secs_f64(run.timeout_seconds).unwrap_or_default());
    text += &field("time limit", format_args!("{limit} an attempt, {} at most", run.max_attempts));
    text += &field("request", format_args!("{} by {}", clean(&run.request_id), clean(&run.created_by)));
    text += &field("artifacts", run.artifacts.len());
    text += &failure(run);
    text
}

/// Returns what became of runs that were asked to end.
pub(super) fn canceled(runs: &[Run]) -> String {
    runs.iter().fold(String::new(), |mut text, run| {
        let _ = match run.status {
            RunStatus::Running => writeln!(text, "run {} is asked to end", clean(&run.run_id)),
            status => writeln!(text, "run {} is {}", clean(&run.run_id), paint(style(status).0, status.as_str())),
        };
        text
    })
}
