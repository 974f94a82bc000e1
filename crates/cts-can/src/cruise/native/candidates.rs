//! Which bits are likely to tell what the cruise control did, and why.
//!
//! Three parts, each from 0 to 1, say what speaks for a bit; the score is 100 times the highest of them.
//!
//! *engaged*: how the bit's level goes with the times in which the car was engaged, whichever level it has then. It is
//! the absolute value of the phi coefficient of the two, weighted by time (the mean square contingency of Pearson and
//! Yule, 1900 and 1912). With T the seconds of the stream, H those in which the bit is 1, E those in which the car is
//! engaged, and B those of both,
//!
//! ```text
//! phi = (T B - H E) / sqrt(H (T - H) E (T - E))
//! ```
//!
//! *windows*: whether its edges lie in the windows and nowhere else. With c the share of the log that lies in windows, of
//! which the bit toggles in h of n, and k of its t toggles in windows,
//!
//! ```text
//! part = (h / n) * max(0, (k / t - c) / (1 - c)) * (1 - c^k)
//! ```
//!
//! The first factor is how regularly, the second how much more often than by chance, and the third is low where few
//! toggles would lie there by chance.
//!
//! *presses*: the same with the presses of the button, each from 0.1 s before it to 0.5 s after the release.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::measure::BitFound;
use super::plan::{Plan, padded, share};
use super::{Candidate, CandidateKind, CruiseResult, Run, Stretch};
use crate::frame::{Address, Bus};

/// What bits are held against.
#[derive(Debug)]
pub(super) struct Scoring {
    has_engaged: bool,
    windows: Marks,
    presses: Marks,
}

/// Stretches in which edges are looked for.
#[derive(Debug)]
struct Marks {
    count: u64,
    /// The share of the log that they cover.
    share: f64,
}

impl Marks {
    /// Returns how much the edges lie in the stretches and nowhere else; none where there are no stretches, or nothing
    /// beside them.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn part(&self, hit: u64, inside: u64, toggles: u64) -> Option<f64> {
        if self.count == 0 || self.share >= 1.0 {
            return None;
        }
        let regular = hit as f64 / self.count as f64;
        let share = inside as f64 / toggles as f64;
        let more = ((share - self.share) / (1.0 - self.share)).max(0.0);
        let sure = 1.0 - self.share.powf(inside as f64);
        Some((regular * more * sure).clamp(0.0, 1.0))
    }
}

impl Scoring {
    pub(super) fn new(result: &CruiseResult, plan: &Plan) -> Self {
        let windows: Vec<Run> = result
            .windows
            .iter()
            .map(|of| Run { start: of.window.start, end: of.window.end, is_begun_before: false, is_unfinished: false })
            .collect();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Self {
            has_engaged: result.engaged.as_ref().is_some_and(|of| of.runs.iter().any(|run| run.seconds() > 0.0)),
            windows: Marks { count: count(windows.len()), share: share(&padded(&windows, 0.0, 0.0), plan.log) },
            presses: Marks { count: count(plan.presses.len()), share: share(&plan.presses, plan.log) },
        }
    }

    /// Returns a bit with its score; `engaged` is how long the car was engaged before the stream's end. None where there
    /// is nothing that it could be held against.
    pub(super) fn candidate(
        &self,
        (bus, address): (Bus, Address),
        bit: u16,
        signal: Option<String>,
        found: &BitFound,
        stream: Stretch,
        engaged: f64,
    ) -> Option<Candidate> {
        let (begun, engaged_before) = found.begun;
        let seconds = (stream.end - begun).max(0.0);
        let engaged_seconds = (engaged - engaged_before).clamp(0.0, seconds);
        let (high, high_engaged) = found.high((stream.end, engaged));
        let (high, high_engaged) = (high.clamp(0.0, seconds), high_engaged.clamp(0.0, engaged_seconds));
        let toggles = found.rises + found.falls;
        let phi = if self.has_engaged { phi(seconds, high, engaged_seconds, high_engaged) } else { None };
        let windows_part = self.windows.part(found.windows_hit, found.window_toggles, toggles);
        let presses_part = self.presses.part(found.presses_hit, found.press_toggles, toggles);
        let parts = [
            (CandidateKind::Engaged, phi.map(f64::abs)),
            (CandidateKind::Windows, windows_part),
            (CandidateKind::Presses, presses_part),
        ];
        let known = parts.iter().filter_map(|(kind, part)| Some((*kind, (*part)?)));
        let (kind, best) = known.reduce(|best, other| if other.1 > best.1 { other } else { best })?;
        let mut candidate = Candidate {
            bus,
            address,
            bit,
            signal,
            score: 100.0 * best,
            kind,
            rises: found.rises,
            falls: found.falls,
            seconds,
            high,
            engaged: engaged_seconds,
            high_engaged,
            phi,
            window_toggles: found.window_toggles,
            windows_hit: found.windows_hit,
            windows_part,
            press_toggles: found.press_toggles,
            presses_hit: found.presses_hit,
            presses_part,
            evidence: String::new(),
            levels: None,
        };
        candidate.evidence = self.evidence(&candidate);
        Some(candidate)
    }

