//! Reads a request body by hand, so that every fault is found at once, with a JSON pointer and the nearest known name.
//!
//! A body is first JSON, then an object whose fields are asked for one by one; what nobody asked for is unknown.

use std::collections::BTreeMap;

use cts_model::{FieldFault, JsonMap};
use serde_json::Value;

use crate::run::{Input, InputType};

/// A type that can be read from the body of a request.
pub trait FromBody: Sized {
    /// Reads the fields of a JSON object; what is wrong goes into `fields`.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;

    /// Reads a body.
    ///
    /// # Errors
    /// Every fault that was found.
    fn from_body(body: &Value) -> Result<Self, Vec<FieldFault>> {
        let Some(object) = body.as_object() else {
            return Err(vec![FieldFault::new("", "type", format!("the body is {}, not an object", kind(body)))]);
        };
        let mut faults = Vec::new();
        let mut fields = Fields { object, at: String::new(), asked: Vec::new(), faults: &mut faults };
        let value = Self::read(&mut fields);
        fields.finish();
        match value {
            Some(value) if faults.is_empty() => Ok(value),
            _ => Err(faults),
        }
    }
}

/// The fields of one JSON object, while they are read.
#[derive(Debug)]
pub struct Fields<'a> {
    object: &'a JsonMap,
    at: String,
    asked: Vec<&'static str>,
    faults: &'a mut Vec<FieldFault>,
}

/// Names the kind of a JSON value for messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn escaped(name: &str) -> String {
    let name: String = name.chars().take(64).collect();
    name.replace('~', "~0").replace('/', "~1")
}

