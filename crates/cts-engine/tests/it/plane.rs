//! The engine as a plane: a real database, real processes, small shell scripts as tools.
//!
//! [`Bench::end`] looks that nothing is left: no process, no directory of an attempt, no queued run.

mod artifacts;
mod attempts;
mod cancel;
mod queue;
mod recovery;
mod retention;
mod runs;
mod secrets;
mod shared;
mod stopping;
mod sweeps;
mod uploads;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cts_engine::attempt::process::find_marked;
use cts_engine::inputs::InputRoots;
use cts_engine::tools::ServiceEnvironment;
use cts_engine::{Engine, EngineOptions, EngineParts, LogFilter, Registry, RunView, Submission, WaitFor, WorkerKind};
use cts_model::{Actor, Clock, Ctx, Ids, Limits, RetryPolicy, RunId, RunState, SystemClock};
use cts_observe::Tracer;
use cts_store::{Blobs, Db, SqliteOptions};
use serde_json::{Value, json};

/// Longest wait for anything in these tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A data directory with an engine that can be ended and started again.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) engine: Engine,
    pub(crate) db: Db,
}

/// Returns options in which everything is quick.
pub(crate) fn options(folder: &Path) -> EngineOptions {
    EngineOptions {
        data_dir: folder.to_owned(),
        temp_dir: folder.join("temp"),
        log_dir: folder.join("logs"),
        child_program: Some(PathBuf::from(env!("CARGO_BIN_EXE_cts-engine-supervised"))),
        max_concurrent_runs: 3,
        max_queued_runs: 100,
        limits: Limits {
            memory_bytes: 512 << 20,
            processes: 64,
            open_files: 256,
            output_bytes: 64 << 20,
            artifact_bytes: 16 << 20,
            log_bytes: 4 << 20,
            log_lines_per_second: 50_000,
            stop_grace: Duration::from_millis(300),
        },
        tool_timeout: Duration::from_secs(20),
        tool_timeout_max: Duration::from_secs(60),
        retry: RetryPolicy { attempts_max: 3, delay: Duration::from_millis(50), retry_on_lost: false },
        artifact_retention: Duration::from_hours(24),
        run_retention: Duration::from_hours(48),
        log_retention: Duration::from_hours(48),
        artifact_storage_bytes_max: 0,
        artifact_scan_interval: Duration::from_millis(100),
        upload_bytes_max: 1 << 20,
        log_buffer_lines: 100,
        disk_free_bytes_min: 0,
        sandbox: true,
        input_roots: InputRoots::anything(),
    }
}

/// Starts an engine on a folder whose `tools.d` holds the manifests.
pub(crate) async fn start(folder: &Path, options: EngineOptions, clock: Arc<dyn Clock>) -> (Engine, Db) {
    start_as(folder, options, clock, WorkerKind::Service, &SqliteOptions::default()).await
}

/// Starts an engine of another kind, or with other options of the database.
pub(crate) async fn start_as(
    folder: &Path,
    options: EngineOptions,
    clock: Arc<dyn Clock>,
    kind: WorkerKind,
    sqlite: &SqliteOptions,
) -> (Engine, Db) {
    let db = Db::open_sqlite(&folder.join("cts.db"), sqlite).await.unwrap();
    let environment = ServiceEnvironment::of_process();
    let registry = Registry::with_environment(Vec::new(), Some(folder.join("tools.d")), environment.clone());
    assert_eq!(registry.broken(), [], "the manifests of the tests are right");
    let ids = Arc::new(Ids::new(Arc::clone(&clock)));
    let blobs = Blobs::local(&folder.join("blobs"), false).unwrap();
    let parts = EngineParts {
        db: db.clone(),
        blobs,
        registry,
        options,
        clock,
        ids,
        kind,
        environment,
        metrics: Arc::default(),
        tracer: Tracer::off(),
    };
    (Engine::start(parts).await.unwrap(), db)
}

/// Writes a manifest whose tool is a shell script, with further lines of TOML.
pub(crate) fn script(folder: &Path, id: &str, script: &str, more: &str) {
    let tools = folder.join("tools.d");
    std::fs::create_dir_all(&tools).unwrap();
    // Braces are text in these scripts, and inputs come as arguments.
    let script = script.replace('{', "{{").replace('}', "}}");
    let inputs = if more.contains("[input]") { ", \"sh\", \"{inputs}\"" } else { "" };
    let text = format!(
        "id = \"{id}\"\nname = \"{id}\"\ndescription = \"a test\"\nversion = \"1\"\ncommand = [\"/bin/sh\", \"-c\", '''\n{script}'''{inputs}]\n{more}\n"
    );
    std::fs::write(tools.join(format!("{id}.toml")), text).unwrap();
}

