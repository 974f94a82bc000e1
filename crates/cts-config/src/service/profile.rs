//! The four profiles: what development, testing, staging and production start from.
//!
//! The values themselves stand with each setting in the list of declarations.

use std::fmt;

/// A profile, chosen by the setting `environment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// One person's machine.
    #[default]
    Development,
    /// Automatic tests.
    Testing,
    /// Like production, for trying out.
    Staging,
    /// In earnest.
    Production,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 4] = [Self::Development, Self::Testing, Self::Staging, Self::Production];

    /// The words of [`Profile::ALL`].
    pub const WORDS: [&str; 4] = ["development", "testing", "staging", "production"];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Testing => "testing",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Returns the profile of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == word)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
