//! What a child is told and the lines that it says: what a tool can print beside plain text.
//!
//! Any script can print it. A line that begins with `::cts ` and goes on with one JSON object is a report:
//! `{"progress": 12.5}` or `{"progress": {"percent": …, "message": …, "current": …, "total": …, "unit": …}}`,
//! `{"log": {"level": "warning", "message": "…"}}`, `{"artifact": {"path": "out.csv", "media_type": "text/csv"}}`,
//! `{"error": {"message": "…", "hint": "…"}}`.
//! Every other line is text: a leading level word (`ERROR: …`, `[warn] …`) sets its level, otherwise it is INFO.
//! A report that cannot be understood is a text line like any other, so nothing is lost.

use serde_json::{Value, json};

use crate::log::Level;
use crate::run::Progress;

/// What stands at the beginning of a report.
pub const PREFIX: &str = "::cts ";

/// The argument that turns the binary into a native tool; the tool's id follows.
pub const TOOL_ARGUMENT: &str = "__tool";

/// The variable that names the file which tells a native tool what to do: a JSON object
/// `{"params": {…}, "inputs": [{"path": "…", "name": "…"}], "out_dir": "…"}`. A parameter of the type `file` is a list of
/// objects like those in `inputs`.
pub const PARAMS_VARIABLE: &str = "CTS_PARAMS";

/// Longest message of a progress report, in characters; the rest is cut.
pub const PROGRESS_MESSAGE_MAX: usize = 200;

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub enum ChildLine {
    /// How far the tool is.
    Progress(Progress),
    /// A line of the log with its level.
    Log {
        /// How grave.
        level: Level,
        /// The text.
        message: String,
    },
    /// A file is finished and can be shown early.
    Artifact {
        /// Relative to the run's directory.
        path: String,
        /// Media type, where the tool tells it.
        media_type: Option<String>,
    },
    /// Why the tool is about to fail, in its own words.
    Error {
        /// One sentence for people.
        message: String,
        /// What would mend it.
        hint: Option<String>,
    },
}

/// Returns what a line of standard output says.
#[must_use]
pub fn parse(line: &str) -> ChildLine {
    if let Some(report) = line.strip_prefix(PREFIX).and_then(parse_report) {
        return report;
    }
    text(line)
}

/// Returns a text line with the level of its leading word, if it has one.
#[must_use]
pub fn text(line: &str) -> ChildLine {
    ChildLine::Log { level: leading_level(line).unwrap_or(Level::Info), message: line.to_owned() }
}

/// Returns the level of a leading level word: at the very beginning, alone, in brackets, or before a colon.
fn leading_level(line: &str) -> Option<Level> {
    let line = line.trim_start();
    let (bracketed, rest) = match line.strip_prefix('[') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    let level = Level::from_word(word)?;
    let after = after.chars().next();
    let is_level = if bracketed {
        after == Some(']')
    } else {
        // "Error: x" and "ERROR x" are levels; "error handling is fine" and "Info desk" are not.
        matches!(after, Some(':'))
            || (word.chars().all(|c| c.is_ascii_uppercase()) && matches!(after, None | Some(' ' | '\t' | '[')))
    };
    is_level.then_some(level)
}

fn parse_report(json: &str) -> Option<ChildLine> {
    let value: Value = serde_json::from_str(json.trim()).ok()?;
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let (kind, body) = object.iter().next()?;
    let field = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    match kind.as_str() {
        "progress" => parse_progress(body).map(ChildLine::Progress),
        "log" => {
            let message = body.as_str().map(str::to_owned).or_else(|| field("message"))?;
            let level = body.get("level").and_then(Value::as_str).map_or(Some(Level::Info), Level::from_word)?;
            Some(ChildLine::Log { level, message })
        }
        "artifact" => {
            let path = body.as_str().map(str::to_owned).or_else(|| field("path"))?;
            Some(ChildLine::Artifact { path, media_type: field("media_type") })
        }
        "error" => {
            let message = body.as_str().map(str::to_owned).or_else(|| field("message"))?;
            Some(ChildLine::Error { message, hint: field("hint") })
        }
        _ => None,
    }
}

