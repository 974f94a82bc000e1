//! Resumable Server-Sent Events.
//!
//! A source is asked for what comes next at its own position; this file gives it a connection: keep-alives while it
//! waits, an end when the service stops, one of a bounded number of places. Nothing is buffered for a slow reader: the
//! source is asked only when the connection takes more.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use cts_api::stream::{END, KEEP_ALIVE_SECONDS, RESET, Reset};
use cts_model::{Code, FieldFault, TokenId};
use futures_util::stream;
use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::access::Caller;
use crate::problem::Refusal;
use crate::state::Shared;

/// The largest number that is read from a client; there is always one behind it.
const NUMBER_MAX: u64 = i64::MAX.unsigned_abs() - 1;

/// Where a client wants to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// At the number; none when the client did not say.
    From(Option<u64>),
    /// It saw the end, whose last number was this one.
    Ended(u64),
}

/// Returns where a client wants to go on: `Last-Event-ID` of a reconnect wins over `from` of the address.
pub(crate) fn position(headers: &HeaderMap, from: Option<u64>) -> Result<Position, Refusal> {
    let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) else {
        return Ok(Position::From(from));
    };
    let text = value.to_str().unwrap_or("");
    // A number that no row can have is ahead of what is stored, as any other that is too large.
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<u64>().ok().map(|number| number.min(NUMBER_MAX)),
        false => None,
    };
    let found = match text.strip_suffix(".end") {
        Some(text) => number(text).map(Position::Ended),
        None => number(text).map(|seen| Position::From(Some(seen + 1))),
    };
    found.ok_or_else(|| {
        let message = "Last-Event-ID is not an id that this stream gives: a number, or a number and .end";
        Refusal::fields(Code::InvalidRequest, vec![FieldFault::new("Last-Event-ID", "pattern", message)])
    })
}

/// The answer to a client that saw the end: do not come back.
pub(crate) fn seen_to_the_end() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Events, written one after the other.
#[derive(Debug, Default)]
pub(crate) struct Events(Vec<u8>);

impl Events {
    /// Writes a data event.
    pub(crate) fn data(&mut self, seq: u64, data: &impl Serialize) {
        self.0.extend_from_slice(b"id: ");
        self.0.extend_from_slice(seq.to_string().as_bytes());
        self.0.push(b'\n');
        self.finish(data);
    }

    /// Writes the last event.
    pub(crate) fn end(&mut self, last_seq: u64, data: &impl Serialize) {
        self.0.extend_from_slice(format!("event: {END}\nid: {last_seq}.{END}\n").as_bytes());
        self.finish(data);
    }

    /// Writes that the client's position is not there.
    pub(crate) fn reset(&mut self, first: u64, reason: &str) {
        self.0.extend_from_slice(format!("event: {RESET}\n").as_bytes());
        self.finish(&Reset { first, reason: reason.to_owned() });
    }

    fn finish(&mut self, data: &impl Serialize) {
        self.0.extend_from_slice(b"data: ");
        // JSON escapes line ends, so that the data is one line.
        serde_json::to_writer(&mut self.0, data).expect("wire types are always JSON");
        self.0.extend_from_slice(b"\n\n");
    }

    /// Returns whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a source says after it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It goes on.
    More,
    /// That was the last event.
    End,
}

/// Where events come from. Asking may be broken off at any await and is then repeated.
pub(crate) trait Source: Send + 'static {
    /// Waits for what comes next and writes it.
    fn next(&mut self, events: &mut Events) -> impl Future<Output = Next> + Send;
}

struct Connection<S> {
    source: S,
    shared: Arc<Shared>,
    /// The token or session of the reader.
    proof: Option<TokenId>,
    closing: watch::Receiver<bool>,
    ended: bool,
    _place: OwnedSemaphorePermit,
}

/// Returns the answer that streams a source to `caller`, for as long as what they proved themselves with is good.
pub(crate) fn respond(shared: &Arc<Shared>, caller: Caller, source: impl Source) -> Result<Response, Refusal> {
    let place = Arc::clone(&shared.streams).try_acquire_owned().map_err(|_| {
        let most = shared.http.streams_max;
        Refusal::new(Code::TooManyStreams, format!("{most} streams are open, which is the limit"))
            .with_limit(most as u64)
    })?;
    let proof = caller.proof.map(|proof| proof.id);
    let (shared, closing) = (Arc::clone(shared), shared.closing.subscribe());
    let connection = Connection { source, shared, proof, closing, ended: false, _place: place };
    let frames = stream::unfold(connection, |mut connection| async {
        let bytes = connection.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), connection))
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    // Proxies must not hold frames back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

impl<S: Source> Connection<S> {
    /// Returns whether the reader may still read: a token that is taken back ends its streams, too.
    fn may_read(&self) -> bool {
        self.proof.is_none_or(|id| self.shared.access.keyring.is_good(id, self.shared.clock.now()))
    }

    async fn next(&mut self) -> Option<Bytes> {
        if self.ended || *self.closing.borrow() || !self.may_read() {
            return None;
        }
        let mut events = Events::default();
        let keep_alive = tokio::time::sleep(Duration::from_secs(KEEP_ALIVE_SECONDS));
        let next = tokio::select! {
            biased;
            next = self.source.next(&mut events) => next,
            () = keep_alive => return Some(Bytes::from_static(b": keep-alive\n\n")),
            _ = self.closing.wait_for(|closing| *closing) => return None,
        };
        self.ended = next == Next::End;
        // What came while the token was taken back is not for its holder any more.
        if !self.may_read() {
            return None;
        }
        if events.is_empty() { None } else { Some(events.0.into()) }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    fn of(last_event_id: &'static str) -> Option<Position> {
        let mut headers = HeaderMap::new();
        headers.insert("last-event-id", HeaderValue::from_static(last_event_id));
        position(&headers, Some(99)).ok()
    }

    #[test]
    fn the_last_event_id_says_where_to_go_on() {
        assert_eq!(position(&HeaderMap::new(), Some(7)).ok(), Some(Position::From(Some(7))));
        assert_eq!(of(""), Some(Position::From(Some(99))));
        assert_eq!(of("4"), Some(Position::From(Some(5))));
        assert_eq!(of("4.end"), Some(Position::Ended(4)));
        assert_eq!(of("18446744073709551615"), Some(Position::From(Some(NUMBER_MAX + 1))));
        assert_eq!(of("18446744073709551615.end"), Some(Position::Ended(NUMBER_MAX)));
        for bad in ["x", "-1", "+1", "4.ende", ".end", "99999999999999999999"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn events_are_written_as_the_contract_says() {
        let mut events = Events::default();
        events.reset(3, "gone");
        events.data(3, &json!({"message": "a\nb"}));
        events.end(3, &json!({"status": "completed"}));
        expect![[r#"
            event: reset
            data: {"first":3,"reason":"gone"}

            id: 3
            data: {"message":"a\nb"}

            event: end
            id: 3.end
            data: {"status":"completed"}

        "#]]
        .assert_eq(&String::from_utf8(events.0).unwrap());
    }
}
