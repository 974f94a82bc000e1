//! The directories of the service: made at start for its user alone, checked where they exist.
//!
//! A directory in which others may write, or that belongs to another user, is not trusted: whoever may write there may
//! put a tool, a database or a link in the service's way. In production it is refused, elsewhere it is warned of.

use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::profile::Profile;
use super::sections::ServiceConfig;
use crate::error::{ConfigFault, ConfigWarning};
use crate::layers::{Findings, Resolved};

/// For the own user alone.
const MODE: u32 = 0o700;
const OTHERS_WRITE: u32 = 0o002;

/// A directory of the service as it was found.
#[derive(Debug, Clone)]
pub struct Directory {
    /// The setting that names it.
    pub setting: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// How it is.
    pub state: DirectoryState,
}

/// How a directory of the service is.
#[derive(Debug, Clone)]
pub enum DirectoryState {
    /// It is there and can be used.
    Usable,
    /// It is not there; the start makes it.
    Missing,
    /// It is not there, and this user cannot make it.
    Unmakeable(ConfigFault),
    /// It can be used, but others may write to it, too.
    Doubtful(ConfigWarning),
    /// The service does not start on it.
    Refused(ConfigFault),
}

type Wrong = (&'static str, io::Error);

fn all(config: &ServiceConfig) -> [(&'static str, &Path); 4] {
    let storage = &config.storage;
    [
        ("base_storage_path", &storage.base_storage_path),
        ("temp_directory", &storage.temp_directory),
        ("log_directory", &storage.log_directory),
        ("tools_directory", &storage.tools_directory),
    ]
}

/// Makes and checks every directory.
pub(super) fn prepare(resolved: &Resolved, config: &ServiceConfig, findings: &mut Findings) {
    for (name, path) in all(config) {
        let made = DirBuilder::new().recursive(true).mode(MODE).create(path);
        let state = match made.map_err(|error| ("cannot be created", error)) {
            Ok(()) => state(resolved, config, name, path),
            Err(wrong) => DirectoryState::Refused(fault(resolved, name, path, wrong)),
        };
        match state {
            DirectoryState::Refused(fault) | DirectoryState::Unmakeable(fault) => findings.faults.push(fault),
            DirectoryState::Doubtful(warning) => findings.warnings.push(warning),
            DirectoryState::Usable | DirectoryState::Missing => {}
        }
    }
}

/// Looks at every directory and changes nothing.
pub(super) fn look(resolved: &Resolved, config: &ServiceConfig) -> Vec<Directory> {
    let look = |(name, path): (&'static str, &Path)| {
        let state = state(resolved, config, name, path);
        Directory { setting: name, path: path.to_owned(), state }
    };
    all(config).map(look).into()
}

fn state(resolved: &Resolved, config: &ServiceConfig, name: &str, path: &Path) -> DirectoryState {
    let metadata = match usable(name, path) {
        Ok(metadata) => metadata,
        Err((_, error)) if error.kind() == io::ErrorKind::NotFound => {
            return match makeable(path) {
                Ok(()) => DirectoryState::Missing,
                Err(wrong) => DirectoryState::Unmakeable(fault(resolved, name, path, wrong)),
            };
        }
        Err(wrong) => return DirectoryState::Refused(fault(resolved, name, path, wrong)),
    };
    let user = rustix::process::geteuid().as_raw();
    let doubt = if metadata.mode() & OTHERS_WRITE != 0 {
        "is open to everybody for writing"
    } else if metadata.uid() != user && metadata.uid() != 0 {
        "belongs to another user"
    } else {
        return DirectoryState::Usable;
    };
    let (origin, message) = (resolved.origin(name), format!("{name} {} {doubt}", path.display()));
    if config.profile == Profile::Production {
        let remedy = "give it to the service's user and take the rights of others away (chmod o-w)".to_owned();
        DirectoryState::Refused(ConfigFault { origin, setting: Some(name.to_owned()), message, remedy })
    } else {
        DirectoryState::Doubtful(ConfigWarning { origin: Some(origin), message })
    }
}

fn fault(resolved: &Resolved, name: &str, path: &Path, (what, error): Wrong) -> ConfigFault {
    let message = format!("{name} {} {what}: {error}", path.display());
    let remedy = remedy(&error).to_owned();
    ConfigFault { origin: resolved.origin(name), setting: Some(name.to_owned()), message, remedy }
}

/// Returns what a directory is like, or what cannot be done with it.
fn usable(name: &str, path: &Path) -> Result<Metadata, Wrong> {
    let metadata = std::fs::metadata(path).map_err(|error| ("cannot be looked at", error))?;
    if !metadata.is_dir() {
        return Err(("cannot be used", io::ErrorKind::NotADirectory.into()));
    }
    // Manifests are read; whoever writes them is not the service.
    let write = if name == "tools_directory" { Access::empty() } else { Access::WRITE_OK };
    let access = Access::READ_OK | Access::EXEC_OK | write;
    rustix::fs::access(path, access).map_err(|error| ("cannot be used", io::Error::from(error)))?;
    Ok(metadata)
}

/// Tells whether a directory that is not there could be made: by the rights of the nearest one around it that is.
fn makeable(path: &Path) -> Result<(), Wrong> {
    let wrong = |error: io::Error| ("cannot be created", error);
    for around in path.ancestors().skip(1) {
        match std::fs::metadata(around) {
            Ok(found) if !found.is_dir() => return Err(wrong(io::ErrorKind::NotADirectory.into())),
            Ok(_) => {
                return rustix::fs::access(around, Access::WRITE_OK | Access::EXEC_OK)
                    .map_err(|error| wrong(error.into()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(wrong(error)),
        }
    }
    Err(wrong(io::ErrorKind::NotFound.into()))
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "give the service's user the right to it, or name another directory",
        io::ErrorKind::ReadOnlyFilesystem => "name a directory on a file system that can be written",
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "a file stands in the way; name another directory"
        }
        _ => "name another directory",
    }
}

#[cfg(test)]
mod tests;
