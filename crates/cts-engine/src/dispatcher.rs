//! Starts queued runs when there are slots: woken by whatever may have made a difference, and by a slow tick.
//!
//! The slots are counted from the rows in the transaction that claims, so that a slot cannot leak; the claim looks at
//! the run's state again, so that a canceled run never starts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cts_model::{Run, RunEvent, RunId, Timestamp, ToolId};
use cts_store::{QueuePos, StoreError, Tx};
use futures_util::FutureExt;
use tracing::Instrument as _;

use crate::Inner;
use crate::attempt::run_attempt;
use crate::error::EngineError;
use crate::next::{Running, ToolSlots, Waiting, pick};

/// How many queued runs are looked at beyond the free slots before more are needed.
const PAGE_MIN: u32 = 8;
/// Most queued runs that are looked at in one piece.
const PAGE_MAX: u32 = 256;
/// The dispatcher looks at the queue at least this often: another process may have queued or ended something.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The pause after a database that does not answer.
const ERROR_PAUSE: Duration = Duration::from_millis(500);

/// Claims and starts runs until the engine stops.
pub(crate) async fn dispatch(inner: Arc<Inner>) {
    loop {
        let pause = match claim_and_start(&inner).await {
            Ok(()) => LOOK_INTERVAL,
            Err(error) => {
                tracing::warn!(%error, "cannot look at the queue");
                ERROR_PAUSE
            }
        };
        let pause = inner.until_next_retry(pause).await;
        tokio::select! {
            () = inner.dispatcher.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = inner.stopping.cancelled() => return,
        }
    }
}

async fn claim_and_start(inner: &Arc<Inner>) -> Result<(), EngineError> {
    if inner.is_draining() || inner.active.len() >= inner.slots() {
        return Ok(());
    }
    if !inner.db.is_anything_queued().await? {
        return Ok(());
    }
    let _claiming = inner.claiming.lock().await;
    // Looked at again below the lock: who drains waits for it, and nothing may be claimed after that.
    if inner.is_draining() {
        return Ok(());
    }
    let slots: HashMap<ToolId, ToolSlots> = inner
        .registry
        .list()
        .iter()
        .map(|tool| {
            let spec = &tool.spec;
            (spec.id.clone(), ToolSlots { tool: spec.concurrency, key: spec.concurrency_per_key })
        })
        .collect();
    let (worker, owner, most, now) = (inner.worker, inner.owner(), inner.slots(), inner.clock.now());
    let claimed = inner
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut running = Running::default();
                let mut free = most;
                for run in tx.running().await? {
                    running.add(&run.tool_id, run.key.as_deref());
                    if run.worker == worker {
                        free = free.saturating_sub(1);
                    }
                }
                let mut claimed = Vec::new();
                let mut after: Option<QueuePos> = None;
                // Mostly the first few fit; only where they are blocked by their limits more are looked at.
                let mut page = u32::try_from(free).unwrap_or(PAGE_MAX).saturating_add(PAGE_MIN).min(PAGE_MAX);
                while claimed.len() < free {
                    let queued = tx.queued(now, owner, after, page).await?;
                    let Some(last) = queued.last() else { break };
                    after = Some(last.position());
                    let page_was_full = queued.len() == page as usize;
                    page = PAGE_MAX;
                    let waiting: Vec<Waiting> = queued
                        .into_iter()
                        .map(|run| Waiting { id: run.id, tool_id: run.tool_id, key: run.key })
                        .collect();
                    let picked = pick(&waiting, &mut running, free - claimed.len(), |tool| {
                        slots.get(tool).copied().unwrap_or_default()
                    });
                    for id in picked {
                        claimed.extend(claim(tx, id, now, worker).await?);
                    }
                    if !page_was_full {
                        break;
                    }
                }
                Ok(claimed)
            })
        })
        .await?;
    for run in claimed {
        start(inner, run);
    }
    Ok(())
}

async fn claim(tx: &mut Tx, id: RunId, now: Timestamp, worker: cts_model::WorkerId) -> Result<Option<Run>, StoreError> {
    match tx.change_run(id, now, RunEvent::Claimed { worker }).await? {
        Ok(run) => Ok(Some(run)),
        // Canceled or claimed by somebody else since it was listed.
        Err(_) => Ok(None),
    }
}

/// Starts the attempt of a run that was claimed here.
fn start(inner: &Arc<Inner>, mut run: Run) {
    let (active, guard) = inner.active.begin(run.id);
    let began = run.attempts.last().map_or(run.created_at, |attempt| attempt.started_at);
    let before = run.attempts.iter().rev().nth(1).and_then(|attempt| attempt.ended_at);
    let due = [run.not_before, before].into_iter().flatten().fold(run.created_at, Timestamp::max);
    inner.metrics.started(began.since(due), inner.active.len());
    inner.tell_queue_wait(&run, due, began.since(due));
    let place = inner.place_within(&run);
    // From here on what is done for the run is done within the attempt, and its child as well.
    run.trace = place.as_ref().map(|place| place.context.clone());
    let span = tracing::error_span!(
        "attempt", run.id = %run.id, request.id = %run.request_id, attempt = run.attempt,
        trace_id = run.trace.as_ref().map(|trace| tracing::field::display(trace.trace_id)),
        span_id = run.trace.as_ref().map(|trace| tracing::field::display(trace.span_id)),
    );
    span.in_scope(|| {
        tracing::info!(tool.id = %run.request.tool_id, "run {} of {} started", run.id, run.request.tool_id);
    });
    inner.announce(run.id);
    let inner_for_task = Arc::clone(inner);
    inner.tasks.spawn(async move {
        let id = run.id;
        // A panic in here is a defect, and must cost one run and not the service.
        let attempt = run_attempt(Arc::clone(&inner_for_task), run, place, active, guard).instrument(span);
        if std::panic::AssertUnwindSafe(attempt).catch_unwind().await.is_err() {
            tracing::error!(run.id = %id, "the attempt of run {id} panicked");
        }
        inner_for_task.wake_dispatcher();
    });
}

impl Inner {
    /// Returns `pause`, or less when a retry is due earlier.
    async fn until_next_retry(&self, pause: Duration) -> Duration {
        let now = self.clock.now();
        match self.db.next_not_before(now).await {
            Ok(Some(at)) => at.since(now).max(Duration::from_millis(1)).min(pause),
            _ => pause,
        }
    }
}
