//! What can be listed is tested by listing: every route of the table.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Method;
use serde_json::Value;

use crate::app::TestApp;

/// Every operation of the document: method, path.
pub(crate) fn operations() -> Vec<(Method, String, Value)> {
    let document: Value = serde_json::from_str(&cts_server::repository_document()).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let operations = paths.into_iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap().clone();
        item.into_iter()
            .map(move |(method, operation)| (method.to_uppercase().parse().unwrap(), path.clone(), operation))
    });
    operations.collect()
}

/// Returns an address of a route, with an id that nothing has.
pub(crate) fn address(path: &str) -> String {
    let id = "0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11";
    ["{run_id}", "{artifact_id}", "{upload_id}", "{token_id}"]
        .iter()
        .fold(path.to_owned(), |path, name| path.replace(name, id))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_there_and_refuses_what_it_does_not_know() {
    let app = TestApp::new().await;
    let operations = operations();
    assert!(operations.len() >= 25, "{}", operations.len());
    for (method, path, operation) in &operations {
        let address = address(path);
        let bogus = app.call(method.clone(), &format!("{address}?bogus=1"), &[], Body::empty()).await;
        assert_eq!(bogus.problem(400), "INVALID_REQUEST", "{method} {path} takes unknown parameters");
        let errors = bogus.json()["errors"].clone();
        assert!(
            errors.as_array().unwrap().iter().any(|error| error["pointer"] == "?bogus"),
            "{method} {path}: {errors}"
        );
        assert!(!operation["summary"].as_str().unwrap_or("").is_empty(), "{method} {path} says what it does");
        assert!(!operation["tags"].as_array().unwrap().is_empty(), "{method} {path} has a tag");
        assert!(operation["responses"]["default"].is_object(), "{method} {path} tells its problems");
        if path.contains('{') {
            let missing = app.call(method.clone(), &address, &[], Body::empty()).await;
            assert_eq!(missing.status, 404, "{method} {path}: {}", missing.text());
        }
    }
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_path_does_not_have_is_refused_with_those_that_it_has() {
    let app = TestApp::new().await;
    let operations = operations();
    let paths: BTreeSet<&String> = operations.iter().map(|(_, path, _)| path).collect();
    for path in paths {
        let methods: Vec<&str> =
            operations.iter().filter(|(_, own, _)| own == path).map(|(m, _, _)| m.as_str()).collect();
        let answer = app.call(Method::PATCH, &address(path), &[], Body::empty()).await;
        assert_eq!(answer.problem(405), "METHOD_NOT_ALLOWED", "{path}");
        let allowed: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
        assert!(methods.iter().all(|method| allowed.contains(method)), "{path}: {allowed:?}");
    }
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_no_route_is_refused() {
    let app = TestApp::new().await;
    for path in [
        "/v1",
        "/tools/x/y",
        "/nope",
        "/index.html",
        "/assets/none.js",
        "/v1/runs/",
        "/v2/runs",
        "/v1/runs/x/y/z",
        "/docs/../etc/passwd",
        "/%2e%2e/x",
    ] {
        let answer = app.get(path).await;
        assert!(matches!(answer.status.as_u16(), 400 | 404), "{path}: {}", answer.status);
        answer.problem(answer.status.as_u16());
    }
    app.end().await;
}
