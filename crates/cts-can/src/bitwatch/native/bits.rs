//! The bits of one stream: levels, counts of toggles, and those that toggled in the windows only.
//!
//! A bit that a shorter frame does not have keeps its level until a frame has it again; its first sight is no toggle.

use super::followed::{FollowedBit, FollowedBits, Moment, Room};
use crate::bit_counts::{BitCounts, carry_misses};

/// Bytes of a payload that are looked at: no bus carries more.
pub(in crate::bitwatch) const BYTES_MAX: usize = 64;

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
    followed: FollowedBits,
}

impl Word {
    #[inline]
    fn change(&mut self, value: u64, present: u64, moment: &Moment, room: &mut Room) {
        let changed = (self.value ^ value) & self.known & present;
        let fell = changed & self.value;
        self.value = self.value & !present | value;
        self.known |= present;
        self.toggled = changed;
        if changed == 0 {
            return;
        }
        self.toggles.add(changed);
        self.carry_misses.add(carry_misses(changed, fell));
        let possible = changed & !self.outside;
        if possible == 0 {
            return;
        }
        self.outside |= match moment.window {
            Some(window) => self.followed.toggle(possible, self.value, moment, window, room),
            None => {
                self.followed.leave(possible, room);
                possible
            }
        };
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
    pub(super) fn change(&mut self, data: &[u8], moment: &Moment, room: &mut Room) {
        let data = &data[..data.len().min(BYTES_MAX)];
        let count = data.len().div_ceil(8);
        if self.words.len() < count {
            self.words.reserve_exact(count - self.words.len());
            self.words.resize_with(count, Word::default);
        }
        for (index, word) in self.words.iter_mut().enumerate() {
            let chunk = data.get(8 * index..).unwrap_or_default();
            let chunk = &chunk[..chunk.len().min(8)];
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            let present = if chunk.len() == 8 { u64::MAX } else { (1 << (8 * chunk.len())) - 1 };
            word.change(u64::from_le_bytes(bytes), present, moment, room);
        }
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
    pub(super) fn into_followed(self) -> impl Iterator<Item = (u16, FollowedBit)> {
        let words = (0_u16..).zip(self.words).map(|(index, word)| (64 * index, word.followed));
        words.flat_map(|(first, followed)| {
            let bit = move |bit| first + u16::try_from(bit).expect("a word has 64 bits");
            followed.into_bits().map(move |(number, followed)| (bit(number), followed))
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
    use crate::bitwatch::PulsePattern;

    fn moment(order: u64, window: Option<u16>) -> Moment {
        Moment { time: 1.0, order, window, counts_pulses: true, pattern: PulsePattern::default() }
    }

    fn followed(bits: StreamBits) -> Vec<u16> {
        bits.into_followed().map(|(bit, _)| bit).collect()
    }

    /// Sixteen bytes that are all 0, and then all 3.
    fn two_bits_a_byte(room: &mut Room) -> StreamBits {
        let mut bits = StreamBits::new(Vec::new());
        bits.change(&[0; 16], &moment(1, Some(0)), room);
        bits.change(&[3; 16], &moment(2, Some(0)), room);
        bits
    }

    #[test]
    fn a_bit_that_finds_no_room_is_counted_and_not_followed() {
        let mut room = Room { bits: 3, ..Room::default() };
        let mut bits = two_bits_a_byte(&mut room);
        assert_eq!((room.bits, room.bits_refused), (0, 29));
        bits.change(&[0; 16], &moment(3, Some(0)), &mut room);
        assert_eq!((room.bits, room.bits_refused), (0, 29), "a bit is refused once");
        assert_eq!(followed(bits), [0, 1, 8]);
        let mut room = Room { windows: 5, ..Room::default() };
        let mut bits = two_bits_a_byte(&mut room);
        assert_eq!(room.bits_refused, 27);
        bits.change(&[2; 16], &moment(3, Some(1)), &mut room);
        assert_eq!((room.bits_refused, room.windows), (30, 3), "a further window needs room, too");
        assert_eq!(followed(bits), [1, 9]);
    }

    #[test]
    fn a_bit_that_is_followed_no_more_gives_its_room_back() {
        let mut room = Room { bits: 40, pulses: 100, ..Room::default() };
        let mut bits = two_bits_a_byte(&mut room);
        let windows = room.windows;
        bits.change(&[0; 16], &moment(3, Some(0)), &mut room);
        bits.change(&[3; 16], &moment(4, Some(1)), &mut room);
        assert_eq!((room.bits, room.windows, room.pulses), (8, windows - 32, 68));
        bits.change(&[2; 16], &moment(5, None), &mut room);
        assert_eq!((room.bits, room.windows, room.pulses), (24, windows, 84));
        assert_eq!(followed(bits), (0..16).map(|byte| 8 * byte + 1).collect::<Vec<_>>());
    }

    #[test]
    fn a_pulse_whose_length_finds_no_room_is_counted_and_judged() {
        let mut room = Room { pulses: 1, ..Room::default() };
        let mut bits = StreamBits::new(Vec::new());
        for (time, level) in [(0.0, 0), (1.0, 1), (3.0, 0), (4.0, 1), (6.0, 0), (7.0, 1), (7.5, 0)] {
            let at = Moment { time, ..moment(1, Some(0)) };
            bits.change(&[level], &at, &mut room);
            let expected = if time < 3.0 { 1 } else { 0 };
            assert_eq!(room.pulses, expected);
        }
        let (_, followed) = bits.into_followed().next().unwrap();
        let window = followed.into_windows().next().unwrap();
        assert_eq!((window.pulse_count, window.all_fit, window.pulses), (3, false, vec![2.0]));
    }
}
