//! A run as clients see it.

use std::collections::BTreeMap;
use std::time::Duration;

use cts_model as model;
use cts_model::secret::MASK;
use cts_model::{FaultDetails, JsonMap, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{Category, FieldError};
use crate::time::{Time, duration_text};

mod request;

pub use request::{
    CreateRun, ENVIRONMENT_LENGTH_MAX, INPUT_COUNT_MAX, LABEL_COUNT_MAX, LABEL_LENGTH_MAX, NAME_LENGTH_MAX,
    PRIORITY_MAX, Rerun,
};

/// One request to run one tool, with its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::run_json)]
pub struct Run {
    /// Its id: a `UUIDv7`.
    #[schema(format = "uuid")]
    pub run_id: String,
    /// The same as `run_id`.
    #[schema(format = "uuid")]
    pub id: String,
    /// Which tool.
    pub tool_id: String,
    /// The tool's version at the time of the request.
    pub tool_version: String,
    /// A name for people.
    #[schema(required)]
    pub name: Option<String>,
    /// Labels for filters.
    pub labels: BTreeMap<String, String>,
    /// Where it is.
    pub status: RunStatus,
    /// Checked parameters, defaults filled in; secret ones are masked.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub params: JsonMap,
    /// The files that it works on, expanded to single files.
    pub inputs: Vec<Input>,
    /// Higher first.
    pub priority: i32,
    /// Time limit of one attempt.
    pub timeout_seconds: f64,
    /// When it was acknowledged.
    pub created_at: Time,
    /// When its first attempt started.
    #[schema(required)]
    pub started_at: Option<Time>,
    /// When it ended, however it ended.
    #[schema(required)]
    pub completed_at: Option<Time>,
    /// From its first attempt's start to its end, or to now.
    #[schema(required)]
    pub duration_seconds: Option<f64>,
    /// The same as text for people.
    #[schema(required)]
    pub duration: Option<String>,
    /// How many runs start before it, itself included: 1 is the next one.
    #[schema(required)]
    pub queue_position: Option<u64>,
    /// Its next attempt does not start before this moment.
    #[schema(required)]
    pub not_before: Option<Time>,
    /// How far it is.
    #[schema(required)]
    pub progress: Option<Progress>,
    /// Number of the present or last attempt; 0 before the first.
    pub attempt: u32,
    /// Attempts in all.
    pub max_attempts: u32,
    /// All attempts so far.
    pub attempts: Vec<Attempt>,
    /// The worker that runs it.
    #[schema(required)]
    pub worker: Option<String>,
    /// How well it is kept apart from the rest of the machine.
    #[schema(required)]
    pub isolation: Option<Isolation>,
    /// Exit status of the tool.
    #[schema(required)]
    pub exit_code: Option<i32>,
    /// The signal that ended the tool.
    #[schema(required)]
    pub signal: Option<i32>,
    /// Highest memory of the whole process tree.
    #[schema(required)]
    pub peak_memory_bytes: Option<u64>,
    /// Processor time of the whole process tree.
    #[schema(required)]
    pub cpu_seconds: Option<f64>,
    /// What it made so far: ids of artifacts.
    pub artifacts: Vec<String>,
    /// Whether retention leaves it alone.
    pub pinned: bool,
    /// The request that asked for it.
    pub request_id: String,
    /// Who asked for it.
    pub created_by: String,
    /// When it failed: one sentence for people.
    #[schema(required)]
    pub error: Option<String>,
    /// When it failed: the kind of error.
    #[schema(required)]
    pub error_category: Option<Category>,
    /// When it failed: the stable code.
    #[schema(required)]
    pub error_code: Option<String>,
    /// When it failed: what else is known.
    #[schema(required)]
    pub error_details: Option<ErrorDetails>,
    /// When it failed: what to do next.
    pub suggested_actions: Vec<String>,
    /// Whether another attempt or a fallback was tried.
    pub recovery_attempted: bool,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Acknowledged; waits for a slot or for its next attempt.
    Queued,
    /// An attempt is under way.
    Running,
    /// The tool did what it promised.
    Completed,
    /// It went wrong, and no further attempt is made.
    Failed,
    /// Somebody asked for its end.
    Canceled,
}

impl RunStatus {
    /// Returns whether the run has ended.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        model::RunState::from(self).is_terminal()
    }

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        model::RunState::from(self).as_str()
    }
}

