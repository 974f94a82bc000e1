//! The types that a setting can have, and the values that were read as such.
//!
//! A text from a variable or a flag and a value from a file become the same [`Value`]; what does not fit is refused with
//! one sentence, [`ValueType::expectation`], that is also what the reference page says.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value as Json;

use crate::error::shown;
use crate::units::{self, SizeUnit, TimeUnit};

/// A rule for a text.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Tells whether a text keeps the rule.
    pub test: fn(&str) -> bool,
    /// What the text must be: completes "must be …".
    pub expected: &'static str,
}

/// What a setting can be.
#[derive(Debug, Clone, Copy)]
pub enum ValueType {
    /// Yes or no.
    Bool,
    /// A whole number within bounds.
    Int {
        /// Least.
        min: i64,
        /// Most.
        max: i64,
    },
    /// A part of a whole, from 0 to 1, with at most six digits after the point.
    Ratio,
    /// A text that keeps a rule.
    Text(Check),
    /// A time within bounds, which are in the unit.
    Duration {
        /// The unit of a bare number.
        unit: TimeUnit,
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// A size within bounds, which are in the unit.
    Bytes {
        /// The unit of a bare number.
        unit: SizeUnit,
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// Texts that each keep a rule.
    List(Check),
    /// A path, absolute after reading.
    Path,
    /// Paths, absolute after reading.
    Paths,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
}

/// A value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An optional setting that is not set.
    Nothing,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A part of a whole, in millionths.
    Ratio(u32),
    /// A text or a word of a choice.
    Text(String),
    /// A time.
    Duration(Duration),
    /// A size.
    Bytes(u64),
    /// Texts.
    List(Vec<String>),
    /// A path.
    Path(PathBuf),
    /// Paths.
    Paths(Vec<PathBuf>),
}

/// A value before it is known what it should be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Raw {
    /// A text without a type: from a variable, a flag, `.env` or a default.
    Loose(String),
    /// A string of a file.
    Quoted(String),
    /// A boolean of a file.
    Bool(bool),
    /// A whole number of a file.
    Int(i64),
    /// Another number of a file, in plain decimal writing.
    Decimal(String),
    /// An array of strings of a file.
    Array(Vec<String>),
    /// Something else of a file.
    Other(&'static str),
}

impl Raw {
    /// Returns the value for a message.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Loose(text) | Self::Quoted(text) => shown(text),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Decimal(text) => text.chars().take(crate::error::SHOWN_CHARACTERS_MAX).collect(),
            Self::Array(items) => {
                let first: Vec<String> = items.iter().take(SHOWN_ITEMS_MAX).map(|item| shown(item)).collect();
                format!("[{}{}]", first.join(", "), if items.len() > SHOWN_ITEMS_MAX { ", …" } else { "" })
            }
            Self::Other(what) => (*what).to_owned(),
        }
    }
}

/// Most items of an array that a message repeats.
const SHOWN_ITEMS_MAX: usize = 4;

/// What relative paths and `~` mean for a value.
#[derive(Debug, Clone)]
pub(crate) struct PathBase<'a> {
    /// Where a relative path begins: the folder of the file that holds it, or the working directory.
    pub(crate) folder: &'a Path,
    /// What `~` is.
    pub(crate) home: Option<&'a Path>,
}

impl PathBase<'_> {
    /// Returns the absolute path; none where there is no sense in it.
    fn absolute(&self, text: &str) -> Option<PathBuf> {
        if text.is_empty() || text.contains('\0') {
            return None;
        }
        match text.strip_prefix('~') {
            Some("") => self.home.map(Path::to_path_buf),
            Some(rest) if rest.starts_with('/') => self.home.map(|home| home.join(rest.trim_start_matches('/'))),
            // `~name` is another user's home, which nobody looks up here.
            Some(_) => None,
            None => Some(self.folder.join(text)),
        }
    }
}

/// The word that stands for "not set" of an optional setting.
pub(crate) const NONE: &str = "none";

