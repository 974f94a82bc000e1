//! What documents name has to exist: links to files of the tree, paths in code marks, and tests in tables of tests.
//!
//! A test is named as `` test `a_canceled_run_never_starts` ``.

use crate::tidy::{Fault, Tree};

/// Folders whose paths are checked where they stand in code marks.
const FOLDERS: [&str; 9] = ["crates/", "xtask/", "tests/", "docs/", "examples/", "fuzz/", "deploy/", ".ci/", "ui/src/"];

/// Checks every Markdown document.
pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.ending_with(".md") {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut in_block = false;
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                in_block = !in_block;
                continue;
            }
            if in_block {
                continue;
            }
            for link in links(line) {
                if !tree.exists(&resolve(folder, link)) {
                    faults.push(Fault::at(path, index + 1, format!("the link {link} leads nowhere")));
                }
            }
            for (before, code) in code_marks(line) {
                if FOLDERS.iter().any(|folder| code.starts_with(folder))
                    && is_path(code)
                    && !exists_from(tree, folder, code)
                {
                    faults.push(Fault::at(path, index + 1, format!("`{code}` does not exist")));
                }
                if before.ends_with("test ") && is_test_name(code) && !has_test(tree, code) {
                    faults.push(Fault::at(path, index + 1, format!("there is no test `{code}`")));
                }
            }
        }
    }
    faults
}

/// Returns the targets of relative links, without their anchors.
fn links(line: &str) -> Vec<&str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter_map(|link| link.split('#').next())
        .filter(|link| !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:"))
        .collect()
}

/// Returns what stands in code marks, each with the text before it.
fn code_marks(line: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = line.split('`').collect();
    parts.chunks(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect()
}

/// Returns whether there is that path below the document's folder or one of those around it.
fn exists_from(tree: &Tree, folder: &str, path: &str) -> bool {
    let around = folder.match_indices('/').map(|(end, _)| &folder[..end]).chain([folder]);
    tree.exists(path) || around.into_iter().any(|folder| tree.exists(&format!("{folder}/{path}")))
}

fn is_path(code: &str) -> bool {
    code.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
}

fn is_test_name(code: &str) -> bool {
    !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn has_test(tree: &Tree, name: &str) -> bool {
    let declared = format!("fn {name}(");
    let generic = format!("fn {name}<");
    let listed = format!("{name},");
    tree.ending_with(".rs").any(|(_, text)| {
        text.contains(&declared) || text.contains(&generic) || text.lines().any(|line| line.trim() == listed)
    })
}

fn resolve(folder: &str, link: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check_document(text: &str, expected: Expect) {
        let tree = Tree::of(&[
            ("docs/guides/x.md", text),
            ("README.md", ""),
            ("crates/cts-can/src/csv.rs", "//! x\n#[test]\nfn a_frame_is_a_row() {}\n"),
        ]);
        let faults: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        expected.assert_eq(&faults.join("\n"));
    }

    #[test]
    fn a_link_leads_to_a_file_or_a_folder() {
        let text = "[a](../../README.md#top) [b](https://www.rust-lang.org) [c](../../crates) [d](#here)\n[e](y.md)";
        check_document(text, expect!["docs/guides/x.md:2: the link y.md leads nowhere"]);
    }

    #[test]
    fn a_path_in_code_marks_exists() {
        check_document(
            "`crates/cts-can/src/csv.rs`, `crates/<name>`, `docs/none.md`",
            expect![["docs/guides/x.md:1: `docs/none.md` does not exist"]],
        );
    }

    #[test]
    fn a_path_may_begin_at_a_folder_around_the_document() {
        let tree = Tree::of(&[
            ("crates/cts-can/tests/fixtures/README.md", "`tests/it/main.rs` and `tests/it/none.rs`"),
            ("crates/cts-can/tests/it/main.rs", "//! Tests."),
        ]);
        let faults: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(faults, ["crates/cts-can/tests/fixtures/README.md:1: `tests/it/none.rs` does not exist"]);
    }

    #[test]
    fn a_named_test_exists() {
        check_document(
            "test `a_frame_is_a_row`, test `a_row_is_a_frame`",
            expect![["docs/guides/x.md:1: there is no test `a_row_is_a_frame`"]],
        );
    }

    #[test]
    fn what_stands_in_a_block_is_not_checked() {
        check_document("```\n`docs/none.md` [x](none)\n```", expect![[""]]);
    }
}
