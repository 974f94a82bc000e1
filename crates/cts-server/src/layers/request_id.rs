//! The id that follows a request: the client's own where it is well formed, otherwise a new one; a bad one is never
//! repeated. The `traceparent` of the client goes with it.

use std::net::IpAddr;
use std::sync::Arc;

use cts_model::ctx::is_traceparent;
use cts_model::{Ids, RequestId};
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request};

use crate::access::address::{self, Network, Peer};

/// The header of the id.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What is known about a request before it is routed.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// Its id.
    pub(crate) request_id: Arc<RequestId>,
    /// The same as a header.
    pub(crate) header: HeaderValue,
    /// The trace of the client.
    pub(crate) traceparent: Option<Arc<str>>,
    /// The client's address; none for a request of the own process.
    pub(crate) address: Option<IpAddr>,
}

/// Returns what is known about a request.
pub(crate) fn scope<B>(request: &Request<B>, ids: &Ids, trusted: &[Network]) -> Scope {
    let headers = request.headers();
    let sent = single(headers, &X_REQUEST_ID).and_then(|text| text.parse::<RequestId>().ok());
    let request_id = sent.unwrap_or_else(|| RequestId::new(ids));
    let header = HeaderValue::from_str(request_id.as_str()).expect("a request id has ASCII letters and digits only");
    let traceparent = single(headers, &TRACEPARENT).filter(|text| is_traceparent(text)).map(Arc::from);
    let address = address::client(request.extensions().get::<Peer>().copied(), trusted, headers);
    Scope { request_id: Arc::new(request_id), header, traceparent, address }
}

/// Returns the value of a header that was sent once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

#[cfg(test)]
mod tests {
    use cts_model::SystemClock;

    use super::*;

    fn id_for(sent: &[&str]) -> String {
        let mut request = Request::new(());
        for value in sent {
            request.headers_mut().append(X_REQUEST_ID, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        scope(&request, &Ids::new(Arc::new(SystemClock)), &[]).request_id.to_string()
    }

    #[test]
    fn a_good_id_is_kept_and_a_bad_one_is_replaced() {
        assert_eq!(id_for(&["abc-1._X"]), "abc-1._X");
        for bad in [&["a b"][..], &["ä"], &[""], &["a", "b"], &[&"x".repeat(129)], &[]] {
            let id = id_for(bad);
            assert_eq!(id.len(), 36, "{bad:?} became {id}");
        }
    }
}
