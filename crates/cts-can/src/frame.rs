//! One CAN frame as a log holds it: address, bus, payload.
//!
//! A frame borrows its payload from the message it was read from. Lengths are not judged here: a payload
//! is what the log says, 0 to 8 bytes for classic CAN and up to 64 for CAN-FD.

use std::fmt;

/// The highest address that fits the 11 bits of a standard frame; longer ones are extended.
pub const STANDARD_ADDRESS_MAX: u32 = 0x7FF;

/// The longest payload of a classic CAN frame; longer ones are CAN-FD.
pub const CLASSIC_PAYLOAD_BYTES_MAX: usize = 8;

/// The address of a frame, which names the message and its priority on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub u32);

impl Address {
    /// Returns whether the address needs the 29 bits of an extended frame.
    #[must_use]
    pub fn is_extended(self) -> bool {
        self.0 > STANDARD_ADDRESS_MAX
    }
}

/// Writes `0x` and upper-case hexadecimal digits, at least three.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:03X}", self.0)
    }
}

/// Where a frame was seen: the `src` of a log, which is a bus number and what happened to the frame.
///
/// 0 to 127 is a bus that the frame was received on, with 128 added for the echo of a frame that was sent,
/// with 192 added for one that the safety rules refused to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bus(pub u8);

impl Bus {
    /// Returns what happened to a frame with this `src` in a `can` event.
    #[must_use]
    pub fn origin(self) -> Origin {
        match self.0 {
            0..=127 => Origin::Received,
            128..=191 => Origin::Echoed,
            192..=255 => Origin::Rejected,
        }
    }

    /// Returns the bus itself, with the marks of echoes and refused frames taken off.
    #[must_use]
    pub fn physical(self) -> Self {
        match self.origin() {
            Origin::Echoed | Origin::Rejected => Self(self.0 & 0x3F),
            Origin::Received | Origin::Requested => self,
        }
    }
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What happened to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// Another device on the bus sent it.
    Received,
    /// openpilot asked for it and it was put on the bus.
    Echoed,
    /// openpilot asked for it and the safety rules refused it.
    Rejected,
    /// openpilot asked for it (`sendcan`); what came of it is told by an echo.
    Requested,
}

impl Origin {
    /// Returns the word for it in tables: `received`, `echoed`, `rejected` or `requested`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Echoed => "echoed",
            Self::Rejected => "rejected",
            Self::Requested => "requested",
        }
    }
}

/// Returns the word for a kind of frame in tables: `standard` or `extended`, with `_fd` behind it where the payload is
/// too long for classic CAN.
pub(crate) fn format_name(address: Address, is_fd: bool) -> &'static str {
    match (address.is_extended(), is_fd) {
        (false, false) => "standard",
        (true, false) => "extended",
        (false, true) => "standard_fd",
        (true, true) => "extended_fd",
    }
}

/// One CAN frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the frame is about.
    pub address: Address,
    /// Where it was seen.
    pub bus: Bus,
    /// Its payload.
    pub data: &'a [u8],
}

impl Frame<'_> {
    /// Returns whether the payload is too long for classic CAN. Shorter CAN-FD frames cannot be told apart.
    #[must_use]
    pub fn is_fd(&self) -> bool {
        self.data.len() > CLASSIC_PAYLOAD_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_at_least_three_digits() {
        let texts: Vec<String> = [0, 0x7FF, 0x800, 0x18DA_F110].map(|a| Address(a).to_string()).into();
        assert_eq!(texts, ["0x000", "0x7FF", "0x800", "0x18DAF110"]);
    }

    #[test]
    fn a_source_is_a_bus_and_what_happened() {
        let rows = [
            (0, Origin::Received, 0),
            (6, Origin::Received, 6),
            (127, Origin::Received, 127),
            (128, Origin::Echoed, 0),
            (130, Origin::Echoed, 2),
            (193, Origin::Rejected, 1),
            (255, Origin::Rejected, 63),
        ];
        for (source, origin, physical) in rows {
            assert_eq!((Bus(source).origin(), Bus(source).physical()), (origin, Bus(physical)), "source {source}");
        }
    }
}
