//! Files that clients send: declared, sent in pieces that survive a cut connection, checked. Or all in one call.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use cts_api::{CreateUpload, FinalizeUpload, FromBody, Problem, Upload};
use cts_engine::{EngineError, NewUpload};
use cts_model::{Code, Ctx, FieldFault, Sha256, UploadId};
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use http::header::{self, HeaderName};
use serde_json::json as tree;
use sha2::Digest;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;

use crate::extract::{BaseUrl, Cx, Idempotency, Json, NoQuery, Path, is_json};
use crate::http::{created, json};
use crate::problem::Refusal;
use crate::state::Shared;

const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// Longest field of a form that is not the file, in bytes.
const FIELD_BYTES_MAX: usize = 1024;
/// Pieces in which a file of a form is read back.
const PIECE_BYTES: usize = 256 * 1024;
/// Longest silence within a file: a client that vanished must not keep its upload from being resumed.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const ROUTE: &str = "POST /v1/uploads";

/// Declare a file, or send it in one call
///
/// With JSON the answer says where to PUT the bytes. A `multipart/form-data` body with one field `file` does the whole
/// upload; a field `sha256` before it is checked.
#[utoipa::path(
    post, path = "/v1/uploads", tag = "Uploads", operation_id = "createUpload",
    request_body(content((CreateUpload = "application/json"), (UploadForm = "multipart/form-data"))),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable for 24 hours")),
    responses(
        (status = 201, body = Upload, description = "Where to send the bytes, or the finished upload", headers(
            ("Location" = String, description = "Address of the upload"),
            ("Idempotency-Replayed" = Option<String>, description = "true when the key was seen before"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Fields are wrong"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The key was used for another file"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "The file is too large"),
        (status = 415, body = Problem, content_type = "application/problem+json", description = "Neither JSON nor a form"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "The sum of the bytes differs"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "The service is stopping, or the disk is low"),
    ),
)]
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    Cx(cx): Cx,
    BaseUrl(base): BaseUrl,
    _: NoQuery,
    key: Idempotency,
    request: Request,
) -> Result<Response, Refusal> {
    let is_form = is_json(request.headers()) == Some(false) && is_form(request.headers());
    if is_form {
        return create_from_form(&shared, &cx, &base, key, request).await;
    }
    let Json { value: declared, .. } = Json::<CreateUpload>::from_request(request, &shared).await?;
    let new = declare(key, declared)?;
    let (upload, replayed) = shared.engine.uploads().create(&cx, new).await?;
    let offset = shared.engine.uploads().offset(upload.id).await?;
    let upload = Upload::of(&upload, offset, &base);
    Ok(created(&upload, &upload.upload_url, replayed))
}

/// A form with a file.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct UploadForm {
    /// The sum of the bytes in hex.
    #[schema(pattern = "^[0-9a-fA-F]{64}$", nullable = false)]
    sha256: Option<String>,
    /// The file.
    #[schema(value_type = String, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

fn is_form(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    declared.to_ascii_lowercase().starts_with("multipart/form-data")
}

/// Returns what the engine is told. A repeated request is compared by the declared sum; without one by name and size.
fn declare(key: Idempotency, declared: CreateUpload) -> Result<NewUpload, Refusal> {
    let CreateUpload { filename, size, sha256 } = declared;
    let idempotency = match &sha256 {
        Some(sum) => key.over(ROUTE, &[sum.as_bytes()]),
        None => key.over(ROUTE, &[filename.as_bytes(), size.to_string().as_bytes()]),
    };
    let sha256 = sha256.map(|sum| sum.parse::<Sha256>()).transpose();
    let sha256 = sha256.map_err(|error| Refusal::new(Code::InvalidRequest, error.to_string()))?;
    Ok(NewUpload { filename, size, sha256, idempotency })
}

