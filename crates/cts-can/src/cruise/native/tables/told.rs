//! The tables of what the car and its driver did: edges, runs, moments, and when the car was engaged.

use std::io;

use super::super::{BitPlace, FollowedKind, FollowedSignal, Role, Run, Stretch};
use super::sheet::{Cell, PLACE, Sheet};
use super::{View, bus_cell, place_cells, speed_cells};
use crate::python::clock;

pub(super) const EDGES: &[&str] =
    &[PLACE, "ts_abs,ts_rel,ts_mmss,edge_type,speed_mph,bus,speed_kph,name,source,window,engaged"];

pub(super) const RUNS: &[&str] = &[
    PLACE,
    "start_abs,start_rel,start_mmss,end_abs,end_rel,end_mmss,duration_s,duration_mmss,bus",
    "kind,name,source,window,complete,engaged_s",
];

pub(super) const TIMELINE: &[&str] =
    &["ts_abs,ts_rel,ts_mmss", PLACE, "event,value,speed_mph,bus,speed_kph,name,window,engaged"];

pub(super) const ENGAGED: &[&str] =
    &[PLACE, "start_abs,start_rel,start_mmss,end_abs,end_rel,end_mmss,duration_s,duration_mmss,bus,engaged_s,source"];

/// Returns the moments at which something went on and off; not those that nobody saw.
fn edges_of(run: &Run) -> impl Iterator<Item = (f64, bool)> {
    let rise = (!run.is_begun_before).then_some((run.start, true));
    let fall = (!run.is_unfinished).then_some((run.end, false));
    rise.into_iter().chain(fall)
}

/// Writes every edge in the order of time.
pub(super) fn edges(view: &View<'_>, sheet: &mut Sheet<'_>) -> io::Result<()> {
    let followed = &view.result.followed;
    let mut edges: Vec<(f64, usize, bool)> = Vec::new();
    for (index, signal) in followed.iter().enumerate() {
        edges.extend(signal.runs.iter().flat_map(edges_of).map(|(time, is_rise)| (time, index, is_rise)));
    }
    edges.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (time, index, is_rise) in edges.into_iter().filter(|(time, ..)| view.keeps(*time)) {
        let FollowedSignal { name, source, place, .. } = &followed[index];
        let [mph, kph] = view.speed(time);
        let cells = [
            Cell::text(if is_rise { "rise" } else { "fall" }),
            mph,
            bus_cell(*place),
            kph,
            Cell::text(name),
            Cell::text(source),
            view.window(time),
            Cell::truth(view.is_engaged(time)),
        ];
        sheet.row(place_cells(*place).into_iter().chain(view.moment(time)).chain(cells))?;
    }
    Ok(())
}

/// Returns the cells from a stretch's start to its length.
fn stretch_cells<'c>(view: &View<'_>, stretch: Stretch) -> [Cell<'c>; 8] {
    let [[start_abs, start, start_clock], [end_abs, end, end_clock]] =
        [stretch.start, stretch.end].map(|time| view.moment(time));
    let seconds = stretch.seconds();
    let (length, length_clock) = (Cell::Number(seconds, 6), Cell::Text(clock(seconds).into()));
    [start_abs, start, start_clock, end_abs, end, end_clock, length, length_clock]
}

/// Writes the windows, then every stretch in which something was on.
pub(super) fn runs(view: &View<'_>, sheet: &mut Sheet<'_>) -> io::Result<()> {
    for window in view.result.windows.iter().filter(|window| view.keeps_stretch(window.window)) {
        let cells = [
            Cell::Empty,
            Cell::text("window"),
            Cell::Text(format!("window {}", window.id).into()),
            Cell::text(window.mark.word()),
            Cell::Count(window.id as u64),
            Cell::Bool(window.ended.is_some()),
            engaged_seconds(view, window.window),
        ];
        sheet.row(place_cells(None).into_iter().chain(stretch_cells(view, window.window)).chain(cells))?;
    }
    for signal in &view.result.followed {
        for run in &signal.runs {
            let stretch = Stretch { start: run.start, end: run.end };
            if !view.keeps_stretch(stretch) {
                continue;
            }
            let cells = [
                bus_cell(signal.place),
                Cell::text("signal"),
                Cell::text(&signal.name),
                Cell::text(&signal.source),
                view.window(run.start),
                Cell::Bool(!run.is_begun_before && !run.is_unfinished),
                engaged_seconds(view, stretch),
            ];
            sheet.row(place_cells(signal.place).into_iter().chain(stretch_cells(view, stretch)).chain(cells))?;
        }
    }
    Ok(())
}

