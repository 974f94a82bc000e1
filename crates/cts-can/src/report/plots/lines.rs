//! A line with any number of points, drawn with few.
//!
//! Each column of pixels keeps its first, lowest, highest and last point, so that the line looks as if all of them were
//! drawn and no peak is lost. Where points are farther apart in time than the line allows, it is interrupted.

use super::axis::Scale;
use crate::report::svg::Path;

/// What is kept of the points in one column of pixels.
#[derive(Clone, Copy, Debug)]
struct Column {
    first: (f64, f64),
    lowest: (f64, f64),
    highest: (f64, f64),
    last: (f64, f64),
}

impl Column {
    fn new(point: (f64, f64)) -> Self {
        Self { first: point, lowest: point, highest: point, last: point }
    }

    fn add(&mut self, point: (f64, f64)) {
        if point.0 < self.first.0 {
            self.first = point;
        }
        if point.0 >= self.last.0 {
            self.last = point;
        }
        if point.1 < self.lowest.1 {
            self.lowest = point;
        }
        if point.1 > self.highest.1 {
            self.highest = point;
        }
    }
}

/// The path of a line, and how many of its points are in it.
#[derive(Debug)]
pub(super) struct ThinLine {
    pub(super) path: Path,
    /// Points that have a time and a value.
    pub(super) points: usize,
    pub(super) drawn: usize,
    /// Points of which the time or the value is not finite.
    pub(super) left_out: usize,
    pub(super) gaps: usize,
}

/// Thins a line to the pixels; points beyond the range of times are left out.
pub(super) fn thin(points: &[(f64, f64)], x: &Scale, y: &Scale, gap_s_max: f64) -> ThinLine {
    let count = (x.to - x.from).abs().max(1.0);
    let mut columns: Vec<Option<Column>> = vec![None; index_of(count) + 1];
    let mut line = ThinLine { path: Path::default(), points: 0, drawn: 0, left_out: 0, gaps: 0 };
    for point in points {
        if !(point.0.is_finite() && point.1.is_finite() && x.holds(point.0)) {
            line.left_out += 1;
            continue;
        }
        line.points += 1;
        let index = index_of((x.place(point.0) - x.from).abs()).min(columns.len() - 1);
        match &mut columns[index] {
            Some(column) => column.add(*point),
            empty => *empty = Some(Column::new(*point)),
        }
    }
    let mut before: Option<f64> = None;
    for column in columns.into_iter().flatten() {
        let (earlier, later) = if column.lowest.0 <= column.highest.0 {
            (column.lowest, column.highest)
        } else {
            (column.highest, column.lowest)
        };
        let is_joined = before.is_some_and(|time| column.first.0 - time <= gap_s_max);
        line.gaps += usize::from(before.is_some() && !is_joined);
        before = Some(column.last.0);
        let mut kept = [column.first, earlier, later, column.last].to_vec();
        kept.dedup();
        line.drawn += kept.len();
        for (index, (time, value)) in kept.iter().enumerate() {
            if index == 0 && !is_joined {
                line.path.move_to(x.place(*time), y.place(*value));
                // A point alone is seen as a dot, because the ends of lines are round.
                line.path.line_to(x.place(*time) + 0.1, y.place(*value));
            } else {
                line.path.line_to(x.place(*time), y.place(*value));
            }
        }
    }
    line
}

/// Returns the pixel in which a distance from the left lies.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a distance within a plot")]
pub(super) fn index_of(pixels: f64) -> usize {
    pixels.clamp(0.0, 10_000.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plots::axis::Range;

    fn scales() -> (Scale, Scale) {
        (
            Scale { range: Range { low: 0.0, high: 10.0 }, from: 0.0, to: 100.0 },
            Scale { range: Range { low: 0.0, high: 1.0 }, from: 50.0, to: 0.0 },
        )
    }

    #[test]
    fn a_peak_among_many_points_is_kept() {
        let (x, y) = scales();
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|index| (f64::from(index) * 1e-4, 0.5)).collect();
        points[54_321].1 = 1.0;
        points[54_322].1 = 0.0;
        let line = thin(&points, &x, &y, 1.0);
        assert_eq!((line.points, line.gaps), (100_000, 0));
        assert!(line.drawn < 210, "{}", line.drawn);
        let with_peak = thin(&points[54_321..54_323], &x, &y, 1.0);
        assert_eq!(with_peak.drawn, 2);
    }

    #[test]
    fn a_gap_is_not_bridged() {
        let (x, y) = scales();
        let line = thin(&[(0.0, 0.0), (1.0, 0.5), (5.0, 0.5), (6.0, 1.0)], &x, &y, 1.5);
        assert_eq!((line.drawn, line.gaps, line.left_out), (4, 1, 0));
        let line = thin(&[(0.0, 0.0), (f64::NAN, 0.5), (20.0, 0.5), (6.0, f64::INFINITY)], &x, &y, 1.5);
        assert_eq!((line.drawn, line.gaps, line.left_out), (1, 0, 3));
    }
}
