//! What each panda does, as `pandaStates` events tell it.
//!
//! A panda is the device between openpilot and the buses; it refuses what its safety rules do not allow. A field
//! that an older log lacks reads as its default: 0 or false.

use super::SafetyModel;
use super::capnp::{Budget, Struct, StructList};
use super::events::{CONTENT, Event, EventKind};
use crate::PointerFault;

/// Where the fields lie: bytes, or bytes and bits, of the data.
mod layout {
    pub(super) const VOLTAGE: usize = 0;
    pub(super) const CURRENT: usize = 4;
    pub(super) const IGNITION_LINE: (usize, u8) = (8, 0);
    pub(super) const CONTROLS_ALLOWED: (usize, u8) = (8, 1);
    pub(super) const IGNITION_CAN: (usize, u8) = (8, 5);
    pub(super) const POWER_SAVE_ENABLED: (usize, u8) = (8, 6);
    pub(super) const HEARTBEAT_LOST: (usize, u8) = (8, 7);
    pub(super) const RX_BUFFER_OVERFLOW: usize = 12;
    pub(super) const TX_BUFFER_OVERFLOW: usize = 16;
    pub(super) const SAFETY_MODEL: usize = 28;
    pub(super) const UPTIME: usize = 32;
    pub(super) const SAFETY_RX_INVALID: usize = 36;
    pub(super) const ALTERNATIVE_EXPERIENCE: usize = 44;
    pub(super) const SAFETY_PARAM: usize = 46;
    pub(super) const SAFETY_TX_BLOCKED: usize = 48;
    pub(super) const SAFETY_RX_CHECKS_INVALID: (usize, u8) = (60, 0);
}

/// What one panda does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PandaState {
    /// The voltage of its supply in mV.
    pub voltage: u32,
    /// The current that it takes in mA.
    pub current: u32,
    /// Whether a wire says that the ignition is on.
    pub ignition_line: bool,
    /// Whether frames say that the ignition is on.
    pub ignition_can: bool,
    /// Whether openpilot may control the car.
    pub controls_allowed: bool,
    /// Whether it saves power.
    pub power_save_enabled: bool,
    /// Whether it has not heard from openpilot for too long.
    pub heartbeat_lost: bool,
    /// Frames that it received and had no room for.
    pub rx_buffer_overflow: u32,
    /// Frames that it was to send and had no room for.
    pub tx_buffer_overflow: u32,
    /// Which rules decide what may be sent.
    pub safety_model: SafetyModel,
    /// The variant of these rules; bits that mean something else in every model.
    pub safety_param: u16,
    /// What the driver wants otherwise than usual; bits.
    pub alternative_experience: i16,
    /// Seconds since it started.
    pub uptime: u32,
    /// Frames with a wrong checksum or counter.
    pub safety_rx_invalid: u32,
    /// Whether frames that the rules need are missing or wrong.
    pub safety_rx_checks_invalid: bool,
    /// Frames that the rules refused to send.
    pub safety_tx_blocked: u32,
}

impl PandaState {
    fn read(state: Struct<'_>) -> Self {
        let bit = |(byte, bit)| state.bit(byte, bit);
        Self {
            voltage: state.u32(layout::VOLTAGE),
            current: state.u32(layout::CURRENT),
            ignition_line: bit(layout::IGNITION_LINE),
            ignition_can: bit(layout::IGNITION_CAN),
            controls_allowed: bit(layout::CONTROLS_ALLOWED),
            power_save_enabled: bit(layout::POWER_SAVE_ENABLED),
            heartbeat_lost: bit(layout::HEARTBEAT_LOST),
            rx_buffer_overflow: state.u32(layout::RX_BUFFER_OVERFLOW),
            tx_buffer_overflow: state.u32(layout::TX_BUFFER_OVERFLOW),
            safety_model: SafetyModel(state.u16(layout::SAFETY_MODEL)),
            safety_param: state.u16(layout::SAFETY_PARAM),
            alternative_experience: state.i16(layout::ALTERNATIVE_EXPERIENCE),
            uptime: state.u32(layout::UPTIME),
            safety_rx_invalid: state.u32(layout::SAFETY_RX_INVALID),
            safety_rx_checks_invalid: bit(layout::SAFETY_RX_CHECKS_INVALID),
            safety_tx_blocked: state.u32(layout::SAFETY_TX_BLOCKED),
        }
    }
}

impl<'a> Event<'a> {
    /// Returns the states of a `pandaStates` event, of which other kinds have none; one for each panda.
    ///
    /// # Errors
    /// When a pointer of the message leads to a place where no states can be.
    pub fn panda_states(&self) -> Result<PandaStates<'a>, PointerFault> {
        if self.kind != EventKind::PandaStates {
            return Ok(PandaStates { list: None, next: 0 });
        }
        let list = self.root.structs(CONTENT)?;
        list.check_len(&mut Budget::for_message(self.root.message()))?;
        Ok(PandaStates { list: Some(list), next: 0 })
    }
}

/// The states of an event, in its order, which is that of the pandas.
#[derive(Clone, Debug)]
pub struct PandaStates<'a> {
    list: Option<StructList<'a>>,
    next: u32,
}

impl Iterator for PandaStates<'_> {
    type Item = PandaState;

    fn next(&mut self) -> Option<PandaState> {
        let state = self.list.as_ref()?.get(self.next)?;
        self.next += 1;
        Some(PandaState::read(state))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.list.as_ref().map_or(0, |list| list.len() - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for PandaStates<'_> {}
