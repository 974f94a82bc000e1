//! The contract of a native tool: a spec, and a function over what it was given.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cts_model::child_line::ChildLine;
use cts_model::{JsonMap, Level, Progress, ToolSpec};
use serde_json::Value;

/// Progress is told at most this often.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// A tool that is compiled in.
pub trait NativeTool: Sync {
    /// Returns what it promises.
    fn spec(&self) -> ToolSpec;

    /// Does it.
    ///
    /// # Errors
    /// What was wrong with the input, in a sentence that names the place, and what would mend it.
    fn run(&self, cx: &mut ToolCx) -> Result<(), ToolError>;
}

/// Why a native tool gave up.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    message: String,
    hint: Option<String>,
}

impl ToolError {
    /// Returns an error with a sentence for people.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Adds what would mend it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the report of it.
    pub(crate) fn line(&self) -> ChildLine {
        ChildLine::Error { message: self.message.clone(), hint: self.hint.clone() }
    }
}

/// One file that a tool works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Where it is.
    pub path: PathBuf,
    /// The name that people know it by.
    pub name: String,
}

/// What a native tool was given, and how it tells what it does.
#[derive(Debug)]
pub struct ToolCx {
    params: JsonMap,
    inputs: Vec<InputFile>,
    out_dir: PathBuf,
    told: Option<Instant>,
}

impl ToolCx {
    pub(crate) fn new(params: JsonMap, inputs: Vec<InputFile>, out_dir: PathBuf) -> Self {
        Self { params, inputs, out_dir, told: None }
    }

    /// Returns the files to work on, in their order.
    #[must_use]
    pub fn inputs(&self) -> &[InputFile] {
        &self.inputs
    }

    /// Returns where the tool writes.
    #[must_use]
    pub fn out_dir(&self) -> &Path {
        &self.out_dir
    }

    /// Returns every parameter that has a value.
    #[must_use]
    pub fn params(&self) -> &JsonMap {
        &self.params
    }

    /// Returns a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        self.params.get(name).and_then(Value::as_f64)
    }

    /// Returns a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Value::as_str)
    }

    /// Returns whether a parameter is true.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.params.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Returns whether a parameter has a value, be it an empty list.
    #[must_use]
    pub fn is_given(&self, name: &str) -> bool {
        self.params.contains_key(name)
    }

    /// Returns the items of a list.
    #[must_use]
    pub fn list(&self, name: &str) -> &[Value] {
        self.params.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Tells how far it is, at most every tenth of a second.
    pub fn progress(&mut self, progress: &Progress) {
        if self.told.is_some_and(|told| told.elapsed() < PROGRESS_INTERVAL) {
            return;
        }
        self.told = Some(Instant::now());
        say(&ChildLine::Progress(progress.clone()));
    }

    /// Tells that it is done.
    pub fn done(&mut self, message: &str) {
        let (percent, message) = (Some(100.0), Some(message.to_owned()));
        say(&ChildLine::Progress(Progress { percent, message, ..Progress::default() }));
    }

    /// Writes a line into the log.
    pub fn log(&self, level: Level, message: impl Into<String>) {
        say(&ChildLine::Log { level, message: message.into() });
    }
}

/// Prints a report. A reader that is gone is no reason to stop: the supervisor ends the tool then.
pub(crate) fn say(line: &ChildLine) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{}", line.to_line()).and_then(|()| stdout.flush());
}
