//! A TOML text as a tree in which every key and value knows its bytes in the text.
//!
//! The shapes in which TOML can write a table (header, inline, dotted) are one shape here. Entries stand in the order of
//! the text. Nothing here knows what a manifest is.

use std::ops::Range;

use serde_json::Value as Json;
use toml_edit::{Document, InlineTable, Item, Table, TomlError, Value as Toml};

/// Bytes in the text.
pub(super) type Span = Range<usize>;

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) span: Span,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Datetime,
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key of a table with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) node: Node,
}

/// Reads a text; a text that is not TOML gives its first fault, because what follows a broken line cannot be trusted.
pub(super) fn read(text: &str) -> Result<Node, (Span, String)> {
    let document = Document::parse(text).map_err(|error: TomlError| {
        // Some messages have a second line with what was expected.
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        (error.span().unwrap_or(0..0), format!("not valid TOML: {message}"))
    })?;
    Ok(Node { value: Value::Table(table(document.as_table())), span: 0..0 })
}

fn in_order(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

fn table(table: &Table) -> Vec<Entry> {
    let entries = table.iter().filter_map(|(name, found)| {
        let key_span = table.key(name).and_then(toml_edit::Key::span).or_else(|| found.span()).unwrap_or(0..0);
        Some(Entry { key: name.to_owned(), node: item(found, &key_span)?, key_span })
    });
    in_order(entries.collect())
}

fn inline_table(table: &InlineTable) -> Vec<Entry> {
    let entries = table.iter().map(|(name, found)| {
        let key_span = table.key(name).and_then(toml_edit::Key::span).or_else(|| found.span()).unwrap_or(0..0);
        Entry { key: name.to_owned(), node: node(found, &key_span), key_span }
    });
    in_order(entries.collect())
}

fn item(item: &Item, key_span: &Span) -> Option<Node> {
    match item {
        Item::None => None,
        Item::Value(value) => Some(node(value, key_span)),
        Item::Table(found) => {
            Some(Node { value: Value::Table(table(found)), span: found.span().unwrap_or_else(|| key_span.clone()) })
        }
        Item::ArrayOfTables(list) => {
            let nodes = list.iter().map(|found| Node {
                value: Value::Table(table(found)),
                span: found.span().unwrap_or_else(|| key_span.clone()),
            });
            Some(Node { value: Value::List(nodes.collect()), span: list.span().unwrap_or_else(|| key_span.clone()) })
        }
    }
}

fn node(value: &Toml, key_span: &Span) -> Node {
    let span = value.span().unwrap_or_else(|| key_span.clone());
    let value = match value {
        Toml::String(text) => Value::Text(text.value().clone()),
        Toml::Integer(number) => Value::Int(*number.value()),
        Toml::Float(number) => Value::Float(*number.value()),
        Toml::Boolean(yes) => Value::Bool(*yes.value()),
        Toml::Datetime(_) => Value::Datetime,
        Toml::Array(list) => Value::List(list.iter().map(|item| node(item, key_span)).collect()),
        Toml::InlineTable(found) => Value::Table(inline_table(found)),
    };
    Node { value, span }
}

impl Node {
    /// Returns what kind of value it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Text(_) => "a text",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Bool(_) => "true or false",
            Value::Datetime => "a date or time",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// Returns the value as JSON; dates and numbers that are not finite have none.
    pub(super) fn json(&self) -> Option<Json> {
        Some(match &self.value {
            Value::Text(text) => Json::from(text.as_str()),
            Value::Int(number) => Json::from(*number),
            Value::Float(number) => Json::Number(serde_json::Number::from_f64(*number)?),
            Value::Bool(yes) => Json::from(*yes),
            Value::Datetime => return None,
            Value::List(items) => Json::Array(items.iter().map(Self::json).collect::<Option<_>>()?),
            Value::Table(entries) => Json::Object(
                entries.iter().map(|entry| Some((entry.key.clone(), entry.node.json()?))).collect::<Option<_>>()?,
            ),
        })
    }
}
