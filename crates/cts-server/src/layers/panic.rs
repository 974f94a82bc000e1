//! A panic in a handler ends that request with a safe body and nothing else. Its place and stack are logged by the hook
//! that `cts-observe` sets, within the span of the request.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::response::{IntoResponse, Response};
use cts_model::{Code, Fault};
use futures_util::FutureExt;

use crate::problem::Refusal;

/// Returns the answer, or a safe one when making it panicked.
pub(crate) async fn catch(answer: impl Future<Output = Response>) -> Response {
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(response) => response,
        Err(payload) => {
            let message = words(&*payload);
            let fault = Fault::system(Code::Internal, "an error inside the service", message, "panic");
            Refusal::from(fault).into_response()
        }
    }
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_a_refusal() {
        let response = catch(async { panic!("boom") }).await;
        assert_eq!(response.status(), 500);
        assert_eq!(response.extensions().get::<Refusal>().unwrap().fault().code, Code::Internal);
    }
}
