//! The handlers, one file for each noun, and what all of them answer with.

pub(crate) mod artifacts;
pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod download;
pub(crate) mod health;
pub(crate) mod log_level;
pub(crate) mod metrics;
pub(crate) mod older_clients;
pub(crate) mod preview;
pub(crate) mod run_events;
pub(crate) mod run_logs;
pub(crate) mod runs;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod tokens;
pub(crate) mod uploads;
pub(crate) mod zip;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use cts_api::page::{NEXT_CURSOR, next_link};
use cts_model::Code;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::problem::Refusal;

/// Says that a request with this key was answered before.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Returns a body in JSON.
pub(crate) fn json_bytes(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("wire types are always JSON").into()
}

/// Returns an answer in JSON.
pub(crate) fn json(value: &impl Serialize) -> Response {
    json_body(json_bytes(value))
}

/// Returns an answer whose body is JSON already.
pub(crate) fn json_body(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Returns the answer to a request that made something: 201 with its address, or 200 when it was made before.
pub(crate) fn created(value: &impl Serialize, location: &str, replayed: bool) -> Response {
    let mut response = json(value);
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if replayed {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// Says in the answer to a list where its next page is: the same address with another cursor.
pub(crate) fn say_next(response: &mut Response, base: &str, uri: &http::Uri, cursor: &str) {
    let kept = uri.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let mut pairs: Vec<&str> = kept.collect();
    let own = format!("cursor={cursor}");
    pairs.push(&own);
    let link = next_link(&format!("{base}{}?{}", uri.path(), pairs.join("&")));
    let headers = response.headers_mut();
    if let (Ok(link), Ok(cursor)) = (HeaderValue::from_str(&link), HeaderValue::from_str(cursor)) {
        headers.insert(header::LINK, link);
        headers.insert(NEXT_CURSOR, cursor);
    }
}

/// Which form of an answer a client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It did not say, or takes anything.
    Anything,
    /// This one.
    One(&'static str),
    /// None that there is.
    Nothing,
}

/// Returns which of the offered media types a client likes best; the first offered wins where it likes two alike.
pub(crate) fn accepted(headers: &HeaderMap, offered: &[&'static str]) -> Accepted {
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<&str> =
        ranges.flat_map(|value| value.split(',')).map(str::trim).filter(|r| !r.is_empty()).collect();
    if ranges.is_empty() {
        return Accepted::Anything;
    }
    let mut best: Option<(u32, Accepted)> = None;
    for range in ranges {
        let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
        let kind = kind.trim().to_ascii_lowercase();
        let quality = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
        let quality = quality.map_or(1.0, |quality| quality.trim().parse::<f32>().unwrap_or(1.0)).clamp(0.0, 1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a quality lies between 0 and 1")]
        let thousandths = (quality * 1000.0) as u32;
        let found = match kind.as_str() {
            "*/*" => Accepted::Anything,
            kind => {
                let is_match = |offer: &&&'static str| match kind.strip_suffix("/*") {
                    Some(family) => offer.split('/').next() == Some(family),
                    None => **offer == kind,
                };
                match offered.iter().find(is_match) {
                    Some(offer) => Accepted::One(offer),
                    None => continue,
                }
            }
        };
        let is_better = match &best {
            None => true,
            Some((most, before)) => {
                thousandths > *most
                    // Of two that are liked alike, the one that was named wins over anything.
                    || (thousandths == *most && *before == Accepted::Anything && found != Accepted::Anything)
            }
        };
        if thousandths > 0 && is_better {
            best = Some((thousandths, found));
        }
    }
    best.map_or(Accepted::Nothing, |(_, found)| found)
}

/// The answer to a path that is not one of the API.
pub(crate) async fn no_route(uri: http::Uri) -> Refusal {
    let path: String = uri.path().chars().take(128).collect();
    Refusal::new(Code::RouteNotFound, format!("there is nothing at {path}"))
}

/// The answer to a method that a path does not have; the header `Allow` names those that it has.
pub(crate) async fn no_method(method: http::Method) -> Refusal {
    Refusal::new(Code::MethodNotAllowed, format!("{method} is not a method of this path; the header Allow names them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_that_a_client_likes_best_is_chosen() {
        const OFFERED: [&str; 3] = ["text/event-stream", "text/plain", "application/x-ndjson"];
        let table = [
            ("", Accepted::Anything),
            ("*/*", Accepted::Anything),
            ("text/plain", Accepted::One("text/plain")),
            ("text/plain;q=0.5, application/x-ndjson", Accepted::One("application/x-ndjson")),
            ("text/*", Accepted::One("text/event-stream")),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Accepted::Anything),
            ("*/*, text/plain", Accepted::One("text/plain")),
            ("application/json", Accepted::Nothing),
            ("text/plain;q=0", Accepted::Nothing),
        ];
        for (accept, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepted(&headers, &OFFERED), expected, "{accept}");
        }
    }
}
