//! One table of a manifest: its keys are read by their shapes, and every fault is kept with its place.
//!
//! Reading goes on after a fault, so that a person sees all of them at once. A key that has a fault reads as if it were
//! not there.

use std::time::Duration;

use cts_model::nearest::did_you_mean;

use super::keys::{Key, MANIFEST, Shape};
use super::tree::{Entry, Node, Span, Value};
use super::{ManifestFault, units};

/// Most faults of one manifest that are told.
pub(super) const FAULTS_MAX: usize = 100;

/// Every fault of one text so far.
pub(super) struct Faults<'t> {
    text: &'t str,
    found: Vec<ManifestFault>,
}

impl<'t> Faults<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, found: Vec::new() }
    }

    /// Adds a fault at some bytes of the text.
    pub(super) fn add(&mut self, span: &Span, message: impl Into<String>) {
        if self.found.len() < FAULTS_MAX {
            self.found.push(ManifestFault::at(self.text, span, message.into()));
        }
    }

    /// Adds a fault at some bytes inside a text value.
    pub(super) fn add_inside(&mut self, node: &Node, value: &str, offset: usize, message: impl Into<String>) {
        let raw = self.text.get(node.span.clone()).unwrap_or_default();
        // Without escapes the value stands in the text as it is, between quotes.
        let inside = raw.find(value).filter(|_| raw.len() == value.len() + 2);
        let span = match inside {
            Some(start) => {
                let start = node.span.start + start + offset;
                start..start + 1
            }
            None => node.span.clone(),
        };
        self.add(&span, message);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Returns the faults in the order of the text.
    pub(super) fn into_sorted(mut self) -> Vec<ManifestFault> {
        self.found.sort_by_key(|fault| (fault.line, fault.column));
        self.found
    }
}

/// One table.
pub(super) struct Section<'n> {
    keys: &'static [Key],
    entries: &'n [Entry],
}

impl<'n> Section<'n> {
    /// Looks at a table: unknown keys and missing ones are faults. `name` is for messages: `[limits]`.
    pub(super) fn of(keys: &'static [Key], name: &str, node: &'n Node, faults: &mut Faults<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            faults.add(&node.span, format!("{name} is {}, not a table", node.kind()));
            return None;
        };
        for entry in entries {
            if !keys.iter().any(|key| key.name == entry.key) {
                faults.add(&entry.key_span, unknown(&entry.key, keys, name));
            }
        }
        let section = Self { keys, entries };
        for key in keys.iter().filter(|key| key.required) {
            if section.get(key.name).is_none() {
                faults.add(&node.span, format!("{name} needs the key {}", key.name));
            }
        }
        Some(section)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        debug_assert!(self.keys.iter().any(|known| known.name == key), "{key} is one of the keys");
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    fn shape(&self, key: &str) -> Option<Shape> {
        self.keys.iter().find(|known| known.name == key).map(|known| known.shape)
    }

