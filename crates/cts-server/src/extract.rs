//! What handlers take from a request: bodies, queries and ids that refuse what they do not know and name the nearest.

mod body;
mod query;
mod tree;

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use cts_engine::IdempotencyKey;
use cts_model::{Change, Code, Ctx, FieldFault};
use http::header::HeaderName;
use http::request::Parts;
use sha2::{Digest, Sha256};

pub(crate) use body::{Json, RawJson, is_json};
pub(crate) use query::{FromQuery, NoQuery, Query, QueryFields};

use crate::access::Caller;
use crate::layers::guard;
use crate::layers::request_id::Scope;
use crate::problem::Refusal;
use crate::state::Shared;

/// Who asks, and under which request.
#[derive(Debug)]
pub(crate) struct Cx(pub(crate) Ctx);

impl FromRequestParts<Arc<Shared>> for Cx {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Shared>) -> Result<Self, Refusal> {
        let scope = parts.extensions.get::<Scope>();
        let scope = scope.ok_or_else(|| Refusal::new(Code::Internal, "a request came past the outermost layer"))?;
        let caller = parts.extensions.get::<Caller>();
        let actor = caller.map(|caller| caller.actor.clone());
        let actor = actor.ok_or_else(|| Refusal::new(Code::Internal, "a request came past its gate"))?;
        let change = parts.extensions.get::<Arc<Change>>().cloned();
        let trace = Some(scope.place.context.clone());
        Ok(Self(Ctx { request_id: (*scope.request_id).clone(), actor, trace, change }))
    }
}

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Shared>) -> Result<Self, Refusal> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Refusal::new(Code::Internal, "a request came past its gate"))
    }
}

/// The address at which the client reached the service, without a slash at its end.
#[derive(Debug)]
pub(crate) struct BaseUrl(pub(crate) String);

impl FromRequestParts<Arc<Shared>> for BaseUrl {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        let authority = parts.uri.authority().map(http::uri::Authority::as_str);
        Ok(Self(guard::base_url(&shared.http, &parts.headers, authority)))
    }
}

/// The only parameter of a path, read as an id.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T> FromRequestParts<Arc<Shared>> for Path<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<Shared>) -> Result<Self, Refusal> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|error| Refusal::new(Code::InvalidRequest, error.to_string()))?;
        let Some((name, text)) = params.iter().next() else {
            return Err(Refusal::new(Code::Internal, "a route without a parameter asks for one"));
        };
        let refuse = |error: T::Err| {
            let fault = FieldFault::new(format!("{{{name}}}"), "pattern", error.to_string());
            Refusal::fields(Code::InvalidRequest, vec![fault])
        };
        text.parse().map(Self).map_err(refuse)
    }
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key, in characters.
const KEY_LENGTH_MAX: usize = 255;

/// The `Idempotency-Key` of a request, checked in form.
#[derive(Debug)]
pub(crate) struct Idempotency(Option<String>);

impl<S: Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Some(value) = parts.headers.get(IDEMPOTENCY_KEY) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or("");
        if (1..=KEY_LENGTH_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(Some(text.to_owned())));
        }
        let message = format!("an Idempotency-Key has 1 to {KEY_LENGTH_MAX} visible ASCII characters");
        Err(Refusal::fields(Code::InvalidRequest, vec![FieldFault::new("Idempotency-Key", "pattern", message)]))
    }
}

impl Idempotency {
    /// Returns whether the request has a key.
    pub(crate) fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the key with the sum of what must be the same when the request is repeated.
    pub(crate) fn over(self, route: &'static str, parts: &[&[u8]]) -> Option<IdempotencyKey> {
        let key = self.0?;
        let mut sum = Sha256::new();
        for part in parts {
            sum.update(part.len().to_le_bytes());
            sum.update(part);
        }
        let body_sha256 = cts_model::Sha256(sum.finalize().into()).to_string();
        Some(IdempotencyKey { key, route, body_sha256 })
    }
}
