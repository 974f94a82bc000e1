//! The audit log: one row for each change, in the transaction of the change where there is one. Rows are never
//! rewritten, which the database itself refuses, and leave only by their age.

use cts_model::{AuditEntry, Ctx, Target, Timestamp, TokenId};

use crate::db::Db;
use crate::error::StoreError;
use crate::page::Text;
use crate::sql::{Row, comparable, sql, to_json};
use crate::tx::Tx;

/// Most rows of one page.
const PAGE_ROWS_MAX: u32 = 1000;

/// An entry with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the order.
    pub seq: i64,
    /// What it tells.
    pub entry: AuditEntry,
}

/// Which entries. What is none is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By somebody of this name.
    pub actor: Option<String>,
    /// By this token.
    pub token_id: Option<TokenId>,
    /// Of this action.
    pub action: Option<String>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// At this moment or earlier.
    pub until: Option<Timestamp>,
}

impl Tx {
    /// Writes the entry of the change that `cx` asks for, with the ids that come of it; does nothing where it asks for
    /// none. Where this transaction is undone, the answer to the request is no success.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_change(&mut self, cx: &Ctx, at: Timestamp, made: &[(&str, String)]) -> Result<(), StoreError> {
        let Some(entry) = cx.audit_entry(at, made) else { return Ok(()) };
        self.add_audit(&entry).await?;
        if let Some(change) = &cx.change {
            change.set_recorded();
        }
        Ok(())
    }

    /// Writes an entry.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        let insert = "INSERT INTO audit (at_ms, actor, token_id, action, target, status, request_id, address)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let insert = sql(insert)
            .bind(entry.at)
            .bind(comparable(&entry.actor))
            .bind_optional_id(entry.token_id)
            .bind(comparable(&entry.action))
            .bind(comparable(&to_json(&entry.target)))
            .bind(u32::from(entry.status))
            .bind(entry.request_id.as_str())
            .bind(entry.address.clone());
        self.change(insert).await.map(|_| ())
    }

    /// Removes entries older than `before` and returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_audit(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.change(sql("DELETE FROM audit WHERE at_ms < $1").bind(before)).await
    }
}

impl Db {
    /// Returns entries with a number below `below`, the newest first, at most `limit` (1 to 1000), and whether there are
    /// more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        limit: u32,
        below: Option<i64>,
    ) -> Result<(Vec<AuditRow>, bool), StoreError> {
        let limit = limit.clamp(1, PAGE_ROWS_MAX);
        let mut text = Text::default();
        text.push(
            "SELECT seq, at_ms, actor, token_id, action, target, status, request_id, address FROM audit WHERE seq < ",
        );
        text.value(below.unwrap_or(i64::MAX));
        if let Some(actor) = &filter.actor {
            text.push(" AND actor = ");
            text.value(comparable(actor));
        }
        if let Some(token) = filter.token_id {
            text.push(" AND token_id = ");
            text.value(token.to_string());
        }
        if let Some(action) = &filter.action {
            text.push(" AND action = ");
            text.value(comparable(action));
        }
        if let Some(since) = filter.since {
            text.push(" AND at_ms >= ");
            text.value(since);
        }
        if let Some(until) = filter.until {
            text.push(" AND at_ms <= ");
            text.value(until);
        }
        text.push(" ORDER BY seq DESC LIMIT ");
        text.value(limit + 1);
        let mut rows = self.all(text.done()).await?.iter().map(audit_row).collect::<Result<Vec<_>, _>>()?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        Ok((rows, more))
    }
}

fn audit_row(row: &Row) -> Result<AuditRow, StoreError> {
    let entry = AuditEntry {
        at: row.time("at_ms")?,
        actor: row.text("actor")?,
        token_id: row.optional_parsed("token_id")?,
        action: row.text("action")?,
        target: row.json::<Target>("target")?,
        status: row.number("status")?,
        request_id: row.text("request_id")?,
        address: row.optional_text("address")?,
    };
    Ok(AuditRow { seq: row.int("seq")?, entry })
}
