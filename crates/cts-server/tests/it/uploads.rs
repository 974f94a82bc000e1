//! Uploads: declared and sent in pieces, or all in one call.

use axum::body::Body;
use futures_util::stream;
use http::Method;
use serde_json::{Value, json};
use sha2::Digest;

use crate::app::{Answer, TestApp};

fn sum(bytes: &[u8]) -> String {
    cts_model::Sha256(sha2::Sha256::digest(bytes).into()).to_string()
}

async fn declare(app: &TestApp, body: &Value) -> Value {
    app.post("/v1/uploads", body).await.expect(201)
}

fn path(upload: &Value) -> String {
    let url = upload["upload_url"].as_str().unwrap();
    url.strip_prefix("http://localhost:8080").expect("the URL is absolute").to_owned()
}

async fn put(app: &TestApp, upload: &Value, offset: Option<&str>, bytes: &'static [u8]) -> Answer {
    let headers: Vec<(&str, &str)> = offset.into_iter().map(|offset| ("upload-offset", offset)).collect();
    app.call(Method::PUT, &path(upload), &headers, Body::from(bytes)).await
}

async fn finalize(app: &TestApp, upload: &Value, body: Body) -> Answer {
    let headers = [("content-type", "application/json")];
    app.call(Method::POST, &format!("{}/finalize", path(upload)), &headers, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_in_pieces_over_cut_connections_and_becomes_an_input() {
    let app = TestApp::new().await;
    let upload = declare(&app, &json!({"filename": "a.txt", "size": 10, "sha256": sum(b"0123456789")})).await;
    assert_eq!(upload["status"], "pending");
    // A connection that breaks off loses nothing that has arrived.
    let broken = stream::iter([Ok("0123"), Err(std::io::Error::other("cut"))]);
    let cut = app.call(Method::PUT, &path(&upload), &[], Body::from_stream(broken)).await;
    assert_eq!(cut.problem(400), "INVALID_BODY");
    let head = app.call(Method::HEAD, &path(&upload), &[], Body::empty()).await;
    assert_eq!((head.header("upload-offset"), head.header("upload-length")), ("4", "10"));
    assert_eq!(finalize(&app, &upload, Body::empty()).await.problem(409), "UPLOAD_INCOMPLETE");
    let wrong = put(&app, &upload, Some("3"), b"x").await;
    assert_eq!((wrong.problem(409).as_str(), wrong.header("upload-offset")), ("UPLOAD_OFFSET_MISMATCH", "4"));
    assert_eq!(put(&app, &upload, Some("-1"), b"x").await.problem(400), "INVALID_REQUEST");
    assert_eq!(put(&app, &upload, Some("4"), b"456789x").await.problem(413), "BODY_TOO_LARGE");
    let there = app.get(&path(&upload)).await.expect(200)["offset"].as_u64().unwrap();
    let rest = &b"0123456789"[usize::try_from(there).unwrap()..];
    put(&app, &upload, Some(&there.to_string()), rest).await.expect(200);
    let ready = finalize(&app, &upload, Body::empty()).await.expect(200);
    assert_eq!(ready["status"], "ready");
    finalize(&app, &upload, Body::empty()).await.expect(200);
    let input = json!({"type": "upload", "value": upload["upload_id"]});
    let body = json!({"tool_id": "script", "params": {"script": "cat \"$1\""}, "inputs": [input]});
    let run = app.post("/v1/runs", &body).await.expect(201);
    let run = app.finished(run["run_id"].as_str().unwrap()).await;
    assert_eq!(run["status"], "completed", "{run}");
    let log =
        app.get_with(&format!("/v1/runs/{}/logs", run["run_id"].as_str().unwrap()), &[("accept", "text/plain")]).await;
    assert_eq!(log.text(), "0123456789\n");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_that_differs_is_refused_and_nothing_is_kept() {
    let app = TestApp::new().await;
    let upload = declare(&app, &json!({"filename": "a.txt", "size": 3, "sha256": sum(b"abc")})).await;
    put(&app, &upload, None, b"abd").await.expect(200);
    assert_eq!(finalize(&app, &upload, Body::empty()).await.problem(422), "CHECKSUM_MISMATCH");
    assert_eq!(app.get(&path(&upload)).await.problem(404), "UPLOAD_NOT_FOUND");
    // The sum may come as late as with the finalization.
    let upload = declare(&app, &json!({"filename": "a.txt", "size": 3})).await;
    put(&app, &upload, None, b"abc").await.expect(200);
    let body = Body::from(json!({"sha256": sum(b"abc")}).to_string());
    finalize(&app, &upload, body).await.expect(200);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_is_checked_and_can_be_repeated() {
    let app = TestApp::new().await;
    for (body, faults) in [
        (json!({}), 2),
        (json!({"filename": "a/b", "size": -1, "sha256": "zz", "sise": 1}), 4),
        (json!({"filename": "..", "size": 1}), 1),
    ] {
        let answer = app.post("/v1/uploads", &body).await;
        assert_eq!(answer.problem(400), "INVALID_REQUEST", "{body}");
        assert_eq!(answer.json()["errors"].as_array().unwrap().len(), faults, "{}", answer.text());
    }
    let large = json!({"filename": "a", "size": 1 << 30});
    assert_eq!(app.post("/v1/uploads", &large).await.problem(413), "BODY_TOO_LARGE");
    let key = [("idempotency-key", "u-1")];
    let body = json!({"filename": "a.txt", "size": 3, "sha256": sum(b"abc")});
    let first = app.post_with("/v1/uploads", &key, &body).await.expect(201);
    // The sum is what is compared, not the name.
    let renamed = json!({"filename": "b.txt", "size": 3, "sha256": sum(b"abc")});
    let again = app.post_with("/v1/uploads", &key, &renamed).await;
    assert_eq!(
        (again.expect(201)["upload_id"].clone(), again.header("idempotency-replayed")),
        (first["upload_id"].clone(), "true")
    );
    let other = json!({"filename": "a.txt", "size": 3, "sha256": sum(b"abd")});
    assert_eq!(app.post_with("/v1/uploads", &key, &other).await.problem(409), "IDEMPOTENCY_KEY_REUSED");
    app.end().await;
}

/// Returns the body of a form with these fields; a file has a name.
fn form(fields: &[(&str, Option<&str>, &str)]) -> Body {
    let mut text = String::new();
    for (name, filename, value) in fields {
        let filename = filename.map(|filename| format!("; filename=\"{filename}\"")).unwrap_or_default();
        text += &format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n{value}\r\n");
    }
    Body::from(text + "--XX--\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_does_the_whole_upload_in_one_call() {
    let app = TestApp::new().await;
    let headers = [("content-type", "multipart/form-data; boundary=XX")];
    let post = async |fields: &[(&str, Option<&str>, &str)]| {
        app.call(Method::POST, "/v1/uploads", &headers, form(fields)).await
    };
    let good = sum(b"abc");
    let ready = post(&[("sha256", None, &good), ("file", Some("C:\\logs\\a.txt"), "abc")]).await.expect(201);
    assert_eq!(
        (ready["status"].clone(), ready["filename"].clone(), ready["size"].clone()),
        (json!("ready"), json!("a.txt"), json!(3))
    );
    assert_eq!(ready["sha256"], good);
    post(&[("file", Some("empty.txt"), "")]).await.expect(201);
    assert_eq!(
        post(&[("sha256", None, &sum(b"x")), ("file", Some("a.txt"), "abc")]).await.problem(422),
        "CHECKSUM_MISMATCH"
    );
    assert_eq!(post(&[("file", None, "abc")]).await.problem(400), "INVALID_REQUEST");
    assert_eq!(post(&[("fil", Some("a.txt"), "abc")]).await.problem(400), "INVALID_REQUEST");
    assert_eq!(post(&[]).await.problem(400), "INVALID_REQUEST");
    let large = "x".repeat((1 << 20) + 1);
    assert_eq!(post(&[("file", Some("a.txt"), &large)]).await.problem(413), "BODY_TOO_LARGE");
    let cut = Body::from("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc");
    assert_eq!(app.call(Method::POST, "/v1/uploads", &headers, cut).await.problem(400), "INVALID_BODY");
    app.end().await;
}
