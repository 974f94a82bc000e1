//! One example of everything, used by the `OpenAPI` document, the reference and tests.

use std::collections::BTreeMap;

use cts_model as model;
use cts_model::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::artifact::Artifact;
use crate::config::{ConfigStatus, OriginKind, Overridden, Setting};
use crate::health::{Health, HealthStatus};
use crate::log::{LogEntry, LogLevel};
use crate::log_level::{LogLevels, SetLogLevels};
use crate::problem::{FieldError, Problem};
use crate::run::{CreateRun, Input, InputType, Isolation, IsolationLevel, Run};
use crate::stream::RunChange;
use crate::time::Time;
use crate::token::{AuditEntry, CreateToken, Session, Token};
use crate::tool::ToolCapability;
use crate::upload::{CreateUpload, Upload};
use crate::version::{API_VERSION, MIN_CLIENT_VERSION, Version};

const RUN_ID: &str = "0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11";
const ARTIFACT_ID: &str = "0193a5c0-9a42-7d10-8c55-6f0b1d2e3f44";
const UPLOAD_ID: &str = "0193a5bf-0c21-7e88-a1b2-c3d4e5f60718";
const TOKEN_ID: &str = "0193a5b0-4d2e-7f10-9abc-5d6e7f809112";
const WORKER_ID: &str = "0193a5a0-1111-7abc-8def-001122334455";
const REQUEST_ID: &str = "0193a5c0-7b10-7000-8000-00000000abcd";
const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const BASE_URL: &str = "http://127.0.0.1:8080";

fn at(offset_ms: i64) -> Timestamp {
    Timestamp::from_ms(1_795_599_000_000 + offset_ms)
}

fn id<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| unreachable!("the ids of the samples are well formed"))
}

fn json_of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Returns a tool.
#[must_use]
pub fn tool_spec() -> model::ToolSpec {
    let mut spec = model::ToolSpec::new(
        id("rlog-to-csv"),
        model::ToolKind::Native,
        model::ToolCategory::Analyzer,
        "rlog to CSV",
        "1.0.0",
        "Writes every CAN frame of a driving log as a row of a CSV file.",
    );
    spec.input.required = true;
    spec.input.extensions = vec![".rlog".into(), ".zst".into(), ".bz2".into()];
    spec.input.description = "A driving log".into();
    spec.outputs =
        vec![model::OutputSpec { pattern: "*.csv".into(), required: true, media_type: Some("text/csv".into()) }];
    let mut start = model::ParamSpec::new("window_start", model::ParamKind::Float, "Seconds at which rows begin");
    start.minimum = Some(0.0);
    start.unit = Some("s".into());
    start.examples = vec![json!(12.5)];
    spec.params = vec![start];
    spec
}

/// Returns a tool as clients see it.
#[must_use]
pub fn tool_json() -> Value {
    json_of(&ToolCapability::of(&tool_spec(), std::time::Duration::from_mins(5)))
}

/// Returns a completed run.
#[must_use]
pub fn run() -> Run {
    let cx = model::Ctx { request_id: id(REQUEST_ID), actor: model::Actor::Anonymous, trace: None, change: None };
    let request = model::RunRequest {
        tool_id: id("rlog-to-csv"),
        tool_version: "1.0.0".into(),
        name: Some("morning drive".into()),
        labels: BTreeMap::from([("car".into(), "outback".into())]),
        priority: 0,
        params: model::JsonMap::from_iter([("window_start".to_owned(), json!(12.5))]),
        secret_params: BTreeMap::new(),
        inputs: vec![model::InputRef { kind: model::InputKind::Path, value: "/data/drive.rlog.zst".into() }],
        timeout: std::time::Duration::from_mins(5),
        environment: BTreeMap::new(),
        max_attempts: 3,
        concurrency_key: None,
        owner: None,
    };
    let mut run = model::Run::new(id(RUN_ID), &cx, request, at(0));
    let worker = id(WORKER_ID);
    let usage =
        model::Usage { exit_code: Some(0), signal: None, peak_memory_bytes: Some(21_000_000), cpu_seconds: Some(0.41) };
    let claimed = run.apply(at(3), model::RunEvent::Claimed { worker });
    let outcome = model::Outcome::Completed;
    let ended = run.apply(at(498), model::RunEvent::Ended { attempt: 1, outcome, fault: None, usage });
    debug_assert!(claimed.is_ok() && ended.is_ok(), "the sample goes through the states of a run");
    run.progress = Some(model::Progress { percent: Some(100.0), ..model::Progress::default() });
    run.isolation = Some(model::Isolation { level: model::IsolationLevel::Full, missing: Vec::new() });
    run.artifacts = vec![id(ARTIFACT_ID)];
    Run::of(&run, None, at(498))
}

