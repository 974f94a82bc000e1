//! Typed calls in the wire types of the API.
//!
//! Addresses are built here from ids, never taken from bodies: a key is never sent to another host. What changes nothing
//! is repeated when its answer breaks off, and so is the submission of a run, which carries an idempotency key for that.

mod download;
mod follow;
mod retry;
mod sse;
mod upload;
mod watch;

use std::time::Duration;

use bytes::Bytes;
use cts_api::health::{DetailedHealth, Probe};
use cts_api::page::{NEXT_CURSOR, TOTAL_COUNT};
use cts_api::{
    Artifact, Capabilities, CreateRun, CreateToken, Health, LogLevels, LogPage, Preview, Problem, Rerun, Run,
    SetLogLevels, Token, Upload, Version,
};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::CliError;
use crate::transport::{Answer, Transport, TransportError};

pub(crate) use download::Download;
pub(crate) use follow::Heard;
pub(crate) use follow::LogCounts;
pub(crate) use upload::Sending;

/// How long the head of an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// The same where the server works through a whole file before it answers.
const PATIENCE_FOR_FILES: Duration = Duration::from_mins(15);
/// Largest answer in JSON.
const JSON_BYTES_MAX: usize = 256 << 20;
/// How often a request that changes nothing is sent when its answer breaks off.
const GET_TRIES_MAX: u32 = 4;
/// How often a submission is sent when its answer is lost on the way.
const SUBMIT_TRIES_MAX: u32 = 4;
/// Longest part of an odd answer that a message repeats.
const SHOWN_MAX: usize = 200;

pub(crate) const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A page of a list.
#[derive(Debug, Clone)]
pub(crate) struct Page<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
    /// How many there are in all, where the server knows.
    pub(crate) total: Option<u64>,
}

/// The calls.
#[derive(Debug)]
pub(crate) struct Client {
    transport: Transport,
}

/// A request before it is sent.
pub(crate) struct Call(Request<Bytes>, Duration);

impl Call {
    fn new(method: Method, path: &str) -> Self {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().expect("paths are built from encoded parts");
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self(request, PATIENCE)
    }

    fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    fn header(mut self, name: HeaderName, value: &str) -> Self {
        // What cannot stand in a header is left out; the server says what it misses.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    fn json(self, body: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(body).expect("wire types are always JSON");
        let mut call = self.header(CONTENT_TYPE, "application/json");
        *call.0.body_mut() = bytes.into();
        call
    }

    fn bytes(self, bytes: Bytes) -> Self {
        let mut call = self.header(CONTENT_TYPE, "application/octet-stream");
        *call.0.body_mut() = bytes;
        call
    }

    fn patience(mut self, patience: Duration) -> Self {
        self.1 = patience;
        self
    }

    fn again(&self) -> Self {
        Self(self.0.clone(), self.1)
    }
}

impl Client {
    /// Returns the calls over a transport.
    pub(crate) fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// Returns where requests go.
    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Returns the transport itself, to end it.
    pub(crate) fn into_transport(self) -> Transport {
        self.transport
    }

