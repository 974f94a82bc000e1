//! The audit log: what can be listed is tested by listing, every route that changes something.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use cts_api::Role;
use cts_server::Peer;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, request};
use crate::endpoints::{address, operations};

struct Closed {
    app: TestApp,
    admin: String,
    admin_id: String,
}

async fn closed() -> Closed {
    let app = TestApp::with(|_, http| http.require_authentication = true).await;
    let (admin_id, admin) = app.token("ada", Role::Admin, None).await;
    Closed { app, admin, admin_id }
}

impl Closed {
    /// Asks as the admin.
    async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {}", self.admin);
        let mut headers = vec![("authorization", authorization.as_str())];
        if !body.is_null() {
            headers.push(("content-type", "application/json"));
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.app.call(method, path, &headers, body).await
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, &Value::Null).await.expect(200)
    }

    async fn newest(&self) -> Value {
        self.get("/v1/audit?limit=1").await[0].clone()
    }

    /// Runs a script to its end, whose artifact is `a.txt`.
    async fn ended_run(&self) -> Value {
        let run = self.submit("echo x > a.txt").await;
        loop {
            let found = self.get(&format!("/v1/runs/{run}?wait=10s")).await;
            if found["completed_at"].is_string() {
                return found;
            }
        }
    }

    async fn submit(&self, script: &str) -> String {
        let body = json!({"tool_id": "script", "params": {"script": script}});
        let run = self.ask(Method::POST, "/v1/runs", &body).await.expect(201);
        run["run_id"].as_str().unwrap().to_owned()
    }

    async fn upload(&self, bytes: Option<&'static str>) -> String {
        let body = json!({"filename": "a.txt", "size": 3});
        let upload = self.ask(Method::POST, "/v1/uploads", &body).await.expect(201);
        let id = upload["upload_id"].as_str().unwrap().to_owned();
        if let Some(bytes) = bytes {
            let authorization = format!("Bearer {}", self.admin);
            let path = format!("/v1/uploads/{id}");
            let headers = [("authorization", authorization.as_str())];
            self.app.call(Method::PUT, &path, &headers, Body::from(bytes)).await.expect(200);
        }
        id
    }

    /// Prepares what an action needs to go well: the address and the body of its request.
    async fn prepared(&self, action: &str) -> (String, Value) {
        match action {
            "POST /v1/runs" => ("/v1/runs".to_owned(), json!({"tool_id": "script", "params": {"script": "true"}})),
            "DELETE /v1/runs/{run_id}" => (format!("/v1/runs/{}", self.submit("sleep 60").await), Value::Null),
            "POST /v1/runs/{run_id}/cancel" => {
                (format!("/v1/runs/{}/cancel", self.submit("sleep 60").await), Value::Null)
            }
            "POST /v1/runs/{run_id}/rerun" => {
                let run = self.ended_run().await;
                (format!("/v1/runs/{}/rerun", run["run_id"].as_str().unwrap()), json!({}))
            }
            "DELETE /v1/artifacts/{artifact_id}" => {
                let run = self.ended_run().await;
                (format!("/v1/artifacts/{}", run["artifacts"][0].as_str().unwrap()), Value::Null)
            }
            "POST /v1/uploads" => ("/v1/uploads".to_owned(), json!({"filename": "a.txt", "size": 3})),
            "PUT /v1/uploads/{upload_id}" => (format!("/v1/uploads/{}", self.upload(None).await), Value::Null),
            "POST /v1/uploads/{upload_id}/finalize" => {
                (format!("/v1/uploads/{}/finalize", self.upload(Some("abc")).await), json!({}))
            }
            "POST /v1/session" | "DELETE /v1/session" => ("/v1/session".to_owned(), Value::Null),
            "PUT /v1/log-level" => ("/v1/log-level".to_owned(), json!({"modules": {"cts_engine": "DEBUG"}})),
            "POST /v1/tokens" => ("/v1/tokens".to_owned(), json!({"name": "ci", "role": "viewer"})),
            "DELETE /v1/tokens/{token_id}" => {
                (format!("/v1/tokens/{}", self.app.token("gone", Role::Viewer, None).await.0), Value::Null)
            }
            other => panic!("{other} changes something: say here how, so that its entry in the audit log is tested"),
        }
    }
}

