//! A run as a row: the columns that are searched and changed alone, and JSON for the rest.
//!
//! The shapes here are those of the database; a field may be added with a default, never renamed.

use std::collections::BTreeMap;
use std::time::Duration;

use cts_model::{
    Attempt, Code, Fault, FaultDetails, FieldFault, InputKind, InputRef, Isolation, IsolationLevel, JsonMap, Outcome,
    Progress, Run, RunRequest, RunState, Secret, Timestamp, TraceContext, TraceState, Usage,
};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::sql::{Row, bad, to_json};

/// The columns of a run, in the order of the INSERT, and the ids of its artifacts.
macro_rules! run_columns {
    () => {
        "id, status, tool_id, name, priority, concurrency_key, owner, worker_id, attempt, cancel_asked, pinned, \
         created_at_ms, started_at_ms, ended_at_ms, not_before_ms, request, history, progress, isolation, \
         secret_params, \
         (SELECT string_agg(a.id, ',' ORDER BY a.id) FROM artifacts a WHERE a.run_id = runs.id) AS artifact_ids"
    };
}
pub(crate) use run_columns;

/// What was asked for and by whom.
#[derive(Serialize, Deserialize)]
struct RequestJson {
    tool_version: String,
    name: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    params: JsonMap,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<InputJson>,
    timeout: Duration,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    environment: BTreeMap<String, String>,
    max_attempts: u32,
    concurrency_key: Option<String>,
    request_id: String,
    traceparent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
    created_by: String,
}

#[derive(Serialize, Deserialize)]
struct InputJson {
    kind: String,
    value: String,
}

/// What happened so far.
#[derive(Serialize, Deserialize)]
struct HistoryJson {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<AttemptJson>,
    #[serde(default)]
    usage: UsageJson,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<FaultJson>,
    #[serde(default)]
    recovery_attempted: bool,
}

#[derive(Serialize, Deserialize)]
struct AttemptJson {
    number: u32,
    worker: String,
    started_at_ms: i64,
    ended_at_ms: Option<i64>,
    outcome: Option<String>,
}

