//! The id that follows a request: the client's own where it is well formed, otherwise a new one; a bad one is never
//! repeated. The place in the trace of the client goes with it.

use std::net::IpAddr;
use std::sync::Arc;

use cts_model::{Ids, RequestId, TraceContext, TraceState};
use cts_observe::{SpanPlace, Tracer};
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request};

use crate::access::address::{self, Network, Peer};

/// The header of the id.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// What is known about a request before it is routed.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// Its id.
    pub(crate) request_id: Arc<RequestId>,
    /// The same as a header.
    pub(crate) header: HeaderValue,
    /// The span of the request: in the trace of the client, where there is one.
    pub(crate) place: SpanPlace,
    /// The client's address; none for a request of the own process.
    pub(crate) address: Option<IpAddr>,
}

/// Returns what is known about a request.
pub(crate) fn scope<B>(request: &Request<B>, ids: &Ids, tracer: &Tracer, trusted: &[Network]) -> Scope {
    let headers = request.headers();
    let sent = single(headers, &X_REQUEST_ID).and_then(|text| text.parse::<RequestId>().ok());
    let request_id = sent.unwrap_or_else(|| RequestId::new(ids));
    let header = HeaderValue::from_str(request_id.as_str()).expect("a request id has ASCII letters and digits only");
    let place = tracer.enter(caller(headers), ids);
    let address = address::client(request.extensions().get::<Peer>().copied(), trusted, headers);
    Scope { request_id: Arc::new(request_id), header, place, address }
}

/// Returns the span of the client; none where it sent none, or none that is well formed.
fn caller(headers: &HeaderMap) -> Option<TraceContext> {
    let context = TraceContext::from_traceparent(single(headers, &TRACEPARENT)?)?;
    let states: Option<Vec<&str>> = headers.get_all(&TRACESTATE).iter().map(|value| value.to_str().ok()).collect();
    Some(TraceContext { state: states.and_then(TraceState::read), ..context })
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
        scope(&request, &Ids::new(Arc::new(SystemClock)), &Tracer::off(), &[]).request_id.to_string()
    }

    #[test]
    fn a_good_id_is_kept_and_a_bad_one_is_replaced() {
        assert_eq!(id_for(&["abc-1._X"]), "abc-1._X");
        for bad in [&["a b"][..], &["ä"], &[""], &["a", "b"], &[&"x".repeat(129)], &[]] {
            let id = id_for(bad);
            assert_eq!(id.len(), 36, "{bad:?} became {id}");
        }
    }

    #[test]
    fn the_trace_of_the_client_is_kept_and_what_is_not_well_formed_is_not() {
        const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let seen = |headers: &[(&'static str, &str)]| {
            let mut request = Request::new(());
            for (name, value) in headers {
                request.headers_mut().append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            let SpanPlace { context, .. } =
                scope(&request, &Ids::new(Arc::new(SystemClock)), &Tracer::off(), &[]).place;
            (context.traceparent(), context.state.map(|state| state.as_str().to_owned()))
        };
        let kept = seen(&[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")]);
        assert_eq!(kept, (PARENT.to_owned(), Some("a=1,b=2".to_owned())));
        assert_eq!(seen(&[("traceparent", PARENT), ("tracestate", "a=ü")]), (PARENT.to_owned(), None));
        for bad in [&[][..], &[("traceparent", "x")], &[("traceparent", PARENT), ("traceparent", PARENT)]] {
            let (made, state) = seen(&[bad, &[("tracestate", "a=1")]].concat());
            assert!(TraceContext::from_traceparent(&made).is_some_and(|made| !made.sampled), "{bad:?}: {made}");
            assert!(!made.contains("4bf92f3577b34da6a3ce929d0e0e4736") && state.is_none(), "{bad:?}: {made}");
        }
    }
}
