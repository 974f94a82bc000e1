//! Values over time, the windows that were marked in it, and lanes of what happened when.
//!
//! All parts share one axis of time. Windows carry their number at the top, lanes their name at the left; a stretch is a
//! bar and a moment is a pin, so that nothing is told by its color only.

use super::axis::{Range, Scale, Tick, ticks, time_ticks};
use super::lines::{index_of, thin};
use super::{Drawing, PlotWindow, WIDTH, count_of, cut, grouped};
use crate::report::svg::{Path, Svg, rect};

/// The most lines in one plot; each has its own dashes.
pub const LINES_MAX: usize = 4;

/// The most lanes in one plot.
const LANES_MAX: usize = 16;

/// The most windows that are drawn; the numbers of more could not be read.
const WINDOWS_MAX: usize = 200;

const LEFT: f64 = 132.0;
const RIGHT: f64 = WIDTH - 18.0;
const TOP: f64 = 30.0;
const PLOT_HEIGHT: f64 = 230.0;
const LANE_HEIGHT: f64 = 24.0;
const AXIS_HEIGHT: f64 = 44.0;
const LEGEND_HEIGHT: f64 = 18.0;
const LEGEND_WIDTH: f64 = 190.0;

/// Points of one quantity over time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Line<'a> {
    /// What it shows; it stands in the legend where there are several lines.
    pub name: &'a str,
    /// Times in seconds and values, in any order.
    pub points: &'a [(f64, f64)],
    /// Points farther apart than this many seconds are not joined.
    pub gap_s_max: f64,
}

/// What a lane shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Marks<'a> {
    /// Stretches of time, each from its begin to its end in seconds.
    Stretches(&'a [(f64, f64)]),
    /// Moments in seconds.
    Moments(&'a [f64]),
    /// It cannot be known from the log, and why.
    Unknown(&'a str),
}

/// What happened when, under the lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lane<'a> {
    /// What happened.
    pub name: &'a str,
    /// When.
    pub marks: Marks<'a>,
}

/// Values over time with windows and lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timeline<'a> {
    /// What the axis of values shows, such as `speed`.
    pub quantity: &'a str,
    /// The unit of the values.
    pub unit: &'a str,
    /// The lines, at most [`LINES_MAX`].
    pub lines: &'a [Line<'a>],
    /// Values that are looked for, from the lowest to the highest.
    pub band: Option<(f64, f64)>,
    /// The marked stretches of time.
    pub windows: &'a [PlotWindow<'a>],
    /// What happened when.
    pub lanes: &'a [Lane<'a>],
    /// The stretch of time that is shown at least, in seconds.
    pub time: Option<(f64, f64)>,
}

