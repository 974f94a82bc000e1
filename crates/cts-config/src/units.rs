//! Times and sizes as people write them: `5m`, `1h 30m`, `100 MB`, `2 GiB`, or a bare number in the setting's own unit.
//!
//! Decimal arithmetic is exact and bounded; nothing here panics or rounds through floating point. MB is 10⁶ bytes and
//! MiB is 2²⁰; a lone `M` could be either and is refused.

use std::time::Duration;

/// The unit of a bare number that is a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Days.
    Days,
}

impl TimeUnit {
    /// Returns the word for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Days => "days",
        }
    }

    /// Returns a time as a text, for people to copy.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Seconds => "5m",
            Self::Minutes => "2h",
            Self::Days => "7 days",
        }
    }

    /// Returns a bound in the largest unit that divides it.
    pub(crate) fn bound(self, count: u64) -> String {
        let nanoseconds = u128::from(count) * self.nanoseconds();
        let unit = [Self::Days, Self::Minutes]
            .into_iter()
            .find(|unit| nanoseconds > 0 && nanoseconds.is_multiple_of(unit.nanoseconds()));
        let unit = unit.unwrap_or(Self::Seconds);
        let count = nanoseconds / unit.nanoseconds();
        if count == 1 {
            format!("1 {}", unit.as_str().trim_end_matches('s'))
        } else {
            format!("{count} {}", unit.as_str())
        }
    }

    /// Returns how many nanoseconds one is.
    pub(crate) fn nanoseconds(self) -> u128 {
        match self {
            Self::Seconds => SECOND,
            Self::Minutes => 60 * SECOND,
            Self::Days => 86_400 * SECOND,
        }
    }
}

/// The unit of a bare number that is a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeUnit {
    /// 10³ bytes.
    Kilobytes,
    /// 10⁶ bytes.
    Megabytes,
}

impl SizeUnit {
    /// Returns the symbol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kilobytes => "KB",
            Self::Megabytes => "MB",
        }
    }

    /// Returns a size as a text, for people to copy.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Kilobytes => "1 MB",
            Self::Megabytes => "2 GB",
        }
    }

    /// Returns a bound in the largest unit that divides it.
    pub(crate) fn bound(self, count: u64) -> String {
        let bytes = count.saturating_mul(self.bytes());
        let units = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)];
        let unit = units.into_iter().find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size));
        let (word, size) = unit.unwrap_or((self.as_str(), self.bytes()));
        format!("{} {word}", bytes / size)
    }

    /// Returns how many bytes one is.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::Kilobytes => 1_000,
            Self::Megabytes => 1_000_000,
        }
    }
}

const SECOND: u128 = 1_000_000_000;

/// Most digits before or after the point: with every unit the product stays far below the limit of `u128`.
const DIGITS_MAX: usize = 18;

/// Returns `number` × `multiplier`, what is finer than one cut off; none when it is no plain decimal number.
pub(crate) fn scaled(number: &str, multiplier: u128) -> Option<u128> {
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (number, ""),
    };
    let whole = digits(whole)?;
    let mut total = whole.checked_mul(multiplier)?;
    if !fraction.is_empty() {
        let ten_power = 10u128.pow(u32::try_from(fraction.len()).ok().filter(|len| *len <= 18)?);
        total = total.checked_add(digits(fraction)?.checked_mul(multiplier)? / ten_power)?;
    }
    Some(total)
}

/// Reads digits, with `_` allowed between two of them.
fn digits(text: &str) -> Option<u128> {
    let framed = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let good = !framed && (1..=DIGITS_MAX).contains(&plain.len()) && plain.bytes().all(|b| b.is_ascii_digit());
    good.then(|| plain.parse().ok()).flatten()
}

/// Splits a number from what follows it.
fn split_number(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '_'))).unwrap_or(text.len()))
}

/// Reads a time: a bare number in `unit`, or numbers with their units (`90s`, `5m`, `1h 30m`, `7 days`).
pub(crate) fn duration(text: &str, unit: TimeUnit) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total: u128 = 0;
    if let (number, "") = split_number(rest) {
        total = scaled(number, unit.nanoseconds())?;
        rest = "";
    } else {
        while !rest.is_empty() {
            let (number, after) = split_number(rest);
            let after = after.trim_start();
            let (word, next) = after.split_at(after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()));
            let nanoseconds = match word {
                "ms" | "millisecond" | "milliseconds" => SECOND / 1000,
                "s" | "sec" | "second" | "seconds" => SECOND,
                "m" | "min" | "minute" | "minutes" => 60 * SECOND,
                "h" | "hour" | "hours" => 3600 * SECOND,
                "d" | "day" | "days" => 86_400 * SECOND,
                _ => return None,
            };
            total = total.checked_add(scaled(number, nanoseconds)?)?;
            rest = next.trim_start();
        }
        if text.trim().is_empty() {
            return None;
        }
    }
    debug_assert!(rest.is_empty(), "the whole text was read");
    let seconds = u64::try_from(total / SECOND).ok()?;
    Some(Duration::new(seconds, u32::try_from(total % SECOND).expect("a remainder of a second is below 10⁹")))
}

