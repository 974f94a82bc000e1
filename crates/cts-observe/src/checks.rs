//! Health: named checks that look in the background, each with its own time limit and interval, and the verdict over
//! what they saw last. Whoever asks gets what is known; nobody who asks makes a check run.
//!
//! A check that takes too long, panics or hangs is unhealthy and harms no other one: it is not started again before it
//! has come back.

mod verdict;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cts_model::{Clock, Timestamp};
use tokio::task::JoinHandle;

pub use verdict::{Summary, Verdict, summary, verdict};

/// What a check that passed has to say: numbers and words for people, never a secret.
pub type Details = serde_json::Map<String, serde_json::Value>;

/// What a check saw: its details, or why it failed in a sentence.
pub type Seen = Result<Details, String>;

type Looking = Pin<Box<dyn Future<Output = Seen> + Send>>;

/// How often a check looks, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The pause between two looks.
    pub interval: Duration,
    /// What takes longer has failed.
    pub timeout: Duration,
}

/// One check.
pub struct Check {
    /// Its name: a word in snake case.
    pub name: &'static str,
    /// Whether the service is of no use while it fails.
    pub critical: bool,
    /// Whether the service should get no work while it fails.
    pub gates_readiness: bool,
    /// What to do when it fails, in a sentence.
    pub remedy: &'static str,
    look: Box<dyn Fn() -> Looking + Send + Sync>,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).field("critical", &self.critical).finish_non_exhaustive()
    }
}

impl Check {
    /// Returns a check that only informs: its failure degrades the service.
    pub fn new<F>(name: &'static str, remedy: &'static str, look: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Seen> + Send + 'static,
    {
        let look = Box::new(move || -> Looking { Box::pin(look()) });
        Self { name, critical: false, gates_readiness: false, remedy, look }
    }

    /// Makes it one without which the service is of no use, and gets no work.
    #[must_use]
    pub fn critical(mut self) -> Self {
        self.critical = true;
        self.gates_readiness = true;
        self
    }

    /// Makes it one without which the service should get no work.
    #[must_use]
    pub fn gates_readiness(mut self) -> Self {
        self.gates_readiness = true;
        self
    }
}

/// How a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It passed when it looked last.
    Healthy,
    /// It failed.
    Unhealthy,
    /// It has not looked yet.
    Unknown,
}

impl Status {
    /// Returns `healthy`, `unhealthy` or `unknown`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Unknown => "unknown",
        }
    }
}

/// What a check saw last.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResult {
    /// The check's name.
    pub name: &'static str,
    /// Whether the service is of no use while it fails.
    pub critical: bool,
    /// Whether the service should get no work while it fails.
    pub gates_readiness: bool,
    /// How it is.
    pub status: Status,
    /// When it looked.
    pub last_check: Option<Timestamp>,
    /// How long that took.
    pub duration: Duration,
    /// Why it failed.
    pub message: Option<String>,
    /// What to do.
    pub remedy: &'static str,
    /// What else it saw.
    pub details: Details,
    /// How often it has looked.
    pub looks: u64,
}

/// All checks, and what they saw last. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Checks {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    checks: Vec<Check>,
    results: Mutex<Vec<CheckResult>>,
    clock: Arc<dyn Clock>,
    pace: Pace,
}

/// The tasks of the checks; dropping it ends them.
#[derive(Debug)]
pub struct Running(Vec<JoinHandle<()>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Checks {
    /// Returns checks that have not looked yet.
    #[must_use]
    pub fn new(checks: Vec<Check>, pace: Pace, clock: Arc<dyn Clock>) -> Self {
        let results = checks.iter().map(unknown).collect();
        Self { shared: Arc::new(Shared { checks, results: Mutex::new(results), clock, pace }) }
    }

    /// Starts to look, each check for itself.
    #[must_use]
    pub fn start(&self) -> Running {
        let start = |index| tokio::spawn(keep_looking(Arc::clone(&self.shared), index));
        Running((0..self.shared.checks.len()).map(start).collect())
    }

    /// Looks once with every check, all at the same time, and returns what they saw.
    pub async fn look_once(&self) -> Vec<CheckResult> {
        let looks = (0..self.shared.checks.len()).map(|index| async move {
            let mut hanging = None;
            look(&self.shared, index, &mut hanging).await;
            // Nobody comes back for it.
            hanging.into_iter().for_each(|looking: JoinHandle<Seen>| looking.abort());
        });
        futures_util::future::join_all(looks).await;
        self.results()
    }

    /// Returns what the checks saw last, in their order.
    #[must_use]
    pub fn results(&self) -> Vec<CheckResult> {
        self.shared.results.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn unknown(check: &Check) -> CheckResult {
    CheckResult {
        name: check.name,
        critical: check.critical,
        gates_readiness: check.gates_readiness,
        status: Status::Unknown,
        last_check: None,
        duration: Duration::ZERO,
        message: None,
        remedy: check.remedy,
        details: Details::new(),
        looks: 0,
    }
}

async fn keep_looking(shared: Arc<Shared>, index: usize) {
    let mut hanging = None;
    loop {
        look(&shared, index, &mut hanging).await;
        tokio::time::sleep(shared.pace.interval).await;
    }
}

/// Looks once and keeps what was seen. A look that does not come back in time stays in `hanging`, and as long as it is
/// there the check is unhealthy and no other look begins.
async fn look(shared: &Shared, index: usize, hanging: &mut Option<JoinHandle<Seen>>) {
    let check = &shared.checks[index];
    let timeout = shared.pace.timeout;
    let begun = Instant::now();
    let mut looking = match hanging.take() {
        Some(looking) if !looking.is_finished() => {
            *hanging = Some(looking);
            let message =
                format!("a look of this check has not come back within {} s and hangs", timeout.as_secs_f64());
            return keep(shared, index, begun, Err(message));
        }
        // What a late one saw is old.
        _ => tokio::spawn((check.look)()),
    };
    let seen = match tokio::time::timeout(timeout, &mut looking).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(_)) => Err("the check panicked".to_owned()),
        Err(_) => {
            *hanging = Some(looking);
            Err(format!("the check took longer than {} s", timeout.as_secs_f64()))
        }
    };
    keep(shared, index, begun, seen);
}

fn keep(shared: &Shared, index: usize, begun: Instant, seen: Seen) {
    let now = shared.clock.now();
    let mut results = shared.results.lock().unwrap_or_else(PoisonError::into_inner);
    let result = &mut results[index];
    let before = result.status;
    result.last_check = Some(now);
    result.duration = begun.elapsed();
    result.looks += 1;
    match seen {
        Ok(details) => {
            result.status = Status::Healthy;
            result.message = None;
            result.details = details;
        }
        Err(message) => {
            result.status = Status::Unhealthy;
            result.message = Some(message);
            result.details = Details::new();
        }
    }
    let (name, status) = (result.name, result.status);
    if before != status && (before, status) != (Status::Unknown, Status::Healthy) {
        match &result.message {
            Some(message) => tracing::warn!(check = name, "the check {name} fails: {message}; {}", result.remedy),
            None => tracing::info!(check = name, "the check {name} passes again"),
        }
    }
}

#[cfg(test)]
mod tests;
