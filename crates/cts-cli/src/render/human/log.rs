//! Lines of a log for people.

use std::fmt::Write as _;

use cts_api::LogEntry;
use cts_api::log::{LogLevel, LogSource};

use crate::render::text::{CYAN, DIM, RED, YELLOW, clean, paint};

/// Returns lines of a log. `prefix` tells several runs apart.
pub(crate) fn log_lines(lines: &[LogEntry], prefix: Option<&str>, timestamps: bool) -> String {
    let mut text = String::new();
    for line in lines {
        if let Some(prefix) = prefix {
            let _ = write!(text, "{} ", paint(CYAN, format_args!("{}:", clean(prefix))));
        }
        let level = level(line.level);
        if timestamps {
            let _ = write!(text, "{} {level:<7} ", paint(DIM, line.timestamp));
        }
        let message = clean(&line.message);
        let _ = match (line.source, line.level) {
            // A line of CTS itself says so, where a tool's own line could be meant.
            (LogSource::System, LogLevel::Debug | LogLevel::Info) => {
                writeln!(text, "{}", paint(DIM, format_args!("[cts] {message}")))
            }
            (LogSource::System, LogLevel::Warning) => {
                writeln!(text, "{}", paint(YELLOW, format_args!("[cts] {message}")))
            }
            (LogSource::System, LogLevel::Error) => writeln!(text, "{}", paint(RED, format_args!("[cts] {message}"))),
            (LogSource::Tool, LogLevel::Debug) => writeln!(text, "{}", paint(DIM, message)),
            (LogSource::Tool, LogLevel::Info) => writeln!(text, "{message}"),
            (LogSource::Tool, LogLevel::Warning) => writeln!(text, "{}", paint(YELLOW, message)),
            (LogSource::Tool, LogLevel::Error) => writeln!(text, "{}", paint(RED, message)),
        };
    }
    text
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "DEBUG",
        LogLevel::Info => "INFO",
        LogLevel::Warning => "WARNING",
        LogLevel::Error => "ERROR",
    }
}
