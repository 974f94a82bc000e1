//! Which payloads a stream of frames has, and how often: exactly, in 40 bytes and a slot for each distinct one.
//!
//! The bytes of the most frequent ones are kept beside: a payload can only rise among them when it is seen.

use crate::payload_key::{Key, Seeds, key};
use crate::segments::Segment;

/// How many of the most frequent payloads are kept, for each stretch of the log.
const TOP: usize = 5;

/// Slots without an entry.
const EMPTY: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Key,
    counts: [u32; 3],
    /// Number of the stream's frame that had it first, for each stretch.
    first: [u32; 3],
}

/// One of the most frequent payloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TopPayload {
    entry: u32,
    pub(super) count: u32,
    first: u32,
    pub(super) bytes: Vec<u8>,
}

/// The distinct payloads of one stream.
#[derive(Debug, Default)]
pub(super) struct Payloads {
    entries: Vec<Entry>,
    slots: Vec<u32>,
    last: Option<u32>,
    frames: u32,
    unique: [u32; 3],
    top: [Vec<TopPayload>; 3],
}

impl Payloads {
    /// Counts a payload that is the same as the one before.
    #[inline]
    pub(super) fn repeat(&mut self, segment: Segment, payload: &[u8]) {
        if let Some(entry) = self.last {
            self.count(entry, segment, payload);
        }
    }

    /// Counts a payload; returns whether it was never seen before.
    #[inline]
    pub(super) fn add(&mut self, segment: Segment, payload: &[u8], seeds: &Seeds) -> bool {
        let key = key(payload, seeds);
        if (self.entries.len() + 1) * 8 > self.slots.len() * 7 {
            self.grow_slots(seeds);
        }
        let (slot, found) = self.find(key, seeds);
        let entry = found.unwrap_or_else(|| {
            let entry = u32::try_from(self.entries.len()).expect("memory ends before four thousand million payloads");
            self.slots[slot] = entry;
            if self.entries.len() == self.entries.capacity() {
                // A quarter more at a time: twice as many would leave half of the memory unused.
                self.entries.reserve_exact(self.entries.len() / 4 + 4);
            }
            self.entries.push(Entry { key, counts: [0; 3], first: [0; 3] });
            entry
        });
        self.last = Some(entry);
        self.count(entry, segment, payload);
        found.is_none()
    }

    pub(super) fn unique(&self, segment: Segment) -> u32 {
        self.unique[segment as usize]
    }

    pub(super) fn distinct(&self) -> usize {
        self.entries.len()
    }

    /// Returns the most frequent payloads; equal counts keep the order in which they were first seen.
    pub(super) fn top(&self, segment: Segment) -> &[TopPayload] {
        &self.top[segment as usize]
    }

