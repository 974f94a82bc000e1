//! A message and its signals: payloads in, values out.

use std::ops::RangeInclusive;

use super::MUX_DEPTH_MAX;
use crate::frame::Address;
use crate::signal::{Payload, Signal, Value};

/// A message: what the payloads with one address mean.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DbcMessage {
    /// The address of its frames, without the mark for extended ones.
    pub address: Address,
    /// What the file calls it.
    pub name: String,
    /// How long its payload should be. Signals are read from shorter and longer ones too, as far as they fit.
    pub length_bytes: u16,
    /// Its signals, in the order of the file, each with a name of its own.
    pub signals: Vec<DbcSignal>,
    /// The signals in the order of their names.
    pub(super) by_name: Vec<usize>,
    /// Whether any signal is there only sometimes.
    pub(super) is_multiplexed: bool,
}

/// A signal of a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DbcSignal {
    /// What the file calls it.
    pub name: String,
    /// The unit of its value as the file spells it, empty where it has none.
    pub unit: String,
    /// Where it lies and how it is read.
    pub signal: Signal,
    /// What its raw numbers mean, in the order of the numbers, each once.
    pub values: Vec<(i64, String)>,
    /// When it is there; none means always.
    pub mux: Option<Mux>,
}

/// When a multiplexed signal is there: when its switch is, and has one of these values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mux {
    /// Index of the signal that switches.
    pub switch: usize,
    /// Raw numbers of the switch, ascending, apart from each other.
    pub values: Vec<RangeInclusive<u64>>,
}

impl Mux {
    /// Returns whether the signal is there while its switch has this raw number.
    #[must_use]
    pub fn takes(&self, switch: u64) -> bool {
        let after = self.values.partition_point(|range| *range.end() < switch);
        self.values.get(after).is_some_and(|range| range.contains(&switch))
    }
}

impl DbcSignal {
    /// Returns what a raw number of the signal means, where the file says so.
    #[must_use]
    pub fn description(&self, raw: i128) -> Option<&str> {
        let raw = i64::try_from(raw).ok()?;
        let index = self.values.binary_search_by_key(&raw, |(value, _)| *value).ok()?;
        self.values.get(index).map(|(_, text)| text.as_str())
    }
}

impl DbcMessage {
    /// Returns the signal with this name.
    #[must_use]
    pub fn signal(&self, name: &str) -> Option<&DbcSignal> {
        self.signals.get(self.signal_index(name)?)
    }

    /// Returns the index of the signal with this name.
    #[must_use]
    pub fn signal_index(&self, name: &str) -> Option<usize> {
        let name_of = |index: &usize| self.signals.get(*index).map(|signal| signal.name.as_str());
        let place = self.by_name.binary_search_by(|index| name_of(index).cmp(&Some(name))).ok()?;
        self.by_name.get(place).copied()
    }

    /// Gives the index and the value of every signal that is there, in the order of the signals.
    ///
    /// A signal that does not lie within the payload is left out, and so is a multiplexed one whose switch says
    /// that something else lies there. The value is the nearest double; see [`DbcMessage::decode_exact`].
    #[inline]
    pub fn decode(&self, payload: &[u8], mut each: impl FnMut(usize, f64)) {
        self.each(payload, |index, signal, bits| each(index, signal.value_of(bits)));
    }

    /// Gives the index and the value of every signal that is there, like [`DbcMessage::decode`], with whole
    /// numbers exact.
    #[inline]
    pub fn decode_exact(&self, payload: &[u8], mut each: impl FnMut(usize, Value)) {
        self.each(payload, |index, signal, bits| each(index, signal.exact_of(bits)));
    }

    /// Gives the index of every signal that is there, the signal, and its bits.
    #[inline]
    pub(crate) fn each(&self, payload: &[u8], mut each: impl FnMut(usize, &Signal, u64)) {
        let payload = Payload::new(payload);
        for (index, signal) in self.signals.iter().enumerate() {
            if self.is_multiplexed && !self.is_there(signal, &payload) {
                continue;
            }
            if let Some(bits) = signal.signal.bits_of(&payload) {
                each(index, &signal.signal, bits);
            }
        }
    }

    fn is_there<'a>(&'a self, mut signal: &'a DbcSignal, payload: &Payload<'_>) -> bool {
        for _ in 0..=MUX_DEPTH_MAX {
            let Some(mux) = &signal.mux else { return true };
            let Some(switch) = self.signals.get(mux.switch) else { return false };
            if !switch.signal.bits_of(payload).is_some_and(|bits| mux.takes(bits)) {
                return false;
            }
            signal = switch;
        }
        false
    }
}
