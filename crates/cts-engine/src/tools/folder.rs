//! The folder of manifests: which files are there, which of them changed, what each of them says.
//!
//! A file is read again when its size, time or number changed, and in the two scans after that: two writes within one
//! tick of the file system's clock look the same from outside. Nothing is ever written here.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::manifest::{self, MANIFEST_BYTES_MAX, Manifest};
use super::{BrokenManifest, ManifestFault, Tool};

/// Most manifests of one folder; those beyond are reported as broken.
pub(super) const MANIFESTS_MAX: usize = 1000;

/// In how many scans after a change a file is read again.
const READ_AGAIN: u8 = 2;

/// What tells that a file changed, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
}

/// What is known about one file.
struct Known {
    stamp: Option<Stamp>,
    read_again: u8,
    /// The text that was read last; none when it could not be read.
    text: Option<String>,
    /// The last version without faults.
    good: Option<Good>,
    /// What is wrong with the present version.
    faults: Vec<ManifestFault>,
}

struct Good {
    tool: Arc<Tool>,
    /// The fault that the file has when its id belongs to another tool, but for the message.
    at_id: ManifestFault,
    /// Whether the id was its own in the last scan.
    held: bool,
}

/// The folder of manifests.
pub(super) struct Folder {
    path: PathBuf,
    known: BTreeMap<PathBuf, Known>,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        // Relative paths in a manifest must mean the same wherever the service goes.
        let path = std::path::absolute(&path).unwrap_or(path);
        Self { path, known: BTreeMap::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what changed, adds the tools whose ids are free, and returns the files that are broken.
    pub(super) fn scan(&mut self, tools: &mut BTreeMap<String, Arc<Tool>>) -> Vec<BrokenManifest> {
        let mut broken = Vec::new();
        match self.files() {
            Ok(mut files) => {
                for path in files.split_off(files.len().min(MANIFESTS_MAX)) {
                    let message = format!("more than {MANIFESTS_MAX} manifests in one folder; this one is left out");
                    broken.push(refused(path, vec![ManifestFault::whole(message)], false));
                }
                self.known.retain(|path, _| files.binary_search(path).is_ok());
                for path in files {
                    self.look(path);
                }
            }
            // What was good before stays in use; the folder itself is what is broken.
            Err(fault) => broken.push(refused(self.path.clone(), vec![fault], !self.known.is_empty())),
        }
        self.give_ids(tools, &mut broken);
        broken.sort_by(|left, right| left.path.cmp(&right.path));
        broken
    }

    /// Returns the manifests' files, sorted by name. A folder that is not there has none.
    fn files(&self) -> Result<Vec<PathBuf>, ManifestFault> {
        let refuse = |error: std::io::Error| ManifestFault::whole(format!("the folder cannot be read: {error}"));
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(refuse(error)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(refuse)?.path();
            let is_manifest = path.extension().is_some_and(|extension| extension == "toml");
            // Editors put their own files beside, with a dot in front.
            let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if is_manifest && !is_hidden && !path.is_dir() {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Reads a file again when it may have changed.
    fn look(&mut self, path: PathBuf) {
        let stamp = fs::metadata(&path).ok().map(|found| Stamp {
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
            inode: found.ino(),
        });
        let known = self.known.entry(path.clone()).or_insert_with(|| Known {
            stamp: None,
            read_again: READ_AGAIN,
            text: None,
            good: None,
            faults: vec![ManifestFault::whole("not read yet".into())],
        });
        if known.stamp == stamp && stamp.is_some() {
            if known.read_again == 0 {
                return;
            }
            known.read_again -= 1;
        } else {
            known.read_again = READ_AGAIN;
        }
        known.stamp = stamp;
        match read_text(&path) {
            Ok(text) if known.text.as_ref() == Some(&text) => {}
            Ok(text) => {
                match manifest::read(&path, &text) {
                    Ok(Manifest { tool, id_span }) => {
                        known.faults.clear();
                        let held =
                            known.good.as_ref().is_some_and(|good| good.held && good.tool.spec.id == tool.spec.id);
                        let at_id = ManifestFault::at(&text, &id_span, String::new());
                        known.good = Some(Good { tool: Arc::new(tool), at_id, held });
                    }
                    Err(faults) => known.faults = faults,
                }
                known.text = Some(text);
            }
            Err(message) => {
                known.text = None;
                known.faults = vec![ManifestFault::whole(message)];
            }
        }
    }

    /// Gives each id to one tool.
    fn give_ids(&mut self, tools: &mut BTreeMap<String, Arc<Tool>>, broken: &mut Vec<BrokenManifest>) {
        let mut holders: BTreeMap<String, PathBuf> = BTreeMap::new();
        let mut order: Vec<(&PathBuf, &mut Known)> = self.known.iter_mut().collect();
        // Who had the id keeps it; the sort is stable, so the others come by name.
        order.sort_by_key(|(_, known)| !known.good.as_ref().is_some_and(|good| good.held));
        for (path, known) in order {
            let mut faults = known.faults.clone();
            let mut in_use = false;
            if let Some(good) = &mut known.good {
                let id = good.tool.spec.id.as_str();
                good.held = !tools.contains_key(id);
                if good.held {
                    tools.insert(id.to_owned(), Arc::clone(&good.tool));
                    holders.insert(id.to_owned(), path.clone());
                    in_use = true;
                } else if faults.is_empty() {
                    let message = match holders.get(id) {
                        Some(holder) => format!("the id {id} is taken by {}", holder.display()),
                        None => format!("the id {id} is that of a tool that is built in"),
                    };
                    faults.push(ManifestFault { message, ..good.at_id.clone() });
                }
            }
            if !faults.is_empty() {
                broken.push(refused(path.clone(), faults, in_use));
            }
        }
    }
}

fn refused(path: PathBuf, faults: Vec<ManifestFault>, last_good_in_use: bool) -> BrokenManifest {
    BrokenManifest { path, faults, last_good_in_use }
}

/// Reads a manifest's file, as far as a manifest may be long.
fn read_text(path: &Path) -> Result<String, String> {
    let refuse = |error: std::io::Error| format!("the file cannot be read: {error}");
    let found = fs::metadata(path).map_err(refuse)?;
    if !found.is_file() {
        return Err("this is not a regular file".into());
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(MANIFEST_BYTES_MAX).unwrap_or(u64::MAX);
    // One byte more than allowed tells that there is more.
    fs::File::open(path).map_err(refuse)?.take(most + 1).read_to_end(&mut bytes).map_err(refuse)?;
    if bytes.len() > MANIFEST_BYTES_MAX {
        return Err(format!("the file is larger than {MANIFEST_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("the file is not UTF-8 (line {line})")
    })
}
