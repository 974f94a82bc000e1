//! The windows, from what the user marks or names.

use super::super::super::{
    CruiseOptions, FollowedSignal, Mark, MarkFrom, Note, Press, Run, Stretch, WINDOWS_MAX, WindowFound,
};
use crate::cars::RoleKind;
use crate::markers::{BlinkerChange, blinker_windows};

/// Returns the windows in the order of their starts.
pub(super) fn of(
    options: &CruiseOptions,
    followed: &[FollowedSignal],
    presses: &[Press],
    bookmarks: &[f64],
    log: Stretch,
    notes: &mut Vec<Note>,
) -> Vec<WindowFound> {
    let rule = &options.rule;
    let around = |mark: Mark, begun: f64, ended: f64| {
        let start = (begun - rule.pre).max(log.start);
        found(mark, begun, Some(ended), Stretch { start, end: (ended + rule.post).max(start) })
    };
    let mut windows: Vec<WindowFound> = match &options.marks {
        MarkFrom::Nothing => return Vec::new(),
        MarkFrom::Blinkers => {
            let runs = |kind: &RoleKind| {
                let name = kind.to_string();
                followed.iter().find(|signal| signal.name == name).map_or(&[][..], |signal| &signal.runs)
            };
            let changes = changes(runs(&RoleKind::LeftBlinker), runs(&RoleKind::RightBlinker));
            blinker_windows(&changes, rule, log.start)
                .into_iter()
                .map(|marked| {
                    let (start, end) = (marked.window.start, marked.window.end.max(marked.window.start));
                    found(Mark::Blinkers, marked.begun, marked.ended, Stretch { start, end })
                })
                .collect()
        }
        MarkFrom::Button(button) => presses
            .iter()
            .filter(|press| press.button == *button)
            .map(|press| around(Mark::Button, press.run.start, press.run.end))
            .collect(),
        MarkFrom::Bookmarks => bookmarks.iter().map(|time| around(Mark::Bookmark, *time, *time)).collect(),
        MarkFrom::Windows(given) => given
            .iter()
            .map(|window| {
                found(Mark::Given, window.start, Some(window.end), Stretch { start: window.start, end: window.end })
            })
            .collect(),
    };
    windows.sort_by(|a, b| a.window.start.total_cmp(&b.window.start));
    let found = windows.len();
    if found > WINDOWS_MAX {
        windows.truncate(WINDOWS_MAX);
        notes.push(Note::new(
            format!("there are {found} windows, and the first {WINDOWS_MAX} are told apart"),
            "give the `windows` that matter",
        ));
    }
    for (index, window) in windows.iter_mut().enumerate() {
        window.id = index + 1;
    }
    notes_of(options, &windows, notes);
    windows
}

fn found(mark: Mark, begun: f64, ended: Option<f64>, window: Stretch) -> WindowFound {
    WindowFound { id: 0, mark, begun, ended, window, inside: window, before: window, after: window }
}

/// Joins the stretches in which each blinker was on.
fn changes(left: &[Run], right: &[Run]) -> Vec<BlinkerChange> {
    let ends = |runs: &[Run], is_left: bool| {
        let ends = runs.iter().flat_map(move |run| [(run.start, true), (run.end, run.is_unfinished)]);
        ends.map(|(time, is_on)| (time, is_left, is_on)).collect::<Vec<_>>()
    };
    let mut edges = ends(left, true);
    edges.extend(ends(right, false));
    edges.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut changes: Vec<BlinkerChange> = Vec::new();
    let (mut left, mut right) = (false, false);
    for (time, is_left, is_on) in edges {
        *(if is_left { &mut left } else { &mut right }) = is_on;
        match changes.last_mut() {
            // One frame told both.
            Some(last) if last.time == time => (last.left, last.right) = (left, right),
            _ => changes.push(BlinkerChange { time, left, right }),
        }
    }
    changes
}

fn notes_of(options: &CruiseOptions, windows: &[WindowFound], notes: &mut Vec<Note>) {
    if windows.is_empty() {
        let (message, remedy) = match &options.marks {
            MarkFrom::Nothing => return,
            MarkFrom::Blinkers => (
                format!("no windows: no left blinker is followed by a right one within {} s", options.rule.timeout),
                "blink left when you begin and right when you end, raise `marker_timeout`, or give `windows`",
            ),
            MarkFrom::Button(button) => (
                format!("no windows: the button {button} is never pressed, or nothing tells it"),
                "name another button, or give `windows`",
            ),
            MarkFrom::Bookmarks => {
                ("no windows: the log has no bookmark".to_owned(), "press the bookmark button, or give `windows`")
            }
            MarkFrom::Windows(_) => ("no windows are given".to_owned(), "give `windows`"),
        };
        notes.push(Note::new(message, remedy));
    }
    for window in windows.iter().filter(|window| window.ended.is_none()) {
        notes.push(Note::new(
            format!(
                "window {} is not complete: after the left blinker at {:.2} s no right one came",
                window.id, window.begun
            ),
            "leave it out of what you conclude, or give `windows`",
        ));
    }
}