#[derive(Serialize, Deserialize, Default)]
struct UsageJson {
    exit_code: Option<i32>,
    signal: Option<i32>,
    peak_memory_bytes: Option<u64>,
    cpu_seconds: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct FaultJson {
    code: String,
    message: String,
    #[serde(default)]
    details: DetailsJson,
    actions: Vec<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum DetailsJson {
    #[default]
    None,
    Fields {
        fields: Vec<FieldJson>,
    },
    Tool {
        stderr: String,
        exit_code: Option<i32>,
        /// JSON has no word for a number that is not finite.
        execution_time: Option<f64>,
        suggested_fix: String,
    },
    System {
        system_error: String,
        error_type: String,
    },
}

#[derive(Serialize, Deserialize)]
struct FieldJson {
    pointer: String,
    code: String,
    message: String,
}

#[derive(Serialize, Deserialize)]
struct ProgressJson {
    percent: Option<f64>,
    message: Option<String>,
    current: Option<f64>,
    total: Option<f64>,
    unit: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct IsolationJson {
    level: String,
    missing: Vec<String>,
}

pub(super) fn request_json(run: &Run) -> String {
    let request = &run.request;
    let input = |input: &InputRef| InputJson { kind: input.kind.as_str().to_owned(), value: input.value.clone() };
    to_json(&RequestJson {
        tool_version: request.tool_version.clone(),
        name: request.name.clone(),
        labels: request.labels.clone(),
        params: request.params.clone(),
        inputs: request.inputs.iter().map(input).collect(),
        timeout: request.timeout,
        environment: request.environment.clone(),
        max_attempts: request.max_attempts,
        concurrency_key: request.concurrency_key.clone(),
        request_id: run.request_id.as_str().to_owned(),
        traceparent: run.trace.as_ref().map(TraceContext::traceparent),
        tracestate: run.trace.as_ref().and_then(|trace| trace.state.as_ref()).map(|state| state.as_str().to_owned()),
        created_by: run.created_by.clone(),
    })
}

pub(super) fn history_json(run: &Run) -> String {
    let attempt = |attempt: &Attempt| AttemptJson {
        number: attempt.number,
        worker: attempt.worker.to_string(),
        started_at_ms: attempt.started_at.as_ms(),
        ended_at_ms: attempt.ended_at.map(Timestamp::as_ms),
        outcome: attempt.outcome.map(|outcome| outcome.as_str().to_owned()),
    };
    let Usage { exit_code, signal, peak_memory_bytes, cpu_seconds } = run.usage;
    to_json(&HistoryJson {
        attempts: run.attempts.iter().map(attempt).collect(),
        usage: UsageJson { exit_code, signal, peak_memory_bytes, cpu_seconds },
        fault: run.fault.as_ref().map(fault_json),
        recovery_attempted: run.recovery_attempted,
    })
}

fn fault_json(fault: &Fault) -> FaultJson {
    let field = |field: &FieldFault| FieldJson {
        pointer: field.pointer.clone(),
        code: field.code.clone(),
        message: field.message.clone(),
    };
    let details = match &fault.details {
        FaultDetails::None => DetailsJson::None,
        FaultDetails::Fields(fields) => DetailsJson::Fields { fields: fields.iter().map(field).collect() },
        FaultDetails::Tool { stderr, exit_code, execution_time, suggested_fix } => DetailsJson::Tool {
            stderr: stderr.clone(),
            exit_code: *exit_code,
            execution_time: Some(*execution_time),
            suggested_fix: suggested_fix.clone(),
        },
        FaultDetails::System { system_error, error_type } => {
            DetailsJson::System { system_error: system_error.clone(), error_type: error_type.clone() }
        }
    };
    let code = fault.code.as_str().to_owned();
    FaultJson { code, message: fault.message.clone(), details, actions: fault.actions.clone() }
}

pub(super) fn progress_json(progress: &Progress) -> String {
    let Progress { percent, message, current, total, unit } = progress.clone();
    to_json(&ProgressJson { percent, message, current, total, unit })
}

pub(super) fn isolation_json(isolation: &Isolation) -> String {
    to_json(&IsolationJson { level: isolation.level.as_str().to_owned(), missing: isolation.missing.clone() })
}

/// Returns the secret parameters as JSON: the one place where they are laid down, until the run ends.
pub(super) fn secrets_json(secrets: &BTreeMap<String, Secret>) -> Option<String> {
    let revealed: BTreeMap<&str, &str> =
        secrets.iter().map(|(name, secret)| (name.as_str(), secret.reveal())).collect();
    (!revealed.is_empty()).then(|| to_json(&revealed))
}

/// Returns what a search looks through: lower-case words, one a line.
pub(super) fn search_text(run: &Run) -> String {
    let request = &run.request;
    let mut lines = vec![run.id.to_string(), request.tool_id.to_string()];
    lines.extend(request.name.clone());
    lines.extend(request.labels.iter().map(|(label, value)| format!("{label}={value}")));
    lines.extend(request.inputs.iter().map(|input| input.value.clone()));
    // A text that is looked through need not be complete, and a row should stay small.
    let text: String = lines.join("\n").chars().take(SEARCH_CHARS_MAX).collect();
    crate::sql::comparable(&text.to_lowercase())
}

/// Longest text that is looked through, in characters.
const SEARCH_CHARS_MAX: usize = 500;

/// Returns the trace of a run. One that cannot be read is none: a run must not be lost for it.
fn trace(traceparent: Option<&str>, tracestate: Option<&str>) -> Option<TraceContext> {
    let context = TraceContext::from_traceparent(traceparent?)?;
    Some(TraceContext { state: TraceState::read(tracestate), ..context })
}

/// Reads a row with [`run_columns`].
pub(crate) fn run(row: &Row) -> Result<Run, StoreError> {
    let request: RequestJson = row.json("request")?;
    let history: HistoryJson = row.json("history")?;
    let secrets: Option<BTreeMap<String, String>> = row.optional_json("secret_params")?;
    let artifacts = row.optional_text("artifact_ids")?.unwrap_or_default();
    let artifacts = artifacts.split(',').filter(|id| !id.is_empty());
    let artifacts = artifacts.map(|id| id.parse().map_err(|error| bad("artifact_ids", error)));
    Ok(Run {
        id: row.parsed("id")?,
        request_id: request.request_id.parse().map_err(|error| bad("request", error))?,
        trace: trace(request.traceparent.as_deref(), request.tracestate.as_deref()),
        created_by: request.created_by,
        created_at: row.time("created_at_ms")?,
        state: row.word("status", RunState::from_word)?,
        attempt: row.number("attempt")?,
        attempts: history.attempts.into_iter().map(attempt).collect::<Result<_, _>>()?,
        worker: row.optional_parsed("worker_id")?,
        started_at: row.optional_time("started_at_ms")?,
        ended_at: row.optional_time("ended_at_ms")?,
        not_before: row.optional_time("not_before_ms")?,
        cancel_asked: row.yes("cancel_asked")?,
        pinned: row.yes("pinned")?,
        progress: row.optional_json::<ProgressJson>("progress")?.map(progress),
        isolation: row.optional_json::<IsolationJson>("isolation")?.map(isolation).transpose()?,
        usage: Usage {
            exit_code: history.usage.exit_code,
            signal: history.usage.signal,
            peak_memory_bytes: history.usage.peak_memory_bytes,
            cpu_seconds: history.usage.cpu_seconds,
        },
        artifacts: artifacts.collect::<Result<_, _>>()?,
        fault: history.fault.map(fault),
        recovery_attempted: history.recovery_attempted,
        request: RunRequest {
            tool_id: row.parsed("tool_id")?,
            tool_version: request.tool_version,
            name: request.name,
            labels: request.labels,
            priority: row.number("priority")?,
            params: request.params,
            secret_params: secrets.into_iter().flatten().map(|(name, value)| (name, Secret::new(value))).collect(),
            inputs: request.inputs.into_iter().map(input).collect::<Result<_, _>>()?,
            timeout: request.timeout,
            environment: request.environment,
            max_attempts: request.max_attempts,
            concurrency_key: request.concurrency_key,
            owner: row.optional_parsed("owner")?,
        },
    })
}

fn input(input: InputJson) -> Result<InputRef, StoreError> {
    let kind = InputKind::from_word(&input.kind).ok_or_else(|| bad("request", "unknown kind of input"))?;
    Ok(InputRef { kind, value: input.value })
}

fn attempt(attempt: AttemptJson) -> Result<Attempt, StoreError> {
    let outcome = attempt.outcome.as_deref();
    let outcome =
        outcome.map(|word| Outcome::from_word(word).ok_or_else(|| bad("history", "unknown outcome"))).transpose()?;
    Ok(Attempt {
        number: attempt.number,
        worker: attempt.worker.parse().map_err(|error| bad("history", error))?,
        started_at: Timestamp::from_ms(attempt.started_at_ms),
        ended_at: attempt.ended_at_ms.map(Timestamp::from_ms),
        outcome,
    })
}

fn progress(progress: ProgressJson) -> Progress {
    let ProgressJson { percent, message, current, total, unit } = progress;
    Progress { percent, message, current, total, unit }
}

fn isolation(isolation: IsolationJson) -> Result<Isolation, StoreError> {
    let level = IsolationLevel::from_word(&isolation.level).ok_or_else(|| bad("isolation", "unknown level"))?;
    Ok(Isolation { level, missing: isolation.missing })
}

fn fault(fault: FaultJson) -> Fault {
    let field = |field: FieldJson| FieldFault { pointer: field.pointer, code: field.code, message: field.message };
    let details = match fault.details {
        DetailsJson::None => FaultDetails::None,
        DetailsJson::Fields { fields } => FaultDetails::Fields(fields.into_iter().map(field).collect()),
        DetailsJson::Tool { stderr, exit_code, execution_time, suggested_fix } => {
            FaultDetails::Tool { stderr, exit_code, execution_time: execution_time.unwrap_or(0.0), suggested_fix }
        }
        DetailsJson::System { system_error, error_type } => FaultDetails::System { system_error, error_type },
    };
    // A code that is no longer known must not hide the run.
    let code = Code::from_word(&fault.code).unwrap_or(Code::Internal);
    Fault { code, message: fault.message, details, actions: fault.actions }
}
