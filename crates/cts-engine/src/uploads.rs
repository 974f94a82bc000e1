//! Files that clients send in pieces, to be the inputs of runs.
//!
//! The bytes grow in one file; its length is the offset, so a cut connection loses nothing that has arrived. One
//! request writes at a time. Finalizing checks size and sum, moves the bytes to the blobs and makes the upload ready;
//! where the sum differs nothing is kept.

mod part;

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cts_model::{Ctx, RelPath, Sha256, Timestamp, Upload, UploadId, UploadState};
use cts_store::{BlobKey, IdempotencyRow, PutHow};
use futures_util::{Stream, StreamExt};

use crate::Inner;
use crate::attempt::collect::hash_file;
use crate::error::EngineError;
use crate::submit::{IDEMPOTENCY_KEPT, IdempotencyKey};
use crate::uploads::part::Part;

/// An upload that is not finalized is removed after this long.
const PENDING_KEPT: Duration = Duration::from_hours(24);
/// An upload that can be an input is removed after this long.
const READY_KEPT: Duration = Duration::from_hours(24 * 7);
/// Bytes are written in pieces of about this size.
const WRITE_BUFFER_BYTES: usize = 256 * 1024;
/// Most expired uploads that one pass removes.
const EXPIRED_MAX: u32 = 1000;

/// A file that a client announces.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// The client's name for it; its last part is kept.
    pub filename: String,
    /// Its size.
    pub size: u64,
    /// Its sum.
    pub sha256: Option<Sha256>,
    /// Makes the request repeatable.
    pub idempotency: Option<IdempotencyKey>,
}

/// The uploads of one engine.
#[derive(Debug, Clone)]
pub struct Uploads {
    inner: Arc<Inner>,
}

/// Which uploads are being written at this moment.
#[derive(Debug, Default)]
pub(crate) struct Writing(Mutex<HashSet<UploadId>>);

/// The right to write one upload.
#[derive(Debug)]
struct WriteGuard {
    inner: Arc<Inner>,
    id: UploadId,
}

/// What became of an announcement.
enum Created {
    New,
    Seen(Upload),
    Reused,
}

/// The bytes that have arrived.
struct Arrived {
    size: u64,
    /// Where they are when they are the blob already: a death came before its row could say so.
    blob: Option<PathBuf>,
}

