//! The plots of the report, from what was found.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{msb_label, tells, unit_name};
use crate::cruise::native::{
    Candidate, CandidateKind, CruiseResult, FollowedKind, FollowedSignal, Levels, Mark, Role, StreamCounts, WindowFound,
};
use crate::frame::{Address, Bus};
use crate::report::html::{Figure, Prose};
use crate::report::plots::{
    BitSpan, Drawing, HeatMap, HeatRow, Lane, LevelStrip, Line, Marker, Marks, PlotEdge, PlotWindow, Raster,
    RasterLane, Timeline,
};

/// Values of the speed that are farther apart than this are not joined.
const SPEED_GAP_S: f64 = 1.0;

/// In so many steps the line of the set speed is drawn.
const SET_SPEED_STEPS: u32 = 1000;

/// The most lanes under the speed.
const LANES_MAX: usize = 12;

/// The most messages of the heat map.
const MESSAGES_MAX: usize = 48;

/// The most candidates that are framed in the heat map.
const FRAMED_MAX: usize = 30;

/// The most bits of the raster.
const RASTER_LANES_MAX: usize = 10;

/// What is looked at around a press or a change of engaged, in seconds.
const AROUND_S: (f64, f64) = (1.5, 3.0);

/// The most windows that a plot is given.
const WINDOWS_MAX: usize = 256;

/// Returns what each window says when it is pointed at, in the order of the windows.
fn window_notes(windows: &[WindowFound]) -> Vec<String> {
    let note = |window: &WindowFound| {
        let mark = mark_name(window.mark);
        match window.ended {
            Some(ended) => format!("{mark}, {:.2} to {ended:.2} s.", window.begun),
            None => format!("{mark}, begun at {:.2} s and never ended.", window.begun),
        }
    };
    windows.iter().take(WINDOWS_MAX).map(note).collect()
}

fn plot_windows<'n>(windows: &[WindowFound], notes: &'n [String]) -> Vec<PlotWindow<'n>> {
    let plot = |(window, note): (&WindowFound, &'n String)| PlotWindow {
        start: window.window.start,
        end: window.window.end,
        note,
    };
    windows.iter().zip(notes).map(plot).collect()
}

/// Returns what a window is made of, as it is told to people.
pub(super) fn mark_name(mark: Mark) -> &'static str {
    match mark {
        Mark::Blinkers => "blinkers",
        Mark::Button => "button",
        Mark::Bookmark => "bookmark",
        Mark::Given => "given",
    }
}

pub(super) fn timeline(result: &CruiseResult) -> Figure {
    let unit = result.options.speed_unit;
    let speed: Vec<(f64, f64)> =
        result.speed.points.iter().map(|point| (point.time, unit.of_mps(f64::from(point.mps)))).collect();
    let (set, step) = set_speed_line(result);
    let mut lines = vec![Line { name: "speed", points: &speed, gap_s_max: SPEED_GAP_S.max(result.speed.step * 4.0) }];
    if !set.is_empty() {
        lines.push(Line { name: "set speed", points: &set, gap_s_max: step * 1.5 });
    }
    let followed = lanes_of(result);
    let times: Vec<Vec<(f64, f64)>> =
        followed.iter().map(|of| of.runs.iter().map(|run| (run.start, run.end)).collect()).collect();
    let moments: Vec<Vec<f64>> = followed.iter().map(|of| of.runs.iter().map(|run| run.start).collect()).collect();
    let engaged: Vec<(f64, f64)> =
        result.engaged.iter().flat_map(|of| of.runs.iter().map(|run| (run.start, run.end))).collect();
    let mut lanes = vec![Lane {
        name: "engaged",
        marks: if result.engaged.is_some() { Marks::Stretches(&engaged) } else { Marks::Unknown("nothing tells it") },
    }];
    for (index, of) in followed.iter().enumerate() {
        let marks = if is_button(of) { Marks::Moments(&moments[index]) } else { Marks::Stretches(&times[index]) };
        lanes.push(Lane { name: &of.name, marks });
    }
    let notes = window_notes(&result.windows);
    let plot = Timeline {
        quantity: "speed",
        unit: unit_name(unit),
        lines: &lines,
        band: Some((result.options.speed_min, result.options.speed_max)),
        windows: &plot_windows(&result.windows, &notes),
        lanes: &lanes,
        time: Some((result.time.first, result.time.last)),
    };
    Figure {
        drawing: plot.draw("timeline"),
        caption: "Speed over time, with the marker windows and what the car and the driver did.".into(),
        how_to_read: "The line is the speed, the yellow band the target range. Violet stretches with a number are the marker \
                      windows of the table below. Under the axis each lane is one thing: a bar lasts from its begin to its end, a \
                      pin is the moment at which a button was pressed. Where the line is interrupted, the log has no speed."
            .into(),
    }
}

