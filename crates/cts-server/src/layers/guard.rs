//! Without authentication, keeps foreign web pages from changing anything: a page cannot hide its origin, and a page
//! that points its own name at this machine cannot hide that name.

use std::net::IpAddr;

use cts_model::Code;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Request, Uri};

use crate::layers::cors;
use crate::problem::Refusal;
use crate::state::HttpOptions;

/// Refuses a request for two hosts: it would be for one of them here and for the other one somewhere else.
pub(crate) fn check_host<B>(request: &Request<B>) -> Result<(), Refusal> {
    if request.headers().get_all(header::HOST).iter().nth(1).is_some() {
        return Err(Refusal::new(Code::InvalidRequest, "a request has one header Host"));
    }
    Ok(())
}

/// Refuses a change that comes with a foreign `Origin`, or for a `Host` that is neither loopback nor the configured one.
pub(crate) fn check<B>(options: &HttpOptions, request: &Request<B>) -> Result<(), Refusal> {
    if options.is_in_process || request.method().is_safe() {
        return Ok(());
    }
    let host = host(request);
    if !host.is_some_and(|host| is_own_host(host, &options.host)) {
        let shown = host.map_or_else(|| "no host".to_owned(), |host| format!("host {:?}", cut(host)));
        let message = format!("a change for {shown} is refused: it is neither loopback nor the configured host");
        return Err(Refusal::new(Code::ForeignOrigin, message));
    }
    check_same_origin(options, request)
}

/// Refuses a request that a page of a foreign origin makes: one of another host, which the configuration does not list.
pub(crate) fn check_same_origin<B>(options: &HttpOptions, request: &Request<B>) -> Result<(), Refusal> {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN);
    let is_foreign = match origin {
        Some(origin) => !text(Some(origin)).is_some_and(|origin| {
            host(request).is_some_and(|host| is_same_origin(origin, host)) || cors::is_listed(options, origin)
        }),
        // Browsers that hide the origin still say where a request comes from.
        None => matches!(text(headers.get("sec-fetch-site")), Some("cross-site" | "same-site")),
    };
    if is_foreign {
        let origin = text(origin).map_or_else(|| "another site".to_owned(), cut);
        return Err(Refusal::new(Code::ForeignOrigin, format!("a change that comes from {origin} is refused")));
    }
    Ok(())
}

fn host<B>(request: &Request<B>) -> Option<&str> {
    addressed(request.uri(), request.headers())
}

/// Returns the host, with its port where one is said, that a request was sent to.
fn addressed<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    uri.authority().map(http::uri::Authority::as_str).or_else(|| text(headers.get(header::HOST)))
}

/// Returns the port that a request was sent to, where its address says one.
pub(crate) fn port(uri: &Uri, headers: &HeaderMap) -> Option<u16> {
    split(addressed(uri, headers)?).1?.parse().ok()
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

fn cut(text: &str) -> String {
    text.chars().take(128).collect()
}

/// Splits a host header into name and port; IPv6 addresses lose their brackets.
fn split(host: &str) -> (&str, Option<&str>) {
    if let Some((address, rest)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, rest.strip_prefix(':'));
    }
    match host.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    }
}

fn is_own_host(host: &str, configured: &str) -> bool {
    let (name, _) = split(host);
    let address = name.parse::<IpAddr>().ok();
    let is_loopback = name.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback());
    // Whoever listens on every address is reached by any of them; a name must still be the configured one.
    let listens_everywhere = configured.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified());
    is_loopback || name.eq_ignore_ascii_case(configured) || (listens_everywhere && address.is_some())
}

fn is_same_origin(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "http" => "80",
        "https" => "443",
        _ => return false,
    };
    let ((name, port), (own_name, own_port)) = (split(authority), split(host));
    name.eq_ignore_ascii_case(own_name) && port.unwrap_or(default_port) == own_port.unwrap_or(default_port)
}

