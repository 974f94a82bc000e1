//! `cargo xtask tidy`: checks what rustc and clippy cannot see, and prints every fault with its place.
//!
//! The rules look at a [`Tree`] of texts and never at the disk, so that each is tested with a small made tree.
//! `ARCHITECTURE.md` is the table that the arrows between crates are held against.

mod arrows;
mod documents;
mod interface;
mod map;
mod sources;
mod tree;
mod words;

use std::fmt;

use crate::error::Failed;
pub(crate) use crate::tidy::tree::Tree;

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// The file.
    path: String,
    /// The line, where there is one.
    line: Option<usize>,
    /// What is wrong and what to do.
    message: String,
}

impl Fault {
    fn in_file(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, message: message.into() }
    }

    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(line), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

/// Checks the workspace.
pub(crate) fn run() -> Result<(), Failed> {
    let tree = Tree::read(&crate::root::workspace())?;
    let faults = check(&tree);
    for fault in &faults {
        println!("{fault}");
    }
    match faults.len() {
        0 => {
            println!("tidy: {} files are in order", tree.len());
            Ok(())
        }
        count => Err(Failed::new(format!("tidy found {count} fault(s)"))),
    }
}

/// Returns every fault of the tree, in the order of the files.
pub(crate) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for rule in [arrows::check, sources::check, words::check, documents::check, interface::check] {
        faults.extend(rule(tree));
    }
    faults.sort();
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_in_order() {
        let tree = Tree::read(&crate::root::workspace()).unwrap();
        let faults: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    }
}
