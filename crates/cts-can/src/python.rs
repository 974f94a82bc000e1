//! Numbers as Python prints them, cells as its `csv` module quotes them, and its JSON.

use std::fmt::{self, Write as _};
use std::io;

mod json;

pub(crate) use json::Json;

use crate::text::Text;

/// The longest text of a number: a sign, 17 digits, a point, and zeros before them or an exponent.
const NUMBER_BYTES_MAX: usize = 32;

/// Returns a number with the shortest digits that mean it, as `repr` does.
pub(crate) fn repr(value: f64) -> String {
    let mut text = String::new();
    let _ = write_repr(&mut text, value);
    text
}

/// Writes a number with the shortest digits that mean it, as `repr` does.
pub(crate) fn write_repr(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    if value.is_nan() {
        return out.write_str("nan");
    }
    let mut text = Text::<NUMBER_BYTES_MAX>::default();
    write!(text, "{value:?}")?;
    let text = std::str::from_utf8(text.as_bytes()).map_err(|_| fmt::Error)?;
    let Some((digits, exponent)) = text.split_once('e') else { return out.write_str(text) };
    match exponent.strip_prefix('-') {
        Some(size) => write!(out, "{digits}e-{size:0>2}"),
        None => write!(out, "{digits}e+{exponent:0>2}"),
    }
}

/// Returns `round(value, decimals)`: the exact value of the number is rounded, ties to even.
pub(crate) fn round(value: f64, decimals: usize) -> f64 {
    format!("{value:.decimals$}").parse().unwrap_or(value)
}

/// Returns a number with three decimals as `round(value, 3)` and `repr` give it.
pub(crate) fn rounded(value: f64) -> String {
    repr(round(value, 3))
}

/// Returns a cell with what Python quotes quoted.
pub(crate) fn cell(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A list of durations, each with three decimals, as it stands in a cell.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    text: Vec<u8>,
    count: u64,
}

impl Durations {
    /// Returns a list of these.
    pub(crate) fn of(durations: &[f64]) -> Self {
        let mut list = Self::default();
        durations.iter().for_each(|duration| list.push(*duration));
        list
    }

    /// Appends a duration.
    pub(crate) fn push(&mut self, duration: f64) {
        if self.count > 0 {
            self.text.extend_from_slice(b", ");
        }
        self.count += 1;
        push_rounded(&mut self.text, duration);
    }

    /// Empties the list.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.count = 0;
    }

    /// Writes the list in its brackets, quoted where a comma is in it.
    pub(crate) fn write_cell(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let (begin, end): (&[u8], &[u8]) = if self.count > 1 { (b"\"[", b"]\"") } else { (b"[", b"]") };
        out.write_all(begin)?;
        out.write_all(&self.text)?;
        out.write_all(end)
    }
}

/// Below this, thousandths are whole numbers that a double holds with many digits to spare.
const SHORT_SECONDS_MAX: f64 = 1e6;

/// Appends a number with three decimals as `round(value, 3)` and `repr` give it.
fn push_rounded(text: &mut Vec<u8>, value: f64) {
    let thousandths = value * 1000.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "used where it is below 2^30 only")]
    let rounded = (thousandths + 0.5) as u32;
    // Near a tie the exact value decides, which the product has lost.
    let is_sure = (thousandths - f64::from(rounded)).abs() < 0.499_999;
    if !value.is_sign_positive() || value >= SHORT_SECONDS_MAX || !is_sure {
        text.extend_from_slice(repr(round(value, 3)).as_bytes());
        return;
    }
    let mut digits = Text::<16>::default();
    digits.push_number(u64::from(rounded / 1000), 1);
    digits.push(b".");
    let rest = rounded % 1000;
    match (rest % 100, rest % 10) {
        (0, _) => digits.push_number(u64::from(rest / 100), 1),
        (_, 0) => digits.push_number(u64::from(rest / 10), 2),
        _ => digits.push_number(u64::from(rest), 3),
    }
    text.extend_from_slice(digits.as_bytes());
}

/// Returns bytes as upper-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02X}");
    }
    text
}