impl Timeline<'_> {
    /// Draws the plot; `id` is a name of its own in the page, for the parts that refer to each other.
    #[must_use]
    pub fn draw(&self, id: &str) -> Drawing {
        let lines = &self.lines[..self.lines.len().min(LINES_MAX)];
        let lanes = &self.lanes[..self.lanes.len().min(LANES_MAX)];
        let mut notes = Vec::new();
        if lines.len() < self.lines.len() || lanes.len() < self.lanes.len() {
            notes.push(format!(
                "{} and {} are not drawn.",
                count_of(self.lines.len() - lines.len(), "more line"),
                count_of(self.lanes.len() - lanes.len(), "more lane"),
            ));
        }
        let bottom = TOP + PLOT_HEIGHT;
        let x = Scale { range: self.time_range(), from: LEFT, to: RIGHT };
        let y = Scale { range: self.value_range(), from: bottom, to: TOP };
        #[expect(clippy::cast_precision_loss, reason = "there are few lanes")]
        let lanes_height = lanes.len() as f64 * LANE_HEIGHT;
        let axis_top = bottom + lanes_height + if lanes.is_empty() { 0.0 } else { 10.0 };
        let legend_height = if lines.len() > 1 { LEGEND_HEIGHT } else { 0.0 };
        let size = (WIDTH, axis_top + AXIS_HEIGHT + legend_height);

        let mut svg = Svg::figure(id, size, &self.title(), &self.description(&x, &y));
        self.draw_windows(&mut svg, &x, axis_top, &mut notes);
        draw_value_axis(&mut svg, &y, &format!("{}, {}", self.quantity, self.unit));
        self.draw_band(&mut svg, &y);
        let (time_ticks, unit) = time_ticks(x.range, 10);
        draw_time_axis(&mut svg, &x, &time_ticks, (TOP, axis_top), &format!("time since the start of the log, {unit}"));
        for (index, line) in lines.iter().enumerate() {
            let thin = thin(line.points, &x, &y, line.gap_s_max);
            svg.path(&format!("line line{}", index + 1), &thin.path);
            if thin.points == 0 {
                notes.push(format!("There are no values of {}.", line.name));
            } else if thin.drawn < thin.points {
                notes.push(format!(
                    "Of {} of {} those are drawn that are first, lowest, highest or last in a column of pixels.",
                    count_of(thin.points, "point"),
                    line.name,
                ));
            }
            if thin.left_out > 0 {
                notes.push(format!(
                    "{} of {} without a time or value are left out.",
                    count_of(thin.left_out, "point"),
                    line.name
                ));
            }
            if thin.gaps > 0 {
                notes.push(format!(
                    "The line of {} is interrupted {} where there are no values for more than {:.1} s.",
                    line.name,
                    count_of(thin.gaps, "time"),
                    line.gap_s_max,
                ));
            }
        }
        if lines.len() > 1 {
            draw_legend(&mut svg, lines, axis_top + AXIS_HEIGHT + 10.0);
        }
        let mut top = bottom + 8.0;
        for lane in lanes {
            draw_lane(&mut svg, &x, lane, top, &mut notes);
            top += LANE_HEIGHT;
        }
        Drawing { svg: svg.finish(), notes }
    }

    fn title(&self) -> String {
        format!("{} over time", self.quantity)
    }

    fn description(&self, x: &Scale, y: &Scale) -> String {
        let mut text = format!(
            "From {:.1} to {:.1} seconds, {} from {:.1} to {:.1} {}; {}",
            x.range.low,
            x.range.high,
            self.quantity,
            y.range.low,
            y.range.high,
            self.unit,
            count_of(self.windows.len(), "marked window"),
        );
        for lane in self.lanes.iter().take(LANES_MAX) {
            text.push_str(&match lane.marks {
                Marks::Stretches(stretches) => format!("; {}: {}", lane.name, count_of(stretches.len(), "period")),
                Marks::Moments(moments) => format!("; {}: {}", lane.name, count_of(moments.len(), "moment")),
                Marks::Unknown(why) => format!("; {}: not known, {why}", lane.name),
            });
        }
        text.push('.');
        text
    }

    fn time_range(&self) -> Range {
        let given = self.time.into_iter().flat_map(|(from, to)| [from, to]);
        let lines = self.lines.iter().take(LINES_MAX).flat_map(|line| line.points.iter().map(|point| point.0));
        let lanes = self.lanes.iter().take(LANES_MAX).filter_map(|lane| match lane.marks {
            Marks::Stretches(stretches) => Range::of(stretches.iter().flat_map(|(from, to)| [*from, *to])),
            Marks::Moments(moments) => Range::of(moments.iter().copied()),
            Marks::Unknown(_) => None,
        });
        let windows = self.windows.iter().take(WINDOWS_MAX).flat_map(|window| [window.start, window.end]);
        let all = given.chain(lines).chain(windows).chain(lanes.flat_map(|range| [range.low, range.high]));
        Range::of(all).unwrap_or(Range { low: 0.0, high: 1.0 }).at_least(0.1)
    }

    fn value_range(&self) -> Range {
        let points = self.lines.iter().take(LINES_MAX).flat_map(|line| line.points.iter().map(|point| point.1));
        let band = self.band.into_iter().flat_map(|(low, high)| [low, high]);
        let range = Range::of(points.chain(band)).unwrap_or(Range { low: 0.0, high: 1.0 }).at_least(1.0);
        let room = range.width() * 0.06;
        let low = if range.low >= 0.0 && range.low < range.high * 0.4 { 0.0 } else { range.low - room };
        Range { low, high: range.high + room }
    }

    fn draw_windows(&self, svg: &mut Svg, x: &Scale, bottom: f64, notes: &mut Vec<String>) {
        let mut label_end = f64::NEG_INFINITY;
        let mut without_number = 0;
        for (index, window) in self.windows.iter().take(WINDOWS_MAX).enumerate() {
            let Some((left, width)) = x.stretch(window.start, window.end) else { continue };
            let number = (index + 1).to_string();
            let title = format!("Window {number}: {:.2} to {:.2} s. {}", window.start, window.end, window.note);
            svg.titled_shape("rect", &rect("window", (left, TOP), (width.max(1.0), bottom - TOP)), &title);
            let mut sides = Path::default();
            sides.line((left, TOP), (left, bottom));
            sides.line((left + width, TOP), (left + width, bottom));
            svg.path("side", &sides);
            let (middle, half) = (left + width / 2.0, 4.0 * f64::from(u8::try_from(number.len()).unwrap_or(9)) + 4.0);
            if middle - half < label_end {
                without_number += 1;
                continue;
            }
            label_end = middle + half + 2.0;
            svg.rect("badge", (middle - half, TOP - 20.0), (half * 2.0, 16.0));
            svg.text("number", (middle, TOP - 8.0), &number);
        }
        if without_number > 0 {
            notes.push(format!("{} too close to others for a number.", count_of(without_number, "window")));
        }
        if self.windows.len() > WINDOWS_MAX {
            notes.push(format!(
                "Only the first {WINDOWS_MAX} of {} windows are shaded.",
                grouped(self.windows.len() as u64)
            ));
        }
    }

    fn draw_band(&self, svg: &mut Svg, y: &Scale) {
        let Some((low, high)) = self.band.filter(|(low, high)| low.is_finite() && high.is_finite() && low <= high)
        else {
            return;
        };
        let (top, bottom) = (y.place(high), y.place(low));
        svg.rect("band", (LEFT, top), (RIGHT - LEFT, (bottom - top).max(1.0)));
        let mut edges = Path::default();
        edges.line((LEFT, top), (RIGHT, top));
        edges.line((LEFT, bottom), (RIGHT, bottom));
        svg.path("band-edge", &edges);
        svg.text("label end halo", (RIGHT - 6.0, top - 5.0), &format!("target {low:.1} to {high:.1} {}", self.unit));
    }
}

