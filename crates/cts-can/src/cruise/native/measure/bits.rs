//! The bits of one stream: how often each toggled and where, and how long it was 1.
//!
//! A bit that a shorter frame does not have keeps its level until a frame has it again; its first sight is no toggle. So
//! levels alternate, and rises and falls follow from the number of toggles and the first level.

use super::super::plan::{Moment, NO_PART, NO_PRESS, Parts};
use super::super::{BitToggles, Levels, Note, TOGGLES_KEPT_MAX};
use crate::bit_counts::{BitCounts, carry_misses};

/// How many words of 64 bits are followed, for all streams together.
const WORDS_MAX: usize = 4096;

/// How many moments of toggles are kept, for all bits together: 4 MB, and as much room to grow.
const MOMENTS_MAX: usize = 1 << 19;

/// Of how many bits at one time.
const HISTORIES_MAX: usize = 1 << 16;

/// The place of a bit whose moments are not kept.
const NO_HISTORY: u32 = u32::MAX;

/// What of the room for words and moments is used.
#[derive(Debug, Default)]
pub(super) struct Room {
    words: usize,
    refused: u64,
    /// The moments of all toggles of a bit each; bits that toggle too often give their place back.
    histories: Vec<Vec<f64>>,
    free: Vec<u32>,
    moments: usize,
}

impl Room {
    fn take(&mut self) -> bool {
        if self.words == WORDS_MAX {
            self.refused += 1;
            return false;
        }
        self.words += 1;
        true
    }

    /// Returns a place for the moments of a bit.
    #[cold]
    fn begin_history(&mut self) -> u32 {
        if let Some(place) = self.free.pop() {
            return place;
        }
        if self.histories.len() == HISTORIES_MAX {
            return NO_HISTORY;
        }
        self.histories.push(Vec::new());
        u32::try_from(self.histories.len() - 1).unwrap_or(NO_HISTORY)
    }

    /// Keeps a moment, or gives up on all of that bit when there are too many; returns the place from then on.
    #[inline]
    fn keep(&mut self, place: u32, time: f64) -> u32 {
        let Some(history) = self.histories.get_mut(place as usize) else { return NO_HISTORY };
        if history.len() < TOGGLES_KEPT_MAX && self.moments < MOMENTS_MAX {
            history.push(time);
            self.moments += 1;
            return place;
        }
        self.moments -= history.len();
        *history = Vec::new();
        self.free.push(place);
        NO_HISTORY
    }

    pub(super) fn note(&self, notes: &mut Vec<Note>) {
        if self.refused > 0 {
            notes.push(Note::new(
                format!("more than {WORDS_MAX} words of 8 bytes change, and the others were not looked at"),
                "give a log of a car: none has so many",
            ));
        }
    }
}

/// What a bit did.
#[derive(Clone, Copy, Debug)]
struct Bit {
    /// Moments of falls less those of rises: together with both ends the time in which it was 1.
    high: f64,
    /// The same in seconds in which the car was engaged.
    high_engaged: f64,
    toggles: u32,
    window_toggles: u32,
    press_toggles: u32,
    windows_hit: u32,
    presses_hit: u32,
    last_press: u32,
    /// The part of the last toggle.
    last_part: u16,
    /// Where the moments of its toggles are.
    history: u32,
}

impl Default for Bit {
    fn default() -> Self {
        Self {
            high: 0.0,
            high_engaged: 0.0,
            toggles: 0,
            window_toggles: 0,
            press_toggles: 0,
            windows_hit: 0,
            presses_hit: 0,
            last_press: NO_PRESS,
            last_part: NO_PART,
            history: NO_HISTORY,
        }
    }
}

