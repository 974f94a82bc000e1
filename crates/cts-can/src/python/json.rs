//! JSON as Python's `json` module prints it: ASCII only, keys in their order, indented by two spaces or compact.
//!
//! A writer for values that are made here; it never reads any.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::repr;

/// Spaces for each level.
const INDENT: usize = 2;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Cow<'static, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'static, str>, Self)>),
}

impl Json {
    /// Returns an object with these keys.
    pub(crate) fn object<const N: usize>(entries: [(&'static str, Self); N]) -> Self {
        Self::Object(entries.into_iter().map(|(key, value)| (Cow::Borrowed(key), value)).collect())
    }

    /// Returns a text, or null.
    pub(crate) fn optional_text(text: Option<&str>) -> Self {
        text.map_or(Self::Null, |text| Self::from(text.to_owned()))
    }

    /// Returns the value as `json.dumps(value, separators=(",", ":"))` prints it.
    pub(crate) fn compact(&self) -> String {
        let mut text = String::new();
        self.print(&mut text, None);
        text
    }

    /// Returns the value as `json.dumps(value, indent=2)` prints it so many levels deep.
    pub(crate) fn indented(&self, depth: usize) -> String {
        let mut text = String::new();
        self.print(&mut text, Some(depth));
        text
    }

    fn print(&self, out: &mut String, depth: Option<usize>) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Integer(value) => {
                let _ = write!(out, "{value}");
            }
            Self::Float(value) if value.is_nan() => out.push_str("NaN"),
            Self::Float(f64::INFINITY) => out.push_str("Infinity"),
            Self::Float(f64::NEG_INFINITY) => out.push_str("-Infinity"),
            Self::Float(value) => out.push_str(&repr(*value)),
            Self::Text(text) => push_text(out, text),
            Self::List(values) if values.is_empty() => out.push_str("[]"),
            Self::Object(entries) if entries.is_empty() => out.push_str("{}"),
            Self::List(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    separate(out, index, depth);
                    value.print(out, depth.map(|depth| depth + 1));
                }
                break_line(out, depth);
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    separate(out, index, depth);
                    push_text(out, key);
                    out.push_str(if depth.is_some() { ": " } else { ":" });
                    value.print(out, depth.map(|depth| depth + 1));
                }
                break_line(out, depth);
                out.push('}');
            }
        }
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<&'static str> for Json {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

fn separate(out: &mut String, index: usize, depth: Option<usize>) {
    if index > 0 {
        out.push(',');
    }
    break_line(out, depth.map(|depth| depth + 1));
}

fn break_line(out: &mut String, depth: Option<usize>) {
    if let Some(depth) = depth {
        let _ = write!(out, "\n{:width$}", "", width = depth * INDENT);
    }
}

fn push_text(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value() -> Json {
        Json::object([
            ("none", Json::Null),
            ("on", Json::Bool(true)),
            ("numbers", Json::List(vec![Json::Integer(-3), Json::Float(6.0), Json::Float(2e-5)])),
            ("empty", Json::List(Vec::new())),
            ("inner", Json::object([("nothing", Json::Object(Vec::new()))])),
        ])
    }

    #[test]
    fn values_look_as_in_python() {
        let compact = r#"{"none":null,"on":true,"numbers":[-3,6.0,2e-05],"empty":[],"inner":{"nothing":{}}}"#;
        assert_eq!(value().compact(), compact);
        let indented = [
            "{",
            "  \"none\": null,",
            "  \"on\": true,",
            "  \"numbers\": [",
            "    -3,",
            "    6.0,",
            "    2e-05",
            "  ],",
            "  \"empty\": [],",
            "  \"inner\": {",
            "    \"nothing\": {}",
            "  }",
            "}",
        ];
        assert_eq!(value().indented(0), indented.join("\n"));
        assert_eq!(Json::List(vec![Json::Null]).indented(1), "[\n    null\n  ]");
    }

    #[test]
    fn texts_are_ascii() {
        let text = Json::from("a\"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f} é 😀");
        assert_eq!(text.compact(), "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u007f \\u00e9 \\ud83d\\ude00\"");
    }

    #[test]
    fn numbers_that_json_does_not_have_are_those_of_python() {
        let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|number| Json::Float(number).compact());
        assert_eq!(numbers, ["NaN", "Infinity", "-Infinity"]);
    }
}
