//! The text of a secret that stands in a file of its own, as containers and service managers hand secrets over.
//!
//! What was read is part of no message, and neither is how long it is.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::sources::{FileText, read_file};
use crate::value::{PathBase, Raw, Value, ValueType};

/// Rights of everybody.
const OTHERS: u32 = 0o007;

/// A message and a remedy.
type Wrong = (String, String);

/// Reads the text of the file that was named, without the end of its line, and what should be known about the file.
pub(crate) fn read(named: &Raw, base: &PathBase<'_>) -> Result<(String, Option<String>), Wrong> {
    let Some(Value::Path(path)) = ValueType::Path.read(named, base) else {
        let message = "must name a file with the text of the secret".to_owned();
        return Err((message, "write its path".to_owned()));
    };
    let shown = path.display();
    let wrong = |what: String| Err((what, "name a readable file that holds the secret and nothing else".to_owned()));
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return wrong(format!("{shown} is no file")),
        Err(error) => return wrong(format!("{shown} cannot be read: {error}")),
    };
    let text = match read_file(&path) {
        FileText::Text(text) => text,
        FileText::Missing => return wrong(format!("there is no file {shown}")),
        FileText::Unreadable(why) => return wrong(format!("{shown} {why}")),
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return wrong(format!("{shown} is empty"));
    }
    Ok((text.to_owned(), open_to_all(&path, &metadata)))
}

fn open_to_all(path: &Path, metadata: &Metadata) -> Option<String> {
    let is_open = metadata.mode() & OTHERS != 0;
    is_open.then(|| format!("{} holds a secret and is open to everybody; chmod 600 keeps it to you", path.display()))
}
