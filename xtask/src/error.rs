//! Why a command of the automation failed: one sentence, for the terminal.

use std::fmt;

/// One sentence that says what did not work.
#[derive(Debug)]
pub(crate) struct Failed(String);

impl Failed {
    /// Returns it with that sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Failed {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("cannot read JSON: {error}"))
    }
}

/// Adds to an error what was being done.
pub(crate) trait Doing<T> {
    /// Returns the value, or a sentence that begins with `what`.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Failed>;
}

impl<T, E: fmt::Display> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Failed> {
        self.map_err(|error| Failed(format!("{}: {error}", what())))
    }
}
