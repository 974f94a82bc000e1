//! What traces cost a request: the same app in process, without traces and with a tenth or all of them sent to a
//! collector in the same process, asked in turns. Prints medians in microseconds. Run it in release.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cts_model::SystemClock;
use cts_observe::metrics::Registry;
use cts_observe::{Tracer, TracingOptions};
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
/// Which parts of the traces are kept.
const RATIOS: [f64; 3] = [0.0, 0.1, 1.0];

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let folder = tempfile::tempdir()?;
    let endpoint = collector()?;
    let mut apps = vec![("off", app(folder.path(), "off", HttpOptions::default(), Tracer::off()).await?)];
    let registry = [(); RATIOS.len()].map(|()| Registry::new());
    for (ratio, registry) in RATIOS.into_iter().zip(&registry) {
        let options = TracingOptions {
            endpoint: endpoint.clone(),
            headers: Vec::new(),
            ratio,
            batch_spans_max: 512,
            queue_spans_max: 100_000,
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            version: env!("CARGO_PKG_VERSION"),
            environment: "bench".to_owned(),
            instance: "bench".to_owned(),
        };
        let tracer = Tracer::start(&options, Arc::new(SystemClock), registry)?;
        let name = if ratio == 0.0 {
            "ratio 0"
        } else if ratio < 1.0 {
            "ratio 0.1"
        } else {
            "ratio 1"
        };
        apps.push((name, app(folder.path(), name, HttpOptions::default(), tracer).await?));
    }
    let mut times = vec![Vec::with_capacity(REQUESTS); apps.len()];
    for round in 0..WARM_UP + REQUESTS {
        for ((_, app), times) in apps.iter().zip(&mut times) {
            let took = asked(app).await?;
            if round >= WARM_UP {
                times.push(took);
            }
        }
    }
    let mut out = std::io::stdout();
    for ((name, app), times) in apps.iter().zip(&mut times) {
        app.engine().tracer().end(Duration::from_secs(10)).await;
        let mean = times.iter().sum::<Duration>().as_secs_f64() * 1e6 / times.len() as f64;
        writeln!(out, "GET /v1/session {name:<10} median {:7.2} us  mean {mean:7.2} us", median(times))?;
    }
    for registry in &registry {
        let snapshot = registry.snapshot();
        let total = |name: &str| snapshot.total(name);
        let (sent, lost) = (total("cts_trace_spans_exported_total"), total("cts_trace_spans_dropped_total"));
        writeln!(out, "{sent} spans sent, {lost} lost")?;
    }
    Ok(())
}

async fn asked(app: &App) -> Result<Duration, Fault> {
    let request = Request::builder().uri("/v1/session").header("host", "localhost:8080").body(Body::empty())?;
    let begun = Instant::now();
    let answer = app.handle(request).await;
    let took = begun.elapsed();
    if answer.status() == 200 { Ok(took) } else { Err(format!("answered {}", answer.status()).into()) }
}

/// Starts a collector that takes everything and returns its address.
fn collector() -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || drop(take(stream)));
        }
    });
    Ok(endpoint)
}

/// Answers the requests of one connection.
fn take(mut stream: TcpStream) -> std::io::Result<()> {
    let mut text = Vec::new();
    let mut part = vec![0; 64 << 10];
    loop {
        let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else {
            match stream.read(&mut part)? {
                0 => return Ok(()),
                length => text.extend_from_slice(&part[..length]),
            }
            continue;
        };
        let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let whole = end + 4 + length.unwrap_or(0_usize);
        while text.len() < whole {
            match stream.read(&mut part)? {
                0 => return Ok(()),
                length => text.extend_from_slice(&part[..length]),
            }
        }
        text.drain(..whole);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    }
}
