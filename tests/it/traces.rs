//! Traces from outside: what a collector receives, what the child sees, what stands in the log, and collectors that are
//! dead, hang or refuse.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::collector::{Collector, Manner, Span};
use crate::support::http;
use crate::support::service::{Place, Service};
use crate::support::until;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN: &str = "00f067aa0ba902b7";

fn traced(endpoint: &str) -> Place {
    let place = Place::new()
        .set("enable_tracing", "true")
        .set("tracing_endpoint", endpoint)
        .set("tracing_export_interval_seconds", "1");
    place.tool("tell", "echo \"$TRACEPARENT $TRACESTATE\"; echo made > made.txt", "");
    place
}

/// Submits a run within the trace of a client and returns its id.
fn submit(service: &Service, tool: &str, flags: &str) -> String {
    let parent = format!("00-{TRACE}-{CLIENT_SPAN}-{flags}");
    let headers = [
        ("Content-Type", "application/json"),
        ("traceparent", parent.as_str()),
        ("tracestate", "vendor=1"),
        ("x-request-id", "traced-1"),
    ];
    let body = json!({"tool_id": tool}).to_string();
    let answer = http::send(&service.address, "POST", "/v1/runs", &headers, body.as_bytes()).unwrap();
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["run_id"].as_str().unwrap().to_owned()
}

/// The lines of the service's own log.
fn lines(place: &Place) -> Vec<Value> {
    let text = std::fs::read_to_string(place.folder.path().join("service.log")).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn line<'a>(lines: &'a [Value], part: &str) -> &'a Value {
    let found = lines.iter().find(|line| line["message"].as_str().unwrap().contains(part));
    found.unwrap_or_else(|| panic!("no line with {part:?}"))
}

fn one<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name}: {spans:#?}");
    found[0]
}

/// The value of a metric, summed over its labels.
fn metric(service: &Service, name: &str) -> u64 {
    let text = String::from_utf8(service.try_send("GET", "/metrics", None).unwrap().body).unwrap();
    let values = text.lines().filter(|line| line.starts_with(name)).map(|line| line.rsplit(' ').next().unwrap());
    values.map(|value| value.parse::<u64>().unwrap()).sum()
}

