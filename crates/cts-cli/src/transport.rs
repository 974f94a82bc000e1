//! Where a request goes: to a service over HTTP, or to the same router in the own process. Nothing else differs.
//!
//! A transport knows no types of the API and repeats nothing: what may be repeated is the caller's to know. The
//! addresses that it takes begin with `/`; it never goes to another host than the configured one, whatever a body says.

mod http_transport;
mod in_process;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::{HeaderMap, Request, StatusCode};

pub(crate) use http_transport::Http;
pub(crate) use in_process::InProcess;

/// Longest silence within a body. Streams send a comment every 15 seconds.
const SILENCE_MAX: Duration = Duration::from_secs(50);

/// The pieces of a body, as they come.
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>;

/// The head of an answer, and its body as it comes.
pub(crate) struct Answer {
    /// How it went.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Chunks,
}

impl Answer {
    /// Returns a header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the whole body.
    pub(crate) async fn bytes(mut self, most: usize) -> Result<Bytes, TransportError> {
        let mut whole = Vec::new();
        while let Some(piece) = self.body.next().await {
            let piece = piece?;
            if whole.len() + piece.len() > most {
                return Err(TransportError::odd(format!("the answer is larger than {most} bytes")));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why there is no answer, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub(crate) struct TransportError {
    why: String,
    cause: Cause,
}

/// What may help against a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Nobody was reached: nothing was sent.
    Unreached,
    /// It broke off: something may have been sent.
    Broken,
    /// It stays as it is.
    Odd,
}

impl TransportError {
    /// Returns a connection that was not made.
    pub(crate) fn unreached(why: impl Into<String>) -> Self {
        Self { why: why.into(), cause: Cause::Unreached }
    }

    /// Returns a connection that broke off.
    pub(crate) fn broken(why: impl Into<String>) -> Self {
        Self { why: why.into(), cause: Cause::Broken }
    }

    /// Returns something that stays as it is.
    pub(crate) fn odd(why: impl Into<String>) -> Self {
        Self { why: why.into(), cause: Cause::Odd }
    }

    /// Returns whether somebody was there who may have taken what was sent.
    pub(crate) fn was_reached(&self) -> bool {
        self.cause == Cause::Broken
    }

    /// Returns whether the same may go well at another time.
    pub(crate) fn may_pass(&self) -> bool {
        self.cause != Cause::Odd
    }
}

/// Where requests go.
#[derive(Debug)]
pub(crate) enum Transport {
    /// To a service.
    Http(Http),
    /// To the own process.
    InProcess(InProcess),
}

impl Transport {
    /// Sends a request whose address begins with `/` and returns the head of the answer; `patience` is how long that may
    /// take.
    pub(crate) async fn send(&self, request: Request<Bytes>, patience: Duration) -> Result<Answer, TransportError> {
        let answer = async {
            match self {
                Self::Http(http) => http.send(request).await,
                Self::InProcess(app) => app.send(request).await,
            }
        };
        let answer = tokio::time::timeout(patience, answer)
            .await
            .map_err(|_| TransportError::broken(format!("no answer within {} s", patience.as_secs())))??;
        Ok(Answer { body: impatient(answer.body), ..answer })
    }

    /// Returns with whom it talks, for messages.
    pub(crate) fn peer(&self) -> &str {
        match self {
            Self::Http(http) => http.url(),
            Self::InProcess(_) => "the own process",
        }
    }
}

/// Returns a body that breaks off when it is silent for too long.
fn impatient(body: Chunks) -> Chunks {
    Box::pin(futures_util::stream::unfold(Some(body), |body| async {
        let mut body = body?;
        match tokio::time::timeout(SILENCE_MAX, body.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(body))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(_) => {
                let why = format!("nothing came for {} s", SILENCE_MAX.as_secs());
                Some((Err(TransportError::broken(why)), None))
            }
        }
    }))
}
