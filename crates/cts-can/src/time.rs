//! Seconds with six (or three) decimals, exactly as `'%.6f' % (float(nanoseconds) / 1e9)` prints them in Python.
//!
//! That rounds twice: to the nearest double, then its exact value to six decimals, ties to even. Integers
//! give the same digits except where the nanoseconds end in 500: there the double decides which way to go.
//! Of three decimals the same holds for nanoseconds that end in 500000.

use std::fmt::Write;

use crate::text::Text;

/// Below this, converting nanoseconds to a double loses nothing, and the division moves the value by less
/// than the nanosecond that lies between it and the next point where rounding turns: half an ulp is at most
/// 2^-30 s for values under 2^24 s.
const EXACT_NANOSECONDS_MAX: u128 = 1 << 53;

/// Returns the nanoseconds from `zero` to `mono_time`.
pub(crate) fn difference(mono_time: u64, zero: u64) -> i128 {
    i128::from(mono_time) - i128::from(zero)
}

/// Returns nanoseconds as seconds.
pub(crate) fn seconds(nanoseconds: i128) -> f64 {
    nanoseconds as f64 / 1e9
}

/// Returns the seconds that a reader of a table finds in it: those with six decimals.
pub(crate) fn printed_seconds(nanoseconds: i128) -> f64 {
    let mut text = Text::<32>::default();
    push_seconds(&mut text, nanoseconds);
    let printed = std::str::from_utf8(text.as_bytes()).ok().and_then(|text| text.parse().ok());
    printed.expect("printed seconds are a number")
}

/// Appends nanoseconds as seconds with six decimals.
pub(crate) fn push_seconds<const N: usize>(text: &mut Text<N>, nanoseconds: i128) {
    push_rounded::<N, 6>(text, nanoseconds);
}

/// Appends nanoseconds as seconds with three decimals.
pub(crate) fn push_seconds_to_milliseconds<const N: usize>(text: &mut Text<N>, nanoseconds: i128) {
    push_rounded::<N, 3>(text, nanoseconds);
}

fn push_rounded<const N: usize, const DECIMALS: u32>(text: &mut Text<N>, nanoseconds: i128) {
    let units_in_second = const { 10_u64.pow(DECIMALS) };
    let nanoseconds_in_unit = const { 1_000_000_000 / 10_u64.pow(DECIMALS) };
    let size = nanoseconds.unsigned_abs();
    let (mut units, rest) = match u64::try_from(size) {
        Ok(size) if u128::from(size) <= EXACT_NANOSECONDS_MAX => {
            (size / nanoseconds_in_unit, size % nanoseconds_in_unit)
        }
        _ => return push_rounded_double::<N, DECIMALS>(text, nanoseconds),
    };
    if rest == nanoseconds_in_unit / 2 {
        return push_rounded_double::<N, DECIMALS>(text, nanoseconds);
    }
    if rest > nanoseconds_in_unit / 2 {
        units += 1;
    }
    if nanoseconds < 0 {
        text.push(b"-");
    }
    text.push_number(units / units_in_second, 1);
    text.push(b".");
    text.push_number(units % units_in_second, DECIMALS as usize);
}

#[cold]
fn push_rounded_double<const N: usize, const DECIMALS: u32>(text: &mut Text<N>, nanoseconds: i128) {
    let written = write!(text, "{:.*}", DECIMALS as usize, seconds(nanoseconds));
    written.expect("the longest time has 19 characters");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed(nanoseconds: i128) -> String {
        let mut text = Text::<32>::default();
        push_seconds(&mut text, nanoseconds);
        String::from_utf8(text.as_bytes().to_vec()).unwrap()
    }

    fn check(nanoseconds: i128) {
        let seconds = nanoseconds as f64 / 1e9;
        assert_eq!(printed(nanoseconds), format!("{seconds:.6}"), "{nanoseconds} ns");
        let mut text = Text::<32>::default();
        push_seconds_to_milliseconds(&mut text, nanoseconds);
        assert_eq!(text.as_bytes(), format!("{seconds:.3}").as_bytes(), "{nanoseconds} ns");
    }

    #[test]
    fn ties_follow_the_double_and_then_the_even_digit() {
        // What Python prints for these; 1.0078125 is a double, the others are not.
        let rows = [
            (1_007_812_500, "1.007812"),
            (1_023_437_500, "1.023438"),
            (500, "0.000000"),
            (1_500, "0.000002"),
            (2_500, "0.000003"),
            (-500, "-0.000000"),
            (1_000_500, "0.001001"),
            (3_000_500, "0.003001"),
            (-300, "-0.000000"),
            (0, "0.000000"),
            (999_999_500, "1.000000"),
            (999_999_499, "0.999999"),
        ];
        for (nanoseconds, expected) in rows {
            check(nanoseconds);
            assert_eq!(printed(nanoseconds), expected, "{nanoseconds} ns");
        }
    }

    #[test]
    fn the_longest_time_fits() {
        for nanoseconds in [i128::from(u64::MAX), -i128::from(u64::MAX)] {
            check(nanoseconds);
            assert!(printed(nanoseconds).len() <= 19);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn every_time_prints_as_its_double(mono_time: u64, zero: u64, shift in 0_u32..64) {
            check(difference(mono_time >> shift, zero >> shift));
        }

        #[test]
        fn times_at_and_beside_a_tie_print_as_their_double(micros in 0_i128..(1 << 43), shift in 0_u32..43, beside in -2_i128..=2) {
            for unit in [1_000, 1_000_000] {
                let nanoseconds = (micros >> shift) * unit + unit / 2 + beside;
                check(nanoseconds);
                check(-nanoseconds);
            }
        }

        #[test]
        fn times_around_the_limit_of_exact_doubles_print_as_their_double(beside in -1_000_000_i128..1_000_000) {
            check((1 << 53) + beside);
            check(-(1 << 53) - beside);
        }
    }
}
