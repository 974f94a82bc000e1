//! The folders below which inputs may lie.
//!
//! A path is compared by where it really leads, and so are the roots. A path that leads nowhere is compared by its
//! nearest part that exists, so that the answer never tells what is outside.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::{Refusal, refuse_io};

/// Where inputs may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputRoots {
    /// Wherever the service's user may read.
    Anything,
    /// Below one of these folders; no folder means nowhere.
    Below(Vec<PathBuf>),
}

/// Most parts of a path that are taken off to find one that exists.
const PARTS_MAX: usize = 256;

impl InputRoots {
    /// Returns where a path really leads, when that is below a root.
    pub(super) fn follow(&self, path: &Path) -> Result<PathBuf, Refusal> {
        let outside =
            || ("outside_roots", format!("{} is outside of the folders that inputs may come from", path.display()));
        match path.canonicalize() {
            Ok(real) if self.holds(&real) => Ok(real),
            Ok(_) => Err(outside()),
            Err(error) if self.holds(&nearest_real(path)) => Err(refuse_io(path, &error)),
            Err(_) => Err(outside()),
        }
    }

    /// Returns whether a path without links and `..` is below a root.
    fn holds(&self, real: &Path) -> bool {
        match self {
            Self::Anything => true,
            // A root that is not there now may be mounted later, so it is looked at each time.
            Self::Below(roots) => {
                roots.iter().filter_map(|root| root.canonicalize().ok()).any(|root| real.starts_with(root))
            }
        }
    }
}

/// Returns where the longest existing beginning of a path really leads, with the rest put to it by its letters.
fn nearest_real(path: &Path) -> PathBuf {
    let mut rest: Vec<Component<'_>> = Vec::new();
    let mut begin = path;
    for _ in 0..PARTS_MAX {
        match begin.canonicalize() {
            Ok(mut real) => {
                for part in rest.into_iter().rev() {
                    match part {
                        Component::ParentDir => {
                            real.pop();
                        }
                        part => real.push(part),
                    }
                }
                return real;
            }
            // Behind a folder that may not be entered, or a loop of links, nothing is known.
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                match begin.parent().and_then(|parent| parent.canonicalize().ok()) {
                    Some(real) => return real,
                    None => return PathBuf::new(),
                }
            }
            // A link that is there and leads to nothing may lead to anywhere.
            Err(_) if begin.symlink_metadata().is_ok() => return PathBuf::new(),
            Err(_) => {}
        }
        let mut parts = begin.components();
        let Some(last) = parts.next_back() else { return PathBuf::new() };
        rest.push(last);
        begin = parts.as_path();
    }
    PathBuf::new()
}