impl From<model::RunState> for RunStatus {
    fn from(state: model::RunState) -> Self {
        match state {
            model::RunState::Queued => Self::Queued,
            model::RunState::Running => Self::Running,
            model::RunState::Completed => Self::Completed,
            model::RunState::Failed => Self::Failed,
            model::RunState::Canceled => Self::Canceled,
        }
    }
}

impl From<RunStatus> for model::RunState {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Queued => Self::Queued,
            RunStatus::Running => Self::Running,
            RunStatus::Completed => Self::Completed,
            RunStatus::Failed => Self::Failed,
            RunStatus::Canceled => Self::Canceled,
        }
    }
}

/// The name of one input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where it comes from.
    #[serde(rename = "type")]
    pub kind: InputType,
    /// A path on the server's machine (a file, a directory or a glob), or the id of an upload or an artifact.
    #[schema(min_length = 1, max_length = 4096)]
    pub value: String,
}

/// Where an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    /// A file on the server's machine.
    Path,
    /// A finished upload, by id.
    Upload,
    /// An artifact of an earlier run, by id.
    Artifact,
}

impl From<&model::InputRef> for Input {
    fn from(input: &model::InputRef) -> Self {
        let kind = match input.kind {
            model::InputKind::Path => InputType::Path,
            model::InputKind::Upload => InputType::Upload,
            model::InputKind::Artifact => InputType::Artifact,
        };
        Self { kind, value: input.value.clone() }
    }
}

impl From<Input> for model::InputRef {
    fn from(input: Input) -> Self {
        let kind = match input.kind {
            InputType::Path => model::InputKind::Path,
            InputType::Upload => model::InputKind::Upload,
            InputType::Artifact => model::InputKind::Artifact,
        };
        Self { kind, value: input.value }
    }
}

/// How far a run is, as its tool tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// 0 to 100.
    #[schema(required)]
    pub percent: Option<f64>,
    /// One line for people.
    #[schema(required)]
    pub message: Option<String>,
    /// How much is done, in `unit`.
    #[schema(required)]
    pub current: Option<f64>,
    /// How much there is, in `unit`.
    #[schema(required)]
    pub total: Option<f64>,
    /// What `current` and `total` count.
    #[schema(required)]
    pub unit: Option<String>,
}

impl From<&model::Progress> for Progress {
    fn from(progress: &model::Progress) -> Self {
        let model::Progress { percent, message, current, total, unit } = progress.clone();
        Self { percent, message, current, total, unit }
    }
}

/// One try of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it was claimed.
    pub started_at: Time,
    /// When its end was recorded.
    #[schema(required)]
    pub ended_at: Option<Time>,
    /// How it ended.
    #[schema(required)]
    pub outcome: Option<Outcome>,
}

impl From<&model::Attempt> for Attempt {
    fn from(attempt: &model::Attempt) -> Self {
        Self {
            number: attempt.number,
            started_at: Time(attempt.started_at),
            ended_at: attempt.ended_at.map(Time),
            outcome: attempt.outcome.map(Outcome::from),
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The tool did what it promised.
    Completed,
    /// The tool failed.
    ToolError,
    /// The system failed below the tool.
    SystemError,
    /// Somebody asked for its end.
    Canceled,
    /// Its worker died.
    Lost,
    /// The service was stopped while it ran.
    Stopped,
}

impl From<model::Outcome> for Outcome {
    fn from(outcome: model::Outcome) -> Self {
        match outcome {
            model::Outcome::Completed => Self::Completed,
            model::Outcome::ToolError => Self::ToolError,
            model::Outcome::SystemError => Self::SystemError,
            model::Outcome::Canceled => Self::Canceled,
            model::Outcome::Lost => Self::Lost,
            model::Outcome::Stopped => Self::Stopped,
        }
    }
}

/// How well a run is kept apart from the rest of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Isolation {
    /// In one word.
    pub level: IsolationLevel,
    /// What the machine could not enforce, in sentences for an operator.
    pub missing: Vec<String>,
}

/// How well a run is kept apart, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IsolationLevel {
    /// All of it.
    Full,
    /// Some of it is missing; see the list.
    Partial,
    /// No sandbox.
    Off,
}

