//! The web interface: its built files, which the build script put into the binary, and the addresses of its pages.
//!
//! Files have a sum in their names and are kept by browsers for good; the page itself is asked for each time. Only the
//! addresses of [`PAGES`] answer with it, so that a wrong path of the API stays an error. Everything that a page loads
//! comes from here, and no script stands in a text.

use axum::response::{IntoResponse, Response};
use cts_model::Code;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Uri};

use crate::layers::compression::AsItIs;
use crate::problem::Refusal;

/// A file of the interface.
#[derive(Debug, Clone, Copy)]
struct File {
    /// Its path below the top, without a slash at its beginning.
    name: &'static str,
    bytes: &'static [u8],
    /// The same with gzip.
    compressed: Option<&'static [u8]>,
}

/// The files of this build; none where the interface was not built.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/ui_files.rs"));

/// The addresses of pages: `ui/src/routes.ts` has the same.
pub(crate) const PAGES: [&str; 7] =
    ["/", "/tools", "/tools/{tool_id}", "/runs", "/runs/{run_id}", "/system", "/system/{part}"];
/// Where the files are that a page loads.
pub(crate) const ASSETS: &str = "/assets/{name}";

/// The page that all addresses share.
const INDEX: &str = "index.html";
/// The licences of the libraries in the interface: the one file without a sum in its name.
const LICENCES: &str = "assets/licences.txt";
/// What there is without it.
const WITHOUT: &str = include_str!("ui/without.html");

/// Scripts come from here only; styles may also stand in the page, because the components place themselves with them.
/// A frame shows an artifact, which has a policy of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
    font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// Answers with the page, whichever it is: the script looks at the address.
pub(crate) async fn page(headers: HeaderMap) -> Response {
    page_of(FILES, &headers)
}

/// Answers with a file that a page loads.
pub(crate) async fn asset(uri: Uri, headers: HeaderMap) -> Result<Response, Refusal> {
    asset_of(FILES, &uri, &headers)
}

fn page_of(files: &[File], headers: &HeaderMap) -> Response {
    match files.iter().find(|file| file.name == INDEX) {
        Some(file) => answer(file, ASK_AGAIN, headers),
        None => answer(&File { name: INDEX, bytes: WITHOUT.as_bytes(), compressed: None }, ASK_AGAIN, headers),
    }
}

fn asset_of(files: &[File], uri: &Uri, headers: &HeaderMap) -> Result<Response, Refusal> {
    let name = uri.path().trim_start_matches('/');
    match files.iter().find(|file| file.name == name) {
        Some(file) => Ok(answer(file, if name == LICENCES { ASK_AGAIN } else { IMMUTABLE }, headers)),
        None => {
            let name: String = name.chars().take(128).collect();
            Err(Refusal::new(Code::RouteNotFound, format!("the interface has no file {name}")))
        }
    }
}

fn answer(file: &File, caching: &'static str, asked: &HeaderMap) -> Response {
    let compressed = file.compressed.filter(|_| takes_gzip(asked));
    let mut response = compressed.unwrap_or(file.bytes).into_response();
    response.extensions_mut().insert(AsItIs);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(file.name)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if compressed.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Returns whether a client takes gzip; a quality of 0 says that it does not.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = values.flat_map(|value| value.split(',')).map(|coding| match coding.split_once(';') {
        Some((name, quality)) => (name.trim(), quality.trim().trim_start_matches("q=").parse::<f32>().unwrap_or(1.0)),
        None => (coding.trim(), 1.0),
    });
    codings.any(|(name, quality)| name.eq_ignore_ascii_case("gzip") && quality > 0.0)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use http::StatusCode;

    use super::*;

    const BUILT: [File; 2] = [
        File { name: "assets/main-1a2b.js", bytes: b"script", compressed: Some(b"small") },
        File { name: INDEX, bytes: b"page", compressed: None },
    ];

    fn accepting(coding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(coding))])
    }

    async fn body(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_page_is_asked_for_each_time_and_lets_no_foreign_script_in() {
        let response = page_of(&BUILT, &HeaderMap::new());
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert_eq!(body(response).await, "page");
    }

    #[tokio::test]
    async fn without_the_interface_the_page_tells_how_to_get_it() {
        let response = page_of(&[], &HeaderMap::new());
        assert_eq!(response.status(), StatusCode::OK);
        assert!(body(response).await.contains("cargo xtask ui"));
    }

    #[tokio::test]
    async fn a_file_is_kept_for_good_and_comes_compressed_to_who_takes_it() {
        let uri = Uri::from_static("/assets/main-1a2b.js");
        for (coding, expected) in
            [("gzip, br", "small"), ("br", "script"), ("gzip;q=0", "script"), ("GZIP;q=0.5", "small")]
        {
            let response = asset_of(&BUILT, &uri, &accepting(coding)).unwrap();
            assert_eq!(response.headers()[header::CACHE_CONTROL], IMMUTABLE);
            assert_eq!(response.headers()[header::VARY], "accept-encoding");
            assert_eq!(response.headers().contains_key(header::CONTENT_ENCODING), expected == "small", "{coding}");
            assert_eq!(body(response).await, expected, "{coding}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        for path in ["/assets/none.js", "/assets/..%2findex.html", "/assets/main-1a2b.js.gz"] {
            let refusal = asset_of(&BUILT, &path.parse().unwrap(), &HeaderMap::new()).unwrap_err();
            assert_eq!(refusal.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn every_file_of_this_build_has_a_type_and_a_page_comes_with_all_of_it() {
        let has = |name| FILES.iter().any(|file| file.name == name);
        assert!(FILES.is_empty() || (has(INDEX) && has(LICENCES)));
        for file in FILES {
            assert_ne!(media_type(file.name), "application/octet-stream", "{}", file.name);
        }
    }
}
