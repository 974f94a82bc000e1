//! How fast the car was: a point for each sample, thinned to a grid of time where there are very many.
//!
//! Stretches in the target range, the range and the mean are of all samples, thinned or not. A speed that no car reaches
//! is left out and counted.

use super::level::Level;
use super::{Run, SpeedPoint, SpeedTrack};

/// How many points are kept.
pub(super) const POINTS_MAX: usize = 1 << 18;

/// The highest speed of a wheel that is believed: 400 km/h, in m/s.
pub(super) const WHEEL_SPEED_MAX: f64 = 400.0 / 3.6;

/// Seconds between two points over which the speed is interpolated.
const GAP_MAX: f64 = 2.0;

/// Seconds from a point in which its speed counts where there is no other.
const NEAR_MAX: f64 = 1.0;

/// The first step of the grid, in seconds.
const STEP_MIN: f64 = 0.01;

/// Collects the speed.
#[derive(Debug)]
pub(super) struct Speeds {
    min: f64,
    max: f64,
    points: Vec<SpeedPoint>,
    step: f64,
    target: Level,
    sum: f64,
    range: Option<(f64, f64)>,
    impossible: u64,
    /// The last speed, with its time.
    pub(super) last: Option<(f64, f64)>,
}

impl Speeds {
    /// Returns a collection for a target range in m/s, of which both ends are in it.
    pub(super) fn new(min: f64, max: f64) -> Self {
        Self {
            min,
            max,
            points: Vec::new(),
            step: 0.0,
            target: Level::default(),
            sum: 0.0,
            range: None,
            impossible: 0,
            last: None,
        }
    }

    pub(super) fn samples(&self) -> u64 {
        self.target.samples
    }

    /// Takes the speeds of the wheels at a moment, in m/s, and returns their mean: those that are possible count.
    #[inline]
    pub(super) fn push(&mut self, time: f64, wheels: impl IntoIterator<Item = f64>, room: &mut usize) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0_u8);
        for wheel in wheels {
            // Also false where it is not a number.
            if wheel.abs() <= WHEEL_SPEED_MAX {
                sum += wheel;
                count = count.saturating_add(1);
            } else {
                self.impossible += 1;
            }
        }
        if count == 0 || self.last.is_some_and(|(last, _)| time < last) {
            self.target.late += u64::from(count > 0);
            return None;
        }
        let speed = sum / f64::from(count);
        self.last = Some((time, speed));
        self.target.push(time, self.min <= speed && speed <= self.max, room);
        self.sum += speed;
        let (low, high) = self.range.unwrap_or((speed, speed));
        self.range = Some((low.min(speed), high.max(speed)));
        self.keep(time, speed);
        Some(speed)
    }

    #[inline]
    fn keep(&mut self, time: f64, speed: f64) {
        if self.step > 0.0
            && let Some(last) = self.points.last()
            && cell(last.time, self.step) == cell(time, self.step)
        {
            return;
        }
        if self.points.len() == POINTS_MAX {
            self.thin();
        }
        #[expect(clippy::cast_possible_truncation, reason = "seven digits are enough for a speed")]
        self.points.push(SpeedPoint { time, mps: speed as f32 });
    }

    /// Widens the grid so that half of the points at most remain.
    #[cold]
    fn thin(&mut self) {
        let [first, .., last] = self.points.as_slice() else { return };
        #[expect(clippy::cast_precision_loss, reason = "there are few points")]
        let needed = (last.time - first.time) / (POINTS_MAX / 2) as f64;
        self.step = (2.0 * self.step).max(STEP_MIN).max(needed);
        let step = self.step;
        self.points.dedup_by(|later, earlier| cell(later.time, step) == cell(earlier.time, step));
    }

    /// Returns what was collected, and the stretches in the target range.
    pub(super) fn finish(self, difference: Option<f64>) -> (SpeedTrack, Vec<Run>) {
        let points_seen = self.target.samples;
        #[expect(clippy::cast_precision_loss, reason = "there are far fewer points than 2^53")]
        let mean = self.sum / points_seen as f64;
        let (target, _) = self.target.finish();
        let track = SpeedTrack {
            points: self.points,
            points_seen,
            step: self.step,
            impossible: self.impossible,
            range: self.range.map(|(low, high)| [low, mean, high]),
            difference,
        };
        (track, target)
    }
}

fn cell(time: f64, step: f64) -> f64 {
    (time / step).floor()
}

