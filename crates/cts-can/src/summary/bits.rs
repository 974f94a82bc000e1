//! The bits of one stream: which of them ever change, and how often.
//!
//! A bit that a shorter frame does not have keeps its level until a frame has it again; its first sight is no change.

use crate::bit_counts::{BitCounts, carry_misses};

#[derive(Debug, Default)]
struct Word {
    value: u64,
    /// Bits that some frame had.
    known: u64,
    /// Bits that changed.
    changed: u64,
    toggles: BitCounts,
    /// Frames in which a bit toggled although its lower neighbor did not fall, or the other way round.
    carry_misses: BitCounts,
}

/// The bits of one stream.
#[derive(Debug, Default)]
pub(super) struct StreamBits {
    words: Vec<Word>,
}

impl StreamBits {
    /// Takes the payload of a frame, of at most 64 bytes.
    #[inline]
    pub(super) fn take(&mut self, payload: &[u8]) {
        let count = payload.len().div_ceil(8);
        if self.words.len() < count {
            self.words.reserve_exact(count - self.words.len());
            self.words.resize_with(count, Word::default);
        }
        for (word, chunk) in self.words.iter_mut().zip(payload.chunks(8)) {
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            let value = u64::from_le_bytes(bytes);
            let present = if chunk.len() == 8 { u64::MAX } else { (1 << (8 * chunk.len())) - 1 };
            let changed = (word.value ^ value) & word.known & present;
            if changed != 0 {
                word.changed |= changed;
                word.toggles.add(changed);
                word.carry_misses.add(carry_misses(changed, changed & word.value));
            }
            word.value = word.value & !present | value;
            word.known |= present;
        }
    }

    /// Returns the bits that changed, byte by byte as in the payload.
    pub(super) fn changed(&self) -> impl Iterator<Item = u8> {
        self.words.iter().flat_map(|word| word.changed.to_le_bytes())
    }

    /// Returns for each bit how often it toggled, and how often it did so without a carry from its lower neighbor or
    /// did not although there was one.
    pub(super) fn counts(&self) -> Vec<(u64, u64)> {
        self.words.iter().flat_map(|word| word.toggles.counts().into_iter().zip(word.carry_misses.counts())).collect()
    }
}