/// Draws the axis of values with its ticks and lines across the plot.
fn draw_value_axis(svg: &mut Svg, y: &Scale, name: &str) {
    let mut grid = Path::default();
    for tick in ticks(y.range, 6) {
        let place = y.place(tick.value);
        grid.line((LEFT, place), (RIGHT, place));
        svg.text("tick end", (LEFT - 8.0, place + 4.0), &tick.label);
    }
    svg.path("grid", &grid);
    svg.text("name", (8.0, TOP - 10.0), &cut(name, 40));
    let mut axis = Path::default();
    axis.line((LEFT, y.to), (LEFT, y.from));
    axis.line_to(RIGHT, y.from);
    svg.path("axis", &axis);
}

/// Draws the axis of time under everything, with faint lines up through all of it.
pub(super) fn draw_time_axis(svg: &mut Svg, x: &Scale, ticks: &[Tick], (top, bottom): (f64, f64), name: &str) {
    let (mut grid, mut marks) = (Path::default(), Path::default());
    for tick in ticks {
        let place = x.place(tick.value);
        grid.line((place, top), (place, bottom));
        marks.line((place, bottom), (place, bottom + 5.0));
        svg.text("tick middle", (place, bottom + 18.0), &tick.label);
    }
    svg.path("grid", &grid);
    marks.line((x.from, bottom), (x.to, bottom));
    svg.path("axis", &marks);
    svg.text("name middle", (f64::midpoint(x.from, x.to), bottom + 36.0), name);
}

