//! The task that sends spans to a collector: OTLP over HTTP with protobuf.
//!
//! One batch is under way at a time; meanwhile the queue fills, up to its limit. What the collector cannot take now is
//! sent again after a while, a few times; what it does not want is dropped. Trouble is logged when it begins and when it
//! ends, not for every batch. Redirects are not followed and no proxy is asked: the headers may hold a secret.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cts_model::{Clock, Ids};
use prost::Message as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::message::{self, ExportTraceServiceResponse, PartialSuccess, Resource};
use super::{DropReason, Span, TraceMetrics, TracingOptions};

/// How often a batch is sent before it is given up.
const TRIES_MAX: u32 = 4;
/// The pause after the first failure; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, also when the collector asks for a longer one.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Largest answer of a collector that is looked at.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// The path that is added to an endpoint.
const PATH: &str = "/v1/traces";
/// Longest text of a collector that is logged, in characters.
const SHOWN_MAX: usize = 200;

/// Why no spans can be sent.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The endpoint is no address of a collector. It may hold a password, so it is not repeated.
    #[error("the endpoint is no address of a collector, such as http://127.0.0.1:4318")]
    Endpoint,
    /// A name or a value cannot stand in a header. The value is a secret.
    #[error("{0:?} cannot be a header, or its value cannot")]
    Header(String),
    /// No client can be made.
    #[error("cannot make a client for the collector")]
    Client(#[source] reqwest::Error),
}

/// Sends spans.
pub(super) struct Exporter {
    spans: mpsc::Receiver<Span>,
    end: watch::Receiver<Option<Instant>>,
    client: Client,
    url: Url,
    headers: HeaderMap,
    resource: Resource,
    version: &'static str,
    batch_max: usize,
    interval: Duration,
    timeout: Duration,
    ids: Ids,
    metrics: TraceMetrics,
    trouble: Option<Trouble>,
    rejection_told: bool,
}

/// A time in which nothing can be sent.
#[derive(Debug, Default)]
struct Trouble {
    failures: u32,
    lost: u64,
}

/// Why a batch was not taken.
#[derive(Debug)]
struct Refused {
    why: String,
    /// Whether it may be taken later, and when the collector wants it.
    again: Option<Option<Duration>>,
}

impl Exporter {
    pub(super) fn new(
        options: &TracingOptions,
        spans: mpsc::Receiver<Span>,
        end: watch::Receiver<Option<Instant>>,
        clock: Arc<dyn Clock>,
        metrics: TraceMetrics,
    ) -> Result<Self, TraceError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &options.headers {
            let bad = || TraceError::Header(name.clone());
            let parsed: HeaderName = name.parse().map_err(|_| bad())?;
            let mut value = HeaderValue::from_str(value.reveal()).map_err(|_| bad())?;
            value.set_sensitive(true);
            headers.append(parsed, value);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .user_agent(concat!("cts/", env!("CARGO_PKG_VERSION")))
            .pool_max_idle_per_host(1)
            .build()
            .map_err(TraceError::Client)?;
        Ok(Self {
            spans,
            end,
            client,
            url: url(&options.endpoint).ok_or(TraceError::Endpoint)?,
            headers,
            resource: message::resource(options),
            version: options.version,
            batch_max: options.batch_spans_max.max(1),
            interval: options.interval,
            timeout: options.timeout,
            ids: Ids::new(clock),
            metrics,
            trouble: None,
            rejection_told: false,
        })
    }