pub(crate) fn cx() -> Ctx {
    Ctx { request_id: "test-request".parse().unwrap(), actor: Actor::Anonymous, trace: None, change: None }
}

pub(crate) fn request(tool: &str, params: Value) -> Submission {
    let Value::Object(params) = params else { panic!("parameters are an object") };
    Submission { tool_id: tool.to_owned(), params, ..Submission::default() }
}

impl Bench {
    pub(crate) async fn new(tools: &[(&str, &str, &str)]) -> Self {
        Self::with(tools, |_| {}).await
    }

    pub(crate) async fn with(tools: &[(&str, &str, &str)], change: impl FnOnce(&mut EngineOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("tools.d")).unwrap();
        tools.iter().for_each(|(id, text, more)| script(folder.path(), id, text, more));
        let mut options = options(folder.path());
        change(&mut options);
        let (engine, db) = start(folder.path(), options, Arc::new(SystemClock)).await;
        Self { folder, engine, db }
    }

    pub(crate) async fn submit(&self, tool: &str) -> RunId {
        self.engine.submit(&cx(), request(tool, json!({}))).await.unwrap().view.run.id
    }

    /// Waits for the end of a run.
    pub(crate) async fn end_of(&self, run: RunId) -> RunView {
        let view = self.engine.wait(run, WaitFor::End, PATIENCE).await.unwrap();
        assert!(view.run.state.is_terminal(), "{view:?}");
        view
    }

    /// Waits until the run is as wanted.
    pub(crate) async fn until(&self, run: RunId, wanted: impl Fn(&RunView) -> bool) -> RunView {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let mut changes = self.engine.run_changes();
            let view = self.engine.run(run).await.unwrap();
            if wanted(&view) {
                return view;
            }
            assert!(tokio::time::Instant::now() < deadline, "waited in vain: {view:?}");
            let _ = tokio::time::timeout(Duration::from_millis(50), changes.changed()).await;
        }
    }

    pub(crate) async fn until_running(&self, run: RunId) -> RunView {
        self.until(run, |view| view.run.state == RunState::Running).await
    }

    /// Returns the log as text, each line with its number checked.
    pub(crate) async fn log(&self, run: RunId) -> Vec<String> {
        let mut lines = Vec::new();
        let mut reader = self.engine.logs().reader(run, 1);
        loop {
            let page = reader.page(1000, LogFilter::default()).await.unwrap();
            if page.lines.is_empty() {
                return lines;
            }
            for line in page.lines {
                assert_eq!(line.seq, lines.len() as u64 + 1, "numbers have no gap");
                let origin = line.origin.as_str();
                let stream = line.stream.map_or("-", |stream| stream.as_str());
                lines.push(format!("{} {origin} {stream} {}", line.level.as_str(), line.message));
            }
        }
    }

    /// Ends the engine and looks that nothing is left.
    pub(crate) async fn end(self) {
        let worker = self.engine.worker_id();
        self.engine.drain(PATIENCE).await.unwrap();
        // A supervisor that has told its last news is still on its way out.
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let left = find_marked(|mark| mark.ends_with(&worker.to_string()));
            if left.is_empty() {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "no process is left: {left:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for folder in ["runs", "temp"] {
            let left = files_below(&self.folder.path().join(folder));
            assert_eq!(left, Vec::<PathBuf>::new(), "no directory of an attempt is left");
        }
        let rows: usize = self.db.running().await.unwrap().len();
        assert_eq!((rows, self.db.queued_count().await.unwrap()), (0, 0), "nothing runs or waits");
        let blobs = files_below(&self.folder.path().join("blobs/artifacts")).len();
        let total: u64 = count_artifacts(&self.engine).await;
        assert_eq!(blobs as u64, total, "every artifact has its bytes, and all bytes have a row");
    }
}

async fn count_artifacts(engine: &Engine) -> u64 {
    let page = engine.runs(&cts_store::RunFilter::default(), cts_store::RunSort::Newest, 1000, None).await.unwrap();
    page.runs.iter().map(|view| view.run.artifacts.len() as u64).sum()
}

/// Lists the files below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries.flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}
