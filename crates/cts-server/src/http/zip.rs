//! All artifacts of a run in one archive, made while it is sent: nothing is stored, and little is kept in memory.

use std::sync::Arc;

use async_zip::base::write::ZipFileWriter;
use async_zip::{Compression, ZipEntryBuilder};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use cts_api::Problem;
use cts_engine::EngineError;
use cts_model::{Artifact, RunId};
use cts_store::{BlobKey, Blobs};
use futures_util::io::AsyncWriteExt;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::Method;
use http::header::{self, HeaderValue};
use tokio_util::compat::TokioAsyncWriteCompatExt;
use tokio_util::io::ReaderStream;

use crate::extract::{NoQuery, Path};
use crate::http::download::disposition;
use crate::layers::compression::AsItIs;
use crate::problem::Refusal;
use crate::state::Shared;

/// How much of the archive waits for the client.
const PIPE_BYTES: usize = 256 * 1024;

/// Download all artifacts of a run as a zip archive
#[utoipa::path(
    get, path = "/v1/runs/{run_id}/artifacts.zip", tag = "Runs", operation_id = "zipArtifacts",
    params(("run_id" = String, Path, format = "uuid")),
    responses(
        (status = 200, description = "The archive", content_type = "application/zip"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such run"),
    ),
)]
pub(crate) async fn archive(
    State(shared): State<Arc<Shared>>,
    Path(run): Path<RunId>,
    _: NoQuery,
    method: Method,
) -> Result<Response, Refusal> {
    let artifacts = shared.engine.artifacts(run).await?;
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(AsItIs);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_DISPOSITION, disposition("attachment", &format!("{run}.zip")));
    if method != Method::HEAD {
        *response.body_mut() = body(shared.engine.blobs().clone(), artifacts);
    }
    Ok(response)
}

fn body(blobs: Blobs, artifacts: Vec<Artifact>) -> Body {
    let (near, far) = tokio::io::duplex(PIPE_BYTES);
    let writing = tokio::spawn(async move {
        let written = write(&blobs, &artifacts, near).await;
        if let Err(error) = &written {
            tracing::debug!("an archive was not finished: {error}");
        }
        written
    });
    // When writing fails the pipe ends too; the error behind it breaks the connection off, so that half an archive is
    // not taken for a whole one. A client that goes away closes the pipe, which ends the writer.
    let end = stream::once(async move {
        match writing.await {
            Ok(Ok(())) => Ok(bytes::Bytes::new()),
            Ok(Err(error)) => Err(std::io::Error::other(error)),
            Err(panicked) => Err(std::io::Error::other(panicked)),
        }
    });
    Body::from_stream(ReaderStream::with_capacity(far, PIPE_BYTES / 4).chain(end))
}

/// What stopped an archive.
#[derive(Debug, thiserror::Error)]
enum ZipError {
    #[error("cannot read an artifact")]
    Read(#[from] EngineError),
    #[error("cannot write the archive")]
    Write(#[from] async_zip::error::ZipError),
    #[error("cannot write the archive")]
    Pipe(#[from] std::io::Error),
}

async fn write(blobs: &Blobs, artifacts: &[Artifact], pipe: tokio::io::DuplexStream) -> Result<(), ZipError> {
    let mut archive = ZipFileWriter::new(pipe.compat_write());
    for artifact in artifacts {
        // Paths are relative and without `..` by their type, so that nothing unpacks beside its folder.
        let compression = if is_compressible(artifact) { Compression::Deflate } else { Compression::Stored };
        let entry = ZipEntryBuilder::new(artifact.path.as_str().into(), compression).unix_permissions(0o644);
        let mut entry = archive.write_entry_stream(entry).await?;
        let read = blobs.read(BlobKey::Artifact(artifact.id), None).await.map_err(EngineError::from)?;
        let mut read = read.map_err(EngineError::from);
        while let Some(piece) = read.try_next().await? {
            entry.write_all(&piece).await?;
        }
        entry.close().await?;
    }
    let mut pipe = archive.close().await?;
    pipe.close().await?;
    Ok(())
}

fn is_compressible(artifact: &Artifact) -> bool {
    let kind = artifact.media_type.as_str();
    kind.starts_with("text/") || kind.contains("json") || kind.contains("xml")
}
