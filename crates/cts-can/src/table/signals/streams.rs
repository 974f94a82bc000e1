//! Which message each frame is: by its bus, its address and the DBC files, told once for each pair.
//!
//! At most [`STREAMS_MAX`](crate::stream_numbers::STREAMS_MAX) pairs of seen frames are told apart, and as many of
//! requested ones; frames of further ones are counted as unknown.

use std::fmt;
use std::sync::Arc;

use crate::Error;
use crate::dbc::{Dbc, DbcMessage};
use crate::frame::{Address, Bus, Frame};
use crate::stream_numbers::StreamNumbers;

/// A DBC file and the bus that it is for.
#[derive(Clone, Debug)]
pub struct GivenDbc {
    /// Its messages.
    pub dbc: Dbc,
    /// The bus, without the marks of echoes and refused frames; none means every bus.
    pub bus: Option<Bus>,
}

impl GivenDbc {
    /// Returns the number of the message that a frame is, where the file is for its bus and knows it.
    pub(crate) fn message_index(&self, bus: Bus, address: Address) -> Option<usize> {
        let is_for_bus = self.bus.is_none_or(|of| of == bus.physical());
        let index = || self.dbc.messages().binary_search_by_key(&address, |message| message.address).ok();
        if is_for_bus { index() } else { None }
    }
}

/// The most signals of all messages that were seen, which is what a table's columns and their memory come from.
pub const SIGNALS_MAX: usize = 65_536;

/// Where frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameSource {
    /// Whether openpilot asked for them (`sendcan`); otherwise they were seen on the bus.
    pub is_requested: bool,
    /// The bus as a table shows it.
    pub bus: Bus,
}

/// Writes the bus, after `sendcan` where the frames were requested.
impl fmt::Display for FrameSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = if self.is_requested { "sendcan" } else { "" };
        write!(f, "{origin}{}", self.bus)
    }
}

/// Which message of which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageIndex {
    dbc: usize,
    message: usize,
}

/// Frames that are one message.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) source: FrameSource,
    pub(super) address: Address,
    pub(super) message: MessageIndex,
    pub(super) frames: u64,
}

/// Frames of an address that no file knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFrames {
    /// Where they come from.
    pub source: FrameSource,
    /// Their address.
    pub address: Address,
    /// How many there are.
    pub frames: u64,
}

#[derive(Debug)]
enum Place {
    Known(usize),
    Unknown(UnknownFrames),
}

/// Tells frames apart.
#[derive(Debug)]
pub(super) struct Streams {
    dbcs: Arc<[GivenDbc]>,
    physical_buses: bool,
    seen: StreamNumbers,
    seen_places: Vec<Place>,
    requested: StreamNumbers,
    requested_places: Vec<Place>,
    streams: Vec<Stream>,
    signals: usize,
    /// Frames of more addresses than are told apart.
    frames_left_out: u64,
}

/// Returns a message.
pub(super) fn message(dbcs: &[GivenDbc], index: MessageIndex) -> &DbcMessage {
    &dbcs[index.dbc].dbc.messages()[index.message]
}

impl Streams {
    pub(super) fn new(dbcs: Arc<[GivenDbc]>, physical_buses: bool) -> Self {
        Self {
            dbcs,
            physical_buses,
            seen: StreamNumbers::default(),
            seen_places: Vec::new(),
            requested: StreamNumbers::default(),
            requested_places: Vec::new(),
            streams: Vec::new(),
            signals: 0,
            frames_left_out: 0,
        }
    }

    /// Counts a frame and returns the number of its stream, none where no file knows the message.
    ///
    /// # Errors
    /// When the messages have more signals than a table can have columns.
    #[inline]
    pub(super) fn find(&mut self, frame: &Frame<'_>, is_requested: bool) -> Result<Option<usize>, Error> {
        let bus = if self.physical_buses { frame.bus.physical() } else { frame.bus };
        let (numbers, places) = if is_requested {
            (&mut self.requested, &mut self.requested_places)
        } else {
            (&mut self.seen, &mut self.seen_places)
        };
        let Some(number) = numbers.number(bus, frame.address) else {
            self.frames_left_out += 1;
            return Ok(None);
        };
        match places.get_mut(number) {
            Some(Place::Known(stream)) => {
                self.streams[*stream].frames += 1;
                Ok(Some(*stream))
            }
            Some(Place::Unknown(unknown)) => {
                unknown.frames += 1;
                Ok(None)
            }
            None => self.add(FrameSource { is_requested, bus }, frame),
        }
    }

    #[cold]
    fn add(&mut self, source: FrameSource, frame: &Frame<'_>) -> Result<Option<usize>, Error> {
        let address = frame.address;
        let found = self.dbcs.iter().enumerate().find_map(|(number, file)| {
            let message = file.message_index(frame.bus, address)?;
            Some(MessageIndex { dbc: number, message })
        });
        let place = match found {
            Some(index) => {
                self.signals += message(&self.dbcs, index).signals.len();
                if self.signals > SIGNALS_MAX {
                    return Err(Error::TooManySignals(SIGNALS_MAX));
                }
                self.streams.push(Stream { source, address, message: index, frames: 1 });
                Place::Known(self.streams.len() - 1)
            }
            None => Place::Unknown(UnknownFrames { source, address, frames: 1 }),
        };
        let found = if let Place::Known(stream) = place { Some(stream) } else { None };
        let places = if source.is_requested { &mut self.requested_places } else { &mut self.seen_places };
        places.push(place);
        Ok(found)
    }

    /// Returns the streams so far, in the order in which they were first seen.
    pub(super) fn all(&self) -> &[Stream] {
        &self.streams
    }

    /// Returns the message of a stream.
    pub(super) fn message(&self, stream: usize) -> &DbcMessage {
        message(&self.dbcs, self.streams[stream].message)
    }

    /// Returns the frames that no file knows, the most frequent first, and how many are of further addresses.
    pub(super) fn unknown(&self) -> (Vec<UnknownFrames>, u64) {
        let places = self.seen_places.iter().chain(&self.requested_places);
        let mut unknown: Vec<UnknownFrames> = places
            .filter_map(|place| match place {
                Place::Known(_) => None,
                Place::Unknown(unknown) => Some(*unknown),
            })
            .collect();
        unknown.sort_by_key(|unknown| (std::cmp::Reverse(unknown.frames), unknown.source, unknown.address));
        (unknown, self.frames_left_out)
    }
}
