//! What every request goes through, in order; one function, so that it costs little and can be read in one go.
//!
//! request id and trace → span and access log → panic catch → one host → preflight → time limit → router (with compression for
//! clients that accept it) → gate of the route → problem body → security headers → CORS. Limits of bodies are where
//! bodies are read: `body_limit`; what was not read is thrown away: `linger`.

pub(crate) mod access_log;
pub(crate) mod body_limit;
pub(crate) mod compression;
pub(crate) mod cors;
pub(crate) mod gate;
pub(crate) mod guard;
pub(crate) mod headers;
pub(crate) mod linger;
pub(crate) mod measure;
pub(crate) mod panic;
pub(crate) mod request_id;
pub(crate) mod time_limit;
pub(crate) mod trace;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::Request;
use tower::ServiceExt;
use tracing::Instrument;

use crate::layers::trace::RequestSpan;
use crate::problem::{self, Place};
use crate::state::Shared;

/// The router, and the same with compression around it.
#[derive(Debug, Clone)]
pub(crate) struct Routers {
    /// For clients that accept no compression.
    pub(crate) plain: Router,
    /// For clients that do.
    pub(crate) compressing: Router,
}

/// Answers one request as the routes do, without what is around them, and returns how long the routes took.
pub(crate) async fn past(shared: &Arc<Shared>, routers: &Routers, mut request: Request<Body>) -> (Response, Duration) {
    let scope = request_id::scope(&request, &shared.ids, shared.engine.tracer(), &shared.http.trusted_proxies);
    request.extensions_mut().insert(scope);
    let begun = Instant::now();
    let response = routers.plain.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    (response, begun.elapsed())
}

/// Answers one request.
pub(crate) async fn through(shared: &Arc<Shared>, routers: &Routers, request: Request<Body>) -> Response {
    let (mut request, rest) = linger::lend(request);
    let tracer = shared.engine.tracer();
    let scope = request_id::scope(&request, &shared.ids, tracer, &shared.http.trusted_proxies);
    let context = &scope.place.context;
    let span = tracing::error_span!(
        "request", request.id = %scope.request_id, trace_id = %context.trace_id, span_id = %context.span_id
    );
    let traced = RequestSpan::begin(tracer, &scope, request.method(), shared.clock.now());
    let log = access_log::Entry::begin(&request);
    let path = request.uri().path().to_owned();
    let (page, is_https) = (cors::page(&shared.http, &request), guard::is_https(request.headers()));
    request.extensions_mut().insert(scope.clone());
    let method = request.method().clone();
    let active = measure::Active::begin(&shared.metrics.active);
    let work = async {
        let answer = async {
            let checked = guard::check_host(&request);
            if let Err(refusal) = checked.and_then(|()| body_limit::check_encoding(request.headers())) {
                return refusal.into_response();
            }
            if let Some(preflight) = page.preflight(&request) {
                return preflight;
            }
            let limit = time_limit::of(&request, shared.http.request_timeout);
            let router = if compression::is_wanted(request.headers()) { &routers.compressing } else { &routers.plain };
            let routed = async { router.clone().oneshot(request).await.unwrap_or_else(|never| match never {}) };
            time_limit::within(limit, routed).await
        };
        let mut response = panic::catch(answer).await;
        let place = Place {
            request_id: scope.request_id.as_str(),
            path: &path,
            now: shared.clock.now(),
            is_development: shared.http.is_development,
        };
        shared.metrics.refused(&response);
        problem::write(&mut response, &place);
        headers::add(&mut response, &scope, is_https);
        page.say(&mut response);
        drop(active);
        shared.metrics.answered(&method, &response, log.elapsed());
        log.end(&response, &path);
        traced.end(&response);
        rest.throw_away();
        response
    };
    work.instrument(span).await
}