fn parse_progress(body: &Value) -> Option<Progress> {
    let clamp = |percent: f64| percent.clamp(0.0, 100.0);
    if let Some(percent) = body.as_f64() {
        return Some(Progress { percent: Some(clamp(percent)), ..Progress::default() });
    }
    let object = body.as_object()?;
    let number = |name: &str| object.get(name).and_then(Value::as_f64);
    let text = |name: &str, most: usize| {
        object.get(name).and_then(Value::as_str).map(|text| text.chars().take(most).collect::<String>())
    };
    let (current, total) = (number("current"), number("total"));
    let from_parts = || Some(current? / total.filter(|total| *total > 0.0)? * 100.0);
    let percent = number("percent").or_else(from_parts).map(clamp);
    Some(Progress { percent, message: text("message", PROGRESS_MESSAGE_MAX), current, total, unit: text("unit", 32) })
}

impl ChildLine {
    /// Returns the line that a tool prints to say this; it has no line end.
    #[must_use]
    pub fn to_line(&self) -> String {
        let report = match self {
            Self::Progress(p) => {
                let mut body = serde_json::Map::new();
                let mut put = |name: &str, value: Option<Value>| {
                    if let Some(value) = value {
                        body.insert(name.to_owned(), value);
                    }
                };
                put("percent", p.percent.map(Value::from));
                put("message", p.message.clone().map(Value::from));
                put("current", p.current.map(Value::from));
                put("total", p.total.map(Value::from));
                put("unit", p.unit.clone().map(Value::from));
                json!({ "progress": body })
            }
            Self::Log { level, message } => json!({"log": {"level": level.as_str(), "message": message}}),
            Self::Artifact { path, media_type: Some(media_type) } => {
                json!({"artifact": {"path": path, "media_type": media_type}})
            }
            Self::Artifact { path, media_type: None } => json!({"artifact": {"path": path}}),
            Self::Error { message, hint: Some(hint) } => json!({"error": {"message": message, "hint": hint}}),
            Self::Error { message, hint: None } => json!({"error": {"message": message}}),
        };
        format!("{PREFIX}{report}")
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(line: &str, expected: Expect) {
        expected.assert_eq(&format!("{:?}", parse(line)));
    }

    #[test]
    fn reports_are_understood() {
        check(
            r#"::cts {"progress": 12.5}"#,
            expect![
                "Progress(Progress { percent: Some(12.5), message: None, current: None, total: None, unit: None })"
            ],
        );
        check(
            r#"::cts {"progress": {"current": 5, "total": 20, "unit": "bytes", "message": "reading"}}"#,
            expect![[
                r#"Progress(Progress { percent: Some(25.0), message: Some("reading"), current: Some(5.0), total: Some(20.0), unit: Some("bytes") })"#
            ]],
        );
        check(
            r#"::cts {"log": {"level": "warn", "message": "x"}}"#,
            expect![[r#"Log { level: Warning, message: "x" }"#]],
        );
        check(r#"::cts {"artifact": "a.csv"}"#, expect![[r#"Artifact { path: "a.csv", media_type: None }"#]]);
    }

    #[test]
    fn what_is_not_understood_stays_text() {
        for line in ["::cts", "::cts {}", "::cts [1]", "::cts {\"progress\": \"x\"}", "::cts {\"a\":1}", "::cts {bad"] {
            assert_eq!(parse(line), ChildLine::Log { level: Level::Info, message: line.to_owned() });
        }
    }

    #[test]
    fn a_leading_level_word_sets_the_level() {
        for (line, level) in [
            ("ERROR it broke", Level::Error),
            ("error: it broke", Level::Error),
            ("[warn] careful", Level::Warning),
            ("WARNING", Level::Warning),
            ("DEBUG: x", Level::Debug),
            ("error handling works", Level::Info),
            ("Information desk", Level::Info),
            ("plain", Level::Info),
            ("", Level::Info),
        ] {
            let ChildLine::Log { level: found, message } = parse(line) else { panic!("{line}") };
            assert_eq!((found, message.as_str()), (level, line));
        }
    }

    proptest! {
        #[test]
        fn a_report_is_read_back(message in "\\PC{0,40}", path in "[a-z/]{1,20}", percent in 0.0_f64..100.0) {
            for line in [
                ChildLine::Log { level: Level::Error, message: message.clone() },
                ChildLine::Artifact { path, media_type: Some("text/csv".into()) },
                ChildLine::Error { message: message.clone(), hint: Some(message.clone()) },
                ChildLine::Progress(Progress { percent: Some(percent), message: Some(message), ..Progress::default() }),
            ] {
                prop_assert_eq!(parse(&line.to_line()), line);
            }
        }
    }
}
