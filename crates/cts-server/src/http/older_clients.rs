//! What the `cts` of comma-tools 0.8 needs: it guesses the type of a parameter from its text, so that a text which looks
//! like a number, a list or true arrives as one, and its user can do nothing about it. Values of other clients are never
//! touched, and a value that fits its parameter is not either.

use cts_model::params::parse_text;
use cts_model::{JsonMap, ParamKind, ParamSpec};
use http::{HeaderMap, header};
use serde_json::Value;

/// How that client calls itself, in every version.
const USER_AGENT: &str = "cts-cli/";

/// Returns whether a request comes from that client.
pub(crate) fn is_sender(headers: &HeaderMap) -> bool {
    let name = headers.get(header::USER_AGENT).and_then(|name| name.to_str().ok());
    name.is_some_and(|name| name.starts_with(USER_AGENT))
}

/// Takes guesses back: a value of another type than its parameter becomes the text that it was, which is then read as
/// the parameter's own. What cannot be read stays as it is and is refused as usual.
pub(crate) fn take_back_guesses(specs: &[ParamSpec], params: &mut JsonMap) {
    for spec in specs {
        let Some(value) = params.get_mut(&spec.name) else { continue };
        let items = spec.items.unwrap_or(ParamKind::Str);
        if !fits(spec.kind, items, value)
            && let Some(read) = text_of(value).and_then(|text| parse_text(spec, &text).ok())
        {
            *value = read;
        }
    }
}

fn fits(kind: ParamKind, items: ParamKind, value: &Value) -> bool {
    match (kind, value) {
        (ParamKind::List, Value::Array(values)) => values.iter().all(|value| fits(items, items, value)),
        (ParamKind::List, single) => fits(items, items, single),
        (ParamKind::Str, Value::String(_))
        | (ParamKind::Int | ParamKind::Float, Value::Number(_))
        | (ParamKind::Bool, Value::Bool(_))
        | (ParamKind::File, Value::Object(_))
        | (_, Value::Null) => true,
        _ => false,
    }
}

/// Returns the text that was typed, as far as the guess left it whole: `007` came as 7.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            items.map(|items| items.join(","))
        }
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn taken_back(kind: ParamKind, items: Option<ParamKind>, value: &Value) -> Value {
        let spec = ParamSpec { items, ..ParamSpec::new("x", kind, "") };
        let mut params = JsonMap::from_iter([("x".to_owned(), value.clone())]);
        take_back_guesses(&[spec], &mut params);
        params["x"].clone()
    }

    #[test]
    fn a_guess_becomes_the_type_of_the_parameter() {
        let table = [
            (ParamKind::Str, None, json!(2024), json!("2024")),
            (ParamKind::Str, None, json!(1.5), json!("1.5")),
            (ParamKind::Str, None, json!(true), json!("true")),
            (ParamKind::Str, None, json!(["a", "b"]), json!("a,b")),
            (ParamKind::Str, None, json!("a"), json!("a")),
            (ParamKind::Bool, None, json!(1), json!(true)),
            (ParamKind::Int, None, json!(5), json!(5)),
            (ParamKind::Float, None, json!(5), json!(5)),
            (ParamKind::Int, None, json!("x"), json!("x")),
            (ParamKind::List, Some(ParamKind::Str), json!(5), json!(["5"])),
            (ParamKind::List, Some(ParamKind::Str), json!("0x27:B1"), json!("0x27:B1")),
            (ParamKind::List, Some(ParamKind::Int), json!(["0", "1"]), json!([0, 1])),
            (ParamKind::List, Some(ParamKind::Int), json!(5), json!(5)),
            (ParamKind::File, None, json!("/a.rlog"), json!({"type": "path", "value": "/a.rlog"})),
            (ParamKind::Str, None, json!({"a": 1}), json!({"a": 1})),
        ];
        for (kind, items, value, expected) in table {
            assert_eq!(taken_back(kind, items, &value), expected, "{kind:?} {value}");
        }
    }

    #[test]
    fn only_that_client_is_meant() {
        let mut headers = HeaderMap::new();
        assert!(!is_sender(&headers));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("cts/0.1.0"));
        assert!(!is_sender(&headers));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("cts-cli/0.1.0"));
        assert!(is_sender(&headers));
    }
}
