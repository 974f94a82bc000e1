//! What the analysis found against what the Python tool prints: counts, bits and changes that stand in no file of it.

use std::fmt::Write as _;
use std::path::Path;

use cts_can::cruise::compat::{BitChanges, Findings, Target, TargetFound};

/// Checks that every line which is made from the findings is one that was printed; those it died before are not.
pub(super) fn compare(findings: &Findings, printed: &str, folder: &Path) {
    let printed: Vec<&str> = printed.lines().map(str::trim).collect();
    let has_report = printed.iter().any(|line| line.starts_with("MARKER WINDOWS"));
    let lines = lines(findings);
    let expected = if has_report { lines.len() } else { LINES_BEFORE_THE_CRASH };
    let mut known = printed.iter();
    for line in &lines[..expected] {
        assert!(
            known.any(|found| *found == line.as_str()),
            "{}: {line:?} was not printed in its place",
            folder.display()
        );
    }
}

/// A set speed ends the tool where the changes of the status are told.
const LINES_BEFORE_THE_CRASH: usize = 13;

fn lines(findings: &Findings) -> Vec<String> {
    let mut lines = Vec::new();
    let speed = findings.speed();
    lines.push(format!("Extracted {} speed data points", speed.points));
    for found in findings.targets() {
        lines.push(format!("{} ({}): {} messages", found.target.address(), found.target.name(), found.frames));
    }
    if speed.points > 0 {
        lines.push(format!("Found {} events at target speed", findings.speed_events().len()));
        for (number, event) in (1..).zip(findings.speed_events()) {
            let (start, end, duration) = (event.start, event.end, event.end - event.start);
            lines.push(format!("Event {number}: {start:.1}s - {end:.1}s (duration: {duration:.1}s)"));
        }
        lines.push(format!("Speed range: {:.1} - {:.1} MPH", speed.min_mph, speed.max_mph));
        lines.push(format!("Average speed: {:.1} MPH", speed.mean_mph));
    }
    let signals = findings.signals();
    if has_frames(findings, Target::CruiseButtons) {
        lines.push(format!("Button state changes: {}", signals.buttons));
        lines.push(format!("'Set' button presses detected: {}", findings.set_presses().len()));
    }
    if has_frames(findings, Target::CruiseStatus) {
        lines.push(format!("Status changes: {}", signals.status));
        lines.push(format!("Cruise activation events: {}", signals.status_activations));
    }
    if has_frames(findings, Target::EsBrake) {
        lines.push(format!("Brake signal changes: {}", signals.brake));
        lines.push(format!("Cruise activation via brake signal: {}", signals.brake_activations));
    }
    for found in findings.targets().iter().filter(|found| found.changes > 0) {
        let TargetFound { target, frames, changes, top } = found;
        lines.push(format!("Analyzing {} ({}): {frames} messages", target.name(), target.address()));
        lines.push(format!("Total bit changes: {changes}"));
        lines.push(format!("Most frequently changing bits: {}", bits(&top[..top.len().min(5)])));
    }
    for (number, (window, changed)) in (1..).zip(findings.marker_windows()) {
        let partial = if window.ended.is_none() { "partial " } else { "" };
        let (start, end) = (window.window.start, window.window.end);
        let span = end - start;
        lines.push(format!("Marker {number}: {partial}window {start:.2}s → {end:.2}s (span {span:.2}s)"));
        lines.push(format!("Left blinker on at {:.2}s", window.begun));
        lines.push(match window.ended {
            Some(ended) => format!("Right blinker on at {ended:.2}s (duration {:.2}s)", ended - window.begun),
            None => "Right blinker marker not detected within timeout".to_owned(),
        });
        for address in changed.iter().take(5) {
            let known = Target::ALL.iter().find(|target| target.address() == address.address);
            let name = known.map_or("Unknown address", |target| target.name());
            let counts = format!("{} changes over {} msgs", address.changes, address.frames);
            lines.push(format!("- {} ({name}): {counts}", address.address));
        }
    }
    lines
}

fn has_frames(findings: &Findings, target: Target) -> bool {
    findings.targets().iter().any(|found| found.target == target && found.frames > 0)
}

fn bits(bits: &[BitChanges]) -> String {
    let mut text = String::from("[");
    for (index, bit) in bits.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        let _ = write!(text, "{comma}({}, {})", bit.bit, bit.count);
    }
    text + "]"
}
