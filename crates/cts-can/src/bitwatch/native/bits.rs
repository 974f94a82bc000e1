//! The bits of one stream: levels, counts of toggles, and the pulses of bits that toggled in the windows only.
//!
//! A bit that a shorter frame does not have keeps its level until a frame has it again; its first sight is no toggle.

use crate::bit_counts::{BitCounts, carry_misses};

/// Bytes of a payload that are looked at: no bus carries more.
pub(in crate::bitwatch) const BYTES_MAX: usize = 64;

/// Pulses of a bit whose lengths are kept, for each window; the others are counted.
const PULSES_KEPT_MAX: usize = 128;

/// When a frame came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) time: f64,
    /// The number of the frame.
    pub(super) order: u64,
    /// The number of the window that it lies in.
    pub(super) window: Option<usize>,
    /// Whether a toggle begins or ends a pulse, or moves the level only.
    pub(super) counts_pulses: bool,
}

/// How the number of bits that are followed has changed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Followed {
    pub(super) change: isize,
    pub(super) refused: u64,
}

/// A bit that so far toggled in the windows only.
#[derive(Debug)]
pub(super) struct FollowedBit {
    /// The frame of its first toggle.
    pub(super) order: u64,
    pub(super) first_time: f64,
    pub(super) windows: Vec<FollowedWindow>,
}

/// What a bit did in one window.
#[derive(Debug)]
pub(super) struct FollowedWindow {
    pub(super) window: usize,
    /// The level at the beginning.
    pub(super) rests_high: bool,
    pub(super) toggles: u64,
    pub(super) pulses: Vec<f64>,
    /// Pulses in all, also those whose length is not kept.
    pub(super) pulse_count: u64,
    /// When the pulse began that has not ended.
    pub(super) begun: Option<f64>,
}

impl FollowedWindow {
    fn toggle(&mut self, moment: &Moment, is_high: bool) {
        self.toggles += 1;
        if !moment.counts_pulses {
            self.rests_high = is_high;
        } else if is_high != self.rests_high {
            self.begun = Some(moment.time);
        } else if let Some(begun) = self.begun.take() {
            self.pulse_count += 1;
            if self.pulses.len() < PULSES_KEPT_MAX {
                self.pulses.push(moment.time - begun);
            }
        }
    }
}

type FollowedBits = [Option<Box<FollowedBit>>; 64];

#[derive(Debug, Default)]
struct Word {
    value: u64,
    /// Bits that some frame had.
    known: u64,
    /// Bits that toggled with the last frame that was not a repetition.
    toggled: u64,
    /// Bits that toggled outside of the windows, or are not followed for want of room.
    outside: u64,
    toggles: BitCounts,
    /// Frames in which a bit toggled although its lower neighbor did not fall, or the other way round.
    carry_misses: BitCounts,
    followed: Option<Box<FollowedBits>>,
}

impl Word {
    #[inline]
    fn change(&mut self, value: u64, present: u64, moment: &Moment, room: usize) -> Followed {
        let changed = (self.value ^ value) & self.known & present;
        let fell = changed & self.value;
        self.value = self.value & !present | value;
        self.known |= present;
        self.toggled = changed;
        if changed == 0 {
            return Followed::default();
        }
        self.toggles.add(changed);
        self.carry_misses.add(carry_misses(changed, fell));
        match moment.window {
            Some(window) if changed & !self.outside != 0 => self.follow(changed & !self.outside, window, moment, room),
            Some(_) => Followed::default(),
            None => self.leave(changed),
        }
    }

    /// Stops following bits that toggled outside of the windows.
    #[inline]
    fn leave(&mut self, changed: u64) -> Followed {
        let mut left = changed & !self.outside;
        self.outside |= changed;
        let mut followed = Followed::default();
        if let Some(bits) = self.followed.as_mut().filter(|_| left != 0) {
            while left != 0 {
                followed.change -= isize::from(bits[left.trailing_zeros() as usize].take().is_some());
                left &= left - 1;
            }
        }
        followed
    }

