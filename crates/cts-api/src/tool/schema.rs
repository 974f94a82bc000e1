//! JSON Schema 2020-12 of a tool's parameters: what it accepts is what [`cts_model::CheckedParams`] accepts.

use cts_model::{JsonMap, ParamKind, ParamSpec, ToolSpec};
use serde_json::{Value, json};

/// Returns the JSON Schema of a tool's parameters.
#[must_use]
pub fn params_schema(spec: &ToolSpec) -> Value {
    let properties: JsonMap =
        spec.params.iter().map(|param| (param.name.clone(), Value::Object(param_schema(param)))).collect();
    let required: Vec<&str> =
        spec.params.iter().filter(|param| param.required).map(|param| param.name.as_str()).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Parameters of {}", spec.name),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
        "examples": [example(spec)],
    })
}

/// Returns parameters that the tool accepts: what is required, and what has an example.
#[must_use]
pub fn example(spec: &ToolSpec) -> Value {
    let values = spec.params.iter().filter(|param| !param.secret).filter_map(|param| {
        let given = param.examples.first().or(param.default.as_ref()).or(param.choices.first()).cloned();
        let value = match given {
            Some(value) => value,
            None if param.required => fallback(param, param.kind),
            None => return None,
        };
        Some((param.name.clone(), value))
    });
    Value::Object(values.collect())
}

/// Returns some value of a kind within the range of a parameter that shows no example of its own.
fn fallback(param: &ParamSpec, kind: ParamKind) -> Value {
    let least = param.minimum.unwrap_or(0.0).min(param.maximum.unwrap_or(f64::MAX));
    match kind {
        ParamKind::Str => json!("text"),
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and any whole number will do")]
        ParamKind::Int => json!(least.ceil() as i64),
        ParamKind::Float => json!(least),
        ParamKind::Bool => json!(true),
        ParamKind::List => json!([fallback(param, param.items.unwrap_or(ParamKind::Str))]),
        ParamKind::File => json!({"type": "path", "value": "/data/drive.rlog.zst"}),
    }
}

fn param_schema(param: &ParamSpec) -> JsonMap {
    let mut schema = match param.kind {
        ParamKind::List => {
            let item = item_schema(param, param.items.unwrap_or(ParamKind::Str));
            let mut list = JsonMap::new();
            list.insert("type".into(), "array".into());
            list.insert("items".into(), Value::Object(item.clone()));
            list.insert("maxItems".into(), length(param.maximum).unwrap_or(json!(ParamSpec::LIST_LENGTH_MAX)));
            if let Some(minimum) = length(param.minimum) {
                list.insert("minItems".into(), minimum);
            }
            // One value stands for a list of one.
            let single_fits = param.minimum.is_none_or(|minimum| minimum <= 1.0);
            let forms =
                if single_fits { vec![Value::Object(list), Value::Object(item)] } else { vec![Value::Object(list)] };
            JsonMap::from_iter([("anyOf".to_owned(), Value::Array(forms))])
        }
        kind => {
            let mut schema = item_schema(param, kind);
            let (least, most) = match kind {
                ParamKind::Str => ("minLength", "maxLength"),
                _ => ("minimum", "maximum"),
            };
            match kind {
                ParamKind::Str => {
                    schema.extend(length(param.minimum).map(|minimum| (least.to_owned(), minimum)));
                    let maximum = length(param.maximum).unwrap_or(json!(ParamSpec::TEXT_LENGTH_MAX));
                    schema.insert(most.to_owned(), maximum);
                }
                ParamKind::Int | ParamKind::Float => {
                    schema.extend(param.minimum.map(|minimum| (least.to_owned(), number(minimum))));
                    schema.extend(param.maximum.map(|maximum| (most.to_owned(), number(maximum))));
                }
                ParamKind::Bool | ParamKind::List | ParamKind::File => {}
            }
            schema
        }
    };
    if !param.description.is_empty() {
        schema.insert("description".into(), param.description.clone().into());
    }
    if param.secret {
        schema.insert("writeOnly".into(), true.into());
    } else if let Some(default) = &param.default {
        schema.insert("default".into(), default.clone());
    }
    if !param.examples.is_empty() && !param.secret {
        schema.insert("examples".into(), param.examples.clone().into());
    }
    if let Some(unit) = &param.unit {
        schema.insert("x-unit".into(), unit.clone().into());
    }
    schema
}