/// Returns a completed run as JSON.
#[must_use]
pub fn run_json() -> Value {
    json_of(&run())
}

/// Returns a request for a run.
#[must_use]
pub fn create_run_json() -> Value {
    json_of(&CreateRun {
        tool_id: "rlog-to-csv".into(),
        params: model::JsonMap::from_iter([("window_start".to_owned(), json!(12.5))]),
        inputs: vec![Input { kind: InputType::Path, value: "/data/drive.rlog.zst".into() }],
        name: Some("morning drive".into()),
        labels: BTreeMap::from([("car".into(), "outback".into())]),
        ..CreateRun::default()
    })
}

/// Returns a line of a log.
#[must_use]
pub fn log_entry_json() -> Value {
    json_of(&LogEntry::from(&model::LogLine {
        seq: 1,
        timestamp: at(12),
        level: model::Level::Info,
        origin: model::LogOrigin::Tool,
        stream: Some(model::OutputStream::Stdout),
        message: "found 12345 CAN frames".into(),
    }))
}

/// Returns an artifact.
#[must_use]
pub fn artifact_json() -> Value {
    let artifact = model::Artifact {
        id: id(ARTIFACT_ID),
        run_id: id(RUN_ID),
        attempt: 1,
        path: id("drive.csv"),
        media_type: "text/csv".into(),
        size: 1_234_567,
        sha256: id(SHA256),
        created_at: at(480),
        expires_at: Some(at(604_800_480)),
    };
    json_of(&Artifact::of(&artifact, BASE_URL))
}

/// Returns an upload.
#[must_use]
pub fn upload_json() -> Value {
    let upload = model::Upload {
        id: id(UPLOAD_ID),
        filename: "drive.rlog.zst".into(),
        size: 4_194_304,
        sha256: Some(id(SHA256)),
        state: model::UploadState::Pending,
        created_at: at(-60_000),
        expires_at: at(86_340_000),
    };
    json_of(&Upload::of(&upload, 1_048_576, BASE_URL))
}

/// Returns the declaration of an upload.
#[must_use]
pub fn create_upload_json() -> Value {
    json_of(&CreateUpload { filename: "drive.rlog.zst".into(), size: 4_194_304, sha256: Some(SHA256.into()) })
}

/// Returns a token as it is listed.
#[must_use]
pub fn token_json() -> Value {
    let token = model::Token {
        id: id(TOKEN_ID),
        session_of: None,
        name: id("ci"),
        role: model::Role::Operator,
        created_by: "ada".into(),
        created_at: at(0),
        expires_at: Some(at(7_776_000_000)),
        last_used_at: Some(at(60_000)),
        revoked_at: None,
    };
    json_of(&Token::of(&token, None, at(60_000)))
}

/// Returns a request for a token.
#[must_use]
pub fn create_token_json() -> Value {
    let expires_in_seconds = Some(7_776_000.0);
    json_of(&CreateToken { name: "ci".into(), role: crate::token::Role::Operator, expires_in_seconds })
}

/// Returns the levels of the service's own log.
#[must_use]
pub fn log_levels_json() -> Value {
    json_of(&LogLevels {
        level: LogLevel::Info,
        default_level: LogLevel::Info,
        modules: BTreeMap::from([("cts_engine".into(), LogLevel::Debug)]),
        expires_at: Some(Time(at(600_000))),
    })
}

/// Returns a request for other levels of the log.
#[must_use]
pub fn set_log_levels_json() -> Value {
    let modules = BTreeMap::from([("cts_engine".into(), LogLevel::Debug)]);
    json_of(&SetLogLevels { level: None, modules, expires_in_seconds: Some(600.0) })
}

/// Returns a request for a session.
#[must_use]
pub fn create_session_json() -> Value {
    json!({"token": "cts_0193a5b04d2e7f109abc5d_the-rest-of-the-token"})
}