/// Returns the line of the set speed, where there is one, and the time between its points.
fn set_speed_line(result: &CruiseResult) -> (Vec<(f64, f64)>, f64) {
    let (first, last) = (result.time.first, result.time.last);
    let step = (last - first) / f64::from(SET_SPEED_STEPS);
    let is_set = |mps: f64| mps > 0.0;
    if !(result.set_speeds.iter().any(|set| is_set(set.mps)) && step > 0.0 && step.is_finite()) {
        return (Vec::new(), 1.0);
    }
    let mut points = Vec::new();
    let mut next = 0;
    for index in 0..=SET_SPEED_STEPS {
        let time = first + f64::from(index) * step;
        while result.set_speeds.get(next).is_some_and(|set| set.time <= time) {
            next += 1;
        }
        let Some(set) = next.checked_sub(1).map(|before| result.set_speeds[before]) else { continue };
        if is_set(set.mps) {
            points.push((time, result.options.speed_unit.of_mps(set.mps)));
        }
    }
    (points, step)
}

fn is_button(of: &FollowedSignal) -> bool {
    of.kind == FollowedKind::Role(Role::Buttons)
}

/// Returns what gets a lane: the user's bits and buttons first, and no source of engaged twice.
fn lanes_of(result: &CruiseResult) -> Vec<&FollowedSignal> {
    let rank = |of: &FollowedSignal| match of.kind {
        FollowedKind::Watch => Some(0),
        FollowedKind::Role(Role::Buttons) => Some(1),
        FollowedKind::Role(Role::Brake) => Some(2),
        FollowedKind::Role(Role::Gas) => Some(3),
        FollowedKind::Role(Role::Blinkers) => Some(4),
        FollowedKind::Role(Role::CruiseAvailable) => Some(5),
        FollowedKind::Role(Role::CruiseEngaged | Role::Engaged) => Some(6),
        FollowedKind::Role(Role::Speed | Role::SetSpeed) => None,
    };
    let is_engaged = |of: &FollowedSignal| result.engaged.as_ref().is_some_and(|engaged| engaged.source == of.source);
    let mut lanes: Vec<(u8, &FollowedSignal)> = result
        .followed
        .iter()
        .filter(|of| !of.runs.is_empty() && !is_engaged(of))
        .filter_map(|of| Some((rank(of)?, of)))
        .collect();
    lanes.sort_by_key(|(rank, _)| *rank);
    lanes.into_iter().take(LANES_MAX).map(|(_, of)| of).collect()
}

