//! The folders below which inputs may lie, and those of the service itself, in which none may.
//!
//! A path is compared by where it really leads, and so are the folders. A path that leads nowhere is compared by its
//! nearest part that exists, so that the answer never tells what is outside.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::{Refusal, refuse_io};

/// Where inputs may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRoots {
    allowed: Allowed,
    /// What belongs to the service.
    own: Vec<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    /// Wherever the service's user may read.
    Anything,
    /// Below one of these folders; no folder means nowhere.
    Below(Vec<PathBuf>),
}

/// Whether a place may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Allowed,
    Own,
    Outside,
}

/// The code of a fault about a path that leads out of the roots.
pub(super) const OUTSIDE_ROOTS: &str = "outside_roots";

/// Most parts of a path that are taken off to find one that exists.
const PARTS_MAX: usize = 256;

impl InputRoots {
    /// Wherever the service's user may read.
    #[must_use]
    pub fn anything() -> Self {
        Self { allowed: Allowed::Anything, own: Vec::new() }
    }

    /// Below one of these folders; no folder means nowhere.
    #[must_use]
    pub fn below(roots: Vec<PathBuf>) -> Self {
        Self { allowed: Allowed::Below(roots), own: Vec::new() }
    }

    /// The same without the service's own files and folders: its database, its logs, what other runs work on. An allowed
    /// folder that lies inside one of them stays allowed, since somebody named it.
    #[must_use]
    pub fn except(mut self, own: impl IntoIterator<Item = PathBuf>) -> Self {
        self.own.extend(own);
        self
    }

    /// Returns where a path really leads, when that is below a root and none of the service's own.
    pub(super) fn follow(&self, path: &Path) -> Result<PathBuf, Refusal> {
        let (real, found) = match path.canonicalize() {
            Ok(real) => (real, None),
            Err(error) => (nearest_real(path), Some(error)),
        };
        match (self.place(&real), found) {
            (Place::Allowed, None) => Ok(real),
            (Place::Allowed, Some(error)) => Err(refuse_io(path, &error)),
            // The code is the same as outside: whoever looks through folders passes both over.
            (Place::Own, _) => {
                let message = format!(
                    "{} lies among the service's own files, which no run reads; name an artifact or an upload by its id",
                    path.display()
                );
                Err((OUTSIDE_ROOTS, message))
            }
            (Place::Outside, _) => {
                let message = format!("{} is outside of the folders that inputs may come from", path.display());
                Err((OUTSIDE_ROOTS, message))
            }
        }
    }

    /// Returns what a path without links and `..` is. The nearest folder around it decides.
    fn place(&self, real: &Path) -> Place {
        let allowed = match &self.allowed {
            // It may lead into a folder that cannot be looked at; then opening it tells.
            Allowed::Anything => Some(0),
            Allowed::Below(roots) => deepest_around(roots, real),
        };
        match (allowed, deepest_around(&self.own, real)) {
            (None, _) => Place::Outside,
            (Some(allowed), Some(own)) if own >= allowed => Place::Own,
            (Some(_), _) => Place::Allowed,
        }
    }
}

/// Returns how many parts the longest of the folders around a place has. One that is not there now may be there later, so
/// each is looked at each time.
fn deepest_around(folders: &[PathBuf], real: &Path) -> Option<usize> {
    let folders = folders.iter().filter_map(|folder| folder.canonicalize().ok());
    folders.filter(|folder| real.starts_with(folder)).map(|folder| folder.components().count()).max()
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
