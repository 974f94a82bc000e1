//! The levels of the service's log for people.

use std::fmt::Write as _;

use cts_api::LogLevels;
use cts_api::log::LogLevel;

use crate::render::text::clean;

/// Returns which lines the service's log holds.
pub(super) fn held(held: &LogLevels) -> String {
    let mut text = format!("level {}", word(held.level));
    if held.level != held.default_level {
        let _ = write!(text, " (configured is {})", word(held.default_level));
    }
    text.push('\n');
    for (module, level) in &held.modules {
        let _ = writeln!(text, "{} {}", clean(module), word(*level));
    }
    if let Some(end) = held.expires_at {
        let _ = writeln!(text, "as configured again at {end}");
    }
    text
}

fn word(level: LogLevel) -> &'static str {
    cts_model::Level::from(level).as_str()
}
