//! Workers: each process that runs attempts is a row, known by pid, start time and boot.

use cts_model::{Timestamp, WorkerId};

use crate::db::Db;
use crate::error::StoreError;
use crate::sql::{Row, sql};
use crate::tx::Tx;

/// What kind of process a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkerKind {
    /// The service.
    Service,
    /// A client that runs its own runs in process.
    Client,
}

impl WorkerKind {
    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Client => "client",
        }
    }

    /// Returns the kind of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Service, Self::Client].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A process that runs attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerRow {
    /// Its id, new with every start.
    pub id: WorkerId,
    /// Its process id.
    pub pid: u32,
    /// When the process started, in clock ticks since boot.
    pub start_time_ticks: u64,
    /// The boot that its process id belongs to.
    pub boot_id: String,
    /// What it is.
    pub kind: WorkerKind,
    /// When it started.
    pub started_at: Timestamp,
    /// When it was last heard of.
    pub heartbeat_at: Timestamp,
}

impl Tx {
    /// Writes a new worker.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_worker(&mut self, worker: &WorkerRow) -> Result<(), StoreError> {
        let insert = "INSERT INTO workers (id, pid, start_time_ticks, boot_id, kind, started_at_ms, heartbeat_at_ms)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let insert = sql(insert)
            .bind_id(worker.id)
            .bind(worker.pid)
            .bind(worker.start_time_ticks)
            .bind(worker.boot_id.as_str())
            .bind(worker.kind.as_str())
            .bind(worker.started_at)
            .bind(worker.heartbeat_at);
        self.change(insert).await.map(|_| ())
    }

    /// Writes a sign of life. False when the worker's row is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn heartbeat(&mut self, id: WorkerId, now: Timestamp) -> Result<bool, StoreError> {
        let update = sql("UPDATE workers SET heartbeat_at_ms = $2 WHERE id = $1").bind_id(id).bind(now);
        Ok(self.change(update).await? == 1)
    }

    /// Removes a worker. False when it was gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_worker(&mut self, id: WorkerId) -> Result<bool, StoreError> {
        Ok(self.change(sql("DELETE FROM workers WHERE id = $1").bind_id(id)).await? == 1)
    }

    /// Returns every worker, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn workers(&mut self) -> Result<Vec<WorkerRow>, StoreError> {
        self.all(sql(SELECT)).await?.iter().map(worker).collect()
    }
}

const SELECT: &str =
    "SELECT id, pid, start_time_ticks, boot_id, kind, started_at_ms, heartbeat_at_ms FROM workers ORDER BY id";

impl Db {
    /// Returns every worker, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        self.all(sql(SELECT)).await?.iter().map(worker).collect()
    }
}

fn worker(row: &Row) -> Result<WorkerRow, StoreError> {
    Ok(WorkerRow {
        id: row.parsed("id")?,
        pid: row.number("pid")?,
        start_time_ticks: row.number("start_time_ticks")?,
        boot_id: row.text("boot_id")?,
        kind: row.word("kind", WorkerKind::from_word)?,
        started_at: row.time("started_at_ms")?,
        heartbeat_at: row.time("heartbeat_at_ms")?,
    })
}
