//! `cargo xtask ui`: builds the web interface into `ui/dist`, from where the build of the service takes it.
//!
//! Nothing is done while the sources are those of the last build: their sum lies beside what was built. The packages are
//! those of the lock file, which names their sums and no address. Without Node everything else works.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Doing, Failed};
use crate::process::{command, is_installed, run as start};
use crate::root;

/// Folders below `ui` that are no sources.
const MADE: [&str; 3] = ["node_modules", "dist", "screenshots"];
/// Beside the built files: the sum of the sources they were built from.
const STAMP: &str = "dist/.sources";
/// Beside the packages: the sum of the lock file they were taken from.
const PACKAGES_STAMP: &str = "node_modules/.lock-sum";
/// The committed types of the API, and the document that they are made from.
pub(crate) const TYPES: &str = "ui/src/api/schema.d.ts";
/// See [`TYPES`].
pub(crate) const DOCUMENT: &str = "docs/reference/openapi.json";

/// Builds the interface; `arguments` may only be `--force`.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failed> {
    let force = match arguments {
        [] => false,
        [only] if only == "--force" => true,
        _ => return Err(Failed::new("ui knows only --force")),
    };
    let sum = sum_of_sources(&folder())?;
    if !force && fs::read_to_string(folder().join(STAMP)).is_ok_and(|built| built == sum) {
        println!("ui/dist is as its sources are");
        return Ok(());
    }
    packages()?;
    start(&mut npm(["run", "build"]))?;
    let stamp = folder().join(STAMP);
    fs::write(&stamp, sum).doing(|| format!("cannot write {}", stamp.display()))
}

/// Builds the interface for another command when Node is there. What goes wrong is a warning: nothing else needs it.
pub(crate) fn run_if_possible() {
    if !is_available() {
        println!("There is no Node.js, so the service gets no web interface; everything else works without it.\n");
        return;
    }
    println!("Building the web interface (a minute the first time).\n");
    if let Err(failed) = run(&[]) {
        println!("warning: the web interface was not built: {failed}\nEverything else works without it.\n");
    }
}

/// Returns whether Node and its packages' client are there.
pub(crate) fn is_available() -> bool {
    is_installed("node") && is_installed("npm")
}

/// Gets the packages of the lock file, unless they are there.
pub(crate) fn packages() -> Result<(), Failed> {
    if !is_available() {
        return Err(Failed::new("Node.js 20.19 or newer and npm are needed to build the interface"));
    }
    let lock = fs::read(folder().join("package-lock.json")).doing(|| "cannot read ui/package-lock.json".to_owned())?;
    let sum = format!("{:016x}", sum(&[&lock]));
    let stamp = folder().join(PACKAGES_STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|there| there == sum) {
        return Ok(());
    }
    start(&mut npm(["ci"]))?;
    fs::write(&stamp, sum).doing(|| format!("cannot write {}", stamp.display()))
}

/// Writes the types of the API again where they were made from another document, or with `check` says so.
pub(crate) fn types(check: bool) -> Result<(), Failed> {
    let read = |path: &str| fs::read_to_string(root::workspace().join(path)).doing(|| format!("cannot read {path}"));
    if are_fresh(&read(TYPES)?, &read(DOCUMENT)?) {
        println!("{TYPES} is fresh");
        return Ok(());
    }
    if check {
        return Err(Failed::new(format!("{TYPES} is stale: `cargo xtask codegen` writes it again")));
    }
    packages()?;
    start(&mut npm(["run", "types"]))
}

/// Returns whether types were made from this document: their first line holds its sum.
pub(crate) fn are_fresh(types: &str, document: &str) -> bool {
    let sum = format!("{:016x}", sum(&[document.as_bytes()]));
    types.lines().next().is_some_and(|line| line.contains(&sum))
}

/// Returns npm, to be started in `ui`.
pub(crate) fn npm<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = command("npm");
    command.arg("--prefix").arg("ui").args(arguments);
    command
}

fn folder() -> PathBuf {
    root::workspace().join("ui")
}

/// Returns the sum of every source with its name.
fn sum_of_sources(folder: &Path) -> Result<String, Failed> {
    let mut paths = Vec::new();
    list(folder, &mut paths).doing(|| format!("cannot list {}", folder.display()))?;
    paths.sort();
    let mut parts = Vec::new();
    for path in paths {
        let bytes = fs::read(&path).doing(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        parts.push(name.into_bytes());
        parts.push(bytes);
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    Ok(format!("{:016x}", sum(&parts)))
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            paths.push(entry.path());
        } else if !MADE.iter().any(|made| entry.file_name() == *made) {
            list(&entry.path(), paths)?;
        }
    }
    Ok(())
}

/// FNV-1a with 64 bits over the parts, each ended by its length: enough to see a change, and `ui/scripts/types.mjs` has
/// the same for one part.
fn sum(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for (index, part) in parts.iter().enumerate() {
        part.iter().copied().for_each(&mut add);
        if index + 1 < parts.len() {
            part.len().to_le_bytes().into_iter().for_each(&mut add);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_that_of_the_published_examples() {
        assert_eq!(sum(&[b""]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(sum(&[b"foobar"]), 0x8594_4171_f739_67e8);
        assert_ne!(sum(&[b"ab", b"c"]), sum(&[b"a", b"bc"]));
    }

    #[test]
    fn types_are_stale_when_the_document_changed() {
        let types = "// Generated from openapi.json 85944171f73967e8. Do not edit.\nexport {};";
        assert!(are_fresh(types, "foobar"));
        assert!(!are_fresh(types, "foobaz"));
        assert!(!are_fresh("", "foobar"));
    }

    #[test]
    fn the_sum_of_sources_changes_with_a_name_and_a_byte_and_not_with_what_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let sum = || sum_of_sources(folder.path()).unwrap();
        fs::create_dir_all(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/a.ts"), "1").unwrap();
        let before = sum();
        fs::create_dir_all(folder.path().join("dist")).unwrap();
        fs::write(folder.path().join("dist/a.js"), "1").unwrap();
        assert_eq!(sum(), before);
        fs::rename(folder.path().join("src/a.ts"), folder.path().join("src/b.ts")).unwrap();
        assert_ne!(sum(), before);
        fs::rename(folder.path().join("src/b.ts"), folder.path().join("src/a.ts")).unwrap();
        assert_eq!(sum(), before);
        fs::write(folder.path().join("src/a.ts"), "2").unwrap();
        assert_ne!(sum(), before);
    }
}
