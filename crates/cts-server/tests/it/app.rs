//! The app that the tests talk to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use cts_api::{CreateToken, Role};
use cts_engine::inputs::InputRoots;
use cts_engine::tools::ServiceEnvironment;
use cts_engine::{Engine, EngineOptions, EngineParts, Registry, WorkerKind};
use cts_model::{Clock, Ids, Limits, ManualClock, RetryPolicy, SystemClock};
use cts_observe::{LevelControl, LogWatch, Tracer};
use cts_server::token_command::TokenAdmin;
use cts_server::{App, AppParts, HttpOptions};
use cts_store::{Blobs, Db, SqliteOptions};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

/// Longest wait for anything in these tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a shell script that the request gives, on inputs or none.
const SCRIPT: &str = r#"
id = "script"
name = "Script"
description = "Runs a shell script."
version = "1"
command = ["/bin/sh", "-c", "{param.script}", "sh", "{inputs}"]
[params.script]
type = "str"
required = true
description = "What to run"
[input]
required = false
many = true
"#;

/// Has a parameter of every type, and takes one kind of file.
const TYPED: &str = r#"
id = "typed"
name = "Typed"
description = "Has a parameter of every type."
version = "2"
tags = ["test"]
command = [
    "/bin/sh", "-c", 'cat -- "$0"', "{input}", "--count={param.count}", ["--ratio={param.ratio}"], "--mode={param.mode}",
    ["--name={param.name}"], ["--names={param.names}"], { when = "loud", args = ["--loud"] },
]
allow_environment = ["GREETING"]
timeout = "10s"
[params.count]
type = "int"
required = true
minimum = 1
maximum = 10
unit = "s"
examples = [3]
[params.ratio]
type = "float"
maximum = 1
[params.mode]
type = "str"
choices = ["fast", "slow"]
default = "fast"
[params.name]
type = "str"
pattern = "[a-z]+"
[params.names]
type = "list"
[params.loud]
type = "bool"
[params.token]
type = "str"
secret = true
[environment]
TOKEN = "{param.token}"
[input]
extensions = [".zst", ".txt"]
description = "One file"
"#;

/// An app with a data directory of its own.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) levels: LevelControl,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the JSON of an answer with this status.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// Returns the code of a problem with this status.
    pub(crate) fn problem(&self, status: u16) -> String {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(problem["suggested_actions"].as_array().is_some_and(|actions| !actions.is_empty()), "{problem}");
        problem["error_code"].as_str().unwrap().to_owned()
    }
}

