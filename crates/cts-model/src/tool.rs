//! What a tool promises: its parameters, inputs, outputs, limits and what it needs of the machine.
//!
//! How a tool is started is not said here: a native tool is the own binary, a command tool's argv template lives with
//! its manifest in `cts-engine`.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::JsonMap;
use crate::attempt::RetryPolicy;
use crate::id::ToolId;
use crate::limit::Limits;

/// How a tool runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ToolKind {
    /// Compiled in: the own binary executed again.
    Native,
    /// Any program, declared in a manifest.
    Command,
}

/// What a tool is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// Reads logs and ends.
    Analyzer,
    /// Streams until it is stopped.
    Monitor,
    /// Calls an outside API.
    Wrapper,
    /// Anything else.
    Tool,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 4] = [Self::Analyzer, Self::Monitor, Self::Wrapper, Self::Tool];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analyzer => "analyzer",
            Self::Monitor => "monitor",
            Self::Wrapper => "wrapper",
            Self::Tool => "tool",
        }
    }

    /// Returns the category of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == word)
    }
}

/// What a tool promises.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Its id.
    pub id: ToolId,
    /// Its name for people.
    pub name: String,
    /// What it does, in a sentence or a few.
    pub description: String,
    /// What it is for.
    pub category: Category,
    /// How it runs.
    pub kind: ToolKind,
    /// Its version.
    pub version: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The files it works on.
    pub input: InputSpec,
    /// What it makes; files that match nothing here are kept as well unless `only_declared_outputs`.
    pub outputs: Vec<OutputSpec>,
    /// Keep only the files that match [`ToolSpec::outputs`].
    pub only_declared_outputs: bool,
    /// Its parameters, in the order in which a form shows them.
    pub params: Vec<ParamSpec>,
    /// Time limit of one attempt; none for the service's.
    pub timeout: Option<Duration>,
    /// Its own limits; fields that it leaves open are the service's.
    pub limits: LimitOverrides,
    /// Most runs of it at one time; none for no limit of its own.
    pub concurrency: Option<u32>,
    /// Parameters whose values make the concurrency key: runs with equal values share `concurrency_per_key`.
    pub concurrency_key: Vec<String>,
    /// Most runs with one key at one time.
    pub concurrency_per_key: Option<u32>,
    /// Whether a failed run is tried again.
    pub retry: ToolRetry,
    /// Parameters that replace the given ones in one further attempt after a tool error.
    pub fallback: Option<JsonMap>,
    /// What it needs beyond its run directory and its inputs.
    pub access: Access,
    /// Names that a request may set in its environment.
    pub environment: Vec<String>,
    /// Whether it can run on this machine.
    pub unavailable_reason: Option<String>,
    /// Whether it talks to hardware.
    pub requires_hardware: bool,
}

impl ToolSpec {
    /// Returns a spec with nothing but its identity; the rest is empty, and what may be open is open.
    #[must_use]
    pub fn new(id: ToolId, kind: ToolKind, category: Category, name: &str, version: &str, description: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            description: description.to_owned(),
            category,
            kind,
            version: version.to_owned(),
            tags: Vec::new(),
            input: InputSpec::default(),
            outputs: Vec::new(),
            only_declared_outputs: false,
            params: Vec::new(),
            timeout: None,
            limits: LimitOverrides::default(),
            concurrency: None,
            concurrency_key: Vec::new(),
            concurrency_per_key: None,
            retry: ToolRetry { attempts_max: None, delay: None, retry_on_lost: kind == ToolKind::Native },
            fallback: None,
            access: Access::default(),
            environment: Vec::new(),
            unavailable_reason: None,
            requires_hardware: false,
        }
    }

    /// Returns the parameter of that name.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&ParamSpec> {
        self.params.iter().find(|param| param.name == name)
    }

    /// Returns the retry policy, with the service's own where the tool leaves it open.
    #[must_use]
    pub fn retry_policy(&self, service: &RetryPolicy) -> RetryPolicy {
        RetryPolicy {
            attempts_max: self.retry.attempts_max.unwrap_or(service.attempts_max),
            delay: self.retry.delay.unwrap_or(service.delay),
            retry_on_lost: self.retry.retry_on_lost,
        }
    }
}

/// A tool's own retry policy; what is open is the service's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRetry {
    /// Attempts in all.
    pub attempts_max: Option<u32>,
    /// Delay before the second attempt.
    pub delay: Option<Duration>,
    /// Whether it may be run again after a death of the service.
    pub retry_on_lost: bool,
}

