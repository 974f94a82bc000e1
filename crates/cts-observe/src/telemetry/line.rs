//! One event as one line.
//!
//! Fields of the spans around an event stand on its line, an inner one before an outer one of the same name. Control
//! characters of a value cannot break a line or reach a terminal, and a value is cut at [`VALUE_BYTES_MAX`].

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use cts_model::{Clock, Timestamp};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Style;
use super::queue::Queue;
use super::repeats::Repeats;

/// Most bytes of one value.
pub(super) const VALUE_BYTES_MAX: usize = 64 << 10;

/// What every JSON line has; a field of such a name gets another one.
const OWN_NAMES: [&str; 4] = ["timestamp", "level", "target", "message"];

thread_local! {
    /// Whether this thread wrote the line of its panic, so that the hook knows whether it has to.
    static PANIC_WRITTEN: Cell<bool> = const { Cell::new(false) };
}

/// Turns events into lines.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    style: Style,
    clock: Arc<dyn Clock>,
    queue: Arc<Queue>,
    repeats: Arc<Repeats>,
}

/// The fields of a span or an event, in the order in which they were recorded.
#[derive(Debug, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    fn take_message(&mut self) -> String {
        match self.0.iter().position(|(name, _)| *name == "message") {
            Some(at) => match self.0.remove(at).1 {
                Value::String(text) => text,
                other => other.to_string(),
            },
            None => String::new(),
        }
    }
}

fn cut(mut text: String) -> Value {
    if text.len() > VALUE_BYTES_MAX {
        text.truncate(text.floor_char_boundary(VALUE_BYTES_MAX));
        text.push('…');
    }
    Value::String(text)
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), cut(value.to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause.filter(|_| text.len() <= VALUE_BYTES_MAX) {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        self.set(field.name(), cut(text));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), cut(format!("{value:?}")));
    }
}

/// A line before it is written out.
struct Line<'a> {
    time: Timestamp,
    level: &'static str,
    target: &'a str,
    message: &'a str,
    fields: &'a [(&'static str, Value)],
}

impl Lines {
    pub(super) fn new(style: Style, clock: Arc<dyn Clock>, queue: Arc<Queue>) -> Self {
        Self { style, clock, queue, repeats: Arc::default() }
    }

    pub(super) fn held_back(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.repeats.held_back)
    }

    /// Runs `log`, which logs a panic, and writes the line itself when that did not lead to one: because the panic
    /// happened within the logging itself, or because the filter lets nothing through.
    pub(super) fn log_panic(&self, target: &str, message: &str, fields: &[(&'static str, Value)], log: impl FnOnce()) {
        PANIC_WRITTEN.set(false);
        log();
        if !PANIC_WRITTEN.get() {
            self.write(&Line { time: self.clock.now(), level: "ERROR", target, message, fields });
        }
    }

    fn write(&self, line: &Line<'_>) {
        self.queue.push(render(self.style, line).as_bytes());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            record.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.take_message();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                for (name, value) in &outer.0 {
                    if !fields.0.iter().any(|(known, _)| known == name) {
                        fields.0.push((name, value.clone()));
                    }
                }
            }
        }
        let metadata = event.metadata();
        let time = self.clock.now();
        let mut hasher = DefaultHasher::new();
        message.hash(&mut hasher);
        fields.0.hash(&mut hasher);
        let Some(held_back) = self.repeats.admit(metadata.callsite(), hasher.finish(), time) else { return };
        if held_back > 0 {
            fields.0.push(("held_back", held_back.into()));
        }
        let level = level_word(*metadata.level());
        self.write(&Line { time, level, target: metadata.target(), message: &message, fields: &fields.0 });
        if metadata.target() == super::panic::TARGET {
            PANIC_WRITTEN.set(true);
        }
    }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::TRACE => "TRACE",
        Level::DEBUG => "DEBUG",
        Level::INFO => "INFO",
        Level::WARN => "WARNING",
        Level::ERROR => "ERROR",
    }
}

/// Returns the line that says how many were dropped.
pub(super) fn dropped_notice(style: Style, time: Timestamp, dropped: u64) -> String {
    let message = format!("{dropped} log lines were dropped, because they were not taken in time");
    let fields = [("lines_dropped", dropped.into())];
    render(style, &Line { time, level: "WARNING", target: module_path!(), message: &message, fields: &fields })
}

fn render(style: Style, line: &Line<'_>) -> String {
    match style {
        Style::Json => json(line),
        Style::Text { colors } => text(line, colors),
    }
}

fn json(line: &Line<'_>) -> String {
    let mut object = Map::with_capacity(OWN_NAMES.len() + line.fields.len());
    object.insert("timestamp".into(), line.time.to_string().into());
    object.insert("level".into(), line.level.into());
    object.insert("target".into(), line.target.into());
    object.insert("message".into(), line.message.into());
    for (name, value) in line.fields {
        let name = if OWN_NAMES.contains(name) { format!("field.{name}") } else { (*name).to_owned() };
        object.insert(name, value.clone());
    }
    let mut out = Value::Object(object).to_string();
    out.push('\n');
    out
}

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";

fn color(level: &str) -> &'static str {
    match level {
        "ERROR" => "\x1b[31m",
        "WARNING" => "\x1b[33m",
        "INFO" => "\x1b[32m",
        _ => "\x1b[34m",
    }
}

fn text(line: &Line<'_>, colors: bool) -> String {
    let paint = |code: &'static str| if colors { code } else { "" };
    let (dim, reset) = (paint(DIM), paint(RESET));
    let time = line.time.to_string();
    // The day is known to the one who looks at a terminal.
    let time = time.get(11..).unwrap_or(&time);
    let mut out = format!("{dim}{time}{reset} {}{:<7}{reset} ", paint(color(line.level)), line.level);
    push_escaped(&mut out, line.message);
    let mut pages = Vec::new();
    for (name, value) in line.fields {
        match value {
            Value::String(text) if text.contains('\n') => pages.push((name, text)),
            Value::String(text) if text.is_empty() || text.contains([' ', '"', '=']) => {
                let _ = write!(out, " {dim}{name}={reset}");
                out.push('"');
                push_escaped(&mut out, text);
                out.push('"');
            }
            Value::String(text) => {
                let _ = write!(out, " {dim}{name}={reset}");
                push_escaped(&mut out, text);
            }
            other => {
                let _ = write!(out, " {dim}{name}={reset}{other}");
            }
        }
    }
    let _ = write!(out, " {dim}{}{reset}", line.target);
    for (name, page) in pages {
        let _ = write!(out, "\n    {dim}{name}:{reset}");
        for part in page.lines() {
            out.push_str("\n    ");
            push_escaped(&mut out, part);
        }
    }
    out.push('\n');
    out
}

/// Adds a text without the characters that a terminal would obey.
fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
}