    fn follow(&mut self, mut changed: u64, window: usize, moment: &Moment, room: usize) -> Followed {
        let bits = self.followed.get_or_insert_with(|| Box::new([const { None }; 64]));
        let mut followed = Followed::default();
        while changed != 0 {
            let bit = changed.trailing_zeros();
            changed &= changed - 1;
            let is_high = self.value >> bit & 1 == 1;
            let place = &mut bits[bit as usize];
            if place.is_none() {
                if followed.change.unsigned_abs() >= room {
                    self.outside |= 1 << bit;
                    followed.refused += 1;
                    continue;
                }
                followed.change += 1;
            }
            let found = place.get_or_insert_with(|| {
                Box::new(FollowedBit { order: moment.order, first_time: moment.time, windows: Vec::new() })
            });
            if found.windows.last().is_none_or(|last| last.window != window) {
                found.windows.push(FollowedWindow {
                    window,
                    rests_high: !is_high,
                    toggles: 0,
                    pulses: Vec::new(),
                    pulse_count: 0,
                    begun: None,
                });
            }
            found.windows.last_mut().expect("it was pushed above").toggle(moment, is_high);
        }
        followed
    }
}

/// The bits of one stream.
#[derive(Debug)]
pub(in crate::bitwatch) struct StreamBits {
    words: Vec<Word>,
    pub(super) watched: Vec<u16>,
}

impl StreamBits {
    pub(super) fn new(watched: Vec<u16>) -> Self {
        Self { words: Vec::new(), watched }
    }

    /// Takes the payload of a frame.
    #[inline]
    pub(super) fn change(&mut self, data: &[u8], moment: &Moment, room: usize) -> Followed {
        let data = &data[..data.len().min(BYTES_MAX)];
        let count = data.len().div_ceil(8);
        if self.words.len() < count {
            self.words.reserve_exact(count - self.words.len());
            self.words.resize_with(count, Word::default);
        }
        let mut followed = Followed::default();
        for (index, word) in self.words.iter_mut().enumerate() {
            let chunk = data.get(8 * index..).unwrap_or_default();
            let chunk = &chunk[..chunk.len().min(8)];
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            let present = if chunk.len() == 8 { u64::MAX } else { (1 << (8 * chunk.len())) - 1 };
            let room = room.saturating_add_signed(-followed.change);
            let own = word.change(u64::from_le_bytes(bytes), present, moment, room);
            followed.change += own.change;
            followed.refused += own.refused;
        }
        followed
    }

    /// Returns whether a bit toggled with the last payload.
    pub(super) fn toggled(&self, bit: u16) -> bool {
        self.words.get(usize::from(bit / 64)).is_some_and(|word| word.toggled >> (bit % 64) & 1 == 1)
    }

    /// Returns whether a bit is 1.
    pub(super) fn level(&self, bit: u16) -> bool {
        self.words.get(usize::from(bit / 64)).is_some_and(|word| word.value >> (bit % 64) & 1 == 1)
    }

    /// Returns the bits that toggled in the windows only.
    pub(super) fn followed(&self) -> impl Iterator<Item = (u16, &FollowedBit)> {
        let words = (0_u16..).zip(&self.words).filter_map(|(index, word)| Some((index, word.followed.as_deref()?)));
        words.flat_map(|(index, bits)| {
            (0_u16..).zip(bits).filter_map(move |(bit, followed)| Some((64 * index + bit, followed.as_deref()?)))
        })
    }

    /// Returns for each bit how often it toggled, and how often it did so without a carry from its lower neighbor or
    /// did not although there was one.
    pub(in crate::bitwatch) fn counts(&self) -> Vec<(u64, u64)> {
        self.words.iter().flat_map(|word| word.toggles.counts().into_iter().zip(word.carry_misses.counts())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_that_finds_no_room_is_counted_and_not_followed() {
        let mut bits = StreamBits::new(Vec::new());
        let moment = |order| Moment { time: 1.0, order, window: Some(0), counts_pulses: true };
        bits.change(&[0; 16], &moment(1), 3);
        let followed = bits.change(&[3; 16], &moment(2), 3);
        assert_eq!((followed.change, followed.refused), (3, 29));
        assert_eq!(bits.followed().map(|(bit, _)| bit).collect::<Vec<_>>(), [0, 1, 8]);
        let again = bits.change(&[0; 16], &moment(3), 0);
        assert_eq!((again.change, again.refused), (0, 0));
        let outside = bits.change(&[3; 16], &Moment { window: None, ..moment(4) }, 0);
        assert_eq!((outside.change, bits.followed().count()), (-3, 0));
    }
}
