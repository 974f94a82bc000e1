//! Bodies in JSON: bounded, of the declared media type, with every fault at once.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use cts_api::FromBody;
use cts_model::{Code, FieldFault};
use http::{HeaderMap, header};
use serde_json::Value;

use crate::extract::tree::Tree;
use crate::layers::body_limit;
use crate::problem::Refusal;
use crate::state::Shared;

/// A body in JSON, read but not looked into. An empty body, and null, are an object without fields.
#[derive(Debug)]
pub(crate) struct RawJson {
    /// The tree.
    pub(crate) value: Value,
    /// The same without spaces, its names in order: what a repeated request is compared by.
    pub(crate) canonical: Bytes,
}

impl FromRequest<Arc<Shared>> for RawJson {
    type Rejection = Refusal;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let is_json = is_json(request.headers());
        let bytes = body_limit::read(request.into_body(), shared.http.body_bytes_max).await?;
        if bytes.is_empty() {
            return Ok(Self { value: Value::Object(serde_json::Map::new()), canonical: bytes });
        }
        if is_json == Some(false) {
            return Err(Refusal::new(Code::UnsupportedMediaType, "the body is not declared as application/json"));
        }
        let Tree(value) = serde_json::from_slice(&bytes)
            .map_err(|error| Refusal::new(Code::InvalidBody, format!("the body is not JSON: {error}")))?;
        // Clients that have nothing to say send null as well.
        let value = if value.is_null() { Value::Object(serde_json::Map::new()) } else { value };
        let mut sorted = value.clone();
        sorted.sort_all_objects();
        let canonical = serde_json::to_vec(&sorted).map_or(bytes, Bytes::from);
        Ok(Self { value, canonical })
    }
}

/// Returns whether a body is declared as JSON; none when nothing is declared.
pub(crate) fn is_json(headers: &HeaderMap) -> Option<bool> {
    let declared = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or("").to_ascii_lowercase();
    let essence = declared.split(';').next().unwrap_or("").trim();
    Some(essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")))
}

impl RawJson {
    /// Reads the fields of the body.
    pub(crate) fn read<T: FromBody>(&self) -> Result<T, Vec<FieldFault>> {
        T::from_body(&self.value)
    }
}

/// A body in JSON with known fields.
#[derive(Debug)]
pub(crate) struct Json<T> {
    /// What it says.
    pub(crate) value: T,
    /// The same without spaces, its names in order: what a repeated request is compared by.
    pub(crate) canonical: Bytes,
}

impl<T: FromBody> FromRequest<Arc<Shared>> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let raw = RawJson::from_request(request, shared).await?;
        let value = raw.read::<T>().map_err(|faults| Refusal::fields(Code::InvalidRequest, faults))?;
        Ok(Self { value, canonical: raw.canonical })
    }
}