impl ValueType {
    /// Returns what a value must be: completes "must be …".
    #[must_use]
    pub fn expectation(&self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Int { min, max: i64::MAX } => format!("a whole number of at least {min}"),
            Self::Int { min, max } => format!("a whole number from {min} to {max}"),
            Self::Ratio => "a number from 0 to 1, for example 0.1".to_owned(),
            Self::Text(check) => check.expected.to_owned(),
            Self::Duration { unit, min, max } => {
                let (from, to) = (unit.bound(*min), unit.bound(*max));
                let (example, unit) = (unit.example(), unit.as_str());
                format!("a time from {from} to {to}: a number of {unit}, or a text such as \"{example}\"")
            }
            Self::Bytes { unit, min, max } => {
                let (from, to) = (unit.bound(*min), unit.bound(*max));
                let (example, unit) = (unit.example(), unit.as_str());
                format!("a size from {from} to {to}: a number of {unit}, or a text such as \"{example}\"")
            }
            Self::List(check) => format!("a list, each item {}", check.expected),
            Self::Path => "a path (absolute, below ~, or relative to the file that holds it)".to_owned(),
            Self::Paths => "a list of paths".to_owned(),
            Self::Choice(words) => match words.split_last() {
                Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
                _ => words.concat(),
            },
        }
    }

    /// Returns the value, or nothing when `raw` is not what it must be.
    pub(crate) fn read(&self, raw: &Raw, base: &PathBase<'_>) -> Option<Value> {
        match self {
            Self::Bool => match raw {
                Raw::Bool(value) => Some(Value::Bool(*value)),
                Raw::Loose(text) => match text.trim().to_ascii_lowercase().as_str() {
                    "true" | "yes" | "on" | "1" => Some(Value::Bool(true)),
                    "false" | "no" | "off" | "0" => Some(Value::Bool(false)),
                    _ => None,
                },
                _ => None,
            },
            Self::Int { min, max } => {
                let value = match raw {
                    Raw::Int(value) => *value,
                    Raw::Loose(text) => {
                        i64::try_from(units::scaled(text.trim(), 1)?).ok().filter(|_| !text.contains('.'))?
                    }
                    _ => return None,
                };
                (*min..=*max).contains(&value).then_some(Value::Int(value))
            }
            Self::Ratio => read_ratio(raw.number()?.trim()).map(Value::Ratio),
            Self::Text(check) => {
                let text = raw.text()?;
                (check.test)(text).then(|| Value::Text(text.to_owned()))
            }
            Self::Duration { unit, min, max } => {
                let value = units::duration(&raw.number()?, *unit)?;
                let within = |n: u64| u128::from(n) * unit.nanoseconds();
                (within(*min)..=within(*max)).contains(&value.as_nanos()).then_some(Value::Duration(value))
            }
            Self::Bytes { unit, min, max } => {
                let value = units::bytes(&raw.number()?, *unit)?;
                let within = |n: u64| n.saturating_mul(unit.bytes());
                (within(*min)..=within(*max)).contains(&value).then_some(Value::Bytes(value))
            }
            Self::List(check) => {
                let items = raw.items()?;
                items.iter().all(|item| (check.test)(item)).then_some(Value::List(items))
            }
            Self::Path => base.absolute(raw.text()?).map(Value::Path),
            Self::Paths => {
                let paths: Option<Vec<PathBuf>> = raw.items()?.iter().map(|item| base.absolute(item)).collect();
                paths.map(Value::Paths)
            }
            Self::Choice(words) => {
                let text = raw.text()?;
                let text = if text.eq_ignore_ascii_case("warn") { "WARNING" } else { text };
                let word = words.iter().find(|word| word.eq_ignore_ascii_case(text))?;
                Some(Value::Text((*word).to_owned()))
            }
        }
    }

    /// Returns the type in a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int { .. } => "int",
            Self::Ratio => "ratio",
            Self::Text(_) => "text",
            Self::Duration { .. } => "time",
            Self::Bytes { .. } => "size",
            Self::List(_) => "list",
            Self::Path => "path",
            Self::Paths => "paths",
            Self::Choice(_) => "choice",
        }
    }

    /// Returns the unit of a bare number.
    #[must_use]
    pub fn unit(&self) -> Option<&'static str> {
        match self {
            Self::Duration { unit, .. } => Some(unit.as_str()),
            Self::Bytes { unit, .. } => Some(unit.as_str()),
            _ => None,
        }
    }

    /// Returns the bounds of a number, in its unit.
    #[must_use]
    pub fn range(&self) -> Option<(i64, i64)> {
        let whole = |bound: u64| i64::try_from(bound).unwrap_or(i64::MAX);
        match self {
            Self::Int { min, max } => Some((*min, *max)),
            Self::Ratio => Some((0, 1)),
            Self::Duration { min, max, .. } | Self::Bytes { min, max, .. } => Some((whole(*min), whole(*max))),
            _ => None,
        }
    }

    /// Returns the words of a choice.
    #[must_use]
    pub fn choices(&self) -> &'static [&'static str] {
        match self {
            Self::Choice(words) => words,
            _ => &[],
        }
    }

    /// Returns a value for programs: a number of the unit, a text, a list, or null for none.
    pub(crate) fn json(&self, value: &Value) -> Json {
        match (self, value) {
            (_, Value::Nothing) => Json::Null,
            (_, Value::Bool(value)) => (*value).into(),
            (_, Value::Int(value)) => (*value).into(),
            (_, Value::Ratio(millionths)) => (f64::from(*millionths) / 1e6).into(),
            (_, Value::Text(text)) => text.as_str().into(),
            (Self::Duration { unit, .. }, Value::Duration(value)) => units::count(value.as_nanos(), unit.nanoseconds()),
            (Self::Bytes { unit, .. }, Value::Bytes(value)) => units::count((*value).into(), unit.bytes().into()),
            (_, Value::Duration(value)) => value.as_secs_f64().into(),
            (_, Value::Bytes(value)) => (*value).into(),
            (_, Value::List(items)) => items.as_slice().into(),
            (_, Value::Path(path)) => path.to_string_lossy().into(),
            (_, Value::Paths(paths)) => paths.iter().map(|path| path.to_string_lossy()).collect(),
        }
    }

    /// Writes a value as TOML, so that reading it gives the same value.
    pub(crate) fn write(&self, value: &Value) -> String {
        match (self, value) {
            (_, Value::Nothing) => quoted(NONE),
            (_, Value::Bool(value)) => value.to_string(),
            (_, Value::Int(value)) => value.to_string(),
            (_, Value::Ratio(millionths)) => write_ratio(*millionths),
            (_, Value::Text(text)) => quoted(text),
            (Self::Duration { unit, .. }, Value::Duration(value)) => units::write_duration(*value, *unit),
            (Self::Bytes { unit, .. }, Value::Bytes(value)) => units::write_bytes(*value, *unit),
            (_, Value::Duration(value)) => units::write_duration(*value, TimeUnit::Seconds),
            (_, Value::Bytes(value)) => value.to_string(),
            (_, Value::List(items)) => array(items.iter().map(String::as_str)),
            (_, Value::Path(path)) => quoted(&path.to_string_lossy()),
            (_, Value::Paths(paths)) => {
                let texts: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
                array(texts.iter().map(AsRef::as_ref))
            }
        }
    }
}

