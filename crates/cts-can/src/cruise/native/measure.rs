//! The second reading of a log: what each bit of each bus did, with windows, presses and engaged times known.
//!
//! A frame costs something only where its payload is not the one before: then each bit that toggled is counted. How long
//! a bit was 1, and how long while the car was engaged, is summed up from the moments of its toggles alone.

use std::collections::HashMap;
use std::io::Read;

mod bits;
mod payloads;

use super::candidates::{Scoring, rank};
use super::plan::{Moment, Plan};
use super::scan::{Settled, Silent};
use super::{CruiseResult, Note, StreamCounts, Stretch, StretchCount, WindowCounts};
use crate::dbc::DbcMessage;
use crate::fields::{Samples, find_fields};
use crate::frame::{Address, Bus, Origin};
use crate::inputs::{EventTime, Inputs, Take};
use crate::progress::Progress;
use crate::rlog::Frames;
use crate::stream_numbers::{STREAMS_MAX, StreamNumbers};
use crate::table::read::FrameRow;
use crate::{Error, PointerFault};
pub(super) use bits::BitFound;
use bits::{Room, StreamBits};
use payloads::{PayloadParts, Payloads};

/// Bytes of a payload that are looked at: no bus carries more.
const BYTES_MAX: usize = 64;

/// Reads the same inputs again.
#[derive(Debug)]
pub struct Measure {
    settled: Settled,
    inputs: Inputs,
    streams: Streams,
}

/// Every bus and address.
#[derive(Debug)]
struct Streams {
    plan: Plan,
    numbers: StreamNumbers,
    all: Vec<Stream>,
    payloads: Payloads,
    room: Room,
    frames: u64,
    frames_left_out: u64,
}

/// One bus and address.
#[derive(Debug)]
struct Stream {
    bus: Bus,
    address: Address,
    frames: u64,
    changes: u64,
    first: f64,
    last: f64,
    /// Seconds in which the car was engaged before the last frame.
    engaged: f64,
    /// Frames in each part of the time.
    parts: Vec<u32>,
    /// The part of the last frame.
    part: u16,
    payload_parts: PayloadParts,
    bits: StreamBits,
    samples: Samples,
}

impl Measure {
    pub(super) fn new(mut settled: Settled) -> Self {
        let plan = std::mem::take(&mut settled.plan);
        let is_strict = settled.result.options.strict;
        let streams = Streams {
            plan,
            numbers: StreamNumbers::default(),
            all: Vec::new(),
            payloads: Payloads::new(),
            room: Room::default(),
            frames: 0,
            frames_left_out: 0,
        };
        Self { settled, inputs: Inputs::new(is_strict), streams }
    }

    /// Returns what is known after the first reading: everything but the streams, the fields and the candidates.
    #[must_use]
    pub fn known(&self) -> &CruiseResult {
        &self.settled.result
    }

    /// Reads an input again; the inputs come in the same order.
    ///
    /// # Errors
    /// When the input cannot be read, or what ended the first reading is met.
    pub fn add(&mut self, input: impl Read + Send, progress: &mut dyn FnMut(Progress)) -> Result<(), Error> {
        self.inputs.read(input, &mut self.streams, progress).map(|_| ())
    }

    /// Ends the analysis.
    ///
    /// # Errors
    /// When the inputs were not the same both times.
    pub fn finish(self) -> Result<CruiseResult, Error> {
        let Self { settled, inputs, streams } = self;
        let Settled { mut result, frames, messages, silent, .. } = settled;
        if streams.frames != frames || inputs.time_zero() != result.time.zero_ns {
            return Err(Error::ChangedInput { first: frames, second: streams.frames });
        }
        streams.note(&mut result.notes);
        let Streams { plan, all, room, .. } = streams;
        room.note(&mut result.notes);
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by_key(|index| (all[*index].address, all[*index].bus));
        let scoring = Scoring::new(&result, &plan);
        for index in order {
            let stream = &all[index];
            let message = messages.of(stream.bus, stream.address);
            let changes = stream.frames.saturating_sub(1);
            let place = (stream.bus, stream.address);
            let fields = find_fields(place, &stream.bits.counts(), changes, Some(&stream.samples));
            stream.bits.each(|bit, found| {
                let signal = message.and_then(|message| signal_of(message, bit));
                let is_known = signal.is_some_and(is_field);
                if is_known || fields.iter().any(|field| field.holds(bit)) {
                    result.bits_in_fields += 1;
                    return;
                }
                result.bits_scored += 1;
                let name = message.zip(signal).map(|(message, signal)| format!("{}.{signal}", message.name));
                let stretch = stream.stretch();
                result.candidates.extend(scoring.candidate(place, bit, name, &found, stretch, stream.engaged));
            });
            result.fields.extend(fields);
            result.streams.push(stream.counts(&plan, message));
            // Only the best are told, so no more than twice as many are held.
            if result.candidates.len() > 4 * result.options.candidates_max.max(1024) {
                rank(&mut result.candidates, result.options.candidates_max);
            }
        }
        rank(&mut result.candidates, result.options.candidates_max);
        let places: HashMap<(Bus, Address), &Stream> = all.iter().map(|of| ((of.bus, of.address), of)).collect();
        for candidate in &mut result.candidates {
            let stream = places.get(&(candidate.bus, candidate.address));
            candidate.levels = stream.and_then(|stream| stream.bits.levels(candidate.bit, &room));
        }
        note_silent(&silent, &result.streams, &mut result.notes);
        result.analysis_id = result.name();
        Ok(result)
    }
}

