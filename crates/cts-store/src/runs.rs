//! Runs: one row each, changed only through `Run::apply`.
//!
//! A change names the state and the attempt that it read; a row that is no longer so is not changed. What is written by
//! an attempt carries its number, and a late one changes nothing.

pub(crate) mod row;

use cts_model::run::BadTransition;
use cts_model::{Isolation, Progress, Run, RunEvent, RunId, Timestamp};

use crate::db::Db;
use crate::error::StoreError;
use crate::runs::row::run_columns;
use crate::sql::{comparable, sql, sql_locking};
use crate::tx::Tx;

const SELECT: &str = concat!("SELECT ", run_columns!(), " FROM runs WHERE id = $1");

impl Db {
    /// Returns a run with the ids of its artifacts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        self.one(sql(SELECT).bind_id(id)).await?.as_ref().map(row::run).transpose()
    }

    /// Returns those of the ids that are runs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run_ids_exist(&self, ids: &[RunId]) -> Result<Vec<RunId>, StoreError> {
        self.existing("runs", ids).await
    }
}

impl Tx {
    /// Returns a run with the ids of its artifacts, locked against changes by others until the end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run(&mut self, id: RunId) -> Result<Option<Run>, StoreError> {
        let select = sql_locking!("SELECT ", run_columns!(), " FROM runs WHERE id = $1");
        self.one(select.bind_id(id)).await?.as_ref().map(row::run).transpose()
    }

    /// Writes a new run.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_run(&mut self, run: &Run) -> Result<(), StoreError> {
        let request = &run.request;
        let insert =
            "INSERT INTO runs (id, status, tool_id, name, priority, concurrency_key, owner, worker_id, attempt,
                cancel_asked, pinned, created_at_ms, started_at_ms, ended_at_ms, not_before_ms, request, history,
                progress, isolation, secret_params, search_text)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
        let insert = sql(insert)
            .bind_id(run.id)
            .bind(run.state.as_str())
            .bind_id(&request.tool_id)
            .bind(request.name.as_deref().map(comparable))
            .bind(request.priority)
            .bind(request.concurrency_key.as_deref().map(comparable))
            .bind_optional_id(request.owner)
            .bind_optional_id(run.worker)
            .bind(run.attempt)
            .bind(run.cancel_asked)
            .bind(run.pinned)
            .bind(run.created_at)
            .bind(run.started_at)
            .bind(run.ended_at)
            .bind(run.not_before)
            .bind(row::request_json(run))
            .bind(row::history_json(run))
            .bind(run.progress.as_ref().map(row::progress_json))
            .bind(run.isolation.as_ref().map(row::isolation_json))
            .bind(row::secrets_json(&request.secret_params))
            .bind(row::search_text(run));
        self.change(insert).await?;
        for (label, value) in &request.labels {
            // Two labels may become one when what cannot be compared is replaced.
            let insert = "INSERT INTO run_labels (label, value, run_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            self.change(sql(insert).bind(comparable(label)).bind(comparable(value)).bind_id(run.id)).await?;
        }
        self.add_run_event(run.created_at, run, run.state.as_str());
        Ok(())
    }

    /// Changes a run as `event` says, and returns it as it is then, or why its state does not allow it.
    ///
    /// # Errors
    /// [`StoreError::RunNotFound`], or when the database fails.
    pub async fn change_run(
        &mut self,
        id: RunId,
        now: Timestamp,
        event: RunEvent,
    ) -> Result<Result<Run, BadTransition>, StoreError> {
        let mut run = self.run(id).await?.ok_or(StoreError::RunNotFound(id))?;
        let (state, attempt, cancel_asked) = (run.state, run.attempt, run.cancel_asked);
        let had_secrets = !run.request.secret_params.is_empty();
        if let Err(refused) = run.apply(now, event) {
            return Ok(Err(refused));
        }
        self.drops_secrets |= had_secrets && run.request.secret_params.is_empty();
        let update = "UPDATE runs SET status = $4, attempt = $5, worker_id = $6, cancel_asked = $7, started_at_ms = $8,
                ended_at_ms = $9, not_before_ms = $10, progress = $11, history = $12, secret_params = $13
            WHERE id = $1 AND status = $2 AND attempt = $3";
        let update = sql(update)
            .bind_id(id)
            .bind(state.as_str())
            .bind(attempt)
            .bind(run.state.as_str())
            .bind(run.attempt)
            .bind_optional_id(run.worker)
            .bind(run.cancel_asked)
            .bind(run.started_at)
            .bind(run.ended_at)
            .bind(run.not_before)
            .bind(run.progress.as_ref().map(row::progress_json))
            .bind(row::history_json(&run))
            .bind(row::secrets_json(&run.request.secret_params));
        if self.change(update).await? != 1 {
            return Err(StoreError::ChangedMeanwhile(id));
        }
        if run.state != state || run.attempt != attempt {
            self.add_run_event(now, &run, run.state.as_str());
        } else if run.cancel_asked != cancel_asked {
            self.add_run_event(now, &run, "cancel_asked");
        }
        Ok(Ok(run))
    }

    /// Writes how far an attempt is. False when it is not the present attempt of a running run: nothing is changed
    /// then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_progress(&mut self, id: RunId, attempt: u32, progress: &Progress) -> Result<bool, StoreError> {
        let update = "UPDATE runs SET progress = $3 WHERE id = $1 AND attempt = $2 AND status = 'running'";
        let update = sql(update).bind_id(id).bind(attempt).bind(row::progress_json(progress));
        Ok(self.change(update).await? == 1)
    }

    /// Writes how well an attempt is kept apart. False when it is not the present attempt of a running run: nothing is
    /// changed then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_isolation(&mut self, id: RunId, attempt: u32, isolation: &Isolation) -> Result<bool, StoreError> {
        let update = "UPDATE runs SET isolation = $3 WHERE id = $1 AND attempt = $2 AND status = 'running'";
        let update = sql(update).bind_id(id).bind(attempt).bind(row::isolation_json(isolation));
        Ok(self.change(update).await? == 1)
    }

    /// Pins a run, so that retention leaves it and its artifacts alone, or unpins it. False when there is no such run.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_pinned(&mut self, id: RunId, pinned: bool) -> Result<bool, StoreError> {
        let update = sql("UPDATE runs SET pinned = $2 WHERE id = $1").bind_id(id).bind(pinned);
        Ok(self.change(update).await? == 1)
    }
}