fn changes() -> Vec<(Method, String)> {
    let all = operations().into_iter().map(|(method, path, _)| (method, path));
    all.filter(|(method, _)| !method.is_safe()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_with_who_what_and_how_it_was_answered() {
    let closed = closed().await;
    let changes = changes();
    assert!(changes.len() >= 12, "{changes:?}");
    for (method, template) in changes {
        let action = format!("{method} {template}");
        let (path, body) = closed.prepared(&action).await;
        let answer = closed.ask(method, &path, &body).await;
        assert!(answer.status.is_success(), "{action}: {}", answer.text());
        let entry = closed.newest().await;
        assert_eq!(entry["action"], action);
        assert_eq!(entry["status"], answer.status.as_u16(), "{action}");
        assert_eq!(entry["request_id"], answer.header("x-request-id"), "{action}");
        assert_eq!((&entry["actor"], &entry["token_id"]), (&json!("ada"), &json!(closed.admin_id)), "{action}");
        // Every id of the path is told, and what was made.
        let target = entry["target"].as_object().unwrap();
        for (name, id) in template.split('/').zip(path.split('/')).filter(|(name, _)| name.starts_with('{')) {
            assert_eq!(target[name.trim_matches(['{', '}'])], id, "{action}");
        }
        if answer.status == 201 {
            let made = answer.json();
            let id = ["run_id", "upload_id", "id"].iter().find_map(|name| made[name].as_str()).unwrap();
            assert!(target.values().any(|told| told == id), "{action}: {target:?} does not name {id}");
        }
    }
    let all = closed.ask(Method::GET, "/v1/audit?limit=1000", &Value::Null).await.text();
    assert!(!all.contains(&closed.admin[27..]), "a token is in the audit log");
    closed.app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refused_change_is_told_and_what_changed_nothing_is_not() {
    let closed = closed().await;
    let (viewer_id, viewer) = closed.app.token("viewer", Role::Viewer, None).await;
    let from = |number: usize, mut request: Request<Body>| {
        let peer: SocketAddr = format!("10.1.0.{}:9", number + 1).parse().unwrap();
        request.extensions_mut().insert(Peer(peer));
        request
    };
    for (number, (method, template)) in changes().into_iter().enumerate() {
        let (action, path) = (format!("{method} {template}"), address(&template));
        let without = from(number, request(method.clone(), &path, &[], Body::empty()));
        assert_eq!(closed.app.send(without).await.status, 401, "{action}");
        let entry = closed.newest().await;
        assert_eq!((&entry["action"], &entry["status"]), (&json!(action), &json!(401)));
        assert_eq!((&entry["actor"], &entry["token_id"]), (&json!("anonymous"), &Value::Null), "{action}");
        assert_eq!(entry["address"], format!("10.1.0.{}", number + 1), "{action}");
        if template == "/v1/session" {
            continue;
        }
        let authorization = format!("Bearer {viewer}");
        let weak = request(method, &path, &[("authorization", &authorization)], Body::empty());
        assert_eq!(closed.app.send(from(number, weak)).await.status, 403, "{action}");
        let entry = closed.newest().await;
        assert_eq!((&entry["action"], &entry["status"]), (&json!(action), &json!(403)));
        assert_eq!((&entry["actor"], &entry["token_id"]), (&json!("viewer"), &json!(viewer_id)), "{action}");
    }
    let before = closed.newest().await;
    for (path, body) in
        [("/v1/runs", json!({"tool_id": "nope"})), ("/v1/runs", json!({"bogus": 1})), ("/v1/tokens", json!({}))]
    {
        assert!(closed.ask(Method::POST, path, &body).await.status.is_client_error());
    }
    let missing = address("/v1/runs/{run_id}/cancel");
    assert_eq!(closed.ask(Method::POST, &missing, &Value::Null).await.status, 404);
    assert_eq!(closed.newest().await, before, "nothing was changed");
    closed.app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_changes_do_not_fill_the_log() {
    let closed = closed().await;
    for _ in 0..50 {
        let answer = closed.app.post("/v1/runs", &json!({})).await;
        assert_eq!(answer.status, 401);
    }
    let told = closed.get("/v1/audit?action=POST%20%2Fv1%2Fruns").await.as_array().unwrap().len();
    assert_eq!(told, 10);
    closed.app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_told_once() {
    let closed = closed().await;
    let authorization = format!("Bearer {}", closed.admin);
    let headers = [("authorization", authorization.as_str()), ("idempotency-key", "k")];
    let body = json!({"tool_id": "script", "params": {"script": "true"}});
    for _ in 0..3 {
        closed.app.post_with("/v1/runs", &headers, &body).await.expect(201);
    }
    let told = closed.get("/v1/audit?action=POST%20%2Fv1%2Fruns").await;
    assert_eq!(told.as_array().unwrap().len(), 1);
    closed.app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_authentication_changes_are_told_as_well() {
    let app = TestApp::new().await;
    let run = app.submit("true").await;
    let entry = app.get("/v1/audit").await.expect(200)[0].clone();
    assert_eq!((&entry["actor"], &entry["action"]), (&json!("anonymous"), &json!("POST /v1/runs")));
    assert_eq!(entry["target"], json!({"run_id": run}));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_in_pages_and_filtered_by_who_what_and_when() {
    let closed = closed().await;
    let (operator_id, operator) = closed.app.token("op", Role::Operator, None).await;
    let authorization = format!("Bearer {operator}");
    let body = json!({"tool_id": "script", "params": {"script": "true"}});
    for _ in 0..3 {
        closed.app.post_with("/v1/runs", &[("authorization", &authorization)], &body).await.expect(201);
    }
    closed.submit("true").await;
    let count = async |query: &str| closed.get(&format!("/v1/audit?{query}")).await.as_array().unwrap().len();
    assert_eq!(count("actor=op").await, 3);
    assert_eq!(count(&format!("actor={operator_id}")).await, 3);
    assert_eq!(count("action=POST%20%2Fv1%2Fruns").await, 4);
    assert_eq!(count("actor=local&action=cts-lite%20token%20create").await, 2);
    assert_eq!(count("since=2999-01-01T00:00:00Z").await, 0);
    assert_eq!(count("until=2000-01-01T00:00:00Z").await, 0);
    let (mut seen, mut path) = (Vec::new(), "/v1/audit?limit=2&actor=op".to_owned());
    loop {
        let page = closed.ask(Method::GET, &path, &Value::Null).await;
        seen.extend(page.expect(200).as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()));
        let Some(link) = cts_api::page::next_url(page.header("link")).map(str::to_owned) else { break };
        assert!(link.ends_with(&format!("limit=2&actor=op&cursor={}", page.header("x-next-cursor"))), "{link}");
        path = link.trim_start_matches("http://localhost:8080").to_owned();
    }
    assert!(seen.len() == 3 && seen.is_sorted_by(|a, b| a > b), "{seen:?}");
    for bad in ["cursor=x", "cursor=n123", "limit=0", "since=yesterday"] {
        let refused = closed.ask(Method::GET, &format!("/v1/audit?{bad}"), &Value::Null).await;
        assert_eq!(refused.problem(400), "INVALID_REQUEST", "{bad}");
    }
    tokio::time::timeout(Duration::from_secs(60), closed.app.end()).await.unwrap();
}