/// Draws the legend in one row under the axis of time.
fn draw_legend(svg: &mut Svg, lines: &[Line<'_>], middle: f64) {
    let mut left = LEFT;
    for (index, line) in lines.iter().enumerate() {
        let mut sample = Path::default();
        sample.line((left, middle - 4.0), (left + 32.0, middle - 4.0));
        svg.path(&format!("line line{}", index + 1), &sample);
        svg.text("label", (left + 39.0, middle), &cut(line.name, 20));
        left += LEGEND_WIDTH;
    }
}

fn draw_lane(svg: &mut Svg, x: &Scale, lane: &Lane<'_>, top: f64, notes: &mut Vec<String>) {
    let middle = top + LANE_HEIGHT / 2.0;
    let mut rail = Path::default();
    rail.line((LEFT, middle), (RIGHT, middle));
    svg.path("rail", &rail);
    svg.text("tick end", (LEFT - 8.0, middle + 4.0), &cut(lane.name, 17));
    match lane.marks {
        Marks::Stretches(stretches) => {
            let bars = bars(x, stretches);
            for (left, width) in &bars {
                svg.rect("stretch", (*left, middle - 6.0), (width.max(2.0), 12.0));
            }
            note_together(notes, lane.name, stretches.len(), bars.len());
        }
        Marks::Moments(moments) => {
            let pins = pins(x, moments);
            let (mut needles, mut heads) = (Path::default(), Path::default());
            for pin in &pins {
                needles.line((*pin, middle - 8.0), (*pin, middle + 8.0));
                heads.move_to(*pin, middle - 4.0);
                heads.line_to(*pin + 4.0, middle);
                heads.line_to(*pin, middle + 4.0);
                heads.line_to(*pin - 4.0, middle);
                heads.line_to(*pin, middle - 4.0);
            }
            svg.path("needle", &needles);
            svg.path("pin", &heads);
            note_together(notes, lane.name, moments.len(), pins.len());
        }
        Marks::Unknown(why) => svg.text("label", (LEFT + 8.0, middle + 4.0), &cut(&format!("not known: {why}"), 120)),
    }
}

fn note_together(notes: &mut Vec<String>, name: &str, count: usize, drawn: usize) {
    if drawn < count {
        notes.push(format!(
            "{name}: {} marks are drawn as {}, some are too close to be told apart.",
            grouped(count as u64),
            grouped(drawn as u64)
        ));
    }
}

/// Returns stretches in pixels, those that touch as one.
fn bars(x: &Scale, stretches: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut bars: Vec<(f64, f64)> = stretches.iter().filter_map(|(start, end)| x.stretch(*start, *end)).collect();
    bars.sort_by(|a, b| a.0.total_cmp(&b.0));
    bars.dedup_by(|later, earlier| {
        let touches = later.0 - (earlier.0 + earlier.1) < 0.5;
        if touches {
            earlier.1 = earlier.1.max(later.0 + later.1 - earlier.0);
        }
        touches
    });
    bars
}

/// Returns moments in pixels, those of one column of pixels once.
fn pins(x: &Scale, moments: &[f64]) -> Vec<f64> {
    let mut pins: Vec<f64> = moments.iter().filter(|time| x.holds(**time)).map(|time| x.place(*time)).collect();
    pins.sort_by(f64::total_cmp);
    pins.dedup_by_key(|pin| index_of(*pin));
    pins
}
