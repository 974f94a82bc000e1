//! The texts of the workspace by their path, so that rules never touch the disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::error::{Doing, Failed};

/// Folders that hold nothing of ours.
const SKIPPED_FOLDERS: [&str; 7] = ["target", ".git", "node_modules", "cts-results", "corpus", "dist", "screenshots"];

/// What files of text end with; others are known by their path alone.
const TEXT: [&str; 15] = [
    ".rs", ".md", ".toml", ".json", ".sql", ".yml", ".yaml", ".sh", ".html", ".lock", ".ts", ".tsx", ".mjs", ".css",
    ".svg",
];

/// Paths relative to the workspace, `/`-separated, with the text of those that are text.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads the workspace.
    pub(crate) fn read(root: &Path) -> Result<Self, Failed> {
        let mut tree = Self::default();
        tree.read_folder(root, "")?;
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<(), Failed> {
        for entry in fs::read_dir(folder).doing(|| format!("cannot list {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                    self.read_folder(&entry.path(), &format!("{path}/"))?;
                }
            } else if TEXT.iter().any(|ending| name.ends_with(ending)) {
                let text = fs::read_to_string(entry.path()).doing(|| format!("cannot read {path}"))?;
                self.files.insert(path, text);
            } else {
                self.files.insert(path, String::new());
            }
        }
        Ok(())
    }

    /// Returns how many files there are.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// Returns the text of that file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Returns whether there is a file or a folder of that path.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let inside = format!("{path}/");
        path.is_empty() || self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&inside))
    }

    /// Returns every file with that ending, with its text.
    pub(crate) fn ending_with(&self, ending: &'static str) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(move |(path, _)| path.ends_with(ending))
    }

    /// Returns every file with its text.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Returns a tree with these files.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect() }
    }
}
