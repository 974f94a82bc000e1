//! The log of a run: as a stream, as a plain text, as lines of JSON, and by pages.

#![expect(unused_qualifications, reason = "the macro of operations writes whole paths of query types")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use cts_api::page::{LOG_LIMIT_DEFAULT, LOG_LIMIT_MAX};
use cts_api::stream::StreamEvent;
use cts_api::{LogEntry, LogPage, Problem};
use cts_engine::{EngineError, LogFilter, LogReader};
use cts_model::{Code, Level, RunId, RunState};
use futures_util::stream;
use http::HeaderMap;
use http::header::{self, HeaderValue};
use utoipa::IntoParams;

use crate::access::Caller;
use crate::extract::{FromQuery, Path, Query, QueryFields};
use crate::http::{Accepted, accepted, json, runs};
use crate::problem::Refusal;
use crate::state::Shared;
use crate::stream::{self as events, Events, Next, Position, Source};

/// Most lines that are sent at once.
const BATCH_LINES: usize = 500;
/// How soon a log is looked at again that another process writes.
const OTHER_PROCESS_POLL: Duration = Duration::from_millis(50);
/// How soon a run is looked at again that another process may have changed.
const QUEUED_POLL: Duration = Duration::from_millis(500);

/// Where to begin.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FollowQuery {
    /// Number of the first line; `Last-Event-ID: n` means the same as `from=n+1` and wins.
    #[param(minimum = 1)]
    from: Option<u64>,
}

impl FromQuery for FollowQuery {
    fn read(fields: &mut QueryFields) -> Option<Self> {
        Some(Self { from: fields.integer("from", 1..=i64::MAX.unsigned_abs()) })
    }
}

const FORMS: [&str; 3] = ["text/event-stream", "text/plain", "application/x-ndjson"];

