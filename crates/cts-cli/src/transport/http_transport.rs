//! To a service over HTTP: the only file that knows the HTTP client.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use cts_model::Secret;
use futures_util::StreamExt as _;
use http::Request;
use http::header::{AUTHORIZATION, HeaderValue, USER_AGENT};

use super::{Answer, TransportError};

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Longest chain of causes that a message holds.
const CAUSES_MAX: usize = 8;

/// A service somewhere.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    url: String,
    key: Option<Secret>,
}

impl Http {
    /// Returns the way to the service at `url`, which ends without a slash.
    pub(crate) fn new(url: &str, key: Option<Secret>) -> Result<Self, TransportError> {
        let mut builder = reqwest::Client::builder().connect_timeout(CONNECT_WITHIN);
        // A proxy of the environment does not know this machine's own addresses.
        if is_loopback(url) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| TransportError::odd(causes(&error)))?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), key })
    }

    /// Returns the address of the service.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Sends a request and returns the head of the answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Answer, TransportError> {
        let (parts, body) = request.into_parts();
        let url = format!("{}{}", self.url, parts.uri);
        let mut headers = parts.headers;
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("cts/", env!("CARGO_PKG_VERSION"))));
        if let Some(key) = &self.key {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.reveal()))
                .map_err(|_| TransportError::odd("the API key cannot stand in a header"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let answer = self.client.request(parts.method, url).headers(headers).body(body).send().await;
        let answer = answer.map_err(|error| of_client(&error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes_stream().map(|piece| piece.map_err(|error| of_client(&error)));
        Ok(Answer { status, headers, body: Box::pin(body) })
    }
}

fn of_client(error: &reqwest::Error) -> TransportError {
    // An address that is none and an answer that goes in circles stay as they are.
    if error.is_builder() || error.is_redirect() {
        TransportError::odd(causes(error))
    } else if error.is_connect() {
        TransportError::unreached(causes(error))
    } else {
        TransportError::broken(causes(error))
    }
}

/// Returns the causes of an error, the outermost first, each said once; what only says that a request failed is left out
/// where a cause says why.
fn causes(error: &dyn std::error::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error.source().unwrap_or(error));
    while let Some(error) = next.filter(|_| texts.len() < CAUSES_MAX) {
        let text = error.to_string();
        let is_empty = text.starts_with("client error (") && error.source().is_some();
        // Of two that say the same with more words, the longer one stays.
        if !is_empty && !texts.iter().any(|said| said.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}

/// Returns whether an address is one of this machine's loopback.
fn is_loopback(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_known() {
        for url in ["http://127.0.0.1:8080", "http://localhost", "https://[::1]:8443/cts", "http://127.9.9.9/"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://cts.example", "http://10.0.0.1:8080", "http://localhost.example"] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
