//! The user's paths: `~` and relative ones made absolute, globs and folders to files in the order of their numbers.

use std::path::{Path, PathBuf};

use cts_server::embedded::natural_order;

use crate::error::{CliError, Complaint};

/// Most files that one command line stands for.
const FILES_MAX: usize = 10_000;

/// Where the user is.
#[derive(Debug, Clone)]
pub(crate) struct Here {
    /// The working directory.
    pub(crate) current_dir: PathBuf,
    /// The user's home.
    pub(crate) home: Option<PathBuf>,
}

impl Here {
    /// Returns the absolute path; nothing is looked at on the disk, so that a glob stays one.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), &self.home) {
            (Ok(below), Some(home)) => home.join(below),
            _ => self.current_dir.join(without_dot(path)),
        }
    }

    /// Returns the absolute path as text, as a request holds it.
    pub(crate) fn absolute_text(&self, path: &Path) -> Result<String, CliError> {
        let path = self.absolute(path);
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| CliError::usage(format!("the path {} is not UTF-8, and JSON must be", path.display())))
    }

    /// Returns the files that the paths stand for on this machine: globs and folders become their files.
    pub(crate) fn expand(&self, paths: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
        let mut files = Vec::new();
        for path in paths {
            let absolute = self.absolute(path);
            let mut found = files_of(&absolute)?;
            if found.is_empty() {
                let complaint = Complaint::new(format!("{} matches no file on this machine", path.display()))
                    .action("Check the path; a glob is put in quotes so that it comes here unchanged.");
                return Err(CliError::Usage(complaint.into()));
            }
            found.sort_by(|left, right| natural_order(left, right));
            files.append(&mut found);
            if files.len() > FILES_MAX {
                return Err(CliError::usage(format!("more than {FILES_MAX} files; name a part of them")));
            }
        }
        Ok(files)
    }
}

/// Takes leading `./` away, which says nothing.
fn without_dot(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(CliError::file("read the folder", path))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(CliError::file("read the folder", path))?;
        let is_shown = |path: &Path| path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."));
        return Ok(paths.into_iter().filter(|path| path.is_file() && is_shown(path)).collect());
    }
    // A file whose name looks like a glob is that file.
    if path.exists() {
        return Ok(vec![path.to_path_buf()]);
    }
    let Some(pattern) = path.to_str().filter(|text| text.contains(['*', '?', '['])) else {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(CliError::file("read", path)(missing));
    };
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::default() };
    let found = glob::glob_with(pattern, options)
        .map_err(|error| CliError::usage(format!("the glob {pattern} is wrong: {error}")))?;
    let found: Vec<PathBuf> = found.take(FILES_MAX + 1).filter_map(Result::ok).filter(|path| path.is_file()).collect();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(dir: &Path) -> Here {
        Here { current_dir: dir.to_path_buf(), home: Some("/home/u".into()) }
    }

    #[test]
    fn paths_become_absolute() {
        let here = here(Path::new("/drive/x"));
        let table = [
            ("a", "/drive/x/a"),
            ("./a/*.zst", "/drive/x/a/*.zst"),
            ("../a", "/drive/x/../a"),
            ("/a", "/a"),
            ("~/a", "/home/u/a"),
            ("~", "/home/u/"),
            ("~other/a", "/drive/x/~other/a"),
        ];
        for (path, expected) in table {
            assert_eq!(here.absolute_text(Path::new(path)).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn globs_and_folders_become_files_in_the_order_of_their_numbers() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["s--10--rlog", "s--2--rlog", "s--1--rlog", "[odd]", ".hidden"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        std::fs::create_dir(dir.path().join("s--0--rlog")).unwrap();
        let here = here(dir.path());
        let expand = |path: &str| -> Vec<String> {
            let files = here.expand(&[path.into()]).unwrap();
            files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(expand("s--*"), ["s--1--rlog", "s--2--rlog", "s--10--rlog"]);
        assert_eq!(expand("."), ["[odd]", "s--1--rlog", "s--2--rlog", "s--10--rlog"]);
        assert_eq!(expand("[odd]"), ["[odd]"]);
        assert!(here.expand(&["none*".into()]).is_err());
        assert!(here.expand(&["none".into()]).is_err());
    }
}
