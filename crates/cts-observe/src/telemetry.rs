//! The service's own log: one line for each event, as JSON or as text, with the fields of the spans around it.
//!
//! A line goes into a bounded queue and a thread writes it, so a full pipe never blocks the service; what does not fit is
//! dropped and counted. Lines that repeat themselves are held back and counted. The level can be changed for a module
//! while the service runs. A panic is a line too, with its backtrace.

mod levels;
mod line;
mod panic;
mod queue;
mod repeats;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cts_model::{Clock, Level};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::error::TelemetryError;
pub use levels::{BadModuleName, LevelControl, Levels, ModuleName};
use line::Lines;
use queue::Queue;

/// How long a log that goes out of scope is waited for.
const FLUSH_AT_END: Duration = Duration::from_secs(1);

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// One JSON object a line: `timestamp`, `level`, `target`, `message`, then the fields.
    Json,
    /// For people.
    Text {
        /// Whether colors are understood.
        colors: bool,
    },
}

impl Style {
    /// Returns the style where nobody chose one: text on a terminal, JSON elsewhere and always in production.
    #[must_use]
    pub fn auto(production: bool, terminal: bool, colors: bool) -> Self {
        if production || !terminal { Self::Json } else { Self::Text { colors } }
    }
}

/// What the log is set up with.
#[derive(Debug, Clone)]
pub struct TelemetryOptions {
    /// How lines look.
    pub style: Style,
    /// The least level of CTS's own lines.
    pub level: Level,
    /// Whether libraries tell what they do as well, not only what went wrong.
    pub libraries: bool,
    /// Where the lines' times come from.
    pub clock: Arc<dyn Clock>,
}

/// What became of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Lines that nobody took in time, or that could not be written.
    pub lines_dropped: u64,
    /// Lines that repeated others.
    pub lines_held_back: u64,
    /// Panics.
    pub panics: u64,
}

/// Tells what became of lines so far. Cloning it is cheap; the default one is that of a process without a log, all zero.
#[derive(Debug, Clone, Default)]
pub struct LogWatch {
    queue: Option<Arc<Queue>>,
    held_back: Arc<AtomicU64>,
    panics: Arc<AtomicU64>,
}

impl LogWatch {
    /// Returns what became of lines so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            lines_dropped: self.queue.as_ref().map_or(0, |queue| queue.dropped()),
            lines_held_back: self.held_back.load(Ordering::Relaxed),
            panics: self.panics.load(Ordering::Relaxed),
        }
    }
}

/// The log, once it is set up. Going out of scope it waits a second at most until everything is written.
#[derive(Debug)]
pub struct Telemetry {
    levels: LevelControl,
    queue: Arc<Queue>,
    watch: LogWatch,
}

/// Sets up the log of this process on standard error, and the hook that logs panics.
///
/// # Errors
/// Fails when the process already has a log, or when no thread can be started.
pub fn init(options: TelemetryOptions) -> Result<Telemetry, TelemetryError> {
    init_to(options, Box::new(std::io::stderr()))
}

/// Sets up the log of this process on any output, and the hook that logs panics.
///
/// # Errors
/// Fails when the process already has a log, or when no thread can be started.
pub fn init_to(options: TelemetryOptions, output: Box<dyn Write + Send>) -> Result<Telemetry, TelemetryError> {
    let (dispatch, telemetry, fallback) = build(options, output)?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| TelemetryError::AlreadySet)?;
    panic::install(fallback, Arc::clone(&telemetry.watch.panics));
    Ok(telemetry)
}

fn build(
    options: TelemetryOptions,
    output: Box<dyn Write + Send>,
) -> Result<(Dispatch, Telemetry, Lines), TelemetryError> {
    let TelemetryOptions { style, level, libraries, clock } = options;
    let queue = {
        let clock = Arc::clone(&clock);
        let notice = move |dropped| line::dropped_notice(style, clock.now(), dropped);
        Queue::start(output, Box::new(notice)).map_err(TelemetryError::Thread)?
    };
    let lines = Lines::new(style, clock, Arc::clone(&queue));
    let held_back = lines.held_back();
    let levels = LevelControl::new(Levels { own: level, libraries, modules: BTreeMap::new() });
    let subscriber = Registry::default().with(lines.clone().with_filter(levels.clone()));
    let watch = LogWatch { queue: Some(Arc::clone(&queue)), held_back, panics: Arc::default() };
    let telemetry = Telemetry { levels, queue, watch };
    Ok((Dispatch::new(subscriber), telemetry, lines))
}

impl Telemetry {
    /// Returns what decides which lines are written.
    #[must_use]
    pub fn levels(&self) -> &LevelControl {
        &self.levels
    }

    /// Returns what tells what became of lines.
    #[must_use]
    pub fn watch(&self) -> &LogWatch {
        &self.watch
    }

    /// Returns what became of lines so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.watch.counts()
    }

    /// Waits until everything is written, but not longer than `at_most`; tells whether it is.
    #[must_use = "false means that lines may be missing"]
    pub fn flush(&self, at_most: Duration) -> bool {
        self.queue.flush(at_most)
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let _ = self.flush(FLUSH_AT_END);
    }
}

#[cfg(test)]
mod tests;