/// Follow the log of a run
///
/// Server-Sent Events of `LogEntry` until the run has ended, then `event: end` with the Run. `Accept: text/plain` gives
/// the messages that are stored, `application/x-ndjson` one `LogEntry` a line.
#[utoipa::path(
    get, path = "/v1/runs/{run_id}/logs", tag = "Runs", operation_id = "followLog",
    params(("run_id" = String, Path, format = "uuid"), FollowQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen")),
    responses(
        (status = 200, description = "The log", content(
            (StreamEvent = "text/event-stream"), (String = "text/plain"), (LogEntry = "application/x-ndjson"))),
        (status = 204, description = "The client has seen the end"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such run"),
        (status = 406, body = Problem, content_type = "application/problem+json", description = "No such form"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many streams"),
    ),
)]
pub(crate) async fn follow(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<RunId>,
    Query(query): Query<FollowQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let form = match accepted(&headers, &FORMS) {
        Accepted::Anything => FORMS[0],
        Accepted::One(form) => form,
        Accepted::Nothing => {
            return Err(Refusal::new(Code::NotAcceptable, format!("a log comes as {}", FORMS.join(", "))));
        }
    };
    let view = shared.engine.run(run).await?;
    let position = events::position(&headers, query.from)?;
    if form != FORMS[0] {
        let from = match position {
            Position::From(from) => from.unwrap_or(1),
            Position::Ended(last) => last + 1,
        };
        return Ok(stored(&shared, run, from, form));
    }
    let from = match position {
        Position::From(from) => from.unwrap_or(1),
        Position::Ended(last) => {
            let log = shared.engine.logs().page(run, last + 1, 1, LogFilter::default()).await?;
            if view.run.state.is_terminal() && log.last_seq == last {
                return Ok(events::seen_to_the_end());
            }
            last + 1
        }
    };
    let reader = shared.engine.logs().reader(run, from);
    events::respond(&shared, caller, LogSource { shared: Arc::clone(&shared), run, reader, begun: false })
}

/// The lines of one run, as they come.
struct LogSource {
    shared: Arc<Shared>,
    run: RunId,
    reader: LogReader,
    begun: bool,
}

impl Source for LogSource {
    async fn next(&mut self, events: &mut Events) -> Next {
        match self.advance(events).await {
            Ok(next) => next,
            Err(error) => {
                // The client comes back to the same place, and may find it mended.
                tracing::warn!(run.id = %self.run, "the log stream of run {} broke off: {error}", self.run);
                Next::End
            }
        }
    }
}

impl LogSource {
    async fn advance(&mut self, events: &mut Events) -> Result<Next, EngineError> {
        let engine = self.shared.engine.clone();
        loop {
            // Signals are taken before looking, so that nothing that comes in between is missed.
            let live = engine.logs().watch(self.run);
            let mut changes = engine.run_changes();
            changes.mark_unchanged();
            if self.read(events).await? {
                return Ok(Next::More);
            }
            let view = match engine.run(self.run).await {
                Ok(view) => view,
                // Removed while it was followed: there is no final object.
                Err(EngineError::RunNotFound(_)) => return Ok(Next::End),
                Err(error) => return Err(error),
            };
            if view.run.state.is_terminal() {
                // Lines are stored before the end is written, so that this look finds the last of them.
                if self.read(events).await? {
                    return Ok(Next::More);
                }
                events.end(self.reader.next_seq() - 1, &runs::wire(&self.shared, &view));
                return Ok(Next::End);
            }
            let poll = if view.run.state == RunState::Queued { QUEUED_POLL } else { OTHER_PROCESS_POLL };
            match live {
                Some(mut live) => drop(live.changed().await),
                None => drop(tokio::time::timeout(poll, changes.changed()).await),
            }
        }
    }

    /// Writes the next lines that are stored; false when there are none.
    async fn read(&mut self, events: &mut Events) -> Result<bool, EngineError> {
        let page = self.reader.page(BATCH_LINES, LogFilter::default()).await?;
        if !self.begun {
            self.begun = true;
            let wanted = page.lines.first().map_or(self.reader.next_seq(), |line| line.seq);
            if page.lines.is_empty() && wanted > page.last_seq + 1 {
                events.reset(page.first_seq, "the position is ahead of what is stored");
                self.reader.seek(page.first_seq);
                return Ok(true);
            }
        }
        for line in &page.lines {
            events.data(line.seq, &LogEntry::from(&**line));
        }
        Ok(!page.lines.is_empty())
    }
}

/// Returns the answer with the lines that are stored now.
fn stored(shared: &Arc<Shared>, run: RunId, from: u64, form: &'static str) -> Response {
    let reader = shared.engine.logs().reader(run, from);
    let pages = stream::unfold(Some(reader), move |reader| async move {
        let mut reader = reader?;
        let page = match reader.page(BATCH_LINES, LogFilter::default()).await {
            Ok(page) => page,
            // An error breaks the connection off, so that half a log is not taken for a whole one.
            Err(error) => return Some((Err(error), None)),
        };
        if page.lines.is_empty() {
            return None;
        }
        let mut bytes = Vec::with_capacity(page.lines.len() * 128);
        for line in &page.lines {
            if form == FORMS[1] {
                bytes.extend_from_slice(line.message.as_bytes());
            } else {
                serde_json::to_writer(&mut bytes, &LogEntry::from(&**line)).expect("wire types are always JSON");
            }
            bytes.push(b'\n');
        }
        Some((Ok::<_, EngineError>(Bytes::from(bytes)), page.has_more.then_some(reader)))
    });
    let mut response = Response::new(Body::from_stream(pages));
    let kind = if form == FORMS[1] { "text/plain; charset=utf-8" } else { form };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Which lines of a log.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Most lines.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<u32>,
    /// Number of the first line.
    #[param(minimum = 1)]
    from: Option<u64>,
    /// Only lines of this level.
    #[param(value_type = Option<cts_api::log::LogLevel>)]
    level: Option<Level>,
    /// Only lines that hold this text, upper and lower case alike.
    q: Option<String>,
}

impl FromQuery for PageQuery {
    fn read(fields: &mut QueryFields) -> Option<Self> {
        let limit = fields.integer("limit", 1..=u64::from(LOG_LIMIT_MAX));
        let from = fields.integer("from", 1..=i64::MAX.unsigned_abs());
        let level = fields.text("level").and_then(|word| {
            let found = Level::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(&word));
            if found.is_none() {
                let known = Level::ALL.map(Level::as_str);
                let near = cts_model::nearest::did_you_mean(&word, known);
                fields.fault("level", "choice", format!("level is not one of {}{near}", known.join(", ")));
            }
            found
        });
        let q = fields.text("q").filter(|text| !text.is_empty());
        Some(Self { limit: limit.and_then(|limit| u32::try_from(limit).ok()), from, level, q })
    }
}

/// Read the log of a run by pages
#[utoipa::path(
    get, path = "/v1/runs/{run_id}/logs/list", tag = "Runs", operation_id = "listLog",
    params(("run_id" = String, Path, format = "uuid"), PageQuery),
    responses(
        (status = 200, body = LogPage, description = "Some lines of the log"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such run"),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<RunId>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Refusal> {
    shared.engine.run(run).await?;
    let limit = usize::try_from(query.limit.unwrap_or(LOG_LIMIT_DEFAULT)).unwrap_or(usize::MAX);
    let filter = LogFilter { level: query.level, text: query.q };
    let page = shared.engine.logs().page(run, query.from.unwrap_or(1), limit, filter).await?;
    Ok(json(&LogPage {
        run_id: run.to_string(),
        logs: page.lines.iter().map(|line| LogEntry::from(&**line)).collect(),
        has_more: page.has_more,
        next_from: page.next_from,
        last_seq: page.last_seq,
    }))
}