/// Reads a size in bytes: a bare number in `unit`, or a number with its unit (`100 MB`, `2 GiB`, `512 B`).
pub(crate) fn bytes(text: &str, unit: SizeUnit) -> Option<u64> {
    let (number, word) = split_number(text.trim());
    let multiplier = match word.trim_start().to_ascii_lowercase().as_str() {
        "" => u128::from(unit.bytes()),
        "b" | "byte" | "bytes" => 1,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    u64::try_from(scaled(number, multiplier)?).ok()
}

/// Returns how many units something is: a whole number where the unit divides it.
pub(crate) fn count(value: u128, unit: u128) -> serde_json::Value {
    match u64::try_from(value / unit) {
        Ok(whole) if value.is_multiple_of(unit) => whole.into(),
        #[expect(clippy::cast_precision_loss, reason = "a value that its unit does not divide is written rounded")]
        _ => (value as f64 / unit as f64).into(),
    }
}

/// Writes a time so that [`duration`] reads the same one back: a bare number where `unit` divides it.
pub(crate) fn write_duration(value: Duration, unit: TimeUnit) -> String {
    let nanoseconds = value.as_nanos();
    if nanoseconds.is_multiple_of(unit.nanoseconds()) {
        return (nanoseconds / unit.nanoseconds()).to_string();
    }
    let (seconds, rest) = (nanoseconds / SECOND, nanoseconds % SECOND);
    if rest == 0 { format!("\"{seconds}s\"") } else { format!("\"{seconds}.{rest:09}s\"") }
}

/// Writes a size so that [`bytes`] reads the same one back: a bare number where `unit` divides it.
pub(crate) fn write_bytes(value: u64, unit: SizeUnit) -> String {
    if value.is_multiple_of(unit.bytes()) { (value / unit.bytes()).to_string() } else { format!("\"{value} B\"") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let table = [
            ("300", Some(300_000)),
            ("0.5", Some(500)),
            ("1_000", Some(1_000_000)),
            ("5m", Some(300_000)),
            ("5 min", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("1h 30m", Some(5_400_000)),
            ("1.5h", Some(5_400_000)),
            ("250ms", Some(250)),
            (" 7 days ", Some(604_800_000)),
            ("", None),
            ("m", None),
            ("5M", None),
            ("-5", None),
            ("5m 30", None),
            ("1e3", None),
            ("5.", None),
            (".5", None),
            ("_5", None),
            ("5__0", None),
            ("inf", None),
            ("9999999999999999999", None),
            ("five minutes", None),
        ];
        for (text, ms) in table {
            assert_eq!(duration(text, TimeUnit::Seconds), ms.map(Duration::from_millis), "{text:?}");
        }
        assert_eq!(duration("2", TimeUnit::Minutes), Some(Duration::from_secs(120)));
        assert_eq!(duration("2", TimeUnit::Days), Some(Duration::from_secs(172_800)));
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let table = [
            ("100", Some(100_000_000)),
            ("100 MB", Some(100_000_000)),
            ("100mb", Some(100_000_000)),
            ("1.5 GB", Some(1_500_000_000)),
            ("2GiB", Some(2 << 30)),
            ("512 B", Some(512)),
            ("0", Some(0)),
            ("1M", None),
            ("MB", None),
            ("-1 MB", None),
            ("99999999999 TB", None),
        ];
        for (text, size) in table {
            assert_eq!(bytes(text, SizeUnit::Megabytes), size, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ns in 0u64..=u64::MAX, size: u64) {
            for unit in [TimeUnit::Seconds, TimeUnit::Minutes, TimeUnit::Days] {
                let value = Duration::from_nanos(ns);
                prop_assert_eq!(duration(write_duration(value, unit).trim_matches('"'), unit), Some(value));
            }
            for unit in [SizeUnit::Kilobytes, SizeUnit::Megabytes] {
                let size = size % 1_000_000_000_000_000_000;
                prop_assert_eq!(bytes(write_bytes(size, unit).trim_matches('"'), unit), Some(size));
            }
        }

        #[test]
        fn no_text_makes_the_readers_panic(text in ".{0,40}", numbers in "[0-9._]{0,24} ?[a-zA-Z]{0,3}") {
            for text in [text, numbers] {
                let _ = duration(&text, TimeUnit::Days);
                let _ = bytes(&text, SizeUnit::Megabytes);
            }
        }
    }
}
