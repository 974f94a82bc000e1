//! A stream of log events from any reader: decompressed, framed, checked, never held as a whole.
//!
//! A log is read to its end or to its first damage. Damage is told by [`LogReader::end`] and costs only what
//! comes after it; an event whose inside is broken costs only itself. Memory has a bound that does not depend
//! on the length of the log.

use std::io::{self, Read};
use std::thread::Scope;

mod capnp;
mod car_params;
mod damage;
mod decompress;
mod events;
mod first_time;
mod pandas;
mod safety_model;
mod states;
mod supply;

pub use car_params::{CarParams, SafetyConfig, SafetyConfigs};
pub use damage::{Damage, DamageReason};
pub use decompress::Format;
pub use events::{EVENT_KINDS, Event, EventKind, Frames};
pub use first_time::{FIRST_TIME_SEARCH_BYTES_MAX, first_can_time, time_order};
pub use pandas::{PandaState, PandaStates};
pub use safety_model::SafetyModel;
pub use states::{CarState, CruiseState, SelfdriveState, WheelSpeeds};

use crate::{Error, PointerFault};
use capnp::{Framing, Message, Span};
use decompress::{Decompressor, StreamEnd};
use supply::{PlainBuffer, Supply};

/// The largest message that is read. The largest that devices write are camera thumbnails and boot
/// parameters of some hundred kilobytes.
pub const MESSAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The most segments that a message may have, as in the C++ implementation of Cap'n Proto.
pub const MESSAGE_SEGMENTS_MAX: u64 = 512;

/// How reading a log ended, and how much was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// How the log is stored.
    pub format: Format,
    /// Whole messages that were read.
    pub messages: u64,
    /// Bytes of the input, as stored.
    pub packed_bytes: u64,
    /// Bytes of the log when decompressed, with those that could not be used.
    pub plain_bytes: u64,
    /// What is wrong with the log's tail, if anything.
    pub damage: Option<Damage>,
}

/// What comes next in a log.
enum Step {
    /// A whole message of `total` bytes, which are the ones that were consumed last; its body begins at `body`.
    Message { body: usize, total: usize },
    /// No further whole message; if anything is wrong with the rest, why.
    End(Option<DamageReason>),
}

/// Reads the events of one log.
///
/// ```
/// use cts_can::rlog::{EventKind, LogReader};
///
/// # fn main() -> Result<(), cts_can::Error> {
/// # let file: &[u8] = include_bytes!("../tests/fixtures/edge/garbage_tail.rlog.zst");
/// let mut log = LogReader::new(file); // any `impl Read`: a file, a socket, bytes
/// let mut frames = 0;
/// while let Some(event) = log.next_event()? {
///     let Ok(event) = event else { continue }; // broken inside; the ones after it are fine
///     if event.kind == EventKind::Can {
///         frames += event.frames().map_or(0, |frames| frames.len());
///     }
/// }
/// assert_eq!(frames, 5);
/// let end = log.end().expect("the log was read to its end");
/// let damage = end.damage.as_ref().expect("garbage follows the events");
/// assert_eq!((damage.message, damage.byte), (1, 216));
/// # Ok(())
/// # }
/// ```
pub struct LogReader<'r> {
    supply: Box<dyn Supply + 'r>,
    buffer: PlainBuffer,
    spans: Vec<Span>,
    /// How the plain bytes end, once that is known.
    stream_end: Option<StreamEnd>,
    format: Format,
    messages: u64,
    packed_bytes: u64,
    consumed_bytes: u64,
    has_failed: bool,
    end: Option<LogEnd>,
}

impl<'r> LogReader<'r> {
    /// Returns a reader that does all its work on the caller's thread.
    pub fn new(input: impl Read + 'r) -> Self {
        Self::from_supply(Box::new(Decompressor::new(input)))
    }

    /// Returns a reader that decompresses ahead on a second thread, in chunks of a quarter of a megabyte. From an input
    /// that is still being written, [`LogReader::new`] gives events sooner.
    ///
    /// Where the system gives no thread it works like [`LogReader::new`].
    pub fn ahead(scope: &'r Scope<'r, '_>, input: impl Read + Send + 'r) -> Self {
        Self::from_supply(supply::ahead(scope, Decompressor::new(input)))
    }

    fn from_supply(supply: Box<dyn Supply + 'r>) -> Self {
        Self {
            supply,
            buffer: PlainBuffer::default(),
            spans: Vec::new(),
            stream_end: None,
            format: Format::Plain,
            messages: 0,
            packed_bytes: 0,
            consumed_bytes: 0,
            has_failed: false,
            end: None,
        }
    }