    fn find(&self, key: Key, seeds: &Seeds) -> (usize, Option<u32>) {
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "only as many bits as there are slots are used")]
        let mut slot = seeds.place(key) as usize & mask;
        loop {
            match self.slots[slot] {
                EMPTY => return (slot, None),
                entry if self.entries[entry as usize].key == key => return (slot, Some(entry)),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    #[cold]
    fn grow_slots(&mut self, seeds: &Seeds) {
        let count = (self.slots.len() * 2).max(4);
        self.slots.clear();
        self.slots.resize(count, EMPTY);
        for index in 0..self.entries.len() {
            let (slot, _) = self.find(self.entries[index].key, seeds);
            self.slots[slot] = u32::try_from(index).expect("entries are numbered in 32 bits");
        }
    }

    #[inline]
    fn count(&mut self, entry: u32, segment: Segment, payload: &[u8]) {
        let stretch = segment as usize;
        let counted = &mut self.entries[entry as usize];
        if counted.counts[stretch] == 0 {
            counted.first[stretch] = self.frames;
            self.unique[stretch] += 1;
        }
        counted.counts[stretch] = counted.counts[stretch].saturating_add(1);
        let (count, first) = (counted.counts[stretch], counted.first[stretch]);
        self.frames = self.frames.saturating_add(1);
        let top = &mut self.top[stretch];
        if let [leader, ..] = top.as_mut_slice()
            && leader.entry == entry
        {
            leader.count = count;
            return;
        }
        if let [.., last] = top.as_slice()
            && top.len() == TOP
            && (last.count, u32::MAX - last.first) >= (count, u32::MAX - first)
        {
            return;
        }
        rise(top, TopPayload { entry, count, first, bytes: Vec::new() }, payload);
    }
}

/// Puts a payload that was just seen where its count belongs.
fn rise(top: &mut Vec<TopPayload>, mut risen: TopPayload, payload: &[u8]) {
    let mut at = match top.iter().position(|kept| kept.entry == risen.entry) {
        Some(at) => {
            top[at].count = risen.count;
            at
        }
        None => {
            if top.len() == TOP {
                risen.bytes = top.pop().expect("there are five").bytes;
                risen.bytes.clear();
            }
            risen.bytes.extend_from_slice(payload);
            top.push(risen);
            top.len() - 1
        }
    };
    let rank = |kept: &TopPayload| (kept.count, u32::MAX - kept.first);
    while at > 0 && rank(&top[at]) > rank(&top[at - 1]) {
        top.swap(at, at - 1);
        at -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Counts at the end, with everything in memory.
    fn slowly(payloads: &[(Segment, Vec<u8>)], segment: Segment) -> (usize, Vec<(Vec<u8>, u32)>) {
        let mut counts: Vec<(Vec<u8>, u32)> = Vec::new();
        for (_, payload) in payloads.iter().filter(|(of, _)| *of == segment) {
            match counts.iter_mut().find(|(known, _)| known == payload) {
                Some((_, count)) => *count += 1,
                None => counts.push((payload.clone(), 1)),
            }
        }
        let unique = counts.len();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts.truncate(TOP);
        (unique, counts)
    }

    proptest! {
        #[test]
        fn counts_and_ranks_are_those_of_the_slow_way(
            bytes in prop::collection::vec((0_usize..3, 0_u8..12, prop::sample::select(vec![0, 1, 8, 9, 64])), 0..300),
        ) {
            let seeds = Seeds::new();
            let all = [Segment::Pre, Segment::Window, Segment::Post];
            let payloads: Vec<_> = bytes.iter().map(|(of, byte, length)| (all[*of], vec![*byte; *length])).collect();
            let mut found = Payloads::default();
            let mut known = HashMap::new();
            let mut before = None;
            for (segment, payload) in &payloads {
                if before == Some(payload) {
                    found.repeat(*segment, payload);
                } else {
                    let is_new = known.insert(payload, ()).is_none();
                    prop_assert_eq!(found.add(*segment, payload, &seeds), is_new);
                }
                before = Some(payload);
            }
            prop_assert_eq!(found.distinct(), known.len());
            for segment in all {
                let (unique, top) = slowly(&payloads, segment);
                prop_assert_eq!(found.unique(segment) as usize, unique);
                let kept: Vec<_> = found.top(segment).iter().map(|kept| (kept.bytes.clone(), kept.count)).collect();
                prop_assert_eq!(kept, top);
            }
        }
    }

    #[test]
    fn an_entry_has_forty_bytes() {
        assert_eq!(size_of::<Entry>(), 40);
    }

    #[test]
    fn payloads_that_never_repeat_take_at_most_sixty_four_bytes_each() {
        for length in [8, 64] {
            let seeds = Seeds::new();
            let mut found = Payloads::default();
            for number in 0_u64..100_000 {
                let mut payload = vec![0; length];
                payload[..8].copy_from_slice(&number.to_le_bytes());
                assert!(found.add(Segment::Pre, &payload, &seeds));
                let kept: usize = found.top.iter().flatten().map(|top| top.bytes.capacity()).sum();
                let bytes = found.entries.capacity() * size_of::<Entry>() + found.slots.capacity() * 4 + kept;
                assert!(bytes <= 64 * found.distinct() + 1024, "{bytes} bytes for {} payloads", found.distinct());
            }
        }
    }
}