impl SpeedTrack {
    /// Returns the speed at a moment in m/s: between two points that are at most 2 s apart on the line that joins them,
    /// else that of the nearest point within 1 s; none further away.
    #[must_use]
    pub fn at(&self, time: f64) -> Option<f64> {
        let after = self.points.partition_point(|point| point.time < time);
        let next = self.points.get(after);
        let before = after.checked_sub(1).and_then(|index| self.points.get(index));
        if let (Some(before), Some(next)) = (before, next)
            && next.time - before.time <= GAP_MAX
        {
            let share = (time - before.time) / (next.time - before.time);
            return Some(f64::from(before.mps) + share * (f64::from(next.mps) - f64::from(before.mps)));
        }
        let distance = |point: &&SpeedPoint| (point.time - time).abs();
        let near = [before, next].into_iter().flatten().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
        (distance(&near) <= NEAR_MAX).then_some(f64::from(near.mps))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_speed_of_a_moment_lies_between_its_neighbors() {
        let points = [(0.0, 10.0), (1.0, 20.0), (5.0, 30.0)].map(|(time, mps)| SpeedPoint { time, mps });
        let track = SpeedTrack { points: points.to_vec(), ..SpeedTrack::default() };
        let rows = [(-1.5, None), (-0.5, Some(10.0)), (0.0, Some(10.0)), (0.25, Some(12.5)), (1.0, Some(20.0))];
        for (time, expected) in rows {
            assert_eq!(track.at(time), expected, "{time}");
        }
        // Too far apart to know what was between.
        assert_eq!([1.9, 3.0, 4.1, 6.1].map(|time| track.at(time)), [Some(20.0), None, Some(30.0), None]);
        assert_eq!(SpeedTrack::default().at(0.0), None);
    }

    #[test]
    fn a_wheel_that_no_car_has_is_left_out_and_counted() {
        let mut speeds = Speeds::new(1.0, 2.0);
        let mut room = 9;
        assert_eq!(speeds.push(0.0, [10.0, 20.0, 466.9 / 3.6, f64::NAN], &mut room), Some(15.0));
        assert_eq!(speeds.push(1.0, [500.0], &mut room), None);
        let (track, _) = speeds.finish(None);
        assert_eq!((track.impossible, track.points_seen, track.range), (3, 1, Some([15.0, 15.0, 15.0])));
    }

    #[test]
    fn very_many_points_are_thinned_and_stretches_are_not() {
        let mut speeds = Speeds::new(5.0, 6.0);
        let mut room = 9;
        for sample in 0..600_000_u32 {
            let time = f64::from(sample) / 100.0;
            let speed = if (300_001..300_004).contains(&sample) { 5.5 } else { 1.0 };
            speeds.push(time, [speed], &mut room);
        }
        let (track, target) = speeds.finish(None);
        assert_eq!(target.iter().map(|run| (run.start, run.end)).collect::<Vec<_>>(), [(3000.01, 3000.04)]);
        assert!(track.points.len() <= POINTS_MAX && track.points.len() > POINTS_MAX / 4, "{}", track.points.len());
        assert!(track.step > 0.0 && track.points_seen == 600_000);
        assert!(track.points.windows(2).all(|pair| pair[1].time > pair[0].time));
    }

    proptest! {
        #[test]
        fn stretches_are_those_of_looking_at_every_point(
            samples in prop::collection::vec((0_u8..20, 0_u8..12), 1..80),
        ) {
            let mut speeds = Speeds::new(4.0, 6.0);
            let (mut time, mut room) = (0.0, 1000);
            let mut all = Vec::new();
            for (step, speed) in samples {
                time += f64::from(step) / 4.0;
                all.push((time, f64::from(speed)));
                speeds.push(time, [f64::from(speed)], &mut room);
            }
            let mut expected: Vec<(f64, f64)> = Vec::new();
            let mut start = None;
            for (time, speed) in &all {
                match (start, (4.0..=6.0).contains(speed)) {
                    (None, true) => start = Some(*time),
                    (Some(begun), false) => {
                        expected.push((begun, *time));
                        start = None;
                    }
                    _ => {}
                }
            }
            expected.extend(start.map(|begun| (begun, time)));
            let (_, target) = speeds.finish(None);
            prop_assert_eq!(target.iter().map(|run| (run.start, run.end)).collect::<Vec<_>>(), expected);
        }
    }
}
