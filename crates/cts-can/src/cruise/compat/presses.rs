//! How fast the car was when the set button was pressed, as the Python tool looks it up.
//!
//! It takes the first speed in the order of the log that is less than a second away, before or after, not the nearest.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// How far away a speed still counts, in seconds.
const REACH: f64 = 1.0;

/// A press of the set button.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SetPress {
    /// Seconds since boot.
    pub time: f64,
    /// The speed that is told for it, in miles an hour.
    pub mph: Option<f64>,
}

/// A time in a form that sorts as times do.
#[derive(Clone, Copy, Debug)]
struct Time(f64);

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Time {}

/// The presses and the speeds so far.
#[derive(Debug)]
pub(super) struct PressSpeeds {
    times: Vec<f64>,
    /// The times whose speed is not known.
    pending: BTreeSet<Time>,
    speeds: BTreeMap<Time, f64>,
}

impl PressSpeeds {
    pub(super) fn new(times: Vec<f64>) -> Self {
        Self { pending: times.iter().map(|time| Time(*time)).collect(), times, speeds: BTreeMap::new() }
    }

    /// Returns whether a further speed can matter.
    pub(super) fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn point(&mut self, time: f64, mph: f64) {
        // One step wider than the reach, as both of them are rounded; the exact question is asked below.
        let (from, to) = (Time((time - REACH).next_down()), Time((time + REACH).next_up()));
        let is_near = |press: &Time| (time - press.0).abs() < REACH;
        let near: Vec<Time> = self.pending.range(from..=to).copied().filter(is_near).collect();
        for press in near {
            self.pending.remove(&press);
            self.speeds.insert(press, mph);
        }
    }

    pub(super) fn finish(self) -> Vec<SetPress> {
        let press = |time: f64| SetPress { time, mph: self.speeds.get(&Time(time)).copied() };
        self.times.into_iter().map(press).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quickly(presses: &[f64], points: &[(f64, f64)]) -> Vec<Option<f64>> {
        let mut speeds = PressSpeeds::new(presses.to_vec());
        for (time, mph) in points {
            speeds.point(*time, *mph);
        }
        speeds.finish().iter().map(|press| press.mph).collect()
    }

    #[test]
    fn the_first_speed_within_a_second_is_taken_not_the_nearest() {
        let points = [(8.9, 1.0), (9.0, 2.0), (9.5, 3.0), (10.0, 4.0)];
        assert_eq!(quickly(&[10.0], &points), [Some(3.0)], "exactly a second is too far");
        assert_eq!(quickly(&[10.0], &[(10.9, 1.0), (10.0, 2.0)]), [Some(1.0)], "later ones count as well");
        assert_eq!(quickly(&[10.0], &[(11.0, 1.0), (8.0, 2.0)]), [None]);
    }

    #[test]
    fn presses_of_one_moment_have_one_speed() {
        assert_eq!(
            quickly(&[3.0, 0.0, 3.0, 0.5], &[(0.2, 1.0), (3.1, 2.0)]),
            [Some(2.0), Some(1.0), Some(2.0), Some(1.0)]
        );
    }

    proptest! {
        #[test]
        fn speeds_are_those_of_the_slow_way(
            presses in prop::collection::vec(-200_i32..200, 0..20),
            points in prop::collection::vec((-200_i32..200, 0_u32..100), 0..60),
        ) {
            let presses: Vec<f64> = presses.iter().map(|time| f64::from(*time) / 100.0).collect();
            let points: Vec<(f64, f64)> =
                points.iter().map(|(time, mph)| (f64::from(*time) / 100.0, f64::from(*mph))).collect();
            let slowly = |press: &f64| points.iter().find(|(time, _)| (time - press).abs() < 1.0).map(|(_, mph)| *mph);
            prop_assert_eq!(quickly(&presses, &points), presses.iter().map(slowly).collect::<Vec<_>>());
        }
    }
}