/// Returns a session.
#[must_use]
pub fn session_json() -> Value {
    json_of(&Session {
        authentication_required: true,
        actor: "ada".into(),
        role: crate::token::Role::Admin,
        token_id: Some(TOKEN_ID.into()),
        expires_at: Some(Time(at(43_200_000))),
        csrf_token: Some(SHA256.into()),
    })
}

/// Returns an entry of the audit log.
#[must_use]
pub fn audit_entry_json() -> Value {
    let entry = model::AuditEntry {
        at: at(0),
        actor: "ci".into(),
        token_id: Some(id(TOKEN_ID)),
        action: "POST /v1/runs".into(),
        target: BTreeMap::from([("run_id".into(), RUN_ID.into())]),
        status: 201,
        request_id: REQUEST_ID.into(),
        address: Some("192.0.2.7".into()),
    };
    json_of(&AuditEntry::of(17, &entry))
}

/// Returns the short health.
#[must_use]
pub fn health_json() -> Value {
    json_of(&Health {
        status: HealthStatus::Healthy,
        version: "0.1.0".into(),
        uptime: "2 h 03 min".into(),
        uptime_seconds: 7383.0,
        timestamp: Time(at(0)),
        queued: 0,
        running: 1,
        draining: false,
        isolation: Isolation { level: IsolationLevel::Full, missing: Vec::new() },
        broken_manifests: Vec::new(),
        notes: Vec::new(),
    })
}

/// Returns a configuration.
#[must_use]
pub fn config_status_json() -> Value {
    json_of(&ConfigStatus {
        environment: "production".into(),
        debug: false,
        log_level: "WARNING".into(),
        max_concurrent_runs: 8,
        metrics_enabled: true,
        metrics_port: Some(9100),
        health_checks_enabled: true,
        tracing_enabled: false,
        authentication_required: true,
        rate_limiting_enabled: true,
        port: 8080,
        version: "0.1.0".into(),
        settings: vec![Setting {
            name: "max_concurrent_runs".into(),
            section: "Runs".into(),
            value: json!(8),
            masked: false,
            origin: Some("CTS_MAX_CONCURRENT_RUNS".into()),
            origin_kind: Some(OriginKind::Variable),
            overrode: vec![
                Overridden { value: json!(4), origin: "cts-lite.toml:3:23".into(), origin_kind: OriginKind::File },
                Overridden {
                    value: json!(5),
                    origin: "default of production".into(),
                    origin_kind: OriginKind::Profile,
                },
            ],
            value_type: "int".into(),
            unit: None,
            minimum: Some(1),
            maximum: Some(1024),
            choices: Vec::new(),
            optional: false,
            must_be: "a whole number from 1 to 1024".into(),
            default: "development: 1; testing: 3; staging: 2; production: 5".into(),
            description: "How many runs work at a time.".into(),
            variable: "CTS_MAX_CONCURRENT_RUNS".into(),
            flag: "--max-concurrent-runs".into(),
            works: true,
        }],
    })
}

/// Returns a version.
#[must_use]
pub fn version_json() -> Value {
    json_of(&Version {
        api_version: API_VERSION.into(),
        version: "0.1.0".into(),
        min_client_version: MIN_CLIENT_VERSION.into(),
        deprecated_features: Vec::new(),
        git_sha: Some("5b95008c0ffee".into()),
        built_at: Some("2026-11-25T09:30:00Z".into()),
    })
}

/// Returns a problem.
#[must_use]
pub fn problem_json() -> Value {
    let code = model::Code::InvalidParameters;
    let fault = model::FieldFault::new("/params/window_start", "range", "window_start is -1; at least 0 s is allowed");
    json_of(&Problem {
        kind: crate::problem::type_uri(code),
        title: crate::problem::title(code),
        status: 400,
        detail: fault.message.clone(),
        instance: "/v1/runs".into(),
        error_category: code.category().into(),
        error_code: code.as_str().into(),
        suggested_actions: code.actions().iter().map(|&action| action.to_owned()).collect(),
        recovery_attempted: false,
        request_id: REQUEST_ID.into(),
        run_id: None,
        queue_position: None,
        timestamp: Time(at(0)),
        errors: Some(vec![FieldError::from(&fault)]),
        technical_details: None,
    })
}

/// Returns a change of a run's state.
#[must_use]
pub fn run_change_json() -> Value {
    let data = json!({"status": "completed", "tool_id": "rlog-to-csv", "attempt": 1});
    json_of(&RunChange::of(42, at(498), "run.ended".into(), Some(RUN_ID.into()), data))
}
