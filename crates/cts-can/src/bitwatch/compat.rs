//! The hunt as the Python tool does it: one state for each address, 8 bytes, a level that begins at 0.
//!
//! Its rules are strange in places and kept as they are: the stretch that a toggle lies in is looked up by its time, and
//! of several rows at one time the one whose stretch comes last in the alphabet decides.

mod history;

use super::hold::HeldRow;
use super::streams::{Stream, Streams};
use super::{BitwatchOptions, PulsePattern, Watch, Window};
use crate::bit_counts::BitCounts;
use crate::segments::Segment;
use history::{History, Times, bits, each_pulse};

/// Bits that the Python tool looks at.
const BITS: usize = 64;

#[derive(Debug, Default)]
struct AddressBits {
    is_seen: bool,
    value: u64,
    /// Bits that toggled outside of the window.
    outside: u64,
    /// Bits that toggled at the time that is being read, whose stretch is not known before the next time.
    pending: u64,
    /// Bits that have toggled, each with the place of its first toggle among those of all.
    first: Vec<(u8, u64)>,
    toggled: u64,
    /// The toggles of bits that so far toggled in the window only.
    history: History,
    /// Watched bits below 64 in the order in which they were given, each once.
    watched: Vec<u8>,
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
    pub(super) toggles: u64,
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
    times: Times,
    histories: Vec<History>,
}

impl Found {
    /// Returns who measures the pulses of candidates.
    pub(super) fn pulses(&self) -> Pulses<'_> {
        Pulses { found: self, stream: None, changes: Vec::new() }
    }

    pub(super) fn windows(&self) -> Vec<Window> {
        let window = Window { start: self.window_start, end: self.window_end };
        if self.has_window { vec![window] } else { Vec::new() }
    }
}

/// Measures the pulses of candidates. The changes of the last address are kept: those who toggled together first stand
/// together, too.
#[derive(Debug)]
pub(super) struct Pulses<'f> {
    found: &'f Found,
    stream: Option<usize>,
    changes: Vec<(f64, u64)>,
}

impl Pulses<'_> {
    /// Calls back with the length of each pulse of a candidate.
    pub(super) fn each(&mut self, candidate: &CompatCandidate, mut call: impl FnMut(f64)) {
        let found = self.found;
        let history = &found.histories[candidate.stream];
        if self.stream.replace(candidate.stream) != Some(candidate.stream) {
            self.changes.clear();
            self.changes.extend(history.changes(&found.times));
        }
        let window = Window { start: found.window_start, end: found.window_end };
        each_pulse(self.changes.iter().copied(), history.before(), &window, 1 << candidate.bit, |_, pulse| {
            call(pulse);
            true
        });
    }
}

#[derive(Debug)]
pub(super) struct Compat {
    watch: Vec<Watch>,
    window_start: Option<f64>,
    bits: Vec<AddressBits>,
    edges: Vec<Edge>,
    /// Streams with toggles at the time that is being read.
    pending: Vec<usize>,
    times: Times,
    time: f64,
    /// The stretch of that time.
    segment: Segment,
    bits_toggled: u64,
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
            times: Times::default(),
            time: 0.0,
            segment: Segment::Post,
            bits_toggled: 0,
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
        let before = bits.value;
        let changed = if bits.is_seen { before ^ value } else { 0 };
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
        let possible = changed & !bits.outside;
        if possible == 0 {
            return;
        }
        bits.history.add(self.times.number(row.time), before, possible);
        for bit in history::bits(possible & !bits.toggled) {
            self.bits_toggled += 1;
            bits.first.push((u8::try_from(bit).expect("a word has 64 bits"), self.bits_toggled));
        }
        bits.toggled |= possible;
        if bits.pending == 0 {
            self.pending.push(row.stream);
        }
        bits.pending |= possible;
    }

    /// Drops the bits that toggled outside of the window, now that all rows of a time are known.
    fn end_time(&mut self) {
        for stream in self.pending.drain(..) {
            let bits = &mut self.bits[stream];
            let toggled = std::mem::take(&mut bits.pending);
            if self.segment != Segment::Window {
                bits.outside |= toggled;
                if bits.toggled & !bits.outside == 0 {
                    bits.history.clear();
                }
            }
        }
    }

    pub(super) fn finish(mut self, _: &Streams) -> Found {
        self.end_time();
        let start = self.window_start.or(self.first_window_time).or(self.first_time).unwrap_or(0.0);
        let last_time = self.first_time.map_or(0.0, |_| self.time);
        let end = self.last_window_time.unwrap_or(last_time);
        let window = Window { start, end };
        let mut candidates = Vec::new();
        let mut histories = Vec::new();
        for (stream, own) in self.bits.into_iter().enumerate() {
            let wanted = own.toggled & !own.outside;
            let toggles = toggles(&own.history, &self.times);
            let valid = bits_with_pattern(&own.history, &self.times, &window, wanted);
            for (bit, order) in own.first.into_iter().filter(|(bit, _)| wanted >> bit & 1 == 1) {
                let is_valid = valid >> bit & 1 == 1;
                candidates.push(CompatCandidate { stream, bit, toggles: toggles[usize::from(bit)], is_valid, order });
            }
            histories.push(own.history);
        }
        candidates.sort_by_key(|candidate| candidate.order);
        let has_window = self.last_window_time.is_some();
        Found {
            edges: self.edges,
            candidates,
            window_start: start,
            window_end: end,
            has_window,
            times: self.times,
            histories,
        }
    }
}

fn toggles(history: &History, times: &Times) -> [u64; BITS] {
    let mut counts = BitCounts::default();
    history.changes(times).for_each(|(_, changed)| counts.add(changed));
    counts.counts()
}

/// Returns which of the wanted bits have the pulses that the Python tool looks for.
fn bits_with_pattern(history: &History, times: &Times, window: &Window, wanted: u64) -> u64 {
    let pattern = PulsePattern::default();
    let (mut counts, mut fitting) = ([0; BITS], wanted);
    each_pulse(history.changes(times), history.before(), window, wanted, |bit, pulse| {
        counts[bit] += 1;
        if counts[bit] > pattern.count || !pattern.takes(pulse) {
            fitting &= !(1 << bit);
        }
        fitting >> bit & 1 == 1
    });
    bits(fitting).filter(|bit| counts[*bit] == pattern.count).fold(0, |found, bit| found | 1 << bit)
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
