//! The messages of OTLP 1 as far as spans need them, in the numbers of `opentelemetry/proto`.

use std::time::Duration;

use super::{AttributeValue, Span, SpanKind, TracingOptions};

/// A request to a collector.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ExportTraceServiceRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) resource_spans: Vec<ResourceSpans>,
}

/// Its answer.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ExportTraceServiceResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccess>,
}

/// What it did not take.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(super) rejected_spans: i64,
    #[prost(string, tag = "2")]
    pub(super) error_message: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

/// Who tells the spans.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<SpanMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SpanMessage {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    trace_state: String,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    flags: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AnyValue {
    #[prost(oneof = "any_value::Value", tags = "1, 2, 3")]
    value: Option<any_value::Value>,
}

mod any_value {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(super) enum Value {
        #[prost(string, tag = "1")]
        Text(String),
        #[prost(bool, tag = "2")]
        Bool(bool),
        #[prost(int64, tag = "3")]
        Int(i64),
    }
}

/// The numbers of `SpanKind`.
const INTERNAL: i32 = 1;
const SERVER: i32 = 2;
/// The number of the status of what went wrong.
const ERROR: i32 = 2;
/// In the flags of a span: that the next bit says something, and that its parent is in another process.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

fn key_value(key: &str, value: AttributeValue) -> KeyValue {
    let value = match value {
        AttributeValue::Text(text) => any_value::Value::Text(text),
        AttributeValue::Int(number) => any_value::Value::Int(number),
        AttributeValue::Bool(value) => any_value::Value::Bool(value),
    };
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

/// Returns who tells the spans.
pub(super) fn resource(options: &TracingOptions) -> Resource {
    let attributes = [
        ("service.name", "cts"),
        ("service.version", options.version),
        ("service.instance.id", &options.instance),
        ("deployment.environment.name", &options.environment),
    ];
    Resource { attributes: attributes.into_iter().map(|(key, value)| key_value(key, value.into())).collect() }
}

/// Returns the request for a batch.
pub(super) fn request(resource: &Resource, version: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope = Scope { name: "cts".to_owned(), version: version.to_owned() };
    let spans = spans.into_iter().map(message).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { resource: Some(resource.clone()), scope_spans }] }
}

fn message(span: Span) -> SpanMessage {
    let Span { context, parent, parent_is_remote, name, kind, start, took, failure, attributes } = span;
    let start = Duration::from_millis(u64::try_from(start.as_ms()).unwrap_or(0));
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    SpanMessage {
        trace_id: context.trace_id.bytes().to_vec(),
        span_id: context.span_id.bytes().to_vec(),
        trace_state: context.state.map_or_else(String::new, |state| state.as_str().to_owned()),
        parent_span_id: parent.map_or_else(Vec::new, |parent| parent.bytes().to_vec()),
        name: name.into_owned(),
        kind: match kind {
            SpanKind::Internal => INTERNAL,
            SpanKind::Server => SERVER,
        },
        start_time_unix_nano: nanos(start),
        end_time_unix_nano: nanos(start.saturating_add(took)),
        attributes: attributes.into_iter().map(|(key, value)| key_value(key, value)).collect(),
        status: failure.map(|message| Status { message, code: ERROR }),
        flags: u32::from(context.sampled) | if parent_is_remote { HAS_IS_REMOTE | IS_REMOTE } else { 0 },
    }
}
