//! After a death: runs of workers that are gone get their next state, processes that survived are ended.
//!
//! A worker is one process from its start to its end, known by pid, start time and boot. Only runs of dead workers are
//! touched, and only after every process that carries a mark of theirs has ended, so that no attempt runs twice at one
//! time. What a dead client in process had queued is canceled: nobody waits for it any more.

mod sweep;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use cts_model::{Code, Fault, Outcome, Run, RunEvent, RunState, Timestamp, Usage, WorkerId};
use cts_store::WorkerRow;

use crate::Inner;
use crate::active::Control;
use crate::attempt::process::{ProcessId, end_marked};
use crate::attempt::verdict::{After, Next, next};
use crate::error::EngineError;

/// How long the processes of a dead worker are killed for.
const LEFTOVER_PATIENCE: Duration = Duration::from_secs(10);
/// How often the own rows and the other workers are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Every so many looks, the other workers too.
const LOOKS_PER_WORKER_LOOK: u32 = 5;

impl Inner {
    /// Writes the own worker row.
    pub(crate) async fn register(&self) -> Result<(), EngineError> {
        let row = WorkerRow {
            id: self.worker,
            pid: self.process.pid.cast_unsigned(),
            start_time_ticks: self.process.start_time_ticks,
            boot_id: self.process.boot_id.clone(),
            kind: self.kind,
            started_at: self.clock.now(),
            heartbeat_at: self.clock.now(),
        };
        self.db.write(move |tx| Box::pin(async move { tx.insert_worker(&row).await })).await?;
        Ok(())
    }

