//! Lines that say the same again and again: a few are written, the others counted until the next one that is.
//!
//! The same means the same place in the code, the same message and the same fields, spans included: nothing is lost that
//! was not already said.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cts_model::Timestamp;
use tracing::callsite::Identifier;

/// How often the same line is written within [`WINDOW`].
pub(super) const REPEATS_MAX: u32 = 5;

/// After this the same line counts as new.
pub(super) const WINDOW: Duration = Duration::from_secs(10);

#[derive(Debug)]
struct Seen {
    content: u64,
    since: Timestamp,
    written: u32,
    held_back: u64,
}

/// What each place in the code said last; there are as many entries as places that log.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    seen: Mutex<HashMap<Identifier, Seen>>,
    pub(super) held_back: Arc<AtomicU64>,
}

impl Repeats {
    /// Returns whether a line is to be written and, if so, how many like the last one of its place were not.
    pub(super) fn admit(&self, place: Identifier, content: u64, now: Timestamp) -> Option<u64> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Seen { content, since: now, written: 0, held_back: 0 };
        let last = seen.entry(place).or_insert_with(|| Seen { content, since: now, written: 0, held_back: 0 });
        let mut before = 0;
        if last.content != content || now.since(last.since) >= WINDOW {
            before = last.held_back;
            *last = fresh;
        }
        if last.written < REPEATS_MAX {
            last.written += 1;
            return Some(before);
        }
        last.held_back += 1;
        self.held_back.fetch_add(1, Ordering::Relaxed);
        None
    }
}
