//! What the service was told: every setting with its value, its origin, what that overrode, and what it may be.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The configuration of a running service, without what is secret. Where the service runs in earnest it tells no paths
/// either: those values are null and `masked`, and a file is named without its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::config_status_json)]
pub struct ConfigStatus {
    /// The profile: development, testing, staging or production.
    pub environment: String,
    /// Whether the log also tells what libraries do.
    pub debug: bool,
    /// Least level of the service's own log lines at its start.
    pub log_level: String,
    /// How many runs work at a time.
    pub max_concurrent_runs: u32,
    /// Whether metrics are told.
    pub metrics_enabled: bool,
    /// The port of their own listener, where they have one.
    pub metrics_port: Option<u16>,
    /// Whether the service checks itself in the background.
    pub health_checks_enabled: bool,
    /// Whether traces are exported.
    pub tracing_enabled: bool,
    /// Whether requests need a token.
    pub authentication_required: bool,
    /// Whether requests are held to a rate.
    pub rate_limiting_enabled: bool,
    /// The port that the service listens on.
    pub port: u16,
    /// Version of the service.
    pub version: String,
    /// Every setting, in reading order.
    pub settings: Vec<Setting>,
}

/// A setting of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Setting {
    /// Its name: the key in the file.
    pub name: String,
    /// The part of the configuration that it belongs to.
    pub section: String,
    /// Its value: a number of the unit, a text, a list; null for none, and where it is masked.
    pub value: Value,
    /// Whether it has a value that is not shown.
    pub masked: bool,
    /// Where the value came from, as people write it: `cts-lite.toml:12:3`, `.env:4`, `CTS_PORT`, `--port`.
    pub origin: Option<String>,
    /// What kind of place that is.
    pub origin_kind: Option<OriginKind>,
    /// What it overrode, the strongest first; the default comes last.
    pub overrode: Vec<Overridden>,
    /// Its type: bool, int, ratio, text, time, size, list, path, paths or choice.
    #[serde(rename = "type")]
    pub value_type: String,
    /// The unit of a number.
    pub unit: Option<String>,
    /// Least.
    pub minimum: Option<i64>,
    /// Most.
    pub maximum: Option<i64>,
    /// The words of a choice.
    pub choices: Vec<String>,
    /// Whether it may have no value.
    pub optional: bool,
    /// What it must be, for people.
    pub must_be: String,
    /// The defaults of the profiles, for people.
    pub default: String,
    /// What it does.
    pub description: String,
    /// Its environment variable.
    pub variable: String,
    /// Its command-line flag.
    pub flag: String,
    /// Whether this version does what it says.
    pub works: bool,
}

/// A value that another one overrode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overridden {
    /// The value; null where it is masked.
    pub value: Value,
    /// Where it came from.
    pub origin: String,
    /// What kind of place that is.
    pub origin_kind: OriginKind,
}

/// Where a value can come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OriginKind {
    /// A default that belongs to no profile.
    Default,
    /// The default of the profile.
    Profile,
    /// The default of a run without a service.
    InProcess,
    /// The configuration file.
    File,
    /// The file `.env`.
    Dotenv,
    /// An environment variable.
    Variable,
    /// A command-line flag.
    Flag,
}

/// Everything about a configuration, for the one who writes it: printed by the command line, never sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigReport {
    /// The profile.
    pub environment: String,
    /// The configuration file that was read.
    pub file: Option<String>,
    /// The `.env` file that was read.
    pub dotenv: Option<String>,
    /// Whether a service would start with it.
    pub ok: bool,
    /// Every setting that was asked for.
    pub settings: Vec<Setting>,
    /// The directories that the service uses.
    pub directories: Vec<DirectoryReport>,
    /// What should be known.
    pub warnings: Vec<String>,
    /// What is wrong.
    pub faults: Vec<FaultReport>,
}

/// A directory that the service uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectoryReport {
    /// The setting that names it.
    pub setting: String,
    /// Where it is.
    pub path: String,
    /// `usable`, `missing` (the start makes it), `unmakeable`, `doubtful` or `refused`.
    pub state: String,
}

/// Something that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultReport {
    /// The setting that it is about, where it is about one.
    pub setting: Option<String>,
    /// Where it was written.
    pub origin: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}
