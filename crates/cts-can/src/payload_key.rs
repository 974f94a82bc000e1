//! What a payload is known by: 16 bytes, whatever its length.
//!
//! Payloads of classic CAN are their own key. Longer ones are known by a fingerprint of 127 bits whose seeds differ from
//! run to run, so that no log can be made to confuse two of them; results never depend on the seeds.

use std::hash::BuildHasher;

/// Secrets of the fingerprints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeds([u64; 4]);

impl Seeds {
    pub(crate) fn new() -> Self {
        let state = std::hash::RandomState::new();
        Self([1, 2, 3, 4].map(|lane: u64| state.hash_one(lane) | 1))
    }
}

#[inline]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let halves = (product as u64, (product >> 64) as u64);
    halves.0 ^ halves.1
}

/// What a payload is known by.
pub(crate) type Key = [u64; 2];

#[inline]
pub(crate) fn key(payload: &[u8], seeds: &Seeds) -> Key {
    if payload.len() <= 8 {
        let mut word = [0; 8];
        word[..payload.len()].copy_from_slice(payload);
        return [u64::from_le_bytes(word), payload.len() as u64];
    }
    let Seeds([a, b, c, d]) = *seeds;
    let mut lanes = [a ^ payload.len() as u64, b];
    for chunk in payload.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        lanes = [folded(lanes[0] ^ word, c), folded(lanes[1] ^ word.rotate_left(32), d)];
    }
    [lanes[0], lanes[1] | 1 << 63]
}

impl Seeds {
    /// Returns where a key stands in a table, before it is cut to the table's length.
    #[inline]
    pub(crate) fn place(&self, key: Key) -> u64 {
        folded(key[0] ^ self.0[0], self.0[1] ^ key[1])
    }
}
