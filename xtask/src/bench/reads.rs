//! Reads: one run by its id, against an empty route of the same stack; a filtered page of a million runs.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::bench::report::Row;
use crate::bench::samples::Samples;
use crate::bench::{Plan, example, runs};
use crate::error::{Doing, Failed};
use crate::process::{command, is_installed, output, run as start};
use crate::service::{Connection, Service, Setup};

/// Connections of the load generator.
const CONNECTIONS: usize = 16;

/// How long wrk asks.
const WRK_SECONDS: &str = "10s";

/// How long the open-loop generator asks.
pub(super) const OPEN_LOOP: Duration = Duration::from_secs(5);

/// Stored runs of the list figure.
const STORED: usize = 1_000_000;

/// Pages that are timed.
const PAGES: usize = 500;

/// Measures GET of one run.
pub(super) fn get(_plan: &Plan) -> Result<Vec<Row>, Failed> {
    if !is_installed("wrk") {
        return Err(Failed::new("wrk is missing: apt-get install wrk"));
    }
    let manifests = vec![("noop.toml", runs::NOOP.to_owned())];
    let setup = Setup { name: "bench-get", profile: "release", manifests, ..Setup::default() };
    let service = Service::start(&setup)?;
    let mut connection = service.connect()?;
    let id = runs::submit(&mut connection)?;
    let path = format!("/v1/runs/{id}");
    while connection.get(&format!("{path}?wait=5s"))?.json()?["completed_at"].is_null() {}

    let (rate, p99) = wrk(service.address(), &path)?;
    let half = open_loop(service.address(), &path, rate / 2.0)?;
    service.stop()?;
    let empty = EmptyRoute::start()?;
    let (ceiling, _) = wrk(empty.address, "/")?;
    drop(empty);
    Ok(vec![
        Row::told("empty route, 16 connections", ceiling, "a second"),
        Row::at_least("GET of a run, 16 connections", rate, "a second", 10_000.0),
        Row::at_least("GET of a run beside the empty route", rate / ceiling, "of it", 0.25),
        Row::told("GET of a run at full load, p99", p99, "ms"),
        Row::told("GET of a run at half of that rate, p50", half.percentile_ms(50), "ms"),
        Row::at_most("GET of a run at half of that rate, p99", half.percentile_ms(99), "ms", 5.0),
    ])
}

/// Measures the filtered page.
pub(super) fn list(_plan: &Plan) -> Result<Vec<Row>, Failed> {
    let setup = Setup { name: "bench-list", profile: "release", ..Setup::default() };
    let service = Service::start(&setup)?;
    let database = database(&service.folder().join("data"))?;
    service.stop()?;
    start(example("seed_runs").arg(&database).arg(STORED.to_string()))?;
    let service = Service::start(&Setup { keep_data: true, ..setup })?;
    let mut connection = service.connect()?;
    let mut pages = Samples::default();
    for page in 0..PAGES {
        // Every tool and status in turn, so that rare and frequent pairs are asked alike.
        let status = ["completed", "failed", "canceled"][page % 3];
        let path = format!("/v1/runs?tool_id=tool-{}&status={status}&limit=50", page % 10);
        let began = Instant::now();
        let answer = connection.get(&path)?;
        pages.add(began.elapsed());
        if answer.json()?.as_array().is_none_or(Vec::is_empty) {
            return Err(Failed::new(format!("{path} found nothing")));
        }
    }
    service.stop()?;
    Ok(vec![
        Row::told(format!("page of 50 by tool and status of {STORED} runs, p50"), pages.percentile_ms(50), "ms"),
        Row::at_most(
            format!("page of 50 by tool and status of {STORED} runs, p99"),
            pages.percentile_ms(99),
            "ms",
            20.0,
        ),
    ])
}

fn database(folder: &Path) -> Result<std::path::PathBuf, Failed> {
    let files = std::fs::read_dir(folder).doing(|| format!("cannot list {}", folder.display()))?;
    files
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "db" || extension == "sqlite"))
        .ok_or_else(|| Failed::new(format!("there is no database in {}", folder.display())))
}

/// Returns requests a second and the p99 in milliseconds.
fn wrk(address: SocketAddr, path: &str) -> Result<(f64, f64), Failed> {
    let connections = CONNECTIONS.to_string();
    let url = format!("http://{address}{path}");
    let text = output(command("wrk").args(["-t2", "-c", &connections, "-d", WRK_SECONDS, "--latency", &url]))?;
    if text.contains("Non-2xx") {
        return Err(Failed::new(format!("wrk saw answers that are no success\n{text}")));
    }
    parse_wrk(&text).ok_or_else(|| Failed::new(format!("wrk printed something else\n{text}")))
}

fn parse_wrk(text: &str) -> Option<(f64, f64)> {
    let rate = text.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"))?.trim().parse().ok()?;
    let p99 = text.lines().find_map(|line| line.trim().strip_prefix("99%"))?.trim();
    let unit = p99.find(|c: char| c.is_ascii_alphabetic())?;
    let value: f64 = p99[..unit].parse().ok()?;
    let factor = match &p99[unit..] {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        _ => return None,
    };
    Some((rate, value * factor))
}

/// Asks at a fixed rate, whatever the answers take; a request that starts late counts from when it was due.
pub(super) fn open_loop(address: SocketAddr, path: &str, rate: f64) -> Result<Samples, Failed> {
    let pause = Duration::from_secs_f64(CONNECTIONS as f64 / rate);
    let began = Instant::now() + Duration::from_millis(100);
    let askers: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let path = path.to_owned();
            thread::spawn(move || -> Result<Samples, Failed> {
                let mut connection = Connection::open(address)?;
                let mut samples = Samples::default();
                let mut due = began + pause.mul_f64(number as f64 / CONNECTIONS as f64);
                while due.duration_since(began) < OPEN_LOOP {
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let answer = connection.get(&path)?;
                    samples.add(due.elapsed());
                    if answer.status != 200 {
                        return Err(Failed::new(format!("{path} was answered {}", answer.status)));
                    }
                    due += pause;
                }
                Ok(samples)
            })
        })
        .collect();
    let mut all = Samples::default();
    for asker in askers {
        all.extend(asker.join().map_err(|_| Failed::new("an asker panicked"))??);
    }
    Ok(all)
}

/// The example of `cts-server` that answers one route with nothing.
struct EmptyRoute {
    child: Child,
    address: SocketAddr,
}

impl EmptyRoute {
    fn start() -> Result<Self, Failed> {
        let mut child = example("empty_route")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .doing(|| "cannot start empty_route".to_owned())?;
        let out = child.stdout.take().ok_or_else(|| Failed::new("empty_route has no output"))?;
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line)?;
        let address = line.trim().parse().doing(|| format!("empty_route printed `{line}`"))?;
        Ok(Self { child, address })
    }
}

impl Drop for EmptyRoute {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("cannot end empty_route: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_wrk_is_understood() {
        let text = "  Latency Distribution\n     50%  812.00us\n     99%    2.31ms\n  9 requests in 1s\nRequests/sec:  18345.67\n";
        assert_eq!(parse_wrk(text), Some((18_345.67, 2.31)));
        assert_eq!(parse_wrk("unable to connect"), None);
    }
}
