//! Lines as they are written, what is held back and dropped, and outputs that block or fail.

use std::io::{self, Read as _};
use std::sync::Mutex;

use cts_model::{ManualClock, Secret, Timestamp};
use expect_test::{Expect, expect};
use tracing::{debug, error, info, info_span, warn};

use super::*;

/// An output that keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

const LONG: Duration = Duration::from_secs(20);

fn options(style: Style) -> (TelemetryOptions, Arc<ManualClock>) {
    let clock = ManualClock::new(Timestamp::from_ms(1_764_063_000_007));
    (TelemetryOptions { style, level: Level::Info, libraries: false, clock: Arc::clone(&clock) as _ }, clock)
}

fn check(style: Style, log: impl FnOnce(&Telemetry, &ManualClock), expected: &Expect) {
    let kept = Kept::default();
    let (options, clock) = options(style);
    let (dispatch, telemetry, _) = build(options, Box::new(kept.clone())).unwrap();
    tracing::dispatcher::with_default(&dispatch, || log(&telemetry, &clock));
    assert!(telemetry.flush(LONG));
    expected.assert_eq(kept.text().trim_end().replace('\u{1b}', "^[").as_str());
}

fn levels(own: Level, modules: &[(&str, Level)]) -> Levels {
    let modules = modules.iter().map(|(name, level)| (name.parse().unwrap(), *level)).collect();
    Levels { own, libraries: false, modules }
}

fn some_lines() {
    let span = info_span!("request", request.id = "r-1", user = tracing::field::Empty);
    let _outer = span.enter();
    span.record("user", "ada");
    let _inner = info_span!("run", run.id = 7, request.id = "r-2").entered();
    info!(tool.id = "rlog-to-csv", ok = true, ratio = 0.5, "run {} started", 7);
    debug!("not written");
    let cause = io::Error::other("no space");
    error!(error = &cause as &dyn std::error::Error, level = "odd", path = "a b\u{1b}[31m\n", "cannot\nwrite");
    warn!(key = ?Secret::new("hunter2".into()), shown = %Secret::new("hunter2".into()), "a secret masks itself");
}

