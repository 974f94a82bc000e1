//! Which frames a user wants to see: by bus, by address, by time.
//!
//! An empty filter lets everything pass. Conditions are joined by *and*, the values of one by *or*.

use crate::frame::{Address, Bus, Frame};

/// A choice of frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrameFilter {
    /// Buses as the log has them, so with 128 added for echoes; none means all.
    pub buses: Vec<Bus>,
    /// Addresses; none means all.
    pub addresses: Vec<Address>,
    /// The first moment, in seconds after the first `can` event.
    pub from: Option<f64>,
    /// The last moment, in the same seconds; it belongs to the choice.
    pub to: Option<f64>,
}

/// A filter in the form that is quick to ask.
#[derive(Debug)]
pub(crate) struct PreparedFilter {
    buses: Option<Box<[bool; 256]>>,
    addresses: Option<Vec<Address>>,
    from: f64,
    to: f64,
}

impl PreparedFilter {
    pub(crate) fn new(filter: &FrameFilter) -> Self {
        let buses = (!filter.buses.is_empty()).then(|| {
            let mut wanted = Box::new([false; 256]);
            for bus in &filter.buses {
                wanted[usize::from(bus.0)] = true;
            }
            wanted
        });
        let addresses = (!filter.addresses.is_empty()).then(|| {
            let mut wanted = filter.addresses.clone();
            wanted.sort_unstable();
            wanted
        });
        let (from, to) = (filter.from.unwrap_or(f64::NEG_INFINITY), filter.to.unwrap_or(f64::INFINITY));
        Self { buses, addresses, from, to }
    }

    pub(crate) fn takes_time(&self, seconds: f64) -> bool {
        self.from <= seconds && seconds <= self.to
    }

    #[inline]
    pub(crate) fn takes_frame(&self, frame: &Frame<'_>) -> bool {
        let bus = self.buses.as_ref().is_none_or(|wanted| wanted[usize::from(frame.bus.0)]);
        bus && self.addresses.as_ref().is_none_or(|wanted| wanted.binary_search(&frame.address).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(filter: &FrameFilter, bus: u8, address: u32) -> bool {
        PreparedFilter::new(filter).takes_frame(&Frame { address: Address(address), bus: Bus(bus), data: &[] })
    }

    #[test]
    fn an_empty_filter_takes_everything() {
        let filter = FrameFilter::default();
        assert!(takes(&filter, 255, u32::MAX));
        assert!(PreparedFilter::new(&filter).takes_time(-1e9));
    }

    #[test]
    fn conditions_are_joined_by_and_values_by_or() {
        let filter = FrameFilter {
            buses: vec![Bus(1), Bus(0)],
            addresses: vec![Address(0x30), Address(0x10), Address(0x20)],
            ..FrameFilter::default()
        };
        let cases = [(0, 0x10, true), (1, 0x30, true), (2, 0x10, false), (0, 0x11, false)];
        for (bus, address, expected) in cases {
            assert_eq!(takes(&filter, bus, address), expected, "bus {bus}, address {address:#x}");
        }
    }

    #[test]
    fn both_ends_of_the_time_are_taken() {
        let filter = PreparedFilter::new(&FrameFilter { from: Some(1.0), to: Some(2.0), ..FrameFilter::default() });
        assert_eq!([0.99, 1.0, 2.0, 2.01].map(|t| filter.takes_time(t)), [false, true, true, false]);
    }
}
