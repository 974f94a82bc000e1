//! Raw parameter values in; all faults at once, or typed values out.
//!
//! Values are as JSON gives them: a number is a number, a text is a text; nothing is guessed from a text. The command
//! line makes typed values from texts with [`parse_text`], by the same specs. Messages never hold a secret value.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::JsonMap;
use crate::fault::FieldFault;
use crate::input::{InputKind, InputRef};
use crate::secret::Secret;
use crate::tool::{ParamKind, ParamSpec};

/// Parameters that were checked against their specs, defaults filled in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CheckedParams {
    /// Values by name, in the order of the specs, those that are secret left out.
    pub values: JsonMap,
    /// Secret values.
    pub secrets: BTreeMap<String, Secret>,
    /// Every file that a parameter of type `file` names, with the parameter's name.
    pub files: Vec<(String, InputRef)>,
}

impl CheckedParams {
    /// Checks `raw` against `specs`.
    ///
    /// # Errors
    /// Every fault that was found, with pointers below `/params`.
    pub fn check(specs: &[ParamSpec], raw: &JsonMap) -> Result<Self, Vec<FieldFault>> {
        let mut faults: Vec<FieldFault> = raw
            .keys()
            .filter(|name| !specs.iter().any(|spec| spec.name == **name))
            .map(|name| FieldFault::unknown(pointer(name), name, specs.iter().map(|spec| spec.name.as_str())))
            .collect();
        let mut checked = Self::default();
        for spec in specs {
            let at = pointer(&spec.name);
            let value = match raw.get(&spec.name) {
                Some(Value::Null) | None if spec.required => {
                    faults.push(FieldFault::new(at, "missing", format!("parameter {} is required", spec.name)));
                    continue;
                }
                Some(Value::Null) | None => match &spec.default {
                    Some(default) => default.clone(),
                    None => continue,
                },
                Some(value) => value.clone(),
            };
            let before = faults.len();
            let value = check_value(spec, spec.kind, value, &at, &mut faults);
            if faults.len() > before {
                continue;
            }
            collect_files(&spec.name, spec, &value, &mut checked.files);
            if spec.secret {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                checked.secrets.insert(spec.name.clone(), Secret::new(text));
            } else {
                checked.values.insert(spec.name.clone(), value);
            }
        }
        if faults.is_empty() { Ok(checked) } else { Err(faults) }
    }
}