    /// Sends what comes until it has to end, then what is left.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::new();
        while self.deadline().is_none() {
            let has_more = self.gather(&mut batch).await;
            if !batch.is_empty() && self.deadline().is_none() {
                self.deliver(&mut batch).await;
            }
            if !has_more {
                break;
            }
        }
        let deadline = self.deadline().unwrap_or_else(|| Instant::now() + self.timeout);
        self.send_rest(batch, deadline).await;
    }

    fn deadline(&self) -> Option<Instant> {
        *self.end.borrow()
    }

    /// Adds spans to a batch until it is full, its time is over or all has to end; false when nobody is left who tells
    /// any.
    async fn gather(&mut self, batch: &mut Vec<Span>) -> bool {
        let mut send_at = None;
        while batch.len() < self.batch_max {
            let pause = tokio::time::sleep_until(send_at.unwrap_or_else(|| Instant::now() + self.interval));
            let room = self.batch_max - batch.len();
            tokio::select! {
                count = self.spans.recv_many(batch, room) => {
                    if count == 0 {
                        return false;
                    }
                    send_at.get_or_insert(Instant::now() + self.interval);
                }
                () = pause, if send_at.is_some() => return true,
                ended = self.end.changed() => return ended.is_ok(),
            }
        }
        true
    }

    /// Sends a batch until the collector has taken it, does not want it, or was tried often enough; stops when all has to
    /// end, with the batch as it is.
    async fn deliver(&mut self, batch: &mut Vec<Span>) {
        let count = batch.len();
        let body = self.body(std::mem::take(batch));
        for left in (0..TRIES_MAX).rev() {
            let mut end = self.end.clone();
            let sent = tokio::select! {
                sent = self.send(body.clone(), count, self.timeout) => sent,
                _ = end.wait_for(Option::is_some) => break,
            };
            let Err(refused) = sent else { return };
            self.failed(&refused.why);
            let Some(asked) = refused.again.filter(|_| left > 0) else { return self.lost(DropReason::Failed, count) };
            let pause = self.pause(asked);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = end.wait_for(Option::is_some) => break,
            }
        }
        // What was under way when the end came gets one more try, with the time that is left.
        let left = self.deadline().map_or(Duration::ZERO, |deadline| deadline - Instant::now());
        match self.send(body, count, left.min(self.timeout)).await {
            Ok(()) => {}
            Err(refused) => {
                self.failed(&refused.why);
                self.lost(DropReason::Failed, count);
            }
        }
    }

    /// Sends what is left, until the deadline or the first failure.
    async fn send_rest(&mut self, mut batch: Vec<Span>, deadline: Instant) {
        self.spans.close();
        loop {
            let room = self.batch_max.saturating_sub(batch.len());
            if room > 0 {
                self.spans.recv_many(&mut batch, room).await;
            }
            if batch.is_empty() {
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now()).min(self.timeout);
            let count = batch.len();
            let is_hopeless = left.is_zero() || self.trouble.as_ref().is_some_and(|trouble| trouble.lost > 0);
            let body = self.body(std::mem::take(&mut batch));
            if is_hopeless {
                self.lost(DropReason::Shutdown, count);
            } else if let Err(refused) = self.send(body, count, left).await {
                self.failed(&refused.why);
                self.lost(DropReason::Failed, count);
            }
        }
    }

    fn body(&self, batch: Vec<Span>) -> bytes::Bytes {
        message::request(&self.resource, self.version, batch).encode_to_vec().into()
    }

    /// Sends a batch once and counts what was taken.
    async fn send(&mut self, body: bytes::Bytes, count: usize, at_most: Duration) -> Result<(), Refused> {
        let asked = async {
            let request = self.client.post(self.url.clone()).headers(self.headers.clone()).body(body);
            let mut answer = request.send().await.map_err(|error| broken(&error))?;
            let status = answer.status();
            if !status.is_success() {
                return Err(refusal(status, answer.headers()));
            }
            let mut bytes = Vec::new();
            while let Some(part) = answer.chunk().await.map_err(|error| broken(&error))? {
                bytes.extend_from_slice(&part);
                if bytes.len() > ANSWER_BYTES_MAX {
                    bytes.clear();
                    break;
                }
            }
            Ok(bytes)
        };
        let bytes = match tokio::time::timeout(at_most, asked).await {
            Ok(asked) => asked?,
            Err(_) => {
                let why = format!("it did not answer within {} s", at_most.as_secs_f64());
                return Err(Refused { why, again: Some(None) });
            }
        };
        // An answer that cannot be read says nothing against the spans.
        let answer = ExportTraceServiceResponse::decode(bytes.as_slice()).unwrap_or_default();
        let PartialSuccess { rejected_spans, error_message } = answer.partial_success.unwrap_or_default();
        let rejected = usize::try_from(rejected_spans).unwrap_or(0).min(count);
        self.metrics.exported.inc_by((count - rejected) as u64);
        self.works();
        if rejected > 0 {
            self.metrics.drop(DropReason::Rejected, rejected);
            if !std::mem::replace(&mut self.rejection_told, true) {
                tracing::warn!("the collector rejects spans: {}", shown(&error_message));
            }
        }
        Ok(())
    }

    /// Notes a failure; only the first of several is logged.
    fn failed(&mut self, why: &str) {
        self.metrics.failures.inc();
        if self.trouble.is_none() {
            tracing::warn!(
                "traces cannot be sent to {}: {why}; what does not fit into the queue meanwhile is dropped and counted",
                self.url
            );
        }
        self.trouble.get_or_insert_default().failures += 1;
    }

    fn works(&mut self) {
        if let Some(trouble) = self.trouble.take() {
            tracing::info!("traces are sent to {} again; {} spans were given up", self.url, trouble.lost);
        }
    }

    fn lost(&mut self, reason: DropReason, count: usize) {
        self.metrics.drop(reason, count);
        self.trouble.get_or_insert_default().lost += count as u64;
    }

    /// Returns how long to wait: what the collector asks for, else longer after every failure, by chance not like others.
    fn pause(&self, asked: Option<Duration>) -> Duration {
        let failures = self.trouble.as_ref().map_or(1, |trouble| trouble.failures).max(1);
        let longest = PAUSE.saturating_mul(1 << (failures - 1).min(8)).min(PAUSE_MAX);
        let [chance, ..] = *self.ids.span().bytes();
        let pause = longest.mul_f64(0.5 + f64::from(chance) / 510.0);
        asked.map_or(pause, |asked| asked.max(pause)).min(PAUSE_MAX)
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").finish_non_exhaustive()
    }
}

