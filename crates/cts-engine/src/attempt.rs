//! One attempt of a run, the shell: directories, spawn, pump, collect, record.
//!
//! What to do about time is decided by `machine.rs`, what an end means by `verdict.rs`; here things are done. The end
//! of an attempt is one transaction: its artifacts' rows and the run's next state.

pub(crate) mod collect;
pub(crate) mod machine;
pub(crate) mod mask;
pub(crate) mod output;
pub mod process;
pub(crate) mod pump;
pub(crate) mod start;
pub(crate) mod verdict;

use std::sync::Arc;
use std::time::Duration;

use cts_model::{ArtifactDraft, ArtifactId, Code, Fault, Level, Outcome, Run, RunEvent, RunId};
use cts_observe::SpanPlace;
use cts_store::{ArtifactInsert, BlobKey};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Inner;
use crate::active::{Active, ActiveGuard, Control};
use crate::attempt::collect::Collected;
use crate::attempt::machine::{Effect, Event, Machine, Timing};
use crate::attempt::output::NewLine;
use crate::attempt::process::{ChildNews, RunningChild};
use crate::attempt::pump::Pump;
use crate::attempt::start::Prepared;
use crate::attempt::verdict::{After, LimitHit, Next, Seen, judge, next, uses_fallback};
use crate::error::EngineError;
use crate::spans::AttemptEnd;
use crate::supervisor::{Exit, LimitName, Report};
use crate::tools::Tool;

/// Directories and inputs are ready within this long; a file system that does not answer must not hold a run for ever.
const PREPARE_WAIT: Duration = Duration::from_mins(2);
/// A supervisor is started within this long.
const SPAWN_WAIT: Duration = Duration::from_mins(1);
/// After the hard stop an attempt is given up when its end is not seen within this long.
const KILL_WAIT: Duration = Duration::from_secs(10);
/// After the end of all processes the output is read for at most this long; it ends at once but for lost descriptors.
const OUTPUT_END_WAIT: Duration = Duration::from_secs(2);
/// How often the live progress is written into the row.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// Tries to record the end of an attempt, with doubling delays from [`RECORD_DELAY`].
const RECORD_TRIES: u32 = 8;
/// Delay after the first try to record that failed.
const RECORD_DELAY: Duration = Duration::from_millis(100);

/// Runs the attempt that was just claimed, to its recorded end. Its slot is free as soon as the end is recorded; its
/// directories are removed after that.
pub(crate) async fn run_attempt(
    inner: Arc<Inner>,
    run: Run,
    place: Option<SpanPlace>,
    active: Arc<Active>,
    guard: ActiveGuard,
) {
    let tool = inner.registry.get(run.request.tool_id.as_str());
    let (seen, collected) = match &tool {
        Some(tool) => attempt(&inner, &run, tool, &active).await,
        None => {
            let sentence = format!("the tool {} is not there any more", run.request.tool_id);
            let fault = Fault::system(Code::ToolGone, sentence, "no manifest declares it", "registry");
            (Seen { system: Some(fault), ..Seen::default() }, Collected::default())
        }
    };
    let end = record(&inner, &run, tool.as_deref(), &active, seen, collected).await;
    let began = run.attempts.last().map_or(run.created_at, |attempt| attempt.started_at);
    inner.tell_attempt(&run, place, began, end);
    drop(guard);
    inner.metrics.set_active(inner.active.len());
    inner.wake_dispatcher();
    start::clean(&inner, &run).await;
}

