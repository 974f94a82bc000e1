//! Frames to the signals that a DBC file describes: a table for each message, or one for all of them.
//!
//! A signal is a column. Frames that no file knows are counted and nothing else. Files are made by the caller, because
//! nothing here opens one; how many there are, how many columns they have and how many values wait in memory has a
//! limit.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::sync::Arc;

mod scale;
mod sheet;
mod streams;

pub use sheet::SignalFormat;
pub use streams::{FrameSource, GivenDbc, SIGNALS_MAX, UnknownFrames};

use super::sink::{RowHead, RowSink};
use crate::Error;
use crate::dbc::DbcMessage;
use crate::frame::{Address, Frame, Origin};
use sheet::{RowTime, Sheet, SignalColumn, TIMESTAMP};
use streams::{Stream, Streams};

/// The most tables of messages, which are open at one time.
pub const MESSAGE_TABLES_MAX: usize = 512;

/// The most signals of a table of all messages.
pub const WIDE_SIGNALS_MAX: usize = 1024;

/// Values that wait in all tables of messages together.
const VALUES_HELD_MAX: usize = 2 * 1024 * 1024;

/// The longest part of a file's name that comes from a DBC file.
const FILE_NAME_BYTES_MAX: usize = 100;

/// Makes the file of a table, which is called like this.
pub type MakeFile<W> = Box<dyn FnMut(&str) -> io::Result<W>>;

/// What was found of the messages of the DBC files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SignalSummary {
    /// The messages that were seen, by source and address.
    pub messages: Vec<DecodedMessage>,
    /// Rows of the table of all messages.
    pub wide_rows: u64,
    /// Addresses that no file knows, the most frequent first.
    pub unknown: Vec<UnknownFrames>,
    /// Frames of more addresses than are told apart.
    pub frames_left_out: u64,
}

impl SignalSummary {
    /// Returns how many frames were decoded.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.messages.iter().map(|message| message.frames).sum()
    }

    /// Returns how many frames no file knows.
    #[must_use]
    pub fn unknown_frames(&self) -> u64 {
        self.unknown.iter().map(|unknown| unknown.frames).sum::<u64>() + self.frames_left_out
    }

    /// Returns how many signals all messages have.
    #[must_use]
    pub fn signals(&self) -> usize {
        self.messages.iter().map(|message| message.signals.len()).sum()
    }
}

/// A message that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedMessage {
    /// Where its frames come from.
    pub source: FrameSource,
    /// Their address.
    pub address: Address,
    /// What the DBC file calls it.
    pub name: String,
    /// The name of its table, where it has one of its own.
    pub file: Option<String>,
    /// How many frames were decoded.
    pub frames: u64,
    /// Its signals, each with its unit.
    pub signals: Vec<(String, String)>,
}

/// Decodes frames.
pub(super) struct SignalSink<W: Write + Send> {
    dbcs: Arc<[GivenDbc]>,
    streams: Streams,
    time: RowTime,
    is_requested: bool,
    target: Target<W>,
    /// The bits of one message.
    bits: Vec<Option<u64>>,
}

/// What becomes of the values.
enum Target<W: Write + Send> {
    /// The messages are found and nothing is written.
    Nothing,
    Messages(MessageTables<W>),
    Wide(WideTable<W>),
}

/// A table for each stream.
struct MessageTables<W: Write + Send> {
    make: MakeFile<W>,
    format: SignalFormat,
    /// By the number of the stream.
    tables: Vec<MessageTable<W>>,
    values_held: usize,
    /// Names that are taken.
    names: HashSet<String>,
}

struct MessageTable<W: Write + Send> {
    name: String,
    sheet: Sheet<W>,
}

/// A table of all streams: the last value of every signal.
struct WideTable<W: Write + Send> {
    sheet: Sheet<W>,
    held: Vec<Option<u64>>,
    /// Where the signals of each stream of the table begin.
    begins: HashMap<(FrameSource, Address), usize>,
    /// The same by the number of the stream; none where the table has no such stream.
    by_number: Vec<Option<usize>>,
    has_news: bool,
}

impl<W: Write + Send> SignalSink<W> {
    /// Returns a sink that finds messages and writes nothing.
    pub(super) fn survey(dbcs: Arc<[GivenDbc]>, physical_buses: bool) -> Self {
        Self::new(dbcs, physical_buses, Target::Nothing)
    }

