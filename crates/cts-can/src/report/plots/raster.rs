//! What some bits did around each marker: a lane for each bit, a row in it for each marker, time relative to it.
//!
//! What happens at every marker stands in one line from the top of a lane to its bottom. A rise is a tick above the middle of
//! its row, a fall one below it, and while the bit is set there is a bar along the middle.

use super::axis::{Range, Scale, time_ticks};
use super::lines::index_of;
use super::timeline::draw_time_axis;
use super::{Drawing, PlotEdge, WIDTH, count_of, cut, grouped, in_order};
use crate::report::svg::{Path, Svg};

/// The most lanes.
pub const LANES_MAX: usize = 16;

/// The most rows of all lanes together.
const ROWS_MAX: usize = 192;

/// A row with more edges than this shows them as one busy stretch.
pub const ROW_TICKS_MAX: usize = 120;

const LEFT: f64 = 250.0;
const RIGHT: f64 = WIDTH - 18.0;
const TOP: f64 = 34.0;
const ROW_HEIGHT: f64 = 13.0;
const LANE_ROOM: f64 = 13.0;

/// A moment that the rows are aligned at, and what is looked at around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marker {
    /// The number of its window.
    pub number: usize,
    /// The moment itself, in seconds.
    pub time: f64,
    /// Where its window begins, in seconds.
    pub start: f64,
    /// Where its window ends, in seconds.
    pub end: f64,
}

/// One bit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RasterLane<'a> {
    /// Which bit it is.
    pub label: &'a str,
    /// What else is known of it, in small letters.
    pub note: &'a str,
    /// The moments at which it changed, of the whole log.
    pub edges: &'a [PlotEdge],
}

/// Edges of bits around markers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Raster<'a> {
    /// What a marker is, such as `left blinker on`.
    pub marker_name: &'a str,
    /// The markers, in the order of their rows.
    pub markers: &'a [Marker],
    /// The bits, best first.
    pub lanes: &'a [RasterLane<'a>],
}

impl Raster<'_> {
    /// Draws the plot; `id` is a name of its own in the page.
    #[must_use]
    pub fn draw(&self, id: &str) -> Drawing {
        let usable = |marker: &&Marker| marker.time.is_finite() && marker.start <= marker.end;
        let markers: Vec<&Marker> = self.markers.iter().filter(usable).take(ROWS_MAX / 4).collect();
        let lanes_max = (ROWS_MAX / markers.len().max(1)).min(LANES_MAX);
        let lanes = &self.lanes[..self.lanes.len().min(lanes_max)];
        let mut notes = Vec::new();
        if markers.len() < self.markers.len() {
            notes.push(format!(
                "{} of {} are drawn.",
                grouped(markers.len() as u64),
                count_of(self.markers.len(), "marker")
            ));
        }
        if lanes.len() < self.lanes.len() {
            notes.push(format!("The first {} of {} are drawn.", lanes.len(), count_of(self.lanes.len(), "bit")));
        }
        let range =
            Range::of(markers.iter().flat_map(|marker| [marker.start - marker.time, marker.end - marker.time, 0.0]));
        let x = Scale { range: range.unwrap_or(Range { low: -1.0, high: 1.0 }).at_least(0.1), from: LEFT, to: RIGHT };
        #[expect(clippy::cast_precision_loss, reason = "there are few lanes and rows")]
        let (lane_height, lane_count) =
            ((markers.len().max(1) as f64 * ROW_HEIGHT).max(26.0) + LANE_ROOM, lanes.len() as f64);
        let bottom = TOP + lane_count * lane_height;

        let title =
            format!("Edges around {}", if self.marker_name.is_empty() { "each marker" } else { self.marker_name });
        let description = format!(
            "{} in lanes, {} in each as rows, from {:.1} to {:.1} seconds around the marker.",
            count_of(lanes.len(), "bit"),
            count_of(markers.len(), "marker"),
            x.range.low,
            x.range.high,
        );
        let mut svg = Svg::figure(id, (WIDTH, bottom + 44.0), &title, &description);
        let (ticks, unit) = time_ticks(x.range, 8);
        draw_time_axis(&mut svg, &x, &ticks, (TOP, bottom), &format!("{unit} from there"));
        let mut top = TOP;
        let mut busy = 0;
        for lane in lanes {
            busy += draw_lane(&mut svg, &x, lane, &markers, top, lane_height);
            top += lane_height;
        }
        let mut zero = Path::default();
        zero.line((x.place(0.0), TOP - 6.0), (x.place(0.0), bottom));
        svg.path("zero", &zero);
        let name = cut(self.marker_name, 60);
        svg.text(
            if x.place(0.0) > f64::midpoint(LEFT, RIGHT) { "label end" } else { "label" },
            (x.place(0.0), TOP - 12.0),
            &name,
        );
        if busy > 0 {
            notes.push(format!(
                "{} with more than {ROW_TICKS_MAX} edges shown as a hatched stretch.",
                count_of(busy, "row")
            ));
        }
        Drawing { svg: svg.finish(), notes }
    }
}

