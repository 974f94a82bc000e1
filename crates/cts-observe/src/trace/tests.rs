//! Which traces are kept, what a batch looks like to those who know the protocol, and collectors that do not behave.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use cts_model::{ManualClock, SystemClock, TraceState};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span as Received;
use prost::Message as _;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

fn ids() -> Ids {
    Ids::new(Arc::new(SystemClock))
}

fn options(endpoint: &str) -> TracingOptions {
    TracingOptions {
        endpoint: endpoint.to_owned(),
        headers: vec![("x-key".to_owned(), Secret::new("hunter2".to_owned()))],
        ratio: 1.0,
        batch_spans_max: 10,
        queue_spans_max: 20,
        interval: Duration::from_millis(5),
        timeout: Duration::from_millis(200),
        version: "1.2.3",
        environment: "testing".to_owned(),
        instance: "i-1".to_owned(),
    }
}

/// A collector that answers every request with what a test says.
struct Collector {
    endpoint: String,
    requests: Arc<AtomicUsize>,
    received: std::sync::mpsc::Receiver<(String, ExportTraceServiceRequest)>,
}

enum Answer {
    Http(u16, &'static str, Vec<u8>),
    /// None at all, while the connection stays open.
    Silence,
}

impl Collector {
    fn start(answer: impl Fn(usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (requests, (told, received)) = (Arc::new(AtomicUsize::new(0)), std::sync::mpsc::channel());
        let count = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some((head, body)) = read(&mut stream) else { continue };
                let number = count.fetch_add(1, Ordering::SeqCst);
                match answer(number) {
                    Answer::Silence => silent.push(stream),
                    Answer::Http(status, headers, body) => {
                        let head = format!(
                            "HTTP/1.1 {status} X\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n",
                            body.len()
                        );
                        let _ = stream.write_all(&[head.as_bytes(), &body].concat());
                    }
                }
                let body =
                    ExportTraceServiceRequest::decode(body.as_slice()).expect("the request is what the protocol says");
                let _ = told.send((head, body));
            }
        });
        Self { endpoint, requests, received }
    }

    fn good() -> Self {
        Self::start(|_| Answer::Http(200, "", Vec::new()))
    }

    fn next(&self) -> (String, ExportTraceServiceRequest) {
        self.received.recv_timeout(PATIENCE).expect("a request comes")
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let length = stream.read(&mut part).ok().filter(|length| *length > 0)?;
        text.extend_from_slice(&part[..length]);
        let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(text[..end].to_vec()).unwrap().to_lowercase();
        let line = head.lines().find(|line| line.starts_with("content-length:")).unwrap();
        let length: usize = line["content-length:".len()..].trim().parse().unwrap();
        if text.len() >= end + 4 + length {
            return Some((head, text[end + 4..end + 4 + length].to_vec()));
        }
    }
}

struct Bench {
    tracer: Tracer,
    registry: Registry,
}

impl Bench {
    fn start(options: &TracingOptions) -> Self {
        let registry = Registry::new();
        let tracer = Tracer::start(options, Arc::new(SystemClock), &registry).unwrap();
        Self { tracer, registry }
    }

    fn tell(&self, count: usize) {
        for _ in 0..count {
            let place = self.tracer.enter(None, &ids());
            let context = place.context.clone();
            let at = Timestamp::from_ms(1_764_063_000_007);
            self.tracer.tell(&context, || Span::new("x", SpanKind::Internal, place, at, Duration::from_micros(1500)));
        }
    }

    fn value(&self, name: &str, label: &str) -> u64 {
        let text = self.registry.snapshot().text();
        let wanted = if label.is_empty() { format!("{name} ") } else { format!("{name}{{reason=\"{label}\"}} ") };
        let line = text.lines().find(|line| line.starts_with(&wanted)).unwrap_or_else(|| panic!("no {wanted}: {text}"));
        line[wanted.len()..].parse().unwrap()
    }

    fn exported(&self) -> u64 {
        self.value("cts_trace_spans_exported_total", "")
    }

    fn dropped(&self, reason: &str) -> u64 {
        self.value("cts_trace_spans_dropped_total", reason)
    }

    async fn until(&self, what: &str, reached: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !reached(self) {
            assert!(Instant::now() < deadline, "{what} does not happen: {}", self.registry.snapshot().text());
            tokio::task::yield_now().await;
        }
    }
}