/// Returns whether the client says that it came by HTTPS, to a proxy in front. It is believed from everybody: it changes
/// nothing but the answer to the one who says so.
pub(crate) fn is_https(headers: &HeaderMap) -> bool {
    text(headers.get("x-forwarded-proto")).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// Returns the address at which the client reached the service, without a slash at its end.
pub(crate) fn base_url(options: &HttpOptions, headers: &HeaderMap, authority: Option<&str>) -> String {
    let host = authority.or_else(|| text(headers.get(header::HOST)));
    let host = host.filter(|host| host.parse::<http::uri::Authority>().is_ok() && !host.contains('@'));
    let scheme = if is_https(headers) { "https" } else { "http" };
    match host {
        Some(host) => format!("{scheme}://{host}"),
        None => format!("http://{}:{}", options.host, options.port),
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn is_let_through(configured: &str, host: &str, origin: Option<&str>) -> bool {
        let options = HttpOptions { host: configured.to_owned(), ..HttpOptions::default() };
        let mut request = Request::builder().method(Method::POST).uri("/v1/runs").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        check(&options, &request.body(()).unwrap()).is_ok()
    }

    #[test]
    fn changes_from_foreign_pages_and_for_foreign_names_are_refused() {
        let table = [
            ("127.0.0.1", "127.0.0.1:8080", None, true),
            ("127.0.0.1", "localhost:8080", Some("http://localhost:8080"), true),
            ("127.0.0.1", "[::1]:8080", Some("http://[::1]:8080"), true),
            ("127.0.0.1", "localhost:8080", Some("http://localhost:3000"), false),
            ("127.0.0.1", "localhost:8080", Some("http://evil.example"), false),
            ("127.0.0.1", "localhost:8080", Some("null"), false),
            ("127.0.0.1", "evil.example:8080", None, false),
            ("127.0.0.1", "evil.example:8080", Some("http://evil.example:8080"), false),
            ("cts.example", "cts.example", Some("https://cts.example"), true),
            ("cts.example", "CTS.example", Some("https://cts.example:443"), true),
            ("0.0.0.0", "192.168.0.7:8080", Some("http://192.168.0.7:8080"), true),
            ("0.0.0.0", "evil.example:8080", None, false),
        ];
        for (configured, host, origin, expected) in table {
            assert_eq!(is_let_through(configured, host, origin), expected, "{configured} {host} {origin:?}");
        }
    }

    #[test]
    fn a_request_for_two_hosts_is_for_nobody() {
        let request = Request::builder().header("host", "localhost").header("host", "evil.example").body(()).unwrap();
        assert!(check_host(&request).is_err());
    }

    #[test]
    fn a_page_of_a_listed_origin_is_not_foreign_and_of_any_other_is() {
        for (listed, passes) in [("http://localhost:3000", true), ("*", false), ("http://localhost:3001", false)] {
            let options = HttpOptions { cors_allowed_origins: vec![listed.to_owned()], ..HttpOptions::default() };
            let request = Request::builder().method(Method::POST).header("host", "localhost:8080");
            let request = request.header("origin", "http://localhost:3000").body(()).unwrap();
            assert_eq!(check(&options, &request).is_ok(), passes, "{listed}");
        }
    }

    #[test]
    fn reading_is_not_guarded() {
        let request = Request::builder().header("host", "evil.example").body(()).unwrap();
        assert!(check(&HttpOptions::default(), &request).is_ok());
    }

    #[test]
    fn the_base_of_urls_is_what_the_client_asked_for() {
        let options = HttpOptions::default();
        let mut headers = HeaderMap::new();
        assert_eq!(base_url(&options, &headers, None), "http://127.0.0.1:8080");
        headers.insert("host", HeaderValue::from_static("cts.example:81"));
        assert_eq!(base_url(&options, &headers, None), "http://cts.example:81");
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert_eq!(base_url(&options, &headers, None), "https://cts.example:81");
        headers.insert("host", HeaderValue::from_static("a\"b"));
        assert_eq!(base_url(&options, &headers, None), "http://127.0.0.1:8080");
    }
}
