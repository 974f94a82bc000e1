//! The span of a request: told when it is answered, or when its client has gone away.

use std::net::IpAddr;
use std::time::Instant;

use axum::extract::MatchedPath;
use axum::response::Response;
use cts_model::Timestamp;
use cts_observe::{Span, SpanKind, SpanPlace, Tracer};
use http::Method;

use crate::layers::gate::Answered;
use crate::layers::request_id::Scope;
use crate::problem::Refusal;

/// A request under way.
#[derive(Debug)]
pub(crate) struct RequestSpan<'a> {
    tracer: &'a Tracer,
    scope: &'a Scope,
    method: Method,
    start: Timestamp,
    begun: Instant,
    is_told: bool,
}

impl<'a> RequestSpan<'a> {
    /// Notes when a request began.
    pub(crate) fn begin(tracer: &'a Tracer, scope: &'a Scope, method: &Method, start: Timestamp) -> Self {
        Self { tracer, scope, method: method.clone(), start, begun: Instant::now(), is_told: false }
    }

    /// Tells how it was answered.
    pub(crate) fn end(mut self, response: &Response) {
        self.is_told = true;
        self.tracer.tell(&self.scope.place.context, || {
            let extensions = response.extensions();
            let route = extensions.get::<MatchedPath>().map(MatchedPath::as_str);
            let status = response.status();
            let code = extensions.get::<Refusal>().map(|refusal| refusal.fault().code.as_str());
            let span = self
                .describe(route)
                .with("http.response.status_code", i32::from(status.as_u16()))
                .with_some("error.type", code)
                .with_some(
                    "cts.actor",
                    extensions.get::<Answered>().map(|Answered(actor)| actor.to_string()).as_deref(),
                );
            if status.is_server_error() { span.failed(status.canonical_reason().unwrap_or_default()) } else { span }
        });
    }

    fn describe(&self, route: Option<&str>) -> Span {
        let method = self.method.as_str();
        let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        let place: SpanPlace = self.scope.place.clone();
        Span::new(name, SpanKind::Server, place, self.start, self.begun.elapsed())
            .with("http.request.method", method)
            .with_some("http.route", route)
            .with("cts.request.id", self.scope.request_id.as_str())
            .with_some("client.address", self.scope.address.as_ref().map(IpAddr::to_string).as_deref())
    }
}

impl Drop for RequestSpan<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            self.tracer.tell(&self.scope.place.context, || {
                self.describe(None).with("error.type", "client_gone").failed("the client went away")
            });
        }
    }
}