/// Makes the directories, starts the tool and sees it to its end.
async fn attempt(inner: &Arc<Inner>, run: &Run, tool: &Tool, active: &Active) -> (Seen, Collected) {
    let mut seen = Seen { timeout: run.request.timeout, ..Seen::default() };
    let prepare = start::prepare(inner, run, tool, uses_fallback(run));
    let prepared = match tokio::time::timeout(PREPARE_WAIT, prepare).await {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(fault)) => return (Seen { system: Some(fault), ..seen }, Collected::default()),
        Err(_) => {
            let fault = start::too_slow("the inputs or the data directory do not answer", PREPARE_WAIT);
            return (Seen { system: Some(fault), ..seen }, Collected::default());
        }
    };
    seen.success_exit_codes.clone_from(&prepared.success_exit_codes);
    let mut pump = match Pump::open(inner, run, &prepared).await {
        Ok(pump) => pump,
        Err(error) => return (Seen { system: Some(error.fault()), ..seen }, Collected::default()),
    };
    if run.attempt > 1 {
        let text = format!("attempt {} of {} begins", run.attempt, run.request.max_attempts.max(run.attempt));
        pump.note(NewLine::system(inner.clock.now(), Level::Info, text));
    }
    let started = Instant::now();
    let mut supervised = watch_child(inner, run, active, &prepared, &mut pump, started, &mut seen).await;
    seen.ran_for = started.elapsed();
    if let Some(child) = &mut supervised {
        // Whatever happened: nothing of it goes on.
        child.kill();
    }
    drop(supervised);
    if seen.system.is_none() {
        say_end(inner, &mut pump, &seen);
    }
    let finished = pump.finish(OUTPUT_END_WAIT).await;
    seen.stderr = finished.stderr;
    seen.said = finished.said;
    if finished.progress.is_some() {
        active.tell(|live| live.progress = finished.progress);
    }
    if let Err(error) = finished.stored {
        seen.system.get_or_insert_with(|| error.fault());
    }
    let (from, begun) = (inner.clock.now(), Instant::now());
    let collected = finished.collector.collect(&inner.blobs, &inner.ids).await;
    let failure = collected.failure.as_ref().map(|error| error.fault().code.as_str());
    inner.tell_stored(run, from, begun.elapsed(), &collected.drafts, failure);
    if let Some(error) = &collected.failure {
        seen.system.get_or_insert_with(|| error.fault());
    }
    seen.outputs = collected.fault.clone();
    let notes = collected.notes.iter();
    let notes = notes.map(|note| NewLine::system(inner.clock.now(), Level::Warning, note.clone())).collect();
    let mut log = finished.log;
    if let Err(error) = log.append(notes).await {
        tracing::warn!(run.id = %run.id, error = %error, "cannot store the last lines of run {}", run.id);
    }
    (seen, collected)
}

/// Spawns the child and drives it, its output, its time and what is asked of it, until no process is left.
async fn watch_child(
    inner: &Arc<Inner>,
    run: &Run,
    active: &Active,
    prepared: &Prepared,
    pump: &mut Pump<'_>,
    started: Instant,
    seen: &mut Seen,
) -> Option<RunningChild> {
    let spawn = process::spawn(&prepared.child, &inner.child_program);
    let (mut child, output) = match tokio::time::timeout(SPAWN_WAIT, spawn).await {
        Ok(Ok(spawned)) => spawned,
        Ok(Err(error)) => {
            seen.system = Some(start::spawn_fault(&error));
            return None;
        }
        Err(_) => {
            seen.system = Some(start::too_slow("the supervisor does not start", SPAWN_WAIT));
            return None;
        }
    };
    pump.attach(output);
    let timing = Timing { timeout: run.request.timeout, grace: prepared.limits.stop_grace, kill_wait: KILL_WAIT };
    let (mut machine, mut effect) = Machine::start(timing);
    let mut control = active.control();
    let mut asked = Control::Run;
    let (mut told, mut storing) = (Instant::now(), None::<JoinHandle<()>>);
    loop {
        let wake_at = match effect {
            Effect::Sleep { until } => started + until,
            Effect::Terminate { cause, kill_at } => {
                tracing::debug!(run.id = %run.id, ?cause, "run {} is asked to end", run.id);
                child.terminate();
                started + kill_at
            }
            Effect::Kill { give_up_at } => {
                child.kill();
                started + give_up_at
            }
            Effect::Finish { cause, seen: end_seen } => {
                seen.cause = cause;
                if !end_seen {
                    child.destroy();
                }
                return Some(child);
            }
        };
        let event = loop {
            tokio::select! {
                biased;
                news = child.next_news() => {
                    if note_news(news, active, seen) {
                        break Event::Ended;
                    }
                }
                wanted = higher(&mut control, asked) => {
                    asked = wanted;
                    match wanted {
                        Control::Run => {}
                        Control::Cancel => break Event::CancelAsked,
                        Control::Stop => break Event::StopAsked,
                        Control::Kill => break Event::KillAsked,
                    }
                }
                () = tokio::time::sleep_until(wake_at) => break Event::Woke,
                turn = pump.next() => {
                    let progress = pump.handle(turn).await;
                    if let Some(error) = pump.failure() {
                        // A run whose log is lost has no use: end it and say why.
                        seen.system.get_or_insert_with(|| error.fault());
                        child.kill();
                    }
                    if let Some(progress) = progress {
                        active.tell(|live| live.progress = Some(progress.clone()));
                        let is_stored = storing.as_ref().is_none_or(JoinHandle::is_finished);
                        if is_stored && told.elapsed() >= PROGRESS_INTERVAL {
                            told = Instant::now();
                            // Not awaited: a database that is slow must not hold up the tool or its time limit.
                            let inner = Arc::clone(inner);
                            let (id, attempt) = (run.id, run.attempt);
                            let store = async move { inner.store_progress(id, attempt, progress).await };
                            storing = Some(tokio::spawn(store));
                        }
                        inner.wakeups.wake(run.id);
                    }
                }
            }
        };
        match machine.on(started.elapsed(), event) {
            Some(next) => effect = next,
            None => return Some(child),
        }
    }
}

