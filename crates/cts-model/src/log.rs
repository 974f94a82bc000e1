//! One line of a run's log.

use crate::clock::Timestamp;

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// For the one who searches.
    Debug,
    /// What happened.
    Info,
    /// It went on, but.
    Warning,
    /// Someone must look.
    Error,
}

impl Level {
    /// Every level, the mildest first.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warning, Self::Error];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }

    /// Returns the level of a word as programs print it, in any case: `WARN`, `warning`, `FATAL`, `trace`…
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        const WORDS: [(&str, Level); 13] = [
            ("TRACE", Level::Debug),
            ("DEBUG", Level::Debug),
            ("VERBOSE", Level::Debug),
            ("INFO", Level::Info),
            ("NOTICE", Level::Info),
            ("WARN", Level::Warning),
            ("WARNING", Level::Warning),
            ("ERR", Level::Error),
            ("ERROR", Level::Error),
            ("CRITICAL", Level::Error),
            ("FATAL", Level::Error),
            ("PANIC", Level::Error),
            ("SEVERE", Level::Error),
        ];
        WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
    }
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogOrigin {
    /// The tool.
    Tool,
    /// CTS itself, about the run.
    System,
}

impl LogOrigin {
    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::System => "system",
        }
    }
}

/// Where the tool wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl OutputStream {
    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// One line of a run's log. Numbers start at 1 and have no gap, counted over all attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its number.
    pub seq: u64,
    /// When it was read from the tool.
    pub timestamp: Timestamp,
    /// How grave.
    pub level: Level,
    /// Who wrote it.
    pub origin: LogOrigin,
    /// Where the tool wrote it; none for lines of CTS.
    pub stream: Option<OutputStream>,
    /// The text without its line end; invalid UTF-8 is replaced.
    pub message: String,
}
