//! The messages of one Subaru that the Python tool knows, and how it decodes them.
//!
//! Addresses stand for every bus. A payload is one little-endian number, and one of fewer than 8 bytes is not decoded.
//! The set speed is read as the tool reads it, which is not as the car sends it.

use crate::frame::Address;
use crate::markers::BlinkerChange;

/// The most that a wheel may show; the Python tool gives up on the whole log where one shows more.
const WHEEL_KPH_MAX: f64 = 400.0;

const KPH_PER_STEP: f64 = 0.057;
const MPH_PER_KPH: f64 = 0.621_371;

/// One of the five messages whose bits are counted, in the order of the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The speeds of the four wheels.
    WheelSpeeds,
    /// The buttons on the steering wheel.
    CruiseButtons,
    /// Whether cruise control is on, and the set speed.
    CruiseStatus,
    /// Braking that cruise control asks for.
    EsBrake,
    /// The brake pedal, which is counted only.
    BrakePedal,
}

impl Target {
    /// All of them, in the order of the tool.
    pub const ALL: [Self; 5] =
        [Self::WheelSpeeds, Self::CruiseButtons, Self::CruiseStatus, Self::EsBrake, Self::BrakePedal];

    /// Returns where the message is sent.
    #[must_use]
    pub fn address(self) -> Address {
        Address(match self {
            Self::WheelSpeeds => 0x13A,
            Self::CruiseButtons => 0x146,
            Self::CruiseStatus => 0x241,
            Self::EsBrake => 0x220,
            Self::BrakePedal => 0x139,
        })
    }

    /// Returns the message's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WheelSpeeds => "Wheel_Speeds",
            Self::CruiseButtons => "Cruise_Buttons",
            Self::CruiseStatus => "Cruise_Status",
            Self::EsBrake => "ES_Brake",
            Self::BrakePedal => "Brake_Pedal",
        }
    }

    /// Returns the message with this address.
    #[inline]
    pub(super) fn of(address: Address) -> Option<Self> {
        Some(match address.0 {
            0x13A => Self::WheelSpeeds,
            0x146 => Self::CruiseButtons,
            0x241 => Self::CruiseStatus,
            0x220 => Self::EsBrake,
            0x139 => Self::BrakePedal,
            _ => return None,
        })
    }
}

/// Where the blinkers are told.
pub(super) const DASHLIGHTS: Address = Address(0x390);

/// The bit of the set button.
pub(super) const SET_BIT: u16 = 43;

/// Returns the first 8 bytes of a payload as one number.
#[inline]
pub(super) fn word(data: &[u8]) -> Option<u64> {
    data.first_chunk().copied().map(u64::from_le_bytes)
}

fn bit(word: u64, number: u32) -> bool {
    word >> number & 1 == 1
}

fn field(word: u64, first: u32, bits: u32) -> u16 {
    let kept = (word >> first) & ((1 << bits) - 1);
    u16::try_from(kept).expect("fields have at most 13 bits")
}

/// Returns the mean of the four wheels in miles an hour, or none where one shows more than any wheel can.
pub(super) fn wheel_speed_mph(word: u64) -> Option<f64> {
    let [fl, fr, rl, rr] = [51, 12, 38, 25].map(|first| f64::from(field(word, first, 13)) * KPH_PER_STEP);
    let is_possible = [fl, fr, rl, rr].iter().all(|kph| *kph <= WHEEL_KPH_MAX);
    is_possible.then(|| (fl + fr + rl + rr) / 4.0 * MPH_PER_KPH)
}

/// The buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Buttons {
    pub(super) main: bool,
    pub(super) set: bool,
    pub(super) resume: bool,
}

impl Buttons {
    pub(super) fn decode(word: u64) -> Self {
        Self { main: bit(word, 42), set: bit(word, u32::from(SET_BIT)), resume: bit(word, 44) }
    }
}

/// The state of cruise control as the tool sees it: its set speed shares bits with the two others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) set_speed: u16,
    pub(super) on: bool,
    pub(super) activated: bool,
}

impl Status {
    pub(super) fn decode(word: u64) -> Self {
        Self { set_speed: field(word, 51, 12), on: bit(word, 54), activated: bit(word, 55) }
    }
}

/// Braking by cruise control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Brake {
    pub(super) active: bool,
    pub(super) activated: bool,
}

impl Brake {
    pub(super) fn decode(word: u64) -> Self {
        Self { active: bit(word, 38), activated: bit(word, 39) }
    }
}

/// Returns the state of the blinkers.
pub(super) fn blinkers(time: f64, word: u64) -> BlinkerChange {
    BlinkerChange { time, left: bit(word, 50), right: bit(word, 51) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_found_by_its_address() {
        for target in Target::ALL {
            assert_eq!(Target::of(target.address()), Some(target));
        }
        assert_eq!(Target::of(DASHLIGHTS), None);
    }

    #[test]
    fn a_short_payload_is_not_decoded_and_a_long_one_by_its_first_bytes() {
        assert_eq!(word(&[1; 7]), None);
        assert_eq!(word(&[1, 0, 0, 0, 0, 0, 0, 0x80]), Some(1 | 0x80 << 56));
        assert_eq!(word(&[2, 0, 0, 0, 0, 0, 0, 0, 9]), Some(2));
    }

    #[test]
    fn wheels_have_their_own_bits() {
        // One step of one wheel is a quarter of a step of the mean.
        for first in [12, 25, 38, 51] {
            assert_eq!(wheel_speed_mph(1 << first), Some(0.057 / 4.0 * 0.621_371), "bits from {first}");
        }
        assert_eq!(wheel_speed_mph(0xFFF), Some(0.0), "counter and checksum are no speed");
    }

    #[test]
    fn a_wheel_above_400_is_no_speed() {
        // 7017 steps are 399.969 km/h, 7018 are 400.026.
        assert!(wheel_speed_mph(7017 << 51).is_some());
        for first in [12, 25, 38, 51] {
            assert_eq!(wheel_speed_mph(7018 << first), None, "bits from {first}");
        }
    }

    #[test]
    fn flags_have_their_own_bits() {
        assert_eq!(Buttons::decode(1 << 42), Buttons { main: true, set: false, resume: false });
        assert_eq!(Buttons::decode(1 << 43), Buttons { main: false, set: true, resume: false });
        assert_eq!(Buttons::decode(1 << 44), Buttons { main: false, set: false, resume: true });
        assert_eq!(Status::decode(1 << 54), Status { set_speed: 8, on: true, activated: false });
        assert_eq!(Status::decode(1 << 55), Status { set_speed: 16, on: false, activated: true });
        assert_eq!(Status::decode(u64::MAX).set_speed, 4095, "more than 500 is no error");
        assert_eq!(Brake::decode(1 << 38), Brake { active: true, activated: false });
        assert_eq!(Brake::decode(1 << 39), Brake { active: false, activated: true });
        assert_eq!(blinkers(1.0, 1 << 50), BlinkerChange { time: 1.0, left: true, right: false });
        assert_eq!(blinkers(1.0, 1 << 51), BlinkerChange { time: 1.0, left: false, right: true });
    }
}