impl<'a> Fields<'a> {
    /// Takes a value; `null` is the same as absent.
    fn take(&mut self, name: &'static str) -> Option<&'a Value> {
        self.asked.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Adds a fault of the field `name`.
    pub fn fault(&mut self, name: &str, code: &str, message: impl Into<String>) {
        let at = format!("{}/{}", self.at, escaped(name));
        self.faults.push(FieldFault::new(at, code, message));
    }

    /// Adds a fault below this object, at the end of a path of names.
    pub fn fault_at(&mut self, path: &[&str], code: &str, message: impl Into<String>) {
        let at = path.iter().map(|name| format!("/{}", escaped(name))).collect::<String>();
        self.faults.push(FieldFault::new(format!("{}{at}", self.at), code, message));
    }

    fn wrong_type<T>(&mut self, name: &str, value: &Value, wanted: &str) -> Option<T> {
        self.fault(name, "type", format!("{name} is {}, not {wanted}", kind(value)));
        None
    }

    /// Adds a fault when a required field was not given, or was given and already refused.
    pub fn required<T>(&mut self, name: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && self.object.get(name).is_none_or(Value::is_null) {
            self.fault(name, "missing", format!("{name} is required"));
        }
        value
    }

    /// Accepts a field of older clients, whatever it holds, and returns whether it is there.
    pub fn ignored(&mut self, name: &'static str) -> bool {
        self.take(name).is_some()
    }

    /// Returns a text of at least one character.
    pub fn text(&mut self, name: &'static str, length_max: usize) -> Option<String> {
        let value = self.take(name)?;
        let Value::String(text) = value else { return self.wrong_type(name, value, "a text") };
        let length = text.chars().count();
        if length == 0 || length > length_max {
            self.fault(name, "length", format!("{name} has {length} characters; allowed is 1 to {length_max}"));
            return None;
        }
        if text.contains('\0') {
            self.fault(name, "pattern", format!("{name} holds a NUL character"));
            return None;
        }
        Some(text.clone())
    }

    /// Returns a whole number within a range.
    pub fn integer(&mut self, name: &'static str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.take(name)?;
        let Value::Number(number) = value else { return self.wrong_type(name, value, "a whole number") };
        // 3.0 is a whole number, as JSON Schema has it.
        #[expect(clippy::cast_possible_truncation, reason = "the fraction is zero and the size was checked")]
        let whole = |float: f64| (float.fract() == 0.0 && float.abs() < 9.0e15).then_some(float as i64);
        match number.as_i64().or_else(|| number.as_f64().and_then(whole)) {
            Some(whole) if range.contains(&whole) => Some(whole),
            None if number.is_f64() && number.as_f64().is_some_and(|float| float.fract() != 0.0) => {
                self.fault(name, "type", format!("{name} is {number}, not a whole number"));
                None
            }
            _ => {
                let (least, most) = (range.start(), range.end());
                self.fault(name, "range", format!("{name} is {number}; allowed is {least} to {most}"));
                None
            }
        }
    }

    /// Returns a number that is greater than zero.
    pub fn positive(&mut self, name: &'static str) -> Option<f64> {
        let value = self.take(name)?;
        let Value::Number(number) = value else { return self.wrong_type(name, value, "a number") };
        match number.as_f64() {
            Some(float) if float > 0.0 && float.is_finite() => Some(float),
            _ => {
                self.fault(name, "range", format!("{name} is {number}; it must be greater than 0"));
                None
            }
        }
    }

    /// Returns an object as it is.
    pub fn object(&mut self, name: &'static str) -> Option<JsonMap> {
        let value = self.take(name)?;
        match value {
            Value::Object(object) => Some(object.clone()),
            _ => self.wrong_type(name, value, "an object"),
        }
    }

    /// Returns an object of names and texts.
    pub fn texts(
        &mut self,
        name: &'static str,
        count_max: usize,
        length_max: usize,
    ) -> Option<BTreeMap<String, String>> {
        let object = self.object(name)?;
        if object.len() > count_max {
            self.fault(name, "length", format!("{name} has {} entries, at most {count_max} are allowed", object.len()));
            return None;
        }
        let mut texts = BTreeMap::new();
        for (key, value) in &object {
            let at = format!("{}/{name}/{}", self.at, escaped(key));
            match value {
                Value::String(text) if key.is_empty() || key.chars().count().max(text.chars().count()) > length_max => {
                    let message = format!("a name and value of {name} have 1 to {length_max} characters");
                    self.faults.push(FieldFault::new(at, "length", message));
                }
                Value::String(text) if key.contains('\0') || text.contains('\0') => {
                    self.faults.push(FieldFault::new(at, "pattern", format!("{name} holds a NUL character")));
                }
                Value::String(text) => drop(texts.insert(key.clone(), text.clone())),
                other => {
                    let message = format!("a value of {name} is {}, not a text", kind(other));
                    self.faults.push(FieldFault::new(at, "type", message));
                }
            }
        }
        Some(texts)
    }

    /// Returns inputs: the list `inputs`, or a list of the one that `input` names.
    pub fn inputs(&mut self, count_max: usize) -> Option<Vec<Input>> {
        let single = self.take("input").map(|value| self.input(value, "/input".into()));
        let many = match self.take("inputs") {
            None => None,
            Some(Value::Array(items)) if items.len() > count_max => {
                self.fault("inputs", "length", format!("{} inputs, at most {count_max} are allowed", items.len()));
                None
            }
            Some(Value::Array(items)) => {
                let inputs = items.iter().enumerate().map(|(index, item)| self.input(item, format!("/inputs/{index}")));
                Some(inputs.collect::<Vec<_>>())
            }
            Some(other) => {
                self.wrong_type::<()>("inputs", other, "a list");
                None
            }
        };
        match (single, many) {
            (Some(_), Some(_)) => {
                self.fault("input", "conflict", "give input or inputs, not both");
                None
            }
            (Some(single), None) => single.map(|input| vec![input]),
            (None, Some(many)) => many.into_iter().collect(),
            (None, None) => None,
        }
    }

    fn input(&mut self, value: &'a Value, pointer: String) -> Option<Input> {
        let at = format!("{}{pointer}", self.at);
        let Some(object) = value.as_object() else {
            let message = format!("an input is {}, not an object with type and value", kind(value));
            self.faults.push(FieldFault::new(at, "type", message));
            return None;
        };
        let mut fields = Fields { object, at, asked: Vec::new(), faults: self.faults };
        let word = fields.text("type", 16);
        let kind = fields.required("type", word).and_then(|word| match word.as_str() {
            "path" => Some(InputType::Path),
            "upload" => Some(InputType::Upload),
            "artifact" => Some(InputType::Artifact),
            _ => {
                let near = cts_model::nearest::did_you_mean(&word, ["path", "upload", "artifact"]);
                fields.fault("type", "choice", format!("type is {word:?}, not one of path, upload, artifact{near}"));
                None
            }
        });
        let value = fields.text("value", Input::VALUE_LENGTH_MAX);
        let value = fields.required("value", value);
        fields.finish();
        Some(Input { kind: kind?, value: value? })
    }

    /// Adds a fault for every field that was not asked for.
    fn finish(self) {
        for name in self.object.keys().filter(|name| !self.asked.contains(&name.as_str())) {
            let at = format!("{}/{}", self.at, escaped(name));
            self.faults.push(FieldFault::unknown(at, name, self.asked.iter().copied()));
        }
    }
}

impl Input {
    /// Longest value, in characters.
    pub const VALUE_LENGTH_MAX: usize = 4096;
}
