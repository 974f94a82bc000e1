//! A file that a client sends in pieces, to be the input of runs.

use crate::artifact::Sha256;
use crate::clock::Timestamp;
use crate::id::UploadId;

/// Where an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadState {
    /// Bytes are missing, or it was not finalized.
    Pending,
    /// Size and sha256 were checked; it can be an input.
    Ready,
}

impl UploadState {
    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
        }
    }

    /// Returns the state of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Ready].into_iter().find(|state| state.as_str() == word)
    }
}

/// A file that a client sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// The client's name for it: one path component, checked.
    pub filename: String,
    /// The declared size.
    pub size: u64,
    /// The declared sha256; it may be declared as late as with the finalization.
    pub sha256: Option<Sha256>,
    /// Where it is.
    pub state: UploadState,
    /// When it was declared.
    pub created_at: Timestamp,
    /// When it is removed.
    pub expires_at: Timestamp,
}