pub(super) fn heat_map(result: &CruiseResult) -> Figure {
    let mut best: HashMap<(Bus, Address), (f64, Vec<u16>)> = HashMap::new();
    for candidate in &result.candidates {
        let entry = best.entry((candidate.bus, candidate.address)).or_default();
        entry.0 = entry.0.max(candidate.score);
    }
    for candidate in result.candidates.iter().take(FRAMED_MAX) {
        best.entry((candidate.bus, candidate.address)).or_default().1.push(candidate.bit);
    }
    let score = |stream: &StreamCounts| best.get(&(stream.bus, stream.address)).map_or(0.0, |of| of.0);
    let mut streams: Vec<&StreamCounts> = result.streams.iter().collect();
    streams.sort_by(|a, b| {
        let key = |of: &StreamCounts| (Reverse(of.changes), of.address, of.bus);
        score(b).total_cmp(&score(a)).then_with(|| key(a).cmp(&key(b)))
    });
    let more_rows = streams.len().saturating_sub(MESSAGES_MAX);
    streams.truncate(MESSAGES_MAX);
    let parts: Vec<RowParts> = streams.iter().map(|stream| RowParts::new(result, stream)).collect();
    let spans: Vec<Vec<BitSpan<'_>>> = parts.iter().map(RowParts::spans).collect();
    let rows: Vec<HeatRow<'_>> = streams
        .iter()
        .zip(&parts)
        .zip(&spans)
        .map(|((stream, parts), spans)| HeatRow {
            bus: stream.bus.0,
            address: &parts.address,
            name: stream.message.as_deref().unwrap_or_default(),
            changes: &parts.changes,
            changes_in_windows: &parts.in_windows,
            fields: spans,
            framed: best.get(&(stream.bus, stream.address)).map_or(&[], |of| of.1.as_slice()),
        })
        .collect();
    let is_split = !result.windows.is_empty();
    let plot = HeatMap { rows: &rows, rows_max: MESSAGES_MAX, more_rows, is_split };
    let how_to_read = if is_split {
        "Each cell is one bit. Its upper half tells how often it changed in the marker windows, its lower half how often \
         everywhere else; darker, or on a dark page brighter, is more often. A bit that is colored in the upper half only changed \
         in the windows only. Hatched bits count or check frames and are not scored; frames are around the best candidates. Point at a \
         row for its figures."
    } else {
        "Each cell is one bit; darker, or on a dark page brighter, changed more often. Hatched bits count or check frames and are not \
         scored; frames are around the best candidates. Point at a row for its figures."
    };
    Figure {
        drawing: plot.draw("heat-map"),
        caption: "How often each bit of each message changed; bus, address and name at the left, messages with the best candidates \
                  first."
            .into(),
        how_to_read: how_to_read.into(),
    }
}

/// What a row of the heat map refers to.
struct RowParts {
    address: String,
    changes: Vec<u64>,
    in_windows: Vec<u64>,
    fields: Vec<(u16, u16, String)>,
}

impl RowParts {
    fn new(result: &CruiseResult, stream: &StreamCounts) -> Self {
        let fields = result.fields.iter().filter(|field| (field.bus, field.address) == (stream.bus, stream.address));
        Self {
            address: stream.address.to_string(),
            changes: stream.bits.iter().map(|bit| u64::from(bit.all)).collect(),
            in_windows: stream.bits.iter().map(|bit| u64::from(bit.in_windows)).collect(),
            fields: fields.map(|field| (field.first_bit, field.bits, field.kind.to_string())).collect(),
        }
    }

    fn spans(&self) -> Vec<BitSpan<'_>> {
        self.fields.iter().map(|(first_bit, bits, name)| BitSpan { first_bit: *first_bit, bits: *bits, name }).collect()
    }
}

/// Returns the edges of a bit.
fn edges(levels: &Levels) -> Vec<PlotEdge> {
    let mut is_high = levels.is_high_first;
    let edge = |time: &f64| {
        is_high = !is_high;
        PlotEdge { time: *time, is_rise: is_high }
    };
    levels.toggles.iter().map(edge).collect()
}

/// Returns the level of a candidate over the log; none where it changed too often.
pub(super) fn strip(result: &CruiseResult, candidate: &Candidate) -> Option<Drawing> {
    let edges = edges(candidate.levels.as_ref()?);
    let notes = window_notes(&result.windows);
    let label = format!(
        "Level of {} {} on bus {} over the log: set in {:.1} of {:.1} s, {} rises, {} falls",
        candidate.address,
        msb_label(candidate.bit),
        candidate.bus,
        candidate.high,
        candidate.seconds,
        candidate.rises,
        candidate.falls,
    );
    let plot = LevelStrip {
        label: &label,
        time: (result.time.first, result.time.last),
        is_set_at_start: false,
        edges: &edges,
        windows: &plot_windows(&result.windows, &notes),
    };
    Some(plot.draw())
}

