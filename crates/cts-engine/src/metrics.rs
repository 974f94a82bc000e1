//! What the engine counts. Each is written where the fact is written, after the write.

use std::sync::Arc;
use std::time::Duration;

use cts_model::{Category, Run, RunState};
use cts_observe::metrics::{Capped, Counter, Family, Gauge, Histogram, Label, Labeled, OTHER, Registry, WORK_SECONDS};

use crate::retention::Removed;

/// Tools that have series of their own; what comes later is counted as `other`.
pub const TOOLS_MAX: usize = 200;

/// The ends of a run as labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndLabel {
    Completed,
    Failed,
    Canceled,
}

impl Label for EndLabel {
    const ALL: &'static [Self] = &[Self::Completed, Self::Failed, Self::Canceled];

    fn word(self) -> &'static str {
        match self {
            Self::Completed => RunState::Completed.as_str(),
            Self::Failed => RunState::Failed.as_str(),
            Self::Canceled => RunState::Canceled.as_str(),
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// The metrics of the engine.
#[derive(Debug)]
pub struct EngineMetrics {
    registry: Arc<Registry>,
    submitted: Capped<Counter>,
    ended: Family<Counter>,
    ends: Labeled<EndLabel, Counter>,
    attempts: Counter,
    retries: Counter,
    active: Gauge,
    active_peak: Gauge,
    queued: Gauge,
    duration: Capped<Histogram>,
    queue_wait: Histogram,
    failures: Family<Counter>,
    artifacts: Counter,
    artifact_bytes: Counter,
    uploads: Counter,
    upload_bytes: Counter,
    pub(crate) logs: LogMetrics,
    removed: Family<Counter>,
}

/// The metrics of the runs' logs.
#[derive(Debug, Clone)]
pub(crate) struct LogMetrics {
    pub(crate) lines: Counter,
    pub(crate) bytes: Counter,
}

impl LogMetrics {
    fn new(registry: &Registry) -> Self {
        Self {
            lines: registry.counter("cts_run_log_lines_total", "Lines that were stored in logs of runs"),
            bytes: registry.counter("cts_run_log_bytes_total", "Bytes that were stored in logs of runs"),
        }
    }
}

impl EngineMetrics {
    /// Adds them to a registry.
    #[must_use]
    pub fn new(registry: &Arc<Registry>) -> Self {
        let capped = |family: Family<Counter>| family.capped(TOOLS_MAX);
        Self {
            submitted: capped(registry.counters("cts_runs_submitted_total", "Runs that were acknowledged", &["tool"])),
            ended: registry.counters("cts_runs_ended_total", "Runs that have ended, by how", &["tool", "state"]),
            ends: registry.counters("cts_run_ends_total", "Runs that have ended, of all tools", &["state"]).by(),
            attempts: registry.counter("cts_run_attempts_total", "Attempts that were started"),
            retries: registry.counter("cts_run_retries_total", "Attempts that ended and are followed by another one"),
            active: registry.gauge("cts_runs_active", "Attempts that are under way in this process"),
            active_peak: registry.gauge("cts_runs_active_peak", "Most attempts at one time since the start"),
            queued: registry.gauge("cts_runs_queued", "Runs that wait, as of the last look in the background"),
            duration: registry
                .histograms(
                    "cts_run_duration_seconds",
                    "Time from the start of a run's first attempt to its end, in seconds",
                    &["tool"],
                    WORK_SECONDS,
                )
                .capped(TOOLS_MAX),
            queue_wait: registry.histogram(
                "cts_run_queue_wait_seconds",
                "Time from the request or the end of a retry's delay to the start of the attempt, in seconds",
                WORK_SECONDS,
            ),
            failures: registry.counters(
                "cts_run_failures_total",
                "Runs that failed, by the category and the code of the error",
                &["category", "code"],
            ),
            artifacts: registry.counter("cts_artifacts_stored_total", "Artifacts that were stored"),
            artifact_bytes: registry.counter("cts_artifact_bytes_total", "Bytes of artifacts that were stored"),
            uploads: registry.counter("cts_uploads_finished_total", "Uploads that were checked and kept"),
            upload_bytes: registry.counter("cts_upload_bytes_total", "Bytes of uploads that were kept"),
            logs: LogMetrics::new(registry),
            removed: registry.counters("cts_removed_total", "What retention removed, by kind", &["kind"]),
            registry: Arc::clone(registry),
        }
    }

    /// Returns the registry that they are in.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Tells how many runs wait.
    pub fn set_queued(&self, queued: u64) {
        self.queued.set(i64::try_from(queued).unwrap_or(i64::MAX));
    }

    pub(crate) fn submitted(&self, run: &Run) {
        self.submitted.get(run.request.tool_id.as_str()).inc();
    }

    /// Counts the start of an attempt that waited so long.
    pub(crate) fn started(&self, waited: Duration, active: usize) {
        self.attempts.inc();
        self.queue_wait.observe(waited.as_secs_f64());
        self.set_active(active);
    }

    pub(crate) fn set_active(&self, active: usize) {
        let active = i64::try_from(active).unwrap_or(i64::MAX);
        self.active.set(active);
        if active > self.active_peak.get() {
            self.active_peak.set(active);
        }
    }

    /// Counts a change of a run that was written: an end, or a return to the queue.
    pub(crate) fn changed(&self, run: &Run) {
        let end = match run.state {
            RunState::Queued => return self.retries.inc(),
            RunState::Running => return,
            RunState::Completed => EndLabel::Completed,
            RunState::Failed => EndLabel::Failed,
            RunState::Canceled => EndLabel::Canceled,
        };
        self.ends.get(end).inc();
        // Once a run: what it costs to look the series up does not matter here.
        let tool = run.request.tool_id.as_str();
        self.ended.with(&[self.known(tool), end.word()]).inc();
        if let (Some(started), Some(ended)) = (run.started_at, run.ended_at) {
            self.duration.get(tool).observe(ended.since(started).as_secs_f64());
        }
        if let Some(fault) = run.fault.as_ref().filter(|_| end == EndLabel::Failed) {
            self.failures.with(&[Category::as_str(fault.code.category()), fault.code.as_str()]).inc();
        }
    }

    pub(crate) fn stored_artifact(&self, bytes: u64) {
        self.artifacts.inc();
        self.artifact_bytes.inc_by(bytes);
    }

    pub(crate) fn kept_upload(&self, bytes: u64) {
        self.uploads.inc();
        self.upload_bytes.inc_by(bytes);
    }

    pub(crate) fn removed(&self, removed: &Removed) {
        let counts = [
            ("artifact", removed.artifacts),
            ("run", removed.runs),
            ("log", removed.logs),
            ("upload", removed.uploads),
        ];
        for (kind, count) in counts {
            self.removed.with(&[kind]).inc_by(count);
        }
    }

    /// Returns the name of a tool where it has series of its own.
    fn known<'a>(&self, tool: &'a str) -> &'a str {
        if self.submitted.is_known(tool) { tool } else { OTHER }
    }
}