/// A tool's own limits; what is open is the service's. A tool may ask for less and for more: its manifest is the
/// operator's word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitOverrides {
    /// See [`Limits::memory_bytes`].
    pub memory_bytes: Option<u64>,
    /// See [`Limits::processes`].
    pub processes: Option<u32>,
    /// See [`Limits::open_files`].
    pub open_files: Option<u64>,
    /// See [`Limits::output_bytes`].
    pub output_bytes: Option<u64>,
    /// See [`Limits::artifact_bytes`].
    pub artifact_bytes: Option<u64>,
    /// See [`Limits::log_bytes`].
    pub log_bytes: Option<u64>,
    /// See [`Limits::log_lines_per_second`].
    pub log_lines_per_second: Option<u32>,
    /// See [`Limits::stop_grace`].
    pub stop_grace: Option<Duration>,
}

impl LimitOverrides {
    /// Returns the limits of one run.
    #[must_use]
    pub fn over(&self, service: &Limits) -> Limits {
        Limits {
            memory_bytes: self.memory_bytes.unwrap_or(service.memory_bytes),
            processes: self.processes.unwrap_or(service.processes),
            open_files: self.open_files.unwrap_or(service.open_files),
            output_bytes: self.output_bytes.unwrap_or(service.output_bytes),
            artifact_bytes: self.artifact_bytes.unwrap_or(service.artifact_bytes),
            log_bytes: self.log_bytes.unwrap_or(service.log_bytes),
            log_lines_per_second: self.log_lines_per_second.unwrap_or(service.log_lines_per_second),
            stop_grace: self.stop_grace.unwrap_or(service.stop_grace),
        }
    }
}

/// The files that a tool works on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputSpec {
    /// At least one is needed.
    pub required: bool,
    /// More than one may be given.
    pub many: bool,
    /// None may be given.
    pub none: bool,
    /// File name ends it takes, with the dot (`.zst`); empty for any.
    pub extensions: Vec<String>,
    /// For people.
    pub description: String,
    /// Parameters of older clients that name the input (`rlog`, `log_file`): moved to the inputs by the door.
    pub param_aliases: Vec<String>,
}

/// One kind of file that a tool makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSpec {
    /// A glob over paths relative to the run's directory: `*.csv`, `plots/**/*.svg`.
    pub pattern: String,
    /// A run that makes none fails with `OUTPUT_MISSING`.
    pub required: bool,
    /// Media type, where the name's end does not tell it.
    pub media_type: Option<String>,
}

/// What a tool needs beyond its run directory and its inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Network.
    pub network: bool,
    /// Folders or files that it reads.
    pub read: Vec<PathBuf>,
    /// Folders or files that it writes.
    pub write: Vec<PathBuf>,
    /// Devices, for example `/dev/ttyUSB0`.
    pub devices: Vec<PathBuf>,
    /// No sandbox at all: the operator's explicit word.
    pub unconfined: bool,
}

/// The type of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParamKind {
    /// Text.
    Str,
    /// A whole number of 64 bits.
    Int,
    /// A finite number.
    Float,
    /// Yes or no.
    Bool,
    /// Several values of the kind in [`ParamSpec::items`].
    List,
    /// A file, named as an input is.
    File,
}

impl ParamKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Str, Self::Int, Self::Float, Self::Bool, Self::List, Self::File];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::List => "list",
            Self::File => "file",
        }
    }

    /// Returns the kind of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One parameter of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// Its name, `snake_case`.
    pub name: String,
    /// Its type.
    pub kind: ParamKind,
    /// Type of a list's items.
    pub items: Option<ParamKind>,
    /// Its value when none is given.
    pub default: Option<Value>,
    /// Help for people.
    pub description: String,
    /// The only values allowed.
    pub choices: Vec<Value>,
    /// It must be given.
    pub required: bool,
    /// Least number, or least length of a text or list.
    pub minimum: Option<f64>,
    /// Greatest number, or greatest length of a text or list.
    pub maximum: Option<f64>,
    /// A regular expression that the whole text must match.
    pub pattern: Option<String>,
    /// Unit of a number, for example `s`.
    pub unit: Option<String>,
    /// It is never shown.
    pub secret: bool,
    /// Examples for forms and documents.
    pub examples: Vec<Value>,
}

impl ParamSpec {
    /// Longest text of a parameter where its spec sets no maximum, in characters.
    pub const TEXT_LENGTH_MAX: usize = 65_536;
    /// Most items of a list where its spec sets no maximum.
    pub const LIST_LENGTH_MAX: usize = 10_000;

    /// Returns an optional parameter without default and without limits.
    #[must_use]
    pub fn new(name: &str, kind: ParamKind, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            items: (kind == ParamKind::List).then_some(ParamKind::Str),
            default: None,
            description: description.to_owned(),
            choices: Vec::new(),
            required: false,
            minimum: None,
            maximum: None,
            pattern: None,
            unit: None,
            secret: false,
            examples: Vec::new(),
        }
    }
}