/// Waits until more is asked than `asked`.
async fn higher(control: &mut watch::Receiver<Control>, asked: Control) -> Control {
    // The sender lives as long as the attempt is listed; without it the attempt must end.
    control.wait_for(|present| *present > asked).await.map_or(Control::Kill, |present| *present)
}

/// Takes in what the supervisor tells; true when no process is left.
fn note_news(news: Option<ChildNews>, active: &Active, seen: &mut Seen) -> bool {
    match news {
        Some(ChildNews::Report(report)) => match report {
            Report::Started { isolation, .. } => {
                seen.started = true;
                active.tell(|live| live.isolation = Some(isolation.into_model()));
                false
            }
            Report::SpawnFailed(failure) => {
                seen.system = Some(start::spawn_failure(&failure));
                true
            }
            Report::LimitHit { which, value, limit } => {
                seen.limit.get_or_insert(limit_hit(which, value, limit));
                false
            }
            Report::Exited(exit) => {
                seen.exited = true;
                match exit {
                    Exit::Code(code) => seen.usage.exit_code = Some(code),
                    Exit::Signal(signal) => seen.usage.signal = Some(signal),
                }
                false
            }
            Report::Ended(ending) => {
                seen.usage.peak_memory_bytes = Some(ending.peak_memory_bytes);
                #[expect(clippy::cast_precision_loss, reason = "milliseconds of processor time are far below 2^53")]
                let cpu_seconds = ending.cpu_ms as f64 / 1000.0;
                seen.usage.cpu_seconds = Some(cpu_seconds);
                true
            }
        },
        Some(ChildNews::SupervisorLost(_)) | None => true,
    }
}

fn limit_hit(which: LimitName, value: u64, limit: u64) -> LimitHit {
    let (code, sentence) = match which {
        LimitName::Memory => (Code::MemoryLimit, format!("the tool used {value} bytes of memory; {limit} are allowed")),
        LimitName::Processes => {
            (Code::ProcessLimit, format!("the tool had {value} processes at one time; {limit} are allowed"))
        }
        LimitName::Cpu => {
            (Code::ToolTimeout, format!("the tool used {value} s of processor time; {limit} s are allowed"))
        }
        LimitName::FileSize | LimitName::Output => {
            (Code::OutputLimit, format!("the tool wrote {value} bytes; {limit} are allowed"))
        }
    };
    LimitHit { code, sentence }
}

/// Tells in the log why the tool was stopped.
fn say_end(inner: &Inner, pump: &mut Pump<'_>, seen: &Seen) {
    let text = match seen.cause {
        Some(machine::Cause::Timeout) => format!("stopped after its time limit of {} s", seen.timeout.as_secs_f64()),
        Some(machine::Cause::Canceled) => "stopped because the run was canceled".to_owned(),
        Some(machine::Cause::Stopped) => "stopped because the service is stopping".to_owned(),
        None => match &seen.limit {
            Some(hit) => format!("stopped: {}", hit.sentence),
            None => return,
        },
    };
    pump.note(NewLine::system(inner.clock.now(), Level::Warning, text));
}

/// Writes the end of the attempt: its artifacts and the run's next state in one transaction, then the wakeup.
async fn record(
    inner: &Inner,
    run: &Run,
    tool: Option<&Tool>,
    active: &Active,
    seen: Seen,
    collected: Collected,
) -> AttemptEnd {
    let Collected { drafts, gone, .. } = collected;
    let (outcome, fault) = judge(&seen);
    let code = fault.as_ref().map(|fault| fault.code);
    let end = AttemptEnd { outcome, code, exit_code: seen.usage.exit_code };
    let policy = tool.map_or_else(|| inner.options.retry.clone(), |tool| tool.spec.retry_policy(&inner.options.retry));
    let fallback = tool.is_some_and(|tool| tool.spec.fallback.is_some());
    let follows = next(run, outcome, fault.as_ref(), &policy, After { fallback, started: seen.started });
    let event = match follows {
        Next::End => RunEvent::Ended { attempt: run.attempt, outcome, fault, usage: seen.usage },
        Next::Retry(delay) => RunEvent::Requeued {
            attempt: run.attempt,
            outcome,
            fault,
            not_before: (!delay.is_zero()).then(|| inner.clock.now().plus(delay)),
            usage: seen.usage,
        },
    };
    let mut drafts = if follows == Next::End { drafts } else { discard(inner, drafts).await };
    let mut event = event;
    let mut delay = RECORD_DELAY;
    for left in (0..RECORD_TRIES).rev() {
        match inner.write_end(run, active, event.clone(), drafts.clone(), gone.clone()).await {
            Ok(()) => return end,
            Err(error) if left > 0 => {
                tracing::warn!(run.id = %run.id, %error, "cannot record the end of run {}; trying again", run.id);
                let fault = error.fault();
                if fault.code == Code::DiskFull {
                    // What the run made has filled the disk: without it the end at least can be written.
                    drafts = discard(inner, drafts).await;
                    start::clean(inner, run).await;
                    let (attempt, usage) = (run.attempt, seen.usage);
                    event = RunEvent::Ended { attempt, outcome: Outcome::SystemError, fault: Some(fault), usage };
                }
                tokio::time::sleep(delay).await;
                delay *= 2;
            }
            Err(error) => {
                // The row still says that it runs here; the next look at the own rows ends it as lost.
                tracing::error!(run.id = %run.id, %error, "cannot record the end of run {}", run.id);
            }
        }
    }
    discard(inner, drafts).await;
    end
}