fn spans(request: &ExportTraceServiceRequest) -> Vec<Received> {
    request.resource_spans.iter().flat_map(|r| &r.scope_spans).flat_map(|s| &s.spans).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_is_what_the_protocol_says() {
    let collector = Collector::good();
    let bench = Bench::start(&options(&collector.endpoint));
    let caller = TraceContext::from_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    let caller = TraceContext { state: TraceState::read(["a=1"]), ..caller };
    let place = bench.tracer.enter(Some(caller.clone()), &ids());
    let context = place.context.clone();
    let at = Timestamp::from_ms(1_764_063_000_007);
    bench.tracer.tell(&context, || {
        Span::new("GET /v1/runs", SpanKind::Server, place, at, Duration::from_micros(1500))
            .with("text", "ü".repeat(TEXT_BYTES_MAX).as_str())
            .with("number", 7_u64)
            .with("yes", true)
            .with_some("nothing", None::<&str>)
            .failed("it went wrong")
    });
    let (head, request) = collector.next();
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf") && head.contains("x-key: hunter2"), "{head}");
    let resource = request.resource_spans[0].resource.clone().unwrap();
    let texts: Vec<String> = resource
        .attributes
        .iter()
        .map(|pair| match &pair.value.as_ref().unwrap().value {
            Some(Value::StringValue(text)) => format!("{}={text}", pair.key),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        texts,
        ["service.name=cts", "service.version=1.2.3", "service.instance.id=i-1", "deployment.environment.name=testing"]
    );
    let [span] = spans(&request).try_into().unwrap();
    assert_eq!(span.trace_id, caller.trace_id.bytes());
    assert_eq!(span.parent_span_id, caller.span_id.bytes());
    assert_eq!(span.span_id, context.span_id.bytes());
    assert_ne!(span.span_id, span.parent_span_id);
    assert_eq!((span.name.as_str(), span.kind, span.trace_state.as_str()), ("GET /v1/runs", 2, "a=1"));
    assert_eq!(span.start_time_unix_nano, 1_764_063_000_007_000_000);
    assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 1_500_000);
    assert_eq!(span.flags, 0x301);
    let status = span.status.unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "it went wrong"));
    let values: Vec<_> = span.attributes.iter().map(|pair| pair.value.clone().unwrap().value.unwrap()).collect();
    assert_eq!(
        values,
        [Value::StringValue("ü".repeat(TEXT_BYTES_MAX / 2)), Value::IntValue(7), Value::BoolValue(true)]
    );
    bench.until("the count", |bench| bench.exported() == 1).await;
    bench.tracer.end(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_part_of_traces_that_is_kept_is_the_ratio_and_callers_decide_for_theirs() {
    let collector = Collector::good();
    for (ratio, least, most) in [(0.0, 0, 0), (0.1, 800, 1200), (1.0, 10_000, 10_000)] {
        let bench = Bench::start(&TracingOptions { ratio, ..options(&collector.endpoint) });
        let kept = (0..10_000).filter(|_| bench.tracer.enter(None, &ids()).context.sampled).count();
        assert!((least..=most).contains(&kept), "{kept} of 10000 at {ratio}");
        for sampled in [false, true] {
            let caller = TraceContext { sampled, ..bench.tracer.enter(None, &ids()).context };
            let place = bench.tracer.enter(Some(caller.clone()), &ids());
            assert_eq!(place.context.sampled, sampled);
            assert_eq!((place.context.trace_id, place.parent), (caller.trace_id, Some(caller.span_id)));
            assert_eq!(bench.tracer.within(&place.context, &ids()).parent, Some(place.context.span_id));
        }
        bench.tracer.end(Duration::ZERO).await;
    }
}

#[test]
fn a_tracer_that_is_off_passes_on_what_came() {
    let tracer = Tracer::off();
    let caller = TraceContext::from_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    let place = tracer.enter(Some(caller.clone()), &ids());
    assert_eq!(place.context, caller);
    assert_eq!(tracer.within(&caller, &ids()).context, caller);
    tracer.tell(&caller, || unreachable!("nobody hears it"));
    assert!(!tracer.enter(None, &ids()).context.sampled);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_collector_cannot_take_now_is_sent_again() {
    let collector = Collector::start(|number| match number {
        0 => Answer::Http(503, "", Vec::new()),
        1 => Answer::Http(429, "retry-after: 1\r\n", Vec::new()),
        _ => Answer::Http(200, "", Vec::new()),
    });
    let bench = Bench::start(&options(&collector.endpoint));
    bench.tell(1);
    bench.until("the third try", |bench| bench.exported() == 1).await;
    assert_eq!(collector.requests(), 3);
    assert_eq!(bench.value("cts_trace_export_failures_total", ""), 2);
    assert_eq!(bench.dropped("failed"), 0);
    bench.tracer.end(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_collector_does_not_want_is_dropped_at_once() {
    let collector = Collector::start(|number| match number {
        0 => Answer::Http(400, "", Vec::new()),
        1 => Answer::Http(307, "location: http://127.0.0.1:1/\r\n", Vec::new()),
        _ => {
            let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "too old".to_owned() };
            let answer = ExportTraceServiceResponse { partial_success: Some(partial) };
            Answer::Http(200, "", answer.encode_to_vec())
        }
    });
    let bench = Bench::start(&TracingOptions { interval: Duration::from_secs(60), ..options(&collector.endpoint) });
    for (requests, failed) in [(1, 10), (2, 20)] {
        bench.tell(10);
        bench.until("the refusal", |bench| bench.dropped("failed") == failed).await;
        assert_eq!(collector.requests(), requests);
    }
    bench.tell(10);
    bench.until("the rejection", |bench| bench.exported() == 7).await;
    assert_eq!(bench.dropped("rejected"), 3);
    bench.tracer.end(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_nobody_anything_but_spans() {
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bench = Bench::start(&options(&format!("http://{free}")));
    let begun = Instant::now();
    bench.tell(100_000);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // A batch is under way, and another as many as the queue holds wait.
    let held = 10 + 20;
    assert!(bench.dropped("queue_full") >= 100_000 - 2 * held, "{}", bench.dropped("queue_full"));
    let begun = Instant::now();
    bench.tracer.end(PATIENCE).await;
    assert!(begun.elapsed() < PATIENCE / 2, "the end does not wait for one that is away: {:?}", begun.elapsed());
    bench.tell(5);
    let dropped = ["queue_full", "failed", "shutdown"].map(|reason| bench.dropped(reason));
    assert_eq!(dropped.iter().sum::<u64>(), 100_005, "every span is counted once: {dropped:?}");
    assert_eq!(bench.exported(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_does_not_answer_is_left_after_the_time_that_there_is() {
    let collector = Collector::start(|_| Answer::Silence);
    let bench = Bench::start(&TracingOptions { timeout: Duration::from_secs(60), ..options(&collector.endpoint) });
    bench.tell(25);
    collector.next();
    let begun = Instant::now();
    bench.tracer.end(Duration::from_millis(300)).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let dropped = ["queue_full", "failed", "shutdown"].map(|reason| bench.dropped(reason));
    assert_eq!(dropped.iter().sum::<u64>(), 25, "{dropped:?}");

    let impatient =
        Bench::start(&TracingOptions { timeout: Duration::from_millis(20), ..options(&collector.endpoint) });
    impatient.tell(1);
    let failures = |bench: &Bench| bench.value("cts_trace_export_failures_total", "");
    impatient.until("a failure", |bench| failures(bench) > 0).await;
    impatient.tracer.end(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_sent_at_the_end() {
    let collector = Collector::good();
    let bench = Bench::start(&TracingOptions { interval: Duration::from_secs(60), ..options(&collector.endpoint) });
    bench.tell(5);
    bench.tracer.end(PATIENCE).await;
    assert_eq!(bench.exported(), 5);
    assert_eq!(spans(&collector.next().1).len(), 5);
    bench.tracer.end(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_cannot_work_are_refused_and_their_secrets_kept() {
    let registry = Registry::new;
    let clock = || ManualClock::new(Timestamp::from_ms(0));
    let refused = |options: &TracingOptions| Tracer::start(options, clock(), &registry()).unwrap_err().to_string();
    assert!(refused(&options("127.0.0.1:4318")).contains("http://127.0.0.1:4318"));
    let headers = vec![("x key".to_owned(), Secret::new("hunter2".to_owned()))];
    assert!(refused(&TracingOptions { headers, ..options("http://a") }).contains("x key"));
    let headers = vec![("x-key".to_owned(), Secret::new("hunter2\n".to_owned()))];
    let why = refused(&TracingOptions { headers, ..options("http://a") });
    assert!(why.contains("x-key") && !why.contains("hunter2"), "{why}");
}
