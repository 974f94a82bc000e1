//! From a fault to the HTTP answer: the only table of statuses, and the only place that writes a problem body.
//!
//! A handler answers with a [`Refusal`]; the status is known at once, the body is written by the outermost layer, which
//! knows request id, path and time. In production what the system said stays in the log.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use cts_api::problem::{FieldError, MEDIA_TYPE, Problem, title, type_uri};
use cts_api::time::Time;
use cts_engine::EngineError;
use cts_model::{Actor, Category, Code, Fault, FaultDetails, FieldFault, RunId, Timestamp};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use crate::access::rate::Verdict;

/// Seconds after which a client should try again, when it is told so.
const RETRY_AFTER_SECONDS: u32 = 5;

/// How much is allowed within a minute or at once.
pub(crate) const RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// How much of it is left.
pub(crate) const RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// Seconds until there is more.
pub(crate) const RATELIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// What a handler answers when it cannot do what was asked.
#[derive(Debug, Clone)]
pub(crate) struct Refusal(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    fault: Fault,
    run_id: Option<RunId>,
    queue_position: Option<u64>,
    rate: Option<Rate>,
    actor: Option<Actor>,
    headers: HeaderMap,
}

/// What is allowed, and when more of it is.
#[derive(Debug, Clone, Copy)]
struct Rate {
    limit: u64,
    reset_seconds: u32,
}

impl Refusal {
    /// Returns a refusal with one sentence.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Fault::new(code, message).into()
    }

    /// Returns a refusal of a request with faults in its fields.
    pub(crate) fn fields(code: Code, faults: Vec<FieldFault>) -> Self {
        Fault::fields(code, faults).into()
    }

    /// Says which run it is about.
    pub(crate) fn of_run(mut self, run: RunId) -> Self {
        Arc::make_mut(&mut self.0).run_id = Some(run);
        self
    }

    /// Says how much is allowed at once, for the `RateLimit-*` headers.
    pub(crate) fn with_limit(mut self, limit: u64) -> Self {
        Arc::make_mut(&mut self.0).rate = Some(Rate { limit, reset_seconds: RETRY_AFTER_SECONDS });
        self
    }

    /// Says how much is allowed within a minute, and when the next one is.
    pub(crate) fn with_rate(mut self, verdict: Verdict) -> Self {
        let reset_seconds = verdict.reset.max(1);
        Arc::make_mut(&mut self.0).rate = Some(Rate { limit: verdict.limit.into(), reset_seconds });
        self
    }

    /// Says who is refused, as far as that is known although they may not.
    pub(crate) fn by(mut self, actor: Actor) -> Self {
        Arc::make_mut(&mut self.0).actor = Some(actor);
        self
    }

    /// Returns who is refused.
    pub(crate) fn actor(&self) -> Option<&Actor> {
        self.0.actor.as_ref()
    }

    /// Returns the status with which it is answered.
    pub(crate) fn status(&self) -> StatusCode {
        status(self.0.fault.code)
    }

    /// Adds a header to the answer.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        Arc::make_mut(&mut self.0).headers.insert(name, value);
        self
    }

    /// Returns the fault.
    pub(crate) fn fault(&self) -> &Fault {
        &self.0.fault
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let headers = HeaderMap::new();
        Self(Arc::new(Inner { fault, run_id: None, queue_position: None, rate: None, actor: None, headers }))
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let mut refusal = Self::from(error.fault());
        let inner = Arc::make_mut(&mut refusal.0);
        match &error {
            EngineError::QueueFull { position } => {
                inner.queue_position = Some(*position);
                let limit = position.saturating_sub(1);
                inner.rate = Some(Rate { limit, reset_seconds: RETRY_AFTER_SECONDS });
            }
            EngineError::RunNotFound(run) => inner.run_id = Some(*run),
            _ => {}
        }
        if is_internal(inner.fault.code) {
            // The whole chain of causes is for the log; a client sees it in development at most.
            tracing::error!(error = &error as &dyn std::error::Error, "cannot answer a request: {error}");
        }
        refusal
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::empty());
        *response.status_mut() = status(self.0.fault.code);
        response.extensions_mut().insert(self);
        response
    }
}

