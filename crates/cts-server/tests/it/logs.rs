//! The log of a run in its forms, and where it goes on.

use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::app::{PATIENCE, TestApp, request};

/// One event of a stream.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: Value,
}

/// Reads the events of a text.
pub(crate) fn events(text: &str) -> Vec<Event> {
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty() && !block.starts_with(':'));
    let read = |block: &str| {
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_default().to_owned()
        };
        Event { name: field("event"), id: field("id"), data: serde_json::from_str(&field("data")).unwrap() }
    };
    blocks.map(read).collect()
}

fn messages(events: &[Event]) -> Vec<(String, String)> {
    let lines = events.iter().filter(|event| event.name.is_empty());
    lines.map(|event| (event.id.clone(), event.data["message"].as_str().unwrap().to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_every_line_and_ends_with_the_run() {
    let app = TestApp::new().await;
    let run = app.submit("for i in 1 2 3; do echo line $i; sleep 0.05; done; echo 'ERROR: last' >&2").await;
    let answer = app.get(&format!("/v1/runs/{run}/logs")).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let events = events(&answer.text());
    let lines = messages(&events);
    let expected = [("1", "line 1"), ("2", "line 2"), ("3", "line 3"), ("4", "ERROR: last")];
    assert_eq!(lines, expected.map(|(id, text)| (id.to_owned(), text.to_owned())));
    assert_eq!((events[3].data["level"].clone(), events[3].data["stream"].clone()), (json!("ERROR"), json!("stderr")));
    let end = events.last().unwrap();
    assert_eq!((end.name.as_str(), end.id.as_str(), end.data["status"].clone()), ("end", "4.end", json!("completed")));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_where_the_client_was() {
    let app = TestApp::new().await;
    let run = app.run("seq 1 1200").await["run_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/runs/{run}/logs");
    let ids = async |path: &str, headers: &[(&str, &str)]| {
        let text = app.get_with(path, headers).await.text();
        messages(&events(&text)).into_iter().map(|(id, _)| id.parse::<u64>().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&path, &[]).await, (1..=1200).collect::<Vec<_>>());
    assert_eq!(ids(&path, &[("last-event-id", "1190")]).await, (1191..=1200).collect::<Vec<_>>());
    assert_eq!(ids(&format!("{path}?from=1191"), &[]).await, (1191..=1200).collect::<Vec<_>>());
    // The header of a reconnect wins over the address, which a client keeps.
    assert_eq!(ids(&format!("{path}?from=5"), &[("last-event-id", "1199")]).await, [1200]);
    // Behind the last line there is only the end.
    assert_eq!(ids(&path, &[("last-event-id", "1200")]).await, Vec::<u64>::new());
    let seen = app.get_with(&path, &[("last-event-id", "1200.end")]).await;
    assert_eq!((seen.status.as_u16(), seen.body.len()), (204, 0));
    assert_eq!(ids(&path, &[("last-event-id", "1199.end")]).await, [1200], "that was not the end");
    assert_eq!(app.get_with(&path, &[("last-event-id", "x")]).await.problem(400), "INVALID_REQUEST");
    let ahead = events(&app.get(&format!("{path}?from=5000")).await.text());
    assert_eq!((ahead[0].name.as_str(), ahead[0].data["first"].clone()), ("reset", json!(1)));
    assert_eq!(messages(&ahead).len(), 1200, "after a reset everything comes again");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_seen_while_the_tool_still_runs() {
    let app = TestApp::new().await;
    let gate = app.input("gate", "");
    std::fs::remove_file(&gate).unwrap();
    let run = app.submit("echo first; sleep 60").await;
    let path = format!("/v1/runs/{run}/logs");
    let response = app.app.handle(request(http::Method::GET, &path, &[], axum::body::Body::empty())).await;
    let mut body = response.into_body();
    let frame = tokio::time::timeout(PATIENCE, body.frame()).await.expect("a line comes").unwrap().unwrap();
    let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
    assert_eq!(messages(&events(&text)), [("1".to_owned(), "first".to_owned())]);
    assert_eq!(app.get(&format!("/v1/runs/{run}")).await.expect(200)["status"], "running");
    app.call(http::Method::DELETE, &format!("/v1/runs/{run}"), &[], axum::body::Body::empty()).await.expect(200);
    app.finished(&run).await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_comes_as_text_and_as_lines_of_json_too() {
    let app = TestApp::new().await;
    let run = app.run("echo 'a \"b\"'; echo ü").await["run_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/runs/{run}/logs");
    let plain = app.get_with(&path, &[("accept", "text/plain")]).await;
    assert_eq!((plain.header("content-type"), plain.text().as_str()), ("text/plain; charset=utf-8", "a \"b\"\nü\n"));
    let lines = app.get_with(&path, &[("accept", "application/x-ndjson")]).await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(app.get_with(&path, &[("accept", "image/png")]).await.problem(406), "NOT_ACCEPTABLE");
    let silent = app.run("true").await["run_id"].as_str().unwrap().to_owned();
    let nothing = app.get_with(&format!("/v1/runs/{silent}/logs"), &[("accept", "text/plain")]).await;
    assert_eq!((nothing.status.as_u16(), nothing.body.len()), (200, 0));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_read_by_pages_and_searched() {
    let app = TestApp::new().await;
    let run = app.run("seq 1 10; echo 'WARNING: Hot'").await["run_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/runs/{run}/logs/list");
    let first = app.get(&format!("{path}?limit=4")).await.expect(200);
    let seqs = |page: &Value| -> Vec<u64> {
        page["logs"].as_array().unwrap().iter().map(|line| line["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(
        (seqs(&first), first["has_more"].clone(), first["next_from"].clone()),
        (vec![1, 2, 3, 4], json!(true), json!(5))
    );
    let rest = app.get(&format!("{path}?from=5")).await.expect(200);
    assert_eq!((first["last_seq"].clone(), rest["last_seq"].clone()), (json!(11), json!(11)));
    assert_eq!((seqs(&rest).len(), rest["has_more"].clone(), rest["next_from"].clone()), (7, json!(false), json!(12)));
    assert_eq!(seqs(&app.get(&format!("{path}?level=warning")).await.expect(200)), [11]);
    assert_eq!(seqs(&app.get(&format!("{path}?q=hOT")).await.expect(200)), [11]);
    let wrong = app.get(&format!("{path}?level=loud&limit=0")).await;
    assert_eq!(wrong.problem(400), "INVALID_REQUEST");
    assert_eq!(wrong.json()["errors"].as_array().unwrap().len(), 2);
    app.end().await;
}
