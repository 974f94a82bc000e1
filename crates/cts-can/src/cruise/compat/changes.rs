//! Which bits of a list of frames change from one frame to the next, counted while the frames come.
//!
//! A byte that a shorter frame does not have counts as zero: the Python tool takes each bit that is set beyond the
//! common length as changed, which is the same. Bytes beyond 64 are not looked at; no bus carries them.

/// Bytes of a payload that are looked at.
pub(super) const BYTES_MAX: usize = 64;

const WORDS: usize = BYTES_MAX / 8;

/// Bits that are counted.
const BITS: usize = BYTES_MAX * 8;

/// A payload with zeros up to the longest one.
pub(super) type Padded = [u64; WORDS];

#[inline]
pub(super) fn padded(data: &[u8]) -> Padded {
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(data.chunks(8)) {
        let mut padded = [0; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        *word = u64::from_le_bytes(padded);
    }
    words
}

/// How often a bit changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitChanges {
    /// The bit, counted from the least significant one of the first byte.
    pub bit: u16,
    /// Frames in which it differs from the frame before.
    pub count: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    count: u64,
    /// Number of the frame in which it changed first.
    first: u64,
}

/// The frames of one message so far.
#[derive(Debug)]
pub(super) struct Changes {
    frames: u64,
    changes: u64,
    last: Padded,
    bits: Box<[Counted; BITS]>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { frames: 0, changes: 0, last: [0; WORDS], bits: Box::new([Counted::default(); BITS]) }
    }
}

impl Changes {
    pub(super) fn frame(&mut self, data: &[u8]) {
        let now = padded(data);
        let before = std::mem::replace(&mut self.last, now);
        self.frames += 1;
        if self.frames == 1 || now == before {
            return;
        }
        self.changes += 1;
        for (index, (now, before)) in now.iter().zip(before).enumerate() {
            let mut changed = now ^ before;
            while changed != 0 {
                let bit = &mut self.bits[64 * index + changed.trailing_zeros() as usize];
                if bit.count == 0 {
                    bit.first = self.frames;
                }
                bit.count += 1;
                changed &= changed - 1;
            }
        }
    }

    /// Returns how many frames there were.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Returns how many frames differ from the one before them.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Returns the bits that changed most often; of equal ones those first that changed earlier, and lower ones first.
    pub(super) fn top(&self, count: usize) -> Vec<BitChanges> {
        let mut bits: Vec<u16> = (0..).take(BITS).filter(|bit| self.bits[usize::from(*bit)].count > 0).collect();
        let counted = |bit: u16| self.bits[usize::from(bit)];
        bits.sort_by_key(|bit| (std::cmp::Reverse(counted(*bit).count), counted(*bit).first, *bit));
        bits.iter().take(count).map(|bit| BitChanges { bit: *bit, count: counted(*bit).count }).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As the rule says it: every frame kept, byte by byte, bits counted in the order in which they are met.
    pub(super) fn slowly(frames: &[Vec<u8>]) -> (u64, Vec<BitChanges>) {
        let mut counts: Vec<BitChanges> = Vec::new();
        let mut changes = 0;
        for pair in frames.windows(2) {
            let common = pair[0].len().min(pair[1].len());
            let mut changed = Vec::new();
            for byte in 0..pair[0].len().max(pair[1].len()) {
                let difference = if byte < common {
                    pair[0][byte] ^ pair[1][byte]
                } else {
                    pair.iter().find_map(|data| data.get(byte)).copied().unwrap()
                };
                changed.extend((0..8).filter(|bit| difference >> bit & 1 == 1).map(|bit| 8 * byte + bit));
            }
            changes += u64::from(!changed.is_empty());
            for bit in changed {
                let bit = u16::try_from(bit).unwrap();
                match counts.iter_mut().find(|known| known.bit == bit) {
                    Some(known) => known.count += 1,
                    None => counts.push(BitChanges { bit, count: 1 }),
                }
            }
        }
        counts.sort_by_key(|known| std::cmp::Reverse(known.count));
        (changes, counts)
    }

    fn check(frames: &[&[u8]], changes: u64, bits: &[(u16, u64)]) {
        let mut found = Changes::default();
        for data in frames {
            found.frame(data);
        }
        let top: Vec<_> = found.top(10).iter().map(|bit| (bit.bit, bit.count)).collect();
        assert_eq!((found.changes(), top.as_slice()), (changes, bits), "{frames:x?}");
        assert_eq!(found.frames(), frames.len() as u64);
    }

    #[test]
    fn frames_are_compared_with_the_one_before() {
        check(&[], 0, &[]);
        check(&[&[0xFF]], 0, &[]);
        check(&[&[1], &[1], &[1]], 0, &[]);
        check(&[&[0, 0], &[1, 0x80], &[1, 0]], 2, &[(15, 2), (0, 1)]);
    }

    #[test]
    fn bytes_that_come_or_go_count_by_the_bits_that_are_set() {
        check(&[&[5], &[5, 0, 3]], 1, &[(16, 1), (17, 1)]);
        check(&[&[5, 0, 3], &[5]], 1, &[(16, 1), (17, 1)]);
        check(&[&[5], &[5, 0, 0], &[], &[4]], 2, &[(2, 2), (0, 1)]);
    }

    #[test]
    fn of_equal_bits_the_earlier_one_comes_first_and_then_the_lower_one() {
        check(&[&[0], &[0b1000], &[0b1110], &[0b1111]], 3, &[(3, 1), (1, 1), (2, 1), (0, 1)]);
    }

    #[test]
    fn a_frame_has_64_bytes_at_most() {
        let (mut quiet, mut loud) = ([0; 80], [0; 80]);
        loud[63] = 0x80;
        quiet[70] = 1;
        check(&[&[0; 80], &quiet, &loud], 1, &[(511, 1)]);
    }

    proptest! {
        #[test]
        fn counts_are_those_of_the_slow_way(
            frames in prop::collection::vec(prop::collection::vec(0_u8..4, 0..=64), 0..40),
            wide in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..=9), 0..40),
        ) {
            for frames in [frames, wide] {
                let mut found = Changes::default();
                frames.iter().for_each(|data| found.frame(data));
                let (changes, bits) = slowly(&frames);
                prop_assert_eq!(found.changes(), changes);
                prop_assert_eq!(found.top(usize::MAX), bits);
            }
        }
    }
}