    /// Returns the next event, or none at the end of what can be read.
    ///
    /// The inner result is the event's own: its message was whole, but what it holds was not. The events
    /// after it can be read all the same.
    ///
    /// # Errors
    /// When the input cannot be read, after the events that came before; then every further call is an error, too.
    /// A log that is cut or corrupt is no error, see [`LogReader::end`].
    pub fn next_event(&mut self) -> Result<Option<Result<Event<'_>, PointerFault>>, Error> {
        let Some((body, total)) = self.next_message()? else { return Ok(None) };
        let bytes = self.buffer.last(total);
        Ok(Some(Event::read(Message::new(&bytes[body..], &self.spans))))
    }

    /// Returns how many messages were returned so far; so the number of the next one, from 0.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Returns how many bytes of the input, as stored, were read so far.
    #[must_use]
    pub fn packed_bytes(&self) -> u64 {
        self.packed_bytes
    }

    /// Returns how the log ended, once [`LogReader::next_event`] has returned none.
    #[must_use]
    pub fn end(&self) -> Option<&LogEnd> {
        self.end.as_ref()
    }

    /// Consumes the next whole message; returns where its body begins and how long it is.
    fn next_message(&mut self) -> Result<Option<(usize, usize)>, Error> {
        if self.end.is_some() {
            return Ok(None);
        }
        match self.step()? {
            Step::Message { body, total } => Ok(Some((body, total))),
            Step::End(found) => {
                self.finish(found)?;
                Ok(None)
            }
        }
    }

    fn step(&mut self) -> Result<Step, Error> {
        loop {
            match capnp::frame(self.buffer.unread(), &mut self.spans) {
                Framing::Whole { body, total } => {
                    self.buffer.consume(total);
                    self.consumed_bytes += total as u64;
                    self.messages += 1;
                    return Ok(Step::Message { body, total });
                }
                Framing::Partial { needed } if self.stream_end.is_none() => {
                    self.buffer.expect_message(needed);
                    while self.buffer.unread().len() < needed && self.stream_end.is_none() {
                        self.refill()?;
                    }
                }
                Framing::Partial { .. } => {
                    let cut = !self.buffer.unread().is_empty();
                    return Ok(Step::End(cut.then_some(DamageReason::CutMessage)));
                }
                Framing::Bad(reason) => {
                    let first = self.messages == 0;
                    return Ok(Step::End(Some(if first { DamageReason::NotALog } else { reason })));
                }
            }
        }
    }

    fn refill(&mut self) -> Result<(), Error> {
        if self.has_failed {
            let source = io::Error::other("reading it has failed before");
            return Err(Error::Read { packed_bytes: self.packed_bytes, source });
        }
        let refilled = self.supply.refill(&mut self.buffer).inspect_err(|_| self.has_failed = true)?;
        self.packed_bytes = refilled.packed_bytes;
        self.format = refilled.format.unwrap_or(self.format);
        self.stream_end = refilled.end;
        Ok(())
    }

    /// Ends the log; reads on to the end of the input in order to know how much is lost.
    fn finish(&mut self, found: Option<DamageReason>) -> Result<(), Error> {
        let mut plain_bytes_lost = 0;
        loop {
            let unread = self.buffer.unread().len();
            plain_bytes_lost += unread as u64;
            self.buffer.consume(unread);
            if self.stream_end.is_some() {
                break;
            }
            self.refill()?;
        }
        let (stream_damage, packed_bytes_lost) = match self.stream_end.take() {
            Some(StreamEnd::Damaged { reason, packed_bytes_lost }) => (Some(reason), packed_bytes_lost),
            Some(StreamEnd::Clean) | None => (None, 0),
        };
        // A message that is cut because its stream is damaged has the stream's reason.
        let reason = match found {
            Some(DamageReason::CutMessage) | None => stream_damage.or(found),
            found => found,
        };
        self.end = Some(LogEnd {
            format: self.format,
            messages: self.messages,
            packed_bytes: self.packed_bytes,
            plain_bytes: self.consumed_bytes + plain_bytes_lost,
            damage: reason.map(|reason| Damage {
                reason,
                byte: self.consumed_bytes,
                message: self.messages,
                plain_bytes_lost,
                packed_bytes_lost,
            }),
        });
        Ok(())
    }
}
