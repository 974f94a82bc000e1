//! A count for each bit of a word, in a few operations for all of them; and what tells a counter from other bits.

/// The bits of every byte that have a less significant neighbor in it.
const HAS_NEIGHBOR: u64 = !0x0101_0101_0101_0101;

/// A count for each of 64 bits, where adding one to many of them is a few operations.
#[derive(Debug, Default)]
pub(crate) struct BitCounts {
    /// Binary digits of the counts since the last carry.
    planes: [u64; 8],
    added: u8,
    carried: Option<Box<[u32; 64]>>,
}

impl BitCounts {
    #[inline]
    pub(crate) fn add(&mut self, bits: u64) {
        if self.added == u8::MAX {
            self.carry();
        }
        self.added += 1;
        let mut carry = bits;
        for plane in &mut self.planes {
            let both = *plane & carry;
            *plane ^= carry;
            carry = both;
            if carry == 0 {
                break;
            }
        }
    }

    #[cold]
    fn carry(&mut self) {
        let added = self.planes_counts();
        let carried = self.carried.get_or_insert_with(|| Box::new([0; 64]));
        for (count, added) in carried.iter_mut().zip(added) {
            *count = count.saturating_add(added);
        }
        (self.planes, self.added) = ([0; 8], 0);
    }

    /// Returns the counts since the last carry.
    fn planes_counts(&self) -> [u32; 64] {
        let mut counts = [0; 64];
        for (digit, plane) in self.planes.iter().enumerate() {
            for (bit, count) in counts.iter_mut().enumerate() {
                *count += u32::from(plane >> bit & 1 == 1) << digit;
            }
        }
        counts
    }

    /// Returns the counts, which end at about four thousand million.
    pub(crate) fn counts(&self) -> [u64; 64] {
        let mut counts = self.planes_counts().map(u64::from);
        for (count, carried) in counts.iter_mut().zip(self.carried.as_deref().into_iter().flatten()) {
            *count += u64::from(*carried);
        }
        counts
    }
}

/// Returns the bits that toggled although their lower neighbor in the byte did not fall, or did not although it fell.
#[inline]
pub(crate) fn carry_misses(changed: u64, fell: u64) -> u64 {
    (changed ^ fell << 1) & HAS_NEIGHBOR
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_of_bits_are_those_of_adding_one_by_one(words in prop::collection::vec(any::<u64>(), 0..600)) {
            let mut counts = BitCounts::default();
            let mut slow = [0; 64];
            for word in words {
                counts.add(word);
                for (bit, count) in slow.iter_mut().enumerate() {
                    *count += word >> bit & 1;
                }
            }
            prop_assert_eq!(counts.counts(), slow);
        }
    }
}
