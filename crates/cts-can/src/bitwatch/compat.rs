//! The hunt as the Python tool does it: one state for each address, 8 bytes, a level that begins at 0.
//!
//! Its rules are strange in places and kept as they are: the stretch that a toggle lies in is looked up by its time, and
//! of several rows at one time the one whose stretch comes last in the alphabet decides.

use super::hold::HeldRow;
use super::streams::{Stream, Streams};
use super::{BitwatchOptions, PulsePattern, Watch, Window};
use crate::segments::Segment;

/// Bits that the Python tool looks at.
const BITS: usize = 64;

#[derive(Debug, Default)]
struct AddressBits {
    is_seen: bool,
    value: u64,
    /// Bits that toggled outside of the window.
    outside: u64,
    changes: Vec<(u8, BitChanges)>,
    /// Watched bits below 64 in the order in which they were given, each once.
    watched: Vec<u8>,
}

/// The changes of a bit that so far toggled in the window only.
#[derive(Debug)]
struct BitChanges {
    order: u64,
    first_value: bool,
    times: Vec<f64>,
}

/// A toggle whose stretch is not known before the next time.
#[derive(Debug)]
struct Toggle {
    stream: usize,
    changed: u64,
    value: u64,
}

/// An edge of a watched bit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) time: f64,
    pub(super) stream: u16,
    pub(super) bit: u16,
    pub(super) is_rise: bool,
    pub(super) segment: Segment,
}

/// A bit that toggled in the window only.
#[derive(Debug)]
pub(super) struct CompatCandidate {
    pub(super) stream: usize,
    pub(super) bit: u8,
    pub(super) toggles: usize,
    pub(super) pulses: Vec<f64>,
    pub(super) is_valid: bool,
    order: u64,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) edges: Vec<Edge>,
    pub(super) candidates: Vec<CompatCandidate>,
    pub(super) window_start: f64,
    pub(super) window_end: f64,
    has_window: bool,
}

impl Found {
    pub(super) fn windows(&self) -> Vec<Window> {
        let window = Window { start: self.window_start, end: self.window_end };
        if self.has_window { vec![window] } else { Vec::new() }
    }
}

#[derive(Debug)]
pub(super) struct Compat {
    watch: Vec<Watch>,
    window_start: Option<f64>,
    bits: Vec<AddressBits>,
    edges: Vec<Edge>,
    /// Toggles of the time that is being read.
    pending: Vec<Toggle>,
    time: f64,
    /// The stretch of that time.
    segment: Segment,
    toggles: u64,
    first_time: Option<f64>,
    first_window_time: Option<f64>,
    last_window_time: Option<f64>,
}

/// The place of a stretch's name in the alphabet.
fn alphabetical(segment: Segment) -> u8 {
    match segment {
        Segment::Post => 0,
        Segment::Pre => 1,
        Segment::Window => 2,
    }
}

impl Compat {
    pub(super) fn new(options: &BitwatchOptions) -> Self {
        Self {
            watch: options.watch.clone(),
            window_start: options.window_start,
            bits: Vec::new(),
            edges: Vec::new(),
            pending: Vec::new(),
            time: 0.0,
            segment: Segment::Post,
            toggles: 0,
            first_time: None,
            first_window_time: None,
            last_window_time: None,
        }
    }

    pub(super) fn row(&mut self, streams: &Streams, row: &HeldRow<'_>) {
        if self.first_time.is_none() || row.time != self.time {
            self.end_time();
            self.first_time.get_or_insert(row.time);
            (self.time, self.segment) = (row.time, row.segment);
        } else if alphabetical(row.segment) > alphabetical(self.segment) {
            self.segment = row.segment;
        }
        if row.segment == Segment::Window {
            self.first_window_time.get_or_insert(row.time);
            self.last_window_time = Some(row.time);
        }
        if row.is_repeat {
            return;
        }
        while self.bits.len() <= row.stream {
            let stream = &streams.all()[self.bits.len()];
            self.bits.push(AddressBits { watched: watched(&self.watch, stream), ..AddressBits::default() });
        }
        let bits = &mut self.bits[row.stream];
        let mut word = [0; 8];
        let length = row.data.len().min(8);
        word[..length].copy_from_slice(&row.data[..length]);
        let value = u64::from_le_bytes(word);
        let changed = if bits.is_seen { bits.value ^ value } else { 0 };
        (bits.is_seen, bits.value) = (true, value);
        if changed == 0 {
            return;
        }
        for bit in bits.watched.iter().filter(|bit| changed >> **bit & 1 == 1) {
            self.edges.push(Edge {
                time: row.time,
                stream: u16::try_from(row.stream).expect("there are fewer streams"),
                bit: u16::from(*bit),
                is_rise: value >> bit & 1 == 1,
                segment: row.segment,
            });
        }
        self.pending.push(Toggle { stream: row.stream, changed, value });
    }