fn options(folder: &Path) -> EngineOptions {
    EngineOptions {
        data_dir: folder.to_owned(),
        log_dir: folder.join("logs"),
        temp_dir: folder.join("temp"),
        child_program: Some(PathBuf::from(env!("CARGO_BIN_EXE_cts-lite"))),
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
        input_roots: InputRoots::below(vec![folder.join("inputs")]),
    }
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut EngineOptions, &mut HttpOptions)) -> Self {
        Self::with_clock(Arc::new(SystemClock), change).await
    }

    /// An app that asks for tokens, with a clock that the test moves.
    pub(crate) async fn closed(clock: &Arc<ManualClock>) -> Self {
        Self::with_clock(Arc::clone(clock) as Arc<dyn Clock>, |_, http| http.require_authentication = true).await
    }

    pub(crate) async fn with_clock(
        clock: Arc<dyn Clock>,
        change: impl FnOnce(&mut EngineOptions, &mut HttpOptions),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tools = folder.path().join("tools.d");
        std::fs::create_dir_all(&tools).unwrap();
        std::fs::create_dir_all(folder.path().join("inputs")).unwrap();
        std::fs::write(tools.join("script.toml"), SCRIPT).unwrap();
        std::fs::write(tools.join("typed.toml"), TYPED).unwrap();
        let mut options = options(folder.path());
        let mut http = HttpOptions::default();
        change(&mut options, &mut http);
        let db = Db::open_sqlite(&folder.path().join("cts.db"), &SqliteOptions::default()).await.unwrap();
        let environment = ServiceEnvironment::of_process();
        let registry = Registry::with_environment(cts_tools::specs(), Some(tools), environment.clone());
        assert_eq!(registry.broken(), [], "the manifests of the tests are right");
        let ids = Arc::new(Ids::new(Arc::clone(&clock)));
        let blobs = Blobs::local(&folder.path().join("blobs"), false).unwrap();
        let kind = WorkerKind::Service;
        let engine = EngineParts {
            db,
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
        let engine = Engine::start(engine).await.unwrap();
        let levels = LevelControl::default();
        Self {
            app: App::build(AppParts { engine, http, levels: levels.clone(), log: LogWatch::default() }),
            folder,
            levels,
        }
    }

    /// Makes a token as the command line does, and returns its id and its text.
    pub(crate) async fn token(&self, name: &str, role: Role, lasts: Option<Duration>) -> (String, String) {
        let (db, clock) = (self.app.engine().db().clone(), Arc::clone(self.app.engine().clock()));
        let expires_in_seconds = lasts.map(|lasts| lasts.as_secs_f64());
        let request = CreateToken { name: name.to_owned(), role, expires_in_seconds };
        let token = TokenAdmin::on(db, clock, "cts-lite").create(&request).await.unwrap();
        (token.id, token.token.unwrap().0.reveal().to_owned())
    }

    /// Writes a file where inputs may lie and returns its path.
    pub(crate) fn input(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join("inputs").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.handle(request).await;
        let (parts, body) = response.into_parts();
        let body = tokio::time::timeout(PATIENCE, body.collect()).await.expect("the body ends").unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request and reads its answer, of a stream only the head.
    pub(crate) async fn send_head(&self, request: Request<Body>) -> Answer {
        let response = self.app.handle(request).await;
        let is_stream = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let (parts, body) = response.into_parts();
        let body = if is_stream {
            Bytes::new()
        } else {
            tokio::time::timeout(PATIENCE, body.collect()).await.expect("the body ends").unwrap().to_bytes()
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        self.send(request(method, path, headers, body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], Body::empty()).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.call(Method::GET, path, headers, Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[], body).await
    }

    pub(crate) async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.call(Method::POST, path, &headers, Body::from(body.to_string())).await
    }

    /// Submits a shell script and returns the id of its run.
    pub(crate) async fn submit(&self, script: &str) -> String {
        let body = serde_json::json!({"tool_id": "script", "params": {"script": script}});
        let run = self.post("/v1/runs", &body).await.expect(201);
        run["run_id"].as_str().unwrap().to_owned()
    }

    /// Waits for the end of a run and returns it.
    pub(crate) async fn finished(&self, run: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.get(&format!("/v1/runs/{run}?wait=10s")).await.expect(200);
            if matches!(found["status"].as_str(), Some("completed" | "failed" | "canceled")) {
                return found;
            }
            assert!(Instant::now() < deadline, "the run does not end: {found}");
        }
    }

    /// Waits until a run is in a state.
    pub(crate) async fn reached(&self, run: &str, status: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.get(&format!("/v1/runs/{run}")).await.expect(200);
            if found["status"] == status {
                return found;
            }
            assert!(Instant::now() < deadline, "the run does not become {status}: {found}");
            self.get(&format!("/v1/runs/{run}?wait=200ms")).await;
        }
    }

    /// Runs a shell script to its end.
    pub(crate) async fn run(&self, script: &str) -> Value {
        let run = self.submit(script).await;
        self.finished(&run).await
    }

    /// Ends what runs.
    pub(crate) async fn end(self) {
        self.app.engine().drain(Duration::ZERO).await.unwrap();
    }
}

/// Returns a request as a client on this machine sends it.
pub(crate) fn request(method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost:8080");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

/// Returns a tree in which everything that changes from run to run is named instead of shown.
pub(crate) fn redacted(value: &Value) -> String {
    let mut value = value.clone();
    redact(&mut value, "");
    serde_json::to_string_pretty(&value).unwrap() + "\n"
}

fn redact(value: &mut Value, name: &str) {
    match value {
        // It is that of the machine; what is missing is told by the engine's own tests.
        _ if matches!(name, "level" | "missing") => *value = Value::from("<of the machine>"),
        Value::Object(object) => object.iter_mut().for_each(|(name, value)| redact(value, name)),
        Value::Array(items) => items.iter_mut().for_each(|value| redact(value, name)),
        Value::String(text) => *text = redacted_text(text, name),
        Value::Number(_)
            if matches!(name, "duration_seconds" | "cpu_seconds" | "peak_memory_bytes" | "uptime_seconds") =>
        {
            *value = Value::from("<figure>");
        }
        _ => {}
    }
}

fn redacted_text(text: &str, name: &str) -> String {
    if matches!(name, "duration" | "uptime") {
        return "<text>".to_owned();
    }
    let bytes = text.as_bytes();
    let is_time = text.len() == 24 && text.ends_with('Z') && bytes[10] == b'T';
    if is_time {
        return "<time>".to_owned();
    }
    let is_id = |word: &str| word.len() == 36 && word.matches('-').count() == 4;
    let parts: Vec<&str> = text.split('/').map(|part| if is_id(part) { "<id>" } else { part }).collect();
    parts.join("/")
}
