//! Bytes that are too many for a row: artifacts, uploads, logs, each under the id of its row.
//!
//! A blob is there as a whole or not at all, and is durable when its call returns. It never changes; only logs are
//! replaced. Nothing here knows which blobs have rows: see the engine's sweep.

mod local;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use cts_model::{ArtifactId, RunId, Timestamp, UploadId};
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutPayload};

use crate::blobs::local::Folder;
use crate::error::StoreError;

/// Size of one part of an upload to a store that is not a folder.
const PART_BYTES: usize = 8 << 20;

/// What a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobKind {
    /// The bytes of an artifact.
    Artifact,
    /// The bytes of an upload that is ready.
    Upload,
    /// The log of a run.
    Log,
}

impl BlobKind {
    /// Returns the folder of this kind.
    fn folder(self) -> &'static str {
        match self {
            Self::Artifact => "artifacts",
            Self::Upload => "uploads",
            Self::Log => "logs",
        }
    }
}

/// The name of a blob: its kind and the id of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobKey {
    /// The bytes of an artifact.
    Artifact(ArtifactId),
    /// The bytes of an upload that is ready.
    Upload(UploadId),
    /// The log of a run.
    Log(RunId),
}

impl BlobKey {
    /// Returns its kind.
    #[must_use]
    pub fn kind(self) -> BlobKind {
        match self {
            Self::Artifact(_) => BlobKind::Artifact,
            Self::Upload(_) => BlobKind::Upload,
            Self::Log(_) => BlobKind::Log,
        }
    }

    /// Returns its path: the last two digits of the id, which are random, spread blobs over 256 folders.
    fn path(self) -> String {
        let id = match self {
            Self::Artifact(id) => id.to_string(),
            Self::Upload(id) => id.to_string(),
            Self::Log(id) => id.to_string(),
        };
        format!("{}/{}/{id}", self.kind().folder(), &id[34..])
    }

    /// Returns the key of a file name in the folder of its kind; none for what is not a blob.
    fn from_name(kind: BlobKind, name: &str) -> Option<Self> {
        Some(match kind {
            BlobKind::Artifact => Self::Artifact(name.parse().ok()?),
            BlobKind::Upload => Self::Upload(name.parse().ok()?),
            BlobKind::Log => Self::Log(name.parse().ok()?),
        })
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// A blob in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobEntry {
    /// Its key.
    pub key: BlobKey,
    /// Its bytes.
    pub size: u64,
    /// When it was stored.
    pub modified: Timestamp,
}

/// How a file becomes a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutHow {
    /// The file is gone afterwards. Nobody may write to it any more.
    Move,
    /// The file stays; its data is shared where the file system can, else copied.
    Copy,
}

/// The bytes of a blob, piece by piece.
pub type BlobStream = BoxStream<'static, Result<Bytes, StoreError>>;

/// The store of blobs. Clones share it.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The folder below it, when it is one: some things are quicker there.
    folder: Option<Arc<Folder>>,
}

impl Blobs {
    /// Opens the folder `root`, which is made when it is not there. With `fsync` a blob is on the disk before its call
    /// returns.
    ///
    /// # Errors
    /// When the folder cannot be made or used.
    pub fn local(root: &Path, fsync: bool) -> Result<Self, StoreError> {
        let folder = Folder::new(root, fsync)?;
        let store =
            LocalFileSystem::new_with_prefix(folder.root()).map_err(|error| failed("open", root.display(), error))?;
        Ok(Self { store: Arc::new(store.with_fsync(fsync)), folder: Some(Arc::new(folder)) })
    }

