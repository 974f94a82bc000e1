//! From values to pixels, and the round numbers at which an axis has ticks.
//!
//! Ticks are few whatever the values are, and their labels have as many decimals as the distance between them needs.

/// Values beyond this are taken for it, so that differences of them stay finite.
const VALUE_MAX: f64 = 1e15;

/// Distances between ticks of time in seconds, from a second up.
const TIME_STEPS: [f64; 14] =
    [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0];

/// From this many seconds on a time is written in minutes.
const MINUTES_FROM_S: f64 = 180.0;

/// The range of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Range {
    /// Returns the range of all values that are finite; none where there is no such value.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut range: Option<Self> = None;
        for value in values.filter(|value| value.is_finite()) {
            let value = value.clamp(-VALUE_MAX, VALUE_MAX);
            range = Some(range.map_or(Self { low: value, high: value }, |range| Self {
                low: range.low.min(value),
                high: range.high.max(value),
            }));
        }
        range
    }

    /// Returns a range that is at least as wide as `width`, or as doubles of this size can tell apart.
    pub(crate) fn at_least(self, width: f64) -> Self {
        let width = width.max(self.low.abs().max(self.high.abs()) * 1e-9);
        if self.high - self.low >= width {
            return self;
        }
        let middle = f64::midpoint(self.low, self.high);
        Self { low: middle - width / 2.0, high: middle + width / 2.0 }
    }

    /// Returns how wide it is.
    pub(crate) fn width(self) -> f64 {
        self.high - self.low
    }
}

/// Where the values of a range are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) range: Range,
    /// The pixel of the lowest value.
    pub(crate) from: f64,
    /// The pixel of the highest value.
    pub(crate) to: f64,
}

impl Scale {
    /// Returns the pixel of a value; the nearest end for values beyond it, and the first for what is no number.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let share = (value - self.range.low) / self.range.width();
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.from + share * (self.to - self.from)
    }

    /// Returns whether a value lies in the range.
    pub(crate) fn holds(&self, value: f64) -> bool {
        self.range.low <= value && value <= self.range.high
    }

    /// Returns the pixels of a stretch of values as begin and length; none where no part of it lies in the range.
    pub(crate) fn stretch(&self, start: f64, end: f64) -> Option<(f64, f64)> {
        if start.is_nan() || end.is_nan() || start > end || end < self.range.low || start > self.range.high {
            return None;
        }
        let (start, end) = (self.place(start), self.place(end));
        Some((start, end - start))
    }
}

/// A value with a tick and what is written there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    pub(crate) label: String,
}

/// Returns about `count` ticks at round numbers.
pub(crate) fn ticks(range: Range, count: u32) -> Vec<Tick> {
    let step = round_step(range.width() / f64::from(count.max(1)));
    let decimals = decimals(step);
    at_steps(range, step, |value| {
        if step < 1e-6 {
            format!("{value:.2e}")
        } else if value.abs() >= 1e7 {
            format!("{value:e}")
        } else {
            format!("{value:.decimals$}")
        }
    })
}

/// Returns about `count` ticks at round times, and what the axis counts.
pub(crate) fn time_ticks(range: Range, count: u32) -> (Vec<Tick>, &'static str) {
    let wanted = range.width() / f64::from(count.max(1));
    if wanted <= 0.5 {
        return (ticks(range, count), "seconds");
    }
    let step =
        TIME_STEPS.iter().copied().find(|step| *step >= wanted).unwrap_or_else(|| round_step(wanted / 3600.0) * 3600.0);
    if range.high.abs().max(range.low.abs()) < MINUTES_FROM_S {
        return (at_steps(range, step, |value| format!("{value:.0}")), "seconds");
    }
    let has_hours = range.high.abs().max(range.low.abs()) >= 3600.0;
    let unit = if has_hours { "hours:minutes:seconds" } else { "minutes:seconds" };
    (at_steps(range, step, |value| clock(value, has_hours)), unit)
}

