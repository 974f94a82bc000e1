//! The directories of the service: made at start for its user alone, checked where they exist.
//!
//! A directory in which others may write, or that belongs to another user, is not trusted: whoever may write there may
//! put a tool, a database or a link in the service's way. In production it is refused, elsewhere it is warned of.

use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use rustix::fs::Access;

use super::profile::Profile;
use super::sections::ServiceConfig;
use crate::layers::{Findings, Resolved};

/// For the own user alone.
const MODE: u32 = 0o700;
const OTHERS_WRITE: u32 = 0o002;

/// Makes and checks every directory.
pub(super) fn prepare(resolved: &Resolved, config: &ServiceConfig, findings: &mut Findings) {
    let storage = &config.storage;
    for (name, path) in [
        ("base_storage_path", &storage.base_storage_path),
        ("temp_directory", &storage.temp_directory),
        ("log_directory", &storage.log_directory),
        ("tools_directory", &storage.tools_directory),
    ] {
        let origin = resolved.origin(name);
        // Manifests are read; whoever writes them is not the service.
        let access = if name == "tools_directory" { Access::READ_OK } else { Access::READ_OK | Access::WRITE_OK };
        let metadata = match usable(path, access) {
            Ok(metadata) => metadata,
            Err((what, error)) => {
                let message = format!("{name} {} {what}: {error}", path.display());
                findings.fault(origin, Some(name), message, remedy(&error).to_owned());
                continue;
            }
        };
        let user = rustix::process::geteuid().as_raw();
        let doubt = if metadata.mode() & OTHERS_WRITE != 0 {
            "is open to everybody for writing"
        } else if metadata.uid() != user && metadata.uid() != 0 {
            "belongs to another user"
        } else {
            continue;
        };
        let message = format!("{name} {} {doubt}", path.display());
        if config.profile == Profile::Production {
            let remedy = "give it to the service's user and take the rights of others away (chmod o-w)".to_owned();
            findings.fault(origin, Some(name), message, remedy);
        } else {
            findings.warn(origin, message);
        }
    }
}

/// Makes the directory where it is missing; returns what it is like, or what could not be done with it.
fn usable(path: &Path, access: Access) -> Result<Metadata, (&'static str, io::Error)> {
    DirBuilder::new().recursive(true).mode(MODE).create(path).map_err(|error| ("cannot be created", error))?;
    let metadata = std::fs::metadata(path).map_err(|error| ("cannot be looked at", error))?;
    let access = access | Access::EXEC_OK;
    rustix::fs::access(path, access).map_err(|error| ("cannot be used", io::Error::from(error)))?;
    Ok(metadata)
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
