//! Who does something, why, and under which request: the first argument of every plane.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::audit::{AuditEntry, Change};
use crate::clock::Timestamp;
use crate::id::TokenId;
use crate::token::TokenName;
use crate::trace::TraceContext;

/// The id that follows a request through every log line, run and child: 1 to 128 characters from `A-Z a-z 0-9 . _ -`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// Longest id, in characters.
    pub const LENGTH_MAX: usize = 128;

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a new id: a UUID.
    #[must_use]
    pub fn new(ids: &crate::clock::Ids) -> Self {
        Self(ids.next().as_hyphenated().to_string())
    }
}

/// A text that may not be a request id. It does not repeat the text: a bad id is never echoed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a request id has 1 to 128 characters from A-Z a-z 0-9 . _ -")]
pub struct BadRequestId;

impl FromStr for RequestId {
    type Err = BadRequestId;

    fn from_str(text: &str) -> Result<Self, BadRequestId> {
        let good = (1..=Self::LENGTH_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if good { Ok(Self(text.to_owned())) } else { Err(BadRequestId) }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody whom no token names, because authentication is off.
    Anonymous,
    /// The service itself: recovery, retention, a schedule.
    System,
    /// The person at the command line, in process.
    Local,
    /// Who holds this token.
    Token {
        /// Which one.
        id: TokenId,
        /// Its name.
        name: TokenName,
    },
}

impl Actor {
    /// Returns a text that no other actor has: names of tokens are for people and may be the same.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Token { id, .. } => format!("token:{id}"),
            other => other.to_string(),
        }
    }

    /// Returns the token.
    #[must_use]
    pub fn token_id(&self) -> Option<TokenId> {
        match self {
            Self::Token { id, .. } => Some(*id),
            _ => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "anonymous",
            Self::System => "system",
            Self::Local => "local",
            Self::Token { name, .. } => name.as_str(),
        })
    }
}

/// Who does something, why, and in which trace.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The request that caused it.
    pub request_id: RequestId,
    /// Who asked for it.
    pub actor: Actor,
    /// The span within which it is done; none outside of requests.
    pub trace: Option<TraceContext>,
    /// What the request changes; none for one that changes nothing, and for what the service does by itself.
    pub change: Option<Arc<Change>>,
}

impl Ctx {
    /// Returns what the audit log tells of the change, with the ids that came of it; none where nothing is changed.
    #[must_use]
    pub fn audit_entry(&self, at: Timestamp, made: &[(&str, String)]) -> Option<AuditEntry> {
        let change = self.change.as_ref()?;
        let mut target = change.target.clone();
        for (name, id) in made {
            if target.get(*name) == Some(id) {
                continue;
            }
            // What was there before keeps its name.
            let name = if target.contains_key(*name) { format!("new_{name}") } else { (*name).to_owned() };
            target.insert(name, id.clone());
        }
        Some(AuditEntry {
            at,
            actor: self.actor.to_string(),
            token_id: self.actor.token_id(),
            action: change.action.to_string(),
            target,
            status: change.status,
            request_id: self.request_id.to_string(),
            address: change.address.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_request_id_is_refused() {
        assert!("abc-DEF_1.2".parse::<RequestId>().is_ok());
        for bad in ["", "a b", "a\n", "ä", &"x".repeat(129)] {
            assert!(bad.parse::<RequestId>().is_err(), "{bad:?}");
        }
    }
}
