//! The files that an attempt made: found, hashed, stored. Never follows a link, never leaves the run's directory.
//!
//! While the tool runs, a file is taken when the tool says that it is finished or when it has not changed since the
//! scan before; it is copied, because the tool may still write. At the end, what changed or is new is moved.

use std::collections::{HashMap, HashSet};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use cts_model::{ArtifactDraft, ArtifactId, Code, Fault, Ids, OutputSpec, RelPath, Sha256, ToolSpec};
use cts_store::{BlobKey, Blobs, PutHow};
use globset::{Glob, GlobMatcher};
use sha2::Digest;

use crate::error::EngineError;

/// Most files of one run that become artifacts.
pub(crate) const ARTIFACTS_MAX: usize = 10_000;
/// Deepest folder that is looked into.
const DEPTH_MAX: usize = 32;
/// Most names below the run's directory that one pass looks at.
const ENTRIES_MAX: usize = 200_000;
/// Most notes of one pass.
const NOTES_MAX: usize = 20;
/// How much is read at once for a sum.
const HASH_BUFFER_BYTES: usize = 256 * 1024;

/// What tells whether a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    size: u64,
    modified_ns: i128,
    inode: u64,
}

impl Mark {
    fn of(meta: &Metadata) -> Self {
        let modified_ns = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
        Self { size: meta.len(), modified_ns, inode: meta.ino() }
    }
}

/// A file in the run's directory.
#[derive(Debug, Clone)]
struct Found {
    path: RelPath,
    full: PathBuf,
    mark: Mark,
    /// Whether it has a second name, which may lie outside.
    linked: bool,
}

/// What a pass over the run's directory gave.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// Stored bytes that have no row yet.
    pub(crate) drafts: Vec<ArtifactDraft>,
    /// Artifacts that were taken early and are none in the end.
    pub(crate) gone: Vec<ArtifactId>,
    /// What could not be read or stored; the drafts before it are good.
    pub(crate) failure: Option<EngineError>,
    /// What the outputs lack or have too much of.
    pub(crate) fault: Option<Fault>,
    /// What an operator or user should know, for the log.
    pub(crate) notes: Vec<String>,
}

/// Finds and stores the files of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Collector {
    root: PathBuf,
    outputs: Vec<(GlobMatcher, OutputSpec)>,
    only_declared: bool,
    size_max: u64,
    /// Files as they were at the last scan.
    seen: HashMap<RelPath, Mark>,
    /// Files as they were when they were stored, and as which artifact.
    stored: HashMap<RelPath, (Mark, ArtifactId)>,
    /// What the tool said of its files: media types, and that they are finished.
    declared: HashMap<RelPath, Option<String>>,
}

impl Collector {
    /// Returns the collector of the directory `root` for one attempt of a tool.
    pub(crate) fn new(root: PathBuf, spec: &ToolSpec, size_max: u64) -> Self {
        // A pattern was checked when the manifest was read.
        let matcher = |output: &OutputSpec| Some((Glob::new(&output.pattern).ok()?.compile_matcher(), output.clone()));
        Self {
            root,
            outputs: spec.outputs.iter().filter_map(matcher).collect(),
            only_declared: spec.only_declared_outputs,
            size_max,
            seen: HashMap::new(),
            stored: HashMap::new(),
            declared: HashMap::new(),
        }
    }

    /// Notes that the tool calls a file finished; false when it is no path below its directory.
    pub(crate) fn declare(&mut self, path: &str, media_type: Option<String>) -> bool {
        let relative = Path::new(path).strip_prefix(&self.root).ok().and_then(Path::to_str).unwrap_or(path);
        match relative.trim_start_matches("./").parse::<RelPath>() {
            Ok(path) if self.declared.len() < ARTIFACTS_MAX || self.declared.contains_key(&path) => {
                let media_type = media_type.filter(|text| is_media_type(text));
                self.declared.insert(path, media_type);
                true
            }
            _ => false,
        }
    }

    /// Stores the files that are finished while the tool still runs. What cannot be stored now is tried again at the
    /// end, where it is an error.
    pub(crate) async fn scan(
        mut self,
        blobs: &Blobs,
        ids: &Ids,
    ) -> (Self, Vec<ArtifactDraft>, Result<(), EngineError>) {
        let mut drafts = Vec::new();
        let result = self.store_finished(&mut drafts, blobs, ids).await;
        (self, drafts, result)
    }

