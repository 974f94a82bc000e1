//! What the layers around every request cost: request id, span, access log, metrics, limits, headers. The same app in
//! process, past the layers and through them, asked in turns; then the p99 of requests with and without scrapes of ten
//! thousand series beside them. Prints `name value` lines in microseconds. Run it in release.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cts_model::{Level, SystemClock};
use cts_observe::metrics::REQUEST_SECONDS;
use cts_observe::{Style, TelemetryOptions, Tracer, telemetry};
use cts_server::embedded::Body;
use cts_server::{App, HttpOptions};
use http::Request;

#[path = "measured/app.rs"]
mod measured;

use measured::{Fault, app, median};

/// Requests of each kind.
const REQUESTS: usize = 20_000;
/// Requests before anything is measured.
const WARM_UP: usize = 2_000;
/// Series that a scrape renders.
const SERIES: usize = 10_000;
/// From one scrape to the next.
const SCRAPE_EVERY: Duration = Duration::from_millis(100);
/// Requests come so often while p99 is measured: a request in front is not what a scrape costs.
const ASK_EVERY: Duration = Duration::from_micros(500);

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let options =
        TelemetryOptions { style: Style::Json, level: Level::Info, libraries: false, clock: Arc::new(SystemClock) };
    // At this level every request has its line in the access log, only to nowhere.
    let _telemetry = telemetry::init_to(options, Box::new(std::io::sink()))?;
    let folder = tempfile::tempdir()?;
    let app = app(folder.path(), "app", HttpOptions::default(), Tracer::off()).await?;
    let (mut bare, mut layered) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + REQUESTS {
        let (one, other) = (asked(&app, false).await?, asked(&app, true).await?);
        if round >= WARM_UP {
            bare.push(one);
            layered.push(other);
        }
    }
    let (bare, layered) = (median(&mut bare), median(&mut layered));
    let mut out = std::io::stdout();
    writeln!(out, "bare {bare:.2}\nlayered {layered:.2}\nlayers {:.2}", layered - bare)?;

    let registry = Arc::clone(app.engine().metrics().registry());
    let many = registry.histograms("cts_many_seconds", "Many histograms", &["route"], REQUEST_SECONDS);
    for number in 0..SERIES.div_ceil(REQUEST_SECONDS.len() + 3) {
        many.with(&[&format!("/v1/route-{number}")]).observe(0.01);
    }
    // In turns, so that both see the same machine.
    let (mut quiet, mut scraped) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        paced(&app, &mut quiet).await?;
        let done = Arc::new(AtomicBool::new(false));
        let scraper = tokio::spawn(scrape(app.clone(), Arc::clone(&done)));
        paced(&app, &mut scraped).await?;
        done.store(true, Ordering::Relaxed);
        scraper.await?;
    }
    writeln!(out, "quiet_p99 {:.2}\nscraped_p99 {:.2}", p99(&mut quiet), p99(&mut scraped))?;
    Ok(())
}

async fn asked(app: &App, through_layers: bool) -> Result<Duration, Fault> {
    let request = Request::builder().uri("/v1/version").header("host", "localhost:8080").body(Body::empty())?;
    let begun = Instant::now();
    let (answer, took) = if through_layers {
        let answer = app.handle(request).await;
        (answer, begun.elapsed())
    } else {
        app.time_past_layers(request).await
    };
    if answer.status() == 200 { Ok(took) } else { Err(format!("answered {}", answer.status()).into()) }
}

/// Asks at a fixed pace for a second.
async fn paced(app: &App, times: &mut Vec<Duration>) -> Result<(), Fault> {
    let mut ticks = tokio::time::interval(ASK_EVERY);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(1) {
        ticks.tick().await;
        times.push(asked(app, true).await?);
    }
    Ok(())
}

async fn scrape(app: App, done: Arc<AtomicBool>) {
    while !done.load(Ordering::Relaxed) {
        let request = Request::builder().uri("/metrics").header("host", "localhost:8080").body(Body::empty());
        if let Ok(request) = request {
            drop(app.handle(request).await);
        }
        tokio::time::sleep(SCRAPE_EVERY).await;
    }
}

fn p99(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() * 99 / 100].as_secs_f64() * 1e6
}
