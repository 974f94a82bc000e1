//! The outbox: facts in the order of their commits, read by position.
//!
//! A reader that remembers the last number it saw misses nothing and sees nothing twice. Numbers may have gaps.

use std::fmt::Write as _;

use cts_model::{Run, RunId, Timestamp};
use serde_json::{Value, json};

use crate::db::Db;
use crate::error::StoreError;
use crate::sql::{Row, Statement, sql, sql_built};
use crate::tx::{Connection, Tx};

/// Most rows of one INSERT.
const ROWS_MAX: usize = 16;
/// Keeps writers on PostgreSQL in order, from the number that they take to their commit.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext(current_schema()), 4354132)";

/// A fact.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// Its place in the order.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What kind of fact: `run.queued`, `run.running`, `run.completed`, `run.failed`, `run.canceled`,
    /// `run.cancel_asked`, `run.deleted`, or what [`Tx::add_event`] was given.
    pub kind: String,
    /// Which run it is about.
    pub run_id: Option<RunId>,
    /// What else is known. For runs: `status`, `tool_id`, `name`, `attempt`.
    pub payload: Value,
}

/// A fact that has no number yet.
#[derive(Debug)]
pub(crate) struct NewEvent {
    at: Timestamp,
    kind: String,
    run_id: Option<RunId>,
    payload: Value,
}

impl Tx {
    /// Adds a fact. It gets its number right before the commit.
    pub fn add_event(&mut self, at: Timestamp, kind: impl Into<String>, run_id: Option<RunId>, payload: Value) {
        self.events.push(NewEvent { at, kind: kind.into(), run_id, payload });
    }

    pub(crate) fn add_run_event(&mut self, at: Timestamp, run: &Run, kind: &str) {
        let payload = json!({
            "status": run.state.as_str(),
            "tool_id": run.request.tool_id.as_str(),
            "name": run.request.name,
            "attempt": run.attempt,
        });
        self.add_event(at, format!("run.{kind}"), Some(run.id), payload);
    }

    /// Writes the gathered facts; the commit has to follow at once.
    pub(crate) async fn flush_events(&mut self) -> Result<(), StoreError> {
        if self.events.is_empty() {
            return Ok(());
        }
        if let Connection::Postgres(tx) = &mut self.connection {
            sql(POSTGRES_LOCK).for_postgres().execute(&mut **tx).await?;
        }
        let events = std::mem::take(&mut self.events);
        for rows in events.chunks(ROWS_MAX) {
            let mut insert = insert(rows.len());
            for event in rows {
                insert = insert.bind(event.at).bind(event.kind.as_str());
                insert = insert.bind_optional_id(event.run_id).bind(event.payload.to_string());
            }
            self.change(insert).await?;
        }
        Ok(())
    }

    /// Removes facts older than `before`; the last one stays, so that the count goes on from it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_events(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let delete = "DELETE FROM events WHERE at_ms < $1 AND seq < (SELECT max(seq) FROM events)";
        self.change(sql(delete).bind(before)).await
    }
}

fn insert(rows: usize) -> Statement {
    let mut text = "INSERT INTO events (at_ms, kind, run_id, payload) VALUES ".to_owned();
    for row in 0..rows {
        let first = row * 4 + 1;
        let comma = if row > 0 { ", " } else { "" };
        let (second, third, fourth) = (first + 1, first + 2, first + 3);
        write!(text, "{comma}(${first}, ${second}, ${third}, ${fourth})").expect("a String takes every text");
    }
    sql_built(text)
}

impl Db {
    /// Returns facts after position `seq`, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_after(&self, seq: i64, limit: u32) -> Result<Vec<EventRow>, StoreError> {
        let select = "SELECT seq, at_ms, kind, run_id, payload FROM events WHERE seq > $1 ORDER BY seq LIMIT $2";
        self.all(sql(select).bind(seq).bind(limit)).await?.iter().map(event).collect()
    }

    /// Returns the position of the newest fact; 0 before the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_event_seq(&self) -> Result<i64, StoreError> {
        self.number(sql("SELECT max(seq) AS number FROM events")).await
    }
}

fn event(row: &Row) -> Result<EventRow, StoreError> {
    Ok(EventRow {
        seq: row.int("seq")?,
        at: row.time("at_ms")?,
        kind: row.text("kind")?,
        run_id: row.optional_parsed("run_id")?,
        payload: row.json("payload")?,
    })
}