/// Removes stored bytes that will have no row.
async fn discard(inner: &Inner, drafts: Vec<ArtifactDraft>) -> Vec<ArtifactDraft> {
    inner.delete_unnamed(drafts.into_iter().map(|draft| draft.id).collect()).await;
    Vec::new()
}

impl Inner {
    /// One transaction: rows of artifacts, isolation and progress, the run's next state.
    async fn write_end(
        &self,
        run: &Run,
        active: &Active,
        event: RunEvent,
        drafts: Vec<ArtifactDraft>,
        early: Vec<ArtifactId>,
    ) -> Result<(), EngineError> {
        let (id, attempt, now, live) = (run.id, run.attempt, self.clock.now(), active.live());
        let expires_at = self.artifact_expiry(now);
        let requeued = matches!(event, RunEvent::Requeued { .. });
        let stored: Vec<u64> = drafts.iter().map(|draft| draft.size).collect();
        let (changed, gone, fenced) = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let (mut gone, mut fenced): (Vec<ArtifactId>, Vec<ArtifactId>) = (Vec::new(), Vec::new());
                    for id in early {
                        if tx.delete_artifact(id).await? {
                            gone.push(id);
                        }
                    }
                    for draft in &drafts {
                        match tx.insert_artifact(id, attempt, draft, now, expires_at).await? {
                            ArtifactInsert::Written { replaced } => gone.extend(replaced),
                            ArtifactInsert::Fenced => fenced.push(draft.id),
                        }
                    }
                    if requeued {
                        gone.extend(tx.delete_artifacts_of_attempt(id, attempt).await?);
                    }
                    if let Some(isolation) = &live.isolation {
                        tx.set_isolation(id, attempt, isolation).await?;
                    }
                    if let Some(progress) = &live.progress {
                        tx.set_progress(id, attempt, progress).await?;
                    }
                    Ok((tx.change_run(id, now, event).await?, gone, fenced))
                })
            })
            .await?;
        self.delete_blobs(gone).await;
        // An earlier try may have been written although its answer was lost: then these have their rows.
        self.delete_unnamed(fenced).await;
        match changed {
            Ok(run) => {
                self.metrics.changed(&run);
                stored.into_iter().for_each(|bytes| self.metrics.stored_artifact(bytes));
                tracing::info!(
                    run.id = %run.id, tool.id = %run.request.tool_id, request.id = %run.request_id, attempt = attempt,
                    state = run.state.as_str(), code = run.fault.as_ref().map(|fault| fault.code.as_str()),
                    "attempt {attempt} of run {} ended: {}", run.id, run.state.as_str()
                );
            }
            Err(lost) => tracing::warn!(run.id = %id, "a late write of attempt {attempt} was dropped: {lost}"),
        }
        self.announce(id);
        self.wake_dispatcher();
        Ok(())
    }

    /// Writes how far an attempt is; a failure is no more than a stale figure after a restart.
    async fn store_progress(&self, id: RunId, attempt: u32, progress: cts_model::Progress) {
        let write = self.db.write(move |tx| Box::pin(async move { tx.set_progress(id, attempt, &progress).await }));
        if let Err(error) = write.await {
            tracing::debug!(run.id = %id, %error, "cannot store the progress of run {id}");
        }
    }

    /// Removes bytes that no row names; what cannot be removed is found by the next sweep.
    pub(crate) async fn delete_blobs(&self, ids: Vec<ArtifactId>) {
        for id in ids {
            if let Err(error) = self.blobs.delete(BlobKey::Artifact(id)).await {
                tracing::warn!(artifact.id = %id, %error, "cannot remove the bytes of artifact {id}");
            }
        }
    }

    /// Removes bytes whose rows were perhaps not written; those that have one stay.
    pub(crate) async fn delete_unnamed(&self, ids: Vec<ArtifactId>) {
        match self.db.artifact_ids_exist(&ids).await {
            Ok(named) => self.delete_blobs(ids.into_iter().filter(|id| !named.contains(id)).collect()).await,
            Err(error) => {
                tracing::warn!(%error, "cannot ask which bytes have rows: the next sweep removes those without")
            }
        }
    }
}
