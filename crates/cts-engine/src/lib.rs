//! How a run happens: queue, lease, attempt, logs, artifacts.
//!
//! [`Engine`] is the plane: submit, cancel, wait, follow, drain. It knows no HTTP and no SQL. Write the fact, then wake
//! the readers with a signal that carries no data: everything live is a reader of rows or log lines at its own
//! position.
//!
//! Modules in reading order: what it is told and what it offers; from a request to a claim; one attempt and the
//! supervisor below it; logs, uploads; after a death; what is removed.

mod error;
mod options;

pub mod metrics;

pub mod inputs;
pub mod tools;

mod lookup;
mod submit;

mod active;
mod dispatcher;
mod next;
mod wakeups;

pub mod attempt;
pub mod supervisor;

mod logs;
mod uploads;

mod recovery;
mod retention;
mod spans;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cts_model::{Artifact, ArtifactId, Clock, Ctx, Ids, Isolation, Run, RunEvent, RunId, RunState, WorkerId};
use cts_observe::Tracer;
use cts_store::{Blobs, Db, EventRow, RunFilter, RunSort, StoreError};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use cts_store::WorkerKind;
pub use error::EngineError;
pub use logs::{LogFilter, LogHub, LogPage, LogReader};
pub use options::EngineOptions;
pub use retention::Removed;
pub use submit::{IDEMPOTENCY_KEPT, IdempotencyKey, Rerun, Submission, Submitted};
pub use tools::Registry;
pub use uploads::{NewUpload, Uploads};

use crate::active::{ActiveRuns, Control};
use crate::attempt::process::ProcessId;
use crate::metrics::EngineMetrics;
use crate::tools::ServiceEnvironment;
use crate::wakeups::Wakeups;

/// Longest wait for a change of a run.
pub const WAIT_MAX: Duration = Duration::from_mins(5);
/// A waiter looks at the row at least this often: another process may have changed it.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// After the hard stop, the ends of the attempts are recorded within this long.
const RECORD_WAIT: Duration = Duration::from_secs(15);

/// What an engine is made of.
#[derive(Debug)]
pub struct EngineParts {
    /// The rows.
    pub db: Db,
    /// The bytes.
    pub blobs: Blobs,
    /// The tools.
    pub registry: Registry,
    /// What it is told.
    pub options: EngineOptions,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<Ids>,
    /// The service, or a client in process that runs only what it submits.
    pub kind: WorkerKind,
    /// The service's environment, of which children see a small part.
    pub environment: ServiceEnvironment,
    /// Where what it counts is told.
    pub metrics: Arc<cts_observe::metrics::Registry>,
    /// Where spans are told.
    pub tracer: Tracer,
}

/// The plane that runs tools. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    db: Db,
    blobs: Blobs,
    registry: Registry,
    options: EngineOptions,
    metrics: EngineMetrics,
    tracer: Tracer,
    clock: Arc<dyn Clock>,
    ids: Arc<Ids>,
    kind: WorkerKind,
    environment: ServiceEnvironment,
    worker: WorkerId,
    process: ProcessId,
    child_program: PathBuf,
    cgroup_base: Option<PathBuf>,
    temp_root: PathBuf,
    isolation: Isolation,
    logs: LogHub,
    wakeups: Wakeups,
    active: Arc<ActiveRuns>,
    writing: uploads::Writing,
    dispatcher: Notify,
    /// Held from the write of a claim until its attempt is listed: who holds it sees rows and attempts that agree.
    claiming: tokio::sync::Mutex<()>,
    draining: AtomicBool,
    stopping: CancellationToken,
    tasks: TaskTracker,
    disk_free: AtomicU64,
}

/// A run as a client sees it now.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// Its row, with what a running attempt tells over it.
    pub run: Run,
    /// 1 for the one that is next.
    pub queue_position: Option<u64>,
}

/// Some runs, newest first.
#[derive(Debug, Clone)]
pub struct RunList {
    /// The runs.
    pub runs: Vec<RunView>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// How many there are in all, where that is cheap to know.
    pub total: Option<u64>,
}

