//! Which rule, if any, gives one byte of a payload from the others.
//!
//! Looked for in the first distinct payloads of a stream. A rule whose result differs from the byte by the same constant
//! nearly every time is one; so addresses, lengths and start values that go into a checksum need not be known.

use super::{Field, FieldKind};

/// How many distinct payloads are kept.
const SAMPLES_MAX: usize = 64;

/// How many there must be.
const SAMPLES_MIN: usize = 16;

/// Bytes of a payload that are looked at.
const BYTES_MAX: usize = 64;

/// Share of payloads that a rule must give.
const SHARE_MIN: f64 = 0.95;

/// Different values that a checksum must have shown.
const VALUES_MIN: usize = 8;

/// Polynomials of the CRCs that cars use.
const POLYNOMIALS: [u8; 4] = [0x1D, 0x2F, 0x07, 0x31];

/// The first distinct payloads of a stream, all of one length.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    length: usize,
    bytes: Vec<u8>,
}

/// A checksum that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Checksum {
    pub(super) kind: FieldKind,
    pub(super) first_bit: u16,
    pub(super) bits: u16,
    pub(super) sure: f64,
    pub(super) observed: u64,
}

impl Samples {
    pub(crate) fn add(&mut self, payload: &[u8]) {
        if payload.is_empty() || payload.len() > BYTES_MAX {
            return;
        }
        if self.bytes.is_empty() {
            self.length = payload.len();
        }
        if payload.len() == self.length && self.bytes.len() < SAMPLES_MAX * self.length {
            self.bytes.extend_from_slice(payload);
        }
    }

    /// Takes a payload, unless it is one of those that are kept.
    pub(crate) fn add_unless_known(&mut self, payload: &[u8]) {
        let is_full = self.length > 0 && self.bytes.len() >= SAMPLES_MAX * self.length;
        if is_full
            || payload.len() == self.length && self.bytes.chunks_exact(self.length.max(1)).any(|kept| kept == payload)
        {
            return;
        }
        self.add(payload);
    }

    /// Finds the checksum, with what is known of counters: a byte that follows a counter alone is a checksum, too, and
    /// one that follows another byte is its copy.
    pub(super) fn checksum(&self, counters: &[Field]) -> Option<Checksum> {
        let payloads: Vec<&[u8]> = self.bytes.chunks_exact(self.length.max(1)).collect();
        if payloads.len() < SAMPLES_MIN {
            return None;
        }
        let values = |byte: usize, mask: u8| {
            let mut seen = [false; 256];
            payloads.iter().for_each(|payload| seen[usize::from(payload[byte] & mask)] = true);
            seen.iter().filter(|seen| **seen).count()
        };
        let varying: Vec<usize> = (0..self.length).filter(|byte| values(*byte, 0xFF) > 1).collect();
        let has_counter = |byte: usize| counters.iter().any(|field| usize::from(field.first_bit / 8) == byte);
        let is_explained = |byte: usize| {
            let mut others = varying.iter().filter(|other| **other != byte);
            let first = others.next();
            others.next().is_some() || first.is_some_and(|other| has_counter(*other))
        };
        let is_possible = |byte: usize| values(byte, 0xFF) >= VALUES_MIN && is_explained(byte);
        // Where several bytes can be meant, the last is: makers put checksums there, or into the first.
        let mut possible: Vec<usize> = varying.iter().copied().filter(|byte| is_possible(*byte)).collect();
        possible.sort_by_key(|byte| (*byte + 1 != self.length, *byte));
        let rules = possible.iter().flat_map(|byte| self.byte_rules(*byte, &varying));
        let mut found: Vec<Checksum> = rules
            .map(|(byte, kind)| Checksum {
                kind,
                first_bit: bit_of(byte),
                bits: 8,
                sure: share(&payloads, |payload| constant(payload, byte, kind)),
                observed: payloads.len() as u64,
            })
            .collect();
        // Honda's: the low half of the last byte, beside a counter in the high half.
        if let Some(last) = varying.last().filter(|last| **last + 1 == self.length && varying.len() > 1)
            && values(*last, 0x0F) >= VALUES_MIN
        {
            found.push(Checksum {
                kind: FieldKind::NibbleSum,
                first_bit: bit_of(*last),
                bits: 4,
                sure: share(&payloads, nibble_sum),
                observed: payloads.len() as u64,
            });
        }
        // The first of the surest: a rule that is asked for earlier explains more with less.
        found.retain(|found| found.sure >= SHARE_MIN);
        found.into_iter().reduce(|best, other| if other.sure > best.sure { other } else { best })
    }

    /// Returns the rules that can be meant with a byte. Where a rule is the same for every byte, the last is meant, and
    /// a CRC stands first or last.
    fn byte_rules(&self, byte: usize, varying: &[usize]) -> Vec<(usize, FieldKind)> {
        let mut rules = vec![(byte, FieldKind::Sum)];
        if varying.last() == Some(&byte) {
            rules.extend([(byte, FieldKind::SumToConstant), (byte, FieldKind::Xor)]);
        }
        if byte == 0 || byte + 1 == self.length {
            rules.extend(POLYNOMIALS.map(|polynomial| (byte, FieldKind::Crc8(polynomial))));
        }
        rules
    }
}

fn bit_of(byte: usize) -> u16 {
    8 * u16::try_from(byte).expect("a payload has 64 bytes")
}