fn broken(error: &reqwest::Error) -> Refused {
    let mut why = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        why = error.to_string();
        cause = error.source();
    }
    let why = if why.is_empty() { "the request failed".to_owned() } else { why };
    Refused { why: shown(&why), again: Some(None) }
}

fn refusal(status: StatusCode, headers: &HeaderMap) -> Refused {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    let is_passing = matches!(status.as_u16(), 429 | 502 | 503 | 504);
    Refused { why: format!("it answers {status}"), again: is_passing.then(|| seconds.map(Duration::from_secs)) }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect::<String>().escape_debug().to_string()
}

/// Returns where traces go.
fn url(endpoint: &str) -> Option<Url> {
    let mut url: Url = endpoint.parse().ok()?;
    let path = url.path().trim_end_matches('/');
    if !path.ends_with(PATH) {
        let path = format!("{path}{PATH}");
        url.set_path(&path);
    }
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain && url.fragment().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_is_added_to_an_endpoint() {
        let at = |endpoint: &str| url(endpoint).map(|url| url.to_string());
        assert_eq!(at("http://127.0.0.1:4318").as_deref(), Some("http://127.0.0.1:4318/v1/traces"));
        assert_eq!(at("https://collect.example/otlp/").as_deref(), Some("https://collect.example/otlp/v1/traces"));
        assert_eq!(at("http://a/v1/traces").as_deref(), Some("http://a/v1/traces"));
        for bad in ["", "a:4318", "127.0.0.1:4318", "ftp://a", "http://user:secret@a", "http://a?key=1", "http://"] {
            assert_eq!(at(bad), None, "{bad:?}");
        }
    }
}
