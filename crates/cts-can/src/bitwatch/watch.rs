//! Which bits a user wants to see every edge of, in either notation.
//!
//! `0x027:B4b5` names byte 4 and, in it, bit 5 counted from the most significant one. `0x027:34` names the same bit by
//! its number over the whole payload, where bit 0 is the least significant one of byte 0. `0x027@1:34` is the bit on bus
//! 1 only.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::frame::{Address, Bus};

/// The last byte that can be watched.
const BYTE_MAX: u32 = 63;

/// Behind the last bit that can be watched.
const BITS: u32 = 8 * (BYTE_MAX + 1);

/// One bit to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The bus; none for every one.
    pub bus: Option<Bus>,
    /// The address.
    pub address: Address,
    /// The bit, 8 × byte + bit, where bit 0 is the least significant one of its byte.
    pub bit: u16,
    /// Whether it was given by byte and bit, the only way that the Python tool knows.
    pub by_byte: bool,
}

/// Why a text names no bit.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchFault {
    /// Nothing tells the bit.
    #[error("a bit to watch looks like 0x027:B4b5 or 0x027:34, and this has no colon")]
    NoColon,
    /// The address cannot be read.
    #[error("the address is no number of 32 bits: 0x and hexadecimal digits, or decimal")]
    BadAddress,
    /// The bus cannot be read.
    #[error("the bus is no number from 0 to 255")]
    BadBus,
    /// The bit cannot be read.
    #[error("the bit is neither a number nor B<byte>b<bit>")]
    BadBit,
    /// A byte has eight bits.
    #[error("the bit of a byte is a number from 0 to 7")]
    BitOfByteTooHigh,
    /// A payload has 64 bytes.
    #[error("the bit lies behind the 64 bytes of the longest payload")]
    TooHigh,
}

impl FromStr for Watch {
    type Err = WatchFault;

    fn from_str(text: &str) -> Result<Self, WatchFault> {
        let (place, bit) = text.trim().split_once(':').ok_or(WatchFault::NoColon)?;
        let (address, bus) = match place.split_once('@') {
            Some((address, bus)) => (address, Some(Bus(bus.parse().map_err(|_| WatchFault::BadBus)?))),
            None => (place, None),
        };
        let address = parse_address(address.trim()).map(Address).ok_or(WatchFault::BadAddress)?;
        let (by_byte, bit) = match bit.strip_prefix('B') {
            Some(label) => (true, msb_bit(label)?),
            None => (false, number(bit).ok_or(WatchFault::BadBit)?),
        };
        let bit = Some(bit).filter(|bit| *bit < BITS).and_then(|bit| u16::try_from(bit).ok());
        let bit = bit.ok_or(WatchFault::TooHigh)?;
        Ok(Self { bus, address, bit, by_byte })
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if let Some(bus) = self.bus {
            write!(f, "@{bus}")?;
        }
        write!(f, ":{}", msb_name(self.bit))
    }
}

/// Returns a bit as `B4b5`.
pub(super) fn msb_name(bit: u16) -> String {
    format!("B{}b{}", bit / 8, 7 - bit % 8)
}

fn parse_address(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok().or_else(|| u32::from_str_radix(text, 16).ok()),
    }
    .filter(|_| !text.contains(['+', '-']))
}

fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u32::MAX))
}

fn msb_bit(label: &str) -> Result<u32, WatchFault> {
    let (byte, bit) = label.split_once('b').ok_or(WatchFault::BadBit)?;
    let byte = number(byte).ok_or(WatchFault::BadBit)?;
    let bit = number(bit).ok_or(WatchFault::BadBit)?;
    if bit > 7 {
        return Err(WatchFault::BitOfByteTooHigh);
    }
    if byte > BYTE_MAX {
        return Err(WatchFault::TooHigh);
    }
    Ok(8 * byte + 7 - bit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_notations_name_the_same_bit() {
        for text in ["0x027:B4b5", "0x27:34", "39:34", " 0X027:B4b5 "] {
            let watch: Watch = text.parse().unwrap();
            assert_eq!((watch.bus, watch.address, watch.bit), (None, Address(0x27), 34), "{text}");
        }
        let watch: Watch = "0x7F1@1:163".parse().unwrap();
        assert_eq!((watch.bus, watch.bit, watch.to_string().as_str()), (Some(Bus(1)), 163, "0x7F1@1:B20b4"));
    }

    #[test]
    fn a_text_that_names_no_bit_is_refused() {
        for (text, fault) in [
            ("0x10", WatchFault::NoColon),
            ("zz:1", WatchFault::BadAddress),
            ("-1:1", WatchFault::BadAddress),
            ("1@256:1", WatchFault::BadBus),
            ("1:", WatchFault::BadBit),
            ("1:B", WatchFault::BadBit),
            ("1:b1", WatchFault::BadBit),
            ("1:B1b", WatchFault::BadBit),
            ("0x10:B0b8", WatchFault::BitOfByteTooHigh),
            ("1:B64b0", WatchFault::TooHigh),
            ("1:512", WatchFault::TooHigh),
            ("1:99999999999", WatchFault::TooHigh),
        ] {
            assert_eq!(text.parse::<Watch>(), Err(fault), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(bus in prop::option::of(0_u8..), address: u32, bit in 0_u16..512) {
            let watch = Watch { bus: bus.map(Bus), address: Address(address), bit, by_byte: true };
            prop_assert_eq!(watch.to_string().parse::<Watch>(), Ok(watch));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,20}", near in "[0-9xXa-fAB:@b-]{0,14}") {
            let _ = (text.parse::<Watch>(), near.parse::<Watch>());
        }
    }
}
