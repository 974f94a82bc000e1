//! What waits and what runs. Slots are derived from these rows and counted nowhere.
//!
//! The claim itself is [`Tx::change_run`] with `RunEvent::Claimed`, in the same transaction that looked here.

use cts_model::{RetryPolicy, Run, RunId, RunState, Timestamp, ToolId, WorkerId};

use crate::db::Db;
use crate::error::StoreError;
use crate::sql::{Row, Statement, sql};
use crate::tx::Tx;

/// A place in the queue: what comes after it has a lower priority, or the same and a later id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuePos {
    /// The priority of the run at this place.
    pub priority: i32,
    /// Its id.
    pub id: RunId,
}

/// A run that waits, as far as choosing needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedRun {
    /// Its id.
    pub id: RunId,
    /// Its tool.
    pub tool_id: ToolId,
    /// Its concurrency key.
    pub key: Option<String>,
    /// Its priority.
    pub priority: i32,
    /// It is not claimed before this moment.
    pub not_before: Option<Timestamp>,
    /// Only this worker may claim it.
    pub owner: Option<WorkerId>,
}

impl QueuedRun {
    /// Returns its place, to go on behind it.
    #[must_use]
    pub fn position(&self) -> QueuePos {
        QueuePos { priority: self.priority, id: self.id }
    }
}

/// A run that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRun {
    /// Its id.
    pub id: RunId,
    /// Its tool.
    pub tool_id: ToolId,
    /// Its concurrency key.
    pub key: Option<String>,
    /// Who runs it.
    pub worker: WorkerId,
    /// Its present attempt.
    pub attempt: u32,
}

impl Tx {
    /// Returns runs that may be claimed at `now`, in their order: by priority, then by age. Without an owner those that
    /// anybody may claim, else those of this owner alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queued(
        &mut self,
        now: Timestamp,
        owner: Option<WorkerId>,
        after: Option<QueuePos>,
        limit: u32,
    ) -> Result<Vec<QueuedRun>, StoreError> {
        macro_rules! select {
            ($owner:literal) => {
                concat!(
                    "SELECT id, tool_id, concurrency_key, priority, not_before_ms, owner FROM runs
                      WHERE status = 'queued'
                        AND (not_before_ms IS NULL OR not_before_ms <= $1 OR not_before_ms > $5)
                        AND priority <= $2 AND (priority < $2 OR id > $3) AND ",
                    $owner,
                    " ORDER BY priority DESC, id LIMIT $4"
                )
            };
        }
        let select = if owner.is_some() { select!("owner = $6") } else { select!("owner IS NULL") };
        let (priority, id) =
            after.map_or((i64::MAX, String::new()), |after| (i64::from(after.priority), after.id.to_string()));
        // No delay is longer: what is due later than this was written before the clock was set back.
        let latest = now.plus(RetryPolicy::DELAY_MAX);
        let mut select = sql(select).bind(now).bind(priority).bind(id).bind(limit).bind(latest);
        if let Some(owner) = owner {
            select = select.bind_id(owner);
        }
        self.all(select).await?.iter().map(queued_run).collect()
    }

    /// Returns every run that runs, whoever runs it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn running(&mut self) -> Result<Vec<RunningRun>, StoreError> {
        self.all(running()).await?.iter().map(running_run).collect()
    }

    /// Returns how many runs wait.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queued_count(&mut self) -> Result<u64, StoreError> {
        let row = self.one(queued_count()).await?;
        row.map_or(Ok(0), |row| row.number("number"))
    }

    /// Gives the waiting runs of a dead worker to anybody, and returns how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_owner(&mut self, worker: WorkerId) -> Result<u64, StoreError> {
        let update = "UPDATE runs SET owner = NULL WHERE status = 'queued' AND owner = $1";
        self.change(sql(update).bind_id(worker)).await
    }
}

impl Db {
    /// Returns every run that runs, whoever runs it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn running(&self) -> Result<Vec<RunningRun>, StoreError> {
        self.all(running()).await?.iter().map(running_run).collect()
    }

    /// Returns the runs that a worker runs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn runs_of_worker(&self, worker: WorkerId) -> Result<Vec<RunningRun>, StoreError> {
        let mut running = self.running().await?;
        running.retain(|run| run.worker == worker);
        Ok(running)
    }

    /// Returns the waiting runs that only this worker may claim.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queued_of_owner(&self, worker: WorkerId) -> Result<Vec<RunId>, StoreError> {
        let select = "SELECT id FROM runs WHERE status = 'queued' AND owner = $1 ORDER BY priority DESC, id";
        self.all(sql(select).bind_id(worker)).await?.iter().map(|row| row.parsed("id")).collect()
    }

    /// Returns how many runs wait.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queued_count(&self) -> Result<u64, StoreError> {
        Ok(u64::try_from(self.number(queued_count()).await?).unwrap_or(0))
    }

    /// Returns whether any run waits: cheap, however many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_anything_queued(&self) -> Result<bool, StoreError> {
        Ok(self.one(sql("SELECT id FROM runs WHERE status = 'queued' LIMIT 1")).await?.is_some())
    }

    /// Returns the place of a waiting run among those that the same workers may claim: 1 for the next one. None when it
    /// does not wait.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue_position(&self, run: &Run) -> Result<Option<u64>, StoreError> {
        if run.state != RunState::Queued {
            return Ok(None);
        }
        macro_rules! select {
            ($owner:literal) => {
                concat!(
                    "SELECT count(*) AS number FROM runs
                      WHERE status = 'queued' AND priority >= $1 AND (priority > $1 OR id < $2) AND ",
                    $owner
                )
            };
        }
        let select = if run.request.owner.is_some() { select!("owner = $3") } else { select!("owner IS NULL") };
        let mut select = sql(select).bind(run.request.priority).bind_id(run.id);
        if let Some(owner) = run.request.owner {
            select = select.bind_id(owner);
        }
        Ok(Some(u64::try_from(self.number(select).await?).unwrap_or(0) + 1))
    }

    /// Returns when the next waiting run that may not yet be claimed may be.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_not_before(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let select = "SELECT min(not_before_ms) AS next FROM runs WHERE status = 'queued' AND not_before_ms > $1";
        let row = self.one(sql(select).bind(now)).await?;
        Ok(row.map(|row| row.optional_time("next")).transpose()?.flatten())
    }
}

fn queued_count() -> Statement {
    sql("SELECT count(*) AS number FROM runs WHERE status = 'queued'")
}

fn running() -> Statement {
    sql("SELECT id, tool_id, concurrency_key, worker_id, attempt FROM runs WHERE status = 'running' ORDER BY id")
}

fn queued_run(row: &Row) -> Result<QueuedRun, StoreError> {
    Ok(QueuedRun {
        id: row.parsed("id")?,
        tool_id: row.parsed("tool_id")?,
        key: row.optional_text("concurrency_key")?,
        priority: row.number("priority")?,
        not_before: row.optional_time("not_before_ms")?,
        owner: row.optional_parsed("owner")?,
    })
}

fn running_run(row: &Row) -> Result<RunningRun, StoreError> {
    Ok(RunningRun {
        id: row.parsed("id")?,
        tool_id: row.parsed("tool_id")?,
        key: row.optional_text("concurrency_key")?,
        worker: row.parsed("worker_id")?,
        attempt: row.number("attempt")?,
    })
}
