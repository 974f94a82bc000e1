//! A run: one request to run one tool, with its state. [`Run::apply`] is the only way a run changes its state.
//!
//! Invariants: a terminal state never changes; every write of an attempt carries its number, and a number that is not
//! the run's present one changes nothing; between attempts the run is queued.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::JsonMap;
use crate::attempt::{Attempt, Isolation, Outcome, Usage};
use crate::clock::Timestamp;
use crate::ctx::RequestId;
use crate::fault::Fault;
use crate::id::{ArtifactId, RunId, ToolId, WorkerId};
use crate::input::InputRef;
use crate::secret::Secret;
use crate::trace::TraceContext;

/// The five states of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunState {
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

impl RunState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Canceled];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Returns the state of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Returns whether the run has ended.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

/// How far an attempt is, as the tool tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// 0 to 100.
    pub percent: Option<f64>,
    /// One line for people.
    pub message: Option<String>,
    /// How much is done, in `unit`.
    pub current: Option<f64>,
    /// How much there is, in `unit`.
    pub total: Option<f64>,
    /// What `current` and `total` count, for example `bytes`.
    pub unit: Option<String>,
}

/// What somebody asked for, checked: parameters are typed, inputs exist.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRequest {
    /// Which tool.
    pub tool_id: ToolId,
    /// The tool's version at the time of the request.
    pub tool_version: String,
    /// A name for people.
    pub name: Option<String>,
    /// Labels for filters.
    pub labels: BTreeMap<String, String>,
    /// Higher first; −100 to 100.
    pub priority: i32,
    /// Checked parameters, those that are secret left out.
    pub params: JsonMap,
    /// Checked secret parameters; dropped when the run ends.
    pub secret_params: BTreeMap<String, Secret>,
    /// The files that it works on, as they were named, expanded to single files.
    pub inputs: Vec<InputRef>,
    /// Time limit of one attempt.
    pub timeout: Duration,
    /// Additional environment of the child.
    pub environment: BTreeMap<String, String>,
    /// Attempts in all.
    pub max_attempts: u32,
    /// Runs with the same key share the tool's concurrency limit.
    pub concurrency_key: Option<String>,
    /// Only this worker may claim it, while it lives: set for runs of a client in process.
    pub owner: Option<WorkerId>,
}

/// One request to run one tool, with its state.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What was asked for.
    pub request: RunRequest,
    /// The request that asked for it.
    pub request_id: RequestId,
    /// The span of the request: queue, attempts and artifacts belong to its trace.
    pub trace: Option<TraceContext>,
    /// Who asked for it.
    pub created_by: String,
    /// When it was acknowledged.
    pub created_at: Timestamp,
    /// Its state.
    pub state: RunState,
    /// Number of the present or last attempt; 0 before the first.
    pub attempt: u32,
    /// All attempts so far.
    pub attempts: Vec<Attempt>,
    /// Which worker runs it.
    pub worker: Option<WorkerId>,
    /// When its first attempt started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// It is not claimed before this moment.
    pub not_before: Option<Timestamp>,
    /// Somebody asked for its end; checked again by the claim.
    pub cancel_asked: bool,
    /// Whether retention leaves it alone.
    pub pinned: bool,
    /// How far it is.
    pub progress: Option<Progress>,
    /// How well it was kept apart.
    pub isolation: Option<Isolation>,
    /// What its last attempt used.
    pub usage: Usage,
    /// What its attempts made, oldest first.
    pub artifacts: Vec<ArtifactId>,
    /// What went wrong with its last attempt.
    pub fault: Option<Fault>,
    /// Whether another attempt or a fallback was tried.
    pub recovery_attempted: bool,
}

/// Everything that can change the state of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// A worker takes it. Number of the new attempt is the present one plus one.
    Claimed {
        /// Who.
        worker: WorkerId,
    },
    /// The attempt ended and another one follows.
    Requeued {
        /// Which attempt ended.
        attempt: u32,
        /// How.
        outcome: Outcome,
        /// Why, when it went wrong.
        fault: Option<Fault>,
        /// The next claim is not before this moment.
        not_before: Option<Timestamp>,
        /// What it used.
        usage: Usage,
    },
    /// The attempt ended, and with it the run.
    Ended {
        /// Which attempt ended.
        attempt: u32,
        /// How.
        outcome: Outcome,
        /// What went wrong; none when it completed.
        fault: Option<Fault>,
        /// What it used.
        usage: Usage,
    },
    /// Somebody asks for its end: a queued run ends at once, a running one when its attempt has been stopped.
    CancelAsked,
}