    /// Ends what the rows still say of this worker, then removes its own row. When that fails the row stays, and with it
    /// the next start finds what is left.
    pub(crate) async fn unregister(self: &Arc<Self>) -> Result<(), EngineError> {
        self.reconcile().await?;
        self.cancel_queued_of(self.worker).await?;
        let worker = self.worker;
        let left = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    // Whoever a run belongs to must stay known, or nobody recovers it.
                    let runs = tx.running().await?.iter().any(|run| run.worker == worker);
                    let ever = Timestamp::from_ms(i64::MAX);
                    let left = runs || !tx.queued(ever, Some(worker), None, 1).await?.is_empty();
                    if !left {
                        tx.delete_worker(worker).await?;
                    }
                    Ok(left)
                })
            })
            .await?;
        if left {
            tracing::warn!(worker.id = %worker, "the row of worker {worker} stays for the next start to recover");
        }
        Ok(())
    }

    /// Cancels what only this worker could claim: nobody waits for the runs of a client that is gone.
    async fn cancel_queued_of(self: &Arc<Self>, worker: WorkerId) -> Result<(), EngineError> {
        for queued in self.db.queued_of_owner(worker).await? {
            if let Some(run) = self.db.run(queued).await?.filter(|run| run.state == RunState::Queued) {
                self.end_lost(&run, RunEvent::CancelAsked).await?;
            }
        }
        Ok(())
    }

    /// Recovers the runs of every worker that is dead.
    pub(crate) async fn recover_dead_workers(self: &Arc<Self>) -> Result<(), EngineError> {
        for row in self.db.workers().await? {
            if row.id == self.worker || is_alive(&row).await {
                continue;
            }
            self.recover(&row).await?;
        }
        self.recover_unknown_workers().await
    }

    /// Recovers runs whose worker has no row. A worker writes its row before it claims, so what runs by the first look
    /// and has no worker by the second one has lost it.
    async fn recover_unknown_workers(self: &Arc<Self>) -> Result<(), EngineError> {
        let running = self.db.running().await?;
        let known: HashSet<WorkerId> = self.db.workers().await?.into_iter().map(|row| row.id).collect();
        let unknown: HashSet<WorkerId> =
            running.iter().map(|run| run.worker).filter(|id| !known.contains(id)).collect();
        for worker in unknown {
            if self.end_leftovers(worker).await? {
                self.end_runs_of(worker).await?;
            }
        }
        Ok(())
    }

    async fn recover(self: &Arc<Self>, row: &WorkerRow) -> Result<(), EngineError> {
        if !self.end_leftovers(row.id).await? {
            // The next look tries again; a run is not tried again while an old process of it lives.
            return Ok(());
        }
        self.end_runs_of(row.id).await?;
        self.cancel_queued_of(row.id).await?;
        let worker = row.id;
        self.db.write(move |tx| Box::pin(async move { tx.delete_worker(worker).await })).await?;
        tracing::info!(worker.id = %row.id, "recovered the runs of worker {}, process {}", row.id, row.pid);
        Ok(())
    }

    /// Ends the processes of a dead worker; false when some are left.
    async fn end_leftovers(&self, worker: WorkerId) -> Result<bool, EngineError> {
        let suffix = format!(".{worker}");
        let ended = tokio::task::spawn_blocking(move || end_marked(|mark| mark.ends_with(&suffix), LEFTOVER_PATIENCE))
            .await
            .map_err(|error| EngineError::Panicked(error.to_string()))?;
        if !ended.ended.is_empty() || !ended.left.is_empty() {
            let (gone, left) = (ended.ended.len(), ended.left.len());
            tracing::warn!(worker.id = %worker, gone, left, "ended {gone} processes of dead worker {worker}");
        }
        Ok(ended.left.is_empty())
    }

    /// Gives the running rows of a dead worker their next state.
    async fn end_runs_of(self: &Arc<Self>, worker: WorkerId) -> Result<(), EngineError> {
        for running in self.db.runs_of_worker(worker).await? {
            if let Some(run) = self.db.run(running.id).await?.filter(|run| run.worker == Some(worker)) {
                let event = self.lost(&run, run.request.owner == Some(worker));
                self.end_lost(&run, event).await?;
            }
        }
        Ok(())
    }

    /// Returns what becomes of a run whose attempt was lost.
    fn lost(&self, run: &Run, owner_is_gone: bool) -> RunEvent {
        let tool = self.registry.get(run.request.tool_id.as_str());
        let policy = tool
            .as_ref()
            .map_or_else(|| self.options.retry.clone(), |tool| tool.spec.retry_policy(&self.options.retry));
        let fault = Fault::system(
            Code::RunLost,
            "the service died while the tool ran",
            format!("worker {} is gone", run.worker.map_or_else(String::new, |worker| worker.to_string())),
            "worker",
        );
        let (attempt, outcome, usage) = (run.attempt, Outcome::Lost, Usage::default());
        if run.cancel_asked {
            return RunEvent::Ended { attempt, outcome: Outcome::Canceled, fault: None, usage };
        }
        match next(run, outcome, Some(&fault), &policy, After::default()) {
            Next::Retry(delay) if !owner_is_gone => RunEvent::Requeued {
                attempt,
                outcome,
                fault: Some(fault),
                not_before: (!delay.is_zero()).then(|| self.clock.now().plus(delay)),
                usage,
            },
            _ => RunEvent::Ended { attempt, outcome, fault: Some(fault), usage },
        }
    }

    /// Writes it, and removes the artifacts of the lost attempt: nobody knows whether they are whole.
    async fn end_lost(self: &Arc<Self>, run: &Run, event: RunEvent) -> Result<(), EngineError> {
        let (id, attempt, now) = (run.id, run.attempt, self.clock.now());
        let (changed, gone) = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let changed = tx.change_run(id, now, event).await?;
                    // Somebody else may have been faster; then what there is belongs to the end that was written.
                    let gone = match &changed {
                        Ok(_) => tx.delete_artifacts_of_attempt(id, attempt).await?,
                        Err(_) => Vec::new(),
                    };
                    Ok((changed, gone))
                })
            })
            .await?;
        self.delete_blobs(gone).await;
        if let Ok(run) = changed {
            self.metrics.changed(&run);
            tracing::warn!(
                run.id = %run.id, tool.id = %run.request.tool_id, request.id = %run.request_id,
                "attempt {attempt} of run {} was lost: {}", run.id, run.state.as_str()
            );
        }
        self.announce(id);
        self.wake_dispatcher();
        Ok(())
    }

    /// Compares the rows that say "runs here" with what runs here: passes on requests to cancel that another process
    /// wrote, and ends rows whose attempt is not here (its end could not be written, or its task panicked).
    async fn reconcile(self: &Arc<Self>) -> Result<(), EngineError> {
        for row in self.db.runs_of_worker(self.worker).await? {
            let Some(run) = self.db.run(row.id).await?.filter(|run| run.state == RunState::Running) else { continue };
            match self.active.get(run.id) {
                Some(active) if run.cancel_asked => active.ask(Control::Cancel),
                Some(_) => {}
                None => {
                    // A claim whose attempt is not listed yet is waited for.
                    let _claiming = self.claiming.lock().await;
                    if self.active.get(run.id).is_some() {
                        continue;
                    }
                    // An attempt is listed until its end is written: what is not listed now has the row that is read now.
                    let still = self.db.run(run.id).await?.is_some_and(|now| {
                        now.state == RunState::Running && now.attempt == run.attempt && now.worker == Some(self.worker)
                    });
                    if still {
                        let event = self.lost(&run, false);
                        self.end_lost(&run, event).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks after the own rows, and now and then after the other workers, until the engine stops.
    pub(crate) async fn look_after(self: Arc<Self>) {
        let mut looks = 0_u32;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                () = self.stopping.cancelled() => return,
            }
            self.measure_disk().await;
            if let Err(error) = self.reconcile().await {
                tracing::warn!(%error, "cannot look at the runs of this process");
            }
            looks = looks.wrapping_add(1);
            if looks.is_multiple_of(LOOKS_PER_WORKER_LOOK)
                && !self.is_draining()
                && let Err(error) = self.recover_dead_workers().await
            {
                tracing::warn!(%error, "cannot look at the other workers");
            }
        }
    }
}

async fn is_alive(row: &WorkerRow) -> bool {
    let id =
        ProcessId { pid: row.pid.cast_signed(), start_time_ticks: row.start_time_ticks, boot_id: row.boot_id.clone() };
    tokio::task::spawn_blocking(move || id.is_alive()).await.unwrap_or(true)
}