    /// Takes any other object store into use.
    #[cfg(test)]
    fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, folder: None }
    }

    /// Stores a file and returns its size. Only a regular file becomes a blob; a symbolic link is not followed.
    ///
    /// # Errors
    /// [`StoreError::NotAFile`], or when it cannot be read or stored; nothing is stored then.
    pub async fn put_file(&self, key: BlobKey, source: &Path, how: PutHow) -> Result<u64, StoreError> {
        if let Some(folder) = &self.folder {
            let (folder, source) = (Arc::clone(folder), source.to_owned());
            return blocking(move || folder.put_file(&key.path(), &source, how)).await;
        }
        let from = source.to_owned();
        let file = blocking(move || local::open_regular(&from)).await?;
        let mut file = tokio::fs::File::from_std(file);
        let mut upload =
            object_store::buffered::BufWriter::with_capacity(Arc::clone(&self.store), location(key), PART_BYTES);
        let copied = tokio::io::copy(&mut file, &mut upload).await;
        let size = match copied {
            Ok(size) => size,
            Err(error) => {
                drop(upload.abort().await);
                return Err(StoreError::blob(format!("store {key}"), error));
            }
        };
        let ended = tokio::io::AsyncWriteExt::shutdown(&mut upload).await;
        ended.map_err(|error| StoreError::blob(format!("store {key}"), error))?;
        if how == PutHow::Move {
            let removed = tokio::fs::remove_file(source).await;
            removed.map_err(|error| StoreError::blob(format!("remove {}", source.display()), error))?;
        }
        Ok(size)
    }

    /// Stores bytes.
    ///
    /// # Errors
    /// When they cannot be stored.
    pub async fn put_bytes(&self, key: BlobKey, bytes: Bytes) -> Result<(), StoreError> {
        let put = self.store.put(&location(key), PutPayload::from_bytes(bytes)).await;
        put.map(|_| ()).map_err(|error| failed("store", key, error))
    }

    /// Returns the bytes of a blob, or a range of them.
    ///
    /// # Errors
    /// [`StoreError::BlobNotFound`], [`StoreError::BadRange`], or when they cannot be read.
    pub async fn read(&self, key: BlobKey, range: Option<Range<u64>>) -> Result<BlobStream, StoreError> {
        if let Some(folder) = &self.folder {
            let (folder, path) = (Arc::clone(folder), key.path());
            let reading = blocking(move || folder.open(&path, range)).await?;
            return Ok(reading.into_stream().boxed());
        }
        let size = self.size(key).await?.ok_or_else(|| StoreError::BlobNotFound(key.to_string()))?;
        let range = bounded(range, size)?;
        if range.is_empty() {
            return Ok(futures_util::stream::empty().boxed());
        }
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let read = self.store.get_opts(&location(key), options).await.map_err(|error| failed("read", key, error))?;
        Ok(read.into_stream().map_err(move |error| failed("read", key, error)).boxed())
    }

    /// Returns the size of a blob; none when it is not there.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub async fn size(&self, key: BlobKey) -> Result<Option<u64>, StoreError> {
        match self.store.head(&location(key)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed("look at", key, error)),
        }
    }

    /// Removes a blob. False when it was not there.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn delete(&self, key: BlobKey) -> Result<bool, StoreError> {
        match self.store.delete(&location(key)).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed("remove", key, error)),
        }
    }

    /// Returns every blob of a kind, in no order. Files of other names are passed over.
    #[must_use]
    pub fn list(&self, kind: BlobKind) -> BoxStream<'static, Result<BlobEntry, StoreError>> {
        let entries = self.store.list(Some(&object_store::path::Path::from(kind.folder())));
        let entries = entries.map_err(move |error| failed("list", kind.folder(), error));
        let entry = move |meta: object_store::ObjectMeta| {
            let key = meta.location.filename().and_then(|name| BlobKey::from_name(kind, name));
            let modified = Timestamp::from_ms(meta.last_modified.timestamp_millis());
            std::future::ready(Ok(key.map(|key| BlobEntry { key, size: meta.size, modified })))
        };
        entries.try_filter_map(entry).boxed()
    }

    /// Returns where a blob lies as a file; none where blobs are no files.
    #[must_use]
    pub fn local_path(&self, key: BlobKey) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.root().join(key.path()))
    }

    /// Removes what was left half stored before `before`, and returns how many files that were.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn sweep_half_stored(&self, before: Timestamp) -> Result<u64, StoreError> {
        let Some(folder) = self.folder.clone() else { return Ok(0) };
        blocking(move || folder.sweep(before)).await
    }
}

/// Checks a range against the size: it must begin within the bytes, and may end behind them.
fn bounded(range: Option<Range<u64>>, size: u64) -> Result<Range<u64>, StoreError> {
    match range {
        None => Ok(0..size),
        Some(range) if range.start < range.end && range.start < size => Ok(range.start..range.end.min(size)),
        Some(_) => Err(StoreError::BadRange { size }),
    }
}

fn location(key: BlobKey) -> object_store::path::Path {
    object_store::path::Path::from(key.path())
}

fn failed(action: &str, what: impl fmt::Display, error: object_store::Error) -> StoreError {
    match error {
        object_store::Error::NotFound { .. } => StoreError::BlobNotFound(what.to_string()),
        error => StoreError::blob(format!("{action} {what}"), error),
    }
}

/// Runs what waits for the disk outside the runtime.
async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(f).await.map_err(|error| StoreError::blob("wait for the disk", error))?
}

#[cfg(test)]
mod tests;
