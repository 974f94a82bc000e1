//! What bodies are refused, with which words; and what clients see of a run.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::fields::FromBody;

fn check<T: FromBody + std::fmt::Debug>(body: &Value, expected: &Expect) {
    let faults = T::from_body(body).expect_err("the body is wrong");
    // The pointer to the whole body is the empty text.
    let place = |pointer: &str| if pointer.is_empty() { "(body)".to_owned() } else { pointer.to_owned() };
    let lines: Vec<String> =
        faults.iter().map(|f| format!("{} {}: {}\n", place(&f.pointer), f.code, f.message)).collect();
    expected.assert_eq(&lines.concat());
}

#[test]
fn every_fault_of_a_body_is_told_at_once_with_the_nearest_name() {
    let body = json!({
        "tol_id": "rlog-to-csv",
        "params": [],
        "inputs": [{"type": "file", "value": "/x"}, {"tipe": "path", "value": ""}, 3],
        "priority": 101,
        "timeout_seconds": 0,
        "labels": {"a": 1},
        "name": "",
    });
    check::<CreateRun>(
        &body,
        &expect![[r#"
            /tool_id missing: tool_id is required
            /params type: params is a list, not an object
            /inputs/0/type choice: type is "file", not one of path, upload, artifact
            /inputs/1/type missing: type is required
            /inputs/1/value length: value has 0 characters; allowed is 1 to 4096
            /inputs/1/tipe unknown: unknown name "tipe"; did you mean "type"?
            /inputs/2 type: an input is a number, not an object with type and value
            /priority range: priority is 101; allowed is -100 to 100
            /name length: name has 0 characters; allowed is 1 to 200
            /labels/a type: a value of labels is a number, not a text
            /timeout_seconds range: timeout_seconds is 0; it must be greater than 0
            /tol_id unknown: unknown name "tol_id"; did you mean "tool_id"?
        "#]],
    );
}

#[test]
fn input_and_inputs_exclude_each_other() {
    let input = json!({"type": "path", "value": "/x"});
    check::<CreateRun>(
        &json!({"tool_id": "t", "input": input, "inputs": [input]}),
        &expect![["
            /input conflict: give input or inputs, not both
        "]],
    );
    check::<CreateRun>(
        &json!([]),
        &expect![[r#"
            (body) type: the body is a list, not an object
        "#]],
    );
}

#[test]
fn one_input_is_a_list_of_one_and_fields_of_older_clients_are_ignored() {
    let body = json!({
        "tool_id": "t", "input": {"type": "path", "value": "/x"}, "priority": 3.0, "name": null,
        "repo_root": "/a", "deps_dir": null, "install_missing_deps": false,
    });
    let create = CreateRun::from_body(&body).unwrap();
    assert_eq!(create.inputs, [Input { kind: InputType::Path, value: "/x".into() }]);
    assert_eq!(create.priority, Some(3));
    assert_eq!(create.ignored, ["repo_root", "install_missing_deps"]);
}

#[test]
fn what_a_client_sends_is_read_back() {
    let sample = crate::samples::create_run_json();
    let create = CreateRun::from_body(&sample).unwrap();
    assert_eq!(serde_json::to_value(create).unwrap(), sample);
}

#[test]
fn a_run_is_read_back_and_holds_every_member() {
    let sample = crate::samples::run();
    let json = serde_json::to_value(&sample).unwrap();
    for name in ["queue_position", "not_before", "error", "error_category", "error_code", "error_details", "signal"] {
        assert!(json.get(name).is_some_and(Value::is_null), "{name} is there");
    }
    assert_eq!(serde_json::from_value::<Run>(json).unwrap(), sample);
}

#[test]
fn secrets_of_a_run_are_masked_and_an_error_is_shown_only_when_it_failed() {
    let cx = model::Ctx { request_id: "r".parse().unwrap(), actor: model::Actor::Local, trace: None, change: None };
    let request = model::RunRequest {
        tool_id: "t".parse().unwrap(),
        tool_version: "1".into(),
        name: None,
        labels: BTreeMap::new(),
        priority: 0,
        params: JsonMap::new(),
        secret_params: BTreeMap::from([("token".into(), model::Secret::new("hunter2".into()))]),
        inputs: Vec::new(),
        timeout: Duration::from_secs(30),
        environment: BTreeMap::new(),
        max_attempts: 2,
        concurrency_key: None,
        owner: None,
    };
    let id = "0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11".parse().unwrap();
    let mut run = model::Run::new(id, &cx, request, Timestamp::from_ms(0));
    run.fault = Some(model::Fault::system(model::Code::DiskFull, "no space", "ENOSPC", "ENOSPC"));
    let queued = Run::of(&run, Some(2), Timestamp::from_ms(5));
    assert_eq!(queued.params["token"], "***");
    assert_eq!((queued.queue_position, queued.error, queued.suggested_actions.len()), (Some(2), None, 0));
    run.state = model::RunState::Failed;
    let failed = Run::of(&run, Some(2), Timestamp::from_ms(5));
    assert_eq!(failed.queue_position, None);
    assert_eq!(failed.error_code.as_deref(), Some("DISK_FULL"));
    assert!(matches!(failed.error_details, Some(ErrorDetails::System { .. })));
}
