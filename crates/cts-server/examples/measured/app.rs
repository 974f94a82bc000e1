//! What the examples measure: an app in the own process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cts_engine::inputs::InputRoots;
use cts_engine::tools::ServiceEnvironment;
use cts_engine::{Engine, EngineOptions, EngineParts, Registry, WorkerKind};
use cts_model::{Clock, Ids, Limits, RetryPolicy, SystemClock};
use cts_observe::{LevelControl, LogWatch, Tracer};
use cts_server::{App, AppParts, HttpOptions};
use cts_store::{Blobs, Db};

/// Any fault of an example.
pub(crate) type Fault = Box<dyn std::error::Error>;

/// Returns the median in microseconds.
pub(crate) fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// Returns an app with a folder of its own.
pub(crate) async fn app(folder: &Path, name: &str, http: HttpOptions, tracer: Tracer) -> Result<App, Fault> {
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
        tracer,
    })
    .await?;
    Ok(App::build(AppParts { engine, http, levels: LevelControl::default(), log: LogWatch::default() }))
}
