//! The web interface's own rules that need no Node: types made from the document as it is, a lock file without
//! addresses, files of a length that one reads.

use crate::tidy::{Fault, Tree};
use crate::ui::{DOCUMENT, TYPES, are_fresh};

/// Longest file, in lines.
const LINES_MAX: usize = 700;
const LOCK: &str = "ui/package-lock.json";

/// Checks the files below `ui`.
pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let (Some(types), Some(document)) = (tree.text(TYPES), tree.text(DOCUMENT))
        && !are_fresh(types, document)
    {
        faults.push(Fault::at(TYPES, 1, format!("was made from another {DOCUMENT}: run `cargo xtask codegen`")));
    }
    for (index, line) in tree.text(LOCK).unwrap_or_default().lines().enumerate() {
        if line.contains("\"resolved\":") {
            faults.push(Fault::at(LOCK, index + 1, "names the address of a registry; ui/.npmrc leaves them out"));
        }
    }
    for (path, text) in tree.iter().filter(|(path, _)| path.starts_with("ui/") && *path != TYPES) {
        let lines = text.lines().count();
        let is_ours = [".ts", ".tsx", ".mjs", ".css"].iter().any(|ending| path.ends_with(ending));
        if is_ours && lines > LINES_MAX {
            faults.push(Fault::in_file(
                path,
                format!("has {lines} lines, more than {LINES_MAX}: give each part its own file"),
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_types_and_addresses_and_long_files_are_faults() {
        let fresh = "// from openapi.json 85944171f73967e8\n";
        let long = "x\n".repeat(LINES_MAX + 1);
        let tree = |types: &str, lock: &str, page: &str| {
            let files = [(TYPES, types), (DOCUMENT, "foobar"), (LOCK, lock), ("ui/src/page.tsx", page)];
            check(&Tree::of(&files)).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(tree(fresh, "{\n  \"version\": \"1.0.0\"\n}", "x\n"), [""; 0]);
        assert_eq!(tree("// from openapi.json 0\n", "{}", "x\n").len(), 1);
        let told = tree(fresh, "{\n  \"resolved\": \"x\"\n}", "x\n");
        assert_eq!(told, [format!("{LOCK}:2: names the address of a registry; ui/.npmrc leaves them out")]);
        assert_eq!(tree(fresh, "{}", &long).len(), 1);
    }
}
