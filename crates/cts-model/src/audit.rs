//! Changes, as the audit log tells them: who asked for what, from where, and how it was answered.
//!
//! An entry holds ids and names only, never a value that somebody sent. A [`Change`] goes with the context of its
//! request; whoever writes the change writes the entry in the same transaction and notes that here, and for what has no
//! transaction the door writes it before it answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::Timestamp;
use crate::id::TokenId;

/// What is changed: names of ids and the ids, for example `run_id`.
pub type Target = BTreeMap<String, String>;

/// A change that a request asks for.
#[derive(Debug)]
pub struct Change {
    /// The method and the template of the route, or the words of a command.
    pub action: Arc<str>,
    /// The ids that the request names.
    pub target: Target,
    /// The status with which it is answered when it goes well.
    pub status: u16,
    /// The client's address.
    pub address: Option<String>,
    recorded: AtomicBool,
}

impl Change {
    /// Returns a change that nobody has recorded yet.
    #[must_use]
    pub fn new(action: impl Into<Arc<str>>, target: Target, status: u16, address: Option<String>) -> Self {
        Self { action: action.into(), target, status, address, recorded: AtomicBool::new(false) }
    }

    /// Notes that the transaction of the change holds its entry.
    pub fn set_recorded(&self) {
        self.recorded.store(true, Ordering::Release);
    }

    /// Returns whether a transaction held its entry. Only an answer that says that all went well says that it was
    /// committed, too.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.recorded.load(Ordering::Acquire)
    }
}

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: the name of a token, or `local`, `anonymous`, `system`.
    pub actor: String,
    /// Which token.
    pub token_id: Option<TokenId>,
    /// What: the method and the template of the route, or the words of a command.
    pub action: String,
    /// Of which things.
    pub target: Target,
    /// How it was answered: an HTTP status.
    pub status: u16,
    /// The request.
    pub request_id: String,
    /// The client's address.
    pub address: Option<String>,
}
