//! Durations and sizes as people write them: `"5m"`, `"1h 30m"`, `"250 ms"`; `"512 MB"`, `"1.5 GB"`, `"64 MiB"`.
//!
//! A bare number is seconds or bytes. 1 MB is 10⁶ bytes, 1 MiB is 2²⁰.

use std::time::Duration;

/// Longest duration that a manifest may name.
pub(super) const DURATION_MAX: Duration = Duration::from_hours(24 * 365);

/// Largest size that a manifest may name: 2⁵³ bytes, beyond which numbers are not exact.
pub(super) const SIZE_MAX: u64 = 1 << 53;

/// What a duration looks like, for messages.
pub(super) const DURATION_FORM: &str = "a duration such as \"90s\", \"5m\" or \"1h 30m\", or a number of seconds";

/// What a size looks like, for messages.
pub(super) const SIZE_FORM: &str = "a size such as \"512 MB\" or \"64 MiB\", or a number of bytes";

/// Returns the duration of a number of seconds.
pub(super) fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok().filter(|duration| *duration <= DURATION_MAX)
}

/// Splits a leading decimal number from the rest of a text.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Some((digits.parse().ok()?, rest.trim_start()))
}

/// Returns the duration that a text names.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (count, after) = number(rest)?;
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit_seconds = match unit {
            "ms" => 0.001,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        total += count * unit_seconds;
        rest = after.trim_start();
    }
    // Sums of decimal fractions are rounded to whole nanoseconds by the conversion.
    seconds(total)
}

/// Returns the bytes that a text names.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the number was checked: 0 to 2^53"
)]
pub(super) fn size(text: &str) -> Option<u64> {
    let (count, unit) = number(text.trim())?;
    let unit_bytes: f64 = match unit.to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = (count * unit_bytes).round();
    (bytes <= SIZE_MAX as f64).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("5m", 300_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            ("250 ms", 250),
            ("1.5s", 1500),
            ("2 d", 172_800_000),
        ] {
            assert_eq!(duration(text).map(|found| found.as_millis()), Some(millis), "{text}");
        }
        for bad in ["", "5", "m", "5 minutes", "-5m", "5m 3", "1e3s", "400d", "5..3s", "5m,"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_megabyte_is_a_million_bytes() {
        for (text, bytes) in
            [("512 MB", 512_000_000), ("64MiB", 67_108_864), ("1.5 gb", 1_500_000_000), ("10 B", 10), ("0 kB", 0)]
        {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for bad in ["", "12", "MB", "-1 MB", "1 XB", "1 M", "99999999 TB", "1 MB 2 kB"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }
}