    /// Sends a request and returns the answer when it says that all is well.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer, CliError> {
        let Call(request, patience) = call;
        let answer = self.transport.send(request, patience).await.map_err(|error| self.lost(error))?;
        if answer.status.is_success() { Ok(answer) } else { Err(self.refusal(answer).await) }
    }

    /// Sends a request and reads its answer; one that changes nothing is sent again when its answer breaks off.
    async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, CliError> {
        let mut backoff = retry::Backoff::at_most(if call.0.method() == Method::GET { GET_TRIES_MAX } else { 1 });
        loop {
            let answer = match self.send(call.again()).await {
                Ok(answer) => self.read(answer).await,
                Err(error) => Err(error),
            };
            let broke_off = matches!(&answer, Err(CliError::Connection { source, .. }) if source.was_reached());
            if !(broke_off && backoff.wait().await) {
                return answer;
            }
        }
    }

    async fn read<T: DeserializeOwned>(&self, answer: Answer) -> Result<T, CliError> {
        let bytes = answer.bytes(JSON_BYTES_MAX).await.map_err(|error| self.lost(error))?;
        serde_json::from_slice(&bytes).map_err(|error| self.not_cts(format!("{error} in {}", shown(&bytes))))
    }

    /// Returns a connection that failed.
    pub(crate) fn lost(&self, source: TransportError) -> CliError {
        CliError::Connection { to: self.transport.peer().to_owned(), source }
    }

    fn not_cts(&self, why: String) -> CliError {
        CliError::NotCts { to: self.transport.peer().to_owned(), why }
    }

    async fn refusal(&self, answer: Answer) -> CliError {
        let status = answer.status;
        let bytes = match answer.bytes(JSON_BYTES_MAX).await {
            Ok(bytes) => bytes,
            Err(error) => return self.lost(error),
        };
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => CliError::Problem(Box::new(problem)),
            // A gateway in front of the service answers for it while it starts anew.
            Err(_) if matches!(status.as_u16(), 502..=504) => {
                self.lost(TransportError::broken(format!("a gateway answers {status}")))
            }
            Err(_) => self.not_cts(format!("{status}: {}", shown(&bytes))),
        }
    }

    pub(crate) async fn version(&self) -> Result<Version, CliError> {
        self.json(Call::get("/v1/version")).await
    }

    pub(crate) async fn health(&self) -> Result<Health, CliError> {
        self.json(Call::get("/v1/health")).await
    }

    /// Returns every check of the service.
    pub(crate) async fn detailed_health(&self) -> Result<DetailedHealth, CliError> {
        self.json(Call::get("/health/detailed")).await
    }

    /// Asks whether the service is ready; an error says why it is not.
    pub(crate) async fn ready(&self) -> Result<(), CliError> {
        let Call(request, patience) = Call::get("/health/ready");
        let answer = self.transport.send(request, patience).await.map_err(|error| self.lost(error))?;
        let is_ready = answer.status.is_success();
        let probe: Probe = self.read(answer).await?;
        if is_ready { Ok(()) } else { Err(CliError::usage(format!("it is not ready: {}", probe.reasons.join("; ")))) }
    }

    pub(crate) async fn capabilities(&self) -> Result<Capabilities, CliError> {
        self.json(Call::get("/v1/capabilities")).await
    }

    /// Submits a run. The key makes it safe to send it again when the answer is lost.
    pub(crate) async fn create_run(&self, request: &CreateRun, key: &str) -> Result<Run, CliError> {
        self.submit(Call::new(Method::POST, "/v1/runs").json(request).header(IDEMPOTENCY_KEY, key)).await
    }

    /// Submits the request of an earlier run with changes.
    pub(crate) async fn rerun(&self, run: &str, changes: &Rerun, key: &str) -> Result<Run, CliError> {
        let path = format!("/v1/runs/{}/rerun", encode(run));
        self.submit(Call::new(Method::POST, &path).json(changes).header(IDEMPOTENCY_KEY, key)).await
    }

    async fn submit(&self, call: Call) -> Result<Run, CliError> {
        let mut backoff = retry::Backoff::at_most(SUBMIT_TRIES_MAX);
        let mut was_reached = false;
        loop {
            let error = match self.json(call.again()).await {
                Ok(run) => return Ok(run),
                Err(error) => error,
            };
            // Nobody there from the first is told at once; an answer that was lost on the way is asked for again.
            let CliError::Connection { source, .. } = &error else { return Err(error) };
            was_reached |= source.was_reached();
            if !(was_reached && source.may_pass() && backoff.wait().await) {
                return Err(error);
            }
        }
    }

    /// Returns a run; with `wait` as soon as its state changes, or when that time is over.
    pub(crate) async fn run(&self, run: &str, wait: Option<Duration>) -> Result<Run, CliError> {
        let mut path = format!("/v1/runs/{}", encode(run));
        if let Some(wait) = wait {
            path.push_str(&format!("?wait={}ms", wait.as_millis()));
        }
        self.json(Call::get(&path).patience(PATIENCE + wait.unwrap_or_default())).await
    }

    /// Returns a page of runs. `query` are names and values, not encoded.
    pub(crate) async fn runs(&self, query: &[(&str, String)]) -> Result<Page<Run>, CliError> {
        let answer = self.send(Call::get(&format!("/v1/runs{}", query_text(query)))).await?;
        let next = answer.header(NEXT_CURSOR).map(str::to_owned);
        let total = answer.header(TOTAL_COUNT).and_then(|text| text.parse().ok());
        Ok(Page { items: self.read(answer).await?, next, total })
    }

    pub(crate) async fn cancel(&self, run: &str) -> Result<Run, CliError> {
        self.json(Call::new(Method::POST, &format!("/v1/runs/{}/cancel", encode(run)))).await
    }

    /// Returns some lines of a log.
    pub(crate) async fn log_page(&self, run: &str, query: &[(&str, String)]) -> Result<LogPage, CliError> {
        self.json(Call::get(&format!("/v1/runs/{}/logs/list{}", encode(run), query_text(query)))).await
    }

    pub(crate) async fn artifacts(&self, run: &str) -> Result<Vec<Artifact>, CliError> {
        self.json(Call::get(&format!("/v1/runs/{}/artifacts", encode(run)))).await
    }

    pub(crate) async fn artifact(&self, id: &str) -> Result<Artifact, CliError> {
        self.json(Call::get(&format!("/v1/artifacts/{}", encode(id)))).await
    }

    pub(crate) async fn preview(&self, id: &str) -> Result<Preview, CliError> {
        self.json(Call::get(&format!("/v1/artifacts/{}/preview", encode(id)))).await
    }

    /// Makes a token. It is not asked for again when the answer is lost: its text would be lost all the same.
    pub(crate) async fn create_token(&self, request: &CreateToken) -> Result<Token, CliError> {
        self.json(Call::new(Method::POST, "/v1/tokens").json(request)).await
    }

    pub(crate) async fn tokens(&self) -> Result<Vec<Token>, CliError> {
        self.json(Call::get("/v1/tokens")).await
    }

    pub(crate) async fn revoke_token(&self, id: &str) -> Result<(), CliError> {
        self.send(Call::new(Method::DELETE, &format!("/v1/tokens/{}", encode(id)))).await.map(|_| ())
    }

    pub(crate) async fn log_levels(&self) -> Result<LogLevels, CliError> {
        self.json(Call::get("/v1/log-level")).await
    }

    pub(crate) async fn set_log_levels(&self, request: &SetLogLevels) -> Result<LogLevels, CliError> {
        self.json(Call::new(Method::PUT, "/v1/log-level").json(request)).await
    }

    async fn upload_state(&self, id: &str) -> Result<Upload, CliError> {
        self.json(Call::get(&format!("/v1/uploads/{}", encode(id)))).await
    }
}

fn shown(bytes: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(bytes).chars().take(SHOWN_MAX).collect();
    if text.trim().is_empty() { "an empty body".to_owned() } else { format!("{text:?}") }
}

fn query_text(query: &[(&str, String)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Returns a text that may stand in a path or a query: everything but letters, digits and `-._~` is encoded.
fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_encoded_for_addresses() {
        assert_eq!(encode("../etc/ä b?&=#"), "..%2Fetc%2F%C3%A4%20b%3F%26%3D%23");
        assert_eq!(query_text(&[("q", "a b".into()), ("limit", "5".into())]), "?q=a%20b&limit=5");
        assert_eq!(query_text(&[]), "");
    }

    #[test]
    fn an_odd_answer_is_shown_cut() {
        assert_eq!(shown(b" "), "an empty body");
        assert!(shown(&[b'x'; 10_000]).len() < 210);
    }
}