impl Bit {
    #[inline]
    fn toggle(&mut self, moment: &Moment, is_high: bool, windows: &[u16], parts: &Parts, room: &mut Room) {
        self.toggles = self.toggles.saturating_add(1);
        if self.toggles == 1 {
            self.history = room.begin_history();
        }
        if self.history != NO_HISTORY {
            self.history = room.keep(self.history, moment.time);
        }
        if is_high {
            self.high -= moment.time;
            self.high_engaged -= moment.engaged;
        } else {
            self.high += moment.time;
            self.high_engaged += moment.engaged;
        }
        if !windows.is_empty() {
            self.window_toggles = self.window_toggles.saturating_add(1);
            if self.last_part != moment.part {
                let is_hit = |window: &u16| self.last_part == NO_PART || self.last_part < parts.first(*window);
                let hit = windows.iter().filter(|window| is_hit(window)).count();
                self.windows_hit += u32::try_from(hit).unwrap_or(0);
            }
        }
        self.last_part = moment.part;
        if moment.press != NO_PRESS {
            self.press_toggles = self.press_toggles.saturating_add(1);
            self.presses_hit += u32::from(self.last_press != moment.press);
            self.last_press = moment.press;
        }
    }
}

#[derive(Debug, Default)]
struct Word {
    value: u64,
    /// Bits that some frame had, and what each was in the first one.
    known: u64,
    first: u64,
    /// When a frame had any of them first, and how long the car was engaged before.
    begun: (f64, f64),
    carry_misses: BitCounts,
    /// None before the first toggle, or where there was no room.
    bits: Option<Box<[Bit; 64]>>,
    is_refused: bool,
}

impl Word {
    #[inline]
    fn change(&mut self, value: u64, present: u64, moment: &Moment, parts: &Parts, room: &mut Room) -> bool {
        let changed = (self.value ^ value) & self.known & present;
        let new = present & !self.known;
        if new != 0 {
            if self.known == 0 {
                self.begun = (moment.time, moment.engaged);
            }
            self.first |= value & new;
            self.known |= new;
        }
        let fell = changed & self.value;
        self.value = self.value & !present | value;
        if changed != 0 {
            self.carry_misses.add(carry_misses(changed, fell));
            self.toggle(changed, moment, parts, room);
        }
        changed != 0
    }

    #[inline]
    fn toggle(&mut self, mut changed: u64, moment: &Moment, parts: &Parts, room: &mut Room) {
        if self.bits.is_none() {
            if self.is_refused || !room.take() {
                self.is_refused = true;
                return;
            }
            self.bits = Some(Box::new([Bit::default(); 64]));
        }
        let Some(bits) = &mut self.bits else { return };
        let windows = parts.windows(moment.part);
        while changed != 0 {
            let bit = changed.trailing_zeros();
            changed &= changed - 1;
            bits[bit as usize].toggle(moment, self.value >> bit & 1 == 1, windows, parts, room);
        }
    }
}

/// What is told of a bit that toggled.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct BitFound {
    pub(in super::super) rises: u64,
    pub(in super::super) falls: u64,
    /// Seconds in which it was 1 before the end of its stream, and in which it was and the car was engaged; each less
    /// the moment of the end where it is 1 there.
    high: f64,
    high_engaged: f64,
    is_high_at_end: bool,
    /// When its first frame came, and how long the car was engaged before.
    pub(in super::super) begun: (f64, f64),
    pub(in super::super) window_toggles: u64,
    pub(in super::super) windows_hit: u64,
    pub(in super::super) press_toggles: u64,
    pub(in super::super) presses_hit: u64,
}

impl BitFound {
    /// Returns the seconds in which it was 1, and those of them in which the car was engaged, for the moment at which its
    /// stream ends and the engaged seconds before it.
    pub(in super::super) fn high(&self, end: (f64, f64)) -> (f64, f64) {
        if self.is_high_at_end {
            (self.high + end.0, self.high_engaged + end.1)
        } else {
            (self.high, self.high_engaged)
        }
    }
}

/// The bits of one stream.
#[derive(Debug, Default)]
pub(super) struct StreamBits {
    words: Vec<Word>,
    length: usize,
    /// The length of the longest payload.
    length_max: usize,
}

