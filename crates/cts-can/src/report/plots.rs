//! The plots of a report, each from a plain struct that knows nothing of the analysis behind it.
//!
//! Whatever the numbers are, not finite ones included, a plot is drawn, is well-formed, and is not larger than its limits
//! allow. What was left out for that is told in words, never silently. A shape or a place says what a color says.

mod axis;
mod heat_map;
mod level_strip;
mod lines;
mod raster;
mod timeline;

pub use heat_map::{BitSpan, HeatMap, HeatRow, ROWS_MAX};
pub use level_strip::LevelStrip;
pub use raster::{LANES_MAX, Marker, ROW_TICKS_MAX, Raster, RasterLane};
pub use timeline::{LINES_MAX, Lane, Line, Marks, Timeline};

use super::svg::Markup;

/// Width of every large plot in pixels, before the page makes it fit.
pub(crate) const WIDTH: f64 = 960.0;

/// A plot that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// The plot itself.
    pub svg: Markup,
    /// What was left out, thinned or put together, each a sentence; for the caption.
    pub notes: Vec<String>,
}

/// A stretch of time that is shown behind the data, with its number: the first one has 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlotWindow<'a> {
    /// When it begins, in seconds.
    pub start: f64,
    /// When it ends, in seconds.
    pub end: f64,
    /// What is shown when it is pointed at.
    pub note: &'a str,
}

/// A moment at which a bit rose or fell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlotEdge {
    /// When, in seconds.
    pub time: f64,
    /// Whether the bit is set from then on.
    pub is_rise: bool,
}

/// Returns the edges in the order of their times, without those that have none.
fn in_order(edges: &[PlotEdge]) -> Vec<PlotEdge> {
    let mut ordered: Vec<PlotEdge> = edges.iter().filter(|edge| edge.time.is_finite()).copied().collect();
    if !ordered.is_sorted_by(|a, b| a.time <= b.time) {
        ordered.sort_by(|a, b| a.time.total_cmp(&b.time));
    }
    ordered
}

/// Returns a number with a comma between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Returns a count and its noun, the noun with an `s` unless there is one.
pub(crate) fn count_of(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

/// Returns a text of at most so many characters, with an ellipsis where it is cut.
pub(crate) fn cut(text: &str, characters_max: usize) -> String {
    if text.chars().count() <= characters_max {
        return text.to_owned();
    }
    text.chars().take(characters_max.saturating_sub(1)).chain(['\u{2026}']).collect()
}

#[cfg(test)]
mod tests;
