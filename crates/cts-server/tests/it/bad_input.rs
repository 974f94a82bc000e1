//! What is refused, one row each: the status, the code, and every fault with its place.

use std::os::unix::fs::PermissionsExt;

use axum::body::Body;
use expect_test::{Expect, expect};
use http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

/// Returns the status, the code and the faults of a refusal, with the folder of the test left out.
fn told(app: &TestApp, answer: &Answer) -> String {
    let status = answer.status.as_u16();
    let code = answer.problem(status);
    let problem = answer.json();
    let mut text = format!("{status} {code}\n");
    match problem["errors"].as_array() {
        Some(errors) => {
            for error in errors {
                let word = |name: &str| error[name].as_str().unwrap().to_owned();
                text += &format!("{} {}: {}\n", word("pointer"), word("code"), word("message"));
            }
        }
        None => text += &format!("{}\n", problem["detail"].as_str().unwrap()),
    }
    if let Some(hint) = problem["suggested_actions"][0].as_str().filter(|hint| hint.starts_with("Did you mean")) {
        text += &format!("{hint}\n");
    }
    text.replace(app.folder.path().to_str().unwrap(), "FOLDER")
}

async fn check(app: &TestApp, body: &Value, expected: &Expect) {
    let answer = app.post("/v1/runs", body).await;
    expected.assert_eq(&told(app, &answer));
}

