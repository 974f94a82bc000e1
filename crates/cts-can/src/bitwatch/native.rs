//! The hunt that is true to the frames: each bus for itself, every byte, levels as they were, both polarities.
//!
//! Every frame is looked at once. Of a bit only its level, counts and the first pulses of each window are kept, and of a
//! bit that toggled outside of the windows only its counts; so memory does not grow with the log.

mod bits;
mod followed;
mod score;

pub use score::{Candidate, WindowPulses};

use super::compat::Edge;
use super::hold::HeldRow;
use super::streams::{Stream, Streams};
use super::{BitwatchOptions, PulsePattern, WINDOWS_MAX, Watch, Window};
use crate::Error;
use crate::fields::{Field, Samples, find_fields};
use crate::segments::Segment;
pub(super) use bits::BYTES_MAX;
use bits::StreamBits;
use followed::{Moment, Room};
use score::rank;

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) windows: Vec<Window>,
    pub(super) edges: Vec<Edge>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) fields: Vec<Field>,
    /// Bits that toggled in the windows only and belong to a field.
    pub(super) bits_in_fields: usize,
    pub(super) bits_not_followed: u64,
    /// Seconds before, in and after the windows.
    pub(super) seconds: [f64; 3],
    /// Where relative times begin.
    pub(super) origin: Option<f64>,
    pub(super) first_time: f64,
}

#[derive(Debug)]
pub(super) struct Native {
    watch: Vec<Watch>,
    pattern: PulsePattern,
    given: Vec<Window>,
    window_start: Option<f64>,
    bits: Vec<StreamBits>,
    samples: Vec<Samples>,
    edges: Vec<Edge>,
    windows: Vec<Window>,
    /// The time and the stretch of the frame before.
    before: Option<(f64, Segment)>,
    first_time: f64,
    seconds: [f64; 3],
    frames: u64,
    room: Room,
}

impl Native {
    pub(super) fn new(options: &BitwatchOptions) -> Self {
        Self {
            watch: options.watch.clone(),
            pattern: options.pattern,
            given: options.windows.clone(),
            window_start: options.window_start,
            bits: Vec::new(),
            samples: Vec::new(),
            edges: Vec::new(),
            windows: Vec::new(),
            before: None,
            first_time: 0.0,
            seconds: [0.0; 3],
            frames: 0,
            room: Room::default(),
        }
    }

    /// Takes a payload that the stream never had before, for the search for checksums.
    pub(super) fn sample(&mut self, stream: usize, payload: &[u8]) {
        if self.samples.len() <= stream {
            self.samples.resize_with(stream + 1, Samples::default);
        }
        self.samples[stream].add(payload);
    }

    #[inline]
    pub(super) fn row(&mut self, streams: &Streams, row: &HeldRow<'_>) -> Result<(), Error> {
        self.frames += 1;
        let is_window = row.segment == Segment::Window;
        match self.before {
            Some((time, segment)) => {
                self.seconds[segment as usize] += row.time - time;
                let begins = is_window && (segment != Segment::Window || self.is_next_given(row.time));
                if begins {
                    self.begin_window(row.time)?;
                }
            }
            None => {
                self.first_time = row.time;
                if is_window {
                    self.begin_window(row.time)?;
                }
            }
        }
        self.before = Some((row.time, row.segment));
        if is_window && let Some(window) = self.windows.last_mut() {
            window.end = row.time;
        }
        if row.is_repeat {
            return Ok(());
        }
        self.change(streams, row);
        Ok(())
    }

    /// Returns whether a moment lies in a later one of the given windows than the one before: two windows may follow
    /// each other without a frame between them.
    fn is_next_given(&self, time: f64) -> bool {
        if self.given.len() < 2 {
            return false;
        }
        let place = |time: f64| self.given.iter().position(|window| window.start <= time && time <= window.end);
        self.windows.last().is_some_and(|window| place(window.start) != place(time))
    }

    fn begin_window(&mut self, time: f64) -> Result<(), Error> {
        if self.windows.len() == WINDOWS_MAX {
            return Err(Error::TooManyWindows(WINDOWS_MAX));
        }
        self.windows.push(Window { start: time, end: time });
        Ok(())
    }

    #[inline]
    fn change(&mut self, streams: &Streams, row: &HeldRow<'_>) {
        if self.bits.len() <= row.stream {
            self.add_streams(streams, row.stream);
        }
        let window = u16::try_from(self.windows.len().saturating_sub(1)).expect("there are few windows");
        let moment = Moment {
            time: row.time,
            order: self.frames,
            window: (row.segment == Segment::Window).then_some(window),
            counts_pulses: self.window_start.is_none_or(|start| row.time >= start),
            pattern: self.pattern,
        };
        let bits = &mut self.bits[row.stream];
        bits.change(row.data, &moment, &mut self.room);
        for bit in bits.watched.iter().filter(|bit| bits.toggled(**bit)) {
            self.edges.push(Edge {
                time: row.time,
                stream: u16::try_from(row.stream).expect("there are fewer streams"),
                bit: *bit,
                is_rise: bits.level(*bit),
                segment: row.segment,
            });
        }
    }

    #[cold]
    fn add_streams(&mut self, streams: &Streams, last: usize) {
        while self.bits.len() <= last {
            let watched = watched(&self.watch, &streams.all()[self.bits.len()]);
            self.bits.push(StreamBits::new(watched));
        }
    }

    pub(super) fn finish(self, streams: &Streams) -> Found {
        let mut fields = Vec::new();
        let mut candidates = Vec::new();
        let mut bits_in_fields = 0;
        let mut all_bits: Vec<Option<StreamBits>> = self.bits.into_iter().map(Some).collect();
        for index in streams.sorted() {
            let stream = &streams.all()[index];
            let Some(bits) = all_bits.get_mut(index).and_then(Option::take) else { continue };
            let changes = stream.frames.iter().sum::<u64>().saturating_sub(1);
            let own = find_fields((stream.bus, stream.address), &bits.counts(), changes, self.samples.get(index));
            for (bit, followed) in bits.into_followed() {
                if own.iter().any(|field| field.holds(bit)) {
                    bits_in_fields += 1;
                    continue;
                }
                candidates.push(Candidate::new(stream, bit, followed, &self.windows, &self.pattern));
            }
            fields.extend(own);
        }
        rank(&mut candidates);
        Found {
            windows: self.windows,
            edges: self.edges,
            candidates,
            fields,
            bits_in_fields,
            bits_not_followed: self.room.bits_refused,
            seconds: self.seconds,
            origin: self.window_start,
            first_time: self.first_time,
        }
    }
}

fn watched(watch: &[Watch], stream: &Stream) -> Vec<u16> {
    let mut bits = Vec::new();
    for watch in watch {
        let is_here = watch.address == stream.address && watch.bus.is_none_or(|bus| bus == stream.bus);
        if is_here && !bits.contains(&watch.bit) {
            bits.push(watch.bit);
        }
    }
    bits
}
