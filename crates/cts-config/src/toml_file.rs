//! A TOML file as a list of keys and values with their positions; every syntax fault at once.
//!
//! The parser goes on after a fault, so the rest of the file is checked as well. Messages never repeat the file's text:
//! a secret that lost its quotes is not printed.

use toml_edit::{Document, Item, Key, Table, Value};

use crate::value::Raw;

/// A line and a column, both from 1.
pub(crate) type Position = (usize, usize);

/// One key at the top of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) at: Position,
    /// Where the value stands.
    pub(crate) value_at: Position,
    /// The value.
    pub(crate) raw: Raw,
    /// The keys of a table, so that a fault can say where they belong.
    pub(crate) inner_keys: Vec<String>,
}

/// A fault of the syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxFault {
    /// Where it is.
    pub(crate) at: Position,
    /// What was expected.
    pub(crate) message: String,
}

/// Most syntax faults that are looked for in one file.
const SYNTAX_FAULTS_MAX: usize = 50;

/// Returns the keys in the order of the file, and every fault of its syntax.
pub(crate) fn parse(text: &str) -> (Vec<Entry>, Vec<SyntaxFault>) {
    let mut faults: Vec<SyntaxFault> = Vec::new();
    let mut rest = text.to_owned();
    loop {
        let error = match Document::parse(rest.as_str()) {
            Ok(document) => {
                let mut entries = entries(&rest, document.as_table());
                entries.sort_by_key(|entry| entry.at);
                faults.sort_by_key(|fault| fault.at);
                return (entries, faults);
            }
            Err(error) => error,
        };
        // The parser stops at the first fault, so the line that has it is taken out and the rest is read again.
        let offset = error.span().map_or(0, |span| span.start);
        let mut at = position(&rest, offset);
        if rest.split('\n').nth(at.0 - 1).is_none_or(|line| line.trim().is_empty()) {
            // Something was not closed before the end, and what is there to take out stands further up.
            at = position(&rest, rest.get(..offset).unwrap_or(&rest).trim_end().len());
        }
        let message = error.message().lines().next().unwrap_or("not TOML").to_owned();
        let blanked = without_line(&rest, at.0);
        faults.push(SyntaxFault { at, message });
        if blanked == rest || faults.len() == SYNTAX_FAULTS_MAX {
            faults.sort_by_key(|fault| fault.at);
            return (Vec::new(), faults);
        }
        rest = blanked;
    }
}

/// Returns the text with this line, counted from 1, empty.
fn without_line(text: &str, line: usize) -> String {
    let lines: Vec<&str> =
        text.split('\n').enumerate().map(|(at, content)| if at + 1 == line { "" } else { content }).collect();
    lines.join("\n")
}

fn entries(text: &str, table: &Table) -> Vec<Entry> {
    let read = |(name, item): (&str, &Item)| {
        let key_start = table.key(name).and_then(Key::span).map_or(0, |span| span.start);
        let value_start = item.span().map_or(key_start, |span| span.start);
        let inner = item.as_table_like().into_iter().flat_map(|table| table.iter().map(|(name, _)| name.to_owned()));
        Entry {
            key: name.to_owned(),
            at: position(text, key_start),
            value_at: position(text, value_start),
            raw: raw(item),
            inner_keys: inner.collect(),
        }
    };
    table.iter().map(read).collect()
}

fn raw(item: &Item) -> Raw {
    let Item::Value(value) = item else { return Raw::Other("a table") };
    match value {
        Value::String(text) => Raw::Quoted(text.value().clone()),
        Value::Boolean(value) => Raw::Bool(*value.value()),
        Value::Integer(number) => Raw::Int(*number.value()),
        Value::Float(number) if number.value().is_finite() => Raw::Decimal(number.value().to_string()),
        Value::Float(_) => Raw::Other("no finite number"),
        Value::Datetime(_) => Raw::Other("a date"),
        Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            texts.map_or(Raw::Other("an array with something other than strings"), Raw::Array)
        }
        Value::InlineTable(_) => Raw::Other("a table"),
    }
}

/// Returns line and column of a byte offset; the column counts characters.
fn position(text: &str, offset: usize) -> Position {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &Expect) {
        let (entries, faults) = parse(text);
        let mut lines = Vec::new();
        for Entry { key, at, value_at, raw, .. } in entries {
            lines.push(format!("{}:{} {key} {}:{} {raw:?}", at.0, at.1, value_at.0, value_at.1));
        }
        for SyntaxFault { at, message } in faults {
            lines.push(format!("{}:{} fault: {message}", at.0, at.1));
        }
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn keys_and_values_have_their_positions() {
        check(
            "# first\nport = 8080\n  host=\"ü\" \nlist = [\n 'a',\n]\nhex = 0x1F\nratio = 1_0.5\n[http]\nx = 1\n",
            &expect![[r#"
                2:1 port 2:8 Int(8080)
                3:3 host 3:8 Quoted("ü")
                4:1 list 4:8 Array(["a"])
                7:1 hex 7:7 Int(31)
                8:1 ratio 8:9 Decimal("10.5")
                9:2 http 9:1 Other("a table")"#]],
        );
    }

    #[test]
    fn every_syntax_fault_is_found_and_the_rest_is_still_read() {
        check(
            "port 8080\nhost = hunter2\ndebug = true\ndebug = false\nlog = \"open\nbig = 99999999999999999999\na = 1 2\n[x\nb = 1\nc = '\'\'\n\n\n",
            &expect![[r#"
                3:1 debug 3:9 Bool(true)
                9:1 b 9:5 Int(1)
                1:6 fault: key with no value, expected `=`
                2:8 fault: string values must be quoted, expected literal string
                4:1 fault: duplicate key
                5:12 fault: invalid basic string, expected `"`
                6:7 fault: integer number overflowed
                7:5 fault: string values must be quoted, expected literal string
                8:3 fault: unclosed table, expected `]`
                10:8 fault: invalid multi-line literal string, expected `'`"#]],
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,80}", toml in "([a-z]{1,3}|[=\\[\\]{}\"'\n#.,0-9 ]){0,40}") {
            let _ = parse(&text);
            let _ = parse(&toml);
        }
    }
}
