//! Progress of runs and transfers: a bar on a terminal, a few plain lines elsewhere.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cts_api::{Run, RunStatus};
use indicatif::{ProgressBar, ProgressStyle};

use super::screen::Screen;
use super::text::{clean, cut, size};

/// How often a bar moves by itself.
const TICK: Duration = Duration::from_millis(120);
/// Plain lines of one run come no closer than this.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// Longest message of a bar, in characters.
const MESSAGE_MAX: usize = 60;
/// Steps of a bar of a run.
const STEPS: u64 = 1000;

/// The progress of something.
pub(crate) struct Progress {
    screen: Screen,
    bar: Option<ProgressBar>,
    label: String,
    said: Mutex<Said>,
}

/// What was said in plain lines.
#[derive(Default)]
struct Said {
    status: Option<RunStatus>,
    text: String,
    at: Option<Instant>,
}

impl Progress {
    fn new(screen: &Screen, label: &str, template: &str, length: Option<u64>) -> Self {
        let bar = screen.draws().then(|| {
            let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let style = ProgressStyle::with_template(template).expect("the templates of this file are sound");
            bar.set_style(style.progress_chars("━╸ "));
            bar.set_prefix(label.to_owned());
            let bar = screen.bars().add(bar);
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { screen: screen.clone(), bar, label: label.to_owned(), said: Mutex::default() }
    }

    /// Returns the progress of a run.
    pub(crate) fn of_run(screen: &Screen, label: &str) -> Self {
        Self::new(screen, label, "{spinner} {prefix} {bar:30.cyan} {percent:>3}% {msg} {elapsed}", Some(STEPS))
    }

    /// Returns the progress of a transfer.
    pub(crate) fn of_bytes(screen: &Screen, label: &str, total: u64) -> Self {
        let template =
            "{spinner} {prefix} {bar:30.cyan} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {msg}";
        Self::new(screen, label, template, Some(total))
    }

    /// Returns the progress of several runs.
    pub(crate) fn of_count(screen: &Screen, label: &str, total: u64) -> Self {
        Self::new(screen, label, "{spinner} {prefix} {bar:30.cyan} {pos}/{len} {elapsed}", Some(total))
    }

    /// Shows how far a run is.
    pub(crate) fn run(&self, run: &Run) {
        let Some(bar) = &self.bar else { return self.line(run, &message(run)) };
        let percent = run.progress.as_ref().and_then(|progress| progress.percent);
        bar.set_position(steps(percent.unwrap_or(0.0)));
        bar.set_message(cut(&without_percent(run), MESSAGE_MAX));
    }

    /// Shows how many bytes or items are done.
    pub(crate) fn at(&self, position: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
        }
    }

    /// Says what is being done.
    pub(crate) fn doing(&self, what: &'static str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what);
        }
    }

    /// One more is done.
    pub(crate) fn one_more(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Says in a plain line that it is done, where there was no bar.
    pub(crate) fn done(&self, what: &str, bytes: u64) {
        if self.bar.is_none() {
            self.screen.note(&format!("{}: {what}, {}", self.label, size(bytes)));
        }
    }

    fn line(&self, run: &Run, message: &str) {
        if self.screen.is_quiet() {
            return;
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new_state = said.status != Some(run.status);
        let is_due = said.at.is_none_or(|at| at.elapsed() >= LINE_INTERVAL) && said.text != message;
        // The end is told by the summary.
        if run.status.is_terminal() || !(is_new_state || is_due) {
            return;
        }
        *said = Said { status: Some(run.status), text: message.to_owned(), at: Some(Instant::now()) };
        self.screen.note(&format!("{}: {message}", self.label));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            self.screen.bars().remove(bar);
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage was held within 0 to 100")]
fn steps(percent: f64) -> u64 {
    (percent.clamp(0.0, 100.0) * 10.0) as u64
}

/// Returns how far a run is, in words.
pub(crate) fn message(run: &Run) -> String {
    match (run.status, &run.progress) {
        (RunStatus::Queued, _) => match (run.attempt, run.queue_position) {
            (0, Some(position)) => format!("queued, number {position} in line"),
            (0, None) => "queued".to_owned(),
            (attempt, _) => format!("waits for attempt {} of {}", attempt + 1, run.max_attempts),
        },
        (RunStatus::Running, Some(progress)) => {
            let percent = progress.percent.map(|percent| format!("{percent:.0}%"));
            let rest = [amount_of(progress), words_of(progress)];
            let parts: Vec<String> = std::iter::once(percent).chain(rest).flatten().collect();
            if parts.is_empty() { "running".to_owned() } else { parts.join(", ") }
        }
        (RunStatus::Running, None) => "running".to_owned(),
        (ended, _) => ended.as_str().to_owned(),
    }
}

/// Returns the same beside a bar, which shows the percentage itself.
fn without_percent(run: &Run) -> String {
    match (run.status, &run.progress) {
        (RunStatus::Running, Some(progress)) => {
            [amount_of(progress), words_of(progress)].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        _ => message(run),
    }
}

fn amount_of(progress: &cts_api::run::Progress) -> Option<String> {
    progress.current.map(|current| amount(current, progress.total, progress.unit.as_deref()))
}

fn words_of(progress: &cts_api::run::Progress) -> Option<String> {
    progress.message.as_deref().map(clean).map(Cow::into_owned)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes are shown with two digits")]
fn amount(current: f64, total: Option<f64>, unit: Option<&str>) -> String {
    let shown = |number: f64| match unit {
        Some("bytes" | "B") => size(number.max(0.0) as u64),
        _ => format!("{number}"),
    };
    let unit = unit.filter(|unit| !matches!(*unit, "bytes" | "B")).map(|unit| format!(" {}", clean(unit)));
    let total = total.map(|total| format!(" of {}", shown(total)));
    format!("{}{}{}", shown(current), total.unwrap_or_default(), unit.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_progress_of_a_run_is_told_in_words() {
        let mut run = cts_api::samples::run();
        run.status = RunStatus::Queued;
        run.attempt = 0;
        run.queue_position = Some(3);
        assert_eq!(message(&run), "queued, number 3 in line");
        run.attempt = 1;
        assert_eq!(message(&run), "waits for attempt 2 of 3");
        run.status = RunStatus::Running;
        run.progress = Some(cts_api::run::Progress {
            percent: Some(41.7),
            message: Some("reading\u{1b}[31m".into()),
            current: Some(4_200_000.0),
            total: Some(10_000_000.0),
            unit: Some("bytes".into()),
        });
        assert_eq!(message(&run), "42%, 4.2 MB of 10.0 MB, reading");
        assert_eq!(without_percent(&run), "4.2 MB of 10.0 MB, reading");
        run.progress = None;
        assert_eq!(message(&run), "running");
    }
}