    /// Returns a sink with a table for each message.
    pub(super) fn messages(
        dbcs: Arc<[GivenDbc]>,
        physical_buses: bool,
        format: SignalFormat,
        make: MakeFile<W>,
    ) -> Self {
        let tables = MessageTables { make, format, tables: Vec::new(), values_held: 0, names: HashSet::new() };
        Self::new(dbcs, physical_buses, Target::Messages(tables))
    }

    /// Returns a sink with one table of the messages that were found before.
    pub(super) fn wide(
        dbcs: Arc<[GivenDbc]>,
        physical_buses: bool,
        format: SignalFormat,
        found: &SignalSummary,
        out: W,
    ) -> Result<Self, Error> {
        let table = WideTable::new(&dbcs, format, found, out)?;
        Ok(Self::new(dbcs, physical_buses, Target::Wide(table)))
    }

    fn new(dbcs: Arc<[GivenDbc]>, physical_buses: bool, target: Target<W>) -> Self {
        let streams = Streams::new(Arc::clone(&dbcs), physical_buses);
        Self { dbcs, streams, time: RowTime::default(), is_requested: false, target, bits: Vec::new() }
    }

    /// Writes everything that waits.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match &mut self.target {
            Target::Nothing => Ok(()),
            Target::Messages(tables) => tables.tables.iter_mut().try_for_each(|table| table.sheet.finish()),
            Target::Wide(table) => table.sheet.finish(),
        }
    }

    pub(super) fn bytes_written(&self) -> u64 {
        match &self.target {
            Target::Nothing => 0,
            Target::Messages(tables) => tables.tables.iter().map(|table| table.sheet.bytes_written()).sum(),
            Target::Wide(table) => table.sheet.bytes_written(),
        }
    }

    pub(super) fn summary(&self) -> SignalSummary {
        let (unknown, frames_left_out) = self.streams.unknown();
        let file_of = |number: usize| match &self.target {
            Target::Messages(tables) => tables.tables.get(number).map(|table| table.name.clone()),
            Target::Nothing | Target::Wide(_) => None,
        };
        let decoded = |(number, stream): (usize, &Stream)| {
            let message = self.streams.message(number);
            DecodedMessage {
                source: stream.source,
                address: stream.address,
                name: message.name.clone(),
                file: file_of(number),
                frames: stream.frames,
                signals: message.signals.iter().map(|signal| (signal.name.clone(), signal.unit.clone())).collect(),
            }
        };
        let mut messages: Vec<DecodedMessage> = self.streams.all().iter().enumerate().map(decoded).collect();
        messages.sort_by_key(|message| (message.source, message.address));
        let wide_rows = if let Target::Wide(table) = &self.target { table.sheet.rows() } else { 0 };
        SignalSummary { messages, wide_rows, unknown, frames_left_out }
    }
}

impl<W: Write + Send> RowSink for SignalSink<W> {
    fn begin_event(&mut self, head: &RowHead) {
        self.is_requested = head.origin == Some(Origin::Requested);
        if !matches!(self.target, Target::Nothing) {
            self.time = RowTime::of(head.time);
        }
    }

    fn row(&mut self, frame: &Frame<'_>) -> Result<bool, Error> {
        let Some(number) = self.streams.find(frame, self.is_requested)? else { return Ok(false) };
        match &mut self.target {
            Target::Nothing => {}
            Target::Messages(tables) => {
                if number == tables.tables.len() {
                    tables.add(&self.dbcs, &self.streams.all()[number])?;
                }
                let message = self.streams.message(number);
                self.bits.clear();
                self.bits.resize(message.signals.len(), None);
                message.each(frame.data, |index, _, bits| self.bits[index] = Some(bits));
                tables.row(number, &self.time, &self.bits)?;
            }
            Target::Wide(table) => {
                let Some(begin) = table.begin(number, &self.streams.all()[number]) else { return Ok(false) };
                let held = &mut table.held[begin..];
                self.streams.message(number).each(frame.data, |index, _, bits| held[index] = Some(bits));
                table.has_news = true;
            }
        }
        Ok(true)
    }

    fn end_event(&mut self) -> Result<(), Error> {
        let Target::Wide(table) = &mut self.target else { return Ok(()) };
        if !std::mem::take(&mut table.has_news) {
            return Ok(());
        }
        table.sheet.row(&self.time, &table.held)
    }
}

