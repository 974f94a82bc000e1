//! How CTS is seen: its own log lines and the ids that follow a request through them, traces, metrics, checks of its
//! health.
//!
//! [`telemetry`] is what a door sets up first and flushes last. It never blocks the one who logs: what the reader of the
//! lines does not take in time is dropped and counted. Nothing here knows runs, HTTP or configuration.

pub mod checks;
mod error;
pub mod metrics;
pub mod request_id;
pub mod telemetry;
pub mod trace;

pub use error::TelemetryError;
pub use telemetry::{Counts, LevelControl, Levels, LogWatch, Style, Telemetry, TelemetryOptions};
pub use trace::{Span, SpanKind, SpanPlace, Tracer, TracingOptions};