    async fn store_finished(
        &mut self,
        drafts: &mut Vec<ArtifactDraft>,
        blobs: &Blobs,
        ids: &Ids,
    ) -> Result<(), EngineError> {
        let (found, _) = self.walk().await?;
        let now: HashMap<RelPath, Mark> = found.iter().map(|file| (file.path.clone(), file.mark)).collect();
        let before = std::mem::replace(&mut self.seen, now);
        for file in found {
            let finished = before.get(&file.path) == Some(&file.mark) || self.declared.contains_key(&file.path);
            let known = self.stored.get(&file.path).map(|(mark, _)| mark);
            let has_room = known.is_some() || self.stored.len() < ARTIFACTS_MAX;
            if !finished || known == Some(&file.mark) || !has_room {
                continue;
            }
            if self.wanted(&file.path) && file.mark.size <= self.size_max {
                drafts.extend(self.store(&file, true, blobs, ids).await?);
            }
        }
        Ok(())
    }

    /// Takes back that these were stored: their rows could not be written.
    pub(crate) fn forget(&mut self, drafts: &[ArtifactDraft]) {
        for draft in drafts {
            self.stored.remove(&draft.path);
        }
    }

    async fn walk(&self) -> Result<(Vec<Found>, Vec<String>), EngineError> {
        let root = self.root.clone();
        let walked = tokio::task::spawn_blocking(move || walk(&root)).await;
        walked.map_err(|error| EngineError::Panicked(error.to_string()))?
    }

    /// Stores everything that is new or has changed, after the last process has ended.
    pub(crate) async fn collect(mut self, blobs: &Blobs, ids: &Ids) -> Collected {
        let mut collected = Collected::default();
        let result = self.store_all(&mut collected, blobs, ids).await;
        collected.failure = result.err();
        collected
    }

    async fn store_all(&mut self, collected: &mut Collected, blobs: &Blobs, ids: &Ids) -> Result<(), EngineError> {
        let (found, notes) = self.walk().await?;
        collected.notes = notes;
        let there: HashSet<RelPath> = found.iter().map(|file| file.path.clone()).collect();
        let mut kept: HashSet<RelPath> = HashSet::new();
        for file in found {
            if !self.wanted(&file.path) {
                continue;
            }
            if file.mark.size > self.size_max {
                let sentence = format!(
                    "{} has {} bytes; an artifact may have {} (max_artifact_size_mb)",
                    file.path, file.mark.size, self.size_max
                );
                collected.fault.get_or_insert_with(|| Fault::new(Code::ArtifactTooLarge, sentence.clone()));
                if collected.notes.len() < NOTES_MAX {
                    collected.notes.push(sentence);
                }
                continue;
            }
            if kept.len() >= ARTIFACTS_MAX {
                collected.notes.push(format!("only the first {ARTIFACTS_MAX} files were kept"));
                break;
            }
            kept.insert(file.path.clone());
            if self.stored.get(&file.path).map(|(mark, _)| mark) != Some(&file.mark) {
                collected.drafts.extend(self.store(&file, false, blobs, ids).await?);
            }
        }
        // What the tool called finished and then took away was meant for who follows it, and stays.
        let stays = |path: &RelPath| kept.contains(path) || (self.declared.contains_key(path) && !there.contains(path));
        let gone = self.stored.iter().filter(|(path, _)| !stays(path)).map(|(_, (_, id))| *id);
        collected.gone = gone.collect();
        let missing = self
            .outputs
            .iter()
            .find(|(matcher, output)| output.required && !kept.iter().any(|path| matcher.is_match(path.as_str())));
        if let (None, Some((_, output))) = (&collected.fault, missing) {
            let sentence = format!("the tool ended well but made no file {}", output.pattern);
            collected.fault = Some(Fault::new(Code::OutputMissing, sentence));
        }
        Ok(())
    }

    fn wanted(&self, path: &RelPath) -> bool {
        !self.only_declared
            || self.declared.contains_key(path)
            || self.outputs.iter().any(|(matcher, _)| matcher.is_match(path.as_str()))
    }

    fn media_type(&self, path: &RelPath) -> String {
        if let Some(Some(declared)) = self.declared.get(path) {
            return declared.clone();
        }
        let output = self.outputs.iter().find(|(matcher, _)| matcher.is_match(path.as_str()));
        if let Some(media_type) = output.and_then(|(_, output)| output.media_type.clone()) {
            return media_type;
        }
        media_type_of(path.file_name()).to_owned()
    }

