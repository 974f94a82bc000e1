//! The terminal, or what stands in its place: results on standard output, everything else on standard error.
//!
//! Lines and progress bars do not tear each other. A reader that went away (`cts logs | head`) is no error: what would
//! be printed is left out from then on.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::ColorChoice;
use indicatif::{MultiProgress, ProgressDrawTarget};

use super::text::{DIM, YELLOW, paint};

/// Width of tables where there is no terminal.
const WIDTH_DEFAULT: u16 = 120;
/// Narrowest table.
const WIDTH_MIN: u16 = 60;

/// What the user sees. Clones are the same screen.
#[derive(Debug, Clone)]
pub(crate) struct Screen(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    json: bool,
    quiet: bool,
    out_is_terminal: bool,
    err_is_terminal: bool,
    bars: MultiProgress,
    closed: AtomicBool,
}

impl Screen {
    /// Returns the screen of this process.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let err_is_terminal = io::stderr().is_terminal();
        let target =
            if err_is_terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self(Arc::new(Inner {
            json,
            quiet,
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal,
            bars: MultiProgress::with_draw_target(target),
            closed: AtomicBool::new(false),
        }))
    }

    /// Returns whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.0.json
    }

    /// Returns whether progress is drawn.
    pub(crate) fn draws(&self) -> bool {
        self.0.err_is_terminal && !self.0.quiet
    }

    /// Returns whether nothing but results and errors is wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.quiet
    }

    /// Returns where bars are drawn.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.0.bars
    }

    /// Returns whether standard error shows colors.
    pub(crate) fn has_colors(&self) -> bool {
        anstream::AutoStream::choice(&io::stderr()) != ColorChoice::Never
    }

    /// Returns the width of tables.
    pub(crate) fn width(&self) -> u16 {
        let columns = match rustix::termios::tcgetwinsize(io::stdout()) {
            Ok(size) if self.0.out_is_terminal && size.ws_col > 0 => size.ws_col,
            _ => WIDTH_DEFAULT,
        };
        columns.max(WIDTH_MIN)
    }

    /// Prints a result; false when nobody reads any more.
    pub(crate) fn out(&self, text: &str) -> bool {
        if text.is_empty() || self.0.closed.load(Ordering::Relaxed) {
            return !self.0.closed.load(Ordering::Relaxed);
        }
        let write = || {
            let mut out = anstream::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()
        };
        let written = self.between_bars(write);
        if written.is_err() {
            self.0.closed.store(true, Ordering::Relaxed);
        }
        written.is_ok()
    }

    /// Prints something that is no result.
    pub(crate) fn err(&self, text: &str) {
        // Whoever closed standard error does not want to hear of it.
        let _ = self.between_bars(|| anstream::stderr().lock().write_all(text.as_bytes()));
    }

    /// Prints log lines beside a result: with JSON standard output is one document.
    pub(crate) fn aside(&self, text: &str) {
        if self.0.json {
            self.err(text);
        } else {
            self.out(text);
        }
    }

    /// Tells something by the way.
    pub(crate) fn note(&self, text: &str) {
        if !self.0.quiet {
            self.err(&format!("{}\n", paint(DIM, text)));
        }
    }

    /// Tells something that may matter.
    pub(crate) fn warn(&self, text: &str) {
        self.err(&format!("{} {text}\n", paint(YELLOW, "warning:")));
    }

    fn between_bars<T>(&self, write: impl FnOnce() -> T) -> T {
        if self.draws() { self.0.bars.suspend(write) } else { write() }
    }
}

/// The log of the own process is written between the bars as well.
impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.between_bars(|| anstream::stderr().lock().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
