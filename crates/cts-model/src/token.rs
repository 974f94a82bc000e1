//! Tokens: what a client proves itself with, and what it may do with it.
//!
//! A [`Token`] is what is known about one; it never holds the text that proves anything, which is in [`key`].

pub mod key;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::id::TokenId;

/// What somebody may do. Each role may do everything that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks at everything and changes nothing.
    Viewer,
    /// Runs tools: submits and cancels runs, sends files, removes artifacts.
    Operator,
    /// Administers the service: tokens, the audit log, levels of the log.
    Admin,
}

impl Role {
    /// Every role, the weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Returns the role of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Returns whether the role may do what `needed` may.
    #[must_use]
    pub fn allows(self, needed: Self) -> bool {
        self >= needed
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a token, for people: 1 to 64 characters from `A-Z a-z 0-9 . _ @ -`, beginning with a letter or digit, and
/// none of the names of those who have no token.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenName(Arc<str>);

impl TokenName {
    /// Longest name, in characters.
    pub const LENGTH_MAX: usize = 64;
    /// Who acts without a token; a token that bore such a name would pass for them.
    pub const RESERVED: [&str; 3] = ["anonymous", "local", "system"];

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that may not be the name of a token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} is not the name of a token: 1 to 64 characters from A-Z a-z 0-9 . _ @ - that begin with a letter or digit, \
     and not anonymous, local or system"
)]
pub struct BadTokenName(String);

impl FromStr for TokenName {
    type Err = BadTokenName;

    fn from_str(text: &str) -> Result<Self, BadTokenName> {
        let good = text.len() <= Self::LENGTH_MAX
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'@' | b'-'))
            && !Self::RESERVED.iter().any(|name| name.eq_ignore_ascii_case(text));
        if good { Ok(Self(Arc::from(text))) } else { Err(BadTokenName(text.chars().take(64).collect())) }
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a token is good for anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    Revoked,
}

/// What is known about a token, or about a session that was made from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id, which is also part of its text.
    pub id: TokenId,
    /// For a session: the token that it was made from, and dies with.
    pub session_of: Option<TokenId>,
    /// Its name.
    pub name: TokenName,
    /// What it may do.
    pub role: Role,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From this moment on it is good for nothing; none for a token without an end.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, as far as that is written down yet.
    pub last_used_at: Option<Timestamp>,
    /// When somebody took it back.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// Returns whether it is good for anything at `now`.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => Standing::Revoked,
            (None, Some(end)) if end <= now => Standing::Expired,
            _ => Standing::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_the_weaker_ones_may() {
        for (strength, role) in Role::ALL.into_iter().enumerate() {
            assert_eq!(Role::from_word(role.as_str()), Some(role));
            for (needed_strength, needed) in Role::ALL.into_iter().enumerate() {
                assert_eq!(role.allows(needed), strength >= needed_strength, "{role} for {needed}");
            }
        }
        assert_eq!(Role::from_word("Admin"), None);
    }

    #[test]
    fn a_name_is_a_word_and_nobody_elses() {
        for good in ["ci", "ada@example.org", "CI-2.x_y", "7", "locals", &"a".repeat(64)] {
            assert!(good.parse::<TokenName>().is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", "-a", "@a", "a b", "a\n", "\u{e4}", "local", "Anonymous", "SYSTEM", &long] {
            assert!(bad.parse::<TokenName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_token_ends_at_its_moment_or_when_it_is_taken_back() {
        let at = Timestamp::from_ms;
        let token = Token {
            id: "0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11".parse().unwrap(),
            session_of: None,
            name: "ci".parse().unwrap(),
            role: Role::Viewer,
            created_by: "local".to_owned(),
            created_at: at(0),
            expires_at: Some(at(10)),
            last_used_at: None,
            revoked_at: None,
        };
        assert_eq!(
            [9, 10, 11].map(|ms| token.standing(at(ms))),
            [Standing::Active, Standing::Expired, Standing::Expired]
        );
        let revoked = Token { revoked_at: Some(at(5)), ..token.clone() };
        assert_eq!([4, 99].map(|ms| revoked.standing(at(ms))), [Standing::Revoked; 2]);
        assert_eq!(Token { expires_at: None, ..token }.standing(at(1 << 40)), Standing::Active);
    }
}
