//! What a message of a log says: an event with a time, a kind and the kind's content.
//!
//! A discriminant is not the ordinal of the schema: `valid` (67) stands outside the union, so kinds before it
//! are ordinal - 1 and kinds after it ordinal - 2. A kind that is not in the table is no error; newer
//! software writes newer kinds.

use super::capnp::{Budget, Message, Struct, StructList};
use crate::PointerFault;
use crate::frame::{Address, Bus, Frame};

/// How many kinds of event the schema knows (openpilot 0.10): discriminants from 0 to one less.
pub const EVENT_KINDS: u16 = 148;

pub(super) const INIT_DATA: u16 = 0;
const CAN: u16 = 4;
const SENDCAN: u16 = 16;
const CAR_STATE: u16 = 21;
const CAR_PARAMS: u16 = 67;
pub(super) const SENTINEL: u16 = 71;
const PANDA_STATES: u16 = 79;
const SELFDRIVE_STATE: u16 = 128;

/// The pointer of an event that leads to its content, whatever its kind is.
pub(super) const CONTENT: u16 = 0;

/// Where the fields of an event and of a frame lie in their data.
mod layout {
    pub(super) const EVENT_MONO_TIME: usize = 0;
    pub(super) const EVENT_KIND: usize = 8;
    pub(super) const EVENT_INVALID: usize = 10;
    pub(super) const FRAME_ADDRESS: usize = 0;
    pub(super) const FRAME_SOURCE: usize = 6;
    pub(super) const FRAME_DATA: u16 = 0;
}

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// Frames that were seen on the buses.
    Can,
    /// Frames that openpilot asked to be sent.
    SendCan,
    /// What the car does: speed, pedals, blinkers, cruise control; see [`Event::car_state`].
    CarState,
    /// Which car it is; see [`Event::car_params`].
    CarParams,
    /// What each panda (the device between openpilot and the buses) does; see [`Event::panda_states`].
    PandaStates,
    /// Whether openpilot drives; see [`Event::selfdrive_state`].
    SelfdriveState,
    /// Another kind of the schema, with its discriminant.
    Other(u16),
    /// A kind that the schema does not know, with its discriminant.
    Unknown(u16),
}

impl EventKind {
    /// Returns the kind with this discriminant.
    #[must_use]
    pub fn from_discriminant(discriminant: u16) -> Self {
        match discriminant {
            CAN => Self::Can,
            SENDCAN => Self::SendCan,
            CAR_STATE => Self::CarState,
            CAR_PARAMS => Self::CarParams,
            PANDA_STATES => Self::PandaStates,
            SELFDRIVE_STATE => Self::SelfdriveState,
            0..EVENT_KINDS => Self::Other(discriminant),
            EVENT_KINDS.. => Self::Unknown(discriminant),
        }
    }
}

/// One event of a log.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Nanoseconds since the device booted (`logMonoTime`). Events need not be in the order of time.
    pub mono_time: u64,
    /// What it is about.
    pub kind: EventKind,
    /// What its sender thought of its own content.
    pub valid: bool,
    pub(super) root: Struct<'a>,
}

impl<'a> Event<'a> {
    pub(super) fn read(message: Message<'a>) -> Result<Self, PointerFault> {
        let root = message.root()?;
        Ok(Self {
            mono_time: root.u64(layout::EVENT_MONO_TIME),
            kind: EventKind::from_discriminant(root.u16(layout::EVENT_KIND)),
            // Stored inverted, because the default is true.
            valid: root.u8(layout::EVENT_INVALID) & 1 == 0,
            root,
        })
    }

    /// Returns the frames of a `can` or `sendcan` event, of which other kinds have none.
    ///
    /// All of them are checked here, so an event gives every frame or none.
    ///
    /// # Errors
    /// When a pointer of the message leads to a place where no frame can be.
    pub fn frames(&self) -> Result<Frames<'a>, PointerFault> {
        if !matches!(self.kind, EventKind::Can | EventKind::SendCan) {
            return Ok(Frames { list: None, next: 0 });
        }
        let list = self.root.structs(CONTENT)?;
        list.check_bytes(layout::FRAME_DATA, &mut Budget::for_message(self.root.message()))?;
        Ok(Frames { list: Some(list), next: 0 })
    }
}

/// The frames of an event, in its order.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    list: Option<StructList<'a>>,
    next: u32,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    #[inline]
    fn next(&mut self) -> Option<Frame<'a>> {
        let element = self.list.as_ref()?.get(self.next)?;
        self.next += 1;
        Some(Frame {
            address: Address(element.u32(layout::FRAME_ADDRESS)),
            bus: Bus(element.u8(layout::FRAME_SOURCE)),
            data: element.bytes(layout::FRAME_DATA).unwrap_or_default(),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.list.as_ref().map_or(0, |list| list.len() - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Frames<'_> {}
