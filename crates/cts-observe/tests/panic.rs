//! The log of a whole process: set up once, and a panic is a line with its spans, its place and its backtrace.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cts_model::{Level, SystemClock};
use cts_observe::{Levels, Style, TelemetryError, TelemetryOptions, telemetry};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Panics while it is being logged.
struct Spiteful;

impl std::fmt::Debug for Spiteful {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("not to be shown");
    }
}

/// What the log takes for a part of CTS.
const TARGET: &str = "cts_test";

#[test]
fn a_panic_is_logged_wherever_it_happens() {
    let options =
        || TelemetryOptions { style: Style::Json, level: Level::Info, libraries: false, clock: Arc::new(SystemClock) };
    let kept = Kept::default();
    let log = telemetry::init_to(options(), Box::new(kept.clone())).unwrap();
    assert!(matches!(telemetry::init(options()), Err(TelemetryError::AlreadySet)));

    let handler = || {
        let _span = tracing::info_span!(target: TARGET, "request", request.id = "r-1").entered();
        panic!("index {} is odd", 7);
    };
    assert!(std::thread::Builder::new().name("worker".into()).spawn(handler).unwrap().join().is_err());
    assert!(std::thread::spawn(|| tracing::info!(target: TARGET, value = ?Spiteful, "never seen")).join().is_err());
    log.levels().set(Levels { own: Level::Error, libraries: false, modules: BTreeMap::new() });
    assert!(std::thread::spawn(|| panic!("in silence")).join().is_err());
    assert!(log.flush(Duration::from_secs(20)));
    drop(std::panic::take_hook());
    assert_eq!(log.counts().panics, 3);

    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["panic: index 7 is odd", "panic: not to be shown", "panic: in silence"]);
    for line in &lines {
        assert_eq!(line["level"], "ERROR");
        assert!(line["panic.location"].as_str().unwrap().starts_with("crates/cts-observe/tests/panic.rs:"), "{line}");
        assert!(line["panic.backtrace"].as_str().unwrap().contains("panic"), "{line}");
    }
    assert_eq!(lines[0]["request.id"], "r-1");
    assert_eq!(lines[0]["panic.thread"], "worker");
}