/// Returns a request for the tool with a parameter of every type, right but for what `params` changes.
fn typed(app: &TestApp, params: &Value) -> Value {
    let mut all = json!({"count": 1});
    for (name, value) in params.as_object().unwrap() {
        all[name] = value.clone();
    }
    json!({"tool_id": "typed", "params": all, "inputs": [{"type": "path", "value": app.input("a.txt", "text")}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_tool_is_refused_with_the_nearest_name() {
    let app = TestApp::new().await;
    check(
        &app,
        &json!({"tool_id": "rlog2csv"}),
        &expect![[r#"
        404 TOOL_NOT_FOUND
        there is no tool "rlog2csv"
        Did you mean rlog-to-csv?
    "#]],
    )
    .await;
    check(
        &app,
        &json!({"tool_id": "../../etc/passwd"}),
        &expect![[r#"
        404 TOOL_NOT_FOUND
        there is no tool "../../etc/passwd"
    "#]],
    )
    .await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_parameters_are_refused_with_every_fault() {
    let app = TestApp::new().await;
    let without = json!({"tool_id": "typed", "inputs": [{"type": "path", "value": app.input("a.txt", "text")}]});
    check(
        &app,
        &without,
        &expect![[r#"
        400 INVALID_PARAMETERS
        /params/count missing: parameter count is required
    "#]],
    )
    .await;
    check(
        &app,
        &typed(&app, &json!({"count": "1"})),
        &expect![[r#"
        400 INVALID_PARAMETERS
        /params/count type: count is "1", not a whole number
    "#]],
    )
    .await;
    check(
        &app,
        &typed(&app, &json!({"count": 1.5})),
        &expect![[r#"
        400 INVALID_PARAMETERS
        /params/count type: count is 1.5, not a whole number
    "#]],
    )
    .await;
    check(
        &app,
        &typed(&app, &json!({"count": 11})),
        &expect![[r#"
        400 INVALID_PARAMETERS
        /params/count range: count is 11; allowed is 1 to 10 s
    "#]],
    )
    .await;
    check(
        &app,
        &typed(&app, &json!({"mode": "fats"})),
        &expect![[r#"
        400 INVALID_PARAMETERS
        /params/mode choice: mode is "fats", not one of fast, slow; did you mean "fast"?
    "#]],
    )
    .await;
    check(
        &app,
        &typed(&app, &json!({"name": "A1"})),
        &expect![[r#"
        400 INVALID_PARAMETERS
        /params/name pattern: name is "A1", which does not match [a-z]+
    "#]],
    )
    .await;
    check(
        &app,
        &typed(&app, &json!({"names": [1]})),
        &expect![[r#"
        400 INVALID_PARAMETERS
        /params/names/0 type: names is 1, not a text
    "#]],
    )
    .await;
    check(
        &app,
        &typed(&app, &json!({"loud": "yes"})),
        &expect![[r#"
        400 INVALID_PARAMETERS
        /params/loud type: loud is "yes", not true or false
    "#]],
    )
    .await;
    check(
        &app,
        &typed(&app, &json!({"token": 7})),
        &expect![[r#"
        400 INVALID_PARAMETERS
        /params/token type: token is ***, not a text
    "#]],
    )
    .await;
    check(
        &app,
        &typed(&app, &json!({"cuont": 3})),
        &expect![[r#"
        400 INVALID_PARAMETERS
        /params/cuont unknown: unknown name "cuont"; did you mean "count"?
    "#]],
    )
    .await;
    let several = json!({"count": 0, "ratio": 2, "mode": 1, "extra": null});
    check(
        &app,
        &typed(&app, &several),
        &expect![[r#"
        400 INVALID_PARAMETERS
        /params/extra unknown: unknown name "extra"
        /params/count range: count is 0; allowed is 1 to 10 s
        /params/ratio range: ratio is 2; at most 1 is allowed
        /params/mode type: mode is 1, not a text
    "#]],
    )
    .await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_body_is_refused_together_with_its_parameters() {
    let app = TestApp::new().await;
    let body = json!({"tool_id": "typed", "param": {}, "params": {"count": 0}, "priority": "high", "labels": []});
    check(
        &app,
        &body,
        &expect![[r#"
        400 INVALID_REQUEST
        /priority type: priority is a text, not a whole number
        /labels type: labels is a list, not an object
        /param unknown: unknown name "param"; did you mean "params"?
        /params/count range: count is 0; allowed is 1 to 10 s
    "#]],
    )
    .await;
    let mut body = typed(&app, &json!({}));
    body["environment"] = json!({"GREETNG": "hi", "LD_PRELOAD": "/x.so"});
    body["timeout_seconds"] = json!(11);
    check(&app, &body, &expect![[r#"
        400 INVALID_REQUEST
        /environment/GREETNG unknown: unknown name "GREETNG"; did you mean "GREETING"?; a tool's manifest says which environment a request may set
        /environment/LD_PRELOAD unknown: unknown name "LD_PRELOAD"; a tool's manifest says which environment a request may set
        /timeout_seconds range: timeout_seconds is 11; it may only shorten the tool's limit of 10 s
    "#]]).await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_an_input_is_refused() {
    let app = TestApp::new().await;
    let inputs = app.folder.path().join("inputs");
    let path = |name: &str| inputs.join(name).to_str().unwrap().to_owned();
    let request = |value: String| json!({"tool_id": "typed", "params": {"count": 1}, "inputs": [{"type": "path", "value": value}]});
    std::fs::create_dir(inputs.join("empty-folder")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", inputs.join("link.txt")).unwrap();
    check(
        &app,
        &request(path("missing.txt")),
        &expect![[r#"
        422 INVALID_INPUT
        /inputs/0 not_found: FOLDER/inputs/missing.txt is not there
    "#]],
    )
    .await;
    check(
        &app,
        &request(path("empty-folder")),
        &expect![[r#"
        422 INVALID_INPUT
        /inputs/0 no_match: FOLDER/inputs/empty-folder has no file that ends in .zst, .txt (0 files were looked at)
    "#]],
    )
    .await;
    check(
        &app,
        &request(app.input("a.exe", "MZ")),
        &expect![[r#"
        422 INVALID_INPUT
        /inputs/0 extension: a.exe does not end in .zst, .txt
    "#]],
    )
    .await;
    check(
        &app,
        &request("/etc/passwd".to_owned()),
        &expect![[r#"
        422 INVALID_INPUT
        /inputs/0 outside_roots: /etc/passwd is outside of the folders that inputs may come from
    "#]],
    )
    .await;
    check(&app, &request(path("../../../../../../etc/passwd")), &expect![[r#"
        422 INVALID_INPUT
        /inputs/0 outside_roots: FOLDER/inputs/../../../../../../etc/passwd is outside of the folders that inputs may come from
    "#]]).await;
    check(
        &app,
        &request(path("link.txt")),
        &expect![[r#"
        422 INVALID_INPUT
        /inputs/0 outside_roots: FOLDER/inputs/link.txt is outside of the folders that inputs may come from
    "#]],
    )
    .await;
    check(
        &app,
        &request("relative.txt".to_owned()),
        &expect![[r#"
        422 INVALID_INPUT
        /inputs/0 relative: relative.txt is a relative path; give the whole path
    "#]],
    )
    .await;
    check(
        &app,
        &request(path("*.none")),
        &expect![[r#"
        422 INVALID_INPUT
        /inputs/0 no_match: no file matches FOLDER/inputs/*.none
    "#]],
    )
    .await;
    let two =
        json!([{"type": "path", "value": app.input("a.txt", "")}, {"type": "path", "value": app.input("b.txt", "")}]);
    check(
        &app,
        &json!({"tool_id": "typed", "params": {"count": 1}, "inputs": two}),
        &expect![[r#"
        422 INVALID_INPUT
        /inputs too_many: the tool takes one input, and these are 2 files
    "#]],
    )
    .await;
    check(
        &app,
        &json!({"tool_id": "typed", "params": {"count": 1}}),
        &expect![[r#"
        422 INVALID_INPUT
        /inputs required: the tool needs an input
    "#]],
    )
    .await;
    // Both are wrong: the parameters decide about the status, and all is told.
    let both =
        json!({"tool_id": "typed", "params": {"count": 0}, "inputs": [{"type": "path", "value": path("missing.txt")}]});
    check(
        &app,
        &both,
        &expect![[r#"
        400 INVALID_REQUEST
        /params/count range: count is 0; allowed is 1 to 10 s
        /inputs/0 not_found: FOLDER/inputs/missing.txt is not there
    "#]],
    )
    .await;
    let upload = json!([{"type": "upload", "value": "nonsense"}]);
    check(
        &app,
        &json!({"tool_id": "typed", "params": {"count": 1}, "inputs": upload}),
        &expect![[r#"
        422 INVALID_INPUT
        /inputs/0 not_found: there is no upload nonsense, or it expired
    "#]],
    )
    .await;
    let artifact = json!([{"type": "artifact", "value": "0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11"}]);
    check(
        &app,
        &json!({"tool_id": "typed", "params": {"count": 1}, "inputs": artifact}),
        &expect![[r#"
        422 INVALID_INPUT
        /inputs/0 not_found: there is no artifact 0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11, or it expired
    "#]],
    )
    .await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_file_is_refused() {
    let app = TestApp::new().await;
    let path = app.input("secret.txt", "text");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&path).is_ok() {
        #[expect(clippy::disallowed_methods, reason = "the one switch of the tests")]
        let is_root_meant = rustix::process::geteuid().is_root() || std::env::var("CTS_TEST_REQUIRE_ALL").is_err();
        assert!(is_root_meant, "a file without rights can be read by an ordinary user");
        println!("skipped: root reads every file; the black-box tests do this as an ordinary user");
        return app.end().await;
    }
    let body = json!({"tool_id": "typed", "params": {"count": 1}, "inputs": [{"type": "path", "value": path}]});
    let answer = app.post("/v1/runs", &body).await;
    assert_eq!(answer.problem(422), "INVALID_INPUT");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_logs_end_the_run_with_a_reason() {
    let app = TestApp::new().await;
    let good = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/toyota-5s.rlog.zst")).unwrap();
    let mut broken = good.clone();
    let middle = broken.len() / 2;
    broken[middle..middle + 64].fill(0xa5);
    let table: [(&str, &[u8]); 3] = [
        ("cut.rlog.zst", &good[..good.len() / 2]),
        ("broken.rlog.zst", &broken),
        ("noise.rlog.bz2", b"BZh9 and then nothing that bzip2 knows"),
    ];
    for (name, bytes) in table {
        let path = app.input(name, bytes);
        let body = json!({
            "tool_id": "rlog-to-csv", "params": {"strict": true}, "inputs": [{"type": "path", "value": path}],
        });
        let answer = app.post("/v1/runs", &body).await;
        let run = app.finished(answer.expect(201)["run_id"].as_str().unwrap()).await;
        assert_eq!(
            (run["status"].clone(), run["error_category"].clone()),
            (json!("failed"), json!("tool_error")),
            "{run}"
        );
        assert!(!run["suggested_actions"].as_array().unwrap().is_empty(), "{run}");
    }
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_what_it_should_be_is_refused() {
    let app = TestApp::with(|_, http| http.body_bytes_max = 1000).await;
    let post = async |headers: &[(&str, &str)], body: Vec<u8>| {
        app.call(Method::POST, "/v1/runs", headers, Body::from(body)).await
    };
    let json_type = [("content-type", "application/json")];
    assert_eq!(post(&json_type, vec![b' '; 1001]).await.problem(413), "BODY_TOO_LARGE");
    assert_eq!(post(&json_type, b"{\"tool_id\": ".to_vec()).await.problem(400), "INVALID_BODY");
    assert_eq!(post(&json_type, b"\xff\xfe".to_vec()).await.problem(400), "INVALID_BODY");
    assert_eq!(post(&json_type, b"[]".to_vec()).await.problem(400), "INVALID_REQUEST");
    assert_eq!(post(&json_type, b"".to_vec()).await.problem(400), "INVALID_REQUEST");
    assert_eq!(post(&[("content-type", "text/plain")], b"{}".to_vec()).await.problem(415), "UNSUPPORTED_MEDIA_TYPE");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_id_is_no_server_error_and_a_missing_thing_is_named() {
    let app = TestApp::new().await;
    let missing = "0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11";
    for (path, code) in
        [("/v1/runs/", "RUN_NOT_FOUND"), ("/v1/artifacts/", "ARTIFACT_NOT_FOUND"), ("/v1/uploads/", "UPLOAD_NOT_FOUND")]
    {
        assert_eq!(app.get(&format!("{path}{missing}")).await.problem(404), code);
        for bad in ["abc", "..%2F..%2Fetc%2Fpasswd", "%00", "0193a5c07b1e7c3a9f002b7d1e5a4c11", "%F0%9F"] {
            assert_eq!(app.get(&format!("{path}{bad}")).await.problem(400), "INVALID_REQUEST", "{bad}");
        }
    }
    app.end().await;
}
