//! Puts the built interface into the binary: every file of `ui/dist`, each with its compressed twin. It builds nothing
//! itself; without that folder's files the list is empty, and the service has a plain page instead.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Where the interface is built.
const DIST: &str = "../../ui/dist";
/// What the compressed twin of a file ends with.
const COMPRESSED: &str = ".gz";

/// Writes the list for `src/ui.rs`.
pub(crate) fn write() -> io::Result<()> {
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or(io::ErrorKind::NotFound);
    let dist = variable("CARGO_MANIFEST_DIR")?.join(DIST);
    // A folder that is not there would make every build run this again, and one that comes later would not.
    let _ = fs::create_dir_all(&dist);
    println!("cargo:rerun-if-changed={}", dist.display());
    println!("cargo:rerun-if-changed=build/ui_files.rs");

    let mut names = Vec::new();
    list(&dist, "", &mut names)?;
    names.sort();
    let mut table = String::from("&[\n");
    for name in names.iter().filter(|name| !name.ends_with(COMPRESSED)) {
        let twin = format!("{name}{COMPRESSED}");
        let compressed = match names.contains(&twin) {
            true => format!("Some({})", bytes_of(&dist.join(&twin))),
            false => "None".to_owned(),
        };
        let bytes = bytes_of(&dist.join(name));
        writeln!(table, "    File {{ name: {name:?}, bytes: {bytes}, compressed: {compressed} }},")
            .map_err(io::Error::other)?;
    }
    table.push(']');
    fs::write(variable("OUT_DIR")?.join("ui_files.rs"), table)
}

fn bytes_of(path: &Path) -> String {
    format!("include_bytes!({:?})", path.display().to_string())
}

/// Adds the files of a folder with their paths from the top; names with a dot at their beginning are no part of it.
fn list(folder: &Path, prefix: &str, names: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{path}/"), names)?;
        } else {
            names.push(path);
        }
    }
    Ok(())
}
