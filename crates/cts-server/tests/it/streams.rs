//! Streams in general: how many, how they are kept alive, how they end; and the stream of all runs.

use std::time::Duration;

use axum::body::Body;
use http::Method;
use http_body_util::BodyExt;

use crate::app::{PATIENCE, TestApp, request};
use crate::logs::events;

/// Reads frames until the text is as wanted.
async fn read_until(body: &mut Body, text: &mut String, wanted: impl Fn(&str) -> bool) {
    while !wanted(text) {
        let frame = tokio::time::timeout(PATIENCE, body.frame()).await.expect("something comes");
        let Some(frame) = frame else { panic!("the stream ended: {text}") };
        text.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_changes_of_runs_are_told_in_order_and_without_gaps() {
    let app = TestApp::new().await;
    let open = async |headers: &[(&str, &str)]| {
        let response = app.app.handle(request(Method::GET, "/v1/runs/events", headers, Body::empty())).await;
        assert_eq!(response.status(), 200);
        response.into_body()
    };
    let mut body = open(&[]).await;
    let run = app.run("true").await["run_id"].as_str().unwrap().to_owned();
    let mut text = String::new();
    read_until(&mut body, &mut text, |text| text.contains("run.completed")).await;
    let seen = events(&text);
    let states: Vec<&str> = seen.iter().filter_map(|event| event.data["status"].as_str()).collect();
    assert_eq!(states, ["queued", "running", "completed"]);
    assert!(seen.iter().all(|event| event.data["run_id"] == run.as_str()));
    // Whoever comes back with the first number gets the rest.
    let mut again = open(&[("last-event-id", &seen[0].id)]).await;
    let mut text = String::new();
    read_until(&mut again, &mut text, |text| text.contains("run.completed")).await;
    assert_eq!(events(&text), seen[1..]);
    let mut ahead = open(&[("last-event-id", "99999")]).await;
    let mut text = String::new();
    read_until(&mut ahead, &mut text, |text| text.contains("run.completed")).await;
    assert_eq!((events(&text)[0].name.as_str(), events(&text)[1].id.as_str()), ("reset", "1"));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_have_a_limit_and_give_their_place_back() {
    let app = TestApp::with(|_, http| http.streams_max = 1).await;
    let open = || app.app.handle(request(Method::GET, "/v1/runs/events", &[], Body::empty()));
    let first = open().await;
    assert_eq!(first.status(), 200);
    let refused = app.get("/v1/runs/events").await;
    assert_eq!(refused.problem(429), "TOO_MANY_STREAMS");
    assert_eq!((refused.header("ratelimit-limit"), refused.header("retry-after").is_empty()), ("1", false));
    drop(first);
    assert_eq!(open().await.status(), 200);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_when_the_service_stops_and_do_not_say_that_this_is_the_end() {
    let app = TestApp::new().await;
    let run = app.submit("echo on; sleep 60").await;
    app.reached(&run, "running").await;
    let path = format!("/v1/runs/{run}/logs");
    let mut body = app.app.handle(request(Method::GET, &path, &[], Body::empty())).await.into_body();
    let mut text = String::new();
    read_until(&mut body, &mut text, |text| text.contains("on")).await;
    app.app.close_streams();
    let rest = tokio::time::timeout(PATIENCE, body.collect()).await.expect("it ends").unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&rest).contains("event: end"), "{rest:?}");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_is_never_compressed() {
    let app = TestApp::new().await;
    let run = app.run("seq 1 1000").await["run_id"].as_str().unwrap().to_owned();
    let accept = [("accept-encoding", "gzip, zstd")];
    let stream = app.get_with(&format!("/v1/runs/{run}/logs"), &accept).await;
    assert_eq!(stream.header("content-encoding"), "");
    assert!(stream.text().contains("event: end"));
    let list = app.get_with(&format!("/v1/runs/{run}/logs/list"), &accept).await;
    assert_eq!(list.header("content-encoding"), "zstd");
    let list = app.get_with(&format!("/v1/runs/{run}/logs/list"), &[("accept-encoding", "gzip")]).await;
    assert_eq!(list.header("content-encoding"), "gzip");
    assert_eq!(app.get(&format!("/v1/runs/{run}/logs/list")).await.header("content-encoding"), "");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_stream_is_kept_alive_by_comments_without_numbers() {
    let app = TestApp::new().await;
    let mut body = app.app.handle(request(Method::GET, "/v1/runs/events", &[], Body::empty())).await.into_body();
    let begun = std::time::Instant::now();
    let frame = tokio::time::timeout(PATIENCE, body.frame()).await.expect("a comment comes").unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), ": keep-alive\n\n");
    assert!(begun.elapsed() >= Duration::from_secs(14));
    app.end().await;
}
