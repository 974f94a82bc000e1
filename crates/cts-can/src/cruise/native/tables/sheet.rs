//! Rows of cells, as CSV or as JSON.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::TableFormat;
use crate::python::cell;

/// The columns that tell a bit, in a list of columns.
pub(super) const PLACE: &str = "place";

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    /// There is nothing.
    Empty,
    Text(Cow<'a, str>),
    Count(u64),
    /// A number, with so many decimals.
    Number(f64, usize),
    Bool(bool),
}

impl<'a> Cell<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Self::Empty, Self::text)
    }

    pub(super) fn number(number: Option<f64>, decimals: usize) -> Self {
        number.map_or(Self::Empty, |number| Self::Number(number, decimals))
    }

    pub(super) fn truth(is_true: Option<bool>) -> Self {
        is_true.map_or(Self::Empty, Self::Bool)
    }

    fn push_csv(&self, line: &mut String) {
        match self {
            Self::Empty => {}
            Self::Number(number, _) if !number.is_finite() => {}
            Self::Text(text) => line.push_str(&cell(text)),
            _ => self.push_plain(line),
        }
    }

    fn push_json(&self, line: &mut String) {
        match self {
            Self::Empty => line.push_str("null"),
            Self::Text(text) => push_json_text(line, text),
            _ => self.push_plain(line),
        }
    }

    /// Appends what is written in the same way in both formats.
    fn push_plain(&self, line: &mut String) {
        let _ = match self {
            Self::Count(number) => write!(line, "{number}"),
            Self::Number(number, decimals) if number.is_finite() => push_number(line, *number, *decimals),
            Self::Number(..) => write!(line, "null"),
            Self::Bool(is_true) => write!(line, "{is_true}"),
            Self::Empty | Self::Text(_) => Ok(()),
        };
    }
}

/// Appends a number; one that is shown as 0 has no sign.
fn push_number(line: &mut String, number: f64, decimals: usize) -> std::fmt::Result {
    let at = line.len();
    write!(line, "{number:.decimals$}")?;
    if line[at..].starts_with('-') && line[at + 1..].bytes().all(|byte| byte == b'0' || byte == b'.') {
        line.remove(at);
    }
    Ok(())
}

/// Appends a text in quotes, as JSON wants it.
fn push_json_text(line: &mut String, text: &str) {
    line.push('"');
    for letter in text.chars() {
        match letter {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            letter if letter < ' ' => {
                let _ = write!(line, "\\u{:04x}", u32::from(letter));
            }
            letter => line.push(letter),
        }
    }
    line.push('"');
}

/// Writes rows.
pub(super) struct Sheet<'a> {
    columns: Vec<&'static str>,
    format: TableFormat,
    out: &'a mut dyn Write,
    line: String,
    rows: u64,
}

impl<'a> Sheet<'a> {
    pub(super) fn begin(columns: Vec<&'static str>, format: TableFormat, out: &'a mut dyn Write) -> io::Result<Self> {
        match format {
            TableFormat::Csv => write!(out, "{}\r\n", columns.join(","))?,
            TableFormat::Json => out.write_all(b"[")?,
        }
        Ok(Self { columns, format, out, line: String::new(), rows: 0 })
    }

    pub(super) fn row<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) -> io::Result<()> {
        self.line.clear();
        let mut count = 0;
        match self.format {
            TableFormat::Csv => {
                for cell in cells {
                    if count > 0 {
                        self.line.push(',');
                    }
                    cell.push_csv(&mut self.line);
                    count += 1;
                }
                self.line.push_str("\r\n");
            }
            TableFormat::Json => {
                self.line.push_str(if self.rows > 0 { ",\n  {" } else { "\n  {" });
                for (cell, column) in cells.into_iter().zip(&self.columns) {
                    let comma = if count > 0 { ", " } else { "" };
                    let _ = write!(self.line, "{comma}\"{column}\": ");
                    cell.push_json(&mut self.line);
                    count += 1;
                }
                self.line.push('}');
            }
        }
        debug_assert_eq!(count, self.columns.len(), "a row has a cell for each of {:?}", self.columns);
        self.rows += 1;
        self.out.write_all(self.line.as_bytes())
    }

    pub(super) fn end(self) -> io::Result<u64> {
        if self.format == TableFormat::Json {
            self.out.write_all(if self.rows > 0 { b"\n]\n" } else { b"]\n" })?;
        }
        Ok(self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: TableFormat) -> String {
        let mut out = Vec::new();
        let mut sheet = Sheet::begin(vec!["a", "b", "c", "d"], format, &mut out).unwrap();
        sheet.row([Cell::text("x,\"y\"\n\u{1}ä"), Cell::Number(-0.0004, 3), Cell::Bool(true), Cell::Empty]).unwrap();
        sheet.row([Cell::Empty, Cell::Number(f64::NAN, 1), Cell::Count(7), Cell::Number(-1.25, 1)]).unwrap();
        assert_eq!(sheet.end().unwrap(), 2);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn both_formats_hold_the_same_cells() {
        assert_eq!(written(TableFormat::Csv), "a,b,c,d\r\n\"x,\"\"y\"\"\n\u{1}ä\",0.000,true,\r\n,,7,-1.2\r\n");
        let json = written(TableFormat::Json);
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read[0], serde_json::json!({"a": "x,\"y\"\n\u{1}ä", "b": 0.0, "c": true, "d": null}));
        assert_eq!(read[1], serde_json::json!({"a": null, "b": null, "c": 7, "d": -1.2}));
        assert_eq!(json.lines().count(), 4);
    }

    #[test]
    fn an_empty_table_is_a_header_or_an_empty_list() {
        for (format, expected) in [(TableFormat::Csv, "a\r\n"), (TableFormat::Json, "[]\n")] {
            let mut out = Vec::new();
            Sheet::begin(vec!["a"], format, &mut out).unwrap().end().unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
