//! What `--check-config` prints: every setting, its value, where that came from and what it overrode.

use std::fmt::Write as _;

use super::Loaded;
use crate::declaration::Section;
use crate::layers::Resolved;

/// Writes the page. It is a TOML file that, given to the service, means the same.
pub(super) fn write(loaded: &Loaded, resolved: &Resolved) -> String {
    let mut page = String::new();
    let path =
        |path: &Option<std::path::PathBuf>| path.as_ref().map_or("none".into(), |path| path.display().to_string());
    let _ = writeln!(page, "# configuration file: {}\n# .env file: {}", path(&loaded.file), path(&loaded.dotenv));
    for section in Section::SERVICE {
        let _ = writeln!(page, "\n# {}", section.heading());
        for entry in resolved.entries.iter().filter(|entry| entry.declaration.section == section) {
            let name = entry.declaration.name;
            // `none` as a bare word is for people; the file takes it as a string.
            let value = match entry.value {
                crate::value::Value::Nothing => entry.declaration.value_type.write(&entry.value),
                ref value => entry.written(value),
            };
            let line = format!("{name} = {value}");
            let _ = write!(page, "{line:<48} # {}", entry.origin);
            for (origin, value) in entry.overrode.iter().rev().filter(|(origin, _)| origin.is_given()) {
                let _ = write!(page, ", over {} from {origin}", entry.written(value));
            }
            page.push('\n');
        }
    }
    for warning in &loaded.warnings {
        let _ = writeln!(page, "\n# warning: {warning}");
    }
    page
}