impl Raw {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Loose(text) => Some(text.trim()),
            Self::Quoted(text) => Some(text),
            _ => None,
        }
    }

    /// Returns what can be a number with or without a unit.
    fn number(&self) -> Option<String> {
        match self {
            Self::Loose(text) | Self::Quoted(text) | Self::Decimal(text) => Some(text.clone()),
            Self::Int(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// Returns the items of a list: an array of strings, or a text with commas or in JSON.
    fn items(&self) -> Option<Vec<String>> {
        match self {
            Self::Array(items) => Some(items.clone()),
            Self::Loose(text) if text.trim().is_empty() => Some(Vec::new()),
            Self::Loose(text) if text.trim_start().starts_with('[') => serde_json::from_str(text).ok(),
            Self::Loose(text) => Some(text.split(',').map(|item| item.trim().to_owned()).collect()),
            _ => None,
        }
    }
}

/// Most digits of a ratio after the point.
const RATIO_DIGITS: usize = 6;

/// Returns a ratio in millionths.
fn read_ratio(text: &str) -> Option<u32> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(rest) || rest.len() > RATIO_DIGITS || whole.len() > RATIO_DIGITS {
        return None;
    }
    let millionths: u32 = format!("{whole}{rest:0<RATIO_DIGITS$}").parse().ok()?;
    (millionths <= 1_000_000).then_some(millionths)
}

fn write_ratio(millionths: u32) -> String {
    let (whole, rest) = (millionths / 1_000_000, millionths % 1_000_000);
    let rest = format!("{rest:06}");
    let rest = rest.trim_end_matches('0');
    format!("{whole}.{}", if rest.is_empty() { "0" } else { rest })
}

/// Writes a text as a TOML basic string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn array<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(quoted).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
