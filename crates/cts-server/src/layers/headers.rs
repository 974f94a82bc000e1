//! Headers of every answer: the request id, and what keeps a browser from being used against the user.

use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};

use crate::layers::request_id::{Scope, X_REQUEST_ID};

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Adds what is not there yet.
pub(crate) fn add(response: &mut Response, scope: &Scope) {
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, scope.header.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
