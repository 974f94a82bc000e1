//! What people see. Everything here returns a text; colors are in it and are taken out where they are not wanted.

mod artifacts;
mod doctor;
mod levels;
mod log;
mod run;
mod tokens;
mod tools;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cts_api::health::HealthStatus;
use cts_model::Timestamp;

use super::text::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, clean, paint};
use crate::commands::{Ping, Report};
use crate::error::Complaint;

pub(crate) use log::log_lines;

/// How the terminal is, and what time it is.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    /// Columns.
    pub(crate) width: u16,
    /// Now.
    pub(crate) now: Timestamp,
    /// The working directory: what lies below it is named from there.
    pub(crate) current_dir: PathBuf,
}

impl Look {
    /// Returns a path as the user would type it.
    fn path(&self, path: &Path) -> String {
        let short = path.strip_prefix(&self.current_dir).unwrap_or(path);
        let short = if short.as_os_str().is_empty() { Path::new(".") } else { short };
        clean(&short.display().to_string()).into_owned()
    }
}

/// Returns what a command found, for people.
pub(crate) fn report(report: &Report, look: &Look) -> String {
    match report {
        Report::Nothing => String::new(),
        Report::Ping(found) => ping(found),
        Report::Tools(capabilities, broken) => tools::list(capabilities, broken, look),
        Report::Tool(tool) => tools::one(tool, look),
        Report::Checks(checks) => tools::checks(checks),
        Report::Submitted(run) => run::submitted(run),
        Report::Finished(finished) => run::finished(finished, look),
        Report::Each(rows) => run::each(rows, look),
        Report::Runs(page) => run::list(page, look),
        Report::Run(run) => run::one(run, look),
        Report::Canceled(runs) => run::canceled(runs),
        Report::Artifacts(artifacts) => artifacts::list(artifacts, look),
        Report::Saved(saved) => artifacts::saved(saved, look),
        Report::Opened(opened) => artifacts::opened(opened, look),
        Report::Uploads(uploads) => artifacts::uploads(uploads, look),
        Report::TokenMade(token) => tokens::made(token),
        Report::Tokens(all) => tokens::list(all, look),
        Report::TokensRevoked(gone) => tokens::revoked(gone),
        Report::Config(explained) => explained.page.lines().map(|line| format!("{}\n", clean(line))).collect(),
        Report::Examined(diagnosis) => doctor::diagnosis(diagnosis),
        Report::LogLevels(held) => levels::held(held),
        Report::Written(files) => files.iter().map(|file| format!("{}\n", look.path(file))).collect(),
    }
}

/// Returns what went wrong and what to do next.
pub(crate) fn complaint(complaint: &Complaint) -> String {
    let mut text = format!("{} {}", paint(RED, "error:"), clean_lines(&complaint.sentence));
    if let Some(code) = &complaint.code {
        let _ = write!(text, " {}", paint(DIM, format_args!("({})", clean(code))));
    }
    text.push('\n');
    // A single fault is the sentence itself; its place is still worth a line.
    for fault in &complaint.faults {
        let message = if fault.message == complaint.sentence { &fault.code } else { &fault.message };
        let _ = writeln!(text, "  {} {}", paint(CYAN, clean(&fault.pointer)), clean(message));
    }
    if let Some(details) = &complaint.details {
        let _ = writeln!(text, "  {}", paint(DIM, clean(details)));
    }
    text.push_str(&actions(&complaint.actions));
    if let Some(id) = &complaint.request_id {
        let _ = writeln!(text, "  {}", paint(DIM, format_args!("request {}", clean(id))));
    }
    text
}

fn clean_lines(text: &str) -> String {
    text.lines().map(|line| clean(line).into_owned()).collect::<Vec<_>>().join("\n")
}

/// Returns what to do next, one a line.
fn actions(actions: &[String]) -> String {
    actions.iter().fold(String::new(), |mut text, action| {
        let _ = writeln!(text, "  {} {}", paint(CYAN, "→"), clean(action));
        text
    })
}

/// Returns a name with its value, the names below each other.
fn field(name: &str, value: impl std::fmt::Display) -> String {
    format!("  {}  {value}\n", paint(DIM, format_args!("{name:<11}")))
}

fn ping(ping: &Ping) -> String {
    let Ping { url, version, health, milliseconds } = ping;
    let (style, word) = match health.status {
        HealthStatus::Healthy => (GREEN, "healthy"),
        HealthStatus::Degraded => (YELLOW, "degraded"),
        HealthStatus::Unhealthy => (RED, "unhealthy"),
    };
    let mut text = format!("{} at {} is {}\n", paint(BOLD, "cts-lite"), clean(url), paint(style, word));
    text += &field("version", format_args!("{} (API {})", clean(&version.version), clean(&version.api_version)));
    text += &field("answers in", format_args!("{milliseconds:.1} ms"));
    text += &field("runs since", clean(&health.uptime));
    text += &field("runs", format_args!("{} running, {} queued", health.running, health.queued));
    text += &run::isolation(&health.isolation);
    for note in &health.notes {
        let _ = writeln!(text, "  {} {}", paint(YELLOW, "!"), clean(note));
    }
    for manifest in &health.broken_manifests {
        let _ = writeln!(text, "  {} {} was refused", paint(YELLOW, "!"), clean(manifest));
    }
    text
}

#[cfg(test)]
mod tests;