fn engaged_seconds(view: &View<'_>, stretch: Stretch) -> Cell<'static> {
    Cell::number(view.result.engaged.as_ref().map(|_| view.clock.within(stretch)), 6)
}

/// Something that happened.
struct Moment<'a> {
    time: f64,
    event: &'static str,
    value: Cell<'static>,
    name: Cell<'a>,
    place: Option<BitPlace>,
    window: Option<usize>,
}

impl<'a> Moment<'a> {
    fn new(time: f64, event: &'static str, name: Cell<'a>) -> Self {
        Self { time, event, value: Cell::Empty, name, place: None, window: None }
    }
}

/// Writes what happened in the order of time.
pub(super) fn timeline(view: &View<'_>, sheet: &mut Sheet<'_>) -> io::Result<()> {
    let result = view.result;
    let mut moments: Vec<Moment<'_>> = Vec::new();
    for window in &result.windows {
        let name = || Cell::Text(format!("window {}", window.id).into());
        let window_id = Some(window.id);
        moments.push(Moment { window: window_id, ..Moment::new(window.begun, "marker_start", name()) });
        let ended = window.ended.map(|ended| Moment { window: window_id, ..Moment::new(ended, "marker_end", name()) });
        moments.extend(ended);
    }
    for run in &result.target {
        for (time, is_rise) in edges_of(run) {
            let event = if is_rise { "target_speed_start" } else { "target_speed_end" };
            moments.push(Moment::new(time, event, Cell::text("speed")));
        }
    }
    for set in &result.set_speeds {
        let [mph, _] = speed_cells(set.mps);
        moments.push(Moment { value: mph, ..Moment::new(set.time, "set_speed", Cell::text("set speed in mph")) });
    }
    for signal in &result.followed {
        // Bits that the user named may toggle with every frame; their edges have a table.
        let FollowedKind::Role(role) = signal.kind else { continue };
        let [on, off] = match role {
            Role::Buttons => ["press", "release"],
            Role::Engaged | Role::CruiseEngaged => ["engaged", "disengaged"],
            _ => ["on", "off"],
        };
        for (time, is_rise) in signal.runs.iter().flat_map(edges_of) {
            let event = if is_rise { on } else { off };
            moments.push(Moment { place: signal.place, ..Moment::new(time, event, Cell::text(&signal.name)) });
        }
    }
    moments.sort_by(|a, b| a.time.total_cmp(&b.time));
    for moment in moments.into_iter().filter(|moment| view.keeps(moment.time)) {
        let [mph, kph] = view.speed(moment.time);
        let window = moment.window.map_or_else(|| view.window(moment.time), |id| Cell::Count(id as u64));
        let cells = [
            Cell::text(moment.event),
            moment.value,
            mph,
            bus_cell(moment.place),
            kph,
            moment.name,
            window,
            Cell::truth(view.is_engaged(moment.time)),
        ];
        sheet.row(view.moment(moment.time).into_iter().chain(place_cells(moment.place)).chain(cells))?;
    }
    Ok(())
}

/// Writes the times in which the car was engaged, with the margin.
pub(super) fn engaged(view: &View<'_>, sheet: &mut Sheet<'_>) -> io::Result<()> {
    let Some(engaged) = &view.result.engaged else { return Ok(()) };
    for stretch in &engaged.padded {
        let cells = [bus_cell(engaged.place), engaged_seconds(view, *stretch), Cell::text(&engaged.source)];
        sheet.row(place_cells(engaged.place).into_iter().chain(stretch_cells(view, *stretch)).chain(cells))?;
    }
    Ok(())
}
