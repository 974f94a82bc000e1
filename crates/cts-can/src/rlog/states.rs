//! What the car and openpilot do, as `carState` and `selfdriveState` events tell it.
//!
//! A field that an older log lacks reads as its default: 0 or false. Numbers are as the log has them; a speed can
//! be anything that a float can, also not a number.

use super::events::{CONTENT, Event, EventKind};
use crate::PointerFault;

/// Where the fields lie: bytes, or bytes and bits, of the data; numbers of pointers.
mod layout {
    pub(super) const CAR_V_EGO: usize = 0;
    pub(super) const CAR_GAS_PRESSED: (usize, u8) = (8, 0);
    pub(super) const CAR_BRAKE_PRESSED: (usize, u8) = (8, 1);
    pub(super) const CAR_STANDSTILL: (usize, u8) = (8, 3);
    pub(super) const CAR_LEFT_BLINKER: (usize, u8) = (8, 5);
    pub(super) const CAR_RIGHT_BLINKER: (usize, u8) = (8, 6);
    pub(super) const CAR_CAN_VALID: (usize, u8) = (9, 2);
    pub(super) const CAR_WHEEL_SPEEDS: u16 = 1;
    pub(super) const CAR_CRUISE: u16 = 2;
    pub(super) const CRUISE_ENABLED: (usize, u8) = (0, 0);
    pub(super) const CRUISE_AVAILABLE: (usize, u8) = (0, 1);
    pub(super) const CRUISE_STANDSTILL: (usize, u8) = (0, 2);
    pub(super) const CRUISE_SPEED: usize = 4;
    pub(super) const WHEEL_FRONT_LEFT: usize = 0;
    pub(super) const WHEEL_FRONT_RIGHT: usize = 4;
    pub(super) const WHEEL_REAR_LEFT: usize = 8;
    pub(super) const WHEEL_REAR_RIGHT: usize = 12;
    pub(super) const SELFDRIVE_ENABLED: (usize, u8) = (2, 0);
    pub(super) const SELFDRIVE_ACTIVE: (usize, u8) = (2, 1);
    pub(super) const SELFDRIVE_ENGAGEABLE: (usize, u8) = (2, 2);
}

/// What the car does, as openpilot understands its frames (`carState`).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CarState {
    /// The car's speed in m/s, as openpilot estimates it.
    pub v_ego: f32,
    /// Whether the driver presses the gas pedal.
    pub gas_pressed: bool,
    /// Whether the driver presses the brake pedal.
    pub brake_pressed: bool,
    /// Whether the car stands.
    pub standstill: bool,
    /// Whether the left blinker is on.
    pub left_blinker: bool,
    /// Whether the right blinker is on.
    pub right_blinker: bool,
    /// Whether the frames that openpilot needs come and are right (`canValid`).
    pub can_valid: bool,
    /// The car's own cruise control.
    pub cruise: CruiseState,
    /// The speed of each wheel.
    pub wheel_speeds: WheelSpeeds,
}

/// What the car's own cruise control does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CruiseState {
    /// Whether it drives.
    pub enabled: bool,
    /// Whether its main switch is on.
    pub available: bool,
    /// Whether it holds the car where it stands.
    pub standstill: bool,
    /// The speed that it is set to, in m/s.
    pub speed: f32,
}

/// The speed of each wheel, in m/s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WheelSpeeds {
    /// In front at the left.
    pub front_left: f32,
    /// In front at the right.
    pub front_right: f32,
    /// In the rear at the left.
    pub rear_left: f32,
    /// In the rear at the right.
    pub rear_right: f32,
}

/// Whether openpilot drives (`selfdriveState`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SelfdriveState {
    /// Whether it is engaged.
    pub enabled: bool,
    /// Whether it steers or accelerates at this moment.
    pub active: bool,
    /// Whether it could be engaged.
    pub engageable: bool,
}

impl Event<'_> {
    /// Returns what a `carState` event says; none for other kinds.
    ///
    /// # Errors
    /// When a pointer of the message leads to a place where no such state can be.
    pub fn car_state(&self) -> Result<Option<CarState>, PointerFault> {
        if self.kind != EventKind::CarState {
            return Ok(None);
        }
        let state = self.root.structure(CONTENT)?;
        let bit = |(byte, bit)| state.bit(byte, bit);
        let cruise = state.structure(layout::CAR_CRUISE)?;
        let cruise_bit = |(byte, bit)| cruise.bit(byte, bit);
        let wheels = state.structure(layout::CAR_WHEEL_SPEEDS)?;
        Ok(Some(CarState {
            v_ego: state.f32(layout::CAR_V_EGO),
            gas_pressed: bit(layout::CAR_GAS_PRESSED),
            brake_pressed: bit(layout::CAR_BRAKE_PRESSED),
            standstill: bit(layout::CAR_STANDSTILL),
            left_blinker: bit(layout::CAR_LEFT_BLINKER),
            right_blinker: bit(layout::CAR_RIGHT_BLINKER),
            can_valid: bit(layout::CAR_CAN_VALID),
            cruise: CruiseState {
                enabled: cruise_bit(layout::CRUISE_ENABLED),
                available: cruise_bit(layout::CRUISE_AVAILABLE),
                standstill: cruise_bit(layout::CRUISE_STANDSTILL),
                speed: cruise.f32(layout::CRUISE_SPEED),
            },
            wheel_speeds: WheelSpeeds {
                front_left: wheels.f32(layout::WHEEL_FRONT_LEFT),
                front_right: wheels.f32(layout::WHEEL_FRONT_RIGHT),
                rear_left: wheels.f32(layout::WHEEL_REAR_LEFT),
                rear_right: wheels.f32(layout::WHEEL_REAR_RIGHT),
            },
        }))
    }

    /// Returns what a `selfdriveState` event says; none for other kinds.
    ///
    /// # Errors
    /// When a pointer of the message leads to a place where no such state can be.
    pub fn selfdrive_state(&self) -> Result<Option<SelfdriveState>, PointerFault> {
        if self.kind != EventKind::SelfdriveState {
            return Ok(None);
        }
        let state = self.root.structure(CONTENT)?;
        let bit = |(byte, bit)| state.bit(byte, bit);
        Ok(Some(SelfdriveState {
            enabled: bit(layout::SELFDRIVE_ENABLED),
            active: bit(layout::SELFDRIVE_ACTIVE),
            engageable: bit(layout::SELFDRIVE_ENGAGEABLE),
        }))
    }
}