/// Returns the status of a code.
pub(crate) fn status(code: Code) -> StatusCode {
    match code {
        Code::InvalidRequest | Code::InvalidBody | Code::InvalidParameters | Code::SecretNeeded => {
            StatusCode::BAD_REQUEST
        }
        Code::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::InvalidInput | Code::ChecksumMismatch => StatusCode::UNPROCESSABLE_ENTITY,
        Code::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Code::ForeignOrigin | Code::RoleRequired | Code::CsrfTokenRequired => StatusCode::FORBIDDEN,
        Code::Draining | Code::RequestTimeout | Code::DiskFull | Code::OutOfResources => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        other => match other.category() {
            Category::Validation => StatusCode::BAD_REQUEST,
            Category::Auth => StatusCode::UNAUTHORIZED,
            Category::NotFound => StatusCode::NOT_FOUND,
            Category::Conflict => StatusCode::CONFLICT,
            Category::RateLimited | Category::BudgetExceeded => StatusCode::TOO_MANY_REQUESTS,
            Category::Tool | Category::System => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

/// Returns whether the sentence of a fault may name paths or the system's own words.
fn is_internal(code: Code) -> bool {
    code.category() == Category::System && !matches!(code, Code::Draining | Code::RequestTimeout | Code::ServiceStopped)
}

/// What the outermost layer knows about a request.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The id of the request.
    pub(crate) request_id: &'a str,
    /// The path of the request.
    pub(crate) path: &'a str,
    /// Now.
    pub(crate) now: Timestamp,
    /// Whether the system's own words may be shown.
    pub(crate) is_development: bool,
}

/// Returns the body of a refusal.
pub(crate) fn body(refusal: &Refusal, place: &Place<'_>) -> Problem {
    let Inner { fault, run_id, queue_position, .. } = &*refusal.0;
    let code = fault.code;
    let detail = match is_internal(code) && !place.is_development {
        // The title and the actions of the code hold no path and nothing of the system's own words.
        true => format!("{}: see the service's log for request {}", title(code), place.request_id),
        false => fault.message.clone(),
    };
    let (errors, technical_details) = match &fault.details {
        FaultDetails::Fields(fields) => (Some(fields.iter().map(FieldError::from).collect()), None),
        FaultDetails::System { system_error, error_type } if place.is_development => {
            (None, Some(format!("{error_type}: {system_error}")))
        }
        _ => (None, None),
    };
    Problem {
        kind: type_uri(code),
        title: title(code),
        status: status(code).as_u16(),
        detail,
        instance: place.path.to_owned(),
        error_category: fault.category().into(),
        error_code: code.as_str().to_owned(),
        suggested_actions: fault.actions.clone(),
        recovery_attempted: false,
        request_id: place.request_id.to_owned(),
        run_id: run_id.map(|run| run.to_string()),
        queue_position: *queue_position,
        timestamp: Time(place.now),
        errors,
        technical_details,
    }
}

/// Writes the problem body into an answer that holds a refusal.
pub(crate) fn write(response: &mut Response, place: &Place<'_>) {
    let Some(refusal) = response.extensions_mut().remove::<Refusal>() else { return };
    let bytes = serde_json::to_vec(&body(&refusal, place)).expect("a problem holds texts and numbers only");
    let status = response.status();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    headers.extend(refusal.0.headers.clone());
    let rate = refusal.0.rate.unwrap_or(Rate { limit: 0, reset_seconds: RETRY_AFTER_SECONDS });
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        headers.insert(header::RETRY_AFTER, rate.reset_seconds.into());
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(RATELIMIT_LIMIT, rate.limit.into());
        headers.insert(RATELIMIT_REMAINING, HeaderValue::from_static("0"));
        headers.insert(RATELIMIT_RESET, rate.reset_seconds.into());
    }
    *response.body_mut() = bytes.into();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(is_development: bool) -> Place<'static> {
        Place { request_id: "r-1", path: "/v1/x", now: Timestamp::from_ms(0), is_development }
    }

    #[test]
    fn every_code_has_a_status_that_fits_its_category() {
        for &code in Code::ALL {
            let number = status(code).as_u16();
            let expected = match code.category() {
                Category::Tool | Category::System => 500..=599,
                _ => 400..=499,
            };
            assert!(expected.contains(&number), "{} is {number}", code.as_str());
        }
    }

    #[test]
    fn in_production_the_systems_own_words_stay_in_the_log() {
        let fault = Fault::system(Code::StorageError, "cannot open /var/lib/cts/x", "EIO at sector 7", "EIO");
        let refusal = Refusal::from(fault);
        let text = serde_json::to_string(&body(&refusal, &place(false))).unwrap();
        assert!(!text.contains("/var/lib") && !text.contains("sector"), "{text}");
        let text = serde_json::to_string(&body(&refusal, &place(true))).unwrap();
        assert!(text.contains("/var/lib") && text.contains("sector"), "{text}");
    }

    #[test]
    fn too_much_at_once_says_when_to_come_back() {
        let mut response = Refusal::from(EngineError::QueueFull { position: 11 }).into_response();
        write(&mut response, &place(false));
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!((response.status().as_u16(), header("retry-after").as_str()), (429, "5"));
        assert_eq!((header("ratelimit-limit"), header("ratelimit-remaining")), ("10".into(), "0".into()));
    }
}
