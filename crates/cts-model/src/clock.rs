//! Time and ids, which come in from outside: the only place of the product that reads the system's clock.
//!
//! [`Timestamp`] is UTC in whole milliseconds, as every row and every wire type has it.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::{ContextV7, Uuid};

use crate::trace::{SpanId, TraceId};

/// A moment in UTC, in whole milliseconds since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write.
const LAST_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// Returns the moment `ms` milliseconds after 1970-01-01 UTC, held within the years 1970 to 9999.
    #[must_use]
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.clamp(0, LAST_MS))
    }

    /// Returns milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn as_ms(self) -> i64 {
        self.0
    }

    /// Returns this moment plus `duration`, at most the end of the year 9999.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(LAST_MS);
        Self::from_ms(self.0.saturating_add(ms))
    }

    /// Returns this moment minus `duration`, at least 1970.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(LAST_MS);
        Self::from_ms(self.0.saturating_sub(ms))
    }

    /// Returns how long after `earlier` this moment is; zero when it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds: `2026-11-25T09:30:00.123Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0) * 1_000_000;
        let date = OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("a Timestamp lies within 1970 to 9999");
        let (hour, minute, second, milli) = date.to_hms_milli();
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a time in RFC 3339.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a time in RFC 3339, for example 2026-11-25T09:30:00Z")]
pub struct BadTimestamp(String);

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        let bad = || BadTimestamp(text.chars().take(64).collect());
        let date = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| bad())?;
        let ms = i64::try_from(date.unix_timestamp_nanos() / 1_000_000).map_err(|_| bad())?;
        if (0..=LAST_MS).contains(&ms) { Ok(Self(ms)) } else { Err(bad()) }
    }
}

/// Where time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
        let now = std::time::SystemTime::now();
        let since_epoch = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(LAST_MS))
    }
}

/// A clock that only moves when it is told to: for tests.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Returns a clock that stands at `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(start.0)))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(LAST_MS);
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }
}

/// Makes ids: `UUIDv7` that sort by the time of their making, also within one millisecond of one process.
#[derive(Debug)]
pub struct Ids {
    clock: Arc<dyn Clock>,
    context: Mutex<ContextV7>,
    /// A secret of this process, under which numbers are drawn that nobody can guess and that need no lock.
    random: RandomState,
    drawn: AtomicU64,
}

impl Ids {
    /// Returns a maker of ids that takes time from `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let random = RandomState::new();
        Self { clock, context: Mutex::new(ContextV7::new()), random, drawn: AtomicU64::new(0) }
    }

    /// Returns a new id.
    #[must_use]
    pub fn next(&self) -> Uuid {
        let ms = u64::try_from(self.clock.now().as_ms()).unwrap_or(0);
        let nanos = u32::try_from(ms % 1000).unwrap_or(0) * 1_000_000;
        let context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::new_v7(uuid::Timestamp::from_unix(&*context, ms / 1000, nanos))
    }

    /// Returns the id of a new trace: random, as sampling needs it.
    #[must_use]
    pub fn trace(&self) -> TraceId {
        let [high, low] = [self.draw(), self.draw()];
        let bytes = (u128::from(high) << 64 | u128::from(low)).max(1).to_be_bytes();
        TraceId::from_bytes(bytes).expect("a number above zero is not all zeros")
    }

    /// Returns the id of a new span.
    #[must_use]
    pub fn span(&self) -> SpanId {
        SpanId::from_bytes(self.draw().max(1).to_be_bytes()).expect("a number above zero is not all zeros")
    }

    /// Returns a random number.
    fn draw(&self) -> u64 {
        self.random.hash_one(self.drawn.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc_with_milliseconds_and_read_back() {
        let time = Timestamp::from_ms(1_764_063_000_007);
        assert_eq!(time.to_string(), "2025-11-25T09:30:00.007Z");
        assert_eq!("2025-11-25T10:30:00.007+01:00".parse(), Ok(time));
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn ids_sort_by_the_time_of_their_making() {
        let ids = Ids::new(Arc::new(SystemClock));
        let made: Vec<Uuid> = (0..2000).map(|_| ids.next()).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn the_bits_of_traces_and_spans_are_random() {
        let (one, other) = (Ids::new(Arc::new(SystemClock)), Ids::new(Arc::new(SystemClock)));
        let made: Vec<_> = (0..4000).flat_map(|_| [one.trace(), other.trace()]).collect();
        assert_eq!(made.iter().collect::<std::collections::HashSet<_>>().len(), made.len());
        for bit in 0..128 {
            let set = made.iter().filter(|id| id.bytes()[bit / 8] >> (bit % 8) & 1 == 1).count();
            assert!((3600..4400).contains(&set), "bit {bit} is set in {set} of 8000");
        }
        assert_ne!(one.span(), one.span());
    }
}
