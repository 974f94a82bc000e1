//! Every type of parameter, right and wrong.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

fn specs() -> Vec<ParamSpec> {
    vec![
        ParamSpec {
            minimum: Some(0.0),
            maximum: Some(60.0),
            unit: Some("s".into()),
            ..ParamSpec::new("start", ParamKind::Float, "")
        },
        ParamSpec { minimum: Some(1.0), default: Some(json!(3)), ..ParamSpec::new("count", ParamKind::Int, "") },
        ParamSpec { choices: vec![json!("blinkers"), json!("none")], ..ParamSpec::new("marker", ParamKind::Str, "") },
        ParamSpec { pattern: Some("[a-z]+".into()), ..ParamSpec::new("word", ParamKind::Str, "") },
        ParamSpec { items: Some(ParamKind::Int), ..ParamSpec::new("buses", ParamKind::List, "") },
        ParamSpec::new("deep", ParamKind::Bool, ""),
        ParamSpec::new("dbc", ParamKind::File, ""),
        ParamSpec { secret: true, pattern: Some("[0-9]+".into()), ..ParamSpec::new("key", ParamKind::Str, "") },
    ]
}

fn check(raw: Value, expected: Expect) {
    let Value::Object(raw) = raw else { panic!("an object") };
    let text = match CheckedParams::check(&specs(), &raw) {
        Ok(checked) => {
            format!("{} secrets {:?} files {:?}\n", Value::Object(checked.values), checked.secrets, checked.files)
        }
        Err(faults) => faults.iter().map(|f| format!("{} {}: {}\n", f.pointer, f.code, f.message)).collect(),
    };
    expected.assert_eq(&text);
}

#[test]
fn good_values_are_typed_and_defaults_filled_in() {
    check(
        json!({}),
        expect![[r#"
        {"count":3} secrets {} files []
    "#]],
    );
    check(
        json!({"start": 1, "count": 2.0, "marker": "none", "word": "abc", "buses": 1, "deep": true, "key": "42",
               "dbc": {"type": "path", "value": "/a.dbc"}}),
        expect![[r#"
            {"start":1,"count":2,"marker":"none","word":"abc","buses":[1],"deep":true,"dbc":{"type":"path","value":"/a.dbc"}} secrets {"key": ***} files [("dbc", InputRef { kind: Path, value: "/a.dbc" })]
        "#]],
    );
}

#[test]
fn every_fault_is_found_at_once_and_no_secret_is_told() {
    check(
        json!({"strat": 1, "start": 61, "count": "3", "marker": "blinker", "word": "ABC", "buses": [1, "x"],
               "deep": "true", "dbc": "/a.dbc", "key": "hunter2"}),
        expect![[r#"
            /params/strat unknown: unknown name "strat"; did you mean "start"?
            /params/start range: start is 61; allowed is 0 to 60 s
            /params/count type: count is "3", not a whole number
            /params/marker choice: marker is "blinker", not one of blinkers, none; did you mean "blinkers"?
            /params/word pattern: word is "ABC", which does not match [a-z]+
            /params/buses/1 type: buses is "x", not a whole number
            /params/deep type: deep is "true", not true or false
            /params/dbc type: dbc is "/a.dbc", not a file: {"type": "path" | "upload" | "artifact", "value": …}
            /params/key pattern: key is ***, which does not match [0-9]+
        "#]],
    );
}

#[test]
fn texts_of_the_command_line_are_typed_by_the_spec() {
    let specs = specs();
    let parse = |name: &str, text: &str| {
        parse_text(specs.iter().find(|spec| spec.name == name).unwrap(), text).map(|value| value.to_string())
    };
    assert_eq!(parse("count", "3"), Ok("3".into()));
    assert_eq!(parse("start", "1e1"), Ok("10.0".into()));
    assert_eq!(parse("word", "3"), Ok("\"3\"".into()), "a text stays a text");
    assert_eq!(parse("buses", "0,1, 2"), Ok("[0,1,2]".into()));
    assert_eq!(parse("deep", "yes"), Ok("true".into()));
    assert_eq!(parse("count", "3.5"), Err("count is \"3.5\", not a whole number".into()));
    assert!(parse("start", "nan").is_err());
}
