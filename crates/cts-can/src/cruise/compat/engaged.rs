//! When the car was engaged, told by one bit of one of the five messages.
//!
//! Frames count in the order of time. Where the log has another one they are held and sorted, as many as there is room
//! for; otherwise nothing is kept but the intervals.

use std::num::ParseIntError;

use super::FOUND_MAX;
use super::HELD_STATES_MAX;
use super::limited::Limited;
use super::messages::Target;
use crate::frame::Address;

/// Which bit tells that the car is engaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The message, on every bus.
    pub address: Address,
    /// The bit, counted from the least significant one of the first byte.
    pub bit: u16,
}

impl Selector {
    /// Reads `<hex address>:b<bit>` or `<hex address>:MSB B<bit from the top of 64>`; everything else is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bit) = text.trim().split_once(':')?;
        let digits = address.strip_prefix("0x").or_else(|| address.strip_prefix("0X")).unwrap_or(address);
        let address = Address(digits_only(digits, |digits| u32::from_str_radix(digits, 16))?);
        let bit = match (bit.strip_prefix("MSB B"), bit.strip_prefix('b')) {
            (Some(number), _) => 63_u16.checked_sub(digits_only(number, str::parse)?)?,
            (_, Some(number)) => digits_only(number, str::parse)?,
            (None, None) => return None,
        };
        Some(Self { address, bit })
    }

    /// Returns the message, if it is one of the five that the Python tool looks at.
    #[must_use]
    pub fn target(self) -> Option<Target> {
        Target::of(self.address)
    }

    fn is_set(self, data: &[u8]) -> bool {
        data.get(usize::from(self.bit / 8)).is_some_and(|byte| byte >> (self.bit % 8) & 1 == 1)
    }
}

/// Reads a number that has no sign.
fn digits_only<T>(text: &str, read: impl Fn(&str) -> Result<T, ParseIntError>) -> Option<T> {
    if text.starts_with('+') { None } else { read(text).ok() }
}

/// A stretch in which the car was engaged, with the margin on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EngagedInterval {
    /// Seconds since boot; below 0 where the margin reaches there.
    pub start: f64,
    /// Seconds since boot.
    pub end: f64,
}

/// Intervals in the order of time, padded and merged.
#[derive(Debug)]
struct Intervals {
    margin: f64,
    open: Option<f64>,
    last_time: f64,
    merged: Limited<EngagedInterval>,
}

impl Intervals {
    fn state(&mut self, time: f64, is_engaged: bool) {
        self.last_time = time;
        if is_engaged {
            self.open.get_or_insert(time);
        } else if let Some(start) = self.open.take() {
            self.close(start, time);
        }
    }

    fn close(&mut self, start: f64, end: f64) {
        let (start, end) = (start - self.margin, end + self.margin);
        match self.merged.last_mut() {
            Some(before) if start <= before.end => before.end = before.end.max(end),
            _ => self.merged.push(EngagedInterval { start, end }),
        }
    }

    fn finish(mut self) -> (Vec<EngagedInterval>, u64) {
        if let Some(start) = self.open.take() {
            self.close(start, self.last_time);
        }
        self.merged.into_parts()
    }
}

/// The frames of the message so far.
#[derive(Debug)]
pub(super) struct Engaged {
    selector: Selector,
    intervals: Intervals,
    /// Time and bit of each frame, where they do not come in the order of time.
    held: Option<Limited<(f64, bool)>>,
}

impl Engaged {
    /// Begins with no frame; `is_ordered` tells that they will come in the order of time.
    pub(super) fn new(selector: Selector, margin: f64, is_ordered: bool) -> Self {
        let merged = Limited::new(FOUND_MAX);
        Self {
            selector,
            intervals: Intervals { margin: margin.max(0.0), open: None, last_time: 0.0, merged },
            held: (!is_ordered).then(|| Limited::new(HELD_STATES_MAX)),
        }
    }

    pub(super) fn frame(&mut self, time: f64, address: Address, data: &[u8]) {
        if address != self.selector.address {
            return;
        }
        let is_engaged = self.selector.is_set(data);
        match &mut self.held {
            Some(held) => held.push((time, is_engaged)),
            None => self.intervals.state(time, is_engaged),
        }
    }

