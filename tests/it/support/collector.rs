//! The receiving side of OTLP over HTTP: takes spans as the protocol's own types say, or does not behave.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;

/// How a collector treats those who send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It takes everything.
    Takes,
    /// It answers with this status, and takes nothing.
    Refuses(u16),
    /// It reads and never answers.
    Hangs,
}

/// A span as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) state: String,
    pub(crate) kind: i32,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) is_error: bool,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) resource: Vec<(String, String)>,
}

impl Span {
    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn of_service(&self, name: &str) -> &str {
        self.resource.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// A collector on a port of its own.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    heads: Arc<Mutex<Vec<String>>>,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (heads, spans) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<Span>>>::default());
        let (told, kept) = (Arc::clone(&heads), Arc::clone(&spans));
        std::thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some((head, body)) = read(&mut stream) else { continue };
                let request = ExportTraceServiceRequest::decode(body.as_slice()).expect("it is what the protocol says");
                told.lock().unwrap().push(head);
                let status = match manner {
                    Manner::Hangs => {
                        hanging.push(stream);
                        continue;
                    }
                    Manner::Refuses(status) => status,
                    Manner::Takes => {
                        kept.lock().unwrap().extend(received(request));
                        200
                    }
                };
                let _ = write!(stream, "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            }
        });
        Self { endpoint, heads, spans }
    }

    /// The heads of the requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// All spans so far, with everything in them.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }

    /// The spans of a trace so far, in the order of their beginnings.
    pub(crate) fn trace(&self, id: &str) -> Vec<Span> {
        let mut spans: Vec<Span> = self.spans.lock().unwrap().iter().filter(|span| span.trace == id).cloned().collect();
        spans.sort_by_key(|span| span.start);
        spans
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn texts(pairs: &[KeyValue]) -> Vec<(String, String)> {
    let text = |pair: &KeyValue| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(value)) => value.to_string(),
        other => panic!("{}: {other:?}", pair.key),
    };
    pairs.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}

fn received(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = texts(&of_resource.resource.unwrap().attributes);
        for span in of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans) {
            assert!(span.trace_id.len() == 16 && span.span_id.len() == 8, "{span:?}");
            assert!(matches!(span.parent_span_id.len(), 0 | 8), "{span:?}");
            spans.push(Span {
                name: span.name,
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                state: span.trace_state,
                kind: span.kind,
                start: span.start_time_unix_nano,
                end: span.end_time_unix_nano,
                is_error: span.status.is_some_and(|status| status.code == 2),
                attributes: texts(&span.attributes),
                resource: resource.clone(),
            });
        }
    }
    spans
}

fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut text = Vec::new();
    let mut part = [0; 16 << 10];
    loop {
        let length = stream.read(&mut part).ok().filter(|length| *length > 0)?;
        text.extend_from_slice(&part[..length]);
        let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(text[..end].to_vec()).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"))?;
        let length: usize = length.trim().parse().unwrap();
        if text.len() >= end + 4 + length {
            return Some((head, text[end + 4..end + 4 + length].to_vec()));
        }
    }
}