/// What somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitFor {
    /// Another state or another attempt than this one.
    Change(RunState, u32),
    /// The end of the run.
    End,
}

/// How the engine is.
#[derive(Debug, Clone)]
pub struct EngineHealth {
    /// What the machine can enforce.
    pub isolation: Isolation,
    /// Runs that wait.
    pub queued: u64,
    /// Attempts in this process.
    pub running: usize,
    /// Free bytes below the data directory.
    pub disk_free_bytes: u64,
    /// Manifests that could not be read.
    pub broken_manifests: usize,
    /// Whether it is stopping.
    pub draining: bool,
}

impl Engine {
    /// Registers the worker, recovers what dead workers left, and begins to start runs.
    ///
    /// # Errors
    /// A database or a directory that cannot be used.
    pub async fn start(parts: EngineParts) -> Result<Self, EngineError> {
        let EngineParts { db, blobs, registry, mut options, clock, ids, kind, environment, metrics, tracer } = parts;
        let own = [options.data_dir.clone(), log_root(&options), temp_root(&options)];
        options.input_roots = options.input_roots.except(own);
        let metrics = EngineMetrics::new(&metrics);
        let process = ProcessId::current().ok_or_else(|| {
            let error = std::io::Error::other("the own process is not listed");
            EngineError::file("read", "/proc/self/stat")(error)
        })?;
        let probe = || {
            let cgroup_base = supervisor::prepare_cgroup();
            (supervisor::probe(cgroup_base.is_some()), cgroup_base)
        };
        let (probed, cgroup_base) =
            tokio::task::spawn_blocking(probe).await.map_err(|error| EngineError::Panicked(error.to_string()))?;
        let isolation = if options.sandbox { probed.into_model() } else { supervisor::Isolation::off().into_model() };
        let inner = Arc::new(Inner {
            logs: LogHub::new(log_root(&options), options.log_buffer_lines, metrics.logs.clone()),
            child_program: options.child_program.clone().unwrap_or_else(attempt::process::running_binary),
            temp_root: temp_root(&options),
            worker: WorkerId::new(&ids),
            db,
            blobs,
            registry,
            options,
            metrics,
            tracer,
            clock,
            ids,
            kind,
            environment,
            process,
            cgroup_base,
            isolation,
            wakeups: Wakeups::new(),
            active: Arc::default(),
            writing: uploads::Writing::default(),
            dispatcher: Notify::new(),
            claiming: tokio::sync::Mutex::new(()),
            draining: AtomicBool::new(false),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            disk_free: AtomicU64::new(u64::MAX),
        });
        inner.measure_disk().await;
        inner.register().await?;
        inner.recover_dead_workers().await?;
        if kind == WorkerKind::Service {
            tokio::spawn(Arc::clone(&inner).sweep());
        }
        tokio::spawn(dispatcher::dispatch(Arc::clone(&inner)));
        tokio::spawn(Arc::clone(&inner).look_after());
        Ok(Self { inner })
    }

    /// Returns the tools.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// Returns the id of this process as a worker.
    #[must_use]
    pub fn worker_id(&self) -> WorkerId {
        self.inner.worker
    }

    /// Returns what the engine was told.
    #[must_use]
    pub fn options(&self) -> &EngineOptions {
        &self.inner.options
    }

    /// Returns where time comes from.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Returns where ids come from.
    #[must_use]
    pub fn ids(&self) -> &Arc<Ids> {
        &self.inner.ids
    }

    /// Returns what the engine counts.
    #[must_use]
    pub fn metrics(&self) -> &EngineMetrics {
        &self.inner.metrics
    }

    /// Returns where spans are told.
    #[must_use]
    pub fn tracer(&self) -> &Tracer {
        &self.inner.tracer
    }

    /// Returns the rows, for what the door itself keeps there: tokens and the audit log.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    /// Returns the bytes of artifacts.
    #[must_use]
    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    /// Returns the logs of runs.
    #[must_use]
    pub fn logs(&self) -> &LogHub {
        &self.inner.logs
    }

