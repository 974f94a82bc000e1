//! Traces: which spans there are, which of them are kept, and how they reach a collector.
//!
//! A span is told when it is over, in one piece. Telling it never waits: it goes into a bounded queue, from which a task
//! sends batches to the collector; what does not fit, or cannot be delivered, is dropped and counted. Whether a trace is
//! kept is decided once, where it begins, and stands in its context, which also goes to children and into rows: so the
//! parts of one trace agree, whichever process they happen in and when.

mod export;
mod message;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use cts_model::{Clock, Ids, Secret, SpanId, Timestamp, TraceContext, TraceId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::metrics::{Counter, Label, Labeled, Registry};
use export::Exporter;
pub use export::TraceError;

/// Longest text of an attribute, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024;
/// Most attributes of a span.
pub const ATTRIBUTES_MAX: usize = 24;

/// How spans are kept and where they go.
#[derive(Debug, Clone)]
pub struct TracingOptions {
    /// The collector's address: `http` or `https`, host, port; the path of traces is added.
    pub endpoint: String,
    /// Headers of every request to the collector.
    pub headers: Vec<(String, Secret)>,
    /// Which part of the traces that begin here is kept, from 0 to 1.
    pub ratio: f64,
    /// Most spans of one request to the collector.
    pub batch_spans_max: usize,
    /// Most spans that wait; further ones are dropped.
    pub queue_spans_max: usize,
    /// A batch that is not full is sent after this time.
    pub interval: Duration,
    /// How long one request to the collector may take.
    pub timeout: Duration,
    /// The version of the service.
    pub version: &'static str,
    /// The name of the profile.
    pub environment: String,
    /// The id of this process among those of the same service.
    pub instance: String,
}

/// Where a span happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Within the service.
    Internal,
    /// It answers somebody.
    Server,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        Self::Text(text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned())
    }
}

impl From<u64> for AttributeValue {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for AttributeValue {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<i32> for AttributeValue {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<bool> for AttributeValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// A span that is over.
#[derive(Debug, Clone)]
pub struct Span {
    context: TraceContext,
    parent: Option<SpanId>,
    parent_is_remote: bool,
    name: Cow<'static, str>,
    kind: SpanKind,
    start: Timestamp,
    took: Duration,
    failure: Option<String>,
    attributes: Vec<(&'static str, AttributeValue)>,
}

impl Span {
    /// Begins the description of a span that went well.
    #[must_use]
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
        place: SpanPlace,
        start: Timestamp,
        took: Duration,
    ) -> Self {
        let SpanPlace { context, parent, parent_is_remote } = place;
        let attributes = Vec::with_capacity(8);
        Self { context, parent, parent_is_remote, name: name.into(), kind, start, took, failure: None, attributes }
    }

    /// Adds an attribute; beyond [`ATTRIBUTES_MAX`] there are no more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<AttributeValue>) -> Self {
        if self.attributes.len() < ATTRIBUTES_MAX {
            self.attributes.push((name, value.into()));
        }
        self
    }

    /// Adds an attribute where there is a value.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<AttributeValue>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Says that it went wrong, and how.
    #[must_use]
    pub fn failed(mut self, why: &str) -> Self {
        self.failure = Some(why[..why.floor_char_boundary(TEXT_BYTES_MAX)].to_owned());
        self
    }
}

/// Where a span stands in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpanPlace {
    /// The span itself.
    pub context: TraceContext,
    /// The span around it; none for the first of a trace.
    pub parent: Option<SpanId>,
    /// Whether that is known to be a span of another process.
    pub parent_is_remote: bool,
}

/// What became of spans, as labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DropReason {
    QueueFull,
    Failed,
    Rejected,
    Shutdown,
}

impl Label for DropReason {
    const ALL: &'static [Self] = &[Self::QueueFull, Self::Failed, Self::Rejected, Self::Shutdown];

    fn word(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Shutdown => "shutdown",
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

/// The metrics of traces.
#[derive(Debug, Clone)]
pub struct TraceMetrics {
    exported: Counter,
    dropped: Arc<Labeled<DropReason, Counter>>,
    failures: Counter,
}

impl TraceMetrics {
    /// Adds them to a registry.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self {
            exported: registry.counter("cts_trace_spans_exported_total", "Spans that the collector has taken"),
            dropped: Arc::new(
                registry
                    .counters(
                        "cts_trace_spans_dropped_total",
                        "Spans that were lost: the queue was full, the collector could not be reached or did not take \
                         them, or the service had ended",
                        &["reason"],
                    )
                    .by(),
            ),
            failures: registry
                .counter("cts_trace_export_failures_total", "Requests to the collector that failed, repeated ones too"),
        }
    }

