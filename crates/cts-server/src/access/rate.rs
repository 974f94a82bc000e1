//! How many requests a client may still send: never more than the limit pass within any sixty seconds, however many come
//! at once.
//!
//! Requests are counted by whole seconds, and a second leaves the count only when all of it is a minute old. The table
//! of clients is bounded: while every place is taken by somebody who was here within the minute, those who come new
//! share one count, so that nobody's own count is forgotten early.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Seconds that a window holds: sixty whole ones, and the present one.
const SECONDS: usize = 61;
/// Most clients with a count of their own.
pub(crate) const CLIENTS_MAX: usize = 8192;
/// Parts of the table, each with its own lock.
const SHARDS: usize = 16;

/// What a client may still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether this one passes.
    pub(crate) passes: bool,
    /// How many pass within a minute.
    pub(crate) limit: u32,
    /// How many more would pass now.
    pub(crate) remaining: u32,
    /// Seconds until one more passes than now.
    pub(crate) reset: u32,
}

/// The requests of one client within the last minute.
#[derive(Debug, Clone)]
struct Window {
    counts: [u32; SECONDS],
    /// The second of the last look.
    newest: u64,
    total: u32,
}

fn place(second: u64) -> usize {
    usize::try_from(second % SECONDS as u64).expect("a remainder of 61 fits")
}

impl Window {
    fn new(second: u64) -> Self {
        Self { counts: [0; SECONDS], newest: second, total: 0 }
    }

    /// Forgets the seconds that are over at `second`; one that lies before the last look counts as that one.
    fn advance(&mut self, second: u64) {
        let passed = second.saturating_sub(self.newest);
        for next in self.newest + 1..=self.newest + passed.min(SECONDS as u64) {
            self.total -= std::mem::take(&mut self.counts[place(next)]);
        }
        self.newest += passed;
    }

    fn take(&mut self, second: u64, limit: u32) -> Verdict {
        self.advance(second);
        let passes = self.total < limit;
        if passes {
            self.counts[place(self.newest)] += 1;
            self.total += 1;
        }
        self.verdict(passes, limit)
    }

    fn verdict(&self, passes: bool, limit: u32) -> Verdict {
        // The oldest second follows the newest one in the ring.
        let oldest = (1..=SECONDS as u64).find(|age| self.counts[place(self.newest + age)] > 0);
        let reset = oldest.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(0);
        Verdict { passes, limit, remaining: limit - self.total.min(limit), reset }
    }

    fn is_over(&self, second: u64) -> bool {
        second >= self.newest + SECONDS as u64
    }
}

#[derive(Debug)]
struct Shard<K> {
    windows: HashMap<K, Window>,
    /// The count of those who found no place.
    others: Window,
    swept: u64,
}

impl<K: Hash + Eq> Shard<K> {
    fn window(&mut self, key: K, second: u64, clients_max: usize) -> &mut Window {
        if !self.windows.contains_key(&key) && self.windows.len() >= clients_max {
            // Once a second at most: looking through the table must not be what an attacker makes us do.
            if self.swept != second {
                self.swept = second;
                self.windows.retain(|_, window| !window.is_over(second));
            }
            if self.windows.len() >= clients_max {
                return &mut self.others;
            }
        }
        self.windows.entry(key).or_insert_with(|| Window::new(second))
    }
}

/// The counts of all clients.
#[derive(Debug)]
pub(crate) struct Windows<K> {
    limit: u32,
    clients_max: usize,
    hasher: RandomState,
    shards: Vec<Mutex<Shard<K>>>,
}

impl<K: Hash + Eq> Windows<K> {
    /// Returns counts that let `limit` pass a minute.
    pub(crate) fn new(limit: u32) -> Self {
        Self::with_clients(limit, CLIENTS_MAX)
    }

    fn with_clients(limit: u32, clients_max: usize) -> Self {
        let shard = || Shard { windows: HashMap::new(), others: Window::new(0), swept: 0 };
        let shards = std::iter::repeat_with(|| Mutex::new(shard())).take(SHARDS).collect();
        Self { limit, clients_max: clients_max.div_ceil(SHARDS), hasher: RandomState::new(), shards }
    }

    /// Counts a request of a client, unless it is one too many. `now` is the time since any fixed moment.
    pub(crate) fn take(&self, key: K, now: Duration) -> Verdict {
        let (limit, second) = (self.limit, now.as_secs());
        self.with(key, second, |window| window.take(second, limit))
    }

    /// Returns what a client may still do, without counting anything; `passes` is whether one more would.
    pub(crate) fn look(&self, key: K, now: Duration) -> Verdict {
        let (limit, second) = (self.limit, now.as_secs());
        self.with(key, second, |window| {
            window.advance(second);
            window.verdict(window.total < limit, limit)
        })
    }

