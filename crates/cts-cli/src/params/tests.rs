use std::time::Duration;

use cts_api::ToolCapability;
use cts_model::{ParamKind, ParamSpec, ToolCategory, ToolKind, ToolSpec};
use expect_test::{Expect, expect};
use serde_json::json;

use super::{Completeness, Texts, typed};
use crate::files::Here;

fn tool() -> ToolCapability {
    let id = "t".parse().unwrap();
    let mut spec = ToolSpec::new(id, ToolKind::Command, ToolCategory::Tool, "T", "1", "A tool.");
    let mut start = ParamSpec::new("start", ParamKind::Float, "Where it begins");
    start.minimum = Some(0.0);
    start.unit = Some("s".into());
    let mut buses = ParamSpec::new("buses", ParamKind::List, "Which buses");
    buses.items = Some(ParamKind::Int);
    let mut mode = ParamSpec::new("mode", ParamKind::Str, "How");
    mode.choices = vec![json!("fast"), json!("exact")];
    mode.required = true;
    let mut token = ParamSpec::new("token", ParamKind::Int, "A secret");
    token.secret = true;
    let count = ParamSpec::new("count", ParamKind::Int, "How many");
    let all = ParamSpec::new("all", ParamKind::Bool, "Everything");
    let dbc = ParamSpec::new("dbc", ParamKind::File, "Names");
    spec.params = vec![start, buses, mode, token, count, all, dbc];
    ToolCapability::of(&spec, Duration::from_mins(5))
}

fn of(pairs: &[(&str, &str)], completeness: Completeness) -> String {
    let texts = Texts(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect());
    let here = Here { current_dir: "/w".into(), home: Some("/home/u".into()) };
    match typed(&tool(), &texts, &here, completeness) {
        Ok(values) => serde_json::to_string(&values).unwrap(),
        Err(error) => {
            let complaint = error.complaint();
            let lines =
                complaint.faults.iter().map(|fault| format!("{} {}: {}", fault.pointer, fault.code, fault.message));
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

fn check(pairs: &[(&str, &str)], expected: &Expect) {
    expected.assert_eq(&of(pairs, Completeness::Whole));
}

#[test]
fn values_have_the_type_of_the_schema() {
    check(
        &[("mode", "fast"), ("start", "12"), ("count", "3"), ("all", "yes"), ("buses", "0,1"), ("buses", "2")],
        &expect![[r#"{"mode":"fast","start":12.0,"count":3,"all":true,"buses":[0,1,2]}"#]],
    );
}

#[test]
fn a_file_is_a_path_of_here_unless_it_is_named_otherwise() {
    let id = "0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11";
    check(
        &[("mode", "fast"), ("dbc", "x.dbc")],
        &expect![[r#"{"mode":"fast","dbc":{"type":"path","value":"/w/x.dbc"}}"#]],
    );
    check(
        &[("mode", "fast"), ("dbc", "~/x")],
        &expect![[r#"{"mode":"fast","dbc":{"type":"path","value":"/home/u/x"}}"#]],
    );
    check(
        &[("mode", "fast"), ("dbc", &format!("artifact:{id}"))],
        &expect![[r#"{"mode":"fast","dbc":{"type":"artifact","value":"0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11"}}"#]],
    );
    check(
        &[("mode", "fast"), ("dbc", "artifact:x")],
        &expect![[r#"{"mode":"fast","dbc":{"type":"path","value":"/w/artifact:x"}}"#]],
    );
}

#[test]
fn every_fault_comes_at_once_and_no_secret_is_shown() {
    check(
        &[
            ("strat", "1"),
            ("start", "-1"),
            ("count", "many"),
            ("token", "hunter2"),
            ("all", "maybe"),
            ("count", "2"),
            ("count", "3"),
        ],
        &expect![[r#"
            /params/strat unknown: unknown name "strat"; did you mean "start"?
            /params/count type: count is "many", not a whole number
            /params/token type: token is ***, not a whole number
            /params/all type: all is "maybe", not true or false
            /params/count repeated: parameter count is given twice
            /params/start range: start is -1.0; at least 0 s is allowed
            /params/mode missing: parameter mode is required"#]],
    );
}

#[test]
fn changes_need_not_be_complete() {
    expect![[r#"{"start":3.5}"#]].assert_eq(&of(&[("start", "3.5")], Completeness::Changes));
}
