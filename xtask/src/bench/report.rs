//! Measured figures beside their limits: a table for people, JSON for programs.

use std::fs;

use serde_json::{Value, json};

use crate::error::{Doing, Failed};
use crate::root;

/// What a figure has to keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Limit {
    /// It is only told.
    None,
    /// It is at most this.
    AtMost(f64),
    /// It is at least this.
    AtLeast(f64),
}

/// One measured figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    limit: Limit,
}

impl Row {
    /// Returns a figure that is only told.
    pub(super) fn told(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, limit: Limit::None }
    }

    /// Returns a figure that must not be larger.
    pub(super) fn at_most(what: impl Into<String>, value: f64, unit: &'static str, limit: f64) -> Self {
        Self { what: what.into(), value, unit, limit: Limit::AtMost(limit) }
    }

    /// Returns a figure that must not be smaller.
    pub(super) fn at_least(what: impl Into<String>, value: f64, unit: &'static str, limit: f64) -> Self {
        Self { what: what.into(), value, unit, limit: Limit::AtLeast(limit) }
    }

    /// Returns the word of the table: none where there is no limit.
    fn verdict(&self) -> Option<bool> {
        match self.limit {
            Limit::None => None,
            Limit::AtMost(limit) => Some(self.value <= limit),
            Limit::AtLeast(limit) => Some(self.value >= limit),
        }
    }

    fn line(&self) -> String {
        let limit = match self.limit {
            Limit::None => String::new(),
            Limit::AtMost(limit) => format!("≤ {}", number(limit)),
            Limit::AtLeast(limit) => format!("≥ {}", number(limit)),
        };
        let verdict = match self.verdict() {
            None => "",
            Some(true) => "kept",
            Some(false) => "MISSED",
        };
        format!("| {} | {} {} | {limit} | {verdict} |", self.what, number(self.value), self.unit)
    }

    fn json(&self) -> Value {
        let limit = match self.limit {
            Limit::None => Value::Null,
            Limit::AtMost(limit) => json!({"at_most": limit}),
            Limit::AtLeast(limit) => json!({"at_least": limit}),
        };
        json!({"what": self.what, "value": self.value, "unit": self.unit, "limit": limit, "kept": self.verdict()})
    }
}

/// Returns bytes as megabytes.
#[expect(clippy::cast_precision_loss, reason = "sizes of files and memory fit a double")]
pub(super) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Returns a number with as many digits as one wants to read.
fn number(value: f64) -> String {
    match value.abs() {
        small if small < 10.0 => format!("{value:.2}"),
        middle if middle < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// All figures of one run.
pub(super) struct Report {
    machine: Value,
    rows: Vec<Row>,
}

impl Report {
    /// Returns an empty report of that machine.
    pub(super) fn new(machine: Value) -> Self {
        Self { machine, rows: Vec::new() }
    }

    /// Adds the rows of one figure, and writes them to `target/bench`.
    pub(super) fn add(&mut self, figure: &str, rows: Vec<Row>) -> Result<(), Failed> {
        for row in &rows {
            println!("{}", row.line());
        }
        let folder = root::target().join("bench");
        fs::create_dir_all(&folder).doing(|| format!("cannot create {}", folder.display()))?;
        let json =
            json!({"figure": figure, "machine": self.machine, "rows": rows.iter().map(Row::json).collect::<Vec<_>>()});
        fs::write(folder.join(format!("{figure}.json")), serde_json::to_string_pretty(&json)?)?;
        self.rows.extend(rows);
        Ok(())
    }

    /// Prints the table.
    pub(super) fn print(&self) {
        println!("\n{:#}\n", self.machine);
        println!("| what | measured | limit | |\n| --- | --- | --- | --- |");
        for row in &self.rows {
            println!("{}", row.line());
        }
    }

    /// Returns how many figures missed their limit.
    pub(super) fn missed(&self) -> usize {
        self.rows.iter().filter(|row| row.verdict() == Some(false)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_beyond_its_limit_is_missed() {
        let mut report = Report::new(Value::Null);
        report.rows = vec![
            Row::told("load", 9.0, ""),
            Row::at_most("p50", 1.5, "ms", 2.0),
            Row::at_most("p99", 15.5, "ms", 15.0),
            Row::at_least("rate", 399.0, "a second", 400.0),
        ];
        assert_eq!(report.missed(), 2);
        assert_eq!(report.rows[2].line(), "| p99 | 15.5 ms | ≤ 15.0 | MISSED |");
    }
}
