//! Probes of a real service: while it starts, runs, has a broken manifest, a full disk, and drains.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::service::{Place, Service, bare};
use crate::support::{skip, until};

fn probe(service: &Service, path: &str) -> (u16, Value) {
    let answer = service.try_send("GET", path, None).unwrap();
    (answer.status, answer.json())
}

fn check<'a>(health: &'a Value, name: &str) -> &'a Value {
    health["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

#[test]
fn a_service_becomes_ready_and_tells_every_check() {
    let place = Place::new();
    let service = place.start();
    until("it is ready", || (probe(&service, "/health/ready").0 == 200).then_some(()));
    assert_eq!(probe(&service, "/health/startup").1["status"], "started");
    let health = service.get("/health/detailed");
    let names: Vec<&str> =
        health["checks"].as_array().unwrap().iter().filter_map(|check| check["name"].as_str()).collect();
    assert_eq!(
        names,
        [
            "database",
            "file_system",
            "artifact_store",
            "tool_registry",
            "queue",
            "event_system",
            "cache",
            "configuration",
            "resource_usage"
        ]
    );
    for name in ["database", "file_system", "artifact_store", "queue", "event_system", "cache", "configuration"] {
        let check = check(&health, name);
        assert_eq!(check["status"], "healthy", "{check}");
        assert!(check["last_check"].is_string() && !check["remedy"].as_str().unwrap().is_empty());
    }
    assert_eq!(health["summary"]["total_checks"], 9);
}

#[test]
fn a_broken_manifest_degrades_and_is_named_but_the_service_stays_ready() {
    let place = Place::new().set("health_check_interval_seconds", "1");
    std::fs::write(place.data().join("tools.d/bad.toml"), "id = 3").unwrap();
    let service = place.start();
    let health = until("the check fails", || {
        let health = service.get("/health");
        let all_looked = health["checks"].as_array().unwrap().iter().all(|check| check["status"] != "unknown");
        (all_looked && check(&health, "tool_registry")["status"] == "unhealthy").then_some(health)
    });
    assert_eq!(health["status"], "degraded");
    assert!(check(&health, "tool_registry")["message"].as_str().unwrap().contains("bad.toml"), "{health}");
    until("it is ready", || (probe(&service, "/health/ready").0 == 200).then_some(()));
    std::fs::remove_file(place.data().join("tools.d/bad.toml")).unwrap();
    until("it is well again", || {
        (check(&service.get("/health"), "tool_registry")["status"] == "healthy").then_some(())
    });
}

#[test]
fn a_disk_without_room_takes_readiness_away_and_leaves_life() {
    let place = Place::new().set("min_free_disk_mb", "900000000");
    let service = place.start();
    let (_, ready) = until("it is not ready", || {
        let seen = probe(&service, "/health/ready");
        seen.1["reasons"].to_string().contains("file_system").then_some(seen)
    });
    assert_eq!(ready["status"], "not_ready");
    assert_eq!(service.get("/health")["status"], "unhealthy");
    assert_eq!(probe(&service, "/health/live").0, 200);
}

const PYTHON: &str = "/usr/bin/python3";

/// Holds the lock for writing until a line comes.
const HOLD: &str = "import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute('BEGIN IMMEDIATE')
print('held', flush=True)
sys.stdin.readline()
c.execute('ROLLBACK')";

#[test]
fn a_database_that_another_process_holds_takes_readiness_away_until_it_is_let_go() {
    if !Path::new(PYTHON).exists() {
        return skip("python3 is missing: apt-get install python3");
    }
    let place = Place::new().set("health_check_interval_seconds", "1").set("health_check_timeout", "1");
    let service = place.start();
    until("it is ready", || (probe(&service, "/health/ready").0 == 200).then_some(()));
    let mut holder = bare(Path::new(PYTHON), place.folder.path());
    holder.args(["-c", HOLD]).arg(place.data().join("cts.db")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    let ready = until("it is not ready", || {
        let (status, ready) = probe(&service, "/health/ready");
        (status == 503).then_some(ready)
    });
    assert!(ready["reasons"].to_string().contains("database"), "{ready}");
    assert_eq!(probe(&service, "/health/live").0, 200);
    let health = service.get("/health");
    assert_eq!((&health["status"], &check(&health, "database")["status"]), (&json!("unhealthy"), &json!("unhealthy")));
    assert_eq!(service.try_send("GET", "/v1/runs", None).unwrap().status, 200, "what only reads goes on");
    holder.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(holder.wait().unwrap().success());
    until("it is ready again", || (probe(&service, "/health/ready").0 == 200).then_some(()));
}

#[test]
fn a_service_that_drains_is_not_ready_first() {
    let place = Place::new();
    place.tool("short", "sleep 1", "");
    let mut service = place.start();
    until("it is ready", || (probe(&service, "/health/ready").0 == 200).then_some(()));
    let run = service.submit("short", json!({}));
    service.until_status(&run, "running");
    service.signal(rustix::process::Signal::TERM);
    let ready = until("it is not ready", || {
        let answer = service.try_send("GET", "/health/ready", None).ok()?;
        (answer.status == 503).then(|| answer.json())
    });
    assert!(ready["reasons"].to_string().contains("stopping"), "{ready}");
    assert_eq!(probe(&service, "/health/live").0, 200);
    assert_eq!(service.wait().code(), Some(0));
}

#[test]
fn the_metrics_of_a_service_tell_process_and_machine() {
    let place = Place::new();
    let service = place.start();
    let text = until("the machine was looked at", || {
        let text = String::from_utf8(service.try_send("GET", "/metrics", None).unwrap().body).unwrap();
        text.contains("process_resident_memory_bytes").then_some(text)
    });
    for name in ["process_cpu_seconds_total", "process_open_fds", "system_memory_percent", "cts_disk_free_bytes"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{name} "))), "{name} is missing in\n{text}");
    }
}