    /// Returns the uploads.
    #[must_use]
    pub fn uploads(&self) -> Uploads {
        Uploads::new(Arc::clone(&self.inner))
    }

    /// Returns a run as it is now.
    ///
    /// # Errors
    /// [`EngineError::RunNotFound`], or a database that does not answer.
    pub async fn run(&self, id: RunId) -> Result<RunView, EngineError> {
        let run = self.inner.db.run(id).await?.ok_or(EngineError::RunNotFound(id))?;
        self.inner.view(run).await
    }

    /// Returns runs, newest first.
    ///
    /// # Errors
    /// [`EngineError::BadCursor`], or a database that does not answer.
    pub async fn runs(
        &self,
        filter: &RunFilter,
        sort: RunSort,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<RunList, EngineError> {
        let page = self.inner.db.runs(filter, sort, limit, cursor).await.map_err(|error| {
            if matches!(error, StoreError::BadCursor) { EngineError::BadCursor } else { EngineError::Store(error) }
        })?;
        let mut runs = Vec::with_capacity(page.runs.len());
        for run in page.runs {
            runs.push(self.inner.view(run).await?);
        }
        Ok(RunList { runs, next: page.next, total: page.total })
    }

    /// Waits until the run is as wanted, at most `at_most` and at most [`WAIT_MAX`], and returns it as it is then.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn wait(&self, id: RunId, until: WaitFor, at_most: Duration) -> Result<RunView, EngineError> {
        let deadline = Instant::now() + at_most.min(WAIT_MAX);
        let mut signal = self.inner.wakeups.of(id);
        loop {
            let view = self.run(id).await?;
            let reached = match until {
                WaitFor::Change(state, attempt) => view.run.state != state || view.run.attempt != attempt,
                WaitFor::End => false,
            };
            if reached || view.run.state.is_terminal() || Instant::now() >= deadline {
                return Ok(view);
            }
            let look_at = deadline.min(Instant::now() + LOOK_INTERVAL);
            // Elapsed means: look again, for another process may have written.
            let _ = tokio::time::timeout_at(look_at, signal.changed()).await;
        }
    }