/// Returns the share of payloads that give the most common value; 0 where it is below what a rule must give.
#[expect(clippy::cast_precision_loss, reason = "there are few samples")]
fn share(payloads: &[&[u8]], value: impl Fn(&[u8]) -> u8) -> f64 {
    let count = payloads.len() as f64;
    let (mut counts, mut most) = ([0_usize; 256], 0);
    for (seen, payload) in (1..).zip(payloads) {
        let of_value = &mut counts[usize::from(value(payload))];
        *of_value += 1;
        most = most.max(*of_value);
        // Were all that follow of one value, it would still be too few: most bytes are no checksum, and that shows soon.
        if (most + payloads.len() - seen) as f64 / count < SHARE_MIN {
            return 0.0;
        }
    }
    most as f64 / count
}

/// Returns what a rule leaves over: always the same where the rule is meant.
fn constant(payload: &[u8], byte: usize, kind: FieldKind) -> u8 {
    let total = payload.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    match kind {
        FieldKind::Sum => payload[byte].wrapping_sub(total.wrapping_sub(payload[byte])),
        FieldKind::SumToConstant => total,
        FieldKind::Xor => payload.iter().fold(0, |all, byte| all ^ byte),
        FieldKind::Crc8(polynomial) => {
            let others = payload.iter().enumerate().filter(|(index, _)| *index != byte);
            payload[byte] ^ others.fold(0, |crc, (_, byte)| crc_step(crc ^ byte, polynomial))
        }
        FieldKind::NibbleSum => nibble_sum(payload),
        FieldKind::Counter => 0,
    }
}

fn crc_step(mut crc: u8, polynomial: u8) -> u8 {
    for _ in 0..8 {
        crc = if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ polynomial };
    }
    crc
}

fn nibble_sum(payload: &[u8]) -> u8 {
    payload.iter().fold(0_u8, |sum, byte| sum.wrapping_add(byte >> 4).wrapping_add(byte & 0x0F)) & 0x0F
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Address, Bus};

    /// Payloads with some signals; `close` puts the checksum in.
    fn payloads(count: u32, close: impl Fn(&mut [u8])) -> Samples {
        let mut samples = Samples::default();
        let mut state = 1_u32;
        for index in 0..count {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [a, b, ..] = (state >> 8).to_le_bytes();
            let [counter, ..] = index.to_le_bytes();
            let mut payload = [0, a, 7, b, counter & 0x0F, 0, 0x20, 0];
            close(&mut payload);
            samples.add(&payload);
        }
        samples
    }

    fn found(samples: &Samples) -> Option<(FieldKind, u16, u16)> {
        let found = samples.checksum(&[])?;
        assert!(found.sure >= SHARE_MIN && found.observed >= 16);
        Some((found.kind, found.first_bit, found.bits))
    }

    fn sum(bytes: &[u8]) -> u8 {
        bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
    }

    #[test]
    fn the_checksums_of_known_makers_are_found() {
        let toyota = payloads(40, |payload| payload[7] = sum(&payload[..7]).wrapping_add(0x2E + 8));
        assert_eq!(found(&toyota), Some((FieldKind::Sum, 56, 8)));
        let subaru = payloads(40, |payload| payload[0] = sum(&payload[1..]).wrapping_add(0x3D));
        assert_eq!(found(&subaru), Some((FieldKind::Sum, 0, 8)));
        let complement = payloads(40, |payload| payload[7] = 0_u8.wrapping_sub(sum(&payload[..7])));
        assert_eq!(found(&complement), Some((FieldKind::SumToConstant, 56, 8)));
        let xor = payloads(40, |payload| payload[7] = payload[..7].iter().fold(0x5A, |all, byte| all ^ byte));
        assert_eq!(found(&xor), Some((FieldKind::Xor, 56, 8)));
        let honda = payloads(64, |payload| payload[7] = 0x08_u8.wrapping_sub(nibble_sum(&payload[..7])) & 0x0F);
        assert_eq!(found(&honda), Some((FieldKind::NibbleSum, 56, 4)));
    }

    #[test]
    fn a_crc_is_found_whatever_it_begins_with() {
        for polynomial in POLYNOMIALS {
            let crc = |bytes: &[u8]| !bytes.iter().fold(0xFF, |crc, byte| crc_step(crc ^ byte, polynomial));
            let last = payloads(40, |payload| payload[7] = crc(&payload[..7]));
            assert_eq!(found(&last), Some((FieldKind::Crc8(polynomial), 56, 8)));
            let first = payloads(40, |payload| payload[0] = crc(&payload[1..]));
            assert_eq!(found(&first), Some((FieldKind::Crc8(polynomial), 0, 8)));
        }
    }

    #[test]
    fn signals_and_copies_are_no_checksums() {
        assert_eq!(found(&payloads(64, |_| {})), None);
        let mut copies = Samples::default();
        (0..64).for_each(|value| copies.add(&[value, 7, value]));
        assert_eq!(found(&copies), None);
        let few = payloads(15, |payload| payload[7] = sum(&payload[..7]));
        assert_eq!(found(&few), None);
    }

    #[test]
    fn a_byte_that_follows_a_counter_alone_is_a_checksum() {
        let mut samples = Samples::default();
        (0..16).for_each(|value| samples.add(&[value, 0x40, value + 0x51]));
        assert_eq!(found(&samples), None);
        let counter = Field {
            bus: Bus(0),
            address: Address(1),
            kind: FieldKind::Counter,
            first_bit: 0,
            bits: 4,
            sure: 1.0,
            observed: 99,
        };
        let checksum = samples.checksum(&[counter]).unwrap();
        assert_eq!((checksum.kind, checksum.first_bit), (FieldKind::Sum, 16));
    }
}
