//! The level of one bit over a whole log, small enough for a row of a table.
//!
//! A set bit is a block above the base line, a clear one is only the line; where it toggled several times within a pixel
//! the block is half as high.

use super::axis::{Range, Scale};
use super::lines::index_of;
use super::{Drawing, PlotEdge, PlotWindow, in_order};
use crate::report::svg::{Path, Svg};

const WIDTH: f64 = 260.0;
const HEIGHT: f64 = 22.0;
const LEFT: f64 = 1.0;
/// The line on which the blocks stand.
const BASE: f64 = HEIGHT - 3.0;
const WINDOWS_MAX: usize = 100;

/// The level of one bit over time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LevelStrip<'a> {
    /// What it shows, for those who cannot see it.
    pub label: &'a str,
    /// Begin and end of the log in seconds.
    pub time: (f64, f64),
    /// Whether the bit is set at the begin; it follows from the first edge where there is one.
    pub is_set_at_start: bool,
    /// The moments at which it changed.
    pub edges: &'a [PlotEdge],
    /// The marked stretches of time.
    pub windows: &'a [PlotWindow<'a>],
}

/// What was seen of a bit within a pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    is_set: bool,
    is_clear: bool,
}

impl LevelStrip<'_> {
    /// Draws the strip.
    #[must_use]
    pub fn draw(&self) -> Drawing {
        let range = Range::of([self.time.0, self.time.1].into_iter()).unwrap_or(Range { low: 0.0, high: 1.0 });
        let x = Scale { range: range.at_least(0.001), from: LEFT, to: WIDTH - 1.0 };
        let mut svg = Svg::inline((WIDTH, HEIGHT), self.label);
        for window in self.windows.iter().take(WINDOWS_MAX) {
            if let Some((left, width)) = x.stretch(window.start, window.end) {
                svg.rect("window", (left, 0.0), (width.max(1.0), HEIGHT));
            }
        }
        let mut base = Path::default();
        base.line((LEFT, BASE), (WIDTH, BASE));
        svg.path("axis", &base);
        svg.path("level", &blocks(&self.seen(&x)));
        Drawing { svg: svg.finish(), notes: Vec::new() }
    }

    fn seen(&self, x: &Scale) -> Vec<Seen> {
        let mut seen = vec![Seen::default(); index_of(x.to - x.from) + 1];
        let edges = in_order(self.edges);
        let mut is_set = edges.first().map_or(self.is_set_at_start, |edge| !edge.is_rise);
        let mut from = 0;
        for edge in &edges {
            let to = index_of(x.place(edge.time) - x.from).min(seen.len() - 1);
            mark(&mut seen[from..=to.max(from)], is_set);
            is_set = edge.is_rise;
            from = to.max(from);
        }
        mark(&mut seen[from..], is_set);
        seen
    }
}

fn mark(seen: &mut [Seen], is_set: bool) {
    for pixel in seen {
        pixel.is_set |= is_set;
        pixel.is_clear |= !is_set;
    }
}

/// Returns the outline of what is set; a pixel at the side of a block has both levels and belongs to it.
fn blocks(seen: &[Seen]) -> Path {
    let mut heights = Vec::with_capacity(seen.len());
    for run in seen.chunk_by(|a, b| a == b) {
        let height = match (run[0].is_set, run[0].is_clear) {
            (false, _) => 0.0,
            (true, true) if run.len() > 2 => 7.0,
            (true, _) => 15.0,
        };
        heights.resize(heights.len() + run.len(), height);
    }
    let mut path = Path::default();
    let mut left = LEFT;
    for run in heights.chunk_by(|a, b| a == b) {
        let width = f64::from(u16::try_from(run.len()).unwrap_or(u16::MAX));
        if run[0] > 0.0 {
            path.move_to(left, BASE);
            path.line_to(left, BASE - run[0]);
            path.line_to(left + width, BASE - run[0]);
            path.line_to(left + width, BASE);
        }
        left += width;
    }
    path
}