impl From<&model::Isolation> for Isolation {
    fn from(isolation: &model::Isolation) -> Self {
        let level = match isolation.level {
            model::IsolationLevel::Full => IsolationLevel::Full,
            model::IsolationLevel::Partial => IsolationLevel::Partial,
            model::IsolationLevel::Off => IsolationLevel::Off,
        };
        Self { level, missing: isolation.missing.clone() }
    }
}

/// What else is known about a failure; the shape follows `error_category`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ErrorDetails {
    /// Of a tool error.
    Tool {
        /// Last lines of the tool's standard error.
        tool_stderr: String,
        /// Exit status of the tool.
        #[schema(required)]
        exit_code: Option<i32>,
        /// How long the attempt ran, in seconds.
        execution_time: f64,
        /// What would mend it.
        suggested_fix: String,
    },
    /// Of a validation error.
    Validation {
        /// Every fault that was found.
        validation_errors: Vec<FieldError>,
    },
    /// Of a system error.
    System {
        /// The system's own words.
        system_error: String,
        /// Its type, for example `ENOSPC`.
        error_type: String,
    },
}

impl ErrorDetails {
    /// Returns the wire form of what a fault knows beyond its sentence.
    #[must_use]
    pub fn of(details: &FaultDetails) -> Option<Self> {
        match details {
            FaultDetails::None => None,
            FaultDetails::Fields(fields) => {
                Some(Self::Validation { validation_errors: fields.iter().map(FieldError::from).collect() })
            }
            FaultDetails::Tool { stderr, exit_code, execution_time, suggested_fix } => Some(Self::Tool {
                tool_stderr: stderr.clone(),
                exit_code: *exit_code,
                execution_time: *execution_time,
                suggested_fix: suggested_fix.clone(),
            }),
            FaultDetails::System { system_error, error_type } => {
                Some(Self::System { system_error: system_error.clone(), error_type: error_type.clone() })
            }
        }
    }
}

impl Run {
    /// Returns the wire form of a run at the moment `now`.
    #[must_use]
    pub fn of(run: &model::Run, queue_position: Option<u64>, now: Timestamp) -> Self {
        let request = &run.request;
        let id = run.id.to_string();
        let duration = run.duration(now);
        // Between two attempts the last one's fault is kept in the model; clients see an error once the run failed.
        let fault = run.fault.as_ref().filter(|_| run.state == model::RunState::Failed);
        let mut params = request.params.clone();
        params.extend(request.secret_params.keys().map(|name| (name.clone(), MASK.into())));
        Self {
            run_id: id.clone(),
            id,
            tool_id: request.tool_id.to_string(),
            tool_version: request.tool_version.clone(),
            name: request.name.clone(),
            labels: request.labels.clone(),
            status: run.state.into(),
            params,
            inputs: request.inputs.iter().map(Input::from).collect(),
            priority: request.priority,
            timeout_seconds: request.timeout.as_secs_f64(),
            created_at: Time(run.created_at),
            started_at: run.started_at.map(Time),
            completed_at: run.ended_at.map(Time),
            duration_seconds: duration.as_ref().map(Duration::as_secs_f64),
            duration: duration.map(duration_text),
            queue_position: queue_position.filter(|_| run.state == model::RunState::Queued),
            not_before: run.not_before.map(Time),
            progress: run.progress.as_ref().map(Progress::from),
            attempt: run.attempt,
            max_attempts: request.max_attempts,
            attempts: run.attempts.iter().map(Attempt::from).collect(),
            worker: run.worker.map(|worker| worker.to_string()),
            isolation: run.isolation.as_ref().map(Isolation::from),
            exit_code: run.usage.exit_code,
            signal: run.usage.signal,
            peak_memory_bytes: run.usage.peak_memory_bytes,
            cpu_seconds: run.usage.cpu_seconds,
            artifacts: run.artifacts.iter().map(ToString::to_string).collect(),
            pinned: run.pinned,
            request_id: run.request_id.to_string(),
            created_by: run.created_by.clone(),
            error: fault.map(|fault| fault.message.clone()),
            error_category: fault.map(|fault| fault.category().into()),
            error_code: fault.map(|fault| fault.code.as_str().to_owned()),
            error_details: fault.and_then(|fault| ErrorDetails::of(&fault.details)),
            suggested_actions: fault.map(|fault| fault.actions.clone()).unwrap_or_default(),
            recovery_attempted: run.recovery_attempted,
        }
    }
}

#[cfg(test)]
mod tests;
