//! Follows the log of a run: each line once, in order, over broken connections, to the end.

use cts_api::log::LogLevel;
use cts_api::stream::{END, RESET, Reset};
use cts_api::{LogEntry, Run};
use futures_util::StreamExt as _;
use http::header::ACCEPT;
use http::{HeaderName, StatusCode};

use super::retry::Backoff;
use super::sse::{SseEvent, SseParser};
use super::watch::may_pass;
use super::{Call, Client, encode};
use crate::error::CliError;
use crate::transport::TransportError;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How many lines there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LogCounts {
    /// In all.
    pub(crate) lines: u64,
    /// Of them warnings.
    pub(crate) warnings: u64,
    /// Of them errors.
    pub(crate) errors: u64,
}

impl LogCounts {
    fn count(&mut self, entry: &LogEntry) {
        self.lines += 1;
        self.warnings += u64::from(entry.level == LogLevel::Warning);
        self.errors += u64::from(entry.level == LogLevel::Error);
    }
}

/// What a follower hears.
pub(crate) enum Heard<'a> {
    /// Some lines.
    Lines(&'a [LogEntry]),
    /// Something about the stream, for people.
    Note(String),
}

/// Where a follower is.
#[derive(Debug, Default)]
struct Place {
    /// Number of the last line that was told.
    last: u64,
    /// The id of the last event.
    event_id: Option<String>,
    counts: LogCounts,
    ended: Option<Box<Run>>,
}

impl Client {
    /// Follows a log from a line on until the run has ended; returns the run as it ended. `hear` answers whether anybody
    /// still listens.
    pub(crate) async fn follow(
        &self,
        run: &str,
        from: Option<u64>,
        mut hear: impl FnMut(Heard<'_>) -> bool,
    ) -> Result<Option<(Run, LogCounts)>, CliError> {
        let mut place = Place { last: from.unwrap_or(1) - 1, ..Place::default() };
        let mut backoff = Backoff::new();
        let mut was_broken = false;
        loop {
            backoff.begins();
            let before = place.last;
            let failure = match self.stream(run, &mut place, &mut hear).await {
                Ok(Streamed::Ended) => {
                    let run = match place.ended.take() {
                        Some(run) => *run,
                        None => self.run(run, None).await?,
                    };
                    return Ok(Some((run, place.counts)));
                }
                Ok(Streamed::NobodyListens) => return Ok(None),
                Ok(Streamed::BrokeOff(error)) => self.lost(error),
                Err(error) => error,
            };
            if !may_pass(&failure) {
                return Err(failure);
            }
            if place.last > before {
                backoff.succeeded();
                was_broken = false;
            }
            if !was_broken {
                was_broken = true;
                hear(Heard::Note(format!("the log stream broke off after line {}; it is taken up again", place.last)));
            }
            if !backoff.wait().await {
                return Err(failure);
            }
        }
    }

    async fn stream(
        &self,
        run: &str,
        place: &mut Place,
        hear: &mut impl FnMut(Heard<'_>) -> bool,
    ) -> Result<Streamed, CliError> {
        let mut path = format!("/v1/runs/{}/logs", encode(run));
        if place.event_id.is_none() && place.last > 0 {
            path.push_str(&format!("?from={}", place.last + 1));
        }
        let mut call = Call::get(&path).header(ACCEPT, "text/event-stream");
        if let Some(id) = &place.event_id {
            call = call.header(LAST_EVENT_ID, id);
        }
        let mut answer = self.send(call).await?;
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(Streamed::Ended);
        }
        let mut parser = SseParser::default();
        while let Some(piece) = answer.body.next().await {
            let events = match piece.and_then(|piece| parser.feed(&piece)) {
                Ok(events) => events,
                Err(error) => return Ok(Streamed::BrokeOff(error)),
            };
            let mut lines = Vec::with_capacity(events.len());
            for event in events {
                match read(event, place)? {
                    Read::Line(entry) => lines.push(entry),
                    Read::Note(note) => {
                        hear(Heard::Note(note));
                    }
                    Read::Nothing | Read::End => {}
                }
            }
            if !lines.is_empty() && !hear(Heard::Lines(&lines)) {
                return Ok(Streamed::NobodyListens);
            }
            if place.ended.is_some() {
                return Ok(Streamed::Ended);
            }
        }
        Ok(Streamed::BrokeOff(TransportError::broken("the stream ended before the run did")))
    }
}

/// How a stream ended.
enum Streamed {
    Ended,
    NobodyListens,
    BrokeOff(TransportError),
}

/// What an event was.
enum Read {
    Line(LogEntry),
    Note(String),
    Nothing,
    End,
}

fn read(event: SseEvent, place: &mut Place) -> Result<Read, CliError> {
    let odd = |error: serde_json::Error| CliError::NotCts {
        to: "the log stream".to_owned(),
        why: format!("an event of it cannot be read: {error}"),
    };
    match event.event.as_str() {
        "" => {
            let entry: LogEntry = serde_json::from_str(&event.data).map_err(odd)?;
            place.event_id = event.id.or(place.event_id.take());
            // What was told is not told again, whatever the server repeats.
            if entry.seq <= place.last {
                return Ok(Read::Nothing);
            }
            place.last = entry.seq;
            place.counts.count(&entry);
            Ok(Read::Line(entry))
        }
        END => {
            place.event_id = event.id.or(place.event_id.take());
            place.ended = Some(serde_json::from_str(&event.data).map_err(odd)?);
            Ok(Read::End)
        }
        RESET => {
            let Reset { first, reason } = serde_json::from_str(&event.data).map_err(odd)?;
            place.event_id = None;
            place.last = first.saturating_sub(1);
            Ok(Read::Note(format!("the log goes on at line {first}: {reason}")))
        }
        // What a newer server may send besides is of no use here.
        _ => Ok(Read::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64, level: &str) -> SseEvent {
        let data = serde_json::json!({
            "seq": seq, "timestamp": "2026-11-25T09:30:00.123Z", "level": level, "source": "tool", "stream": "stdout",
            "message": "m",
        });
        SseEvent { event: String::new(), id: Some(seq.to_string()), data: data.to_string() }
    }

    #[test]
    fn a_line_that_comes_again_is_not_told_again() {
        let mut place = Place::default();
        let told: Vec<bool> = [1, 2, 2, 1, 3]
            .map(|seq| matches!(read(line(seq, "WARNING"), &mut place).unwrap(), Read::Line(_)))
            .to_vec();
        assert_eq!(told, [true, true, false, false, true]);
        assert_eq!(place.counts, LogCounts { lines: 3, warnings: 3, errors: 0 });
    }

    #[test]
    fn a_reset_moves_the_place() {
        let mut place = Place::default();
        read(line(9, "INFO"), &mut place).unwrap();
        let reset = SseEvent { event: "reset".into(), id: None, data: r#"{"first": 4, "reason": "pruned"}"#.into() };
        assert!(matches!(read(reset, &mut place).unwrap(), Read::Note(_)));
        assert_eq!((place.last, place.event_id.clone()), (3, None));
        assert!(matches!(read(line(4, "INFO"), &mut place).unwrap(), Read::Line(_)));
    }

    #[test]
    fn the_end_holds_the_run() {
        let mut place = Place::default();
        let data = cts_api::samples::run_json().to_string();
        let end = SseEvent { event: "end".into(), id: Some("3.end".into()), data };
        assert!(matches!(read(end, &mut place).unwrap(), Read::End));
        assert!(place.ended.is_some());
        assert_eq!(place.event_id.as_deref(), Some("3.end"));
    }
}
