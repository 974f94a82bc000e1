//! How many distinct payloads a stream has, in all and in each window and gap: exactly where frames come in the order of
//! time, in 24 bytes and a slot for each distinct one.
//!
//! Of a payload only the part of the time is kept in which it was seen last. It is new to a window when that part lies
//! before the window's first one.

use super::super::plan::{NO_PART, Parts};
use crate::payload_key::{Key, Seeds, key};

/// Slots without an entry.
const EMPTY: u32 = u32::MAX;

/// Streams are told apart in the upper bits of the second half of a key, which holds the length of a short payload.
const STREAM_MIX: u64 = 0x9E37_79B9_7F4A_7C15;

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Key,
    stream: u16,
    part: u16,
}

/// Entries that lie together: a list that grows would be copied as a whole.
const CHUNK: usize = 1 << 14;

/// The distinct payloads of all streams.
#[derive(Debug)]
pub(super) struct Payloads {
    seeds: Seeds,
    entries: Vec<Vec<Entry>>,
    count: usize,
    slots: Vec<u32>,
}

/// How many distinct payloads a stream has.
#[derive(Debug)]
pub(super) struct PayloadParts {
    distinct: u64,
    /// In each part that is a gap.
    gaps: Vec<u32>,
    windows: Vec<u32>,
}

impl PayloadParts {
    pub(super) fn new(parts: &Parts) -> Self {
        Self { distinct: 0, gaps: vec![0; parts.count()], windows: vec![0; parts.windows_count()] }
    }

    pub(super) fn distinct(&self) -> u64 {
        self.distinct
    }

    pub(super) fn in_gap(&self, part: u16) -> u64 {
        u64::from(self.gaps[usize::from(part)])
    }

    pub(super) fn in_window(&self, window: u16) -> u64 {
        u64::from(self.windows[usize::from(window)])
    }
}

impl Payloads {
    pub(super) fn new() -> Self {
        Self { seeds: Seeds::new(), entries: Vec::new(), count: 0, slots: vec![EMPTY; 1024] }
    }

    /// Takes a payload; returns whether its stream never had it before.
    #[inline]
    pub(super) fn see(
        &mut self,
        stream: usize,
        payload: &[u8],
        part: u16,
        parts: &Parts,
        counts: &mut PayloadParts,
    ) -> bool {
        let stream = u16::try_from(stream).expect("there are fewer streams");
        if (self.count + 1) * 8 > self.slots.len() * 7 {
            self.grow();
        }
        let key = key(payload, &self.seeds);
        let (slot, found) = self.find(key, stream);
        let last = match found {
            Some(entry) => std::mem::replace(&mut self.entries[entry / CHUNK][entry % CHUNK].part, part),
            None => {
                self.slots[slot] =
                    u32::try_from(self.count).expect("memory ends before four thousand million payloads");
                self.push(Entry { key, stream, part });
                counts.distinct += 1;
                NO_PART
            }
        };
        if last == part {
            return false;
        }
        let windows = parts.windows(part);
        if windows.is_empty() {
            counts.gaps[usize::from(part)] += 1;
        }
        for window in windows {
            if last == NO_PART || last < parts.first(*window) {
                counts.windows[usize::from(*window)] += 1;
            }
        }
        found.is_none()
    }

    fn push(&mut self, entry: Entry) {
        if self.count.is_multiple_of(CHUNK) {
            self.entries.push(Vec::new());
        }
        let chunk = self.entries.last_mut().expect("one was pushed where there was none");
        if chunk.is_empty() && self.count > 0 {
            chunk.reserve_exact(CHUNK);
        }
        chunk.push(entry);
        self.count += 1;
    }

    #[inline]
    fn find(&self, key: Key, stream: u16) -> (usize, Option<usize>) {
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "only as many bits as there are slots are used")]
        let mut slot = self.place(key, stream) as usize & mask;
        loop {
            let entry = self.slots[slot];
            if entry == EMPTY {
                return (slot, None);
            }
            let index = entry as usize;
            let known = &self.entries[index / CHUNK][index % CHUNK];
            if known.key == key && known.stream == stream {
                return (slot, Some(index));
            }
            slot = (slot + 1) & mask;
        }
    }

    #[inline]
    fn place(&self, key: Key, stream: u16) -> u64 {
        self.seeds.place([key[0], key[1] ^ STREAM_MIX.wrapping_mul(u64::from(stream) + 1)])
    }

    #[cold]
    fn grow(&mut self) {
        let count = self.slots.len() * 2;
        // The old slots are not needed: entries know their keys.
        self.slots = Vec::new();
        self.slots = vec![EMPTY; count];
        for (index, entry) in self.entries.iter().flatten().enumerate() {
            let mask = count - 1;
            #[expect(clippy::cast_possible_truncation, reason = "only as many bits as there are slots are used")]
            let mut slot = self.place(entry.key, entry.stream) as usize & mask;
            while self.slots[slot] != EMPTY {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = u32::try_from(index).expect("entries are numbered in 32 bits");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::super::super::Stretch;
    use super::*;

    proptest! {
        #[test]
        fn counts_are_those_of_a_set_for_each_window(
            frames in prop::collection::vec((0_u8..2, 0_usize..3, 0_u8..6, prop::sample::select(vec![0, 1, 8, 9, 64])), 0..200),
            starts in prop::collection::vec((0_u8..60, 0_u8..40), 0..5),
        ) {
            let mut windows: Vec<Stretch> = starts
                .iter()
                .map(|(start, length)| Stretch { start: f64::from(*start), end: f64::from(*start) + f64::from(*length) })
                .collect();
            windows.sort_by(|a, b| a.start.total_cmp(&b.start));
            let parts = Parts::new(&windows);
            let mut payloads = Payloads::new();
            let mut counts = [0; 3].map(|_| PayloadParts::new(&parts));
            let mut time = 0.0;
            let mut seen = Vec::new();
            for (step, stream, byte, length) in frames {
                time += f64::from(step);
                let payload = vec![byte; length];
                let is_new = !seen.iter().any(|(of, _, known): &(usize, f64, Vec<u8>)| *of == stream && *known == payload);
                let told = payloads.see(stream, &payload, parts.part(time), &parts, &mut counts[stream]);
                prop_assert_eq!(told, is_new);
                seen.push((stream, time, payload));
            }
            for (stream, counts) in counts.iter().enumerate() {
                let distinct = |inside: &dyn Fn(f64) -> bool| {
                    let of = seen.iter().filter(|(of, time, _)| *of == stream && inside(*time));
                    of.map(|(.., payload)| payload).collect::<HashSet<_>>().len() as u64
                };
                prop_assert_eq!(counts.distinct(), distinct(&|_| true));
                for (index, window) in (0_u16..).zip(&windows) {
                    prop_assert_eq!(counts.in_window(index), distinct(&|time| window.start <= time && time <= window.end));
                    let (before, _) = parts.gaps(usize::from(index));
                    prop_assert_eq!(counts.in_gap(before), distinct(&|time| parts.part(time) == before));
                }
            }
        }
    }

    #[test]
    fn an_entry_has_twenty_four_bytes() {
        assert_eq!(size_of::<Entry>(), 24);
    }
}
