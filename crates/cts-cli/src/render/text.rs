//! Small texts for people: sizes, times, styles, and words from elsewhere made harmless for a terminal.

use std::borrow::Cow;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use cts_api::time::duration_text;
use cts_model::Timestamp;
use serde_json::Value;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();

/// Returns a text in a style.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Returns a size: `999 B`, `1.2 MB`. One kB is 1000 bytes.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut whole, mut unit) = (bytes, 0);
    // Tenths are cut, so that 999 999 is not 1000.0 kB.
    while whole >= 1_000_000 && unit + 1 < UNITS.len() {
        whole /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", whole / 1000, whole % 1000 / 100, UNITS[unit])
}

/// Returns a number with its thousands apart: `1 234 567`.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Returns `1 file` or `2 files`.
pub(crate) fn count(of: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(of), if of == 1 { one } else { many })
}

/// Returns how long ago a moment was.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let since = now.since(then);
    if since < Duration::from_secs(1) { "now".to_owned() } else { format!("{} ago", duration_text(since)) }
}

/// Returns a text without anything that a terminal would obey; tabs stay.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let is_harmless = |c: char| !c.is_control() || c == '\t';
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let plain = anstream::adapter::strip_str(text).to_string();
    Cow::Owned(plain.chars().map(|c| if is_harmless(c) { c } else { '\u{fffd}' }).collect())
}

/// Returns a value as it is typed on the command line.
pub(crate) fn typed(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => clean(text).into_owned(),
        Value::Array(items) => items.iter().map(typed).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// Returns a bound as people write it: 3, not 3.0.
pub(crate) fn bound(number: f64) -> String {
    format!("{number}")
}

/// Returns a text cut at a number of characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_at_most_before_the_point() {
        let texts = [0, 999, 1000, 1_250, 999_999, 1_234_567, 5_000_000_000, u64::MAX].map(size);
        assert_eq!(texts, ["0 B", "999 B", "1.0 kB", "1.2 kB", "999.9 kB", "1.2 MB", "5.0 GB", "18446.7 PB"]);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 12, 999, 1000, 1_234_567].map(number), ["0", "12", "999", "1 000", "1 234 567"]);
        assert_eq!(count(1, "row", "rows"), "1 row");
    }

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        assert_eq!(clean("a\tb ä"), "a\tb ä");
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m"), "red");
        assert_eq!(clean("\u{1b}]0;title\u{7}x\u{8}\r"), "x\u{fffd}");
    }
}
