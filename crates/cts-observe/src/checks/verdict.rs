//! One word for all checks: a pure rule, so that it can be tested as a table.

use super::{CheckResult, Status};

/// How the service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All checks pass.
    Healthy,
    /// More than half pass, and no critical one fails.
    Degraded,
    /// Everything else.
    Unhealthy,
}

impl Verdict {
    /// Returns `healthy`, `degraded` or `unhealthy`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// How many checks there are, and how they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// All.
    pub total: usize,
    /// Those that pass.
    pub healthy: usize,
    /// Those that fail.
    pub failed: usize,
}

/// Counts checks.
#[must_use]
pub fn summary(results: &[CheckResult]) -> Summary {
    let count = |status| results.iter().filter(|result| result.status == status).count();
    Summary { total: results.len(), healthy: count(Status::Healthy), failed: count(Status::Unhealthy) }
}

/// Returns the verdict over checks. One that has not looked yet does not pass, but has not failed either.
#[must_use]
pub fn verdict(results: &[CheckResult]) -> Verdict {
    let Summary { total, healthy, .. } = summary(results);
    let fails_critically = results.iter().any(|result| result.critical && result.status == Status::Unhealthy);
    if healthy == total {
        Verdict::Healthy
    } else if healthy * 2 > total && !fails_critically {
        Verdict::Degraded
    } else {
        Verdict::Unhealthy
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn results(text: &str) -> Vec<CheckResult> {
        let result = |letter: char| CheckResult {
            name: "x",
            critical: letter.is_uppercase(),
            gates_readiness: false,
            status: match letter.to_ascii_lowercase() {
                'h' => Status::Healthy,
                'f' => Status::Unhealthy,
                _ => Status::Unknown,
            },
            last_check: None,
            duration: Duration::ZERO,
            message: None,
            remedy: "",
            details: super::super::Details::new(),
            looks: 0,
        };
        text.chars().map(result).collect()
    }

    #[test]
    fn the_verdict_follows_from_how_many_pass_and_which() {
        // h passes, f fails, u has not looked; capitals are critical.
        let rows = [
            ("", Verdict::Healthy),
            ("hhh", Verdict::Healthy),
            ("Hh", Verdict::Healthy),
            ("hhf", Verdict::Degraded),
            ("Hhf", Verdict::Degraded),
            ("hhF", Verdict::Unhealthy),
            ("hhhhF", Verdict::Unhealthy),
            ("hf", Verdict::Unhealthy),
            ("hff", Verdict::Unhealthy),
            ("hhu", Verdict::Degraded),
            ("hhU", Verdict::Degraded),
            ("uu", Verdict::Unhealthy),
            ("F", Verdict::Unhealthy),
        ];
        for (text, expected) in rows {
            assert_eq!(verdict(&results(text)), expected, "{text:?}");
        }
        assert_eq!(summary(&results("hhfu")), Summary { total: 4, healthy: 2, failed: 1 });
    }
}
