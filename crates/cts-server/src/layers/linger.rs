//! Reads on what a client still sends after it was answered: many look at the answer only when they have sent everything,
//! and a connection that is closed before takes the answer with it. What comes is thrown away, up to a limit.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{Request, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;

/// Most bytes that are thrown away.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Longest time for it.
const TIME_MAX: Duration = Duration::from_secs(10);

/// What a handler left of the body of a request.
#[derive(Debug, Default)]
pub(crate) struct Rest(Arc<Mutex<Option<Body>>>);

/// A body that comes back when nobody wants more of it.
struct Lent {
    body: Body,
    rest: Arc<Mutex<Option<Body>>>,
}

/// Lends the body of a request to whoever answers it.
pub(crate) fn lend(request: Request<Body>) -> (Request<Body>, Rest) {
    let rest = Rest::default();
    // Who waits to be asked for the body sends none after a refusal.
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return (request, rest);
    }
    let lend = |body| Body::new(Lent { body, rest: Arc::clone(&rest.0) });
    (request.map(lend), rest)
}

impl Rest {
    /// Throws away what still comes, beside the answer.
    pub(crate) fn throw_away(self) {
        let rest = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(body) = rest {
            tokio::spawn(tokio::time::timeout(TIME_MAX, read_on(body)));
        }
    }
}

async fn read_on(mut body: Body) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        if bytes > BYTES_MAX {
            return;
        }
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            let body = std::mem::replace(&mut self.body, Body::empty());
            *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}
