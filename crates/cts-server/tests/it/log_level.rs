//! The levels of the service's own log over the API. That lines follow them is tested where lines are made.

use std::time::Instant;

use axum::body::Body;
use cts_model::Level;
use http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, PATIENCE, TestApp};

async fn put(app: &TestApp, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    app.call(Method::PUT, "/v1/log-level", &headers, Body::from(body.to_string())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_are_changed_and_taken_back() {
    let app = TestApp::new().await;
    let starting = json!({"level": "INFO", "default_level": "INFO", "modules": {}, "expires_at": null});
    assert_eq!(app.get("/v1/log-level").await.expect(200), starting);
    let changed = put(&app, &json!({"level": "ERROR", "modules": {"cts_engine": "DEBUG", "hyper": "INFO"}})).await;
    let wanted = json!({
        "level": "ERROR", "default_level": "INFO", "modules": {"cts_engine": "DEBUG", "hyper": "INFO"}, "expires_at": null,
    });
    assert_eq!(changed.expect(200), wanted);
    assert_eq!(app.get("/v1/log-level").await.expect(200), wanted);
    assert_eq!(app.levels.now().own, Level::Error);

    let entry = app.get("/v1/audit?limit=1").await.expect(200)[0].clone();
    assert_eq!(entry["action"], "PUT /v1/log-level");
    assert_eq!(entry["target"], json!({"level": "ERROR", "modules": "cts_engine=DEBUG,hyper=INFO"}));
    assert_eq!(put(&app, &json!({})).await.expect(200), starting);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_end_with_their_time_and_not_with_that_of_an_earlier_change() {
    let app = TestApp::new().await;
    put(&app, &json!({"level": "DEBUG", "expires_in_seconds": 0.001})).await.expect(200);
    let until = |level: Level| {
        let (levels, deadline) = (app.levels.clone(), Instant::now() + PATIENCE);
        async move {
            while levels.now().own != level {
                assert!(Instant::now() < deadline, "the level does not become {}", level.as_str());
                tokio::task::yield_now().await;
            }
        }
    };
    until(Level::Info).await;
    assert_eq!(app.get("/v1/log-level").await.expect(200)["expires_at"], Value::Null);

    put(&app, &json!({"level": "DEBUG", "expires_in_seconds": 0.2})).await.expect(200);
    let held = put(&app, &json!({"level": "ERROR", "expires_in_seconds": 3600})).await.expect(200);
    assert!(held["expires_at"].is_string());
    // A third one of the first's length has ended, so the first would have as well.
    put(&app, &json!({"level": "WARNING", "expires_in_seconds": 0.2})).await.expect(200);
    until(Level::Info).await;
    put(&app, &json!({"level": "ERROR"})).await.expect(200);
    assert_eq!(app.levels.now().own, Level::Error);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_or_a_module_that_is_none_is_named() {
    let app = TestApp::new().await;
    let messages = |answer: Answer| {
        let problem = answer.expect(400);
        let errors = problem["errors"].as_array().unwrap().clone();
        let shown =
            |error: &Value| format!("{}: {}", error["pointer"].as_str().unwrap(), error["message"].as_str().unwrap());
        errors.iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(
        messages(put(&app, &json!({"level": "WARN"})).await),
        ["/level: level is \"WARN\", not one of DEBUG, INFO, WARNING, ERROR; did you mean \"WARNING\"?"]
    );
    assert_eq!(
        messages(put(&app, &json!({"modules": {"cts_enigne::run": "DEBUG", "a/b": "INFO", "hyper": "DEBUG"}})).await),
        [
            "/modules/a~1b: \"a/b\" is no module: a module is written as in the log: names of letters, digits and _, \
             joined by ::, at most 128 characters",
            "/modules/cts_enigne::run: cts_enigne::run is no module of this service; did you mean \"cts_engine\"?",
        ]
    );
    assert_eq!(app.levels.now(), app.levels.starting().clone().into(), "a refused change changes nothing");
    app.end().await;
}
