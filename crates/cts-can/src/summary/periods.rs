//! How long it is from a frame of a stream to the next: the middle and the long end of it, in a fixed place.
//!
//! Periods are counted in microseconds, in sixteen buckets for each doubling. A quantile is the mean of the bucket that
//! it falls into: so it is off by less than a sixteenth of itself, below 16 µs it is exact, and where a stream is regular,
//! so that one bucket has them all, it is the mean. Nothing else is kept, so the order of the periods makes no difference.

/// Buckets for each doubling.
const BUCKETS: usize = 16;

/// The longest period that is told apart from longer ones, in microseconds: about 13 days.
const MICROSECONDS_MAX: u64 = (1 << 40) - 1;

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    count: u64,
    sum: u64,
}

/// The periods of one stream.
#[derive(Debug, Default)]
pub(super) struct Periods {
    /// Buckets by doubling; the first has the periods below 16 µs, one each.
    octaves: Vec<Option<Box<[Bucket; BUCKETS]>>>,
    count: u64,
}

/// Returns the doubling and the bucket of it that a period belongs to.
fn place(microseconds: u64) -> (usize, usize) {
    let digits = u64::BITS - microseconds.leading_zeros();
    let octave = digits.saturating_sub(4);
    let within = (microseconds >> octave.saturating_sub(1)) % BUCKETS as u64;
    (octave as usize, usize::try_from(within).expect("there are 16 buckets"))
}

impl Periods {
    /// Counts a period.
    #[inline]
    pub(super) fn add(&mut self, seconds: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast ends at 0 and at the top"
        )]
        let microseconds = ((seconds * 1e6).round() as u64).min(MICROSECONDS_MAX);
        let (octave, within) = place(microseconds);
        if self.octaves.len() <= octave {
            self.octaves.resize_with(octave + 1, || None);
        }
        let buckets = self.octaves[octave].get_or_insert_with(|| Box::new([Bucket::default(); BUCKETS]));
        let bucket = &mut buckets[within];
        bucket.count += 1;
        bucket.sum = bucket.sum.saturating_add(microseconds);
        self.count += 1;
    }

    /// Returns how many there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the period, in seconds, that `percent` of all do not exceed: the one of that rank.
    #[expect(clippy::cast_precision_loss, reason = "a mean of microseconds needs no more digits")]
    pub(super) fn quantile(&self, percent: u64) -> Option<f64> {
        let rank = (u128::from(self.count) * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        for bucket in self.octaves.iter().flatten().flat_map(|buckets| buckets.iter()) {
            seen += u128::from(bucket.count);
            if bucket.count > 0 && seen >= rank {
                return Some(bucket.sum as f64 / bucket.count as f64 / 1e6);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(microseconds: &[u64]) -> Periods {
        let mut periods = Periods::default();
        #[expect(clippy::cast_precision_loss, reason = "the numbers are below 2^53")]
        microseconds.iter().for_each(|period| periods.add(*period as f64 / 1e6));
        periods
    }

    #[test]
    fn buckets_follow_one_another_without_a_hole() {
        let mut before = (0, 0);
        for period in 1..100_000 {
            let now = place(period);
            assert!(now == before || now == (before.0, before.1 + 1) || now == (before.0 + 1, 0), "{period}: {now:?}");
            before = now;
        }
        assert_eq!(
            [place(15), place(16), place(31), place(32), place(63)],
            [(0, 15), (1, 0), (1, 15), (2, 0), (2, 15)]
        );
        assert_eq!(place(MICROSECONDS_MAX), (36, 15));
    }

    #[test]
    fn a_regular_stream_has_its_exact_period() {
        let periods = of(&[10_000; 99]);
        assert_eq!((periods.quantile(50), periods.quantile(95), periods.count()), (Some(0.01), Some(0.01), 99));
        assert_eq!(of(&[]).quantile(50), None);
        let seldom = of(&[[10_000; 94].as_slice(), &[500_000; 6]].concat());
        assert_eq!((seldom.quantile(50), seldom.quantile(95)), (Some(0.01), Some(0.5)));
    }

    #[test]
    fn periods_beyond_the_top_are_one_bucket() {
        let mut periods = Periods::default();
        [1e300, f64::MAX, 1e9].into_iter().for_each(|seconds| periods.add(seconds));
        assert_eq!(periods.octaves.len(), 37);
        assert!(periods.quantile(50).unwrap() > 1e6);
    }

    proptest! {
        #[test]
        fn a_quantile_is_off_by_less_than_a_sixteenth(
            mut all in prop::collection::vec((0_u64..1 << 40, 0_u32..40).prop_map(|(all, shift)| all >> shift), 1..200),
            percent in 1_u64..=100,
        ) {
            let found = of(&all).quantile(percent).unwrap() * 1e6;
            all.sort_unstable();
            let rank = (all.len() * usize::try_from(percent).unwrap()).div_ceil(100);
            #[expect(clippy::cast_precision_loss, reason = "the numbers are below 2^53")]
            let exact = all[rank - 1] as f64;
            prop_assert!((found - exact).abs() <= exact / 16.0 + 1e-6, "{found} instead of {exact}");
        }
    }
}
