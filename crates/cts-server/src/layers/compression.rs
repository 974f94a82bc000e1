//! gzip and zstd for clients that accept them, and never where it would hold something back or break a promise: event
//! streams, and bytes of artifacts, whose length, sum and ranges are those of the file.

use axum::Router;
use http::{Extensions, HeaderMap, StatusCode, Version, header};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

/// Smallest body that is worth it, in bytes.
const SIZE_MIN: u64 = 860;

/// Marks an answer whose bytes go out as they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsItIs;

/// Returns whether a client accepts a compression that we have.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.map(str::to_ascii_lowercase).any(|value| ["gzip", "zstd", "*"].iter().any(|name| value.contains(name)))
}

/// Puts compression around a router.
pub(crate) fn around(router: Router) -> Router {
    router.layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(is_worth_it))
}

fn is_worth_it(_: StatusCode, _: Version, headers: &HeaderMap, extensions: &Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let compressible = kind.starts_with("text/") || kind.contains("json") || kind.contains("javascript");
    let is_stream = kind.starts_with("text/event-stream");
    compressible && !is_stream && length.is_none_or(|length| length >= SIZE_MIN) && extensions.get::<AsItIs>().is_none()
}
