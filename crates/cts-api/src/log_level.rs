//! The level of the service's own log, as clients see and set it.

use std::collections::BTreeMap;
use std::time::Duration;

use cts_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::{Fields, FromBody};
use crate::log::LogLevel;
use crate::time::Time;

/// Most modules that can be named at one time.
pub const MODULES_MAX: usize = 64;
/// Longest name of a module, in characters.
pub const MODULE_LENGTH_MAX: usize = 128;
/// Longest time for which levels can be changed, in seconds: a month.
pub const EXPIRES_IN_SECONDS_MAX: f64 = 2_678_400.0;

/// Which lines the service's own log holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::log_levels_json)]
pub struct LogLevels {
    /// The least level of the service's own lines.
    pub level: LogLevel,
    /// The level of the configuration, with which the service starts.
    pub default_level: LogLevel,
    /// Modules with another level, by their names as in the log.
    pub modules: BTreeMap<String, LogLevel>,
    /// When the levels of the configuration hold again; null for the next start of the service.
    #[schema(required)]
    pub expires_at: Option<Time>,
}

/// The levels that shall hold from now on; what is left out is as configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = crate::samples::set_log_levels_json)]
pub struct SetLogLevels {
    /// The least level of the service's own lines; without it that of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    /// Levels of modules, by their names as in the log: `cts_engine`, `cts_engine::dispatcher`, `hyper`. Without it no
    /// module has a level of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Option<BTreeMap<String, LogLevel>>)]
    pub modules: BTreeMap<String, LogLevel>,
    /// After how many seconds the levels of the configuration shall hold again; without it at the next start.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0, maximum = 2_678_400)]
    pub expires_in_seconds: Option<f64>,
}

impl SetLogLevels {
    /// Returns how long the levels shall hold.
    #[must_use]
    pub fn lasts(&self) -> Option<Duration> {
        self.expires_in_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

impl FromBody for SetLogLevels {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let level = fields.text("level", 16).and_then(|word| read_level(fields, &["level"], &word));
        let mut modules = BTreeMap::new();
        for (module, word) in fields.texts("modules", MODULES_MAX, MODULE_LENGTH_MAX).unwrap_or_default() {
            if let Some(level) = read_level(fields, &["modules", &module], &word) {
                modules.insert(module, level);
            }
        }
        let expires_in_seconds = fields.positive("expires_in_seconds");
        if expires_in_seconds.is_some_and(|seconds| seconds > EXPIRES_IN_SECONDS_MAX) {
            let message = format!("expires_in_seconds is at most {EXPIRES_IN_SECONDS_MAX}");
            fields.fault("expires_in_seconds", "range", message);
        }
        Some(Self { level, modules, expires_in_seconds })
    }
}

/// Returns the level that a word names; a fault of the field at `path` where it names none.
fn read_level(fields: &mut Fields<'_>, path: &[&str], word: &str) -> Option<LogLevel> {
    let level = model::Level::ALL.into_iter().find(|level| level.as_str() == word);
    if level.is_none() {
        let known = model::Level::ALL.map(model::Level::as_str);
        let near = model::nearest::did_you_mean(word, known);
        let shown: String = word.chars().take(32).collect();
        let message = format!("{} is {shown:?}, not one of {}{near}", path.join("."), known.join(", "));
        fields.fault_at(path, "choice", message);
    }
    level.map(LogLevel::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_fault_of_a_request_is_told_at_once() {
        let faults = |body: &serde_json::Value| -> Vec<String> {
            let faults = SetLogLevels::from_body(body).unwrap_err();
            faults.into_iter().map(|fault| format!("{} {}: {}", fault.pointer, fault.code, fault.message)).collect()
        };
        let body = json!({"level": "debug", "modules": {"a::b": "LOUD", "c": 1}, "expires_in_seconds": 1e9, "x": 1});
        assert_eq!(
            faults(&body),
            [
                "/level choice: level is \"debug\", not one of DEBUG, INFO, WARNING, ERROR; did you mean \"DEBUG\"?",
                "/modules/c type: a value of modules is a number, not a text",
                "/modules/a::b choice: modules.a::b is \"LOUD\", not one of DEBUG, INFO, WARNING, ERROR",
                "/expires_in_seconds range: expires_in_seconds is at most 2678400",
                "/x unknown: unknown name \"x\"",
            ]
        );
        assert_eq!(SetLogLevels::from_body(&json!({})), Ok(SetLogLevels::default()));
    }
}
