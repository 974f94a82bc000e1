//! A panic is logged with its message, place, thread and backtrace, and counted; nothing else is printed for it.
//!
//! The line goes the usual way, so it carries the fields of the spans around it, the request's id among them. Where that
//! way is closed it goes straight to the queue: a panic is never silent.

use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::line::Lines;

/// The target of the lines of panics.
pub(super) const TARGET: &str = "cts_observe::panic";

/// Puts the hook in the place of the one before.
pub(super) fn install(lines: Lines, count: Arc<AtomicU64>) {
    std::panic::set_hook(Box::new(move |panic| {
        count.fetch_add(1, Ordering::Relaxed);
        log(&lines, panic);
    }));
}

fn log(lines: &Lines, panic: &PanicHookInfo<'_>) {
    let message = format!("panic: {}", panic.payload_as_str().unwrap_or("without a text"));
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or("without a name").to_owned();
    let backtrace = Backtrace::force_capture().to_string();
    let fields = [
        ("panic.location", location.clone().into()),
        ("panic.thread", thread.clone().into()),
        ("panic.backtrace", backtrace.clone().into()),
    ];
    lines.log_panic(TARGET, &message, &fields, || {
        tracing::error!(
            target: TARGET,
            { panic.location = location, panic.thread = thread, panic.backtrace = backtrace },
            "{message}"
        );
    });
}
