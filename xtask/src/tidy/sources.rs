//! How a Rust file has to look: module docs, length, its name, no IO on the ground floor, no wire shapes in the model.

use crate::tidy::{Fault, Tree};

/// Longest file, in lines. One that grows is usually a list: give each item its own file.
const LINES_MAX: usize = 700;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 5] = ["util", "utils", "common", "helpers", "misc"];

/// What would be IO.
const IO: [&str; 5] = ["std::fs", "std::net", "std::process", "std::env::", "tokio::"];

/// Checks every Rust file.
pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.ending_with(".rs") {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name == "mod.rs" {
            faults.push(Fault::in_file(path, "name the file like its folder and put it beside"));
        }
        for part in path.trim_end_matches(".rs").split('/').filter(|part| EMPTY_NAMES.contains(part)) {
            faults.push(Fault::in_file(path, format!("`{part}` says nothing: name it after what is inside")));
        }
        if path.contains("src/") && name != "tests.rs" && !text.starts_with("//!") {
            faults.push(Fault::at(path, 1, "begin with `//!`: what this is, what it never does, its invariants"));
        }
        let lines = text.lines().count();
        if lines > LINES_MAX {
            faults.push(Fault::in_file(
                path,
                format!("has {lines} lines, more than {LINES_MAX}: give each item its own file"),
            ));
        }
        if path.starts_with("crates/cts-model/src/") || path.starts_with("crates/cts-can/src/") {
            check_ground(path, text, &mut faults);
        }
    }
    faults
}

fn check_ground(path: &str, text: &str, faults: &mut Vec<Fault>) {
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for word in IO.iter().filter(|word| code.contains(**word)) {
            faults.push(Fault::at(path, index + 1, format!("`{word}`: this crate does no IO")));
        }
        if path.starts_with("crates/cts-model/") && code.contains("derive(") && code.contains("Serialize") {
            faults.push(Fault::at(path, index + 1, "domain types have no wire shape: it belongs into cts-api"));
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check_file(path: &str, text: &str, expected: Expect) {
        let faults: Vec<String> = check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect();
        expected.assert_eq(&faults.join("\n"));
    }

    #[test]
    fn a_file_with_docs_is_in_order() {
        check_file("crates/cts-store/src/runs.rs", "//! Runs.\nuse std::fs;\n", expect![[""]]);
    }

    #[test]
    fn a_file_without_docs_is_a_fault() {
        check_file(
            "crates/cts-store/src/runs.rs",
            "use std::fs;\n",
            expect![[
                "crates/cts-store/src/runs.rs:1: begin with `//!`: what this is, what it never does, its invariants"
            ]],
        );
    }

    #[test]
    fn a_file_of_tests_needs_no_docs() {
        check_file("crates/cts-store/src/runs/tests.rs", "use super::*;\n", expect![[""]]);
    }

    #[test]
    fn a_mod_rs_is_a_fault() {
        check_file(
            "crates/cts-store/src/runs/mod.rs",
            "//! Runs.\n",
            expect![["crates/cts-store/src/runs/mod.rs: name the file like its folder and put it beside"]],
        );
    }

    #[test]
    fn a_name_that_says_nothing_is_a_fault() {
        check_file(
            "crates/cts-store/src/util.rs",
            "//! Runs.\n",
            expect![["crates/cts-store/src/util.rs: `util` says nothing: name it after what is inside"]],
        );
    }

    #[test]
    fn a_long_file_is_a_fault() {
        check_file("tests/it/runs.rs", &"//! x\n".repeat(LINES_MAX), expect![[""]]);
        check_file(
            "tests/it/runs.rs",
            &"//! x\n".repeat(LINES_MAX + 1),
            expect![["tests/it/runs.rs: has 701 lines, more than 700: give each item its own file"]],
        );
    }

    #[test]
    fn the_ground_does_no_io() {
        check_file(
            "crates/cts-can/src/rlog.rs",
            "//! x\nuse std::fs::File; // std::net\n",
            expect![["crates/cts-can/src/rlog.rs:2: `std::fs`: this crate does no IO"]],
        );
    }

    #[test]
    fn the_model_has_no_wire_shape() {
        check_file(
            "crates/cts-model/src/run.rs",
            "//! x\n#[derive(Debug, serde::Serialize)]\n",
            expect![["crates/cts-model/src/run.rs:2: domain types have no wire shape: it belongs into cts-api"]],
        );
        check_file("crates/cts-api/src/run.rs", "//! x\n#[derive(Debug, serde::Serialize)]\n", expect![[""]]);
    }
}
