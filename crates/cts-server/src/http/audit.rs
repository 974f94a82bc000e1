//! The audit log: who changed what, when, and how it was answered.

#![expect(unused_qualifications, reason = "the macro of operations writes whole paths of query types")]

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cts_api::page::{LIMIT_DEFAULT, LIMIT_MAX};
use cts_api::{AuditEntry, Problem};
use cts_engine::EngineError;
use cts_model::{Timestamp, TokenId};
use cts_store::AuditFilter;
use utoipa::IntoParams;

use crate::extract::{BaseUrl, FromQuery, Query, QueryFields};
use crate::http::{json, say_next};
use crate::problem::Refusal;
use crate::state::Shared;

/// Which entries.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only changes by this actor: the name of a token, the id of one, `local`, `anonymous` or `system`.
    actor: Option<String>,
    /// Only this action, for example `POST /v1/runs`.
    action: Option<String>,
    /// Only changes at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only changes at this time or earlier.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Most entries of a page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: u32,
    /// Where to go on: from `X-Next-Cursor` of the page before.
    #[param(value_type = Option<String>, pattern = "^a[0-9]{1,18}$")]
    cursor: Option<i64>,
}

impl FromQuery for AuditQuery {
    fn read(fields: &mut QueryFields) -> Option<Self> {
        let limit = fields.integer("limit", 1..=u64::from(LIMIT_MAX));
        let cursor = fields.text("cursor").and_then(|text| {
            let cursor = read_cursor(&text);
            if cursor.is_none() {
                fields.fault("cursor", "cursor", "the cursor is not one of this list");
            }
            cursor
        });
        Some(Self {
            actor: fields.text("actor").filter(|text| !text.is_empty()),
            action: fields.text("action").filter(|text| !text.is_empty()),
            since: fields.time("since"),
            until: fields.time("until"),
            limit: limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(LIMIT_DEFAULT),
            cursor,
        })
    }
}

fn read_cursor(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('a').filter(|digits| (1..=18).contains(&digits.len()))?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// List what was changed and by whom, the newest first
#[utoipa::path(
    get, path = "/v1/audit", tag = "Access", operation_id = "listAudit", params(AuditQuery),
    responses(
        (status = 200, body = Vec<AuditEntry>, description = "A page of the log", headers(
            ("Link" = Option<String>, description = "The next page"),
            ("X-Next-Cursor" = Option<String>, description = "Cursor of the next page"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "A parameter is wrong"),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    BaseUrl(base): BaseUrl,
    uri: http::Uri,
    Query(query): Query<AuditQuery>,
) -> Result<Response, Refusal> {
    // A name may look like anything but an id.
    let token_id = query.actor.as_ref().and_then(|actor| actor.parse::<TokenId>().ok());
    let actor = query.actor.filter(|_| token_id.is_none());
    let filter = AuditFilter { actor, token_id, action: query.action, since: query.since, until: query.until };
    let (rows, more) =
        shared.engine.db().audit(&filter, query.limit, query.cursor).await.map_err(EngineError::Store)?;
    let entries: Vec<AuditEntry> = rows.iter().map(|row| AuditEntry::of(row.seq, &row.entry)).collect();
    let mut response = json(&entries);
    if let Some(last) = rows.last().filter(|_| more) {
        say_next(&mut response, &base, &uri, &format!("a{}", last.seq));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_one_of_this_list() {
        assert_eq!(read_cursor("a17"), Some(17));
        for bad in ["", "a", "17", "n17", "a-1", "a+1", "a9999999999999999999", "a1 "] {
            assert_eq!(read_cursor(bad), None, "{bad}");
        }
    }
}
