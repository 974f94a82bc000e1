//! Commands return values; here they are printed: for people or as JSON. The pure parts return texts.

pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod screen;
pub(crate) mod table;
pub(crate) mod text;

use crate::commands::Report;
use crate::error::CliError;
use human::Look;
use screen::Screen;

/// Prints what a command found.
pub(crate) fn report(screen: &Screen, report: &Report, look: &Look) {
    if screen.is_json() {
        if let Some(value) = json::report(report) {
            screen.out(&format!("{value}\n"));
        }
    } else {
        screen.out(&human::report(report, look));
    }
}

/// Prints what went wrong.
pub(crate) fn error(screen: &Screen, error: &CliError) {
    if screen.is_json() {
        screen.out(&format!("{}\n", error.json()));
    }
    screen.err(&human::complaint(&error.complaint()));
}
