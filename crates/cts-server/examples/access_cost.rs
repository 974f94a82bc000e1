//! What access control costs a request: the same app in process, open and closed (token, role, rate), asked in turns.
//! Prints medians in microseconds. Run it in release.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cts_api::{CreateToken, Role};
use cts_engine::inputs::InputRoots;
use cts_engine::tools::ServiceEnvironment;
use cts_engine::{Engine, EngineOptions, EngineParts, Registry, WorkerKind};
use cts_model::{Clock, Ids, Limits, RetryPolicy, SystemClock};
use cts_server::embedded::Body;
use cts_server::token_command::TokenAdmin;
use cts_server::{App, AppParts, HttpOptions};
use cts_store::{Blobs, Db};
use http::Request;

/// Requests of each kind.
const REQUESTS: usize = 20_000;
/// Requests before anything is measured.
const WARM_UP: usize = 2_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let open = app(folder.path(), "open", HttpOptions::default()).await?;
    let closed =
        HttpOptions { require_authentication: true, requests_per_minute: Some(1_000_000), ..HttpOptions::default() };
    let closed = app(folder.path(), "closed", closed).await?;
    let admin = TokenAdmin::on(closed.engine().db().clone(), Arc::new(SystemClock), "example");
    let request = CreateToken { name: "bench".to_owned(), role: Role::Viewer, expires_in_seconds: None };
    let made = admin.create(&request).await.map_err(|fault| fault.to_string())?;
    let token = made.token.ok_or("a new token has a text")?.0.reveal().to_owned();
    let authorization = format!("Bearer {token}");

    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + REQUESTS {
        let (one, other) = (asked(&open, None).await?, asked(&closed, Some(&authorization)).await?);
        if round >= WARM_UP {
            without.push(one);
            with.push(other);
        }
    }
    let (without, with) = (median(&mut without), median(&mut with));
    let mut out = std::io::stdout();
    writeln!(out, "GET /v1/session open    {without:7.2} us")?;
    writeln!(out, "GET /v1/session closed  {with:7.2} us")?;
    writeln!(out, "access control          {:7.2} us", with - without)?;
    Ok(())
}

async fn asked(app: &App, authorization: Option<&str>) -> Result<Duration, Box<dyn std::error::Error>> {
    let mut request = Request::builder().uri("/v1/session").header("host", "localhost:8080");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let request = request.body(Body::empty())?;
    let begun = Instant::now();
    let answer = app.handle(request).await;
    let took = begun.elapsed();
    if answer.status() == 200 { Ok(took) } else { Err(format!("answered {}", answer.status()).into()) }
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

async fn app(folder: &std::path::Path, name: &str, http: HttpOptions) -> Result<App, Box<dyn std::error::Error>> {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let environment = ServiceEnvironment::of_process();
    let options = EngineOptions {
        data_dir: folder.clone(),
        log_dir: folder.join("logs"),
        temp_dir: folder.join("temp"),
        child_program: None,
        max_concurrent_runs: 1,
        max_queued_runs: 1,
        limits: Limits {
            memory_bytes: 1 << 30,
            processes: 64,
            open_files: 256,
            output_bytes: 1 << 20,
            artifact_bytes: 1 << 20,
            log_bytes: 1 << 20,
            log_lines_per_second: 1000,
            stop_grace: Duration::from_secs(1),
        },
        tool_timeout: Duration::from_secs(60),
        tool_timeout_max: Duration::from_secs(60),
        retry: RetryPolicy { attempts_max: 1, delay: Duration::from_secs(1), retry_on_lost: false },
        artifact_retention: Duration::from_hours(1),
        run_retention: Duration::from_hours(1),
        log_retention: Duration::from_hours(1),
        artifact_storage_bytes_max: 0,
        artifact_scan_interval: Duration::from_secs(5),
        upload_bytes_max: 1 << 20,
        log_buffer_lines: 10,
        disk_free_bytes_min: 0,
        sandbox: false,
        input_roots: InputRoots::anything(),
    };
    let engine = Engine::start(EngineParts {
        db: Db::open_memory().await?,
        blobs: Blobs::local(&folder.join("blobs"), false)?,
        registry: Registry::with_environment(Vec::new(), None, environment.clone()),
        options,
        ids: Arc::new(Ids::new(Arc::clone(&clock))),
        clock,
        kind: WorkerKind::Service,
        environment,
        metrics: Arc::default(),
    })
    .await?;
    Ok(App::build(AppParts { engine, http }))
}
