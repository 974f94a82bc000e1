//! Measured times: percentiles of what was seen.

use std::time::Duration;

/// Times in the order in which they were seen.
#[derive(Debug, Default)]
pub(super) struct Samples {
    micros: Vec<f64>,
}

impl Samples {
    /// Adds one.
    pub(super) fn add(&mut self, time: Duration) {
        self.micros.push(time.as_secs_f64() * 1e6);
    }

    /// Adds all of the other.
    pub(super) fn extend(&mut self, other: Self) {
        self.micros.extend(other.micros);
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.micros.len()
    }

    /// Returns the time that `percent` of them do not exceed, in milliseconds; 0 when there are none.
    pub(super) fn percentile_ms(&self, percent: usize) -> f64 {
        let mut sorted = self.micros.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).map_or(0.0, |micros| micros / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_seen() {
        let mut samples = Samples::default();
        assert_eq!(samples.percentile_ms(50), 0.0);
        for millis in (1..=200).rev() {
            samples.add(Duration::from_millis(millis));
        }
        assert_eq!((samples.percentile_ms(50), samples.percentile_ms(99)), (100.0, 198.0));
        assert_eq!((samples.percentile_ms(0), samples.percentile_ms(100)), (1.0, 200.0));
    }
}