    /// Returns the text of a key, checked by its shape.
    pub(super) fn text(&self, key: &str, faults: &mut Faults<'_>) -> Option<&'n str> {
        let node = self.get(key)?;
        let Value::Text(text) = &node.value else {
            faults.add(&node.span, format!("{key} is {}, not a text", node.kind()));
            return None;
        };
        match self.shape(key) {
            Some(Shape::Text(_)) if text.trim().is_empty() => {
                faults.add(&node.span, format!("{key} is empty"));
                None
            }
            Some(Shape::Text(most)) if text.chars().count() > most => {
                faults.add(&node.span, format!("{key} has more than {most} characters"));
                None
            }
            Some(Shape::Word(pattern, form)) if !matches(pattern, text) => {
                let shown: String = text.chars().take(64).collect();
                faults.add(&node.span, format!("{key} is {shown:?}, not {form}"));
                None
            }
            Some(Shape::Choice(words)) if !words.contains(&text.as_str()) => {
                let shown: String = text.chars().take(64).collect();
                let near = did_you_mean(&shown, words.iter().copied());
                faults.add(&node.span, format!("{key} is {shown:?}, not one of {}{near}", words.join(", ")));
                None
            }
            _ => Some(text),
        }
    }

    pub(super) fn bool(&self, key: &str, faults: &mut Faults<'_>) -> Option<bool> {
        let node = self.get(key)?;
        match node.value {
            Value::Bool(yes) => Some(yes),
            _ => {
                faults.add(&node.span, format!("{key} is {}, not true or false", node.kind()));
                None
            }
        }
    }

    pub(super) fn count(&self, key: &str, faults: &mut Faults<'_>) -> Option<u32> {
        let Some(Shape::Count(least, most)) = self.shape(key) else { return None };
        let node = self.get(key)?;
        whole(key, node, least, most, faults).and_then(|number| u32::try_from(number).ok())
    }

    pub(super) fn counts(&self, key: &str, faults: &mut Faults<'_>) -> Option<Vec<i32>> {
        let Some(Shape::Counts(least, most)) = self.shape(key) else { return None };
        let node = self.get(key)?;
        let Value::List(items) = &node.value else {
            faults.add(&node.span, format!("{key} is {}, not a list", node.kind()));
            return None;
        };
        if items.is_empty() {
            faults.add(&node.span, format!("{key} is empty"));
            return None;
        }
        let numbers = items.iter().map(|item| whole(key, item, least, most, faults));
        numbers
            .map(|number| number.and_then(|number| i32::try_from(number).ok()))
            .collect::<Vec<_>>()
            .into_iter()
            .collect()
    }

    pub(super) fn number(&self, key: &str, faults: &mut Faults<'_>) -> Option<f64> {
        let node = self.get(key)?;
        match node.value {
            #[expect(
                clippy::cast_precision_loss,
                reason = "bounds of parameters are floats; JSON readers round the same"
            )]
            Value::Int(number) => Some(number as f64),
            Value::Float(number) if number.is_finite() => Some(number),
            Value::Float(_) => {
                faults.add(&node.span, format!("{key} is not a finite number"));
                None
            }
            _ => {
                faults.add(&node.span, format!("{key} is {}, not a number", node.kind()));
                None
            }
        }
    }

    pub(super) fn duration(&self, key: &str, faults: &mut Faults<'_>) -> Option<Duration> {
        let node = self.get(key)?;
        let found = match &node.value {
            Value::Text(text) => units::duration(text),
            #[expect(clippy::cast_precision_loss, reason = "numbers beyond 2^53 are far beyond the longest duration")]
            Value::Int(number) => units::seconds(*number as f64),
            Value::Float(number) => units::seconds(*number),
            _ => None,
        };
        match found {
            Some(duration) if !duration.is_zero() => Some(duration),
            Some(_) => {
                faults.add(&node.span, format!("{key} is zero; give {}", units::DURATION_FORM));
                None
            }
            None => {
                let most = units::DURATION_MAX.as_secs() / 86_400;
                faults.add(&node.span, format!("{key} is not {}, at most {most} days", units::DURATION_FORM));
                None
            }
        }
    }

    pub(super) fn size(&self, key: &str, faults: &mut Faults<'_>) -> Option<u64> {
        let node = self.get(key)?;
        let found = match &node.value {
            Value::Text(text) => units::size(text),
            Value::Int(number) => u64::try_from(*number).ok().filter(|bytes| *bytes <= units::SIZE_MAX),
            _ => None,
        };
        match found {
            Some(0) => {
                faults.add(&node.span, format!("{key} is zero; give {}", units::SIZE_FORM));
                None
            }
            Some(bytes) => Some(bytes),
            None => {
                faults.add(&node.span, format!("{key} is not {}", units::SIZE_FORM));
                None
            }
        }
    }

    /// Returns the texts of a list with their places.
    pub(super) fn texts(&self, key: &str, faults: &mut Faults<'_>) -> Vec<(&'n str, &'n Node)> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            faults.add(&node.span, format!("{key} is {}, not a list of texts", node.kind()));
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(text) if text.is_empty() => faults.add(&item.span, format!("{key} holds an empty text")),
                Value::Text(text) => texts.push((text.as_str(), item)),
                _ => faults.add(&item.span, format!("{key} holds {}, not a text", item.kind())),
            }
        }
        texts
    }

    /// Returns the tables of a list.
    pub(super) fn tables(&self, key: &str, faults: &mut Faults<'_>) -> &'n [Node] {
        match self.get(key) {
            None => &[],
            Some(Node { value: Value::List(items), .. }) => items,
            Some(node) => {
                faults.add(&node.span, format!("{key} is {}; each of them is a table [[{key}]]", node.kind()));
                &[]
            }
        }
    }

    /// Returns the entries of a table.
    pub(super) fn entries(&self, key: &str, faults: &mut Faults<'_>) -> &'n [Entry] {
        match self.get(key) {
            None => &[],
            Some(Node { value: Value::Table(entries), .. }) => entries,
            Some(node) => {
                faults.add(&node.span, format!("{key} is {}, not a table", node.kind()));
                &[]
            }
        }
    }
}

fn whole(key: &str, node: &Node, least: i64, most: i64, faults: &mut Faults<'_>) -> Option<i64> {
    match node.value {
        Value::Int(number) if (least..=most).contains(&number) => Some(number),
        Value::Int(number) => {
            faults.add(&node.span, format!("{key} is {number}; allowed is {least} to {most}"));
            None
        }
        _ => {
            faults.add(&node.span, format!("{key} is {}, not a whole number", node.kind()));
            None
        }
    }
}

/// Returns whether a whole text has the form of one of our own patterns.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    regex_lite::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
}

fn unknown(name: &str, keys: &[Key], table: &str) -> String {
    let name: String = name.chars().take(64).collect();
    let near = did_you_mean(&name, keys.iter().map(|key| key.name));
    // In TOML a key after the first header belongs to that table, which is easily forgotten.
    let belongs_to_top = near.is_empty() && MANIFEST.iter().any(|key| key.name == name);
    if belongs_to_top {
        format!("unknown key {name} in {table}; it belongs to the top of the file, above the first [table]")
    } else {
        format!("unknown key {name} in {table}{near}")
    }
}
