//! Signals: the first drains, the second ends all at once.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::support::http;
use crate::support::processes_with;
use crate::support::service::Place;

#[test]
fn the_first_signal_finishes_what_runs_and_takes_nothing_new() {
    let place = Place::new().set("max_concurrent_runs", "1");
    place.tool("short", "sleep 1; echo end", "");
    let mut service = place.start();
    let (first, second) = (service.submit("short", json!({})), service.submit("short", json!({})));
    service.until_status(&first, "running");
    service.signal(Signal::TERM);
    // It answers while it drains, but takes nothing new.
    let refused = crate::support::until("it drains", || {
        let answer = service.try_send("POST", "/v1/runs", Some(&json!({"tool_id": "short"}))).ok()?;
        (answer.status == 503).then_some(answer)
    });
    assert_eq!(refused.json()["error_code"], "DRAINING");
    assert!(refused.header("Retry-After").is_some());
    assert_eq!(service.wait().code(), Some(0));
    let service = place.start();
    assert_eq!(service.get(&format!("/v1/runs/{first}"))["status"], "completed");
    assert_eq!(service.end_of(&second)["status"], "completed", "the queued one goes on after the restart");
}

#[test]
fn what_runs_too_long_is_stopped_at_the_end_of_the_drain() {
    let place = Place::new()
        .set("graceful_shutdown_timeout", "1")
        .set("run_stop_grace_seconds", "1")
        .set("max_concurrent_runs", "2");
    place.tool("long", "trap '' TERM; sleep 300", "");
    place.tool("again", "sleep 300", "[retry]\nretry_on_lost = true");
    let service = place.start();
    let (long, again) = (service.submit("long", json!({})), service.submit("again", json!({})));
    service.until_status(&long, "running");
    service.until_status(&again, "running");
    assert_eq!(service.stop().code(), Some(0));
    assert_eq!(processes_with(&place.data().display().to_string()), Vec::<i32>::new());
    let service = place.start();
    let long = service.get(&format!("/v1/runs/{long}"));
    assert_eq!((long["status"].as_str(), long["error_code"].as_str()), (Some("failed"), Some("SERVICE_STOPPED")));
    let again = service.until_status(&again, "running");
    assert_eq!(again["attempt"], 2);
}

#[test]
fn a_second_signal_ends_everything_at_once() {
    let place = Place::new().set("run_stop_grace_seconds", "60");
    place.tool("stubborn", "trap '' TERM INT; sleep 300", "");
    let mut service = place.start();
    let run = service.submit("stubborn", json!({}));
    service.until_status(&run, "running");
    service.signal(Signal::TERM);
    let asked = Instant::now();
    crate::support::until("it drains", || {
        let answer = service.try_send("POST", "/v1/runs", Some(&json!({"tool_id": "stubborn"}))).ok()?;
        (answer.status == 503).then_some(())
    });
    service.signal(Signal::INT);
    assert_eq!(service.wait().code(), Some(128 + 2));
    assert!(asked.elapsed() < Duration::from_secs(20));
    assert_eq!(processes_with(&place.data().display().to_string()), Vec::<i32>::new());
}

#[test]
fn a_reader_of_a_stream_does_not_hold_up_the_end() {
    let place = Place::new();
    place.tool("idle", "echo here; sleep 300", "timeout = \"60s\"");
    let service = place.start();
    let run = service.submit("idle", json!({}));
    service.until_status(&run, "running");
    let open = http::open(&service.address, "GET", &format!("/v1/runs/{run}/logs"), &[], b"").unwrap();
    assert_eq!(open.status, 200);
    service.try_send("POST", &format!("/v1/runs/{run}/cancel"), None).unwrap();
    service.end_of(&run);
    let events = http::open(&service.address, "GET", "/v1/runs/events", &[], b"").unwrap();
    let started = Instant::now();
    assert_eq!(service.stop().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(10));
    drop((open, events));
}