#[test]
fn a_request_its_wait_its_attempt_and_its_artifacts_are_one_trace() {
    let collector = Collector::start(Manner::Takes);
    let place = traced(&collector.endpoint);
    let headers = place.folder.path().join("headers");
    std::fs::write(&headers, "x-key: hunter2\n").unwrap();
    let place = place.set("tracing_headers_file", headers.to_str().unwrap());
    let service = place.start();
    let run = submit(&service, "tell", "01");
    assert_eq!(service.end_of(&run)["status"], "completed");
    let told = service.log(&run);
    let spans = until("the spans arrive", || Some(collector.trace(TRACE)).filter(|spans| spans.len() >= 4));
    assert!(metric(&service, "cts_trace_spans_exported_total ") >= 4);
    assert_eq!(metric(&service, "cts_trace_spans_dropped_total"), 0);
    assert_eq!(service.stop().code(), Some(0));
    assert_eq!(spans.len(), 4, "{spans:#?}");

    let (request, wait) = (one(&spans, "POST /v1/runs"), one(&spans, "queue wait"));
    let (attempt, store) = (one(&spans, "attempt"), one(&spans, "store artifacts"));
    assert_eq!((request.parent.as_str(), request.kind), (CLIENT_SPAN, 2));
    assert_eq!([&wait.parent, &attempt.parent], [&request.id, &request.id]);
    assert_eq!(store.parent, attempt.id);
    for span in &spans {
        assert_eq!(span.state, "vendor=1");
        assert!(span.start <= span.end && !span.is_error, "{span:?}");
        assert_eq!(span.of_service("service.name"), "cts");
        assert_eq!(span.of_service("service.version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(span.attribute("cts.request.id"), "traced-1");
    }
    assert!(wait.end <= attempt.start && attempt.start <= store.start && store.end <= attempt.end + 1_000_000);
    assert_eq!((request.attribute("http.route"), request.attribute("http.response.status_code")), ("/v1/runs", "201"));
    assert_eq!(
        (attempt.attribute("cts.run.id"), attempt.attribute("cts.attempt.outcome")),
        (run.as_str(), "completed")
    );
    assert_eq!((store.attribute("cts.artifact.count"), store.attribute("cts.artifact.bytes")), ("1", "5"));

    assert_eq!(told, [format!("00-{TRACE}-{}-01 vendor=1", attempt.id)], "the child stands below the attempt");
    let lines = lines(&place);
    for (part, span) in [
        (format!("run {run} of tell queued"), request),
        (format!("run {run} of tell started"), attempt),
        (format!("attempt 1 of run {run} ended"), attempt),
    ] {
        let line = line(&lines, &part);
        assert_eq!((&line["trace_id"], &line["span_id"]), (&json!(TRACE), &json!(span.id)), "{line}");
        assert_eq!(line["request.id"], "traced-1", "{line}");
    }
    assert!(collector.heads().iter().all(|head| head.contains("x-key: hunter2")));
    assert!(!std::fs::read_to_string(place.folder.path().join("service.log")).unwrap().contains("hunter2"));
}

#[test]
fn a_run_that_starts_after_a_restart_belongs_to_the_trace_of_its_request() {
    let collector = Collector::start(Manner::Takes);
    let place = traced(&collector.endpoint).set("max_concurrent_runs", "1");
    place.tool("block", "sleep 300", "timeout = \"600s\"");
    let service = place.start();
    let block = service.submit("block", json!({}));
    service.until_status(&block, "running");
    let run = submit(&service, "tell", "01");
    let first = until("the request's span arrives", || collector.trace(TRACE).pop());
    assert_eq!(first.name, "POST /v1/runs");
    service.kill();
    let service = place.start();
    assert_eq!(service.end_of(&run)["status"], "completed");
    let told = service.log(&run);
    assert_eq!(service.stop().code(), Some(0));
    let spans = collector.trace(TRACE);
    let (wait, attempt) = (one(&spans, "queue wait"), one(&spans, "attempt"));
    assert_eq!([&wait.parent, &attempt.parent], [&first.id, &first.id]);
    assert_eq!(one(&spans, "store artifacts").parent, attempt.id);
    assert_eq!(told, [format!("00-{TRACE}-{}-01 vendor=1", attempt.id)]);
    assert_ne!(attempt.of_service("service.instance.id"), first.of_service("service.instance.id"));
}

#[test]
fn what_is_not_sampled_is_not_sent_but_passed_on() {
    let collector = Collector::start(Manner::Takes);
    let place = traced(&collector.endpoint).set("tracing_sample_ratio", "0");
    let service = place.start();
    let asked = submit(&service, "tell", "00");
    let made = service.submit("tell", json!({}));
    for run in [&asked, &made] {
        assert_eq!(service.end_of(run)["status"], "completed");
    }
    let (asked_log, made_log) = (service.log(&asked), service.log(&made));
    assert_eq!(service.stop().code(), Some(0));
    assert_eq!(collector.heads(), Vec::<String>::new());
    let lines = lines(&place);
    for (run, log) in [(&asked, &asked_log), (&made, &made_log)] {
        let line = line(&lines, &format!("run {run} of tell started"));
        let ids = ["trace_id", "span_id"].map(|name| line[name].as_str().unwrap().to_owned());
        assert!(log[0].starts_with(&format!("00-{}-{}-00", ids[0], ids[1])), "{log:?} and {ids:?}");
    }
    assert!(asked_log[0].starts_with(&format!("00-{TRACE}-")) && asked_log[0].ends_with(" vendor=1"));
    assert!(!asked_log[0].contains(CLIENT_SPAN) && !made_log[0].contains(TRACE));
}

/// Sends requests to a service whose collector does not behave, and says what became of the spans.
fn troubled(endpoint: &str) {
    let place = traced(endpoint)
        .set("tracing_batch_spans", "5")
        .set("tracing_queue_spans", "10")
        .set("tracing_timeout_seconds", "1")
        .set("graceful_shutdown_timeout", "1");
    let service = place.start();
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(service.try_send("GET", "/v1/health", None).unwrap().status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "requests wait for the collector: {:?}", begun.elapsed());
    let run = service.submit("tell", json!({}));
    assert_eq!(service.end_of(&run)["status"], "completed");
    until("a try fails", || (metric(&service, "cts_trace_export_failures_total ") > 0).then_some(()));
    // A batch and a queue of spans are held; all others are counted.
    let dropped = metric(&service, "cts_trace_spans_dropped_total");
    assert!(dropped >= 100 - 15, "{dropped}");
    assert_eq!(metric(&service, "cts_trace_spans_exported_total "), 0);
    let asked = Instant::now();
    assert_eq!(service.stop().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(8), "the end waits for the collector: {:?}", asked.elapsed());
    let lines = lines(&place);
    let complaints = lines.iter().filter(|line| line["message"].as_str().unwrap().contains("traces cannot be sent"));
    assert_eq!(complaints.count(), 1);
}

#[test]
fn a_dead_collector_costs_nothing_but_spans() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    troubled(&format!("http://{free}"));
}

#[test]
fn a_collector_that_hangs_costs_nothing_but_spans() {
    troubled(&Collector::start(Manner::Hangs).endpoint);
}

#[test]
fn a_collector_that_refuses_costs_nothing_but_spans() {
    for status in [429, 503] {
        troubled(&Collector::start(Manner::Refuses(status)).endpoint);
    }
}

#[test]
fn tracing_that_cannot_work_is_told_before_anything_starts() {
    let place = traced("http://127.0.0.1:1").set("tracing_headers_file", "/nowhere/headers");
    let (status, text) = place.start_to_end();
    assert!(!status.success() && text.contains("/nowhere/headers"), "{text}");
}
