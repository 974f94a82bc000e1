//! The bytes of an artifact: whole or a range, never changed on the way, never able to act in the user's name.
//!
//! The `ETag` is the sha256 of the bytes, so a range that continues an earlier download always fits it.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use cts_api::Problem;
use cts_model::{Artifact, ArtifactId, Code};
use cts_store::BlobKey;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};

use crate::extract::{NoQuery, Path};
use crate::layers::compression::AsItIs;
use crate::problem::Refusal;
use crate::state::Shared;

/// For documents that could run something: an origin of its own, nothing loaded, nothing sent.
const SANDBOX: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; \
    style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data: blob:; frame-ancestors 'self'";

/// Download an artifact
///
/// `Range`, `If-Range` and `If-None-Match` work as in RFC 9110.
#[utoipa::path(
    get, path = "/v1/artifacts/{artifact_id}/download", tag = "Artifacts", operation_id = "downloadArtifact",
    params(("artifact_id" = String, Path, format = "uuid"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the client has")),
    responses(
        (status = 200, description = "The bytes", content_type = "*/*"),
        (status = 206, description = "A range of the bytes", content_type = "*/*"),
        (status = 304, description = "The client has it"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such artifact"),
        (status = 416, body = Problem, content_type = "application/problem+json", description = "The range lies outside"),
    ),
)]
pub(crate) async fn download(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<ArtifactId>,
    _: NoQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let artifact = shared.engine.artifact(id).await?;
    let mut response = bytes(&shared, &artifact, &method, &headers).await?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition("attachment", artifact.path.file_name()));
    Ok(response)
}

/// Show an artifact in a browser
#[utoipa::path(
    get, path = "/v1/artifacts/{artifact_id}/content", tag = "Artifacts", operation_id = "artifactContent",
    params(("artifact_id" = String, Path, format = "uuid"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the client has")),
    responses(
        (status = 200, description = "The bytes", content_type = "*/*"),
        (status = 206, description = "A range of the bytes", content_type = "*/*"),
        (status = 304, description = "The client has it"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such artifact"),
        (status = 416, body = Problem, content_type = "application/problem+json", description = "The range lies outside"),
    ),
)]
pub(crate) async fn content(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<ArtifactId>,
    _: NoQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let artifact = shared.engine.artifact(id).await?;
    let mut response = bytes(&shared, &artifact, &method, &headers).await?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition("inline", artifact.path.file_name()));
    Ok(response)
}

async fn bytes(
    shared: &Arc<Shared>,
    artifact: &Artifact,
    method: &Method,
    asked: &HeaderMap,
) -> Result<Response, Refusal> {
    let etag = format!("\"{}\"", artifact.sha256);
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(AsItIs);
    let headers = response.headers_mut();
    headers.insert(header::ETAG, value(&etag));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if list_holds(asked, &header::IF_NONE_MATCH, &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let media_type = artifact.media_type.as_str();
    headers.insert(header::CONTENT_TYPE, value(&with_charset(media_type)));
    if can_act(media_type) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    }
    let range = wanted(asked, artifact.size, &etag);
    let (status, part) = match range {
        Wanted::All => (StatusCode::OK, None),
        Wanted::Part(range) => {
            let shown = format!("bytes {}-{}/{}", range.start, range.end - 1, artifact.size);
            headers.insert(header::CONTENT_RANGE, value(&shown));
            (StatusCode::PARTIAL_CONTENT, Some(range))
        }
        Wanted::Nothing => {
            let message = format!("the artifact has {} bytes", artifact.size);
            let refusal = Refusal::new(Code::RangeNotSatisfiable, message).of_run(artifact.run_id);
            return Err(refusal.with_header(header::CONTENT_RANGE, value(&format!("bytes */{}", artifact.size))));
        }
    };
    let length = part.as_ref().map_or(artifact.size, |range| range.end - range.start);
    headers.insert(header::CONTENT_LENGTH, length.into());
    *response.status_mut() = status;
    if *method != Method::HEAD {
        let blob = shared.engine.blobs().read(BlobKey::Artifact(artifact.id), part).await;
        let blob = blob.map_err(cts_engine::EngineError::from)?;
        *response.body_mut() = Body::from_stream(blob);
    }
    Ok(response)
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

/// Returns a media type with the character set of texts.
fn with_charset(media_type: &str) -> String {
    let is_text = media_type.starts_with("text/") && !media_type.contains("charset");
    if is_text { format!("{media_type}; charset=utf-8") } else { media_type.to_owned() }
}

/// Returns whether a browser could run something in a document of this type.
pub(crate) fn can_act(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence.contains("html") || essence.contains("xml") || essence.contains("svg") || essence == "application/pdf"
}

/// Returns whether a header with entity tags holds this one, or `*`; weak and strong alike.
fn list_holds(headers: &HeaderMap, name: &HeaderName, etag: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    Nothing,
}

/// Returns which bytes are asked for. What is not one range of bytes is passed over, as RFC 9110 allows.
fn wanted(headers: &HeaderMap, size: u64, etag: &str) -> Wanted {
    let Some(text) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else { return Wanted::All };
    if headers.get(header::IF_RANGE).is_some_and(|value| value.as_bytes() != etag.as_bytes()) {
        return Wanted::All;
    }
    let ranges = text.split_once('=').filter(|(unit, _)| unit.eq_ignore_ascii_case("bytes"));
    let Some((first, last)) = ranges.and_then(|(_, ranges)| ranges.trim().split_once('-')) else {
        return Wanted::All;
    };
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large for us is beyond every artifact.
        true => Some(text.parse::<u64>().unwrap_or(u64::MAX)),
        false => None,
    };
    let range = match (first, last) {
        ("", "") => return Wanted::All,
        ("", length) => match number(length) {
            Some(length) => size.saturating_sub(length)..size,
            None => return Wanted::All,
        },
        (first, "") => match number(first) {
            Some(first) => first..size,
            None => return Wanted::All,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..size.min(last.saturating_add(1)),
            _ => return Wanted::All,
        },
    };
    if range.is_empty() { Wanted::Nothing } else { Wanted::Part(range) }
}