    fn evidence(&self, candidate: &Candidate) -> String {
        let Candidate { rises, falls, seconds, high, engaged, high_engaged, .. } = candidate;
        let mut text = format!("{rises} rises and {falls} falls; 1 in {high:.2} of {seconds:.2} s");
        if let Some(phi) = candidate.phi {
            let _ = write!(text, ", and in {high_engaged:.2} of {engaged:.2} s engaged (phi {phi:.3})");
        }
        for (name, marks, hit, toggles) in [
            ("windows", &self.windows, candidate.windows_hit, candidate.window_toggles),
            ("presses", &self.presses, candidate.presses_hit, candidate.press_toggles),
        ] {
            if marks.count > 0 {
                let (count, share) = (marks.count, 100.0 * marks.share);
                let _ =
                    write!(text, "; toggles in {hit} of {count} {name}, {toggles} times in {share:.0} % of the time");
            }
        }
        text
    }
}

/// Returns the phi coefficient of two levels: that of a bit and that of being engaged. None where one never changed.
fn phi(seconds: f64, high: f64, engaged: f64, both: f64) -> Option<f64> {
    let spread = high * (seconds - high) * engaged * (seconds - engaged);
    // A product that is not above 0 has no root to divide by.
    (spread > 0.0).then(|| ((seconds * both - high * engaged) / spread.sqrt()).clamp(-1.0, 1.0))
}

/// Puts the likely ones first and keeps the first of them. Those with the same score, as it is shown, are ordered by the
/// sum of their parts.
pub(super) fn rank(candidates: &mut Vec<Candidate>, kept: usize) {
    #[expect(clippy::cast_possible_truncation, reason = "parts are between 0 and 1")]
    let thousandths = |share: f64| (share * 1000.0).round() as i64;
    candidates.sort_by_key(|found| {
        let parts = [found.phi.map(f64::abs), found.windows_part, found.presses_part];
        let sum: f64 = parts.into_iter().flatten().sum();
        let score = thousandths(found.score / 100.0);
        (Reverse(score), Reverse(thousandths(sum)), found.address, found.bus, found.bit)
    });
    candidates.truncate(kept);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_level_that_goes_with_the_other_has_a_coefficient_of_one() {
        assert_eq!(phi(60.0, 25.0, 25.0, 25.0), Some(1.0));
        assert_eq!(phi(60.0, 35.0, 25.0, 0.0), Some(-1.0));
        assert_eq!(phi(60.0, 30.0, 30.0, 15.0), Some(0.0));
        assert_eq!([phi(60.0, 0.0, 30.0, 0.0), phi(60.0, 30.0, 60.0, 30.0), phi(0.0, 0.0, 0.0, 0.0)], [None; 3]);
    }

    #[test]
    fn edges_that_lie_in_windows_by_chance_say_nothing() {
        let marks = Marks { count: 2, share: 0.25 };
        assert_eq!(marks.part(2, 25, 100), Some(0.0));
        assert_eq!(marks.part(2, 0, 4), Some(0.0));
        assert_eq!(marks.part(1, 4, 4), Some(0.5 * (1.0 - 0.25_f64.powi(4))), "one window of two");
        assert_eq!(marks.part(1, 1, 1), Some(0.5 * 0.75), "a single edge may be chance");
        assert_eq!(Marks { count: 0, share: 0.0 }.part(0, 0, 1), None);
        assert_eq!(Marks { count: 1, share: 1.0 }.part(1, 1, 1), None);
    }

    proptest! {
        /// The definition of Pearson's correlation, moment for moment.
        #[test]
        fn the_coefficient_is_the_correlation_of_the_samples(samples in prop::collection::vec((any::<bool>(), any::<bool>()), 1..60)) {
            let count = samples.len() as f64;
            let level = |on: bool| f64::from(u8::from(on));
            let mean = |of: &dyn Fn(&(bool, bool)) -> f64| samples.iter().map(of).sum::<f64>() / count;
            let (x, y) = (mean(&|of| level(of.0)), mean(&|of| level(of.1)));
            let covariance = mean(&|of| (level(of.0) - x) * (level(of.1) - y));
            let spread = (mean(&|of| (level(of.0) - x).powi(2)) * mean(&|of| (level(of.1) - y).powi(2))).sqrt();
            let sums = |of: &dyn Fn(&(bool, bool)) -> bool| samples.iter().filter(|sample| of(sample)).count() as f64;
            let found = phi(count, sums(&|of| of.0), sums(&|of| of.1), sums(&|of| of.0 && of.1));
            if spread > 1e-9 {
                prop_assert!((found.unwrap() - covariance / spread).abs() < 1e-9);
            } else {
                prop_assert_eq!(found, None);
            }
        }
    }
}
