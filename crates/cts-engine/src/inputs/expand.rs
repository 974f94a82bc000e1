//! Folders and globs to single files, in numeric order.
//!
//! The walk enters only folders below the roots and looks at a bounded number of entries. As in a shell, `*` stands for
//! no name that begins with a dot; `**` stands for any number of folders and follows no links.

use std::fs;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::roots::OUTSIDE_ROOTS;
use super::{INPUTS_MAX, InputRoots, Refusal, fits, natural_order, refuse_io};

/// Most entries of folders that one input may look at.
const ENTRIES_MAX: usize = 100_000;

/// Deepest folder below a `**`.
const DEPTH_MAX: usize = 32;

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// What a path stands for.
pub(super) enum Expanded {
    /// Itself.
    Single,
    /// These files.
    Several(Vec<PathBuf>),
}

/// Returns what a path stands for.
pub(super) fn expand(path: &Path, shown: &str, extensions: &[String], roots: &InputRoots) -> Result<Expanded, Refusal> {
    let real = roots.follow(path);
    let is_glob = shown.contains(['*', '?', '[']);
    let mut walk = Walk { roots, found: Vec::new(), entries: 0 };
    match real {
        Ok(real) if real.is_dir() => walk.folder(path, &real)?,
        // A file whose name has these characters in it is that file.
        Ok(_) => return Ok(Expanded::Single),
        Err(_) if is_glob => {
            let (begin, pattern) = split(path)?;
            // What is not there matches nothing; what is outside is refused.
            match roots.follow(&begin) {
                Ok(_) => walk.step(&begin, &pattern, 0)?,
                Err(refusal @ (OUTSIDE_ROOTS, _)) => return Err(refusal),
                Err(_) => {}
            }
        }
        Err(refusal) => return Err(refusal),
    }
    let mut found = walk.found;
    if found.is_empty() && is_glob {
        return Err(("no_match", format!("no file matches {shown}")));
    }
    let before = found.len();
    found.retain(|path| path.file_name().is_some_and(|name| fits(name, extensions)));
    if found.is_empty() {
        let ends =
            if extensions.is_empty() { String::new() } else { format!(" that ends in {}", extensions.join(", ")) };
        return Err(("no_match", format!("{shown} has no file{ends} ({before} files were looked at)")));
    }
    if found.len() > INPUTS_MAX {
        return Err(("too_many", format!("{shown} has {} files, at most {INPUTS_MAX} are possible", found.len())));
    }
    found.sort_by(|left, right| natural_order(left, right));
    found.dedup();
    Ok(Expanded::Several(found))
}

/// A part of a pattern.
enum Step {
    /// This very name.
    Name(PathBuf),
    /// Any name of this form.
    Like(Pattern),
    /// Any number of folders.
    Deep,
}

/// Splits a path before its first part that is a pattern.
fn split(path: &Path) -> Result<(PathBuf, Vec<Step>), Refusal> {
    let mut begin = PathBuf::new();
    let mut pattern = Vec::new();
    for part in path.components() {
        let text = part.as_os_str().to_string_lossy();
        let is_pattern = matches!(part, Component::Normal(_)) && text.contains(['*', '?', '[']);
        if !is_pattern && pattern.is_empty() {
            begin.push(part);
        } else if part == Component::ParentDir {
            return Err(("pattern", "a glob has no .. behind its first wildcard".into()));
        } else if text == "**" {
            if !matches!(pattern.last(), Some(Step::Deep)) {
                pattern.push(Step::Deep);
            }
        } else if is_pattern {
            let form =
                Pattern::new(&text).map_err(|error| ("pattern", format!("{text} is not a glob: {}", error.msg)))?;
            pattern.push(Step::Like(form));
        } else {
            pattern.push(Step::Name(PathBuf::from(part.as_os_str())));
        }
    }
    Ok((begin, pattern))
}

struct Walk<'a> {
    roots: &'a InputRoots,
    found: Vec<PathBuf>,
    entries: usize,
}

impl Walk<'_> {
    /// Takes the regular files of one folder.
    fn folder(&mut self, path: &Path, real: &Path) -> Result<(), Refusal> {
        for name in self.names(path, real)? {
            let entry = path.join(&name);
            // A link that leads outside is passed over, as a glob does.
            if !is_hidden(&name) && entry.is_file() && self.roots.follow(&entry).is_ok() {
                self.found.push(entry);
            }
        }
        Ok(())
    }

    fn step(&mut self, at: &Path, pattern: &[Step], depth: usize) -> Result<(), Refusal> {
        let Some((first, rest)) = pattern.split_first() else {
            if at.is_file() {
                self.found.push(at.to_path_buf());
            }
            return Ok(());
        };
        match first {
            Step::Name(name) => {
                let next = at.join(name);
                if self.roots.follow(&next).is_ok() { self.step(&next, rest, depth) } else { Ok(()) }
            }
            Step::Like(form) => {
                for name in self.names_below(at)? {
                    if !form.matches_with(&name.to_string_lossy(), OPTIONS) {
                        continue;
                    }
                    let next = at.join(&name);
                    // A link that leads outside matches nothing.
                    if self.roots.follow(&next).is_ok() && (rest.is_empty() || next.is_dir()) {
                        self.step(&next, rest, depth)?;
                    }
                }
                Ok(())
            }
            Step::Deep => {
                // No folder at all, or one folder and then the same again.
                if rest.is_empty() {
                    for name in self.names_below(at)? {
                        let next = at.join(&name);
                        if !is_hidden(&name) && next.is_file() && self.roots.follow(&next).is_ok() {
                            self.found.push(next);
                        }
                    }
                } else {
                    self.step(at, rest, depth)?;
                }
                if depth >= DEPTH_MAX {
                    return Ok(());
                }
                for name in self.names_below(at)? {
                    let next = at.join(&name);
                    let is_folder = next.symlink_metadata().is_ok_and(|found| found.is_dir());
                    if is_folder && !is_hidden(&name) {
                        self.step(&next, pattern, depth + 1)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Returns the names in a folder; one that may not be read, or is none, has no names.
    fn names_below(&mut self, path: &Path) -> Result<Vec<std::ffi::OsString>, Refusal> {
        match self.roots.follow(path) {
            Ok(real) if real.is_dir() => match self.names(path, &real) {
                Err(("unreadable", _)) => Ok(Vec::new()),
                names => names,
            },
            _ => Ok(Vec::new()),
        }
    }

    fn names(&mut self, path: &Path, real: &Path) -> Result<Vec<std::ffi::OsString>, Refusal> {
        let mut names = Vec::new();
        for entry in fs::read_dir(real).map_err(|error| refuse_io(path, &error))? {
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                let message =
                    format!("more than {ENTRIES_MAX} files and folders would be looked at; name a smaller folder");
                return Err(("too_many", message));
            }
            names.push(entry.map_err(|error| refuse_io(path, &error))?.file_name());
        }
        Ok(names)
    }
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}
