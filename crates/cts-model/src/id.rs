//! The ids: one macro and one list for those that are numbers, and slugs for those that people choose.
//!
//! A number id is a `UUIDv7` in text form, so ids sort by the time of their making.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not an id of the kind that was asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is not {what}")]
pub struct BadId {
    /// What an id of this kind looks like.
    what: &'static str,
    /// The text, cut at 64 characters.
    text: String,
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Returns a new id from the maker of ids.
            #[must_use]
            pub fn new(ids: &crate::clock::Ids) -> Self { Self(ids.next()) }

            /// Returns the UUID itself.
            #[must_use]
            pub fn uuid(self) -> Uuid { self.0 }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self { Self(uuid) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(&self.0.as_hyphenated(), f) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }

        impl FromStr for $name {
            type Err = BadId;

            /// Reads the hyphenated form in lower or upper case, and no other.
            fn from_str(text: &str) -> Result<Self, BadId> {
                let bad = || BadId { what: "a UUID, for example 0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11", text: text.chars().take(64).collect() };
                if text.len() != 36 { return Err(bad()); }
                Uuid::try_parse(text).map(Self).map_err(|_| bad())
            }
        }
    )*};
}

uuid_ids! {
    /// The id of a run.
    RunId;
    /// The id of an artifact.
    ArtifactId;
    /// The id of an upload.
    UploadId;
    /// The id of a worker: one process that runs attempts, from its start to its end.
    WorkerId;
    /// The id of a token, or of a session that was made from one.
    TokenId;
}

/// The id of a tool: 1 to 64 characters from `a-z 0-9 - _ .`, beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolId(String);

impl ToolId {
    /// Longest id, in characters.
    pub const LENGTH_MAX: usize = 64;

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ToolId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good = text.len() <= Self::LENGTH_MAX
            && text.starts_with(is_word)
            && text.chars().all(|c| is_word(c) || matches!(c, '-' | '_' | '.'));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            let what = "a tool id: 1 to 64 characters from a-z 0-9 - _ . that begin with a letter or digit";
            Err(BadId { what, text: text.chars().take(64).collect() })
        }
    }
}

impl fmt::Display for ToolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ToolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_id_is_a_slug() {
        for good in ["rlog-to-csv", "can_bus_check", "7zip", "a.b"] {
            assert!(good.parse::<ToolId>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a b", "a/b", "..", &"a".repeat(65)] {
            assert!(bad.parse::<ToolId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_run_id_is_read_in_its_hyphenated_form_only() {
        assert!("0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11".parse::<RunId>().is_ok());
        assert!("0193a5c07b1e7c3a9f002b7d1e5a4c11".parse::<RunId>().is_err());
        assert!("../etc/passwd".parse::<RunId>().is_err());
    }
}
