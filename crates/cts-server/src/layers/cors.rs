//! Which web pages may read answers: those of the origins that the configuration lists. Cookies are never shared, so
//! that a page of another origin has to know a token.

use axum::body::Body;
use axum::response::Response;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode};

use crate::state::HttpOptions;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");
/// What a page may send.
const SENT: HeaderValue = HeaderValue::from_static(
    "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Last-Event-ID, Range, \
     Traceparent, Tracestate, Upload-Offset, X-Request-ID",
);
/// What a page may read.
const READ: HeaderValue = HeaderValue::from_static(
    "Content-Disposition, Content-Range, ETag, Idempotency-Replayed, Link, Location, RateLimit-Limit, \
     RateLimit-Remaining, RateLimit-Reset, Retry-After, Upload-Length, Upload-Offset, WWW-Authenticate, X-Next-Cursor, \
     X-Request-ID, X-Total-Count",
);
/// Seconds for which a browser remembers what it may do.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");
/// Stands for every origin.
const ANY: &str = "*";

/// Returns whether the configuration names an origin itself; `*` names nobody.
pub(crate) fn is_listed(options: &HttpOptions, origin: &str) -> bool {
    options.cors_allowed_origins.iter().any(|listed| listed != ANY && is_same(listed, origin))
}

/// Compares two origins; a port that the scheme has anyway may be written or not.
fn is_same(listed: &str, origin: &str) -> bool {
    let plain = |text: &str| {
        let text = text.to_ascii_lowercase();
        let default = if text.starts_with("https:") { ":443" } else { ":80" };
        text.strip_suffix(default).map_or_else(|| text.clone(), str::to_owned)
    };
    plain(listed) == plain(origin)
}

/// Returns what stands in `Access-Control-Allow-Origin` for a request; none when its page may not read the answer.
fn allowed(options: &HttpOptions, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    if is_listed(options, origin.to_str().ok()?) {
        return Some(origin.clone());
    }
    options.cors_allowed_origins.iter().any(|listed| listed == ANY).then(|| HeaderValue::from_static(ANY))
}

/// What the page of a request may read; looked at before the request is answered.
#[derive(Debug)]
pub(crate) struct Page {
    allowed: Option<HeaderValue>,
    has_origin: bool,
}

/// Looks from which page a request comes.
pub(crate) fn page<B>(options: &HttpOptions, request: &Request<B>) -> Page {
    Page { allowed: allowed(options, request.headers()), has_origin: request.headers().contains_key(header::ORIGIN) }
}

impl Page {
    /// Answers a browser that asks what a page may send; none for every other request.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<Response> {
        let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if request.method() != Method::OPTIONS || !asks || self.allowed.is_none() {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, SENT);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
        Some(response)
    }

    /// Says in an answer whether the page may read it.
    pub(crate) fn say(self, response: &mut Response) {
        if !self.has_origin {
            return;
        }
        let headers = response.headers_mut();
        // The answer to another page says something else.
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(allowed) = self.allowed {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(origins: &[&str], origin: &str, method: Method) -> (Option<u16>, Option<String>) {
        let cors_allowed_origins = origins.iter().map(|&origin| origin.to_owned()).collect();
        let options = HttpOptions { cors_allowed_origins, ..HttpOptions::default() };
        let request = Request::builder().method(method).header("origin", origin);
        let request = request.header("access-control-request-method", "PUT").body(()).unwrap();
        let page = page(&options, &request);
        let preflight = page.preflight(&request);
        let status = preflight.as_ref().map(|response| response.status().as_u16());
        let mut response = preflight.unwrap_or_default();
        page.say(&mut response);
        assert_eq!(response.headers()["vary"], "Origin");
        assert!(!response.headers().contains_key("access-control-allow-credentials"));
        let allowed = response.headers().get("access-control-allow-origin");
        (status, allowed.map(|value| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn pages_of_listed_origins_may_read_and_are_named() {
        let page = "https://a.example";
        let yes = |name: &str| Some(name.to_owned());
        assert_eq!(answered(&[page], page, Method::OPTIONS), (Some(204), yes(page)));
        assert_eq!(answered(&[page], page, Method::GET), (None, yes(page)));
        assert_eq!(answered(&["https://A.example:443"], page, Method::GET), (None, yes(page)));
        assert_eq!(answered(&["*"], page, Method::GET), (None, yes("*")));
        assert_eq!(answered(&["*", page], page, Method::GET), (None, yes(page)));
    }

    #[test]
    fn other_pages_may_not() {
        for (listed, origin) in [
            ("https://a.example", "https://b.example"),
            ("https://a.example", "http://a.example"),
            ("https://a.example", "https://a.example:8443"),
            ("https://a.example", "https://a.example.evil"),
            ("https://a.example", "null"),
        ] {
            assert_eq!(answered(&[listed], origin, Method::OPTIONS), (None, None), "{listed} {origin}");
        }
        assert_eq!(answered(&[], "https://a.example", Method::GET), (None, None));
    }

    #[test]
    fn every_origin_is_not_a_listed_one() {
        let options =
            |listed: &str| HttpOptions { cors_allowed_origins: vec![listed.to_owned()], ..HttpOptions::default() };
        assert!(is_listed(&options("https://a.example"), "https://a.example"));
        assert!(!is_listed(&options("*"), "https://a.example"));
        assert!(!is_listed(&options("*"), "*"));
    }

    #[test]
    fn a_request_without_an_origin_gets_no_such_headers() {
        let options = HttpOptions { cors_allowed_origins: vec!["*".to_owned()], ..HttpOptions::default() };
        let mut response = Response::default();
        page(&options, &Request::new(())).say(&mut response);
        assert!(response.headers().is_empty());
    }
}