    /// Asks for the end of a run: a queued one is canceled at once, a running one when its tool has ended. Asking again,
    /// or asking a run that has ended, changes nothing.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn cancel(&self, cx: &Ctx, id: RunId) -> Result<RunView, EngineError> {
        let (now, asked) = (self.inner.clock.now(), cx.clone());
        let changed = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let changed = tx.change_run(id, now, RunEvent::CancelAsked).await?;
                    if changed.is_ok() {
                        tx.record_change(&asked, now, &[]).await?;
                    }
                    Ok(changed)
                })
            })
            .await
            .map_err(|error| match error {
                StoreError::RunNotFound(id) => EngineError::RunNotFound(id),
                error => EngineError::Store(error),
            })?;
        // A run that has ended stays as it is.
        if let Ok(run) = changed {
            if run.state.is_terminal() {
                self.inner.metrics.changed(&run);
            }
            tracing::info!(run.id = %id, request.id = %cx.request_id, actor = %cx.actor, "run {id} was asked to end");
            self.inner.announce(id);
            if run.state == RunState::Running
                && let Some(active) = self.inner.active.get(id)
            {
                active.ask(Control::Cancel);
            }
        }
        self.run(id).await
    }

    /// Keeps a run from retention, or leaves it to it again.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn pin(&self, id: RunId, pinned: bool) -> Result<RunView, EngineError> {
        let found = self.inner.db.write(move |tx| Box::pin(async move { tx.set_pinned(id, pinned).await })).await?;
        if !found {
            return Err(EngineError::RunNotFound(id));
        }
        self.inner.announce(id);
        self.run(id).await
    }

    /// Returns a signal that comes after each change of any run.
    #[must_use]
    pub fn run_changes(&self) -> watch::Receiver<u64> {
        self.inner.wakeups.all()
    }

    /// Returns the changes of runs after number `seq`, in order.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn events_after(&self, seq: i64, limit: u32) -> Result<Vec<EventRow>, EngineError> {
        Ok(self.inner.db.events_after(seq, limit).await?)
    }

    /// Returns the number of the last change; 0 for none.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn last_event_seq(&self) -> Result<i64, EngineError> {
        Ok(self.inner.db.last_event_seq().await?)
    }

    /// Returns the artifacts of a run, oldest first.
    ///
    /// # Errors
    /// [`EngineError::RunNotFound`], or a database that does not answer.
    pub async fn artifacts(&self, run: RunId) -> Result<Vec<Artifact>, EngineError> {
        let artifacts = self.inner.db.artifacts(run).await?;
        if artifacts.is_empty() && self.inner.db.run(run).await?.is_none() {
            return Err(EngineError::RunNotFound(run));
        }
        Ok(artifacts)
    }

    /// Returns an artifact.
    ///
    /// # Errors
    /// [`EngineError::ArtifactNotFound`], or a database that does not answer.
    pub async fn artifact(&self, id: ArtifactId) -> Result<Artifact, EngineError> {
        self.inner.db.artifact(id).await?.ok_or(EngineError::ArtifactNotFound(id))
    }

    /// Removes an artifact.
    ///
    /// # Errors
    /// As [`Engine::artifact`].
    pub async fn delete_artifact(&self, cx: &Ctx, id: ArtifactId) -> Result<(), EngineError> {
        let artifact = self.artifact(id).await?;
        tracing::info!(
            artifact.id = %id, run.id = %artifact.run_id, request.id = %cx.request_id, actor = %cx.actor,
            "artifact {id} is removed"
        );
        self.inner.remove_artifacts(vec![artifact], Some(cx.clone())).await?;
        Ok(())
    }

    /// Returns how the engine is.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn health(&self) -> Result<EngineHealth, EngineError> {
        Ok(EngineHealth {
            isolation: self.inner.isolation.clone(),
            queued: self.inner.db.queued_count().await?,
            running: self.inner.active.len(),
            disk_free_bytes: self.inner.disk_free(),
            broken_manifests: self.inner.registry.broken().len(),
            draining: self.inner.is_draining(),
        })
    }

    /// Asks the database for something small, takes its lock for writing for a moment without writing anything, and
    /// returns how many runs wait.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn check_database(&self) -> Result<u64, EngineError> {
        self.inner.db.ping().await?;
        self.inner.db.write(|_| Box::pin(async { Ok(()) })).await?;
        Ok(self.inner.db.queued_count().await?)
    }

    /// Returns the free and the whole space of the data directory's disk, in bytes; none where it does not tell.
    pub async fn disk_space(&self) -> Option<(u64, u64)> {
        let folder = self.inner.options.data_dir.clone();
        let stat = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&folder)).await.ok()?.ok()?;
        Some((stat.f_bavail.saturating_mul(stat.f_frsize), stat.f_blocks.saturating_mul(stat.f_frsize)))
    }

    /// Wakes every reader that waits for a change of any run; they look, and find what there is.
    pub fn wake_readers(&self) {
        self.inner.wakeups.wake_all();
    }

    /// Returns whether the engine takes no new work.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.inner.is_draining()
    }

    /// Takes no new work from now on.
    pub fn begin_drain(&self) {
        self.inner.draining.store(true, Ordering::SeqCst);
    }

    /// Finishes what runs; what still runs after `patience` is stopped. Queued runs stay queued.
    ///
    /// # Errors
    /// A database that does not take the last write.
    pub async fn drain(&self, patience: Duration) -> Result<(), EngineError> {
        self.begin_drain();
        self.inner.until_claimed().await;
        if !self.inner.until_idle(patience).await {
            self.inner.active.ask_all(Control::Stop);
            if !self.inner.until_idle(self.inner.options.limits.stop_grace + RECORD_WAIT).await {
                // A tool may have a longer grace of its own: the service's end does not wait for it.
                self.inner.active.ask_all(Control::Kill);
                self.inner.until_idle(RECORD_WAIT).await;
            }
        }
        self.inner.end().await
    }

    /// Ends everything that runs at once.
    ///
    /// # Errors
    /// A database that does not take the last write.
    pub async fn stop_now(&self) -> Result<(), EngineError> {
        self.begin_drain();
        self.inner.active.ask_all(Control::Kill);
        self.inner.until_claimed().await;
        // What was claimed meanwhile goes too.
        self.inner.active.ask_all(Control::Kill);
        self.inner.until_idle(RECORD_WAIT).await;
        self.inner.end().await
    }
}