/// A change that the run's state does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTransition {
    /// The run has ended; nothing changes it.
    #[error("run {0} has ended as {1:?}")]
    Terminal(RunId, RunState),
    /// A late write of an attempt that is not the present one.
    #[error("run {run} is at attempt {present}, not {given}")]
    Fenced {
        /// Which run.
        run: RunId,
        /// The present attempt.
        present: u32,
        /// The attempt that wrote.
        given: u32,
    },
    /// The event does not fit the state.
    #[error("run {0} is {1:?}, which does not fit the event")]
    WrongState(RunId, RunState),
    /// Somebody asked for its end, so it is not started.
    #[error("run {0} was asked to end")]
    CancelAsked(RunId),
}

impl Run {
    /// Returns a new run in the queue.
    #[must_use]
    pub fn new(id: RunId, cx: &crate::Ctx, request: RunRequest, now: Timestamp) -> Self {
        Self {
            id,
            request,
            request_id: cx.request_id.clone(),
            trace: cx.trace.clone(),
            created_by: cx.actor.to_string(),
            created_at: now,
            state: RunState::Queued,
            attempt: 0,
            attempts: Vec::new(),
            worker: None,
            started_at: None,
            ended_at: None,
            not_before: None,
            cancel_asked: false,
            pinned: false,
            progress: None,
            isolation: None,
            usage: Usage::default(),
            artifacts: Vec::new(),
            fault: None,
            recovery_attempted: false,
        }
    }

    /// Changes the state as `event` says.
    ///
    /// # Errors
    /// [`BadTransition`] when the state does not allow it; the run is then as it was.
    pub fn apply(&mut self, now: Timestamp, event: RunEvent) -> Result<(), BadTransition> {
        if self.state.is_terminal() {
            return Err(BadTransition::Terminal(self.id, self.state));
        }
        match event {
            RunEvent::Claimed { worker } => self.claim(now, worker),
            RunEvent::Requeued { attempt, outcome, fault, not_before, usage } => {
                self.end_attempt(now, attempt, outcome, usage)?;
                // Being asked to end wins over another try.
                if self.cancel_asked {
                    self.end(now, RunState::Canceled);
                    return Ok(());
                }
                self.state = RunState::Queued;
                self.fault = fault;
                self.not_before = not_before;
                self.recovery_attempted |= outcome != Outcome::Stopped;
                self.progress = None;
                Ok(())
            }
            RunEvent::Ended { attempt, outcome, fault, usage } => {
                self.end_attempt(now, attempt, outcome, usage)?;
                self.fault = fault;
                self.end(
                    now,
                    match outcome {
                        Outcome::Completed => RunState::Completed,
                        Outcome::Canceled => RunState::Canceled,
                        Outcome::ToolError | Outcome::SystemError | Outcome::Lost | Outcome::Stopped => {
                            RunState::Failed
                        }
                    },
                );
                Ok(())
            }
            RunEvent::CancelAsked => {
                self.cancel_asked = true;
                if self.state == RunState::Queued {
                    self.end(now, RunState::Canceled);
                }
                Ok(())
            }
        }
    }

    fn claim(&mut self, now: Timestamp, worker: WorkerId) -> Result<(), BadTransition> {
        if self.state != RunState::Queued {
            return Err(BadTransition::WrongState(self.id, self.state));
        }
        if self.cancel_asked {
            return Err(BadTransition::CancelAsked(self.id));
        }
        self.state = RunState::Running;
        self.attempt += 1;
        self.worker = Some(worker);
        self.not_before = None;
        self.started_at.get_or_insert(now);
        self.attempts.push(Attempt { number: self.attempt, worker, started_at: now, ended_at: None, outcome: None });
        Ok(())
    }

    fn end_attempt(
        &mut self,
        now: Timestamp,
        attempt: u32,
        outcome: Outcome,
        usage: Usage,
    ) -> Result<(), BadTransition> {
        if self.state != RunState::Running {
            return Err(BadTransition::WrongState(self.id, self.state));
        }
        if attempt != self.attempt {
            return Err(BadTransition::Fenced { run: self.id, present: self.attempt, given: attempt });
        }
        if let Some(last) = self.attempts.last_mut() {
            last.ended_at = Some(now);
            last.outcome = Some(outcome);
        }
        self.worker = None;
        self.usage = usage;
        Ok(())
    }

    fn end(&mut self, now: Timestamp, state: RunState) {
        self.state = state;
        self.ended_at = Some(now);
        self.not_before = None;
        if state != RunState::Failed {
            self.fault = None;
        }
        self.request.secret_params.clear();
    }

    /// Returns how long it has been running, from its first attempt's start to its end or to `now`.
    #[must_use]
    pub fn duration(&self, now: Timestamp) -> Option<Duration> {
        Some(self.ended_at.unwrap_or(now).since(self.started_at?))
    }
}

#[cfg(test)]
mod tests;
