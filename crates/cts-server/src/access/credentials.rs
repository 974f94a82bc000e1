//! What a request proves itself with: a token in `Authorization`, or a session in a cookie; and the proof that a page of
//! this service, not another one, asks with that cookie.

use axum::body::Bytes;
use cts_model::{Code, Secret};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Uri};
use sha2::Digest;

use super::keyring::is_same;
use crate::layers::guard;
use crate::problem::Refusal;

/// What the name of a session's cookie begins with.
const COOKIE: &str = "cts_session";
/// The cookie of a service at its usual port, as the document names it.
pub(crate) const USUAL_COOKIE: &str = "cts_session_8080";
/// The header in which a page proves that it could read an answer of this service.
pub(crate) const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
/// What goes before the text of a session when its proof is made.
const CSRF_CONTEXT: &[u8] = b"cts csrf token of ";

/// What a request proves itself with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presented {
    /// Nothing.
    Nothing,
    /// A token.
    Token(Secret),
    /// The cookie of a session.
    Session(Secret),
}

/// Returns the name of the session's cookie at the address that a request was sent to. A browser sends the cookies of a
/// host to every port of it, so the port is part of the name: services on one host do not take each other's session away.
pub(crate) fn cookie_name(uri: &Uri, headers: &HeaderMap) -> String {
    match guard::port(uri, headers) {
        Some(port) => format!("{COOKIE}_{port}"),
        None => COOKIE.to_owned(),
    }
}

/// Returns what a request proves itself with. A token wins over a cookie, which a browser sends by itself.
pub(crate) fn presented(uri: &Uri, headers: &HeaderMap) -> Result<Presented, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(value) = values.next() {
        if values.next().is_some() {
            return Err(unreadable("a request has one header Authorization"));
        }
        let text = value.to_str().map_err(|_| unreadable("the header Authorization holds no plain text"))?;
        let (scheme, token) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        // Older clients say JWT and mean the same.
        if !["bearer", "jwt"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) || token.trim().is_empty() {
            return Err(unreadable("the header Authorization is written as `Bearer TOKEN`"));
        }
        return Ok(Presented::Token(Secret::new(token.trim().to_owned())));
    }
    Ok(cookie(&cookie_name(uri, headers), headers).map_or(Presented::Nothing, Presented::Session))
}

fn unreadable(message: &str) -> Refusal {
    challenge(Refusal::new(Code::InvalidToken, message), Some("invalid_request"))
}

/// Adds how a client proves itself (RFC 6750).
pub(crate) fn challenge(refusal: Refusal, error: Option<&str>) -> Refusal {
    let text = match error {
        Some(error) => format!("Bearer realm=\"cts\", error=\"{error}\""),
        None => "Bearer realm=\"cts\"".to_owned(),
    };
    let value = HeaderValue::from_maybe_shared(Bytes::from(text)).expect("the words of a challenge are ASCII");
    refusal.with_header(header::WWW_AUTHENTICATE, value)
}

fn cookie(wanted: &str, headers: &HeaderMap) -> Option<Secret> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == wanted && !value.is_empty()).map(|(_, value)| Secret::new(value.to_owned()))
}

