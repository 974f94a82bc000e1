//! The frames of a log taken apart: one stream for each bus and address, with its counts and payloads.
//!
//! Streams are numbered in the order in which they are first seen. There is room for more of them than any car has.

use super::payloads::Payloads;
use crate::Error;
use crate::frame::{Address, Bus};
use crate::payload_key::Seeds;
use crate::segments::Segment;
pub use crate::stream_numbers::STREAMS_MAX;
use crate::stream_numbers::StreamNumbers;

/// One bus and address.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) bus: Bus,
    pub(super) address: Address,
    /// Frames before, in and after the window.
    pub(super) frames: [u64; 3],
    pub(super) payloads: Payloads,
    /// The payload that came last.
    pub(super) last: Vec<u8>,
    /// Stretches in the order in which the stream was first seen in them.
    pub(super) segments: Vec<Segment>,
}

/// What counting a frame told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) stream: usize,
    /// The payload is the one of the frame before.
    pub(super) is_repeat: bool,
    /// The payload was never seen on this stream.
    pub(super) is_new: bool,
}

/// All streams.
#[derive(Debug)]
pub(super) struct Streams {
    numbers: StreamNumbers,
    all: Vec<Stream>,
    seeds: Seeds,
    merges_buses: bool,
}

impl Streams {
    pub(super) fn new(merges_buses: bool) -> Self {
        Self { numbers: StreamNumbers::default(), all: Vec::new(), seeds: Seeds::new(), merges_buses }
    }

    pub(super) fn all(&self) -> &[Stream] {
        &self.all
    }

    /// Returns the numbers of all streams by address, then bus.
    pub(super) fn sorted(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.all.len()).collect();
        order.sort_by_key(|index| (self.all[*index].address, self.all[*index].bus));
        order
    }

    pub(super) fn distinct_payloads(&self) -> usize {
        self.all.iter().map(|stream| stream.payloads.distinct()).sum()
    }

    /// Counts a frame.
    #[inline]
    pub(super) fn count(
        &mut self,
        segment: Segment,
        bus: Bus,
        address: Address,
        payload: &[u8],
    ) -> Result<Counted, Error> {
        let number = self.number(if self.merges_buses { Bus(0) } else { bus }, address)?;
        let stream = &mut self.all[number];
        if stream.frames[segment as usize] == 0 {
            stream.segments.push(segment);
        }
        let is_first = stream.frames == [0; 3];
        stream.frames[segment as usize] += 1;
        if !is_first && stream.last == payload {
            stream.payloads.repeat(segment, payload);
            return Ok(Counted { stream: number, is_repeat: true, is_new: false });
        }
        stream.last.clear();
        stream.last.extend_from_slice(payload);
        let is_new = stream.payloads.add(segment, payload, &self.seeds);
        Ok(Counted { stream: number, is_repeat: false, is_new })
    }

    #[inline]
    fn number(&mut self, bus: Bus, address: Address) -> Result<usize, Error> {
        let number = self.numbers.number(bus, address).ok_or(Error::TooManyAddresses(STREAMS_MAX))?;
        if number == self.all.len() {
            self.add(bus, address);
        }
        Ok(number)
    }

    #[cold]
    fn add(&mut self, bus: Bus, address: Address) {
        self.all.push(Stream {
            bus,
            address,
            frames: [0; 3],
            payloads: Payloads::default(),
            last: Vec::new(),
            segments: Vec::new(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_of_more_addresses_than_any_car_has_is_refused() {
        let mut streams = Streams::new(false);
        for address in 0..STREAMS_MAX {
            streams.count(Segment::Pre, Bus(0), Address(u32::try_from(address).unwrap()), &[]).unwrap();
        }
        assert!(streams.count(Segment::Pre, Bus(0), Address(3), &[]).is_ok());
        assert!(matches!(streams.count(Segment::Pre, Bus(1), Address(3), &[]), Err(Error::TooManyAddresses(_))));
    }
}