fn pointer(name: &str) -> String {
    let name: String = name.chars().take(64).collect();
    format!("/params/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// What a value of a kind looks like, for messages.
fn describe(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::Str => "a text",
        ParamKind::Int => "a whole number",
        ParamKind::Float => "a number",
        ParamKind::Bool => "true or false",
        ParamKind::List => "a list",
        ParamKind::File => "a file: {\"type\": \"path\" | \"upload\" | \"artifact\", \"value\": …}",
    }
}

fn shown(spec: &ParamSpec, value: &Value) -> String {
    if spec.secret {
        return crate::secret::MASK.to_owned();
    }
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn check_value(spec: &ParamSpec, kind: ParamKind, value: Value, at: &str, faults: &mut Vec<FieldFault>) -> Value {
    let mut fault = |code: &str, message: String| faults.push(FieldFault::new(at, code, message));
    let name = &spec.name;
    match (kind, value) {
        (ParamKind::List, value) => return check_list(spec, value, at, faults),
        (ParamKind::File, value) => match input_ref(&value) {
            Some(_) => return value,
            None => fault("type", format!("{name} is {}, not {}", shown(spec, &value), describe(kind))),
        },
        (ParamKind::Str, Value::String(text)) => {
            check_text(spec, &text, &mut fault);
            let value = Value::String(text);
            check_choice(spec, &value, &mut fault);
            return value;
        }
        (ParamKind::Bool, value @ Value::Bool(_)) => return value,
        (ParamKind::Int, Value::Number(number)) => {
            // 3.0 is a whole number, as JSON Schema has it.
            let whole = number.as_i64().or_else(|| number.as_f64().and_then(whole));
            match whole {
                Some(whole) => {
                    let value = Value::from(whole);
                    check_range(spec, &value, &mut fault);
                    check_choice(spec, &value, &mut fault);
                    return value;
                }
                None => fault("type", format!("{name} is {number}, not a whole number")),
            }
        }
        (ParamKind::Float, value @ Value::Number(_)) => {
            check_range(spec, &value, &mut fault);
            check_choice(spec, &value, &mut fault);
            return value;
        }
        (kind, value) => fault("type", format!("{name} is {}, not {}", shown(spec, &value), describe(kind))),
    }
    Value::Null
}

#[expect(clippy::cast_possible_truncation, reason = "the range was checked: |x| < 2^53")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

fn check_list(spec: &ParamSpec, value: Value, at: &str, faults: &mut Vec<FieldFault>) -> Value {
    // One value stands for a list of one.
    let items = match value {
        Value::Array(items) => items,
        single => vec![single],
    };
    let length_max = length_max(spec, ParamSpec::LIST_LENGTH_MAX);
    if items.len() > length_max {
        let message = format!("{} has {} items, at most {length_max} are allowed", spec.name, items.len());
        faults.push(FieldFault::new(at, "length", message));
        return Value::Null;
    }
    if spec.minimum.is_some_and(|minimum| as_f64(items.len()) < minimum) {
        let message = format!("{} has {} items, too few", spec.name, items.len());
        faults.push(FieldFault::new(at, "length", message));
    }
    let kind = spec.items.unwrap_or(ParamKind::Str);
    // Ranges of a list are about its length; its items have the kind, the pattern and the choices.
    let item_spec = ParamSpec { minimum: None, maximum: None, kind, ..spec.clone() };
    let checked = items.into_iter().enumerate();
    Value::Array(
        checked.map(|(index, item)| check_value(&item_spec, kind, item, &format!("{at}/{index}"), faults)).collect(),
    )
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
fn as_f64(length: usize) -> f64 {
    length as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a negative maximum means none at all")]
fn length_max(spec: &ParamSpec, default: usize) -> usize {
    spec.maximum.map_or(default, |maximum| maximum.max(0.0) as usize)
}

fn check_text(spec: &ParamSpec, text: &str, fault: &mut impl FnMut(&str, String)) {
    let name = &spec.name;
    let length = text.chars().count();
    let most = length_max(spec, ParamSpec::TEXT_LENGTH_MAX);
    if length > most {
        fault("length", format!("{name} has {length} characters, at most {most} are allowed"));
        return;
    }
    if spec.minimum.is_some_and(|minimum| as_f64(length) < minimum) {
        fault("length", format!("{name} has {length} characters, too few"));
    }
    if text.contains('\0') {
        fault("pattern", format!("{name} holds a NUL character"));
    }
    if let Some(pattern) = &spec.pattern {
        match regex_lite::Regex::new(&format!("^(?:{pattern})$")) {
            Ok(regex) if regex.is_match(text) => {}
            _ => {
                let value = shown(spec, &Value::String(text.to_owned()));
                fault("pattern", format!("{name} is {value}, which does not match {pattern}"));
            }
        }
    }
}

fn check_range(spec: &ParamSpec, value: &Value, fault: &mut impl FnMut(&str, String)) {
    let Some(number) = value.as_f64() else { return };
    let unit = spec.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
    let outside = match (spec.minimum, spec.maximum) {
        (Some(minimum), Some(maximum)) if number < minimum || number > maximum => {
            format!("allowed is {minimum} to {maximum}{unit}")
        }
        (Some(minimum), _) if number < minimum => format!("at least {minimum}{unit} is allowed"),
        (_, Some(maximum)) if number > maximum => format!("at most {maximum}{unit} is allowed"),
        _ => return,
    };
    fault("range", format!("{} is {}; {outside}", spec.name, shown(spec, value)));
}

fn check_choice(spec: &ParamSpec, value: &Value, fault: &mut impl FnMut(&str, String)) {
    let same = |choice: &Value| match (choice.as_f64(), value.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right).is_eq(),
        _ => choice == value,
    };
    if spec.choices.is_empty() || spec.choices.iter().any(same) {
        return;
    }
    let choices: Vec<String> = spec.choices.iter().map(text_of).collect();
    let near = match value.as_str() {
        Some(text) if !spec.secret => crate::nearest::did_you_mean(text, choices.iter().map(String::as_str)),
        _ => String::new(),
    };
    fault("choice", format!("{} is {}, not one of {}{near}", spec.name, shown(spec, value), choices.join(", ")));
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the input that a parameter's value names: an object with `type` and `value` and nothing else.
#[must_use]
pub fn input_ref(value: &Value) -> Option<InputRef> {
    let object = value.as_object()?;
    let kind = InputKind::from_word(object.get("type")?.as_str()?)?;
    let value = object.get("value")?.as_str()?.to_owned();
    (object.len() == 2 && !value.is_empty() && !value.contains('\0')).then_some(InputRef { kind, value })
}

fn collect_files(name: &str, spec: &ParamSpec, value: &Value, files: &mut Vec<(String, InputRef)>) {
    match (spec.kind, spec.items, value) {
        (ParamKind::File, _, value) => files.extend(input_ref(value).map(|input| (name.to_owned(), input))),
        (ParamKind::List, Some(ParamKind::File), Value::Array(items)) => {
            files.extend(items.iter().filter_map(input_ref).map(|input| (name.to_owned(), input)));
        }
        _ => {}
    }
}

/// Makes a typed value from a text of the command line, by the parameter's own spec.
///
/// # Errors
/// A sentence that says what the parameter takes.
pub fn parse_text(spec: &ParamSpec, text: &str) -> Result<Value, String> {
    parse_kind(spec, spec.kind, text)
}

fn parse_kind(spec: &ParamSpec, kind: ParamKind, text: &str) -> Result<Value, String> {
    let refuse = || format!("{} is {}, not {}", spec.name, shown(spec, &Value::from(text)), describe(kind));
    match kind {
        ParamKind::Str => Ok(Value::from(text)),
        ParamKind::Int => text.trim().parse::<i64>().map(Value::from).map_err(|_| refuse()),
        ParamKind::Float => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::from(number)),
            _ => Err(refuse()),
        },
        ParamKind::Bool => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(Value::Bool(true)),
            "false" | "no" | "off" | "0" => Ok(Value::Bool(false)),
            _ => Err(refuse()),
        },
        ParamKind::List if text.trim_start().starts_with('[') => match serde_json::from_str(text) {
            Ok(value @ Value::Array(_)) => Ok(value),
            _ => Err(refuse()),
        },
        ParamKind::List => {
            let kind = spec.items.unwrap_or(ParamKind::Str);
            let items = text.split(',').filter(|item| !item.trim().is_empty());
            items.map(|item| parse_kind(spec, kind, item.trim())).collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        ParamKind::File => Ok(serde_json::json!({"type": "path", "value": text})),
    }
}

#[cfg(test)]
mod tests;