/// Takes a whole file from a form: its size is known only at its end, so it is put aside first.
async fn create_from_form(
    shared: &Arc<Shared>,
    cx: &Ctx,
    base: &str,
    key: Idempotency,
    request: Request,
) -> Result<Response, Refusal> {
    let mut form = Multipart::from_request(request.map(unless_silent), shared)
        .await
        .map_err(|error| Refusal::new(Code::InvalidBody, format!("the form cannot be read: {error}")))?;
    let mut sha256: Option<String> = None;
    let mut file: Option<(String, u64, tokio::fs::File)> = None;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("sha256") => sha256 = Some(short(field).await?),
            Some("file") if file.is_none() => {
                let name = field.file_name().map(str::to_owned);
                let name = name.ok_or_else(|| fault("/file", "missing", "the file of the form has no filename"))?;
                let (size, spool) = put_aside(shared, field).await?;
                file = Some((name, size, spool));
            }
            Some("file") => return Err(fault("/file", "repeated", "a form holds one file")),
            other => {
                let name = other.unwrap_or("").to_owned();
                let unknown = FieldFault::unknown(format!("/{name}"), &name, ["file", "sha256"]);
                return Err(Refusal::fields(Code::InvalidRequest, vec![unknown]));
            }
        }
    }
    let Some((name, size, spool)) = file else {
        return Err(fault("/file", "missing", "a form holds one field file"));
    };
    // A key stands for these bytes, so that what was not declared is found out.
    let (sha256, spool) = match sha256 {
        None if key.is_given() => sum_of(shared, spool).await.map(|(sum, spool)| (Some(sum), spool))?,
        declared => (declared, spool),
    };
    // Browsers of old send a whole path; its last part is the name.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let body = match &sha256 {
        Some(sum) => tree!({"filename": name, "size": size, "sha256": sum}),
        None => tree!({"filename": name, "size": size}),
    };
    let declared = CreateUpload::from_body(&body).map_err(|faults| Refusal::fields(Code::InvalidRequest, faults))?;
    let uploads = shared.engine.uploads();
    // One request, one entry of the audit log: with the end, which also tells whether the sum is right.
    let begin = Ctx { change: None, ..cx.clone() };
    let (mut upload, replayed) = uploads.create(&begin, declare(key, declared)?).await?;
    if upload.state == cts_model::UploadState::Pending {
        let pieces = ReaderStream::with_capacity(spool, PIECE_BYTES);
        uploads.append(upload.id, None, pieces).await?;
        upload = uploads.finalize(cx, upload.id, None).await?;
    }
    let upload = Upload::of(&upload, upload.size, base);
    Ok(created(&upload, &upload.upload_url, replayed))
}

/// Passes a body on, and ends it with an error when nothing comes for too long.
fn unless_silent(body: Body) -> Body {
    let pieces = stream::unfold(Some(body.into_data_stream()), |pieces| async {
        let mut pieces = pieces?;
        match tokio::time::timeout(SILENCE_MAX, pieces.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Ok(None) => None,
            Err(_) => {
                let message = format!("nothing came for {} s", SILENCE_MAX.as_secs());
                Some((Err(io::Error::new(io::ErrorKind::TimedOut, message)), None))
            }
        }
    });
    Body::from_stream(pieces)
}

/// Returns the sum of a file in hex, and the file at its beginning.
async fn sum_of(shared: &Arc<Shared>, file: tokio::fs::File) -> Result<(String, tokio::fs::File), Refusal> {
    let mut file = file.into_std().await;
    let summed = tokio::task::spawn_blocking(move || {
        let mut sum = sha2::Sha256::new();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match io::Read::read(&mut file, &mut piece)? {
                0 => break,
                read => sum.update(&piece[..read]),
            }
        }
        io::Seek::rewind(&mut file)?;
        Ok((Sha256(sum.finalize().into()).to_string(), file))
    });
    let summed = summed.await.map_err(|error| EngineError::Panicked(error.to_string()))?;
    let path = shared.engine.options().temp_dir.clone();
    let (sum, file) = summed.map_err(|source| EngineError::File { doing: "read a form's file in", path, source })?;
    Ok((sum, tokio::fs::File::from_std(file)))
}

fn fault(pointer: &str, code: &str, message: &str) -> Refusal {
    Refusal::fields(Code::InvalidRequest, vec![FieldFault::new(pointer, code, message)])
}

fn broken(error: axum::extract::multipart::MultipartError) -> Refusal {
    Refusal::new(Code::InvalidBody, format!("the form broke off: {error}"))
}

/// Returns a field that is a short text.
async fn short(mut field: Field<'_>) -> Result<String, Refusal> {
    let mut text = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        text.extend_from_slice(&piece);
        if text.len() > FIELD_BYTES_MAX {
            return Err(fault("/sha256", "length", "sha256 has 64 hexadecimal digits"));
        }
    }
    String::from_utf8(text).map_err(|_| fault("/sha256", "pattern", "sha256 has 64 hexadecimal digits"))
}

/// Writes a file of a form into a file without a name, which is gone when nobody holds it.
async fn put_aside(shared: &Arc<Shared>, mut field: Field<'_>) -> Result<(u64, tokio::fs::File), Refusal> {
    let options = shared.engine.options();
    let folder = options.temp_dir.clone();
    let failed = {
        let folder = folder.clone();
        move |source| Refusal::from(EngineError::File { doing: "write a form's file in", path: folder.clone(), source })
    };
    let open = move || {
        std::fs::create_dir_all(&folder)?;
        rustix::fs::open(
            &folder,
            rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        )
        .map(std::fs::File::from)
        .map_err(io::Error::from)
    };
    let opened = tokio::task::spawn_blocking(open).await.map_err(|error| EngineError::Panicked(error.to_string()))?;
    let mut file = tokio::fs::File::from_std(opened.map_err(&failed)?);
    let mut size = 0_u64;
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        size += piece.len() as u64;
        if size > options.upload_bytes_max {
            return Err(EngineError::UploadTooLarge { limit: options.upload_bytes_max }.into());
        }
        file.write_all(&piece).await.map_err(&failed)?;
    }
    file.flush().await.map_err(&failed)?;
    file.rewind().await.map_err(&failed)?;
    Ok((size, file))
}