    /// Puts the toggles of a time where they belong, now that all of its rows are known.
    fn end_time(&mut self) {
        for Toggle { stream, changed, value } in self.pending.drain(..) {
            let bits = &mut self.bits[stream];
            if self.segment != Segment::Window {
                bits.outside |= changed;
                bits.changes.retain(|(bit, _)| changed >> bit & 1 == 0);
                continue;
            }
            let mut left = changed & !bits.outside;
            while left != 0 {
                let bit = u8::try_from(left.trailing_zeros()).expect("a word has 64 bits");
                left &= left - 1;
                self.toggles += 1;
                match bits.changes.iter_mut().find(|(known, _)| *known == bit) {
                    Some((_, changes)) => changes.times.push(self.time),
                    None => {
                        let first_value = value >> bit & 1 == 1;
                        let changes = BitChanges { order: self.toggles, first_value, times: vec![self.time] };
                        bits.changes.push((bit, changes));
                    }
                }
            }
        }
    }

    pub(super) fn finish(mut self, _: &Streams) -> Found {
        self.end_time();
        let start = self.window_start.or(self.first_window_time).or(self.first_time).unwrap_or(0.0);
        let last_time = self.first_time.map_or(0.0, |_| self.time);
        let end = self.last_window_time.unwrap_or(last_time);
        let mut candidates = Vec::new();
        for (stream, bits) in self.bits.iter().enumerate() {
            for (bit, changes) in &bits.changes {
                let pulses = pulses(changes, start, end);
                let pattern = PulsePattern::default();
                let is_valid =
                    pulses.len() == pattern.count as usize && pulses.iter().all(|pulse| pattern.takes(*pulse));
                let (toggles, order) = (changes.times.len(), changes.order);
                candidates.push(CompatCandidate { stream, bit: *bit, toggles, pulses, is_valid, order });
            }
        }
        candidates.sort_by_key(|candidate| candidate.order);
        let has_window = self.last_window_time.is_some();
        Found { edges: self.edges, candidates, window_start: start, window_end: end, has_window }
    }
}

fn watched(watch: &[Watch], stream: &Stream) -> Vec<u8> {
    let mut bits = Vec::new();
    for watch in watch.iter().filter(|watch| watch.address == stream.address && usize::from(watch.bit) < BITS) {
        let bit = u8::try_from(watch.bit).expect("it is below 64");
        if !bits.contains(&bit) {
            bits.push(bit);
        }
    }
    bits
}

/// Measures the pulses of a bit. Its level counts as 0 until its first change.
fn pulses(changes: &BitChanges, start: f64, end: f64) -> Vec<f64> {
    let values = std::iter::successors(Some(changes.first_value), |value| Some(!value));
    let mut level = false;
    for (_, value) in changes.times.iter().zip(values.clone()).filter(|(time, _)| **time <= start) {
        level = value;
    }
    let (mut pulses, mut risen) = (Vec::new(), None);
    for (time, value) in changes.times.iter().zip(values).filter(|(time, _)| start <= **time && **time <= end) {
        if value && !level {
            risen = Some(*time);
        } else if !value
            && level
            && let Some(rise) = risen.take()
        {
            pulses.push(time - rise);
        }
        level = value;
    }
    if let Some(rise) = risen.filter(|_| level && end > start) {
        pulses.push(end - rise);
    }
    pulses
}
