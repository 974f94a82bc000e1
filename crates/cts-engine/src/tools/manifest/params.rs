//! `[params.NAME]` and everything that holds values of parameters: defaults, choices, examples, `[fallback]`.
//!
//! A value in a manifest is held to the same rules as one in a request: the parameter's own spec checks it.

use cts_model::{CheckedParams, JsonMap, ParamKind, ParamSpec, ToolSpec};
use serde_json::Value as Json;

use super::keys::{PARAM, PARAM_NAME};
use super::section::{Faults, Section, matches};
use super::tree::{Entry, Node, Span, Value};

/// Most parameters of one tool.
const PARAMS_MAX: usize = 200;

/// A parameter with the place of its name.
pub(super) struct Param {
    pub(super) spec: ParamSpec,
    pub(super) span: Span,
}

/// Reads `[params]`.
pub(super) fn read(top: &Section<'_>, faults: &mut Faults<'_>) -> Vec<Param> {
    let entries = top.entries("params", faults);
    if entries.len() > PARAMS_MAX {
        faults.add(&entries[PARAMS_MAX].key_span, format!("there are more than {PARAMS_MAX} parameters"));
    }
    entries.iter().take(PARAMS_MAX).filter_map(|entry| read_one(entry, faults)).collect()
}

fn read_one(entry: &Entry, faults: &mut Faults<'_>) -> Option<Param> {
    let name = &entry.key;
    if !matches(PARAM_NAME, name) {
        let shown: String = name.chars().take(64).collect();
        let message = format!("the parameter name {shown:?} is not snake_case: a letter, then letters, digits and _");
        faults.add(&entry.key_span, message);
    }
    let section = Section::of(PARAM, &format!("[params.{name}]"), &entry.node, faults)?;
    let kind = section.text("type", faults).and_then(ParamKind::from_word);
    let items = section.text("items", faults).and_then(ParamKind::from_word);
    let Some(kind) = kind else {
        // The other keys can only be understood with a type. It is there all the same, so that no placeholder is blamed.
        let spec = ParamSpec { required: true, ..ParamSpec::new(name, ParamKind::Str, "") };
        return Some(Param { spec, span: entry.key_span.clone() });
    };
    let mut spec = ParamSpec::new(name, kind, section.text("description", faults).unwrap_or_default());
    spec.required = section.bool("required", faults).unwrap_or(false);
    spec.secret = section.bool("secret", faults).unwrap_or(false);
    spec.unit = section.text("unit", faults).map(str::to_owned);
    read_items(&section, items, &mut spec, faults);
    read_bounds(&section, &mut spec, faults);
    read_pattern(&section, &mut spec, faults);
    read_values(&section, &mut spec, faults);
    check_secret(&section, &spec, faults);
    Some(Param { spec, span: entry.key_span.clone() })
}

fn read_items(section: &Section<'_>, items: Option<ParamKind>, spec: &mut ParamSpec, faults: &mut Faults<'_>) {
    match (spec.kind, items, section.entry("items")) {
        (ParamKind::List, Some(_), _) => spec.items = items,
        (ParamKind::List, None, _) | (_, _, None) => {}
        (_, _, Some(entry)) => faults.add(&entry.key_span, "items is for parameters of the type list"),
    }
}

fn read_bounds(section: &Section<'_>, spec: &mut ParamSpec, faults: &mut Faults<'_>) {
    let has_bounds = matches!(spec.kind, ParamKind::Str | ParamKind::Int | ParamKind::Float | ParamKind::List);
    let is_length = matches!(spec.kind, ParamKind::Str | ParamKind::List);
    for key in ["minimum", "maximum"] {
        let Some(entry) = section.entry(key) else { continue };
        if !has_bounds {
            faults
                .add(&entry.key_span, format!("{key} is for numbers, texts and lists, not for {}", spec.kind.as_str()));
            continue;
        }
        let Some(bound) = section.number(key, faults) else { continue };
        if is_length && (bound < 0.0 || bound.fract() != 0.0) {
            faults.add(&entry.node.span, format!("{key} is a length here: a whole number from 0"));
            continue;
        }
        match key {
            "minimum" => spec.minimum = Some(bound),
            _ => spec.maximum = Some(bound),
        }
    }
    if let (Some(minimum), Some(maximum), Some(node)) = (spec.minimum, spec.maximum, section.get("maximum"))
        && minimum > maximum
    {
        faults.add(&node.span, format!("maximum {maximum} is below minimum {minimum}"));
        spec.maximum = None;
    }
}