/// Draws a lane; returns how many of its rows have too many edges to be drawn one by one.
fn draw_lane(svg: &mut Svg, x: &Scale, lane: &RasterLane<'_>, markers: &[&Marker], top: f64, height: f64) -> usize {
    svg.text("strong", (8.0, top + 14.0), &cut(lane.label, 34));
    svg.text("small", (8.0, top + 28.0), &cut(lane.note, 34));
    let edges = in_order(lane.edges);
    let mut lane_paths = LanePaths::default();
    let mut busy = 0;
    let mut middle = top + 5.0 + ROW_HEIGHT / 2.0;
    for marker in markers {
        svg.text("row end", (LEFT - 6.0, middle + 3.0), &marker.number.to_string());
        if let Some((left, width)) = x.stretch(marker.start - marker.time, marker.end - marker.time) {
            svg.rect("row-window", (left, middle - ROW_HEIGHT / 2.0 + 0.5), (width, ROW_HEIGHT - 1.0));
        }
        let from = edges.partition_point(|edge| edge.time < marker.start);
        let to = edges.partition_point(|edge| edge.time <= marker.end);
        busy += usize::from(lane_paths.row(x, marker, &edges, from..to.max(from), middle));
        middle += ROW_HEIGHT;
    }
    svg.path("set", &lane_paths.set);
    svg.path("busy", &lane_paths.busy);
    svg.path("rise", &lane_paths.rises);
    svg.path("fall", &lane_paths.falls);
    let mut rule = Path::default();
    rule.line((8.0, top + height), (RIGHT, top + height));
    svg.path("grid", &rule);
    busy
}

#[derive(Debug, Default)]
struct LanePaths {
    set: Path,
    busy: Path,
    rises: Path,
    falls: Path,
}

impl LanePaths {
    /// Adds a row; returns whether it has too many edges to be drawn one by one.
    fn row(
        &mut self,
        x: &Scale,
        marker: &Marker,
        edges: &[PlotEdge],
        seen: std::ops::Range<usize>,
        middle: f64,
    ) -> bool {
        let place = |time: f64| x.place(time - marker.time);
        let mut is_set = match (edges[..seen.start].last(), edges.get(seen.start)) {
            (Some(before), _) => before.is_rise,
            (None, Some(next)) => !next.is_rise,
            (None, None) => false,
        };
        let (start, end) = (place(marker.start), place(marker.end));
        let mut drawn: Vec<(usize, bool)> =
            edges[seen.clone()].iter().map(|edge| (index_of(place(edge.time) * 2.0), edge.is_rise)).collect();
        drawn.dedup();
        if drawn.len() > ROW_TICKS_MAX {
            let first = place(edges[seen.start].time);
            let last = place(edges[seen.end - 1].time);
            let mut left = first;
            while left < last {
                self.busy.line((left, middle + 4.0), ((left + 4.0).min(last), middle - 4.0));
                left += 4.0;
            }
            return true;
        }
        let mut from = start;
        for edge in &edges[seen] {
            let at = place(edge.time);
            if is_set && at > from {
                self.set.line((from, middle), (at, middle));
            }
            if is_set != edge.is_rise {
                if edge.is_rise {
                    self.rises.line((at, middle + 0.5), (at, middle - 6.0));
                } else {
                    self.falls.line((at, middle - 0.5), (at, middle + 6.0));
                }
            }
            (is_set, from) = (edge.is_rise, at);
        }
        if is_set && end > from {
            self.set.line((from, middle), (end, middle));
        }
        false
    }
}
