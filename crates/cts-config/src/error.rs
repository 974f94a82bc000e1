//! What can be wrong with a configuration, in words for the person who wrote it.
//!
//! A fault names its origin, what is wrong and what to do. Values of sensitive settings are never part of it, and other
//! values are shown cut and escaped.

use std::borrow::Cow;
use std::fmt;

use crate::origin::Origin;

/// Longest part of a value that a message repeats, in characters.
pub(crate) const SHOWN_CHARACTERS_MAX: usize = 64;

/// Returns the text for a message: quoted, escaped, cut.
pub(crate) fn shown(text: &str) -> String {
    let text = &*without_user(text);
    let cut: String = text.chars().take(SHOWN_CHARACTERS_MAX).collect();
    if cut.len() < text.len() { format!("{cut:?}…") } else { format!("{cut:?}") }
}

/// Hides who and with what password somebody is in an address: a value that is refused may hold a secret all the same.
fn without_user(text: &str) -> Cow<'_, str> {
    let user = text.find("://").and_then(|at| {
        let start = at + "://".len();
        let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |length| start + length);
        Some((start, start + text[start..end].rfind('@')?))
    });
    user.map_or(Cow::Borrowed(text), |(start, end)| Cow::Owned(format!("{}***{}", &text[..start], &text[end..])))
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// Where the value was written.
    pub origin: Origin,
    /// The setting it is about, where it is about one.
    pub setting: Option<String>,
    /// What is wrong: a fragment without a full stop.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.origin, self.message, self.remedy)
    }
}

/// Everything that is wrong with a configuration: never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigFaults(pub Vec<ConfigFault>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} {}", if count == 1 { "fault" } else { "faults" })?;
        for fault in &self.0 {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

/// Something that does not stop the start, but should be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigWarning {
    /// Where it comes from, where it comes from one place.
    pub origin: Option<Origin>,
    /// What should be known.
    pub message: String,
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        let cases = [
            ("http://ada:secret@host:4318/path", "\"http://***@host:4318/path\""),
            ("postgres://ada:se@cret@host", "\"postgres://***@host\""),
            ("http://host/a@b?c=d@e", "\"http://host/a@b?c=d@e\""),
            ("ada@host", "\"ada@host\""),
            ("", "\"\""),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected);
        }
    }
}