impl StreamBits {
    /// Takes the payload of a frame; returns whether it is another one than before.
    #[inline]
    pub(super) fn change(&mut self, data: &[u8], moment: &Moment, parts: &Parts, room: &mut Room) -> bool {
        let count = data.len().div_ceil(8);
        let mut is_change = data.len() != self.length || self.words.is_empty();
        self.length = data.len();
        self.length_max = self.length_max.max(data.len());
        if self.words.len() < count {
            self.words.reserve_exact(count - self.words.len());
            self.words.resize_with(count, Word::default);
        }
        let (chunks, rest) = data.as_chunks::<8>();
        for (word, chunk) in self.words.iter_mut().zip(chunks) {
            is_change |= word.change(u64::from_le_bytes(*chunk), u64::MAX, moment, parts, room);
        }
        if !rest.is_empty() {
            let mut bytes = [0; 8];
            bytes[..rest.len()].copy_from_slice(rest);
            let present = (1 << (8 * rest.len())) - 1;
            is_change |= self.words[chunks.len()].change(u64::from_le_bytes(bytes), present, moment, parts, room);
        }
        is_change
    }

    /// Returns for each bit how often it toggled, and how often it did so without a carry from its lower neighbor or did
    /// not although there was one.
    pub(super) fn counts(&self) -> Vec<(u64, u64)> {
        let mut counts = Vec::with_capacity(64 * self.words.len());
        for word in &self.words {
            let misses = word.carry_misses.counts();
            let toggles = |bit: usize| word.bits.as_ref().map_or(0, |bits| u64::from(bits[bit].toggles));
            counts.extend(misses.into_iter().enumerate().map(|(bit, misses)| (toggles(bit), misses)));
        }
        counts
    }

    /// Returns for each bit of the longest payload how often it toggled; nothing where no bit did.
    pub(super) fn toggles(&self) -> Vec<BitToggles> {
        if self.words.iter().all(|word| word.bits.is_none()) {
            return Vec::new();
        }
        let toggles = |bit: &Bit| BitToggles { all: bit.toggles, in_windows: bit.window_toggles };
        let bits = self.words.iter().flat_map(|word| {
            (0..64).map(move |bit| word.bits.as_ref().map_or_else(BitToggles::default, |bits| toggles(&bits[bit])))
        });
        bits.take(8 * self.length_max).collect()
    }

    /// Returns when a bit toggled, where that was kept.
    pub(super) fn levels(&self, bit: u16, room: &Room) -> Option<Levels> {
        let (word, number) = (self.words.get(usize::from(bit / 64))?, bit % 64);
        let found = &word.bits.as_ref()?[usize::from(number)];
        let toggles = room.histories.get(found.history as usize)?.clone();
        Some(Levels { is_high_first: word.first >> number & 1 == 1, toggles })
    }

    /// Calls back with every bit that toggled.
    pub(super) fn each(&self, mut call: impl FnMut(u16, BitFound)) {
        for (index, word) in (0_u16..).zip(&self.words) {
            for (number, bit) in (0_u16..).zip(word.bits.iter().flat_map(|bits| bits.iter())) {
                if bit.toggles == 0 {
                    continue;
                }
                let (is_first_high, is_high) = (word.first >> number & 1 == 1, word.value >> number & 1 == 1);
                // Levels alternate, so the half that is one more begins with the other level than the first.
                let toggles = u64::from(bit.toggles);
                let (more, less) = (toggles.div_ceil(2), toggles / 2);
                let begun = if is_first_high { word.begun } else { (0.0, 0.0) };
                call(
                    64 * index + number,
                    BitFound {
                        rises: if is_first_high { less } else { more },
                        falls: if is_first_high { more } else { less },
                        high: bit.high - begun.0,
                        high_engaged: bit.high_engaged - begun.1,
                        is_high_at_end: is_high,
                        begun: word.begun,
                        window_toggles: u64::from(bit.window_toggles),
                        windows_hit: u64::from(bit.windows_hit),
                        press_toggles: u64::from(bit.press_toggles),
                        presses_hit: u64::from(bit.presses_hit),
                    },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