impl Take for Streams {
    fn frames(&mut self, time: EventTime, frames: Frames<'_>) -> Result<(), Error> {
        let moment = self.plan.moment(time.seconds());
        for frame in frames {
            self.take(&moment, frame.bus, frame.address, frame.data);
        }
        Ok(())
    }

    fn row(&mut self, row: &FrameRow<'_>) -> Result<(), Error> {
        let moment = self.plan.moment(row.time);
        self.take(&moment, row.bus, row.address, row.data);
        Ok(())
    }

    fn event(&mut self, _: Option<EventTime>, _: &crate::rlog::Event<'_>) -> Result<(), PointerFault> {
        Ok(())
    }

    fn frames_taken(&self) -> u64 {
        self.frames
    }
}

impl Streams {
    #[inline]
    fn take(&mut self, moment: &Moment, bus: Bus, address: Address, data: &[u8]) {
        self.frames += 1;
        let data = &data[..data.len().min(BYTES_MAX)];
        let Some(number) = self.numbers.number(bus, address) else {
            self.frames_left_out += 1;
            return;
        };
        if number == self.all.len() {
            self.begin(moment, bus, address);
        }
        let stream = &mut self.all[number];
        let is_first = stream.frames == 0;
        stream.frames += 1;
        stream.last = moment.time;
        stream.engaged = moment.engaged;
        stream.parts[usize::from(moment.part)] += 1;
        let is_change = stream.bits.change(data, moment, &self.plan.parts, &mut self.room);
        if is_change && !is_first {
            stream.changes += 1;
        }
        // A payload that stays is looked up once in each part only.
        if is_change || stream.part != moment.part {
            stream.part = moment.part;
            let is_new = self.payloads.see(number, data, moment.part, &self.plan.parts, &mut stream.payload_parts);
            if is_new {
                stream.samples.add(data);
            }
        }
    }

    #[cold]
    fn begin(&mut self, moment: &Moment, bus: Bus, address: Address) {
        self.all.push(Stream {
            bus,
            address,
            frames: 0,
            changes: 0,
            first: moment.time,
            last: moment.time,
            engaged: moment.engaged,
            parts: vec![0; self.plan.parts.count()],
            part: super::plan::NO_PART,
            payload_parts: PayloadParts::new(&self.plan.parts),
            bits: StreamBits::default(),
            samples: Samples::default(),
        });
    }

    fn note(&self, notes: &mut Vec<Note>) {
        if self.frames_left_out > 0 {
            notes.push(Note::new(
                format!("{} frames of more than {STREAMS_MAX} addresses were left out", self.frames_left_out),
                "give a log of a car: none has so many",
            ));
        }
    }
}

impl Stream {
    fn stretch(&self) -> Stretch {
        Stretch { start: self.first, end: self.last.max(self.first) }
    }

    fn counts(&self, plan: &Plan, message: Option<&DbcMessage>) -> StreamCounts {
        let frames = |part: u16| u64::from(self.parts[usize::from(part)]);
        let windows = (0..plan.parts.windows_count()).map(|window| {
            let (before, after) = plan.parts.gaps(window);
            let number = u16::try_from(window).expect("there are few windows");
            let inside = plan.parts.range(number).map(frames).sum();
            let gap = |part: u16| StretchCount { frames: frames(part), unique: self.payload_parts.in_gap(part) };
            WindowCounts {
                window: window + 1,
                before: gap(before),
                inside: StretchCount { frames: inside, unique: self.payload_parts.in_window(number) },
                after: gap(after),
            }
        });
        StreamCounts {
            bus: self.bus,
            address: self.address,
            message: message.map(|message| message.name.clone()),
            frames: self.frames,
            unique: self.payload_parts.distinct(),
            changes: self.changes,
            seen: self.stretch(),
            windows: windows.collect(),
            bits: self.bits.toggles(),
        }
    }
}

/// Returns the name of the signal that a bit belongs to.
fn signal_of(message: &DbcMessage, bit: u16) -> Option<&str> {
    message.signals.iter().find(|signal| signal.signal.holds(bit)).map(|signal| signal.name.as_str())
}

/// Returns whether a signal is a counter or a checksum by its name.
fn is_field(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.contains("CHECKSUM") || name.contains("COUNTER")
}

/// Tells which messages of the profile did not come, and on which buses they do.
fn note_silent(silent: &[Silent], streams: &[StreamCounts], notes: &mut Vec<Note>) {
    for of in silent.chunk_by(|a, b| (a.address, a.bus) == (b.address, b.bus)) {
        let [first, ..] = of else { continue };
        let names: Vec<&str> = of.iter().map(|of| of.signal.as_str()).collect();
        let told = format!("no frame of {} came on bus {} with {}", first.address, first.bus, names.join(", "));
        // Echoes are what openpilot sent, so they tell nothing of the car.
        let is_elsewhere = |of: &&StreamCounts| of.address == first.address && of.bus.origin() == Origin::Received;
        let buses: Vec<String> = streams.iter().filter(is_elsewhere).map(|of| of.bus.to_string()).collect();
        notes.push(if buses.is_empty() {
            Note::new(told, "what openpilot says is used where it says it")
        } else {
            Note::new(
                format!("{told}, but on bus {}", buses.join(", ")),
                "where that is the same message, name the bus in the profile, with @ and its number behind the signal",
            )
        });
    }
}
