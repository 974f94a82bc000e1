//! One line for each request: changes and faults where everybody sees them, reads at debug level.

use std::time::{Duration, Instant};

use axum::response::Response;
use http::{Method, Request};

use crate::layers::gate::Answered;

/// A request under way.
#[derive(Debug)]
pub(crate) struct Entry {
    method: Method,
    begun: Instant,
}

impl Entry {
    /// Notes when a request began.
    pub(crate) fn begin<B>(request: &Request<B>) -> Self {
        Self { method: request.method().clone(), begun: Instant::now() }
    }

    /// Returns how long the request has taken so far.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Writes the line; query strings stay out of the log, since they may hold what a user types.
    pub(crate) fn end(self, response: &Response, path: &str) {
        let (method, status) = (self.method, response.status().as_u16());
        let ms = self.begun.elapsed().as_secs_f64() * 1000.0;
        let actor = response.extensions().get::<Answered>().map(|Answered(actor)| actor);
        let actor = actor.map(tracing::field::display);
        match status {
            500.. => tracing::warn!(status, actor, duration_ms = ms, "{method} {path} answered {status} in {ms:.1} ms"),
            200..=399 if method.is_safe() => {
                tracing::debug!(status, actor, duration_ms = ms, "{method} {path} answered {status} in {ms:.1} ms");
            }
            _ => tracing::info!(status, actor, duration_ms = ms, "{method} {path} answered {status} in {ms:.1} ms"),
        }
    }
}