/// Returns a whole number of seconds as minutes and seconds, or with hours.
fn clock(seconds: f64, has_hours: bool) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let seconds = seconds.abs();
    let (minutes, rest) = ((seconds / 60.0).floor(), seconds % 60.0);
    if has_hours {
        let (hours, minutes) = ((minutes / 60.0).floor(), minutes % 60.0);
        return format!("{sign}{hours:.0}:{minutes:02.0}:{rest:02.0}");
    }
    format!("{sign}{minutes:.0}:{rest:02.0}")
}

/// Returns the smallest of 1, 2 and 5 times a power of ten that is not below a number.
fn round_step(wanted: f64) -> f64 {
    let power = 10f64.powf(wanted.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= wanted * 0.999_999);
    step.filter(|step| step.is_normal()).unwrap_or(1.0)
}

/// Returns how many decimals tell multiples of a step apart.
fn decimals(step: f64) -> usize {
    (0..9).find(|decimals| step * 10f64.powi(*decimals) >= 0.999_999).unwrap_or(9).unsigned_abs() as usize
}

fn at_steps(range: Range, step: f64, label: impl Fn(f64) -> String) -> Vec<Tick> {
    const TICKS_MAX: u32 = 50;
    let first = (range.low / step - 1e-9).ceil();
    let mut ticks = Vec::new();
    for index in 0..TICKS_MAX {
        // Adding zero makes a negative zero a plain one.
        let value = (first + f64::from(index)) * step + 0.0;
        if value > range.high + step * 1e-9 || value.is_nan() {
            break;
        }
        ticks.push(Tick { value, label: label(value) });
    }
    ticks
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn labels(ticks: Vec<Tick>) -> String {
        ticks.into_iter().map(|tick| tick.label).collect::<Vec<_>>().join(" ")
    }

    fn check(low: f64, high: f64, expected: &Expect) {
        let range = Range { low, high };
        expected.assert_eq(&labels(ticks(range, 5)));
    }

    #[test]
    fn ticks_are_round_and_few() {
        check(0.0, 60.0, &expect!["0 20 40 60"]);
        check(49.2, 60.4, &expect!["50 55 60"]);
        check(-0.05, 0.05, &expect!["-0.04 -0.02 0.00 0.02 0.04"]);
        check(-1.5, 1.5, &expect!["-1 0 1"]);
        check(1e9, 4e9, &expect!["1e9 2e9 3e9 4e9"]);
        check(1e-12, 4e-12, &expect!["1.00e-12 2.00e-12 3.00e-12 4.00e-12"]);
    }

    fn check_times(low: f64, high: f64, expected: &Expect) {
        let (ticks, unit) = time_ticks(Range { low, high }, 8);
        expected.assert_eq(&format!("{} {unit}", labels(ticks)));
    }

    #[test]
    fn ticks_of_time_are_round_in_seconds_minutes_and_hours() {
        check_times(-1.5, 1.5, &expect!["-1.5 -1.0 -0.5 0.0 0.5 1.0 1.5 seconds"]);
        check_times(0.0, 60.0, &expect!["0 10 20 30 40 50 60 seconds"]);
        check_times(0.0, 1200.0, &expect!["0:00 5:00 10:00 15:00 20:00 minutes:seconds"]);
        check_times(0.0, 9000.0, &expect!["0:00:00 0:30:00 1:00:00 1:30:00 2:00:00 2:30:00 hours:minutes:seconds"]);
        check_times(
            0.0,
            1e15,
            &expect![
                "0:00:00 50000000000:00:00 100000000000:00:00 150000000000:00:00 200000000000:00:00 250000000000:00:00 hours:minutes:seconds"
            ],
        );
    }

    #[test]
    fn a_range_leaves_out_what_is_no_number() {
        let values = [f64::NAN, 3.0, f64::INFINITY, -2.0];
        assert_eq!(Range::of(values.into_iter()), Some(Range { low: -2.0, high: 3.0 }));
        assert_eq!(Range::of([f64::NAN].into_iter()), None);
        assert_eq!(Range { low: 5.0, high: 5.0 }.at_least(2.0), Range { low: 4.0, high: 6.0 });
    }
}
