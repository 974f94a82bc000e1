//! Blobs in a folder: a file is moved or shared instead of copied where the file system can, and every name that
//! appears stands for bytes that are on the disk.
//!
//! What is under way lies in `.incoming`, where no listing finds it. A symbolic link is never followed out of a run's
//! directory.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use cts_model::Timestamp;
use futures_util::Stream;

use crate::blobs::{PutHow, bounded};
use crate::error::StoreError;

/// Size of one piece of a blob that is read.
const PIECE_BYTES: u64 = 256 << 10;
/// Folder of what is under way.
const INCOMING: &str = ".incoming";
/// Blobs are read by the service alone.
const MODE: u32 = 0o600;

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    fsync: bool,
    /// Makes names in `.incoming`, together with the process id.
    next: AtomicU64,
}

impl Folder {
    pub(super) fn new(root: &Path, fsync: bool) -> Result<Self, StoreError> {
        let open = |error| StoreError::blob(format!("open {}", root.display()), error);
        std::fs::create_dir_all(root.join(INCOMING)).map_err(open)?;
        let root = root.canonicalize().map_err(open)?;
        Ok(Self { root, fsync, next: AtomicU64::new(0) })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn put_file(&self, path: &str, source: &Path, how: PutHow) -> Result<u64, StoreError> {
        let target = self.root.join(path);
        let store = |error| StoreError::blob(format!("store {path}"), error);
        if how == PutHow::Move {
            // A tool may have taken the right to read its own file away.
            if source.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
                std::fs::set_permissions(source, std::fs::Permissions::from_mode(MODE)).map_err(store)?;
            }
            let file = open_regular(source)?;
            let size = file.metadata().map_err(store)?.len();
            self.sync(&file).map_err(store)?;
            self.make_folder_of(&target).map_err(store)?;
            match std::fs::rename(source, &target) {
                Ok(()) => {
                    self.sync_folder_of(&target).map_err(store)?;
                    return Ok(size);
                }
                Err(error) if error.kind() == ErrorKind::CrossesDevices => {}
                Err(error) => return Err(store(error)),
            }
        }
        let size = self.copy(source, &target).map_err(|error| match error {
            CopyError::Source(error) => error,
            CopyError::Io(error) => store(error),
        })?;
        if how == PutHow::Move {
            let remove = |error| StoreError::blob(format!("remove {}", source.display()), error);
            std::fs::remove_file(source).map_err(remove)?;
        }
        Ok(size)
    }

    fn copy(&self, source: &Path, target: &Path) -> Result<u64, CopyError> {
        let mut from = open_regular(source).map_err(CopyError::Source)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let staged = self.root.join(INCOMING).join(format!("{}-{number}", std::process::id()));
        let copied = self.copy_to(&mut from, &staged, target);
        if copied.is_err() {
            drop(std::fs::remove_file(&staged));
        }
        copied.map_err(CopyError::Io)
    }

    fn copy_to(&self, from: &mut File, staged: &Path, target: &Path) -> io::Result<u64> {
        // A file of this name can only be left from an earlier process with the same id.
        let mut to = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(staged)?;
        // On Linux this shares the data where the file system can.
        let size = io::copy(from, &mut to)?;
        self.sync(&to)?;
        self.make_folder_of(target)?;
        std::fs::rename(staged, target)?;
        self.sync_folder_of(target)?;
        Ok(size)
    }

    fn make_folder_of(&self, target: &Path) -> io::Result<()> {
        let folder = target.parent().expect("a blob lies in a folder of its kind");
        if folder.is_dir() {
            return Ok(());
        }
        std::fs::create_dir_all(folder)?;
        if self.fsync {
            for above in folder.ancestors().skip(1).take_while(|above| above.starts_with(&self.root)) {
                File::open(above)?.sync_all()?;
            }
        }
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if self.fsync { file.sync_all() } else { Ok(()) }
    }

    fn sync_folder_of(&self, target: &Path) -> io::Result<()> {
        let folder = target.parent().expect("a blob lies in a folder of its kind");
        if self.fsync { File::open(folder)?.sync_all() } else { Ok(()) }
    }

    pub(super) fn open(&self, path: &str, range: Option<Range<u64>>) -> Result<Reading, StoreError> {
        let read = |error: io::Error| match error.kind() {
            ErrorKind::NotFound => StoreError::BlobNotFound(path.to_owned()),
            _ => StoreError::blob(format!("read {path}"), error),
        };
        let mut file = File::open(self.root.join(path)).map_err(read)?;
        let range = bounded(range, file.metadata().map_err(read)?.len())?;
        file.seek(SeekFrom::Start(range.start)).map_err(read)?;
        Ok(Reading { file, path: path.to_owned(), left: range.end - range.start })
    }

    pub(super) fn sweep(&self, before: Timestamp) -> Result<u64, StoreError> {
        let incoming = self.root.join(INCOMING);
        let read = |error| StoreError::blob(format!("read {}", incoming.display()), error);
        let mut removed = 0;
        for entry in std::fs::read_dir(&incoming).map_err(read)? {
            let entry = entry.map_err(read)?;
            // What is gone by now was stored meanwhile.
            let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
            let age = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
            if i64::try_from(age.as_millis()).is_ok_and(|ms| ms < before.as_ms())
                && std::fs::remove_file(entry.path()).is_ok()
            {
                removed += 1;
            }
        }
        Ok(removed)
    }
}

enum CopyError {
    Source(StoreError),
    Io(io::Error),
}

/// Opens a regular file, and nothing else that may stand under its name.
pub(super) fn open_regular(path: &Path) -> Result<File, StoreError> {
    let open = |error| StoreError::blob(format!("open {}", path.display()), error);
    let named = path.symlink_metadata().map_err(open)?;
    if !named.is_file() {
        return Err(StoreError::NotAFile(path.to_owned()));
    }
    let file = File::open(path).map_err(open)?;
    // It may have been replaced by a link between the two looks.
    let opened = file.metadata().map_err(open)?;
    if (opened.dev(), opened.ino()) != (named.dev(), named.ino()) {
        return Err(StoreError::NotAFile(path.to_owned()));
    }
    Ok(file)
}

/// A blob that is being read.
pub(super) struct Reading {
    file: File,
    path: String,
    left: u64,
}

impl Reading {
    /// Returns the bytes in pieces, each read outside the runtime when it is asked for; a slow reader holds no thread.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
        futures_util::stream::try_unfold(self, |mut reading| async move {
            if reading.left == 0 {
                return Ok(None);
            }
            super::blocking(move || {
                let piece = reading.piece()?;
                Ok(Some((piece, reading)))
            })
            .await
        })
    }

    fn piece(&mut self) -> Result<Bytes, StoreError> {
        let size = self.left.min(PIECE_BYTES);
        let mut piece = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let read = |error| StoreError::blob(format!("read {}", self.path), error);
        (&self.file).take(size).read_to_end(&mut piece).map_err(read)?;
        if piece.is_empty() {
            return Err(read(ErrorKind::UnexpectedEof.into()));
        }
        self.left -= piece.len() as u64;
        Ok(Bytes::from(piece))
    }
}
