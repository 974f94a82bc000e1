//! Sends a file in pieces: resumed where it ended, also by a later command, and checked by sha256.
//!
//! The idempotency key is made from the sum, so that sending the same file again within a day finds the earlier upload:
//! the rest of it is sent, or nothing when all is there.

use std::path::Path;

use bytes::Bytes;
use cts_api::upload::UploadStatus;
use cts_api::{CreateUpload, FinalizeUpload, Upload};
use cts_model::{Code, Sha256};
use http::Method;
use sha2::Digest as _;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::retry::Backoff;
use super::watch::may_pass;
use super::{Call, Client, IDEMPOTENCY_KEY, PATIENCE_FOR_FILES, UPLOAD_OFFSET, encode};
use crate::error::CliError;

/// Bytes of one request.
const PIECE_BYTES: usize = 8 << 20;
/// Piece in which the sum is made.
const READ_BYTES: usize = 1 << 20;
/// How often an upload is begun anew whose earlier one is gone.
const DECLARE_TRIES_MAX: u32 = 2;

/// How far an upload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// So many bytes were read to make the sum.
    Summed(u64),
    /// So many bytes are there.
    Sent(u64),
}

/// A file that is sent.
struct Source<'a> {
    path: &'a Path,
    name: String,
    size: u64,
    sum: String,
}

impl Client {
    /// Sends a file; `told` sees how far it is.
    pub(crate) async fn upload(&self, path: &Path, mut told: impl FnMut(Sending)) -> Result<Upload, CliError> {
        let name = path.file_name().and_then(|name| name.to_str()).filter(|name| cts_api::upload::is_file_name(name));
        let Some(name) = name.map(str::to_owned) else {
            return Err(CliError::usage(format!("{} has no name that can be sent: rename it", path.display())));
        };
        let (size, sum) = sum_of(path, &mut told).await?;
        let source = Source { path, name, size, sum };
        let mut tries = 0;
        loop {
            tries += 1;
            match self.upload_once(&source, tries, &mut told).await {
                // The one that the key finds was removed; another key makes a new one.
                Err(error) if tries < DECLARE_TRIES_MAX && is_gone(&error) => {}
                other => return other,
            }
        }
    }

    async fn upload_once(
        &self,
        source: &Source<'_>,
        tries: u32,
        told: &mut impl FnMut(Sending),
    ) -> Result<Upload, CliError> {
        let declared =
            CreateUpload { filename: source.name.clone(), size: source.size, sha256: Some(source.sum.clone()) };
        let mut call = Call::new(Method::POST, "/v1/uploads").json(&declared);
        if tries == 1 {
            call = call.header(IDEMPOTENCY_KEY, &key(source));
        }
        let mut upload: Upload = self.json(call).await?;
        if upload.status == UploadStatus::Pending {
            self.send_pieces(source, &upload, told).await?;
            let path = format!("/v1/uploads/{}/finalize", encode(&upload.upload_id));
            let body = FinalizeUpload { sha256: Some(source.sum.clone()) };
            upload = self.json(Call::new(Method::POST, &path).json(&body).patience(PATIENCE_FOR_FILES)).await?;
        }
        told(Sending::Sent(source.size));
        Ok(upload)
    }

    async fn send_pieces(
        &self,
        source: &Source<'_>,
        upload: &Upload,
        told: &mut impl FnMut(Sending),
    ) -> Result<(), CliError> {
        let mut file = tokio::fs::File::open(source.path).await.map_err(CliError::file("read", source.path))?;
        let url = format!("/v1/uploads/{}", encode(&upload.upload_id));
        let mut offset = upload.offset;
        let mut backoff = Backoff::new();
        told(Sending::Sent(offset));
        while offset < source.size {
            let piece = read_at(&mut file, offset).await.map_err(CliError::file("read", source.path))?;
            if piece.is_empty() {
                let sentence = format!("{} became shorter while it was sent", source.path.display());
                return Err(CliError::usage(sentence));
            }
            backoff.begins();
            let call = Call::new(Method::PUT, &url).bytes(piece).header(UPLOAD_OFFSET, &offset.to_string());
            let failure = match self.json::<Upload>(call.patience(PATIENCE_FOR_FILES)).await {
                Ok(upload) if upload.offset > offset => {
                    offset = upload.offset;
                    backoff.succeeded();
                    told(Sending::Sent(offset));
                    continue;
                }
                Ok(_) => self.lost(crate::transport::TransportError::broken("the service took no bytes")),
                Err(error) => error,
            };
            if !(may_pass(&failure) || is_elsewhere(&failure)) || !backoff.wait().await {
                return Err(failure);
            }
            // What arrived before it broke off is not sent again.
            if let Ok(state) = self.upload_state(&upload.upload_id).await {
                offset = state.offset.min(source.size);
                told(Sending::Sent(offset));
            }
        }
        Ok(())
    }
}

/// Two files with one sum and different names are two uploads.
fn key(source: &Source<'_>) -> String {
    let mut sum = sha2::Sha256::new();
    sum.update(source.name.as_bytes());
    let name = Sha256(sum.finalize().into()).to_string();
    format!("cts-upload-{}-{}", source.sum, &name[..16])
}

fn is_gone(error: &CliError) -> bool {
    error.is_not_found() || has_code(error, Code::IdempotencyKeyReused)
}

/// Returns whether the service is at another offset, or still busy with a connection that broke off.
fn is_elsewhere(error: &CliError) -> bool {
    has_code(error, Code::UploadOffsetMismatch)
}

fn has_code(error: &CliError, code: Code) -> bool {
    matches!(error, CliError::Problem(problem) if problem.error_code == code.as_str())
}

async fn read_at(file: &mut tokio::fs::File, offset: u64) -> std::io::Result<Bytes> {
    file.seek(std::io::SeekFrom::Start(offset)).await?;
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    file.take(PIECE_BYTES as u64).read_to_end(&mut piece).await?;
    Ok(piece.into())
}

async fn sum_of(path: &Path, told: &mut impl FnMut(Sending)) -> Result<(u64, String), CliError> {
    let failed = || CliError::file("read", path);
    let mut file = tokio::fs::File::open(path).await.map_err(failed())?;
    if !file.metadata().await.map_err(failed())?.is_file() {
        return Err(CliError::usage(format!("{} is not a file", path.display())));
    }
    file.set_max_buf_size(READ_BYTES);
    let (mut sum, mut size, mut buffer) = (sha2::Sha256::new(), 0, vec![0; READ_BYTES]);
    loop {
        let read = file.read(&mut buffer).await.map_err(failed())?;
        if read == 0 {
            break;
        }
        sum.update(&buffer[..read]);
        size += read as u64;
        told(Sending::Summed(size));
    }
    Ok((size, Sha256(sum.finalize().into()).to_string()))
}