/// Returns a `Content-Disposition` whose file name no client can misread.
pub(crate) fn disposition(kind: &str, filename: &str) -> HeaderValue {
    let plain: String = filename.chars().map(|c| if is_plain(c) || c == ' ' { c } else { '_' }).collect();
    let mut text = format!("{kind}; filename=\"{plain}\"");
    if plain != filename {
        text.push_str("; filename*=UTF-8''");
        for byte in filename.bytes() {
            match char::from(byte) {
                c if is_plain(c) => text.push(c),
                _ => drop(write!(text, "%{byte:02X}")),
            }
        }
    }
    value(&text)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &'static str, if_range: Option<&'static str>) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static(text));
        if let Some(if_range) = if_range {
            headers.insert(header::IF_RANGE, HeaderValue::from_static(if_range));
        }
        wanted(&headers, 10, "\"abc\"")
    }

    #[test]
    fn one_range_of_bytes_is_cut_to_what_there_is() {
        let table = [
            ("bytes=0-3", Wanted::Part(0..4)),
            ("bytes=4-", Wanted::Part(4..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("Bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=8-99999999999999999999999", Wanted::Part(8..10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=3-1", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes=-", Wanted::All),
        ];
        for (text, expected) in table {
            assert_eq!(range(text, None), expected, "{text}");
        }
        assert_eq!(range("bytes=0-3", Some("\"abc\"")), Wanted::Part(0..4));
        assert_eq!(range("bytes=0-3", Some("\"other\"")), Wanted::All);
        assert_eq!(range("bytes=0-3", Some("W/\"abc\"")), Wanted::All);
    }

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        let shown = |name: &str| disposition("attachment", name).to_str().unwrap().to_owned();
        assert_eq!(shown("a b.csv"), "attachment; filename=\"a b.csv\"");
        assert_eq!(shown("a\"; x=\"b"), "attachment; filename=\"a__ x__b\"; filename*=UTF-8''a%22%3B%20x%3D%22b");
        assert_eq!(shown("ä.csv"), "attachment; filename=\"_.csv\"; filename*=UTF-8''%C3%A4.csv");
    }

    #[test]
    fn documents_that_can_run_something_are_known() {
        for active in ["text/html", "TEXT/HTML; charset=x", "image/svg+xml", "application/xhtml+xml", "text/xml"] {
            assert!(can_act(active), "{active}");
        }
        assert!(!can_act("text/csv") && !can_act("application/json") && !can_act("image/png"));
    }
}
