//! Server-Sent Events from bytes, in pieces of any size.
//!
//! The part of the format that CTS sends: fields `event`, `id`, `data`, comments, lines that end with `\n` or `\r\n`.
//! An event is at most [`EVENT_BYTES_MAX`] large.

use crate::transport::TransportError;

/// Largest event.
const EVENT_BYTES_MAX: usize = 64 << 20;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// Its name; empty for a data event.
    pub(crate) event: String,
    /// Its id, where it has one.
    pub(crate) id: Option<String>,
    /// Its data.
    pub(crate) data: String,
}

/// What came so far.
#[derive(Debug, Default)]
pub(crate) struct SseParser {
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    event: SseEvent,
    has_data: bool,
}

impl SseParser {
    /// Takes the next bytes and returns the events that they complete.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, TransportError> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, behind) = rest.split_at(end);
            rest = &behind[1..];
            if self.partial.is_empty() {
                self.line(line, &mut events);
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                self.line(&whole, &mut events);
            }
        }
        self.partial.extend_from_slice(rest);
        if self.partial.len() + self.event.data.len() > EVENT_BYTES_MAX {
            return Err(TransportError::odd(format!("an event of the stream is larger than {EVENT_BYTES_MAX} bytes")));
        }
        Ok(events)
    }

    fn line(&mut self, line: &[u8], events: &mut Vec<SseEvent>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if std::mem::take(&mut self.has_data) {
                events.push(event);
            }
            return;
        }
        let line = String::from_utf8_lossy(line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.event),
            "id" => self.event.id = Some(value.to_owned()),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            // A comment has an empty field; other fields are of no use here.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": keep-alive\n\nid: 1\ndata: {\"a\":1}\n\nid: 2\r\ndata: x\r\ndata:y\r\n\r\nevent: end\nid: 2.end\ndata: z\n\n";

    fn event(event: &str, id: &str, data: &str) -> SseEvent {
        SseEvent { event: event.to_owned(), id: Some(id.to_owned()), data: data.to_owned() }
    }

    #[test]
    fn events_are_the_same_in_pieces_of_any_size() {
        let expected = [event("", "1", "{\"a\":1}"), event("", "2", "x\ny"), event("end", "2.end", "z")];
        for size in 1..STREAM.len() {
            let mut parser = SseParser::default();
            let mut events = Vec::new();
            for piece in STREAM.as_bytes().chunks(size) {
                events.extend(parser.feed(piece).unwrap());
            }
            assert_eq!(events, expected, "pieces of {size}");
        }
    }

    #[test]
    fn an_event_that_broke_off_is_not_told() {
        assert_eq!(SseParser::default().feed(b"id: 1\ndata: x\n").unwrap(), []);
    }

    #[test]
    fn a_line_without_end_is_refused_at_the_limit() {
        let mut parser = SseParser::default();
        let piece = vec![b'x'; 1 << 20];
        let fed: Result<Vec<_>, _> = (0..70).map(|_| parser.feed(&piece)).collect();
        assert!(fed.is_err());
    }
}