    fn drop(&self, reason: DropReason, spans: usize) {
        self.dropped.get(reason).inc_by(spans as u64);
    }
}

/// Tells spans. Cloning it is cheap.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Exporting>>);

#[derive(Debug)]
struct Exporting {
    queue: mpsc::Sender<Span>,
    metrics: TraceMetrics,
    /// Traces whose number is below it are kept.
    threshold: u64,
    /// From when on the exporter has to end, and until when it may go on.
    end: watch::Sender<Option<tokio::time::Instant>>,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Tracer {
    /// Returns a tracer that tells nothing; contexts of others are passed on as they came.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// Begins to tell spans to a collector; needs a runtime.
    ///
    /// # Errors
    /// Options of which no client can be made.
    pub fn start(options: &TracingOptions, clock: Arc<dyn Clock>, registry: &Registry) -> Result<Self, TraceError> {
        let metrics = TraceMetrics::new(registry);
        let (queue, spans) = mpsc::channel(options.queue_spans_max.max(1));
        let (end, ended) = watch::channel(None);
        let exporter = Exporter::new(options, spans, ended, clock, metrics.clone())?;
        let task = std::sync::Mutex::new(Some(tokio::spawn(exporter.run())));
        Ok(Self(Some(Arc::new(Exporting { queue, metrics, threshold: threshold(options.ratio), end, task }))))
    }

    /// Returns whether spans are told.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Returns the place of what somebody asks for: within the caller's trace, which also says whether it is kept; in a
    /// new one where there is none. A tracer that is off stands in nobody's trace: what is done for a caller is done
    /// within the caller's own span.
    #[must_use]
    pub fn enter(&self, caller: Option<TraceContext>, ids: &Ids) -> SpanPlace {
        match (&self.0, caller) {
            (None, Some(context)) => SpanPlace { context, parent: None, parent_is_remote: false },
            (Some(_), Some(caller)) => {
                SpanPlace { context: caller.span(ids.span()), parent: Some(caller.span_id), parent_is_remote: true }
            }
            (exporting, None) => {
                let trace_id = ids.trace();
                let sampled = exporting.as_ref().is_some_and(|exporting| number(trace_id) < exporting.threshold);
                let context = TraceContext { trace_id, span_id: ids.span(), sampled, state: None };
                SpanPlace { context, parent: None, parent_is_remote: false }
            }
        }
    }

    /// Returns the place of a part of something.
    #[must_use]
    pub fn within(&self, whole: &TraceContext, ids: &Ids) -> SpanPlace {
        if self.0.is_none() {
            return SpanPlace { context: whole.clone(), parent: None, parent_is_remote: false };
        }
        SpanPlace { context: whole.span(ids.span()), parent: Some(whole.span_id), parent_is_remote: false }
    }

    /// Tells the span that `describe` returns, where the trace of `context` is kept. Never waits.
    pub fn tell(&self, context: &TraceContext, describe: impl FnOnce() -> Span) {
        let Some(exporting) = self.0.as_ref().filter(|_| context.sampled) else { return };
        if let Err(error) = exporting.queue.try_send(describe()) {
            let reason = match error {
                mpsc::error::TrySendError::Full(_) => DropReason::QueueFull,
                mpsc::error::TrySendError::Closed(_) => DropReason::Shutdown,
            };
            exporting.metrics.drop(reason, 1);
        }
    }

    /// Sends what waits, for `at_most` that long, and ends; what is told later is dropped.
    pub async fn end(&self, at_most: Duration) {
        let Some(exporting) = &self.0 else { return };
        let task = exporting.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        let Some(mut task) = task else { return };
        exporting.end.send_replace(Some(tokio::time::Instant::now() + at_most));
        if tokio::time::timeout(at_most + END_SLACK, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// How much longer than it may an exporter is waited for.
const END_SLACK: Duration = Duration::from_millis(200);

/// Returns what the number of a trace must be below for it to be kept.
fn threshold(ratio: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the ratio is held within 0 and 1")]
    let threshold = (ratio.clamp(0.0, 1.0) * NUMBERS as f64) as u64;
    threshold
}

/// How many numbers of traces there are.
const NUMBERS: u64 = 1 << 53;

/// Returns the number of a trace, by which every service that samples by the id decides alike: its last bytes.
fn number(trace: TraceId) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = *trace.bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 11
}

#[cfg(test)]
mod tests;
