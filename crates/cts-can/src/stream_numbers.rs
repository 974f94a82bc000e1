//! A number for each bus and address, in the order in which they are first seen.
//!
//! There is room for more of them than any car has, and for no more.

use std::collections::HashMap;

use crate::frame::{Address, Bus, STANDARD_ADDRESS_MAX};

/// How many streams are told apart.
pub const STREAMS_MAX: usize = 4096;

/// Addresses of standard frames.
const STANDARD_ADDRESSES: usize = STANDARD_ADDRESS_MAX as usize + 1;

/// A place in a table that has no stream.
const NONE: u16 = u16::MAX;

/// The numbers of all streams so far.
#[derive(Debug)]
pub(crate) struct StreamNumbers {
    by_bus: [Option<Box<[u16; STANDARD_ADDRESSES]>>; 256],
    extended: HashMap<(Bus, Address), u16>,
    count: u16,
}

impl Default for StreamNumbers {
    fn default() -> Self {
        Self { by_bus: [const { None }; 256], extended: HashMap::new(), count: 0 }
    }
}

impl StreamNumbers {
    /// Returns the number of a stream, the next one where it is new; none where there are [`STREAMS_MAX`] others.
    #[inline]
    pub(crate) fn number(&mut self, bus: Bus, address: Address) -> Option<usize> {
        let known = match self.by_bus[usize::from(bus.0)].as_deref() {
            Some(standard) if !address.is_extended() => standard[address.0 as usize],
            _ => self.extended.get(&(bus, address)).copied().unwrap_or(NONE),
        };
        if known == NONE { self.add(bus, address) } else { Some(usize::from(known)) }
    }

    #[cold]
    fn add(&mut self, bus: Bus, address: Address) -> Option<usize> {
        if usize::from(self.count) == STREAMS_MAX {
            return None;
        }
        let number = self.count;
        self.count += 1;
        if address.is_extended() {
            self.extended.insert((bus, address), number);
        } else {
            let standard = self.by_bus[usize::from(bus.0)].get_or_insert_with(|| Box::new([NONE; STANDARD_ADDRESSES]));
            standard[address.0 as usize] = number;
        }
        Some(usize::from(number))
    }
}
