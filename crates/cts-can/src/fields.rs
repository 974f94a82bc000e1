//! Counters and checksums: bits that change with every frame by themselves, and are never what a user did.
//!
//! A counter is a run of bits in one byte where the lowest toggles with nearly every frame and each other one exactly
//! when its lower neighbor falls. A checksum is a byte, or the low half of one, that a sum or a CRC of the other bytes
//! gives; whatever constant goes into it is found, too. How sure a field is, is the share of frames or payloads that
//! follow the rule.

use std::fmt;

mod checksum;

pub(crate) use checksum::Samples;

use crate::frame::{Address, Bus};

/// A counter is looked for among so many changes of frames at least.
const CHANGES_MIN: u64 = 32;

/// Share of frames with which the lowest bit of a counter toggles at least.
const LOWEST_TOGGLES_MIN: f64 = 0.9;

/// Share of carries that a further bit follows at least.
const CARRIES_MIN: f64 = 0.8;

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKind {
    /// It goes up by one with every frame.
    Counter,
    /// The sum of the other bytes and a constant.
    Sum,
    /// It makes the sum of all bytes a constant.
    SumToConstant,
    /// The exclusive or of the other bytes and a constant.
    Xor,
    /// It makes the sum of all half bytes a constant.
    NibbleSum,
    /// A CRC of the other bytes with this polynomial.
    Crc8(u8),
}

impl FieldKind {
    /// Returns whether it is a counter.
    #[must_use]
    pub fn is_counter(self) -> bool {
        self == Self::Counter
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counter => f.write_str("counter"),
            Self::Sum => f.write_str("checksum: sum of the other bytes"),
            Self::SumToConstant => f.write_str("checksum: makes the sum constant"),
            Self::Xor => f.write_str("checksum: exclusive or"),
            Self::NibbleSum => f.write_str("checksum: sum of the half bytes"),
            Self::Crc8(polynomial) => write!(f, "checksum: CRC-8 0x{polynomial:02X}"),
        }
    }
}

/// Bits that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The bus.
    pub bus: Bus,
    /// The address.
    pub address: Address,
    /// What it is.
    pub kind: FieldKind,
    /// The first bit, 8 × byte + bit, where bit 0 is the least significant one of its byte.
    pub first_bit: u16,
    /// How many bits.
    pub bits: u16,
    /// The share of frames or payloads that follow the rule, from 0 to 1.
    pub sure: f64,
    /// How many frames or distinct payloads were looked at.
    pub observed: u64,
}

impl Field {
    /// Returns whether a bit belongs to the field.
    #[must_use]
    pub fn holds(&self, bit: u16) -> bool {
        (self.first_bit..self.first_bit + self.bits).contains(&bit)
    }
}

/// Finds the fields of a stream that changed `changes` times from a frame to the next, or could have.
///
/// `counts` tells for each bit how often it toggled, and how often it did so without a carry from its lower neighbor or
/// did not although there was one.
pub(crate) fn find_fields(
    stream: (Bus, Address),
    counts: &[(u64, u64)],
    changes: u64,
    samples: Option<&Samples>,
) -> Vec<Field> {
    let mut fields = counters(stream, counts, changes);
    let checksum = samples.and_then(|samples| samples.checksum(&fields));
    if let Some(found) = checksum {
        let (bus, address) = stream;
        // What a checksum explains is no counter.
        let field = Field {
            bus,
            address,
            kind: found.kind,
            first_bit: found.first_bit,
            bits: found.bits,
            sure: found.sure,
            observed: found.observed,
        };
        fields.retain(|counter| !field.holds(counter.first_bit));
        fields.push(field);
        fields.sort_by_key(|field| field.first_bit);
    }
    fields
}

#[expect(clippy::cast_precision_loss, reason = "counts of frames are far below 2^53")]
fn counters((bus, address): (Bus, Address), counts: &[(u64, u64)], changes: u64) -> Vec<Field> {
    let mut fields = Vec::new();
    if changes < CHANGES_MIN {
        return fields;
    }
    let lowest_min = changes as f64 * LOWEST_TOGGLES_MIN;
    for (byte, counts) in (0_u16..).zip(counts.chunks(8)) {
        let mut low = 0;
        while low < counts.len() {
            let lowest = counts[low].0 as f64;
            if lowest < lowest_min {
                low += 1;
                continue;
            }
            let mut sure = (lowest / changes as f64).min(1.0);
            let mut high = low + 1;
            while high < counts.len() {
                // Falls are half of the toggles. What follows a fall, or a fall that is followed by nothing, and the
                // toggles without one: from their sums comes how many agree.
                let (toggles, misses) = (counts[high].0 as f64, counts[high].1 as f64);
                let falls = (counts[high - 1].0 as f64 / 2.0).round();
                let agree = ((toggles + falls - misses) / 2.0).max(0.0);
                let share = if toggles > 0.0 { agree / (agree + misses) } else { 0.0 };
                if share < CARRIES_MIN {
                    break;
                }
                sure = sure.min(share);
                high += 1;
            }
            if high - low >= 2 {
                fields.push(Field {
                    bus,
                    address,
                    kind: FieldKind::Counter,
                    first_bit: 8 * byte + u16::try_from(low).expect("a byte has 8 bits"),
                    bits: u16::try_from(high - low).expect("a byte has 8 bits"),
                    sure,
                    observed: changes,
                });
            }
            low = high;
        }
    }
    fields
}