/// Returns the folder for temporary directories: one for each data directory, since several may share a disk.
fn temp_root(options: &EngineOptions) -> PathBuf {
    options.temp_dir.join(instance_name(options))
}

/// Returns the folder for the logs of runs: outside of the data directory one for each data directory, since what has
/// no row in the own database is removed from it.
fn log_root(options: &EngineOptions) -> PathBuf {
    if options.log_dir.starts_with(&options.data_dir) {
        options.log_dir.clone()
    } else {
        options.log_dir.join(instance_name(options))
    }
}

/// Returns a short name that only this data directory has.
fn instance_name(options: &EngineOptions) -> String {
    use sha2::Digest;
    use std::os::unix::ffi::OsStrExt;
    let sum = sha2::Sha256::digest(options.data_dir.as_os_str().as_bytes());
    sum.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

impl Inner {
    async fn view(&self, mut run: Run) -> Result<RunView, EngineError> {
        self.active.overlay(&mut run);
        let queue_position = match run.state {
            RunState::Queued => self.db.queue_position(&run).await?,
            _ => None,
        };
        Ok(RunView { run, queue_position })
    }

    /// Wakes whoever looks at the run. Called after the write.
    fn announce(&self, run: RunId) {
        self.wakeups.wake(run);
    }

    fn wake_dispatcher(&self) {
        self.dispatcher.notify_one();
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Most attempts at one time.
    fn slots(&self) -> usize {
        usize::try_from(self.options.max_concurrent_runs).unwrap_or(usize::MAX).max(1)
    }

    /// Whose queued runs are claimed: a client's own, or those that nobody owns.
    fn owner(&self) -> Option<WorkerId> {
        (self.kind == WorkerKind::Client).then_some(self.worker)
    }

    fn disk_free(&self) -> u64 {
        self.disk_free.load(Ordering::Relaxed)
    }

    /// Measures the free space below the data directory.
    async fn measure_disk(&self) {
        let folder = self.options.data_dir.clone();
        let measured = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&folder)).await;
        if let Ok(Ok(stat)) = measured {
            self.disk_free.store(stat.f_bavail.saturating_mul(stat.f_frsize), Ordering::Relaxed);
        }
    }

    /// Waits for the claim that may be on its way; after [`Engine::begin_drain`] no other one follows.
    async fn until_claimed(&self) {
        if tokio::time::timeout(RECORD_WAIT, self.claiming.lock()).await.is_err() {
            tracing::warn!("the database has not answered a claim; what it has claimed is recovered at the next start");
        }
    }

    /// Waits until no attempt runs here; false when that takes longer than `at_most`.
    async fn until_idle(&self, at_most: Duration) -> bool {
        let mut count = self.active.count();
        let idle = count.wait_for(|count| *count == 0);
        tokio::time::timeout(at_most, idle).await.is_ok()
    }

    /// Ends the background tasks and takes the worker's row away.
    async fn end(self: &Arc<Self>) -> Result<(), EngineError> {
        self.stopping.cancel();
        self.tasks.close();
        // What hangs in the kernel must not hold up the end of the service.
        let _ = tokio::time::timeout(RECORD_WAIT, self.tasks.wait()).await;
        if self.active.len() == 0 { self.unregister().await } else { Ok(()) }
    }
}
