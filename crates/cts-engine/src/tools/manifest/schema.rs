//! The JSON Schema of a manifest, made from the list of keys, for editors and for other programs.
//!
//! It says what can be said about one value at a time. What needs more (a placeholder without its parameter, a default
//! out of its range) only `check_manifest` finds.

use serde_json::{Map, Value, json};

use super::keys::{EACH, Key, MANIFEST, Shape, WHEN};

/// Returns the JSON Schema (draft 2020-12) of a manifest, read as JSON.
#[must_use]
pub fn manifest_schema() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".into(), json!("CTS command tool"));
    schema.insert("description".into(), json!("The manifest of a command tool: one TOML file in the folder tools.d."));
    schema.extend(object(MANIFEST));
    Value::Object(schema)
}

fn object(keys: &[Key]) -> Map<String, Value> {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), described(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = Map::new();
    schema.insert("type".into(), json!("object"));
    schema.insert("properties".into(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".into(), json!(required));
    }
    schema.insert("additionalProperties".into(), json!(false));
    schema
}

fn described(key: &Key) -> Value {
    let mut schema = Map::new();
    schema.insert("description".into(), json!(key.help));
    if let Value::Object(shape) = shape(key.shape) {
        schema.extend(shape);
    }
    Value::Object(schema)
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Text(most) => json!({"type": "string", "minLength": 1, "maxLength": most}),
        Shape::Word(pattern, _) => json!({"type": "string", "pattern": pattern}),
        Shape::Choice(words) => json!({"enum": words}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Count(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Shape::Number => json!({"type": "number"}),
        Shape::Duration => json!({"oneOf": [
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "string", "pattern": r"^\s*([0-9]+(\.[0-9]+)?\s*(ms|s|sec|m|min|h|d)\s*)+$"},
        ], "examples": ["90s", "5m", "1h 30m"]}),
        Shape::Size => json!({"oneOf": [
            {"type": "integer", "minimum": 1},
            {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtT][iI]?)?[bB]\s*$"},
        ], "examples": ["512 MB", "64 MiB"]}),
        Shape::Texts => json!({"type": "array", "items": {"type": "string", "minLength": 1}}),
        Shape::Counts(least, most) => {
            json!({"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": least, "maximum": most}})
        }
        Shape::Value => value(),
        Shape::Values => json!({"type": "array", "minItems": 1, "items": value()}),
        Shape::Command => json!({
            "type": "array",
            "minItems": 1,
            "prefixItems": [{"type": "string", "minLength": 1}],
            "items": {"anyOf": [
                {"type": "string"},
                {"type": "array", "minItems": 1, "items": {"type": "string"}},
                object(WHEN),
                object(EACH),
            ]},
        }),
        Shape::Table(keys) => Value::Object(object(keys)),
        Shape::Tables(keys) => json!({"type": "array", "items": object(keys)}),
        Shape::Named(name, keys) => {
            json!({"type": "object", "propertyNames": {"pattern": name}, "additionalProperties": object(keys)})
        }
        Shape::Variables(name) => json!({
            "type": "object",
            "propertyNames": {"pattern": name},
            "additionalProperties": {"type": "string"},
        }),
        Shape::Assignments => json!({"type": "object", "minProperties": 1, "additionalProperties": value()}),
    }
}

/// A value of a parameter.
fn value() -> Value {
    json!({"type": ["string", "number", "boolean", "array", "object"]})
}