/// Returns the header that gives a browser its session; `seconds` is how long it lasts, 0 takes it back.
pub(crate) fn set_cookie(name: &str, session: &str, seconds: u64, is_https: bool) -> HeaderValue {
    let secure = if is_https { "; Secure" } else { "" };
    let text = format!("{name}={session}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::from_maybe_shared(Bytes::from(text)).expect("a session is letters and digits");
    value.set_sensitive(true);
    value
}

/// Returns the proof that belongs to a session. It follows from the session's text, which a page cannot read, and is told
/// only in an answer, which a page of another origin cannot read.
pub(crate) fn csrf_token(session: &Secret) -> String {
    let mut sum = sha2::Sha256::new();
    sum.update(CSRF_CONTEXT);
    sum.update(session.reveal());
    cts_model::Sha256(sum.finalize().into()).to_string()
}

/// Refuses a change by a session without its proof.
pub(crate) fn check_csrf(headers: &HeaderMap, session: &Secret) -> Result<(), Refusal> {
    let given = headers.get(&X_CSRF_TOKEN).map_or(&[][..], HeaderValue::as_bytes);
    if is_same(given, csrf_token(session).as_bytes()) {
        return Ok(());
    }
    let message = if given.is_empty() {
        "a change by a session needs the header X-CSRF-Token"
    } else {
        "the header X-CSRF-Token is not that of this session"
    };
    Err(Refusal::new(Code::CsrfTokenRequired, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &'static str, values: &[&str]) -> Result<Presented, Code> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        presented(&Uri::default(), &headers).map_err(|refusal| refusal.fault().code)
    }

    #[test]
    fn a_token_comes_as_bearer_or_as_older_clients_write_it() {
        let token = |text: &str| Ok(Presented::Token(Secret::new(text.to_owned())));
        for good in ["Bearer abc", "bearer abc", "JWT abc", "jwt  abc ", "BEARER abc"] {
            assert_eq!(of("authorization", &[good]), token("abc"), "{good}");
        }
        for bad in [&["Basic abc"][..], &["Bearer"], &["Bearer "], &["abc"], &[""], &["Bearer a", "Bearer a"]] {
            assert_eq!(of("authorization", bad), Err(Code::InvalidToken), "{bad:?}");
        }
        assert_eq!(of("x", &["y"]), Ok(Presented::Nothing));
    }

    #[test]
    fn a_session_comes_in_its_cookie_among_others() {
        let session = Ok(Presented::Session(Secret::new("abc".to_owned())));
        assert_eq!(of("cookie", &["cts_session=abc"]), session);
        assert_eq!(of("cookie", &["a=b; cts_session=abc; c=d"]), session);
        assert_eq!(of("cookie", &["a=b", "cts_session=abc"]), session);
        for none in ["cts_session=", "cts_sessions=abc", "x", "a=cts_session=abc"] {
            assert_eq!(of("cookie", &[none]), Ok(Presented::Nothing), "{none}");
        }
    }

    #[test]
    fn services_on_one_host_have_cookies_of_their_own() {
        let table = [
            ("/v1/runs", Some("localhost:8080"), "cts_session_8080"),
            ("/v1/runs", Some("[::1]:8081"), "cts_session_8081"),
            ("http://cts.example:81/v1/runs", Some("localhost:8080"), "cts_session_81"),
            ("/v1/runs", Some("cts.example"), "cts_session"),
            ("/v1/runs", Some("cts.example:"), "cts_session"),
            ("/v1/runs", Some("cts.example:1=2; x"), "cts_session"),
            ("/v1/runs", Some("cts.example:99999"), "cts_session"),
            ("/v1/runs", Some("[::1]"), "cts_session"),
            ("/v1/runs", None, "cts_session"),
        ];
        for (uri, host, name) in table {
            let mut headers = HeaderMap::new();
            host.map(|host| headers.insert("host", HeaderValue::from_static(host)));
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(cookie_name(&uri, &headers), name, "{uri} {host:?}");
            let both =
                "cts_session_1=other; cts_session=plain; cts_session_8080=a; cts_session_8081=b; cts_session_81=c";
            headers.insert("cookie", HeaderValue::from_static(both));
            let own = both.split("; ").find_map(|pair| pair.split_once('=').filter(|(known, _)| *known == name));
            let expected = Presented::Session(Secret::new(own.unwrap().1.to_owned()));
            assert_eq!(presented(&uri, &headers).unwrap(), expected);
        }
    }

    #[test]
    fn a_token_wins_over_the_cookie_that_a_browser_sends_by_itself() {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", HeaderValue::from_static("cts_session=abc"));
        headers.insert("authorization", HeaderValue::from_static("Bearer def"));
        assert_eq!(presented(&Uri::default(), &headers).unwrap(), Presented::Token(Secret::new("def".to_owned())));
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let cookie = set_cookie("cts_session_8080", "abc", 60, true);
        assert_eq!(cookie, "cts_session_8080=abc; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure");
        assert!(cookie.is_sensitive());
        assert!(!set_cookie("cts_session", "", 0, false).to_str().unwrap().contains("Secure"));
    }

    #[test]
    fn only_the_sessions_own_proof_passes() {
        let session = Secret::new("abc".to_owned());
        let mut headers = HeaderMap::new();
        assert!(check_csrf(&headers, &session).is_err());
        for (value, passes) in [(csrf_token(&session), true), (csrf_token(&Secret::new("abd".into())), false)] {
            headers.insert(X_CSRF_TOKEN, HeaderValue::from_str(&value).unwrap());
            assert_eq!(check_csrf(&headers, &session).is_ok(), passes);
        }
    }
}
