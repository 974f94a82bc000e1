//! Bits that so far toggled in the windows only: what each did in every window, as long as there is room for it.
//!
//! Room is limited over all streams: for bits, for windows of bits, and for lengths of pulses. A bit that finds none is
//! not followed and is counted; a pulse that finds none is counted and judged, but its length is not kept.

use super::PulsePattern;

/// How many bits are followed at one time.
const BITS_FOLLOWED_MAX: usize = 65_536;

/// How many windows of bits in all, so how often a followed bit can toggle in a further window.
const WINDOWS_FOLLOWED_MAX: usize = 131_072;

/// Pulses of a bit whose lengths are kept, for each window; the others are counted.
const PULSES_KEPT_MAX: usize = 128;

/// Pulses whose lengths are kept in all.
const PULSES_KEPT_IN_ALL_MAX: usize = 262_144;

/// When a frame came, and what is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) time: f64,
    /// The number of the frame.
    pub(super) order: u64,
    /// The number of the window that it lies in.
    pub(super) window: Option<u16>,
    /// Whether a toggle begins or ends a pulse, or moves the level only.
    pub(super) counts_pulses: bool,
    pub(super) pattern: PulsePattern,
}

/// What there is room for.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) bits: usize,
    pub(super) windows: usize,
    pub(super) pulses: usize,
    /// Bits that found none.
    pub(super) bits_refused: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self { bits: BITS_FOLLOWED_MAX, windows: WINDOWS_FOLLOWED_MAX, pulses: PULSES_KEPT_IN_ALL_MAX, bits_refused: 0 }
    }
}

/// A bit that so far toggled in the windows only.
#[derive(Debug)]
pub(super) struct FollowedBit {
    /// The frame of its first toggle.
    pub(super) order: u64,
    pub(super) first_time: f64,
    /// The last window in which it toggled.
    last: FollowedWindow,
    /// Those before.
    earlier: Vec<FollowedWindow>,
}

impl FollowedBit {
    /// Returns what the bit did in each window in which it toggled.
    pub(super) fn into_windows(self) -> impl Iterator<Item = FollowedWindow> {
        self.earlier.into_iter().chain([self.last])
    }

    fn give_back(self, room: &mut Room) {
        room.bits += 1;
        for window in self.into_windows() {
            room.windows += 1;
            room.pulses += window.pulses.len();
        }
    }
}

/// What a bit did in one window.
#[derive(Debug)]
pub(super) struct FollowedWindow {
    pub(super) window: u16,
    /// The level at the beginning.
    pub(super) rests_high: bool,
    /// Whether the pulses that have ended are as long as the pattern asks for.
    pub(super) all_fit: bool,
    pub(super) toggles: u64,
    pub(super) pulses: Vec<f64>,
    /// Pulses in all, also those whose length is not kept.
    pub(super) pulse_count: u64,
    /// When the pulse began that has not ended.
    pub(super) begun: Option<f64>,
}

impl FollowedWindow {
    fn new(window: u16, rests_high: bool) -> Self {
        Self { window, rests_high, all_fit: true, toggles: 0, pulses: Vec::new(), pulse_count: 0, begun: None }
    }

    #[inline]
    fn toggle(&mut self, moment: &Moment, is_high: bool, room: &mut Room) {
        self.toggles += 1;
        if !moment.counts_pulses {
            self.rests_high = is_high;
        } else if is_high != self.rests_high {
            self.begun = Some(moment.time);
        } else if let Some(begun) = self.begun.take() {
            let pulse = moment.time - begun;
            self.pulse_count += 1;
            self.all_fit &= moment.pattern.takes(pulse);
            if self.pulses.len() < PULSES_KEPT_MAX && room.pulses > 0 {
                room.pulses -= 1;
                self.pulses.push(pulse);
            }
        }
    }
}

/// The followed bits of a word of 64.
#[derive(Debug, Default)]
pub(super) struct FollowedBits {
    /// Which bits are followed; their entries stand in this order.
    mask: u64,
    entries: Vec<FollowedBit>,
}

impl FollowedBits {
    /// Takes a toggle of some bits, with the bits after it; returns the bits that there is no room for.
    #[inline]
    pub(super) fn toggle(&mut self, changed: u64, value: u64, moment: &Moment, window: u16, room: &mut Room) -> u64 {
        let (mut left, mut refused) = (changed, 0_u64);
        while left != 0 {
            let bit = left.trailing_zeros();
            left &= left - 1;
            let is_high = value >> bit & 1 == 1;
            let place = (self.mask & ((1 << bit) - 1)).count_ones() as usize;
            let is_followed = self.mask >> bit & 1 == 1;
            if !is_followed && !self.follow(bit, place, FollowedWindow::new(window, !is_high), moment, room) {
                refused |= 1 << bit;
                continue;
            }
            let found = &mut self.entries[place];
            if found.last.window != window {
                if room.windows == 0 {
                    refused |= 1 << bit;
                    continue;
                }
                room.windows -= 1;
                let before = std::mem::replace(&mut found.last, FollowedWindow::new(window, !is_high));
                found.earlier.reserve_exact(1);
                found.earlier.push(before);
            }
            found.last.toggle(moment, is_high, room);
        }
        room.bits_refused += u64::from(refused.count_ones());
        self.leave(refused, room);
        refused
    }

    /// Begins to follow a bit; returns false where there is no room.
    #[cold]
    fn follow(&mut self, bit: u32, place: usize, first: FollowedWindow, moment: &Moment, room: &mut Room) -> bool {
        if room.bits == 0 || room.windows == 0 {
            return false;
        }
        room.bits -= 1;
        room.windows -= 1;
        self.mask |= 1 << bit;
        if self.entries.len() == self.entries.capacity() {
            // A few more at a time: twice as many would leave half of the memory unused.
            self.entries.reserve_exact(self.entries.len() / 4 + 1);
        }
        let followed = FollowedBit { order: moment.order, first_time: moment.time, last: first, earlier: Vec::new() };
        self.entries.insert(place, followed);
        true
    }

    /// Stops following bits.
    #[inline]
    pub(super) fn leave(&mut self, bits: u64, room: &mut Room) {
        let mut gone = self.mask & bits;
        while gone != 0 {
            let bit = gone.trailing_zeros();
            gone &= gone - 1;
            let place = (self.mask & ((1 << bit) - 1)).count_ones() as usize;
            self.mask &= !(1 << bit);
            self.entries.remove(place).give_back(room);
        }
    }

    /// Returns the bits that are followed.
    pub(super) fn into_bits(self) -> impl Iterator<Item = (u32, FollowedBit)> {
        let mask = self.mask;
        (0..64).filter(move |bit| mask >> bit & 1 == 1).zip(self.entries)
    }
}