#[test]
fn a_json_line_has_the_fields_of_its_spans() {
    check(
        Style::Json,
        |_, _| some_lines(),
        &expect![[r#"
        {"timestamp":"2025-11-25T09:30:00.007Z","level":"INFO","target":"cts_observe::telemetry::tests","message":"run 7 started","tool.id":"rlog-to-csv","ok":true,"ratio":0.5,"run.id":7,"request.id":"r-2","user":"ada"}
        {"timestamp":"2025-11-25T09:30:00.007Z","level":"ERROR","target":"cts_observe::telemetry::tests","message":"cannot\nwrite","error":"no space","field.level":"odd","path":"a b\u001b[31m\n","run.id":7,"request.id":"r-2","user":"ada"}
        {"timestamp":"2025-11-25T09:30:00.007Z","level":"WARNING","target":"cts_observe::telemetry::tests","message":"a secret masks itself","key":"***","shown":"***","run.id":7,"request.id":"r-2","user":"ada"}"#]],
    );
}

#[test]
fn a_text_line_is_for_people_and_harmless_to_a_terminal() {
    check(
        Style::Text { colors: false },
        |_, _| some_lines(),
        &expect![[r#"
        09:30:00.007Z INFO    run 7 started tool.id=rlog-to-csv ok=true ratio=0.5 run.id=7 request.id=r-2 user=ada cts_observe::telemetry::tests
        09:30:00.007Z ERROR   cannot\nwrite error="no space" level=odd run.id=7 request.id=r-2 user=ada cts_observe::telemetry::tests
            path:
            a b\u{1b}[31m
        09:30:00.007Z WARNING a secret masks itself key=*** shown=*** run.id=7 request.id=r-2 user=ada cts_observe::telemetry::tests"#]],
    );
}

#[test]
fn colors_come_only_where_they_are_wanted() {
    check(
        Style::Text { colors: true },
        |_, _| {
            warn!(n = 1, "careful");
        },
        &expect![
            "^[[2m09:30:00.007Z^[[0m ^[[33mWARNING^[[0m careful ^[[2mn=^[[0m1 ^[[2mcts_observe::telemetry::tests^[[0m"
        ],
    );
}

#[test]
fn a_field_of_several_lines_stands_below_the_line() {
    check(
        Style::Text { colors: false },
        |_, _| error!(trace = "one\ntwo\u{7}", "broken"),
        &expect![[r#"
        09:30:00.007Z ERROR   broken cts_observe::telemetry::tests
            trace:
            one
            two\u{7}"#]],
    );
}

#[test]
fn libraries_are_heard_when_something_is_wrong() {
    let log = |_: &Telemetry, _: &ManualClock| {
        info!(target: "hyper", "a connection");
        warn!(target: "hyper", "a bad connection");
        info!(target: "cts_engine::dispatcher", "a claim");
    };
    check(
        Style::Text { colors: false },
        log,
        &expect![[r#"
        09:30:00.007Z WARNING a bad connection hyper
        09:30:00.007Z INFO    a claim cts_engine::dispatcher"#]],
    );
}

#[test]
fn an_error_names_its_request_also_where_only_errors_are_written() {
    let log = |telemetry: &Telemetry, _: &ManualClock| {
        telemetry.levels().set(levels(Level::Error, &[]));
        let _span = info_span!("request", request.id = "r-1").entered();
        info!("not written");
        error!("broken");
    };
    check(
        Style::Text { colors: false },
        log,
        &expect!["09:30:00.007Z ERROR   broken request.id=r-1 cts_observe::telemetry::tests"],
    );
}

#[test]
fn the_level_of_a_module_changes_while_running() {
    fn engine() {
        debug!(target: "cts_engine::x", "engine");
        debug!(target: "cts_server::x", "server");
    }
    let log = |telemetry: &Telemetry, _: &ManualClock| {
        engine();
        telemetry.levels().set(levels(Level::Warning, &[("cts_engine", Level::Debug)]));
        engine();
        telemetry.levels().set(levels(Level::Debug, &[("cts_engine", Level::Error)]));
        engine();
        telemetry.levels().set(telemetry.levels().starting().clone());
        engine();
    };
    check(
        Style::Text { colors: false },
        log,
        &expect![[r#"
        09:30:00.007Z DEBUG   engine cts_engine::x
        09:30:00.007Z DEBUG   server cts_server::x"#]],
    );
}

#[test]
fn a_line_that_repeats_itself_is_held_back_and_counted() {
    let log = |telemetry: &Telemetry, clock: &ManualClock| {
        let complain = |disk: &str| warn!(disk, "disk is full");
        (0..100).for_each(|_| complain("a"));
        assert_eq!(telemetry.counts().lines_held_back, 95);
        complain("b");
        complain("b");
        clock.advance(repeats::WINDOW);
        (0..7).for_each(|_| complain("b"));
        clock.advance(repeats::WINDOW);
        complain("b");
    };
    check(
        Style::Text { colors: false },
        log,
        &expect![[r#"
        09:30:00.007Z WARNING disk is full disk=a cts_observe::telemetry::tests
        09:30:00.007Z WARNING disk is full disk=a cts_observe::telemetry::tests
        09:30:00.007Z WARNING disk is full disk=a cts_observe::telemetry::tests
        09:30:00.007Z WARNING disk is full disk=a cts_observe::telemetry::tests
        09:30:00.007Z WARNING disk is full disk=a cts_observe::telemetry::tests
        09:30:00.007Z WARNING disk is full disk=b held_back=95 cts_observe::telemetry::tests
        09:30:00.007Z WARNING disk is full disk=b cts_observe::telemetry::tests
        09:30:10.007Z WARNING disk is full disk=b cts_observe::telemetry::tests
        09:30:10.007Z WARNING disk is full disk=b cts_observe::telemetry::tests
        09:30:10.007Z WARNING disk is full disk=b cts_observe::telemetry::tests
        09:30:10.007Z WARNING disk is full disk=b cts_observe::telemetry::tests
        09:30:10.007Z WARNING disk is full disk=b cts_observe::telemetry::tests
        09:30:20.007Z WARNING disk is full disk=b held_back=2 cts_observe::telemetry::tests"#]],
    );
}

#[test]
fn a_value_that_is_too_long_is_cut() {
    let kept = Kept::default();
    let (dispatch, telemetry, _) = build(options(Style::Json).0, Box::new(kept.clone())).unwrap();
    tracing::dispatcher::with_default(&dispatch, || info!(text = "ü".repeat(line::VALUE_BYTES_MAX), "long"));
    assert!(telemetry.flush(LONG));
    let line: serde_json::Value = serde_json::from_str(&kept.text()).unwrap();
    let text = line["text"].as_str().unwrap();
    assert!(text.len() <= line::VALUE_BYTES_MAX + '…'.len_utf8() && text.ends_with("ü…"), "{}", text.len());
}

#[test]
fn a_full_pipe_blocks_nobody_and_what_was_dropped_is_said() {
    let (mut reader, writer) = io::pipe().unwrap();
    let (dispatch, telemetry, _) = build(options(Style::Json).0, Box::new(writer)).unwrap();
    let long = "x".repeat(10_000);
    let count = 3 * queue::QUEUE_BYTES_MAX / long.len();
    tracing::dispatcher::with_default(&dispatch, || (0..count).for_each(|n| info!(n, text = long, "line")));
    let dropped = telemetry.counts().lines_dropped;
    assert!(dropped > 0);
    assert!(!telemetry.flush(Duration::from_millis(20)), "nobody reads");
    let read = std::thread::spawn(move || {
        let mut text = Vec::new();
        let mut part = [0; 4096];
        while !text.ends_with(b"\"message\":\"after\"}\n") {
            let count = reader.read(&mut part).unwrap();
            text.extend_from_slice(&part[..count]);
        }
        String::from_utf8(text).unwrap()
    });
    assert!(telemetry.flush(LONG));
    tracing::dispatcher::with_default(&dispatch, || info!("after"));
    let text = read.join().unwrap();
    assert_eq!(telemetry.counts().lines_dropped, dropped);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines.len() as u64,
        count as u64 - dropped + 2,
        "the lines that were not dropped, one that says so, one after"
    );
    assert!(lines[lines.len() - 2].contains(&format!("\"lines_dropped\":{dropped}")), "{}", lines[lines.len() - 2]);
}

#[test]
fn an_output_that_fails_loses_its_lines_and_no_more() {
    struct Failing(u32, Kept);
    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => Err(io::ErrorKind::BrokenPipe.into()),
                2 => Err(io::ErrorKind::WouldBlock.into()),
                3 => Err(io::ErrorKind::Interrupted.into()),
                _ => self.1.write(&bytes[..1]),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let kept = Kept::default();
    let (dispatch, telemetry, _) = build(options(Style::Json).0, Box::new(Failing(0, kept.clone()))).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        info!("lost");
        assert!(telemetry.flush(LONG));
        info!("kept");
        assert!(telemetry.flush(LONG));
    });
    assert_eq!(telemetry.counts().lines_dropped, 1);
    assert!(kept.text().contains("kept") && !kept.text().contains("lost"), "{}", kept.text());
}

#[test]
fn the_style_follows_the_terminal_outside_production() {
    assert_eq!(Style::auto(false, true, true), Style::Text { colors: true });
    assert_eq!(Style::auto(false, false, true), Style::Json);
    assert_eq!(Style::auto(true, true, true), Style::Json);
}
