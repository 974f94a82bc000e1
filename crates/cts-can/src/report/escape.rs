//! Text from a log, a file name or a user, made safe for markup.
//!
//! What comes out holds no markup of its own, as content and inside of quoted attributes, and no character that XML
//! forbids or that turns the direction of what stands around it.

/// What is shown in place of a character that may not be there.
const REPLACEMENT: char = '\u{FFFD}';

/// Appends a text so that it means itself, as content and in a quoted attribute.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ if is_harmful(character) => out.push(REPLACEMENT),
            _ => out.push(character),
        }
    }
}

/// Returns whether a character is a control, changes the direction of its neighbors, or is none at all.
fn is_harmful(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        '\u{2028}' | '\u{2029}' | '\u{FDD0}'..='\u{FDEF}' => true,
        _ => character.is_control() || u32::from(character) & 0xFFFE == 0xFFFE,
    }
}

/// Appends a name as the target of a link to a file in the same directory.
///
/// Everything but letters, digits, `-`, `_` and `.` is written as `%XX`, so that no name becomes a scheme or a path.
pub(crate) fn push_relative_target(out: &mut String, name: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push_str("./");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Returns a name that can stand in an `id`: lower-case letters, digits and single hyphens.
pub(crate) fn id_of(name: &str) -> String {
    let mut id = String::from("s");
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            id.push(character.to_ascii_lowercase());
        } else if !id.ends_with('-') {
            id.push('-');
        }
    }
    id.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        push_escaped(&mut out, text);
        out
    }

    #[test]
    fn markup_and_quotes_mean_themselves() {
        assert_eq!(
            escaped("<script>alert('a & \"b\"')</script>"),
            "&lt;script&gt;alert(&#39;a &amp; &quot;b&quot;&#39;)&lt;/script&gt;"
        );
    }

    #[test]
    fn controls_and_turned_directions_are_replaced() {
        assert_eq!(
            escaped("a\0b\u{1b}c\u{202E}d\u{FFFE}e\u{85}f\n"),
            "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e\u{FFFD}f\n"
        );
    }

    #[test]
    fn a_link_stays_in_its_directory() {
        let mut out = String::new();
        push_relative_target(&mut out, "javascript:alert(1)/../\u{e4}.csv");
        assert_eq!(out, "./javascript%3Aalert%281%29%2F..%2F%C3%A4.csv");
    }

    #[test]
    fn an_id_has_only_plain_characters() {
        assert_eq!(id_of("Speed over time"), "sspeed-over-time");
        assert_eq!(id_of("\"><script>"), "s-script");
        assert_eq!(id_of(""), "s");
    }
}
