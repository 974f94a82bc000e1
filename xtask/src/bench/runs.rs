//! How fast runs go: from the acknowledged request to the recorded start, and no-op runs completed a second.
//!
//! The run events of the service are the clock's hands: an event is sent after its fact is durable, so both figures
//! contain the way to a reader.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bench::report::Row;
use crate::bench::samples::Samples;
use crate::bench::{Plan, example, machine};
use crate::error::Failed;
use crate::process::output;
use crate::service::{Connection, Service, Setup};

/// Runs whose start is timed, one after the other.
const STARTS: usize = 300;

/// Between two of them the service is idle.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs of the throughput figure.
const RUNS: usize = 3_000;

/// Runs at one time.
const AT_A_TIME: usize = 8;

/// Connections that submit.
const SUBMITTERS: usize = 4;

/// No event for so long means that something hangs.
const EVENT_WITHIN: Duration = Duration::from_secs(60);

/// A command tool that does nothing.
pub(super) const NOOP: &str = r#"
id = "noop"
name = "Nothing"
version = "1"
description = "Starts, does nothing, ends."
command = ["true"]
"#;

struct StateChange {
    run_id: String,
    status: String,
    at: Instant,
}

/// Measures queued to running.
pub(super) fn queue(_plan: &Plan) -> Result<Vec<Row>, Failed> {
    let service = Service::start(&setup("bench-queue"))?;
    let fsync = machine::fsync(service.folder())?;
    let changes = watch(service.address())?;
    let mut connection = service.connect()?;
    let mut samples = Samples::default();
    for _ in 0..STARTS {
        let run = submit(&mut connection)?;
        let acknowledged = Instant::now();
        let mut running = None;
        loop {
            let change = next(&changes)?;
            if change.run_id != run {
                continue;
            }
            match change.status.as_str() {
                "running" => running = Some(change.at),
                "queued" => {}
                "completed" => break,
                other => return Err(Failed::new(format!("the no-op run ended {other}"))),
            }
        }
        let running = running.ok_or_else(|| Failed::new("a run completed without an event that it runs"))?;
        samples.add(running.saturating_duration_since(acknowledged));
        thread::sleep(PAUSE);
    }
    service.stop()?;
    let (fsync_p50, fsync_p99) = (fsync.percentile_ms(50), fsync.percentile_ms(99));
    let p99 = samples.percentile_ms(99);
    Ok(vec![
        Row::told("fsync p50 beside it", fsync_p50, "ms"),
        Row::told("fsync p99 beside it", fsync_p99, "ms"),
        Row::at_most("queued to running, p50", samples.percentile_ms(50), "ms", 2.0 + 2.0 * fsync_p50),
        if fsync_p99 < 10.0 {
            Row::at_most("queued to running, p99", p99, "ms", 15.0)
        } else {
            Row::told("queued to running, p99 (the disk is too slow for a limit)", p99, "ms")
        },
    ])
}

/// Measures no-op runs completed a second, beside the two ceilings.
pub(super) fn throughput(_plan: &Plan) -> Result<Vec<Row>, Failed> {
    let mut setup = setup("bench-throughput");
    setup.settings.push(("CTS_MAX_CONCURRENT_RUNS", AT_A_TIME.to_string()));
    let service = Service::start(&setup)?;
    let spawn = spawn_ceiling()?;
    let commits = commit_ceiling(service.folder())?;

    let changes = watch(service.address())?;
    let began = Instant::now();
    let submitters: Vec<_> = (0..SUBMITTERS)
        .map(|_| {
            let address = service.address();
            thread::spawn(move || -> Result<(), Failed> {
                let mut connection = Connection::open(address)?;
                for _ in 0..RUNS / SUBMITTERS {
                    submit(&mut connection)?;
                }
                Ok(())
            })
        })
        .collect();
    let mut completed = 0;
    while completed < RUNS {
        let change = next(&changes)?;
        match change.status.as_str() {
            "completed" => completed += 1,
            "failed" | "canceled" => return Err(Failed::new(format!("a no-op run ended {}", change.status))),
            _ => {}
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    for submitter in submitters {
        submitter.join().map_err(|_| Failed::new("a submitter panicked"))??;
    }
    service.stop()?;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let rate = RUNS as f64 / seconds;
    let lower = spawn.min(commits);
    let mut rows = vec![
        Row::told("ceiling: spawn and wait with the sandbox, 8 at a time", spawn, "a second"),
        Row::told("ceiling: three durable commits a run, group commit", commits, "a second"),
        Row::at_least("no-op runs completed, 8 at a time", rate, "a second", 0.6 * lower),
    ];
    if lower > 700.0 {
        rows.push(Row::at_least("the same, where both ceilings exceed 700", rate, "a second", 400.0));
    }
    Ok(rows)
}

fn setup(name: &'static str) -> Setup {
    Setup { name, profile: "release", manifests: vec![("noop.toml", NOOP.to_owned())], ..Setup::default() }
}

/// Submits a no-op run and returns its id.
pub(super) fn submit(connection: &mut Connection) -> Result<String, Failed> {
    let run = connection.post("/v1/runs", &json!({"tool_id": "noop"}))?.json()?;
    run["run_id"].as_str().map(str::to_owned).ok_or_else(|| Failed::new("a run without its id"))
}

/// Reads the run events in a thread of its own, so that each is timed when it comes.
fn watch(address: SocketAddr) -> Result<Receiver<StateChange>, Failed> {
    let mut events = Connection::open(address)?.events("/v1/runs/events")?;
    let (sender, receiver) = mpsc::sync_channel(16 * RUNS);
    thread::spawn(move || {
        while let Ok(Some(data)) = events.next_data() {
            let at = Instant::now();
            let Ok(run) = serde_json::from_str::<Value>(&data) else { continue };
            let word = |name: &str| run[name].as_str().unwrap_or_default().to_owned();
            if sender.send(StateChange { run_id: word("run_id"), status: word("status"), at }).is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}

fn next(changes: &Receiver<StateChange>) -> Result<StateChange, Failed> {
    changes.recv_timeout(EVENT_WITHIN).map_err(|_| Failed::new("no event of a run came for a minute"))
}

/// Returns how many sandboxed processes are started and reaped a second.
fn spawn_ceiling() -> Result<f64, Failed> {
    let text = output(&mut example("spawn_rate"))?;
    print!("{text}");
    let rate = text
        .lines()
        .find_map(|line| line.strip_prefix("supervised and sandboxed, 8 at a time:")?.split_whitespace().next());
    rate.and_then(|rate| rate.parse().ok()).ok_or_else(|| Failed::new("spawn_rate did not print its rate"))
}

/// Returns how many runs a second could be made durable three times each, on the disk of that folder.
fn commit_ceiling(folder: &Path) -> Result<f64, Failed> {
    let text = output(example("commit_ceiling").arg(folder))?;
    print!("{text}");
    let report: Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
    report["runs_per_second"].as_f64().ok_or_else(|| Failed::new("commit_ceiling did not print its rate"))
}
