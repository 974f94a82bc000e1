//! The time limit of a request, up to the head of its answer. What reads a file from the client is exempt; streams and
//! downloads are too, since their bodies go on after the head.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use cts_model::Code;
use http::{Method, Request};

use crate::problem::Refusal;

/// Returns the limit of a request; none for a transfer.
pub(crate) fn of<B>(request: &Request<B>, limit: Duration) -> Option<Duration> {
    let is_upload =
        request.uri().path().starts_with("/v1/uploads") && matches!(*request.method(), Method::PUT | Method::POST);
    (!is_upload && !limit.is_zero()).then_some(limit)
}

/// Returns the answer, or a refusal when it takes longer than the limit.
pub(crate) async fn within(limit: Option<Duration>, answer: impl Future<Output = Response>) -> Response {
    let Some(limit) = limit else { return answer.await };
    match tokio::time::timeout(limit, answer).await {
        Ok(response) => response,
        Err(_) => {
            let message = format!("the request took longer than {} s", limit.as_secs_f64());
            Refusal::new(Code::RequestTimeout, message).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_is_given_up_and_an_upload_is_not() {
        let slow = within(Some(Duration::from_secs(1)), std::future::pending()).await;
        assert_eq!(slow.status(), 503);
        let upload = Request::builder().method(Method::PUT).uri("/v1/uploads/x").body(()).unwrap();
        assert_eq!(of(&upload, Duration::from_secs(1)), None);
        assert_eq!(of(&Request::new(()), Duration::from_secs(1)), Some(Duration::from_secs(1)));
    }
}
