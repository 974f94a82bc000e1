//! What changed at one address, in a few bytes for each change: at which of the times, and which bits.
//!
//! A table of every pulse of every bit is what the Python tool gives, so every change has to be kept somehow. Here it is
//! one for all bits of a frame: the distance to the time of the change before, the bytes of the payload that have a
//! changed bit, and these bits.

use crate::bitwatch::Window;
use crate::text::Text;

/// The longest code of a change: a distance of 64 bits, which bytes, and all eight.
const CHANGE_BYTES_MAX: usize = 10 + 1 + 8;

/// The times at which something changed, each once.
#[derive(Debug, Default)]
pub(super) struct Times {
    seconds: Vec<f64>,
}

impl Times {
    /// Returns the number of a time, which is not before the last one.
    #[inline]
    pub(super) fn number(&mut self, time: f64) -> usize {
        if self.seconds.last() != Some(&time) {
            self.seconds.push(time);
        }
        self.seconds.len() - 1
    }
}

/// The changes of the 64 bits of an address.
#[derive(Debug, Default)]
pub(super) struct History {
    bytes: Vec<u8>,
    last_time: usize,
    /// The bits before the first change.
    before: u64,
}

impl History {
    /// Adds a change; `before` are the bits before it.
    #[inline]
    pub(super) fn add(&mut self, time: usize, before: u64, changed: u64) {
        if self.bytes.is_empty() {
            (self.last_time, self.before) = (0, before);
        }
        let mut distance = time - self.last_time;
        self.last_time = time;
        let mut code = Text::<CHANGE_BYTES_MAX>::default();
        while distance >= 0x80 {
            code.push(&[low_byte(distance) | 0x80]);
            distance >>= 7;
        }
        let bytes = changed.to_le_bytes();
        let present = (0..8).fold(0, |present, byte| present | u8::from(bytes[byte] != 0) << byte);
        code.push(&[low_byte(distance), present]);
        for byte in bytes.into_iter().filter(|byte| *byte != 0) {
            code.push(&[byte]);
        }
        self.bytes.extend_from_slice(code.as_bytes());
    }

    /// Forgets all changes and gives their memory back.
    pub(super) fn clear(&mut self) {
        self.bytes = Vec::new();
    }

    /// Returns the bits before the first change.
    pub(super) fn before(&self) -> u64 {
        self.before
    }

    /// Returns the time and the bits of each change.
    pub(super) fn changes<'h>(&'h self, times: &'h Times) -> impl Iterator<Item = (f64, u64)> + Clone + 'h {
        let numbers = Changes { bytes: self.bytes.iter(), time: 0 };
        numbers.map(|(time, changed)| (times.seconds[time], changed))
    }
}

fn low_byte(number: usize) -> u8 {
    number.to_le_bytes()[0]
}

#[derive(Clone, Debug)]
struct Changes<'h> {
    bytes: std::slice::Iter<'h, u8>,
    time: usize,
}

impl Iterator for Changes<'_> {
    type Item = (usize, u64);

    #[inline]
    fn next(&mut self) -> Option<(usize, u64)> {
        let mut shift = 0;
        loop {
            let byte = *self.bytes.next()?;
            self.time += usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let mut present = *self.bytes.next()?;
        let mut changed = 0;
        while present != 0 {
            changed |= u64::from(*self.bytes.next()?) << (8 * present.trailing_zeros());
            present &= present - 1;
        }
        Some((self.time, changed))
    }
}

/// Calls back with the bit and the length of each pulse of some bits, until a call tells that a bit is of no interest any
/// more.
///
/// As the Python tool sees it, a level counts as 0 until its first change, and a change at the very beginning of the
/// window is looked at twice: for the level, and for the pulses.
pub(super) fn each_pulse(
    changes: impl Iterator<Item = (f64, u64)> + Clone,
    before: u64,
    window: &Window,
    mut wanted: u64,
    mut pulse: impl FnMut(usize, f64) -> bool,
) {
    let (mut value, mut level) = (before, 0);
    for (time, changed) in changes.clone() {
        let changed = changed & wanted;
        if changed == 0 {
            continue;
        }
        if time > window.start {
            break;
        }
        value ^= changed;
        level = level & !changed | value & changed;
    }
    value = before;
    let (mut risen, mut has_risen) = ([0.0; 64], 0);
    for (time, changed) in changes {
        let changed = changed & wanted;
        if changed == 0 {
            continue;
        }
        if time > window.end {
            break;
        }
        value ^= changed;
        if time < window.start {
            continue;
        }
        let (rises, falls) = (changed & value & !level, changed & !value & level);
        level = level & !changed | value & changed;
        for bit in bits(rises) {
            risen[bit] = time;
        }
        for bit in bits(falls & has_risen) {
            if !pulse(bit, time - risen[bit]) {
                wanted &= !(1 << bit);
            }
        }
        has_risen = has_risen & !falls | rises;
        if wanted == 0 {
            return;
        }
    }
    if window.end > window.start {
        for bit in bits(has_risen & level & wanted) {
            pulse(bit, window.end - risen[bit]);
        }
    }
}

/// Returns the numbers of the bits that are 1, from the lowest on.
#[inline]
pub(super) fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as usize;
        word &= word.wrapping_sub(1);
        (bit < 64).then_some(bit)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_added_is_there(
            steps in prop::collection::vec((0_usize..3, prop_oneof![any::<u64>(), (0_u32..64).prop_map(|bit| 1 << bit)]), 0..80),
            far in 0_usize..100_000,
            before: u64,
        ) {
            let mut times = Times::default();
            #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
            (0..far).for_each(|time| { times.number(time as f64); });
            let (mut history, mut time, mut expected) = (History::default(), far, Vec::new());
            for (step, changed) in steps {
                time += step;
                #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
                let seconds = time as f64;
                history.add(times.number(seconds), before, changed);
                expected.push((seconds, changed));
            }
            prop_assert_eq!(history.changes(&times).collect::<Vec<_>>(), expected.clone());
            prop_assert!(expected.is_empty() || history.before() == before);
        }
    }
}