/// Returns seconds as minutes and seconds the way the Python tool prints them: never before the window, and with 60
/// seconds where they round up to that.
pub(crate) fn clamped_clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    let minutes = (seconds / 60.0).floor();
    format!("{minutes:02.0}:{:06.3}", seconds - 60.0 * minutes)
}

/// Returns seconds as minutes and seconds, rounded before they are split, and with a sign before the window.
pub(crate) fn clock(seconds: f64) -> String {
    let millis = (seconds.abs() * 1000.0).round();
    let minutes = (millis / 60_000.0).floor();
    let rest = (millis - minutes * 60_000.0) / 1000.0;
    let sign = if seconds < 0.0 && millis > 0.0 { "-" } else { "" };
    format!("{sign}{minutes:02.0}:{rest:06.3}")
}

/// Returns seconds as minutes and seconds, split the way `seconds // 60` and `seconds % 60` do.
pub(crate) fn floored_clock(seconds: f64) -> String {
    let rest = seconds.rem_euclid(60.0) + 0.0;
    let minutes = ((seconds - rest) / 60.0).round() + 0.0;
    format!("{minutes:02.0}:{rest:06.3}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_look_as_in_python() {
        let numbers = [6.0, 24.229_996, 2e-5, 1e-4, 1e16, 1e15, 1.5e-7, 1e100, 0.0];
        let texts = ["6.0", "24.229996", "2e-05", "0.0001", "1e+16", "1000000000000000.0", "1.5e-07", "1e+100", "0.0"];
        assert_eq!(numbers.map(repr), texts);
        let durations = |list: &[f64]| {
            let mut out = Vec::new();
            Durations::of(list).write_cell(&mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(durations(&[2.05, 1.999_999, 0.000_5]), "\"[2.05, 2.0, 0.001]\"");
        assert_eq!([durations(&[1e7]), durations(&[])], ["[10000000.0]", "[]"]);
    }

    proptest! {
        #[test]
        fn durations_are_rounded_as_in_python(
            value in prop_oneof![any::<f64>(), 0.0..1e7, (0_u32..5_000_000).prop_map(|n| f64::from(n) / 2000.0)],
        ) {
            let mut text = Vec::new();
            push_rounded(&mut text, value);
            prop_assert_eq!(String::from_utf8(text).unwrap(), rounded(value));
        }
    }

    #[test]
    fn the_own_clock_never_shows_sixty_seconds() {
        let seconds = [-1.5, -0.000_1, 0.0, 59.999_6, 3_599.999_9, 6_000.0];
        assert_eq!(
            seconds.map(clock),
            ["-00:01.500", "00:00.000", "00:00.000", "01:00.000", "60:00.000", "100:00.000"]
        );
        let theirs = ["00:00.000", "00:00.000", "00:00.000", "00:60.000", "59:60.000", "100:00.000"];
        assert_eq!(seconds.map(clamped_clock), theirs);
    }

    #[test]
    fn rounding_looks_at_the_exact_value() {
        // 1.0005 lies below its decimals, 0.0625 and 2.5 are exact.
        assert_eq!([1.0005, 0.0625, 58_910.643_999_9].map(|value| round(value, 3)), [1.0, 0.062, 58_910.644]);
        assert_eq!([54.849_999, 2.25, -0.04].map(|value| round(value, 1)), [54.8, 2.2, -0.0]);
    }

    #[test]
    fn a_clock_splits_at_whole_minutes_also_below_zero() {
        let seconds = [0.0, 12.0, 59.999, 60.0, 58_919.678, 6_000.001, -0.3, -60.0, -0.0];
        let texts = [
            "00:00.000",
            "00:12.000",
            "00:59.999",
            "01:00.000",
            "981:59.678",
            "100:00.001",
            "-1:59.700",
            "-1:00.000",
            "00:00.000",
        ];
        assert_eq!(seconds.map(floored_clock), texts);
    }

    #[test]
    fn only_what_needs_quotes_has_them() {
        assert_eq!(["[1.0]", "[1.0, 2.0]", "a\"b"].map(cell), ["[1.0]", "\"[1.0, 2.0]\"", "\"a\"\"b\""]);
    }
}
