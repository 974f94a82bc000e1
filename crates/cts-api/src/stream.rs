//! What Server-Sent Events hold.
//!
//! Data events have no name and carry `id: <seq>`; keep-alives are comments; `end` is the last event and carries
//! `id: <last seq>.end`; `reset` says that the client's position is not there any more.

use cts_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::run::RunStatus;
use crate::time::Time;

/// Name of the last event; its data is the final object.
pub const END: &str = "end";
/// Name of the event that says that the client's position is ahead of what is stored, or pruned.
pub const RESET: &str = "reset";
/// Seconds between two keep-alive comments.
pub const KEEP_ALIVE_SECONDS: u64 = 15;

/// One event of a stream, as a client's reader gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamEvent {
    /// Its name: `end` for the last one, `reset` where the position is not there; data events have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event: Option<String>,
    /// Where to resume behind it, for `Last-Event-ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// JSON: what the operation's description says, a `Reset` for `reset`.
    pub data: String,
}

/// Data of a `reset` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reset {
    /// The first number there is; the stream goes on from there.
    pub first: u64,
    /// Why, in a sentence for people.
    pub reason: String,
}

/// A change of a run's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::run_change_json)]
pub struct RunChange {
    /// Its number; numbers grow, and may have gaps.
    pub seq: u64,
    /// When it happened.
    pub timestamp: Time,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which run.
    #[schema(required, format = "uuid")]
    pub run_id: Option<String>,
    /// The run's state after it, where it changed.
    #[schema(required)]
    pub status: Option<RunStatus>,
    /// What else is known.
    pub data: Value,
}

impl RunChange {
    /// Returns the wire form of an event.
    #[must_use]
    pub fn of(seq: u64, at: Timestamp, kind: String, run_id: Option<String>, data: Value) -> Self {
        let status = data.get("status").and_then(|status| serde_json::from_value(status.clone()).ok());
        Self { seq, timestamp: Time(at), kind, run_id, status, data }
    }
}