fn read_pattern(section: &Section<'_>, spec: &mut ParamSpec, faults: &mut Faults<'_>) {
    let Some(pattern) = section.text("pattern", faults) else { return };
    let Some(entry) = section.entry("pattern") else { return };
    let is_text = spec.kind == ParamKind::Str || spec.items == Some(ParamKind::Str);
    if !is_text {
        faults.add(&entry.key_span, "pattern is for texts and lists of texts");
        return;
    }
    match regex_lite::Regex::new(&format!("^(?:{pattern})$")) {
        Ok(_) => spec.pattern = Some(pattern.to_owned()),
        Err(error) => faults.add(&entry.node.span, format!("pattern is not a regular expression: {error}")),
    }
}

fn read_values(section: &Section<'_>, spec: &mut ParamSpec, faults: &mut Faults<'_>) {
    if let Some(entry) = section.entry("choices") {
        if matches!(spec.kind, ParamKind::Bool | ParamKind::File) {
            faults.add(&entry.key_span, format!("choices are not for {}", spec.kind.as_str()));
        } else {
            // Each choice is one item of a list, so it is checked as one.
            let item = ParamSpec {
                kind: if spec.kind == ParamKind::List { spec.items.unwrap_or(ParamKind::Str) } else { spec.kind },
                items: None,
                minimum: spec.minimum.filter(|_| spec.kind != ParamKind::List),
                maximum: spec.maximum.filter(|_| spec.kind != ParamKind::List),
                ..spec.clone()
            };
            spec.choices = values(section, "choices", &item, faults);
        }
    }
    spec.examples = values(section, "examples", spec, faults);
    if let Some(entry) = section.entry("default") {
        if spec.required {
            faults.add(&entry.key_span, "a required parameter has no default: it is always given");
        }
        spec.default = value(&entry.node, "default", spec, faults);
    }
}

fn check_secret(section: &Section<'_>, spec: &ParamSpec, faults: &mut Faults<'_>) {
    if !spec.secret {
        return;
    }
    if spec.kind != ParamKind::Str
        && let Some(entry) = section.entry("secret")
    {
        faults.add(&entry.key_span, "only a parameter of the type str can be secret");
    }
    for key in ["default", "choices", "examples"] {
        if let Some(entry) = section.entry(key) {
            let message = format!("a secret parameter has no {key}: everybody who may list the tools could read it");
            faults.add(&entry.key_span, message);
        }
    }
}

/// Returns the values of a list that the parameter allows.
fn values(section: &Section<'_>, key: &str, spec: &ParamSpec, faults: &mut Faults<'_>) -> Vec<Json> {
    match section.get(key) {
        None => Vec::new(),
        Some(Node { value: Value::List(items), .. }) if !items.is_empty() => {
            items.iter().filter_map(|item| value(item, key, spec, faults)).collect()
        }
        Some(node) => {
            faults.add(&node.span, format!("{key} is not a list of values"));
            Vec::new()
        }
    }
}

/// Returns a value that the parameter allows, as it would be given in a request.
pub(super) fn value(node: &Node, what: &str, spec: &ParamSpec, faults: &mut Faults<'_>) -> Option<Json> {
    let Some(json) = node.json() else {
        faults.add(&node.span, format!("{what} is neither text, finite number, true or false, list nor table"));
        return None;
    };
    let lone = ParamSpec { required: true, default: None, secret: false, ..spec.clone() };
    let given = JsonMap::from_iter([(spec.name.clone(), json)]);
    match CheckedParams::check(std::slice::from_ref(&lone), &given) {
        Ok(mut checked) => checked.values.remove(&spec.name),
        Err(found) => {
            for fault in found {
                faults.add(&node.span, format!("{what}: {}", fault.message));
            }
            None
        }
    }
}

/// Reads `[fallback]`.
pub(super) fn read_fallback(top: &Section<'_>, spec: &ToolSpec, faults: &mut Faults<'_>) -> Option<JsonMap> {
    let entry = top.entry("fallback")?;
    let entries = top.entries("fallback", faults);
    if entries.is_empty() {
        faults.add(&entry.key_span, "fallback names no parameter");
    }
    let mut fallback = JsonMap::new();
    for entry in entries {
        let Some(param) = spec.param(&entry.key) else {
            let shown: String = entry.key.chars().take(64).collect();
            let near = cts_model::nearest::did_you_mean(&shown, spec.params.iter().map(|param| param.name.as_str()));
            faults.add(&entry.key_span, format!("fallback: no parameter is named {shown}{near}"));
            continue;
        };
        if param.secret {
            faults.add(&entry.key_span, "fallback: a secret parameter stays as it was given");
            continue;
        }
        if let Some(value) = value(&entry.node, "fallback", param, faults) {
            fallback.insert(entry.key.clone(), value);
        }
    }
    Some(fallback)
}