/// Returns the schema of one value of a kind, with the parameter's pattern and choices.
fn item_schema(param: &ParamSpec, kind: ParamKind) -> JsonMap {
    let mut schema = JsonMap::new();
    let kind_word = match kind {
        ParamKind::Str => "string",
        ParamKind::Int => "integer",
        ParamKind::Float => "number",
        ParamKind::Bool => "boolean",
        ParamKind::List => "array",
        ParamKind::File => {
            let file = json!({
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": ["path", "upload", "artifact"]},
                    "value": {"type": "string", "minLength": 1},
                },
                "required": ["type", "value"],
                "additionalProperties": false,
            });
            return file.as_object().cloned().unwrap_or_default();
        }
    };
    schema.insert("type".into(), kind_word.into());
    if let (ParamKind::Str, Some(pattern)) = (kind, &param.pattern) {
        schema.insert("pattern".into(), format!("^(?:{pattern})$").into());
    }
    if !param.choices.is_empty() && kind != ParamKind::Bool {
        schema.insert("enum".into(), param.choices.clone().into());
    }
    schema
}

/// Returns a whole number where there is one, so that 3 is not written as 3.0.
fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is zero and the size was checked")]
    if value.fract() == 0.0 && value.abs() < 9.0e15 { json!(value as i64) } else { json!(value) }
}

fn length(limit: Option<f64>) -> Option<Value> {
    limit.map(|limit| number(limit.max(0.0).trunc()))
}

/// Returns the name of the schema of a tool's parameters in the `OpenAPI` document: `rlog-to-csv` is `RlogToCsvParams`.
#[must_use]
pub fn schema_name(tool_id: &str) -> String {
    let words = tool_id.split(['-', '_', '.']).filter(|word| !word.is_empty());
    let mut name: String = words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_ascii_uppercase() + rest
        })
        .collect();
    name.push_str("Params");
    name
}

#[cfg(test)]
mod tests {
    use cts_model::{ToolCategory, ToolKind};
    use expect_test::expect;

    use super::*;

    fn spec() -> ToolSpec {
        let id = "rlog-to-csv".parse().unwrap();
        let mut spec = ToolSpec::new(id, ToolKind::Native, ToolCategory::Analyzer, "rlog to CSV", "1", "");
        let mut start = ParamSpec::new("window_start", ParamKind::Float, "Begin");
        (start.minimum, start.unit, start.examples) = (Some(0.0), Some("s".into()), vec![json!(1.5)]);
        let mut watch = ParamSpec::new("watch", ParamKind::List, "");
        (watch.pattern, watch.required) = (Some("[0-9]+".into()), true);
        let mut token = ParamSpec::new("token", ParamKind::Str, "");
        (token.secret, token.default) = (true, Some(json!("hidden")));
        spec.params = vec![start, watch, token];
        spec
    }

    #[test]
    fn the_schema_tells_types_ranges_and_examples_and_no_secret() {
        let schema = serde_json::to_string_pretty(&params_schema(&spec())).unwrap();
        expect![[r#"
            {
              "$schema": "https://json-schema.org/draft/2020-12/schema",
              "title": "Parameters of rlog to CSV",
              "type": "object",
              "properties": {
                "window_start": {
                  "type": "number",
                  "minimum": 0,
                  "description": "Begin",
                  "examples": [
                    1.5
                  ],
                  "x-unit": "s"
                },
                "watch": {
                  "anyOf": [
                    {
                      "type": "array",
                      "items": {
                        "type": "string",
                        "pattern": "^(?:[0-9]+)$"
                      },
                      "maxItems": 10000
                    },
                    {
                      "type": "string",
                      "pattern": "^(?:[0-9]+)$"
                    }
                  ]
                },
                "token": {
                  "type": "string",
                  "maxLength": 65536,
                  "writeOnly": true
                }
              },
              "required": [
                "watch"
              ],
              "additionalProperties": false,
              "examples": [
                {
                  "window_start": 1.5,
                  "watch": [
                    "text"
                  ]
                }
              ]
            }"#]]
        .assert_eq(&schema);
    }

    #[test]
    fn a_tool_id_becomes_the_name_of_a_schema() {
        assert_eq!(schema_name("rlog-to-csv"), "RlogToCsvParams");
        assert_eq!(schema_name("7zip_x.y"), "7zipXYParams");
    }
}
