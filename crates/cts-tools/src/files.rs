//! What an analyzer writes: files below the run's folder, with errors that say what could not be done.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use cts_model::RelPath;
use serde_json::Value;

use crate::inputs::refuse;
use crate::native::{ToolCx, ToolError};

/// The last artifact of every analyzer.
pub(crate) const SUMMARY: &str = "summary.json";

/// Returns the error of something that the system refused.
pub(crate) fn cannot(doing: &str, what: impl Display, error: &io::Error) -> ToolError {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Free some space on the disk.",
        io::ErrorKind::PermissionDenied => "Check the permissions of the file.",
        _ => "Check the file and the disk.",
    };
    ToolError::new(format!("cannot {doing} {what}: {error}")).with_hint(hint)
}

/// Returns the name of an output that a parameter tells, which is below the run's folder.
///
/// Older clients send the path on their own machine: its last part is the name here.
pub(crate) fn name(cx: &ToolCx, param: &str, default: &str) -> Result<RelPath, ToolError> {
    let name = match cx.text(param) {
        Some(path) if path.starts_with('/') => path.rsplit('/').next().unwrap_or_default(),
        Some(path) => path.trim_start_matches("./"),
        None => default,
    };
    name.parse().map_err(|_| ToolError::new(format!("{param} is {name:?}, which is no path below the run's folder")))
}

/// Makes a file and the folders above it.
pub(crate) fn create(folder: &Path, name: &str) -> Result<File, ToolError> {
    let path = folder.join(name);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| cannot("make", folder.display(), &error))?;
    }
    File::create(&path).map_err(|error| cannot("make", name, &error))
}

/// Makes a file and lets an analysis write it.
pub(crate) fn write(
    folder: &Path,
    name: &str,
    content: impl FnOnce(&mut dyn Write) -> Result<(), cts_can::Error>,
) -> Result<(), ToolError> {
    let mut file = BufWriter::new(create(folder, name)?);
    content(&mut file).map_err(|error| match error {
        cts_can::Error::Write(error) => cannot("write", name, &error),
        error => refuse(name, &error),
    })?;
    file.flush().map_err(|error| cannot("write", name, &error))
}

/// Writes the summary.
pub(crate) fn write_summary(cx: &ToolCx, told: &Value) -> Result<(), ToolError> {
    let text = format!("{told:#}\n");
    std::fs::write(cx.out_dir().join(SUMMARY), text).map_err(|error| cannot("write", SUMMARY, &error))
}
