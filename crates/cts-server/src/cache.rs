//! Bodies of runs that have ended, ready to send: what clients ask for most.
//!
//! A run that has ended changes only when it is pinned, when it or one of its artifacts is removed; whoever does that
//! says so here. A body that was made while somebody said so is not kept.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use cts_model::RunId;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// Most bytes of bodies that are kept.
const BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How many bodies are expected.
const ITEMS: usize = 4096;

/// Bodies of runs that have ended.
#[derive(Debug)]
pub(crate) struct RunBodies {
    bodies: Cache<RunId, Bytes, BySize>,
    changes: AtomicU64,
}

#[derive(Debug, Clone)]
struct BySize;

impl Weighter<RunId, Bytes> for BySize {
    fn weight(&self, _: &RunId, body: &Bytes) -> u64 {
        body.len() as u64 + 64
    }
}

/// What was known before a body was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before(u64);

impl RunBodies {
    /// Returns an empty cache.
    pub(crate) fn new() -> Self {
        Self::of_size(BYTES_MAX)
    }

    fn of_size(bytes_max: u64) -> Self {
        Self { bodies: Cache::with_weighter(ITEMS, bytes_max, BySize), changes: AtomicU64::new(0) }
    }

    /// Tells whether what is kept is found again, with the id of no run.
    pub(crate) fn keeps(&self, id: RunId) -> bool {
        let before = self.before();
        self.keep(before, id, Bytes::from_static(b"kept"));
        let is_found = self.bodies.get(&id).is_some_and(|body| body == "kept");
        self.bodies.remove(&id);
        // What somebody forgot meanwhile is rightly gone.
        is_found || self.changes.load(Ordering::Acquire) != before.0
    }

    /// Returns how many bodies there are, how large they are in all, and how large they may be.
    pub(crate) fn size(&self) -> (usize, u64, u64) {
        (self.bodies.len(), self.bodies.weight(), self.bodies.capacity())
    }

    /// Returns the body of a run.
    pub(crate) fn get(&self, run: RunId) -> Option<Bytes> {
        self.bodies.get(&run)
    }

    /// Notes that a body is about to be made.
    pub(crate) fn before(&self) -> Before {
        Before(self.changes.load(Ordering::Acquire))
    }

    /// Keeps a body, unless something changed since `before`.
    pub(crate) fn keep(&self, before: Before, run: RunId, body: Bytes) {
        if self.changes.load(Ordering::Acquire) != before.0 {
            return;
        }
        self.bodies.insert(run, body);
        // Somebody may have said so between the look and the insertion.
        if self.changes.load(Ordering::Acquire) != before.0 {
            self.bodies.remove(&run);
        }
    }

    /// Forgets one run: it changed.
    pub(crate) fn forget(&self, run: RunId) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.bodies.remove(&run);
    }

    /// Forgets all runs: some of them changed.
    pub(crate) fn forget_all(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.bodies.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cts_model::{Ids, SystemClock};

    use super::*;

    #[test]
    fn a_body_made_before_a_change_is_not_kept() {
        let (bodies, run) = (RunBodies::new(), RunId::new(&Ids::new(Arc::new(SystemClock))));
        bodies.keep(bodies.before(), run, Bytes::from_static(b"1"));
        assert!(bodies.get(run).is_some());
        let before = bodies.before();
        bodies.forget(run);
        bodies.keep(before, run, Bytes::from_static(b"1"));
        assert!(bodies.get(run).is_none());
    }

    #[test]
    fn a_cache_without_room_keeps_nothing_and_says_so() {
        let id = RunId::new(&Ids::new(Arc::new(SystemClock)));
        let bodies = RunBodies::new();
        assert!(bodies.keeps(id));
        assert_eq!(bodies.size(), (0, 0, BYTES_MAX), "nothing is left of the look");
        assert!(!RunBodies::of_size(1).keeps(id));
    }
}
