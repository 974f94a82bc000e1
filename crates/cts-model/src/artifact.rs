//! A file that a run made: its relative path, its hash, its row.

use std::fmt;
use std::str::FromStr;

use crate::clock::Timestamp;
use crate::id::{ArtifactId, RunId};

/// A relative path with `/` between its parts: never absolute, never with `..`, `.` or an empty part, no NUL and no
/// control characters, valid UTF-8, at most 1024 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(String);

/// A text that may not be a relative path.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a relative path below the run's directory")]
pub struct BadRelPath(String);

impl RelPath {
    /// Longest path, in bytes.
    pub const LENGTH_MAX: usize = 1024;

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part after the last `/`.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl FromStr for RelPath {
    type Err = BadRelPath;

    fn from_str(text: &str) -> Result<Self, BadRelPath> {
        let part_is_good = |part: &str| !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control);
        let good = text.len() <= Self::LENGTH_MAX && !text.contains('\\') && text.split('/').all(part_is_good);
        if good { Ok(Self(text.to_owned())) } else { Err(BadRelPath(text.chars().take(128).collect())) }
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// A SHA-256 sum.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256(pub [u8; 32]);

impl fmt::Display for Sha256 {
    /// 64 lower-case hex digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not 64 hex digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a sha256 has 64 hexadecimal digits")]
pub struct BadSha256;

impl FromStr for Sha256 {
    type Err = BadSha256;

    fn from_str(text: &str) -> Result<Self, BadSha256> {
        let bytes = text.as_bytes();
        if bytes.len() != 64 {
            return Err(BadSha256);
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(BadSha256);
        let mut sum = [0; 32];
        for (slot, pair) in sum.iter_mut().zip(bytes.chunks_exact(2)) {
            *slot = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(sum))
    }
}

/// A file that a run made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// Which run made it.
    pub run_id: RunId,
    /// Which attempt made it.
    pub attempt: u32,
    /// Its path in the run's directory.
    pub path: RelPath,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Sum of the bytes.
    pub sha256: Sha256,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When retention removes it; none while its run is pinned or retention is off.
    pub expires_at: Option<Timestamp>,
}

/// An artifact whose bytes are stored and whose row is not yet written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactDraft {
    /// Its id, which is also its blob's key.
    pub id: ArtifactId,
    /// Its path in the run's directory.
    pub path: RelPath,
    /// Media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Sum of the bytes.
    pub sha256: Sha256,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_relative_path_stays_below_its_folder() {
        for good in ["a.csv", "a/b/c.txt", "ä ö.txt", "...", ".hidden"] {
            assert!(good.parse::<RelPath>().is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\0b", "a\nb", "a\\b", &"x".repeat(1025)] {
            assert!(bad.parse::<RelPath>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_path_joined_to_a_folder_stays_in_it(text in "[a-z./\\\\]{0,20}") {
            if let Ok(path) = text.parse::<RelPath>() {
                let joined = std::path::Path::new("/base").join(path.as_str());
                prop_assert!(joined.starts_with("/base"));
                prop_assert!(joined.components().all(|part| part != std::path::Component::ParentDir));
            }
        }

        #[test]
        fn a_sum_is_read_back_from_its_text(bytes in any::<[u8; 32]>()) {
            let sum = Sha256(bytes);
            prop_assert_eq!(sum.to_string().parse::<Sha256>(), Ok(sum));
        }
    }
}
