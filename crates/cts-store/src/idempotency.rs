//! Idempotency keys: which request a key was used for, and what came of it.

use cts_model::Timestamp;

use crate::db::Db;
use crate::error::StoreError;
use crate::sql::{Row, Statement, comparable, sql};
use crate::tx::Tx;

/// A key that was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// The client's key.
    pub key: String,
    /// The route that it was used for.
    pub route: String,
    /// Who used it.
    pub actor: String,
    /// Sum of the request's body.
    pub body_sha256: String,
    /// What was made.
    pub resource_id: String,
    /// When.
    pub at: Timestamp,
}

impl Tx {
    /// Writes a key. False when it is there already: then somebody else was faster, and this transaction should be
    /// undone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remember_key(&mut self, row: &IdempotencyRow) -> Result<bool, StoreError> {
        let insert = "INSERT INTO idempotency_keys (idempotency_key, route, actor, body_sha256, resource_id, at_ms)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let insert = sql(insert)
            .bind(comparable(&row.key))
            .bind(row.route.as_str())
            .bind(comparable(&row.actor))
            .bind(row.body_sha256.as_str())
            .bind(row.resource_id.as_str())
            .bind(row.at);
        Ok(self.change(insert).await? == 1)
    }

    /// Returns what a key was used for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn key(&mut self, key: &str, route: &str, actor: &str) -> Result<Option<IdempotencyRow>, StoreError> {
        let row = self.one(select(key, route, actor)).await?;
        row.map(|row| idempotency_row(&row, key, route, actor)).transpose()
    }

    /// Forgets one key: what was made with it is gone, or it is too old. False when it was not there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_key(&mut self, key: &str, route: &str, actor: &str) -> Result<bool, StoreError> {
        let delete = "DELETE FROM idempotency_keys WHERE idempotency_key = $1 AND route = $2 AND actor = $3";
        let delete = sql(delete).bind(comparable(key)).bind(route).bind(comparable(actor));
        Ok(self.change(delete).await? == 1)
    }

    /// Forgets keys used before `before`, and returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_keys(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.change(sql("DELETE FROM idempotency_keys WHERE at_ms < $1").bind(before)).await
    }
}

impl Db {
    /// Returns what a key was used for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn key(&self, key: &str, route: &str, actor: &str) -> Result<Option<IdempotencyRow>, StoreError> {
        let row = self.one(select(key, route, actor)).await?;
        row.map(|row| idempotency_row(&row, key, route, actor)).transpose()
    }
}

fn select(key: &str, route: &str, actor: &str) -> Statement {
    let select = "SELECT body_sha256, resource_id, at_ms FROM idempotency_keys
        WHERE idempotency_key = $1 AND route = $2 AND actor = $3";
    sql(select).bind(comparable(key)).bind(route).bind(comparable(actor))
}

fn idempotency_row(row: &Row, key: &str, route: &str, actor: &str) -> Result<IdempotencyRow, StoreError> {
    Ok(IdempotencyRow {
        key: key.to_owned(),
        route: route.to_owned(),
        actor: actor.to_owned(),
        body_sha256: row.text("body_sha256")?,
        resource_id: row.text("resource_id")?,
        at: row.time("at_ms")?,
    })
}
