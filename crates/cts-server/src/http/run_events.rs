//! Changes of runs as a stream, for dashboards.

#![expect(unused_qualifications, reason = "the macro of operations writes whole paths of query types")]

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use cts_api::Problem;
use cts_api::stream::{RunChange, StreamEvent};
use cts_engine::EngineError;
use cts_store::EventRow;
use http::HeaderMap;
use utoipa::IntoParams;

use crate::access::Caller;
use crate::extract::{FromQuery, Query, QueryFields};
use crate::http::{Accepted, accepted};
use crate::problem::Refusal;
use crate::state::Shared;
use crate::stream::{self as events, Events, Next, Position, Source};

/// Most changes that are sent at once.
const BATCH: u32 = 200;
/// How soon the rows are looked at again, since another process may have written.
const POLL: Duration = Duration::from_secs(1);

/// Where to begin.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Number of the first change; without it only what happens from now on is sent. `Last-Event-ID: n` means the same
    /// as `from=n+1` and wins.
    #[param(minimum = 1)]
    from: Option<u64>,
}

impl FromQuery for EventsQuery {
    fn read(fields: &mut QueryFields) -> Option<Self> {
        Some(Self { from: fields.integer("from", 1..=i64::MAX.unsigned_abs()) })
    }
}

/// Follow the changes of all runs
///
/// Server-Sent Events; the data of each is a `RunChange`, or a `Reset` where the position is not there. The stream has
/// no end of its own.
#[utoipa::path(
    get, path = "/v1/runs/events", tag = "Runs", operation_id = "followRuns",
    params(EventsQuery, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen")),
    responses(
        (status = 200, description = "The changes", content((StreamEvent = "text/event-stream"))),
        (status = 406, body = Problem, content_type = "application/problem+json", description = "No such form"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many streams"),
    ),
)]
pub(crate) async fn follow(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if accepted(&headers, &["text/event-stream"]) == Accepted::Nothing {
        return Err(Refusal::new(cts_model::Code::NotAcceptable, "changes of runs come as text/event-stream"));
    }
    let last = shared.engine.last_event_seq().await?;
    let from = match events::position(&headers, query.from)? {
        Position::From(Some(from)) => Some(from),
        // This stream gives no such id; whoever sends one goes on behind the number.
        Position::Ended(seen) => Some(seen + 1),
        Position::From(None) => None,
    };
    let seen = from.map_or(last, |from| i64::try_from(from - 1).unwrap_or(i64::MAX));
    let source = ChangeSource { shared: Arc::clone(&shared), seen, begun: from.is_none() };
    events::respond(&shared, caller, source)
}

/// The changes of all runs, as they come.
struct ChangeSource {
    shared: Arc<Shared>,
    seen: i64,
    begun: bool,
}

impl Source for ChangeSource {
    async fn next(&mut self, events: &mut Events) -> Next {
        match self.advance(events).await {
            Ok(()) => Next::More,
            Err(error) => {
                tracing::warn!("the stream of changes broke off: {error}");
                Next::End
            }
        }
    }
}

impl ChangeSource {
    async fn advance(&mut self, events: &mut Events) -> Result<(), EngineError> {
        let engine = self.shared.engine.clone();
        if !self.begun {
            self.begun = true;
            let last = engine.last_event_seq().await?;
            let first = engine.events_after(0, 1).await?.first().map_or(last + 1, |event| event.seq);
            // What lies before the first one was pruned; numbers themselves may have gaps.
            let is_pruned = self.seen + 1 < first && first > 1;
            if self.seen > last || is_pruned {
                events.reset(
                    number(first),
                    if is_pruned { "older changes were removed" } else { "the position is ahead" },
                );
                self.seen = first - 1;
                return Ok(());
            }
        }
        loop {
            let mut changes = engine.run_changes();
            changes.mark_unchanged();
            let rows = engine.events_after(self.seen, BATCH).await?;
            for row in rows {
                self.seen = row.seq;
                let EventRow { seq, at, kind, run_id, payload } = row;
                let seq = number(seq);
                events.data(seq, &RunChange::of(seq, at, kind, run_id.map(|run| run.to_string()), payload));
            }
            if !events.is_empty() {
                return Ok(());
            }
            let _ = tokio::time::timeout(POLL, changes.changed()).await;
        }
    }
}

fn number(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}
