//! Who may do what: every route without a token, with one that is not good, with one that is too weak, with a good one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use cts_api::Role;
use cts_model::token::key;
use cts_model::{Ids, ManualClock, SystemClock, Timestamp, TokenId};
use cts_server::Peer;
use expect_test::expect;
use futures_util::future::join_all;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::app::{Answer, PATIENCE, TestApp, request};
use crate::endpoints::{address, operations};

const HOUR: Duration = Duration::from_hours(1);

fn clock() -> Arc<ManualClock> {
    ManualClock::new(Timestamp::from_ms(1_764_063_000_000))
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Asks from an address of its own, so that counts of addresses do not meet.
async fn ask(app: &TestApp, from: usize, method: &Method, path: &str, token: Option<&str>) -> Answer {
    let address = format!("10.0.{}.{}:1000", from / 250, from % 250 + 1).parse::<SocketAddr>().unwrap();
    let authorization = token.map(bearer);
    let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
    let mut request = request(method.clone(), path, &headers, Body::empty());
    request.extensions_mut().insert(Peer(address));
    app.send_head(request).await
}

/// Returns the text of a token that nobody made.
fn unknown_token() -> String {
    let id = TokenId::new(&Ids::new(Arc::new(SystemClock)));
    key::new(id, || 7).reveal().to_owned()
}

fn role_of(operation: &Value) -> Option<Role> {
    serde_json::from_value(operation["x-required-role"].clone()).ok()
}

#[test]
fn the_roles_of_all_routes() {
    let mut lines: Vec<String> = operations()
        .iter()
        .map(|(method, path, operation)| {
            let role = operation["x-required-role"].as_str().unwrap_or("-");
            format!("{role:9}{:7}{path}\n", method.as_str())
        })
        .collect();
    lines.sort();
    expect![[r#"
        -        GET    /docs
        -        GET    /docs/page.css
        -        GET    /docs/page.js
        -        GET    /health/live
        -        GET    /health/ready
        -        GET    /health/simple
        -        GET    /health/startup
        -        GET    /v1/health
        -        GET    /v1/version
        -        POST   /v1/session
        admin    DELETE /v1/tokens/{token_id}
        admin    GET    /v1/audit
        admin    GET    /v1/log-level
        admin    GET    /v1/tokens
        admin    POST   /v1/tokens
        admin    PUT    /v1/log-level
        operator DELETE /v1/artifacts/{artifact_id}
        operator DELETE /v1/runs/{run_id}
        operator POST   /v1/runs
        operator POST   /v1/runs/{run_id}/cancel
        operator POST   /v1/runs/{run_id}/rerun
        operator POST   /v1/uploads
        operator POST   /v1/uploads/{upload_id}/finalize
        operator PUT    /v1/uploads/{upload_id}
        viewer   DELETE /v1/session
        viewer   GET    /config/status
        viewer   GET    /health
        viewer   GET    /health/detailed
        viewer   GET    /health/metrics
        viewer   GET    /metrics
        viewer   GET    /openapi.json
        viewer   GET    /v1/artifacts/{artifact_id}
        viewer   GET    /v1/artifacts/{artifact_id}/content
        viewer   GET    /v1/artifacts/{artifact_id}/download
        viewer   GET    /v1/artifacts/{artifact_id}/preview
        viewer   GET    /v1/capabilities
        viewer   GET    /v1/config/status
        viewer   GET    /v1/metrics
        viewer   GET    /v1/runs
        viewer   GET    /v1/runs/events
        viewer   GET    /v1/runs/{run_id}
        viewer   GET    /v1/runs/{run_id}/artifacts
        viewer   GET    /v1/runs/{run_id}/artifacts.zip
        viewer   GET    /v1/runs/{run_id}/logs
        viewer   GET    /v1/runs/{run_id}/logs/list
        viewer   GET    /v1/session
        viewer   GET    /v1/uploads/{upload_id}
    "#]]
    .assert_eq(&lines.concat());
}

#[test]
fn the_document_says_how_every_route_is_proved_and_refused() {
    let document: Value = serde_json::from_str(&cts_server::repository_document()).unwrap();
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(
        (schemes["token"]["scheme"].as_str(), schemes["session"]["name"].as_str()),
        (Some("bearer"), Some("cts_session_8080"))
    );
    for (method, path, operation) in operations() {
        let is_open = role_of(&operation).is_none();
        let security = operation["security"].as_array().unwrap_or_else(|| panic!("{method} {path} says nothing"));
        assert_eq!(is_open, !security.contains(&json!({"token": []})), "{method} {path}");
        for status in ["401", "403", "429"] {
            let declared = operation["responses"][status].is_object();
            assert!(is_open || declared, "{method} {path} does not tell {status}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asks_for_a_token_that_is_good_and_strong_enough() {
    let clock = clock();
    let app = TestApp::closed(&clock).await;
    let roles = [("viewer", Role::Viewer), ("operator", Role::Operator), ("admin", Role::Admin)];
    let mut tokens = Vec::new();
    for (name, role) in roles {
        tokens.push((name, role, app.token(name, role, None).await.1));
    }
    let expired = app.token("expired", Role::Admin, Some(Duration::from_secs(1))).await.1;
    let (revoked_id, revoked) = app.token("revoked", Role::Admin, None).await;
    clock.advance(HOUR);
    let admin = &tokens[2].2;
    let gone = ask(&app, 0, &Method::DELETE, &format!("/v1/tokens/{revoked_id}"), Some(admin)).await;
    assert_eq!(gone.status, 204);
    let unknown = unknown_token();

    for (number, (method, path, operation)) in operations().iter().enumerate() {
        let address = address(path);
        let what = format!("{method} {path}");
        // An admin's own session is ended by one of the routes; everything else is asked for things that are not there.
        let Some(needed) = role_of(operation) else {
            if *method == Method::GET {
                // Whatever a probe sends along, it is answered; a service that is not ready says so.
                for token in [None, Some(unknown.as_str())] {
                    let status = ask(&app, number, method, &address, token).await.status.as_u16();
                    assert!(status == 200 || (path.starts_with("/health/") && status == 503), "{what}: {status}");
                }
            } else {
                assert_eq!(
                    ask(&app, number, method, &address, None).await.problem(401),
                    "AUTHENTICATION_REQUIRED",
                    "{what}"
                );
                assert_eq!(
                    ask(&app, number, method, &address, Some(&unknown)).await.problem(401),
                    "INVALID_TOKEN",
                    "{what}"
                );
            }
            continue;
        };
        let without = ask(&app, number, method, &address, None).await;
        assert_eq!(without.problem(401), "AUTHENTICATION_REQUIRED", "{what}");
        assert_eq!(without.header("www-authenticate"), "Bearer realm=\"cts\"", "{what}");
        for (token, code) in [
            ("hunter2", "INVALID_TOKEN"),
            (unknown.as_str(), "INVALID_TOKEN"),
            (expired.as_str(), "TOKEN_EXPIRED"),
            (revoked.as_str(), "TOKEN_REVOKED"),
        ] {
            let refused = ask(&app, number, method, &address, Some(token)).await;
            assert_eq!(refused.problem(401), code, "{what}");
            assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"cts\", error=\"invalid_token\"", "{what}");
            assert!(!refused.text().contains(token), "{what} repeats the token");
        }
        for (name, role, token) in &tokens {
            let answer = ask(&app, number, method, &address, Some(token)).await;
            let is_strong = cts_model::Role::from(*role).allows(needed.into());
            if is_strong {
                assert!(!matches!(answer.status.as_u16(), 401 | 403), "{what} as {name}: {}", answer.status);
            } else {
                assert_eq!(answer.problem(403), "ROLE_REQUIRED", "{what} as {name}");
                let needed = cts_model::Role::from(needed).as_str();
                assert!(answer.text().contains(&format!("needs the role {needed}")), "{what}: {}", answer.text());
                assert!(answer.header("www-authenticate").contains("insufficient_scope"), "{what}");
            }
        }
    }
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_authentication_everybody_may_do_everything() {
    let app = TestApp::new().await;
    let token = app.post("/v1/tokens", &json!({"name": "ci", "role": "viewer"})).await.expect(201);
    assert_eq!(token["created_by"], "anonymous");
    // What is sent along is not looked at.
    let headers = [("authorization", "Bearer hunter2")];
    let run = json!({"tool_id": "script", "params": {"script": "true"}});
    assert_eq!(app.post_with("/v1/runs", &headers, &run).await.expect(201)["created_by"], "anonymous");
    let session = app.get("/v1/session").await.expect(200);
    assert_eq!((session["authentication_required"].clone(), session["role"].clone()), (json!(false), json!("admin")));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_told_once_and_then_only_about() {
    let clock = clock();
    let app = TestApp::closed(&clock).await;
    let admin = bearer(&app.token("ada", Role::Admin, None).await.1);
    let headers = [("authorization", admin.as_str()), ("idempotency-key", "k-1")];
    let body = json!({"name": "ci", "role": "operator", "expires_in_seconds": 90});
    let made = app.post_with("/v1/tokens", &headers, &body).await;
    let token = made.expect(201);
    assert!(made.header("location").ends_with(&format!("/v1/tokens/{}", token["id"].as_str().unwrap())));
    assert_eq!(made.header("cache-control"), "no-store");
    let text = token["token"].as_str().unwrap().to_owned();
    assert_eq!(key::id_of(&text).unwrap().to_string(), token["id"]);

    let again = app.post_with("/v1/tokens", &headers, &body).await;
    assert_eq!((again.expect(201)["id"].clone(), again.json()["token"].clone()), (token["id"].clone(), Value::Null));
    assert_eq!(again.header("idempotency-replayed"), "true");
    let other = json!({"name": "ci", "role": "admin"});
    assert_eq!(app.post_with("/v1/tokens", &headers, &other).await.problem(409), "IDEMPOTENCY_KEY_REUSED");

    clock.advance(Duration::from_secs(5));
    let ci = [("authorization", bearer(&text))];
    let ci: Vec<(&str, &str)> = ci.iter().map(|(name, value)| (*name, value.as_str())).collect();
    app.get_with("/v1/runs", &ci).await.expect(200);
    let listed = app.get_with("/v1/tokens", &headers[..1]).await;
    assert!(!listed.text().contains(&text[27..]));
    let of_ci = listed.json().as_array().unwrap().iter().find(|token| token["name"] == "ci").unwrap().clone();
    assert_eq!(of_ci["last_used_at"], "2025-11-25T09:30:05.000Z");
    assert_eq!((of_ci["created_by"].clone(), of_ci["status"].clone()), (json!("ada"), json!("active")));
    assert_eq!(of_ci["expires_at"], "2025-11-25T09:31:30.000Z");

    clock.advance(Duration::from_secs(84));
    app.get_with("/v1/runs", &ci).await.expect(200);
    clock.advance(Duration::from_secs(1));
    let over = app.get_with("/v1/runs", &ci).await;
    assert_eq!(over.problem(401), "TOKEN_EXPIRED");
    assert!(over.text().contains("the token ci expired at 2025-11-25T09:31:30"), "{}", over.text());
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn older_clients_send_the_same_token_in_another_word() {
    let app = TestApp::closed(&clock()).await;
    let token = app.token("old", Role::Viewer, None).await.1;
    for scheme in ["Bearer", "JWT", "jwt"] {
        let value = format!("{scheme} {token}");
        app.get_with("/v1/runs", &[("authorization", &value)]).await.expect(200);
    }
    let basic = app.get_with("/v1/runs", &[("authorization", &format!("Basic {token}"))]).await;
    assert_eq!(basic.problem(401), "INVALID_TOKEN");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_taken_back_is_good_for_nothing_from_the_answer_on() {
    let app = TestApp::closed(&clock()).await;
    let admin = app.token("ada", Role::Admin, None).await.1;
    for round in 0..20 {
        let (id, token) = app.token("ci", Role::Viewer, None).await;
        assert_eq!(ask(&app, round, &Method::GET, "/v1/runs", Some(&token)).await.status, 200);
        // Others ask with it all the time.
        let asking = join_all((0..4).map(|_| ask(&app, round, &Method::GET, "/v1/runs", Some(&token))));
        let path = format!("/v1/tokens/{id}");
        let revoking = ask(&app, 99, &Method::DELETE, &path, Some(&admin));
        let (_, revoked) = tokio::join!(asking, revoking);
        assert_eq!(revoked.status, 204);
        let after = ask(&app, round, &Method::GET, "/v1/runs", Some(&token)).await;
        assert_eq!(after.problem(401), "TOKEN_REVOKED");
        let again = ask(&app, 99, &Method::DELETE, &path, Some(&admin)).await;
        assert_eq!(again.status, 204, "taking it back again changes nothing");
    }
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_token_is_taken_back() {
    let app = TestApp::closed(&clock()).await;
    let admin = app.token("ada", Role::Admin, None).await.1;
    let (id, viewer) = app.token("ci", Role::Viewer, None).await;
    let headers = [("authorization", bearer(&viewer))];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let follow = request(Method::GET, "/v1/runs/events", &headers, Body::empty());
    let mut stream = app.app.handle(follow).await.into_body();
    assert_eq!(ask(&app, 1, &Method::DELETE, &format!("/v1/tokens/{id}"), Some(&admin)).await.status, 204);
    let run = json!({"tool_id": "script", "params": {"script": "true"}});
    let run = app.post_with("/v1/runs", &[("authorization", &bearer(&admin))], &run).await.expect(201);
    let run = run["run_id"].as_str().unwrap();
    let mut seen = String::new();
    while let Some(frame) = tokio::time::timeout(PATIENCE, stream.frame()).await.expect("the stream ends") {
        seen += &String::from_utf8_lossy(&frame.unwrap().into_data().unwrap_or_default());
    }
    assert!(!seen.contains(run), "{seen}");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_tell_whose_they_are_and_keys_of_one_are_not_those_of_another() {
    let app = TestApp::closed(&clock()).await;
    let body = json!({"tool_id": "script", "params": {"script": "true"}});
    let submit = async |token: &str| {
        let headers = [("authorization", bearer(token)), ("idempotency-key", "same".to_owned())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        app.post_with("/v1/runs", &headers, &body).await
    };
    let ci = app.token("ci", Role::Operator, None).await.1;
    let other = app.token("ci", Role::Operator, None).await.1;
    let first = submit(&ci).await.expect(201);
    assert_eq!(first["created_by"], "ci");
    let replayed = submit(&ci).await;
    assert_eq!(
        (replayed.expect(201)["run_id"].clone(), replayed.header("idempotency-replayed")),
        (first["run_id"].clone(), "true")
    );
    let second = submit(&other).await;
    assert_ne!(second.expect(201)["run_id"], first["run_id"], "the same name is not the same token");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_limited_by_address_and_hurts_nobody_who_was_right_there_before() {
    let app = TestApp::closed(&clock()).await;
    let known = app.token("known", Role::Viewer, None).await.1;
    let new = app.token("new", Role::Viewer, None).await.1;
    assert_eq!(ask(&app, 1, &Method::GET, "/v1/runs", Some(&known)).await.status, 200);
    for guess in 0..10 {
        let token = if guess % 2 == 0 { unknown_token() } else { "hunter2".to_owned() };
        assert_eq!(ask(&app, 1, &Method::GET, "/v1/runs", Some(&token)).await.problem(401), "INVALID_TOKEN", "{guess}");
    }
    let limited = ask(&app, 1, &Method::GET, "/v1/runs", Some(&unknown_token())).await;
    assert_eq!(limited.problem(429), "TOO_MANY_ATTEMPTS");
    let wait: u32 = limited.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!((limited.header("ratelimit-limit"), limited.header("ratelimit-remaining")), ("10", "0"));
    // A right token that comes only now is not looked at: otherwise guessing would not be limited at all.
    assert_eq!(ask(&app, 1, &Method::GET, "/v1/runs", Some(&new)).await.problem(429), "TOO_MANY_ATTEMPTS");
    assert_eq!(
        ask(&app, 1, &Method::GET, "/v1/runs", Some(&known)).await.status,
        200,
        "it was right from there before"
    );
    assert_eq!(ask(&app, 2, &Method::GET, "/v1/runs", Some(&new)).await.status, 200, "from elsewhere it is");
    // Without a token nothing is guessed.
    assert_eq!(ask(&app, 1, &Method::GET, "/v1/runs", None).await.problem(401), "AUTHENTICATION_REQUIRED");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_whose_time_is_over_is_no_guess() {
    let clock = clock();
    let app = TestApp::closed(&clock).await;
    let expired = app.token("old", Role::Viewer, Some(HOUR)).await.1;
    let good = app.token("good", Role::Viewer, None).await.1;
    clock.advance(HOUR);
    for _ in 0..50 {
        assert_eq!(ask(&app, 1, &Method::GET, "/v1/runs", Some(&expired)).await.problem(401), "TOKEN_EXPIRED");
    }
    assert_eq!(ask(&app, 1, &Method::GET, "/v1/runs", Some(&good)).await.status, 200);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_requests_at_once_exactly_the_limit_pass() {
    let app = TestApp::with(|_, http| {
        http.require_authentication = true;
        http.requests_per_minute = Some(60);
    })
    .await;
    let app = Arc::new(app);
    let token = app.token("ci", Role::Viewer, None).await.1;
    let tasks: Vec<_> = (0..16)
        .map(|from| {
            let (app, token) = (Arc::clone(&app), token.clone());
            tokio::spawn(async move {
                let mut passed = 0;
                for _ in 0..20 {
                    // From many addresses: it is one token.
                    let answer = ask(&app, from, &Method::GET, "/v1/session", Some(&token)).await;
                    match answer.status.as_u16() {
                        200 => passed += 1,
                        429 => assert_eq!(answer.problem(429), "RATE_LIMITED"),
                        other => panic!("{other}"),
                    }
                }
                passed
            })
        })
        .collect();
    let passed: u32 = join_all(tasks).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(passed, 60);
    let other = app.token("other", Role::Viewer, None).await.1;
    let answer = ask(&app, 1, &Method::GET, "/v1/session", Some(&other)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("ratelimit-limit"), answer.header("ratelimit-remaining")),
        (200, "60", "59")
    );
    assert!(!answer.header("ratelimit-reset").is_empty());
    Arc::into_inner(app).unwrap().end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_requests_are_counted_by_address_and_probes_are_not() {
    let app = TestApp::with(|_, http| http.requests_per_minute = Some(3)).await;
    for _ in 0..3 {
        assert_eq!(ask(&app, 1, &Method::GET, "/v1/runs", None).await.status, 200);
    }
    let limited = ask(&app, 1, &Method::GET, "/v1/runs", None).await;
    assert_eq!(limited.problem(429), "RATE_LIMITED");
    assert!(limited.header("retry-after").parse::<u32>().unwrap() > 0);
    assert_eq!(ask(&app, 2, &Method::GET, "/v1/runs", None).await.status, 200);
    for _ in 0..10 {
        assert_eq!(ask(&app, 1, &Method::GET, "/v1/health", None).await.status, 200);
    }
    let closed = TestApp::with(|_, http| {
        http.require_authentication = true;
        http.requests_per_minute = Some(3);
    })
    .await;
    for _ in 0..3 {
        assert_eq!(ask(&closed, 1, &Method::GET, "/v1/runs", None).await.status, 401);
    }
    assert_eq!(ask(&closed, 1, &Method::GET, "/v1/runs", None).await.problem(429), "RATE_LIMITED");
    closed.end().await;
    app.end().await;
}

/// Sends a request with the cookie and the headers of a page.
async fn browse(app: &TestApp, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut all = vec![("content-type", "application/json"), ("sec-fetch-site", "same-origin")];
    all.extend_from_slice(headers);
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    app.send(request(method, path, &all, body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_a_session_that_changes_things_only_with_its_proof() {
    let app = TestApp::closed(&clock()).await;
    let token = app.token("ada", Role::Operator, None).await.1;
    let none = browse(&app, Method::POST, "/v1/session", &[], &json!({})).await;
    assert_eq!(none.problem(401), "AUTHENTICATION_REQUIRED");
    let wrong = browse(&app, Method::POST, "/v1/session", &[], &json!({"token": unknown_token()})).await;
    assert_eq!(wrong.problem(401), "INVALID_TOKEN");
    let foreign = [("origin", "https://evil.example")];
    let foreign = browse(&app, Method::POST, "/v1/session", &foreign, &json!({"token": token})).await;
    assert_eq!(foreign.problem(403), "FOREIGN_ORIGIN");

    let made = browse(&app, Method::POST, "/v1/session", &[], &json!({"token": token})).await;
    let session = made.expect(200);
    assert_eq!((session["actor"].clone(), session["role"].clone()), (json!("ada"), json!("operator")));
    assert!(!made.text().contains(&token), "the token is not repeated");
    let cookie = made.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; Max-Age=43200") && !cookie.contains("Secure"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert!(!cookie.contains(&token[27..]));
    let csrf = session["csrf_token"].as_str().unwrap().to_owned();

    let with = |extra: &[(&'static str, String)]| {
        let mut headers = vec![("cookie", cookie.clone())];
        headers.extend_from_slice(extra);
        headers
    };
    let send = async |method: Method, path: &str, extra: &[(&'static str, String)], body: &Value| {
        let headers = with(extra);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browse(&app, method, path, &headers, body).await
    };
    let run = json!({"tool_id": "script", "params": {"script": "true"}});
    send(Method::GET, "/v1/runs", &[], &Value::Null).await.expect(200);
    assert_eq!(send(Method::GET, "/v1/session", &[], &Value::Null).await.expect(200)["csrf_token"], csrf);
    assert_eq!(send(Method::POST, "/v1/runs", &[], &run).await.problem(403), "CSRF_TOKEN_REQUIRED");
    let bad = [("x-csrf-token", "0".repeat(64))];
    assert_eq!(send(Method::POST, "/v1/runs", &bad, &run).await.problem(403), "CSRF_TOKEN_REQUIRED");
    let good = [("x-csrf-token", csrf.clone())];
    assert_eq!(send(Method::POST, "/v1/runs", &good, &run).await.expect(201)["created_by"], "ada");
    let foreign = [("x-csrf-token", csrf.clone()), ("origin", "https://evil.example".to_owned())];
    assert_eq!(send(Method::POST, "/v1/runs", &foreign, &run).await.problem(403), "FOREIGN_ORIGIN");
    assert_eq!(send(Method::GET, "/v1/tokens", &[], &Value::Null).await.problem(403), "ROLE_REQUIRED");

    // Neither is the other: a cookie is no token, and a token no cookie.
    let as_token = [("authorization", bearer(cookie.split_once('=').unwrap().1))];
    let as_token: Vec<(&str, &str)> = as_token.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(app.get_with("/v1/runs", &as_token).await.problem(401), "INVALID_TOKEN");
    let as_cookie = format!("cts_session_8080={token}");
    assert_eq!(app.get_with("/v1/runs", &[("cookie", &as_cookie)]).await.problem(401), "INVALID_TOKEN");

    let ended = send(Method::DELETE, "/v1/session", &good, &Value::Null).await;
    assert_eq!(ended.status, 204);
    assert!(ended.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(send(Method::GET, "/v1/runs", &[], &Value::Null).await.problem(401), "INVALID_TOKEN");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_dies_with_its_token() {
    let clock = clock();
    let app = TestApp::closed(&clock).await;
    let admin = app.token("root", Role::Admin, None).await.1;
    let (id, token) = app.token("ada", Role::Viewer, None).await;
    let open = async |token: &str| {
        let headers = [("authorization", bearer(token)), ("x-forwarded-proto", "https".to_owned())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let made = browse(&app, Method::POST, "/v1/session", &headers, &Value::Null).await;
        made.expect(200);
        assert!(made.header("set-cookie").ends_with("; Secure"));
        assert!(!made.header("strict-transport-security").is_empty());
        made.header("set-cookie").split(';').next().unwrap().to_owned()
    };
    let cookie = open(&token).await;
    app.get_with("/v1/runs", &[("cookie", &cookie)]).await.expect(200);
    assert_eq!(ask(&app, 1, &Method::DELETE, &format!("/v1/tokens/{id}"), Some(&admin)).await.status, 204);
    assert_eq!(app.get_with("/v1/runs", &[("cookie", &cookie)]).await.problem(401), "INVALID_TOKEN");

    let short = app.token("short", Role::Viewer, Some(HOUR)).await.1;
    let cookie = open(&short).await;
    clock.advance(HOUR);
    assert_eq!(app.get_with("/v1/runs", &[("cookie", &cookie)]).await.problem(401), "TOKEN_EXPIRED");
    let cookie = open(&admin).await;
    clock.advance(Duration::from_hours(12));
    let over = app.get_with("/v1/runs", &[("cookie", &cookie)]).await;
    assert_eq!(over.problem(401), "TOKEN_EXPIRED");
    assert!(over.text().contains("the session ended at"), "{}", over.text());
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_listed_origins_may_read_and_send_a_token() {
    let origin = "https://ui.example";
    let app = TestApp::with(|_, http| {
        http.require_authentication = true;
        http.cors_allowed_origins = vec![origin.to_owned()];
    })
    .await;
    let asks = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let preflight = app.call(Method::OPTIONS, "/v1/runs", &asks, Body::empty()).await;
    assert_eq!((preflight.status.as_u16(), preflight.header("access-control-allow-origin")), (204, origin));
    assert!(preflight.header("access-control-allow-headers").contains("Authorization"));
    assert!(preflight.header("access-control-allow-methods").contains("POST"));
    assert!(preflight.header("access-control-allow-credentials").is_empty());
    let refused = app.get_with("/v1/runs", &[("origin", origin)]).await;
    assert_eq!(
        (refused.problem(401).as_str(), refused.header("access-control-allow-origin")),
        ("AUTHENTICATION_REQUIRED", origin)
    );
    let foreign = [("origin", "https://evil.example"), asks[1]];
    let preflight = app.call(Method::OPTIONS, "/v1/runs", &foreign, Body::empty()).await;
    assert_eq!((preflight.status.as_u16(), preflight.header("access-control-allow-origin")), (405, ""));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_clients_are_told_apart() {
    let app = TestApp::with(|_, http| {
        http.requests_per_minute = Some(1);
        http.trusted_proxies = vec!["10.0.0.0/24".parse().unwrap()];
    })
    .await;
    let from = async |proxy: &str, client: &str| {
        let mut request = request(Method::GET, "/v1/runs", &[("x-forwarded-for", client)], Body::empty());
        request.extensions_mut().insert(Peer(proxy.parse().unwrap()));
        app.send(request).await.status.as_u16()
    };
    assert_eq!(from("10.0.0.1:1", "1.1.1.1").await, 200);
    assert_eq!(from("10.0.0.2:1", "1.1.1.1").await, 429, "the same client through another proxy");
    assert_eq!(from("10.0.0.1:1", "2.2.2.2").await, 200);
    assert_eq!(from("9.9.9.9:1", "3.3.3.3").await, 200);
    assert_eq!(from("9.9.9.9:1", "4.4.4.4").await, 429, "who is no proxy cannot say that it is somebody else");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_past_the_limit_of_tokens_is_refused_with_what_to_do() {
    let app = TestApp::new().await;
    let make =
        async |number: usize| app.post("/v1/tokens", &json!({"name": format!("t{number}"), "role": "viewer"})).await;
    let made = join_all((0..1000).map(make)).await;
    assert!(made.iter().all(|answer| answer.status == 201));
    assert_eq!(make(1000).await.problem(409), "TOO_MANY_TOKENS");
    let id = made[0].json()["id"].as_str().unwrap().to_owned();
    assert_eq!(app.call(Method::DELETE, &format!("/v1/tokens/{id}"), &[], Body::empty()).await.status, 204);
    assert_eq!(make(1001).await.status, 201);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_or_method_tells_nothing_but_that() {
    let app = TestApp::closed(&clock()).await;
    assert_eq!(ask(&app, 1, &Method::GET, "/v1/nope", None).await.problem(404), "ROUTE_NOT_FOUND");
    assert_eq!(ask(&app, 1, &Method::PATCH, "/v1/runs", None).await.problem(405), "METHOD_NOT_ALLOWED");
    let two = Request::builder().uri("/v1/runs").header("host", "localhost");
    let two = two.header("authorization", "Bearer a").header("authorization", "Bearer b").body(Body::empty()).unwrap();
    assert_eq!(app.send(two).await.problem(401), "INVALID_TOKEN");
    app.end().await;
}
