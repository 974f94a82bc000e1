//! The speed of the car and the stretches at the speed that is looked for, from one point after another.
//!
//! Points count in the order of the log. A stretch ends at the first point outside of it, not at the last one inside.

use super::FOUND_MAX;
use super::limited::Limited;

/// A stretch at the speed that is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedEvent {
    /// Seconds since boot of the first point inside.
    pub start: f64,
    /// Seconds since boot of the first point outside after it, or of the last point of all.
    pub end: f64,
}

/// What the wheels told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpeedSummary {
    /// Frames with a speed.
    pub points: u64,
    /// Frames that were left out because a wheel shows more than 400 km/h.
    pub impossible: u64,
    /// The lowest speed in miles an hour; 0 where there is no point.
    pub min_mph: f64,
    /// The highest speed.
    pub max_mph: f64,
    /// The mean of the points.
    pub mean_mph: f64,
}

/// The points so far.
#[derive(Debug)]
pub(super) struct Speeds {
    from_mph: f64,
    to_mph: f64,
    summary: SpeedSummary,
    sum_mph: f64,
    last_time: f64,
    open: Option<f64>,
    events: Limited<SpeedEvent>,
}

impl Speeds {
    /// Looks for speeds from one to another, both of which belong to it.
    pub(super) fn new(from_mph: f64, to_mph: f64) -> Self {
        Self {
            from_mph,
            to_mph,
            summary: SpeedSummary::default(),
            sum_mph: 0.0,
            last_time: 0.0,
            open: None,
            events: Limited::new(FOUND_MAX),
        }
    }

    pub(super) fn point(&mut self, time: f64, mph: f64) {
        let summary = &mut self.summary;
        let is_first = summary.points == 0;
        summary.points += 1;
        summary.min_mph = if is_first { mph } else { summary.min_mph.min(mph) };
        summary.max_mph = if is_first { mph } else { summary.max_mph.max(mph) };
        self.sum_mph += mph;
        self.last_time = time;
        if self.from_mph <= mph && mph <= self.to_mph {
            self.open.get_or_insert(time);
        } else if let Some(start) = self.open.take() {
            self.events.push(SpeedEvent { start, end: time });
        }
    }

    pub(super) fn impossible(&mut self) {
        self.summary.impossible += 1;
    }

    /// Returns the summary, the events, and how many events were too many.
    pub(super) fn finish(mut self) -> (SpeedSummary, Vec<SpeedEvent>, u64) {
        if let Some(start) = self.open.take() {
            self.events.push(SpeedEvent { start, end: self.last_time });
        }
        if self.summary.points > 0 {
            self.summary.mean_mph = self.sum_mph / self.summary.points as f64;
        }
        let (events, left_out) = self.events.into_parts();
        (self.summary, events, left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(speeds: &[f64], expected: &[(f64, f64)]) {
        let mut found = Speeds::new(55.0, 56.0);
        for (second, mph) in (0_u32..).zip(speeds) {
            found.point(f64::from(second), *mph);
        }
        let (_, events, _) = found.finish();
        let events: Vec<_> = events.iter().map(|event| (event.start, event.end)).collect();
        assert_eq!(events, expected, "{speeds:?}");
    }

    #[test]
    fn an_event_lasts_until_the_first_point_outside() {
        check(&[], &[]);
        check(&[54.9, 56.1], &[]);
        check(&[50.0, 55.0, 56.0, 57.0, 58.0], &[(1.0, 3.0)]);
        check(&[55.5, 50.0, 55.5, 50.0], &[(0.0, 1.0), (2.0, 3.0)]);
    }

    #[test]
    fn an_open_event_ends_at_the_last_point() {
        check(&[50.0, 55.5, 55.6], &[(1.0, 2.0)]);
        check(&[50.0, 55.5], &[(1.0, 1.0)]);
    }

    #[test]
    fn an_empty_range_has_no_events() {
        let mut found = Speeds::new(56.0, 55.0);
        found.point(1.0, 55.5);
        assert_eq!(found.finish().1, []);
    }

    #[test]
    fn the_summary_tells_range_and_mean() {
        let mut found = Speeds::new(0.0, 1.0);
        for mph in [30.0, 10.0, 50.0] {
            found.point(1.0, mph);
        }
        found.impossible();
        let expected = SpeedSummary { points: 3, impossible: 1, min_mph: 10.0, max_mph: 50.0, mean_mph: 30.0 };
        assert_eq!(found.finish().0, expected);
        assert_eq!(Speeds::new(0.0, 1.0).finish().0, SpeedSummary::default());
    }

    #[test]
    fn more_events_than_fit_are_counted() {
        let mut found = Speeds::new(55.0, 56.0);
        for number in 0..=FOUND_MAX {
            found.point(0.0, 55.5);
            found.point(number as f64, 0.0);
        }
        let (_, events, left_out) = found.finish();
        assert_eq!((events.len(), left_out), (FOUND_MAX, 1));
    }
}
