//! Lines of a run's log as clients see them.

use cts_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Time;

/// One line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::log_entry_json)]
pub struct LogEntry {
    /// Its number: starts at 1, no gap, counted over all attempts.
    #[schema(minimum = 1)]
    pub seq: u64,
    /// When it was read from the tool.
    pub timestamp: Time,
    /// How grave.
    pub level: LogLevel,
    /// Who wrote it.
    pub source: LogSource,
    /// Where the tool wrote it.
    #[schema(required)]
    pub stream: Option<LogStream>,
    /// The text without its line end.
    pub message: String,
}

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// For the one who searches.
    Debug,
    /// What happened.
    Info,
    /// It went on, but.
    Warning,
    /// Someone must look.
    Error,
}

impl From<model::Level> for LogLevel {
    fn from(level: model::Level) -> Self {
        match level {
            model::Level::Debug => Self::Debug,
            model::Level::Info => Self::Info,
            model::Level::Warning => Self::Warning,
            model::Level::Error => Self::Error,
        }
    }
}

impl From<LogLevel> for model::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warning => Self::Warning,
            LogLevel::Error => Self::Error,
        }
    }
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogSource {
    /// The tool.
    Tool,
    /// CTS itself, about the run.
    System,
}

/// Where the tool wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl From<&model::LogLine> for LogEntry {
    fn from(line: &model::LogLine) -> Self {
        Self {
            seq: line.seq,
            timestamp: Time(line.timestamp),
            level: line.level.into(),
            source: match line.origin {
                model::LogOrigin::Tool => LogSource::Tool,
                model::LogOrigin::System => LogSource::System,
            },
            stream: line.stream.map(|stream| match stream {
                model::OutputStream::Stdout => LogStream::Stdout,
                model::OutputStream::Stderr => LogStream::Stderr,
            }),
            message: line.message.clone(),
        }
    }
}

/// Some lines of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// Which run.
    #[schema(format = "uuid")]
    pub run_id: String,
    /// The lines, oldest first.
    pub logs: Vec<LogEntry>,
    /// Whether more lines are stored behind these.
    pub has_more: bool,
    /// The `from` of the next page; while the run goes on, it is where new lines will be.
    #[schema(minimum = 1)]
    pub next_from: u64,
    /// Number of the last line that is stored, filters aside: how long the log is by now.
    #[serde(default)]
    #[schema(required = true)]
    pub last_seq: u64,
}
