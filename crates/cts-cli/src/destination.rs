//! Where artifacts go on this machine, and under which names: never outside the folder, whatever a server calls them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use cts_api::Artifact;

/// Longest part of a path, in bytes.
const PART_BYTES_MAX: usize = 255;
/// The folder in the working directory that is used when nobody named one.
const RESULTS: &str = "cts-results";

/// Returns the folder that the artifacts of a run go to: the one that was named, else the configured one, else
/// `cts-results/<run id>` in the working directory.
pub(crate) fn folder(named: Option<&Path>, configured: Option<&Path>, current_dir: &Path, run_id: &str) -> PathBuf {
    match named.or(configured) {
        Some(folder) => current_dir.join(folder),
        None => current_dir.join(RESULTS).join(part(run_id)),
    }
}

/// Returns where each artifact goes below `folder`, each to a path of its own.
pub(crate) fn targets(folder: &Path, artifacts: &[Artifact]) -> Vec<PathBuf> {
    let mut taken = HashSet::new();
    artifacts
        .iter()
        .map(|artifact| folder.join(unique(&relative(&artifact.filename, &artifact.id), &mut taken)))
        .collect()
}

/// Returns a name for the folder of each file, each of its own.
pub(crate) fn folder_names(files: &[PathBuf]) -> Vec<String> {
    let mut taken = HashSet::new();
    let name =
        |file: &PathBuf| file.file_name().map_or_else(|| "file".to_owned(), |name| part(&name.to_string_lossy()));
    files.iter().map(|file| unique(&name(file), &mut taken)).collect()
}

/// Returns a relative path without anything that leads elsewhere or that a file name cannot hold; `id` stands in where
/// nothing is left.
fn relative(filename: &str, id: &str) -> String {
    let parts: Vec<String> =
        filename.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | "..")).map(part).collect();
    if parts.is_empty() { part(id) } else { parts.join("/") }
}

/// Returns a text as one part of a path.
fn part(text: &str) -> String {
    let is_odd =
        |c: char| c.is_control() || matches!(c, '/' | '\\' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut name: String = text.chars().map(|c| if is_odd(c) { '_' } else { c }).collect();
    while name.len() > PART_BYTES_MAX {
        name.pop();
    }
    if matches!(name.as_str(), "" | "." | "..") { "_".to_owned() } else { name }
}

/// Returns the path, or one like it that is not taken.
fn unique(path: &str, taken: &mut HashSet<String>) -> String {
    let mut candidate = path.to_owned();
    let mut number = 2;
    while !taken.insert(candidate.clone()) {
        let (stem, end) = match path.rsplit_once('.') {
            Some((stem, end)) if !stem.is_empty() && !stem.ends_with('/') && !end.contains('/') => {
                (stem, format!(".{end}"))
            }
            _ => (path, String::new()),
        };
        candidate = format!("{stem}-{number}{end}");
        number += 1;
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leads_outside_the_folder() {
        let table = [
            ("drive.csv", "drive.csv"),
            ("plots/a b.svg", "plots/a b.svg"),
            ("../../etc/passwd", "etc/passwd"),
            ("/etc/passwd", "etc/passwd"),
            ("a/../../b", "a/b"),
            ("a\\..\\b", "a/b"),
            ("a\u{1b}[31m\nb\0", "a_[31m_b_"),
            ("evil\u{202e}gpj.exe", "evil_gpj.exe"),
            ("..", "the-id"),
            ("", "the-id"),
            ("./.", "the-id"),
        ];
        for (name, expected) in table {
            assert_eq!(relative(name, "the-id"), expected, "{name:?}");
        }
        let long = relative(&"ä".repeat(300), "x");
        assert!(long.len() <= PART_BYTES_MAX && long.chars().all(|c| c == 'ä'));
    }

    #[test]
    fn two_files_never_share_a_path() {
        let mut taken = HashSet::new();
        let names = ["a.csv", "a.csv", "a.csv", "b/x", "b/x", ".rc", ".rc"].map(|name| unique(name, &mut taken));
        assert_eq!(names, ["a.csv", "a-2.csv", "a-3.csv", "b/x", "b/x-2", ".rc", ".rc-2"]);
    }

    #[test]
    fn the_named_folder_wins_then_the_configured_one() {
        let here = Path::new("/w");
        let path = |named: Option<&str>, configured: Option<&str>| {
            folder(named.map(Path::new), configured.map(Path::new), here, "run-1").display().to_string()
        };
        assert_eq!(path(Some("out"), Some("/conf")), "/w/out");
        assert_eq!(path(None, Some("/conf")), "/conf");
        assert_eq!(path(None, None), "/w/cts-results/run-1");
    }

    #[test]
    fn each_input_has_a_folder_of_its_own() {
        let files = ["/a/rlog.zst", "/b/rlog.zst", "/b/other.zst"].map(PathBuf::from);
        assert_eq!(folder_names(&files), ["rlog.zst", "rlog-2.zst", "other.zst"]);
    }
}
