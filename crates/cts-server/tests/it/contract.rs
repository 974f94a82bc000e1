//! Corners of the contract that only a client finds who reads it sentence by sentence.

use axum::body::Body;
use http::Method;
use serde_json::json;
use sha2::Digest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_last_event_id_beyond_every_number_is_reset_like_any_that_is_ahead() {
    let app = TestApp::new().await;
    let run = app.run("echo one").await["run_id"].as_str().unwrap().to_owned();
    for id in ["18446744073709551615", "18446744073709551615.end", "9223372036854775807", "9223372036854775807.end"] {
        let headers = [("last-event-id", id)];
        let log = app.get_with(&format!("/v1/runs/{run}/logs"), &headers).await;
        assert!(log.text().starts_with("event: reset\ndata: {\"first\":1,"), "{id}: {}", log.text());
        assert!(log.text().contains("id: 1.end"));
        let plain = app.get_with(&format!("/v1/runs/{run}/logs"), &[headers[0], ("accept", "text/plain")]).await;
        assert_eq!((plain.status.as_u16(), plain.body.len()), (200, 0), "{id}");
        let changes = crate::app::request(Method::GET, "/v1/runs/events", &headers, Body::empty());
        assert_eq!(app.app.handle(changes).await.status(), 200, "{id}");
    }
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_artifact_is_looked_into_and_downloaded() {
    let app = TestApp::new().await;
    let run = app.run(": > a.txt; : > b.csv").await;
    let artifacts = app.get(&format!("/v1/runs/{}/artifacts", run["run_id"].as_str().unwrap())).await.expect(200);
    let path = |index: usize| format!("/v1/artifacts/{}", artifacts[index]["id"].as_str().unwrap());
    let text = app.get(&(path(0) + "/preview")).await.expect(200);
    assert_eq!(text, json!({"kind": "text", "text": "", "truncated": false}));
    let table = app.get(&(path(1) + "/preview")).await.expect(200);
    assert_eq!(table, json!({"kind": "table", "columns": [], "rows": [], "truncated": false}));
    let whole = app.get(&(path(0) + "/download")).await;
    assert_eq!((whole.status.as_u16(), whole.header("content-length"), whole.body.len()), (200, "0", 0));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_known_again_when_its_names_come_in_another_order() {
    let app = TestApp::new().await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "k-1")];
    let send = async |text: &'static str| app.call(Method::POST, "/v1/runs", &headers, Body::from(text)).await;
    let first = send(r#"{"tool_id": "script", "params": {"script": "true"}, "labels": {"a": "1", "b": "2"}}"#).await;
    let again = send(r#"{"labels":{"b":"2","a":"1"},"params":{"script":"true"},"tool_id":"script"}"#).await;
    assert_eq!(first.expect(201)["run_id"], again.expect(201)["run_id"]);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), first.header("location"));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_known_again_by_its_bytes() {
    let app = TestApp::new().await;
    let headers = [("content-type", "multipart/form-data; boundary=XX"), ("idempotency-key", "f-1")];
    let send = async |bytes: &str| {
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"";
        let form = format!("--XX\r\n{head}\r\n\r\n{bytes}\r\n--XX--\r\n");
        app.call(Method::POST, "/v1/uploads", &headers, Body::from(form)).await
    };
    let first = send("abc").await.expect(201);
    let again = send("abc").await;
    assert_eq!(
        (again.expect(201)["upload_id"].clone(), again.header("idempotency-replayed")),
        (first["upload_id"].clone(), "true")
    );
    assert_eq!(send("abd").await.problem(409), "IDEMPOTENCY_KEY_REUSED");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_that_was_declared_counts_although_another_comes_with_the_finalization() {
    let app = TestApp::new().await;
    let sum = |bytes: &[u8]| cts_model::Sha256(sha2::Sha256::digest(bytes).into()).to_string();
    let declared = json!({"filename": "a.txt", "size": 3, "sha256": sum(b"abc")});
    let upload = app.post("/v1/uploads", &declared).await.expect(201);
    let path = format!("/v1/uploads/{}", upload["upload_id"].as_str().unwrap());
    app.call(Method::PUT, &path, &[], Body::from("abd")).await.expect(200);
    let other = app.post(&format!("{path}/finalize"), &json!({"sha256": sum(b"abd")})).await;
    assert_eq!(other.problem(422), "CHECKSUM_MISMATCH");
    assert_eq!(app.get(&path).await.problem(404), "UPLOAD_NOT_FOUND");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_could_be_read_in_two_ways_is_refused() {
    let app = TestApp::new().await;
    let send = async |headers: &[(&str, &str)], text: &'static str| {
        app.call(Method::POST, "/v1/runs", headers, Body::from(text)).await
    };
    let json = ("content-type", "application/json");
    let twice = send(&[json], r#"{"tool_id": "script", "params": {}, "tool_id": "typed"}"#).await;
    assert_eq!(twice.problem(400), "INVALID_BODY");
    let packed = send(&[json, ("content-encoding", "gzip")], "{}").await;
    assert_eq!(packed.problem(415), "UNSUPPORTED_MEDIA_TYPE");
    let plain = send(&[json, ("content-encoding", "identity")], "null").await;
    assert_eq!(plain.problem(400), "INVALID_REQUEST");
    assert_eq!(plain.json()["errors"][0]["pointer"], "/tool_id", "null is a body without fields");
    let hosts = send(&[json, ("host", "evil.example")], "{}").await;
    assert_eq!(hosts.problem(400), "INVALID_REQUEST", "the second Host is not passed over");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_encodings_and_units_are_read_in_any_case() {
    let app = TestApp::new().await;
    let document = app.get_with("/openapi.json", &[("accept-encoding", "GZIP")]).await;
    assert_eq!(document.header("content-encoding"), "gzip");
    let run = app.run("printf 0123456789 > a.txt").await;
    let path = format!("/v1/artifacts/{}/content", run["artifacts"][0].as_str().unwrap());
    let part = app.get_with(&path, &[("range", "Bytes=2-3")]).await;
    assert_eq!((part.status.as_u16(), part.text().as_str()), (206, "23"));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_everything_before_it_looks_gets_its_refusal() {
    let app = TestApp::new().await;
    let listening = cts_server::Listening::bind("port", "127.0.0.1", 0).await.unwrap();
    let address = listening.address();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let served = app.app.clone();
    let serving = tokio::spawn(async move { served.serve(listening, stopped).await });
    // More than the buffers of two sockets hold.
    let body = vec![b' '; 16 << 20];
    for (path, status) in [("/v1/runs", "413"), ("/v1/nope", "404")] {
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(&body).await.unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), format!("HTTP/1.1 {status}"));
    }
    stop.send_replace(true);
    serving.await.unwrap();
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_no_line_can_have_is_refused() {
    let app = TestApp::new().await;
    let run = app.run("echo one").await["run_id"].as_str().unwrap().to_owned();
    for path in [format!("/v1/runs/{run}/logs"), format!("/v1/runs/{run}/logs/list"), "/v1/runs/events".to_owned()] {
        assert_eq!(
            app.get(&format!("{path}?from=9223372036854775808")).await.problem(400),
            "INVALID_REQUEST",
            "{path}"
        );
    }
    app.end().await;
}
