//! What a run works on, as a client names it.

/// Where a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// A file on the server's machine, below an allowed root.
    Path,
    /// A finished upload, by id.
    Upload,
    /// An artifact of an earlier run, by id.
    Artifact,
}

impl InputKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Path, Self::Upload, Self::Artifact];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Upload => "upload",
            Self::Artifact => "artifact",
        }
    }

    /// Returns the kind of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The name of one input: a kind and a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InputRef {
    /// Where it comes from.
    pub kind: InputKind,
    /// A path, or an id.
    pub value: String,
}
