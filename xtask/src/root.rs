//! Where things are: the workspace, its target folder and the built binaries.

use std::path::{Path, PathBuf};

/// Returns the folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("xtask lies in the workspace").to_path_buf()
}

/// Returns the target folder that cargo uses.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => workspace().join(folder),
        None => workspace().join("target"),
    }
}

/// Returns the path of a program that `cargo build` made in that profile (`debug` or `release`).
pub(crate) fn built(profile: &str, name: &str) -> PathBuf {
    target().join(profile).join(name)
}