/// Look at an upload; HEAD tells the offset in `Upload-Offset`
#[utoipa::path(
    get, path = "/v1/uploads/{upload_id}", tag = "Uploads", operation_id = "getUpload",
    params(("upload_id" = String, Path, format = "uuid")),
    responses(
        (status = 200, body = Upload, description = "What is known about it", headers(
            ("Upload-Offset" = u64, description = "Bytes that are here"),
            ("Upload-Length" = u64, description = "Bytes that were declared"))),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such upload"),
    ),
)]
pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    BaseUrl(base): BaseUrl,
    Path(id): Path<UploadId>,
    _: NoQuery,
) -> Result<Response, Refusal> {
    let upload = shared.engine.uploads().get(id).await?;
    let offset = shared.engine.uploads().offset(id).await?;
    Ok(with_offset(json(&Upload::of(&upload, offset, &base)), offset, upload.size))
}

fn with_offset(mut response: Response, offset: u64, size: u64) -> Response {
    response.headers_mut().insert(UPLOAD_OFFSET, offset.into());
    response.headers_mut().insert(UPLOAD_LENGTH, size.into());
    response
}

/// Send bytes of a file
///
/// Without `Upload-Offset` it begins anew; with it, it goes on where the last one ended.
#[utoipa::path(
    put, path = "/v1/uploads/{upload_id}", tag = "Uploads", operation_id = "sendUpload",
    request_body(content = String, content_type = "application/octet-stream"),
    params(("upload_id" = String, Path, format = "uuid"),
        ("Upload-Offset" = Option<u64>, Header, description = "Where these bytes begin: what HEAD tells")),
    responses(
        (status = 200, body = Upload, description = "What is here now", headers(
            ("Upload-Offset" = u64, description = "Bytes that are here"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "The offset is not a number, or the body broke off"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such upload"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The offset is not the end of what is here, or somebody else sends at this moment"),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "More bytes than were declared"),
    ),
)]
pub(crate) async fn put(
    State(shared): State<Arc<Shared>>,
    BaseUrl(base): BaseUrl,
    Path(id): Path<UploadId>,
    _: NoQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let offset = match headers.get(&UPLOAD_OFFSET) {
        None => None,
        Some(value) => {
            let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let number = digits.and_then(|text| text.parse::<u64>().ok());
            Some(number.ok_or_else(|| fault("Upload-Offset", "type", "Upload-Offset is a whole number"))?)
        }
    };
    let uploads = shared.engine.uploads();
    let offset = match uploads.append(id, offset, unless_silent(body).into_data_stream()).await {
        Ok(offset) => offset,
        Err(error @ EngineError::UploadOffset { present, .. }) => {
            return Err(Refusal::from(error).with_header(UPLOAD_OFFSET, present.into()));
        }
        Err(error) => return Err(error.into()),
    };
    let upload = uploads.get(id).await?;
    Ok(with_offset(json(&Upload::of(&upload, offset, &base)), offset, upload.size))
}

/// Check a file and make it ready to be an input
#[utoipa::path(
    post, path = "/v1/uploads/{upload_id}/finalize", tag = "Uploads", operation_id = "finalizeUpload",
    request_body = Option<FinalizeUpload>,
    params(("upload_id" = String, Path, format = "uuid")),
    responses(
        (status = 200, body = Upload, description = "The upload is ready"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Fields are wrong"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such upload"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "Bytes are missing"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "The sum differs; nothing is kept"),
    ),
)]
pub(crate) async fn finalize(
    State(shared): State<Arc<Shared>>,
    Cx(cx): Cx,
    BaseUrl(base): BaseUrl,
    Path(id): Path<UploadId>,
    _: NoQuery,
    Json { value: finalize, .. }: Json<FinalizeUpload>,
) -> Result<Response, Refusal> {
    let sha256 = finalize.sha256.and_then(|sum| sum.parse::<Sha256>().ok());
    let upload = shared.engine.uploads().finalize(&cx, id, sha256).await?;
    Ok(json(&Upload::of(&upload, upload.size, &base)))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_falls_silent_is_given_up() {
        let slow = stream::iter(["a", "b"]).then(|piece| async move {
            tokio::time::sleep(SILENCE_MAX / 2).await;
            Ok::<_, io::Error>(piece)
        });
        assert_eq!(unless_silent(Body::from_stream(slow)).collect().await.unwrap().to_bytes(), "ab");
        let silent = stream::iter([Ok::<_, io::Error>("a")]).chain(stream::pending());
        let mut body = unless_silent(Body::from_stream(silent));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none());
    }
}