    /// Returns the intervals, how many were too many, and how many frames could not be sorted for want of room.
    pub(super) fn finish(mut self) -> (Vec<EngagedInterval>, u64, u64) {
        let (mut held, frames_left_out) = self.held.take().map(Limited::into_parts).unwrap_or_default();
        held.sort_by(|(time, _), (other, _)| time.total_cmp(other));
        for (time, is_engaged) in held {
            self.intervals.state(time, is_engaged);
        }
        let (intervals, intervals_left_out) = self.intervals.finish();
        (intervals, intervals_left_out, frames_left_out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_selector_has_two_forms() {
        let selector = |address, bit| Some(Selector { address: Address(address), bit });
        let rows = [
            ("0x241:b55", selector(0x241, 55)),
            ("241:b0", selector(0x241, 0)),
            ("0X1aBcD:b511", selector(0x1ABCD, 511)),
            (" 0x146:b43 ", selector(0x146, 43)),
            ("0x241:MSB B8", selector(0x241, 55)),
            ("0x241:MSB B0", selector(0x241, 63)),
            ("0x241:MSB B63", selector(0x241, 0)),
            ("0x241:MSB B64", None),
            ("0x027:MSB B5b1", None),
            ("0x241:B4b5", None),
            ("0x241:55", None),
            ("0x241:b", None),
            ("0x241:b-1", None),
            ("0x241:b+1", None),
            ("0x+24:b1", None),
            ("0x241", None),
            (":b1", None),
            ("0x:b1", None),
            ("0x100000000:b1", None),
            ("0x241:b99999999999", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Selector::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_five_messages_can_be_looked_at() {
        let target = |text| Selector::parse(text).unwrap().target();
        assert_eq!((target("0x241:b1"), target("0x027:b46")), (Some(Target::CruiseStatus), None));
    }

    #[test]
    fn a_bit_beyond_the_payload_is_not_set() {
        let selector = Selector { address: Address(1), bit: 9 };
        assert_eq!(
            [&[0, 2][..], &[0xFF], &[], &[0, 0xFD]].map(|data| selector.is_set(data)),
            [true, false, false, false]
        );
    }

    fn intervals(states: &[(f64, bool)], margin: f64, is_ordered: bool) -> Vec<(f64, f64)> {
        let mut engaged = Engaged::new(Selector { address: Address(1), bit: 0 }, margin, is_ordered);
        for (time, is_engaged) in states {
            engaged.frame(*time, Address(1), &[u8::from(*is_engaged)]);
            engaged.frame(*time, Address(2), &[u8::from(!is_engaged)]);
        }
        let (intervals, _, _) = engaged.finish();
        intervals.iter().map(|interval| (interval.start, interval.end)).collect()
    }

    /// Gives one frame a second, `1` engaged and `0` not.
    fn check(states: &str, margin: f64, expected: &[(f64, f64)]) {
        let states: Vec<_> =
            (0_u32..).zip(states.chars()).map(|(second, state)| (f64::from(second), state == '1')).collect();
        assert_eq!(intervals(&states, margin, true), expected, "{states:?}, margin {margin}");
        assert_eq!(intervals(&states, margin, false), expected, "held: {states:?}, margin {margin}");
        let mut turned = states.clone();
        turned.reverse();
        assert_eq!(intervals(&turned, margin, false), expected, "turned: {states:?}, margin {margin}");
    }

    #[test]
    fn an_interval_lasts_until_the_first_frame_that_is_not_engaged() {
        check("", 0.0, &[]);
        check("000", 0.0, &[]);
        check("0110", 0.0, &[(1.0, 3.0)]);
        check("1001000", 0.0, &[(0.0, 1.0), (3.0, 4.0)]);
    }

    #[test]
    fn an_open_interval_ends_at_the_last_frame() {
        check("0111", 0.0, &[(1.0, 3.0)]);
        check("01", 0.0, &[(1.0, 1.0)]);
    }

    #[test]
    fn a_margin_widens_and_merges() {
        check("0001000", 0.5, &[(2.5, 4.5)]);
        check("1000", 0.5, &[(-0.5, 1.5)]);
        check("0100100", 1.0, &[(0.0, 6.0)]);
        check("0100100", 0.75, &[(0.25, 2.75), (3.25, 5.75)]);
        // They touch at 3.5.
        check("0010010", 0.5, &[(1.5, 3.5), (4.5, 6.5)]);
        check("001010", 0.5, &[(1.5, 5.5)]);
        check("01010", -3.0, &[(1.0, 2.0), (3.0, 4.0)]);
    }

    #[test]
    fn frames_of_one_moment_keep_the_order_of_the_log() {
        let states = [(5.0, false), (1.0, true), (3.0, true), (3.0, false), (4.0, true)];
        assert_eq!(intervals(&states, 0.0, false), [(1.0, 3.0), (4.0, 5.0)]);
        let states = [(5.0, false), (1.0, true), (3.0, false), (3.0, true), (4.0, true)];
        // It ends and begins in one moment, so both parts touch.
        assert_eq!(intervals(&states, 0.0, false), [(1.0, 5.0)]);
    }

    #[test]
    fn what_there_is_no_room_for_is_counted() {
        let selector = Selector { address: Address(1), bit: 0 };
        let mut engaged = Engaged::new(selector, 0.0, true);
        for number in 0..=2 * FOUND_MAX {
            engaged.frame(number as f64, Address(1), &[u8::from(number % 2 == 0)]);
        }
        let (intervals, left_out, _) = engaged.finish();
        assert_eq!((intervals.len(), left_out), (FOUND_MAX, 1));
        let mut engaged = Engaged::new(selector, 0.0, false);
        for _ in 0..HELD_STATES_MAX + 7 {
            engaged.frame(1.0, Address(1), &[0]);
        }
        assert_eq!(engaged.finish(), (Vec::new(), 0, 7));
    }

    proptest! {
        #[test]
        fn held_and_sorted_frames_give_the_same_intervals(
            states in prop::collection::vec((0_u32..50, any::<bool>()), 0..60),
            margin in 0_u32..3,
        ) {
            let states: Vec<_> = states.iter().map(|(time, state)| (f64::from(*time) / 4.0, *state)).collect();
            let mut sorted = states.clone();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            let margin = f64::from(margin) / 4.0;
            prop_assert_eq!(intervals(&states, margin, false), intervals(&sorted, margin, true));
        }
    }
}
