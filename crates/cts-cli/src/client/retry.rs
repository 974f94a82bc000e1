//! How often and how soon something is tried again: bounded, ever slower, and anew after each success.

use std::time::{Duration, Instant};

/// First delay; each further one is twice as long.
const DELAY_FIRST: Duration = Duration::from_millis(200);
/// Longest delay.
const DELAY_MAX: Duration = Duration::from_secs(5);
/// Tries in a row without any success.
pub(crate) const TRIES_MAX: u32 = 12;
/// A connection that held this long was a success, even when nothing came.
const LASTED: Duration = Duration::from_secs(10);

/// Counts tries.
#[derive(Debug)]
pub(crate) struct Backoff {
    failures: u32,
    tries_max: u32,
    since: Instant,
}

impl Backoff {
    /// Returns a counter that has counted nothing.
    pub(crate) fn new() -> Self {
        Self::at_most(TRIES_MAX)
    }

    /// Returns a counter that gives up after so many tries.
    pub(crate) fn at_most(tries_max: u32) -> Self {
        Self { failures: 0, tries_max, since: Instant::now() }
    }

    /// Says that a try begins.
    pub(crate) fn begins(&mut self) {
        self.since = Instant::now();
    }

    /// Says that something went well: the count begins anew.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Says that a try failed; returns how long to wait for the next one, or none when there is none.
    pub(crate) fn failed(&mut self) -> Option<Duration> {
        if self.since.elapsed() >= LASTED {
            self.failures = 0;
        }
        self.failures += 1;
        (self.failures < self.tries_max).then(|| delay(self.failures))
    }

    /// Waits for the next try; false when there is none.
    pub(crate) async fn wait(&mut self) -> bool {
        let Some(delay) = self.failed() else { return false };
        tokio::time::sleep(delay).await;
        true
    }
}

fn delay(failures: u32) -> Duration {
    DELAY_FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(DELAY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit_and_end() {
        let mut backoff = Backoff::new();
        let delays: Vec<u128> = std::iter::from_fn(|| backoff.failed()).map(|delay| delay.as_millis()).collect();
        assert_eq!(delays, [200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000, 5000, 5000]);
    }

    #[test]
    fn a_success_begins_anew() {
        let mut backoff = Backoff::at_most(3);
        assert!(backoff.failed().is_some() && backoff.failed().is_some());
        backoff.succeeded();
        assert!(backoff.failed().is_some() && backoff.failed().is_some());
        assert_eq!(backoff.failed(), None);
    }
}
