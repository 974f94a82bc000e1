//! What it costs to be watched: metrics, the layers around every request, scrapes, and probes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::bench::report::Row;
use crate::bench::{Plan, example, reads};
use crate::error::Failed;
use crate::process::output;
use crate::service::{Service, Setup};

/// Probes a second.
const PROBES: f64 = 1_000.0;

/// How often the checks may look while probes come.
const INTERVAL_SECONDS: u32 = 1;

pub(super) fn measure(_plan: &Plan) -> Result<Vec<Row>, Failed> {
    let metrics = Told::by("metric_cost")?;
    let layers = Told::by("layers_cost")?;
    let mut rows = Vec::new();
    for (name, what) in [("counter", "counter"), ("histogram", "histogram"), ("labeled", "counter of a label")] {
        rows.push(Row::at_most(format!("recording one {what}"), metrics.get(name)?, "ns", 50.0));
    }
    rows.push(Row::told("recording one counter with two threads on it", metrics.get("contended")?, "ns"));
    rows.push(Row::told("recording one counter of a tool", metrics.get("capped")?, "ns"));
    rows.push(Row::at_most("/metrics with 10 000 series: rendering", metrics.get("rendering")?, "ms", 10.0));
    rows.push(Row::told("a request past the layers, p50", layers.get("bare")?, "us"));
    rows.push(Row::told("a request through the layers, p50", layers.get("layered")?, "us"));
    rows.push(Row::at_most("all layers together, p50", layers.get("layers")?, "us", 25.0));
    rows.push(Row::told("requests' p99 without scrapes", layers.get("quiet_p99")?, "us"));
    rows.push(Row::told(
        "requests' p99 beside scrapes of 10 000 series, 10 a second",
        layers.get("scraped_p99")?,
        "us",
    ));
    let ratio = layers.get("scraped_p99")? / layers.get("quiet_p99")?;
    rows.push(Row::at_most("requests' p99 beside scrapes", ratio, "of that", 1.5));
    rows.extend(probes()?);
    Ok(rows)
}

/// Measures probes, and counts how often a check looks meanwhile.
fn probes() -> Result<Vec<Row>, Failed> {
    let interval = INTERVAL_SECONDS.to_string();
    let settings = vec![("CTS_HEALTH_CHECK_INTERVAL_SECONDS", interval)];
    let service = Service::start(&Setup { name: "bench-probes", profile: "release", settings, ..Setup::default() })?;
    let mut connection = service.connect()?;
    while connection.get("/health/ready")?.status != 200 {
        thread::sleep(Duration::from_millis(20));
    }
    let done = AtomicBool::new(false);
    let (answers, looks) = thread::scope(|scope| {
        let looks = scope.spawn(|| -> Result<usize, Failed> {
            let (mut last, mut looks) = (None, 0);
            while !done.load(Ordering::Relaxed) {
                let health = connection.get("/health/detailed")?.json()?;
                let look = health["checks"][0]["last_check"].as_str().map(str::to_owned);
                looks += usize::from(look != last);
                last = look;
                thread::sleep(Duration::from_millis(50));
            }
            Ok(looks)
        });
        let answers = reads::open_loop(service.address(), "/health/ready", PROBES);
        done.store(true, Ordering::Relaxed);
        (answers, looks.join())
    });
    let (answers, looks) = (answers?, looks.map_err(|_| Failed::new("the watcher panicked"))??);
    service.stop()?;
    #[expect(clippy::cast_precision_loss, reason = "a handful of looks")]
    let looks = looks as f64;
    // One is under way when the watch begins, and one when it ends.
    let looks_max = reads::OPEN_LOOP.as_secs_f64() / f64::from(INTERVAL_SECONDS) + 2.0;
    Ok(vec![
        Row::told("/health/ready at 1 000 a second, p50", answers.percentile_ms(50), "ms"),
        Row::at_most("/health/ready at 1 000 a second, p99", answers.percentile_ms(99), "ms", 2.0),
        Row::at_most("looks of a check in those 5 s, with an interval of 1 s", looks, "", looks_max),
    ])
}

/// The `name value` lines that an example printed.
struct Told {
    example: &'static str,
    values: HashMap<String, f64>,
}

impl Told {
    fn by(name: &'static str) -> Result<Self, Failed> {
        let text = output(&mut example(name))?;
        print!("{text}");
        let values = text.lines().filter_map(|line| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.trim().parse().ok()?))
        });
        Ok(Self { example: name, values: values.collect() })
    }

    fn get(&self, name: &str) -> Result<f64, Failed> {
        self.values.get(name).copied().ok_or_else(|| Failed::new(format!("{} did not print {name}", self.example)))
    }
}