/// What the rows of the raster are aligned at.
struct Moments {
    /// What speaks for the bits that are looked at.
    kind: CandidateKind,
    name: String,
    caption: &'static str,
    markers: Vec<Marker>,
}

/// Returns the moments that bits are looked at around: the marks, or else the presses, or else when the car was engaged.
fn moments(result: &CruiseResult) -> Option<Moments> {
    let around = |(number, time): (usize, f64)| Marker {
        number: number + 1,
        time,
        start: time - AROUND_S.0,
        end: time + AROUND_S.1,
    };
    if let Some(first) = result.windows.first() {
        let marker =
            |of: &WindowFound| Marker { number: of.id, time: of.begun, start: of.window.start, end: of.window.end };
        let name = match first.mark {
            Mark::Blinkers => "left blinker on",
            Mark::Button => "button pressed",
            Mark::Bookmark => "bookmark",
            Mark::Given => "start of the window",
        };
        let markers = result.windows.iter().map(marker).collect();
        return Some(Moments {
            kind: CandidateKind::Windows,
            name: name.to_owned(),
            caption: "each marker window",
            markers,
        });
    }
    let of_button = result.presses.iter().filter(|press| press.button == result.options.button);
    let presses: Vec<Marker> = of_button.map(|press| press.run.start).enumerate().map(around).collect();
    if !presses.is_empty() {
        let name = format!("{} pressed", result.options.button);
        let caption = "each press of the button";
        return Some(Moments { kind: CandidateKind::Presses, name, caption, markers: presses });
    }
    let runs = result.engaged.iter().flat_map(|engaged| &engaged.runs);
    let markers: Vec<Marker> = runs.map(|run| run.start).enumerate().map(around).collect();
    let name = "engaged".to_owned();
    let caption = "each time the car was engaged";
    (!markers.is_empty()).then_some(Moments { kind: CandidateKind::Engaged, name, caption, markers })
}

pub(super) fn raster(result: &CruiseResult) -> Option<Figure> {
    let moments = moments(result)?;
    let is_near = |time: f64| moments.markers.iter().any(|marker| marker.start <= time && time <= marker.end);
    let mut scored: Vec<(&Candidate, f64)> =
        result.candidates.iter().filter_map(|of| Some((of, of.part(moments.kind)?))).collect();
    // The order of the candidates stays among equal ones.
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    let seen: Vec<(&Candidate, Vec<PlotEdge>)> = scored
        .into_iter()
        .map(|(candidate, _)| candidate)
        .filter_map(|candidate| Some((candidate, edges(candidate.levels.as_ref()?))))
        .filter(|(_, edges)| edges.iter().any(|edge| is_near(edge.time)))
        .take(RASTER_LANES_MAX)
        .collect();
    if seen.is_empty() {
        return None;
    }
    let texts: Vec<(String, String)> = seen
        .iter()
        .map(|(of, _)| {
            let name = of.signal.as_deref().map_or(String::new(), |signal| format!(", {signal}"));
            let told = if tells(result, of, moments.kind) { " (tells it)" } else { "" };
            let score = 100.0 * of.part(moments.kind).unwrap_or_default();
            (format!("{} {} bus {}", of.address, msb_label(of.bit), of.bus), format!("{score:.1}{told}{name}"))
        })
        .collect();
    let lanes: Vec<RasterLane<'_>> =
        seen.iter().zip(&texts).map(|((_, edges), (label, note))| RasterLane { label, note, edges }).collect();
    let plot = Raster { marker_name: &moments.name, markers: &moments.markers, lanes: &lanes };
    Some(Figure {
        drawing: plot.draw("raster"),
        caption: Prose::new()
            .text(&format!("What bits did around {}: those whose edges fit best, with that part of their score. ", moments.caption))
            .text("Candidates that changed too often for that, or never there, are left out."),
        how_to_read: "Each lane is one bit and each row in it one marker, with its number at the left. A blue tick upwards is a rise, \
                      an orange tick downwards a fall, and the pale bar is the time in which the bit is set. Ticks that stand under each \
                      other in all rows happen at the same time after every marker: that is what a bit of the marked action does."
            .into(),
    })
}