    /// Hashes and stores one file, which may still be written while the tool is `live`; none when it vanished or changed
    /// meanwhile.
    async fn store(
        &mut self,
        file: &Found,
        live: bool,
        blobs: &Blobs,
        ids: &Ids,
    ) -> Result<Option<ArtifactDraft>, EngineError> {
        let full = file.full.clone();
        let hashed = tokio::task::spawn_blocking(move || hash_file(&full)).await;
        let (size, sha256) = match hashed.map_err(|error| EngineError::Panicked(error.to_string()))? {
            Ok(hashed) => hashed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(EngineError::File { doing: "read", path: file.full.clone(), source }),
        };
        let id = ArtifactId::new(ids);
        let how = if live || file.linked { PutHow::Copy } else { PutHow::Move };
        let put = blobs.put_file(BlobKey::Artifact(id), &file.full, how).await?;
        // Sum and copy are of the same bytes only when it did not change: the next scan takes it again.
        let same =
            !live || tokio::fs::symlink_metadata(&file.full).await.is_ok_and(|meta| Mark::of(&meta) == file.mark);
        if put != size || !same {
            blobs.delete(BlobKey::Artifact(id)).await?;
            return if live { Ok(None) } else { Err(changed(file)) };
        }
        self.stored.insert(file.path.clone(), (file.mark, id));
        let media_type = self.media_type(&file.path);
        Ok(Some(ArtifactDraft { id, path: file.path.clone(), media_type, size, sha256 }))
    }
}

fn changed(file: &Found) -> EngineError {
    let source = io::Error::other("it changed after the last process had ended");
    EngineError::File { doing: "store", path: file.full.clone(), source }
}

/// Lists the regular files below `root`, sorted by path; names that cannot be artifacts are noted.
fn walk(root: &Path) -> Result<(Vec<Found>, Vec<String>), EngineError> {
    let mut found = Vec::new();
    let mut notes = Vec::new();
    let mut note = |text: String| {
        if notes.len() < NOTES_MAX {
            notes.push(text);
        }
    };
    let mut entries_left = ENTRIES_MAX;
    let mut folders = vec![(root.to_owned(), String::new(), 0)];
    'folders: while let Some((folder, prefix, depth)) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            // A folder may vanish, or its owner may have closed it.
            Err(_) if depth > 0 => continue,
            Err(source) => return Err(EngineError::File { doing: "read", path: folder, source }),
        };
        for entry in entries.flatten() {
            if entries_left == 0 || found.len() > 2 * ARTIFACTS_MAX {
                note(format!("only a part of the files was looked at: there are more than {}", 2 * ARTIFACTS_MAX));
                break 'folders;
            }
            entries_left -= 1;
            let Ok(meta) = entry.metadata() else { continue };
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                note(format!("{} was left out: its name is not UTF-8", entry.path().display()));
                continue;
            };
            let relative = format!("{prefix}{name}");
            if meta.is_dir() {
                if depth < DEPTH_MAX {
                    folders.push((entry.path(), format!("{relative}/"), depth + 1));
                } else {
                    note(format!("{relative} was left out: it lies deeper than {DEPTH_MAX} folders"));
                }
            } else if meta.is_file() {
                let (mark, linked) = (Mark::of(&meta), meta.nlink() > 1);
                match relative.parse::<RelPath>() {
                    Ok(path) => found.push(Found { path, full: entry.path(), mark, linked }),
                    Err(_) => note(format!("{relative:?} was left out: its name cannot be an artifact's")),
                }
            } else {
                note(format!("{relative:?} was left out: it is not a regular file"));
            }
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    Ok((found, notes))
}

/// Returns size and sum of a regular file, without following a link.
pub(crate) fn hash_file(path: &Path) -> io::Result<(u64, Sha256)> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let mut file = File::options().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "not a regular file"));
    }
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; HASH_BUFFER_BYTES];
    let mut size = 0;
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok((size, Sha256(hasher.finalize().into())));
        }
        hasher.update(&buffer[..length]);
        size += length as u64;
    }
}

fn is_media_type(text: &str) -> bool {
    let token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    let (essence, _) = text.split_once(';').unwrap_or((text, ""));
    text.len() <= 128
        && text.bytes().all(|b| (0x20..0x7F).contains(&b))
        && essence.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub.trim_end()))
}

/// Returns the media type that a file name's end tells.
fn media_type_of(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    match end.as_str() {
        "csv" => "text/csv; charset=utf-8",
        "tsv" => "text/tab-separated-values; charset=utf-8",
        "txt" | "log" | "md" | "toml" | "ini" | "dbc" => "text/plain; charset=utf-8",
        "json" => "application/json",
        "ndjson" | "jsonl" => "application/x-ndjson",
        "yaml" | "yml" => "application/yaml",
        "xml" => "application/xml",
        "html" | "htm" => "text/html; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "pdf" => "application/pdf",
        "parquet" => "application/vnd.apache.parquet",
        "zip" => "application/zip",
        "gz" => "application/gzip",
        "bz2" => "application/x-bzip2",
        "xz" => "application/x-xz",
        "zst" => "application/zstd",
        "tar" => "application/x-tar",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