impl<W: Write + Send> MessageTables<W> {
    #[cold]
    fn add(&mut self, dbcs: &Arc<[GivenDbc]>, stream: &Stream) -> Result<(), Error> {
        if self.tables.len() == MESSAGE_TABLES_MAX {
            return Err(Error::TooManyTables(MESSAGE_TABLES_MAX));
        }
        let message = streams::message(dbcs, stream.message);
        let name = self.name(stream, message);
        let column_name = |name: &str| {
            if name == TIMESTAMP { format!("{}.{name}", message.name) } else { name.to_owned() }
        };
        let signals = message.signals.iter().enumerate();
        let columns = signals
            .map(|(index, signal)| SignalColumn::new(column_name(&signal.name), signal, stream.message, index))
            .collect();
        let out = (self.make)(&name).map_err(|source| Error::Make { name: name.clone(), source })?;
        let sheet = Sheet::new(out, columns, self.format, dbcs)?;
        self.tables.push(MessageTable { name, sheet });
        Ok(())
    }

    /// Returns `<source>-<message>`, with the address behind it where another message has that name.
    fn name(&mut self, stream: &Stream, message: &DbcMessage) -> String {
        let letter = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' };
        let plain: String = message.name.chars().map(letter).take(FILE_NAME_BYTES_MAX).collect();
        let mut name = format!("{}-{plain}", stream.source);
        if self.names.contains(&name) {
            name = format!("{name}-{}", stream.address);
        }
        self.names.insert(name.clone());
        name
    }

    fn row(&mut self, number: usize, time: &RowTime, bits: &[Option<u64>]) -> Result<(), Error> {
        let sheet = &mut self.tables[number].sheet;
        let held = sheet.values_held();
        sheet.row(time, bits)?;
        self.values_held = self.values_held - held + sheet.values_held();
        if self.values_held > VALUES_HELD_MAX {
            // The one that frees the most memory, so that groups do not get small.
            let largest = self.tables.iter_mut().max_by_key(|table| table.sheet.values_held());
            if let Some(table) = largest {
                self.values_held -= table.sheet.values_held();
                table.sheet.end_group()?;
            }
        }
        Ok(())
    }
}

impl<W: Write + Send> WideTable<W> {
    fn new(dbcs: &Arc<[GivenDbc]>, format: SignalFormat, found: &SignalSummary, out: W) -> Result<Self, Error> {
        if found.signals() > WIDE_SIGNALS_MAX {
            return Err(Error::TooManyColumns { signals: found.signals(), limit: WIDE_SIGNALS_MAX });
        }
        // The streams are found again, so that the table is about the messages and not about their texts.
        let mut streams = Streams::new(Arc::clone(dbcs), false);
        let mut columns = Vec::new();
        let mut begins = HashMap::new();
        for message in &found.messages {
            let frame = Frame { address: message.address, bus: message.source.bus, data: &[] };
            let Some(number) = streams.find(&frame, message.source.is_requested)? else { continue };
            begins.insert((message.source, message.address), columns.len());
            let label = label(message, &found.messages);
            for (index, signal) in streams.message(number).signals.iter().enumerate() {
                let name = format!("{label}.{}", signal.name);
                columns.push(SignalColumn::new(name, signal, streams.all()[number].message, index));
            }
        }
        let held = vec![None; columns.len()];
        let sheet = Sheet::new(out, columns, format, dbcs)?;
        Ok(Self { sheet, held, begins, by_number: Vec::new(), has_news: false })
    }

    /// Returns where the signals of a stream begin.
    #[inline]
    fn begin(&mut self, number: usize, stream: &Stream) -> Option<usize> {
        if number == self.by_number.len() {
            self.by_number.push(self.begins.get(&(stream.source, stream.address)).copied());
        }
        self.by_number[number]
    }
}

/// Returns what the columns of a message begin with: its name, and as much behind it as tells it from the others.
fn label(message: &DecodedMessage, all: &[DecodedMessage]) -> String {
    let same_name = || all.iter().filter(|other| other.name == message.name);
    let DecodedMessage { name, source, address, .. } = message;
    if same_name().count() == 1 {
        name.clone()
    } else if same_name().filter(|other| other.source == *source).count() == 1 {
        format!("{name}@{source}")
    } else {
        format!("{name}@{source}:{address}")
    }
}
