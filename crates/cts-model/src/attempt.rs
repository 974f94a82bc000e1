//! One try of a run: its number, how it ended, and when another try is made.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::WorkerId;

/// One try of a run, one child process.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// Which worker made it.
    pub worker: WorkerId,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// When its end was recorded.
    pub ended_at: Option<Timestamp>,
    /// How it ended; none while it runs.
    pub outcome: Option<Outcome>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The tool did what it promised.
    Completed,
    /// The tool failed.
    ToolError,
    /// The system failed below the tool.
    SystemError,
    /// Somebody asked for its end.
    Canceled,
    /// Its worker died.
    Lost,
    /// The service was stopped while it ran.
    Stopped,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] =
        [Self::Completed, Self::ToolError, Self::SystemError, Self::Canceled, Self::Lost, Self::Stopped];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::ToolError => "tool_error",
            Self::SystemError => "system_error",
            Self::Canceled => "canceled",
            Self::Lost => "lost",
            Self::Stopped => "stopped",
        }
    }

    /// Returns the outcome of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// When a run that went wrong is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all after transient system errors and, where `retry_on_lost`, after the service's death.
    pub attempts_max: u32,
    /// Delay before the second attempt; it doubles with each further one.
    pub delay: Duration,
    /// Whether the tool may be run again after a death of the service, when nobody knows how far it came.
    pub retry_on_lost: bool,
}

impl RetryPolicy {
    /// Longest delay between two attempts.
    pub const DELAY_MAX: Duration = Duration::from_mins(5);

    /// Returns the delay after attempt `number` failed: `delay` × 2^(number − 1), at most [`Self::DELAY_MAX`].
    #[must_use]
    pub fn delay_after(&self, number: u32) -> Duration {
        let factor = 1_u32.checked_shl(number.saturating_sub(1).min(16)).unwrap_or(u32::MAX);
        self.delay.saturating_mul(factor).min(Self::DELAY_MAX)
    }
}

/// How well a run was kept apart from the rest of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Isolation {
    /// In one word.
    pub level: IsolationLevel,
    /// What the machine could not enforce, in sentences for an operator.
    pub missing: Vec<String>,
}

/// How well a run was kept apart, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IsolationLevel {
    /// No sandbox.
    Off,
    /// Some of it is missing; see the list.
    Partial,
    /// All of it.
    Full,
}

impl IsolationLevel {
    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Partial => "partial",
            Self::Full => "full",
        }
    }

    /// Returns the level of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Off, Self::Partial, Self::Full].into_iter().find(|level| level.as_str() == word)
    }
}

/// What an attempt used, as its supervisor measured it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Exit status of the tool's main process.
    pub exit_code: Option<i32>,
    /// The signal that ended the tool's main process.
    pub signal: Option<i32>,
    /// Highest sum of the resident anonymous and shared memory of the whole tree.
    pub peak_memory_bytes: Option<u64>,
    /// User and system time of the whole tree.
    pub cpu_seconds: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_its_limit() {
        let policy = RetryPolicy { attempts_max: 3, delay: Duration::from_secs(1), retry_on_lost: false };
        let delays: Vec<u64> = [1, 2, 3, 9, 40].map(|n| policy.delay_after(n).as_secs()).to_vec();
        assert_eq!(delays, [1, 2, 4, 256, 300]);
    }
}