    fn with<T>(&self, key: K, second: u64, f: impl FnOnce(&mut Window) -> T) -> T {
        let shard = usize::try_from(self.hasher.hash_one(&key) % SHARDS as u64).expect("a remainder of 16 fits");
        let mut shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        f(shard.window(key, second, self.clients_max))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicU32, Ordering};

    use proptest::prelude::*;

    use super::*;

    const fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    #[test]
    fn as_many_as_the_limit_pass_and_the_next_is_told_when() {
        let windows = Windows::new(3);
        let take = |second| windows.take("a", at(second));
        assert_eq!(take(100), Verdict { passes: true, limit: 3, remaining: 2, reset: 61 });
        assert_eq!(take(110).remaining, 1);
        assert_eq!(take(110).remaining, 0);
        assert_eq!(take(130), Verdict { passes: false, limit: 3, remaining: 0, reset: 31 });
        assert!(!take(160).passes, "sixty seconds may not be over yet");
        assert_eq!(take(161), Verdict { passes: true, limit: 3, remaining: 0, reset: 10 });
        assert!(windows.take("b", at(161)).passes, "somebody else has a count of their own");
        assert_eq!(windows.look("b", at(161)).remaining, 2);
        assert_eq!(windows.look("b", at(161)).remaining, 2, "looking counts nothing");
    }

    #[test]
    fn of_many_at_once_exactly_the_limit_pass() {
        const LIMIT: u32 = 1000;
        for round in 0..20 {
            let windows = Windows::new(LIMIT);
            let passed = AtomicU32::new(0);
            std::thread::scope(|scope| {
                for _ in 0..16 {
                    scope.spawn(|| {
                        for request in 0..200 {
                            // Some of them in the next second: it is the same minute.
                            let verdict = windows.take("same", at(round * 1000 + request / 100));
                            passed.fetch_add(u32::from(verdict.passes), Ordering::Relaxed);
                        }
                    });
                }
            });
            assert_eq!(passed.into_inner(), LIMIT);
        }
    }

    #[test]
    fn a_table_that_is_full_forgets_nobody_who_was_here_within_the_minute() {
        let windows = Windows::with_clients(2, SHARDS);
        // One place a shard: as soon as every shard has its client, the others share.
        for client in 0..10_000_u32 {
            windows.take(client, at(0));
        }
        let places: usize = windows.shards.iter().map(|shard| shard.lock().unwrap().windows.len()).sum();
        assert_eq!(places, SHARDS);
        let newcomers = (20_000..30_000_u32).filter(|client| windows.take(*client, at(1)).passes).count();
        assert_eq!(newcomers, 0, "the shared count is used up");
        let owners: Vec<u32> = windows
            .shards
            .iter()
            .flat_map(|shard| shard.lock().unwrap().windows.keys().copied().collect::<Vec<_>>())
            .collect();
        for owner in owners {
            assert!(windows.take(owner, at(1)).passes, "the second of an own count");
            assert!(!windows.take(owner, at(1)).passes);
        }
        assert!(windows.take(40_000, at(120)).passes, "what is over makes place");
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_away() {
        let windows = Windows::new(1);
        assert!(windows.take("a", at(100)).passes);
        assert!(!windows.take("a", at(50)).passes);
        assert!(!windows.take("a", at(160)).passes);
        assert!(windows.take("a", at(161)).passes);
    }

    proptest! {
        #[test]
        fn no_sixty_seconds_hold_more_than_the_limit(
            limit in 1_u32..6,
            steps in proptest::collection::vec(0_u64..40_000, 1..120),
        ) {
            let windows = Windows::new(limit);
            let (mut now, mut passed) = (0, VecDeque::new());
            for step in steps {
                now += step;
                if windows.take((), Duration::from_millis(now)).passes {
                    passed.push_back(now);
                }
                while passed.front().is_some_and(|first| first + 60_000 <= now) {
                    passed.pop_front();
                }
                prop_assert!(passed.len() <= limit as usize);
            }
        }

        #[test]
        fn who_waits_as_long_as_told_passes(limit in 1_u32..6, steps in proptest::collection::vec(0_u64..20, 1..60)) {
            let windows = Windows::new(limit);
            let mut now = 0;
            for step in steps {
                now += step;
                let verdict = windows.take((), at(now));
                if !verdict.passes {
                    prop_assert!(verdict.reset > 0);
                    now += u64::from(verdict.reset);
                    prop_assert!(windows.take((), at(now)).passes);
                }
            }
        }
    }
}