impl Drop for WriteGuard {
    fn drop(&mut self) {
        self.inner.writing.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Uploads {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    fn part(&self, id: UploadId) -> PathBuf {
        self.inner.options.data_dir.join("uploads").join(format!("{id}.part"))
    }

    fn begin_write(&self, id: UploadId) -> Result<Arc<WriteGuard>, EngineError> {
        let mut writing = self.inner.writing.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !writing.insert(id) {
            return Err(EngineError::UploadBusy(id));
        }
        Ok(Arc::new(WriteGuard { inner: Arc::clone(&self.inner), id }))
    }

    /// Announces a file; the flag says whether the key was seen before.
    ///
    /// # Errors
    /// A size above the limit, a name that is none, a key that was used for another sum, a low disk.
    pub async fn create(&self, cx: &Ctx, new: NewUpload) -> Result<(Upload, bool), EngineError> {
        let limit = self.inner.options.upload_bytes_max;
        if new.size > limit {
            return Err(EngineError::UploadTooLarge { limit });
        }
        let free = self.inner.disk_free();
        let needed = self.inner.options.disk_free_bytes_min.saturating_add(new.size);
        if free < needed {
            return Err(EngineError::DiskLow { free, needed });
        }
        if self.inner.is_draining() {
            return Err(EngineError::Draining);
        }
        let filename = file_name(&new.filename)?;
        let now = self.inner.clock.now();
        let upload = Upload {
            id: UploadId::new(&self.inner.ids),
            filename,
            size: new.size,
            sha256: new.sha256,
            state: UploadState::Pending,
            created_at: now,
            expires_at: now.plus(PENDING_KEPT),
        };
        let (row, asked, actor, key) = (upload.clone(), cx.clone(), cx.actor.key(), new.idempotency);
        let created = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    if let Some(key) = key {
                        if let Some(seen) = tx.key(&key.key, key.route, &actor).await? {
                            let is_young = now.since(seen.at) < IDEMPOTENCY_KEPT;
                            if is_young && seen.body_sha256 != key.body_sha256 {
                                return Ok(Created::Reused);
                            }
                            let made = match seen.resource_id.parse() {
                                Ok(made) if is_young => tx.upload(made).await?,
                                _ => None,
                            };
                            if let Some(made) = made.filter(|made| made.expires_at > now) {
                                return Ok(Created::Seen(made));
                            }
                            // What was made with it is gone, so the key is free again.
                            tx.forget_key(&key.key, key.route, &actor).await?;
                        }
                        let remembered = IdempotencyRow {
                            key: key.key,
                            route: key.route.to_owned(),
                            actor,
                            body_sha256: key.body_sha256,
                            resource_id: row.id.to_string(),
                            at: now,
                        };
                        tx.remember_key(&remembered).await?;
                    }
                    tx.insert_upload(&row).await?;
                    tx.record_change(&asked, now, &[("upload_id", row.id.to_string())]).await?;
                    Ok(Created::New)
                })
            })
            .await?;
        match created {
            Created::New => Ok((upload, false)),
            Created::Seen(upload) => Ok((upload, true)),
            Created::Reused => Err(EngineError::IdempotencyKeyReused),
        }
    }

    /// Returns an upload.
    ///
    /// # Errors
    /// [`EngineError::UploadNotFound`] also when it has expired.
    pub async fn get(&self, id: UploadId) -> Result<Upload, EngineError> {
        let upload = self.inner.db.upload(id).await?;
        let now = self.inner.clock.now();
        upload.filter(|upload| upload.expires_at > now).ok_or(EngineError::UploadNotFound(id))
    }

    /// Returns how many bytes have arrived.
    ///
    /// # Errors
    /// As [`Uploads::get`].
    pub async fn offset(&self, id: UploadId) -> Result<u64, EngineError> {
        let upload = self.get(id).await?;
        if upload.state == UploadState::Ready {
            return Ok(upload.size);
        }
        Ok(self.arrived(&upload).await?.size)
    }

    /// Returns what has arrived of an upload that is not ready.
    async fn arrived(&self, upload: &Upload) -> Result<Arrived, EngineError> {
        let part = self.part(upload.id);
        match tokio::fs::metadata(&part).await {
            Ok(meta) => return Ok(Arrived { size: meta.len(), blob: None }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(EngineError::file("read", part)(error)),
        }
        let key = BlobKey::Upload(upload.id);
        let stored = self.inner.blobs.size(key).await?.filter(|size| *size == upload.size);
        let blob = stored.and_then(|_| self.inner.blobs.local_path(key));
        Ok(Arrived { size: if blob.is_some() { upload.size } else { 0 }, blob })
    }

    /// Appends bytes; without an offset it begins anew. Returns the new offset.
    ///
    /// # Errors
    /// An offset that is not the present one, more bytes than were announced, another writer, a body that breaks off
    /// (what has arrived is kept).
    pub async fn append<E: std::fmt::Display>(
        &self,
        id: UploadId,
        offset: Option<u64>,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
    ) -> Result<u64, EngineError> {
        let guard = self.begin_write(id)?;
        let upload = self.get(id).await?;
        if upload.state == UploadState::Ready {
            return Err(EngineError::UploadOffset { present: upload.size, given: offset.unwrap_or(0) });
        }
        let present = if offset.is_none() { 0 } else { self.arrived(&upload).await?.size };
        if let Some(given) = offset.filter(|given| *given != present) {
            return Err(EngineError::UploadOffset { present, given });
        }
        let mut part = Part::new(self.part(id), offset.is_none(), guard);
        if offset.is_none() {
            part = part.write(Vec::new()).await?;
        }
        let (mut at, mut buffer) = (present, Vec::new());
        let result = loop {
            let Some(piece) = body.next().await else { break Ok(()) };
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => break Err(EngineError::BodyBroken(error.to_string())),
            };
            if at + piece.len() as u64 > upload.size {
                break Err(EngineError::UploadTooLarge { limit: upload.size });
            }
            buffer.extend_from_slice(&piece);
            at += piece.len() as u64;
            if buffer.len() >= WRITE_BUFFER_BYTES {
                part = part.write(std::mem::take(&mut buffer)).await?;
            }
        };
        // What has arrived is kept, whatever broke off.
        if !buffer.is_empty() {
            part.write(buffer).await?;
        }
        result.map(|()| at)
    }

    /// Checks size and sum and makes the upload ready; once more is no error.
    ///
    /// # Errors
    /// Missing bytes; a sum that differs, and then nothing is kept.
    pub async fn finalize(&self, cx: &Ctx, id: UploadId, sha256: Option<Sha256>) -> Result<Upload, EngineError> {
        // A task of its own: a request that goes away does not leave it half done.
        let (uploads, cx) = (self.clone(), cx.clone());
        let finalized = tokio::spawn(async move { uploads.finalize_now(cx, id, sha256).await });
        finalized.await.map_err(|error| EngineError::Panicked(error.to_string()))?
    }

    async fn finalize_now(&self, cx: Ctx, id: UploadId, sha256: Option<Sha256>) -> Result<Upload, EngineError> {
        let guard = self.begin_write(id)?;
        let mut upload = self.get(id).await?;
        if upload.state == UploadState::Ready {
            return match (sha256, upload.sha256) {
                (Some(given), Some(found)) if given != found => Err(mismatch(given, found)),
                _ => Ok(upload),
            };
        }
        let arrived = self.arrived(&upload).await?;
        if arrived.size != upload.size {
            return Err(EngineError::UploadIncomplete { present: arrived.size, size: upload.size });
        }
        let is_stored = arrived.blob.is_some();
        let path = arrived.blob.unwrap_or_else(|| self.part(id));
        if upload.size == 0 && !is_stored {
            // An empty file was never opened by an append.
            Part::new(path.clone(), false, Arc::clone(&guard)).write(Vec::new()).await?;
        }
        let hashed = path.clone();
        let (_, found) = tokio::task::spawn_blocking(move || hash_file(&hashed))
            .await
            .map_err(|error| EngineError::Panicked(error.to_string()))?
            .map_err(EngineError::file("read", path.clone()))?;
        if let Some(declared) = [sha256, upload.sha256].into_iter().flatten().find(|declared| *declared != found) {
            self.remove(id).await?;
            return Err(mismatch(declared, found));
        }
        if !is_stored {
            self.inner.blobs.put_file(BlobKey::Upload(id), &path, PutHow::Move).await?;
        }
        let now = self.inner.clock.now();
        let expires_at = now.plus(READY_KEPT);
        let ready = self
            .inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let ready = tx.set_upload_ready(id, found, expires_at).await?;
                    if ready {
                        tx.record_change(&cx, now, &[("upload_id", id.to_string())]).await?;
                    }
                    Ok(ready)
                })
            })
            .await?;
        if !ready {
            // Its row has gone meanwhile.
            self.inner.blobs.delete(BlobKey::Upload(id)).await?;
            return Err(EngineError::UploadNotFound(id));
        }
        self.inner.metrics.kept_upload(upload.size);
        upload.sha256 = Some(found);
        upload.state = UploadState::Ready;
        upload.expires_at = expires_at;
        Ok(upload)
    }

    /// Removes an upload with its bytes.
    async fn remove(&self, id: UploadId) -> Result<(), EngineError> {
        self.inner.db.write(move |tx| Box::pin(async move { tx.delete_upload(id).await })).await?;
        match tokio::fs::remove_file(self.part(id)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(EngineError::file("remove", self.part(id))(error));
            }
            _ => {}
        }
        self.inner.blobs.delete(BlobKey::Upload(id)).await?;
        Ok(())
    }

    /// Removes the uploads that have expired.
    pub(crate) async fn remove_expired(&self, now: Timestamp) -> Result<u64, EngineError> {
        let mut removed = 0;
        for upload in self.inner.db.expired_uploads(now, EXPIRED_MAX).await? {
            // One that is being written is left to the next pass.
            let Ok(_guard) = self.begin_write(upload) else { continue };
            self.remove(upload).await?;
            removed += 1;
        }
        Ok(removed)
    }
}

fn mismatch(declared: Sha256, found: Sha256) -> EngineError {
    EngineError::ChecksumMismatch { declared: declared.to_string(), found: found.to_string() }
}

/// Returns the last part of a client's name for a file.
fn file_name(name: &str) -> Result<String, EngineError> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    match last.parse::<RelPath>() {
        Ok(path) if last.len() <= 255 => Ok(path.as_str().to_owned()),
        _ => {
            let message = "filename is no name of a file: 1 to 255 bytes without control characters";
            Err(EngineError::InvalidRequest(vec![cts_model::FieldFault::new("/filename", "pattern", message)]))
        }
    }
}
