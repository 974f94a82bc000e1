//! The tables of the report, from what was found.

use std::collections::BTreeMap;

use super::figures::{mark_name, strip};
use super::{ReportAbout, msb_label, place_text, stretch_text, tells, unit_name};
use crate::cruise::native::{Candidate, CandidateKind, CruiseResult, Run, TOGGLES_KEPT_MAX};
use crate::fields::Field;
use crate::frame::{Bus, Origin};
use crate::report::html::{Align, Block, Cell, Column, Prose, Table};
use crate::report::plots::grouped;

/// The most candidates that are shown.
const CANDIDATES_MAX: usize = 25;

/// The most rows of the other tables.
const ROWS_MAX: usize = 60;

/// The most messages that are shown; a car has fewer.
const MESSAGES_MAX: usize = 400;

fn table(caption: Prose, columns: &[(&str, Align)], rows: Vec<Vec<Cell>>, more_rows: usize) -> Block {
    let columns = columns.iter().map(|(heading, align)| Column::new(heading, *align)).collect();
    Block::Table(Table { caption, columns, rows, more_rows })
}

/// Returns the rows of the first items, and how many more items there are.
fn rows<T>(items: &[T], rows_max: usize, row: impl FnMut(&T) -> Vec<Cell>) -> (Vec<Vec<Cell>>, usize) {
    (items.iter().take(rows_max).map(row).collect(), items.len().saturating_sub(rows_max))
}

fn seconds(seconds: f64) -> Cell {
    format!("{seconds:.2}").into()
}

fn count(count: u64) -> Cell {
    grouped(count).into()
}

/// Returns what is special about a run.
fn run_note(run: &Run) -> &'static str {
    match (run.is_begun_before, run.is_unfinished) {
        (true, true) => "from before the log to after it",
        (true, false) => "begun before the log",
        (false, true) => "not ended in the log",
        (false, false) => "",
    }
}

/// Returns the table of some runs; what is special about them has a column where there is anything.
fn runs(caption: Prose, runs: &[Run]) -> Block {
    let has_notes = runs.iter().any(|run| !run_note(run).is_empty());
    let (rows, more) = rows(runs, ROWS_MAX, |run| {
        let mut row = vec![seconds(run.start), seconds(run.end), seconds(run.seconds())];
        row.extend(has_notes.then(|| run_note(run).into()));
        row
    });
    let mut columns = vec![("from, s", Align::Number), ("to, s", Align::Number), ("for, s", Align::Number)];
    columns.extend(has_notes.then_some(("", Align::Text)));
    table(caption, &columns, rows, more)
}

pub(super) fn windows(result: &CruiseResult) -> Vec<Block> {
    if result.windows.is_empty() {
        let text = "There are none. A driver marks one with the left blinker at its begin and the right one at its end; the parameters \
                    marker_type and windows name other marks. Without windows bits are held against engaged and presses only.";
        return vec![Block::Text(text.into())];
    }
    let (rows, more) = rows(&result.windows, ROWS_MAX, |window| {
        let ended = window.ended.map_or_else(|| "not complete".into(), |ended| format!("{ended:.2}").into());
        vec![
            window.id.to_string().into(),
            mark_name(window.mark).into(),
            seconds(window.begun),
            ended,
            seconds(window.window.start),
            seconds(window.window.end),
            seconds(window.inside.seconds()),
        ]
    });
    let columns = [
        ("window", Align::Short),
        ("marked by", Align::Short),
        ("mark begun, s", Align::Number),
        ("mark ended, s", Align::Number),
        ("window start, s", Align::Number),
        ("window end, s", Align::Number),
        ("in the log, s", Align::Number),
    ];
    let caption =
        "The numbers are those of the plots. A window is its mark with the margins before and after it.".into();
    vec![table(caption, &columns, rows, more)]
}

pub(super) fn engaged(result: &CruiseResult) -> Vec<Block> {
    let heading = Block::Heading("Engaged".to_owned());
    let Some(engaged) = &result.engaged else {
        return vec![heading, Block::Text("Nothing in the log tells when the car was engaged.".into())];
    };
    let place = engaged.place.map_or_else(String::new, |place| format!(", {}", place_text(place)));
    let told = Prose::new().text("Told by ").name(&engaged.source).text(&format!("{place}."));
    if engaged.runs.is_empty() {
        return vec![heading, Block::Text(told.text(" The car was never engaged."))];
    }
    vec![heading, runs(told, &engaged.runs)]
}

pub(super) fn presses(result: &CruiseResult) -> Vec<Block> {
    if result.presses.is_empty() {
        return Vec::new();
    }
    let unit = result.options.speed_unit;
    let (rows, more) = rows(&result.presses, ROWS_MAX, |press| {
        let speed = press.mps.map_or_else(|| "\u{2013}".to_owned(), |mps| format!("{:.1}", unit.of_mps(mps)));
        vec![
            Prose::new().name(&press.button).into(),
            seconds(press.run.start),
            seconds(press.run.seconds()),
            speed.into(),
            if press.is_in_target { "yes" } else { "no" }.into(),
        ]
    });
    let speed = format!("speed, {}", unit_name(unit));
    let columns = [
        ("button", Align::Short),
        ("pressed at, s", Align::Number),
        ("for, s", Align::Number),
        (speed.as_str(), Align::Number),
        ("in the target range", Align::Short),
    ];
    vec![Block::Heading("Presses of buttons".to_owned()), table(Prose::new(), &columns, rows, more)]
}

pub(super) fn target(result: &CruiseResult) -> Vec<Block> {
    if result.target.is_empty() {
        return Vec::new();
    }
    vec![Block::Heading("At the target speed".to_owned()), runs(Prose::new(), &result.target)]
}

fn kind_name(kind: CandidateKind) -> &'static str {
    match kind {
        CandidateKind::Engaged => "engaged",
        CandidateKind::Windows => "windows",
        CandidateKind::Presses => "presses",
    }
}

pub(super) fn candidates(result: &CruiseResult) -> Vec<Block> {
    if result.candidates.is_empty() {
        let text = "There are none: no bit changed, or there are no marker windows, no presses and no time in which the car was \
                    engaged that bits could be held against.";
        return vec![Block::Text(text.into())];
    }
    let kinds = known_kinds(result);
    let mut rank = 0_usize;
    let (rows, more) = rows(&result.candidates, CANDIDATES_MAX, |candidate| {
        rank += 1;
        candidate_row(result, candidate, rank, &kinds)
    });
    let mut columns = vec![
        ("", Align::Number),
        ("bit", Align::Short),
        ("signal", Align::Text),
        ("score", Align::Short),
        ("level over the log", Align::Short),
    ];
    columns.extend(kinds.iter().map(|kind| (kind_name(*kind), Align::Short)));
    columns.push(("changes", Align::Short));
    let caption = Prose::new().text(
        "The bits that are most likely to tell what the cruise control did, best first. A score is 100 times the best of three parts: \
         how the level goes with being engaged (the phi coefficient without its sign), how much the edges lie in the marker windows and \
         nowhere else, and the same for presses of the button. It says that a bit goes with something, not that it is its cause.",
    );
    vec![table(caption, &columns, rows, more)]
}

/// Returns what bits were held against.
fn known_kinds(result: &CruiseResult) -> Vec<CandidateKind> {
    let kinds = [CandidateKind::Engaged, CandidateKind::Windows, CandidateKind::Presses];
    let is_known = |kind: &CandidateKind| result.candidates.iter().any(|of| of.part(*kind).is_some());
    kinds.into_iter().filter(is_known).collect()
}

fn candidate_row(result: &CruiseResult, candidate: &Candidate, rank: usize, kinds: &[CandidateKind]) -> Vec<Cell> {
    let Candidate { address, bus, bit, rises, falls, .. } = candidate;
    let (byte, lowest) = (bit / 8, bit % 8);
    let place = Prose::new()
        .code(&format!("{address} {}", msb_label(*bit)))
        .line()
        .small(&format!("bus {bus}, bit {bit}"))
        .line()
        .small(&format!("byte {byte}, bit {lowest} (LSB)"));
    let signal = match &candidate.signal {
        Some(signal) => Prose::new().long_name(signal),
        None => "\u{2013}".into(),
    };
    let level = match strip(result, candidate) {
        Some(drawing) => Cell::Drawing(drawing),
        None => Prose::new().small(&format!("more than {TOGGLES_KEPT_MAX} changes")).into(),
    };
    let mut row = vec![
        rank.to_string().into(),
        place.into(),
        signal.into(),
        Prose::new().strong(&format!("{:.1}", candidate.score)).line().small(kind_name(candidate.kind)).into(),
        level,
    ];
    row.extend(kinds.iter().map(|kind| part_cell(result, candidate, *kind)));
    let changes = Prose::new().text(&grouped(rises + falls));
    row.push(changes.line().small(&format!("{rises} up")).line().small(&format!("{falls} down")).into());
    row
}

/// Returns one part of a score, with what it rests on.
fn part_cell(result: &CruiseResult, candidate: &Candidate, kind: CandidateKind) -> Cell {
    let Some(part) = candidate.part(kind) else { return "\u{2013}".into() };
    let text = format!("{:.1}", 100.0 * part);
    let prose = if kind == candidate.kind { Prose::new().strong(&text) } else { text.into() };
    let presses = || result.presses.iter().filter(|press| press.button == result.options.button).count();
    let prose = prose.line().small(&match kind {
        CandidateKind::Engaged => candidate.phi.map_or_else(String::new, |phi| format!("phi {phi:.3}")),
        CandidateKind::Windows => format!("in {} of {}", candidate.windows_hit, result.windows.len()),
        CandidateKind::Presses => format!("at {} of {}", candidate.presses_hit, presses()),
    });
    if tells(result, candidate, kind) { prose.line().small("tells it itself").into() } else { prose.into() }
}

pub(super) fn fields(result: &CruiseResult) -> Vec<Block> {
    if result.fields.is_empty() {
        return Vec::new();
    }
    let streams: Vec<&[Field]> = result.fields.chunk_by(|a, b| (a.bus, a.address) == (b.bus, b.address)).collect();
    let (rows, more) = rows(&streams, MESSAGES_MAX, |fields| {
        let mut text = Prose::new();
        for (index, field) in fields.iter().enumerate() {
            let last = field.first_bit + field.bits.max(1) - 1;
            let told = format!("bits {} to {last}: {}, {:.1} % sure", field.first_bit, field.kind, 100.0 * field.sure);
            text = if index > 0 { text.line().text(&told) } else { text.text(&told) };
        }
        vec![Prose::new().code(&fields[0].address.to_string()).into(), fields[0].bus.to_string().into(), text.into()]
    });
    let columns = [("address", Align::Short), ("bus", Align::Number), ("counters and checksums", Align::Text)];
    let caption = "They change by themselves, so they are no candidates. How sure one is, is the share of frames or payloads that follow \
                   its rule."
        .into();
    let title = format!("Counters and checksums ({})", grouped(result.fields.len() as u64));
    vec![Block::Details(title, vec![table(caption, &columns, rows, more)])]
}

pub(super) fn messages(result: &CruiseResult) -> Vec<Block> {
    if result.streams.is_empty() {
        return vec![Block::Text("There are no frames.".into())];
    }
    let has_windows = !result.windows.is_empty();
    let (rows, more) = rows(&result.streams, MESSAGES_MAX, |stream| {
        let seen = stream.seen.seconds();
        #[expect(clippy::cast_precision_loss, reason = "frames are far fewer than 2^53")]
        let intervals = stream.frames.saturating_sub(1) as f64;
        let rate = if seen > 0.0 { format!("{:.1}", intervals / seen) } else { "\u{2013}".to_owned() };
        let bits = stream.bits.iter().filter(|bit| bit.all > 0).count();
        let mut row: Vec<Cell> = vec![
            Prose::new().code(&stream.address.to_string()).into(),
            stream.bus.to_string().into(),
            stream.message.as_deref().map_or_else(|| "\u{2013}".into(), |name| Prose::new().long_name(name)).into(),
            count(stream.frames),
            rate.into(),
            count(stream.changes),
            count(stream.unique),
            count(bits as u64),
            stretch_text(stream.seen).into(),
        ];
        if has_windows {
            let inside = stream.bits.iter().filter(|bit| bit.in_windows > 0).count();
            row.insert(8, count(inside as u64));
        }
        row
    });
    let mut columns = vec![
        ("address", Align::Short),
        ("bus", Align::Number),
        ("message", Align::Text),
        ("frames", Align::Number),
        ("per second", Align::Number),
        ("changes", Align::Number),
        ("payloads", Align::Number),
        ("bits that change", Align::Number),
        ("seen, s", Align::Number),
    ];
    if has_windows {
        columns.insert(8, ("of them in windows", Align::Number));
    }
    let caption = "In the order of addresses. A change is a frame whose payload is not the one before.".into();
    let title = format!("All messages ({})", grouped(result.streams.len() as u64));
    vec![buses(result), Block::Details(title, vec![table(caption, &columns, rows, more)])]
}

/// Returns what each bus has.
fn buses(result: &CruiseResult) -> Block {
    let mut buses: BTreeMap<Bus, [u64; 3]> = BTreeMap::new();
    for stream in &result.streams {
        let bus = buses.entry(stream.bus).or_default();
        for (sum, more) in bus.iter_mut().zip([1, stream.frames, stream.changes]) {
            *sum += more;
        }
    }
    let buses: Vec<(Bus, [u64; 3])> = buses.into_iter().collect();
    let (rows, more) = rows(&buses, ROWS_MAX, |(bus, [messages, frames, changes])| {
        let about = match bus.origin() {
            Origin::Received => "received",
            Origin::Echoed => "sent by openpilot and put on the bus",
            Origin::Rejected => "sent by openpilot and refused by the safety rules",
            Origin::Requested => "asked for by openpilot",
        };
        vec![bus.to_string().into(), count(*messages), count(*frames), count(*changes), about.into()]
    });
    let columns = [
        ("bus", Align::Number),
        ("messages", Align::Number),
        ("frames", Align::Number),
        ("changes", Align::Number),
        ("its frames are", Align::Text),
    ];
    table(Prose::new(), &columns, rows, more)
}

pub(super) fn sources(result: &CruiseResult, about: &ReportAbout) -> Vec<Block> {
    let (told, more) = rows(&result.sources, ROWS_MAX, |source| {
        let text = match &source.source {
            Some(text) => Prose::new().name(text),
            None => "nothing in the log tells it".into(),
        };
        vec![source.role.word().replace('_', " ").into(), text.into(), count(source.samples)]
    });
    let columns = [("fact", Align::Short), ("told by", Align::Text), ("values", Align::Number)];
    let caption =
        "Signals of the profile are preferred where their frames occur; else openpilot's own events tell a fact."
            .into();
    let mut blocks = vec![table(caption, &columns, told, more)];

    let numbered: Vec<_> = result.inputs.iter().enumerate().collect();
    let (inputs, more) = rows(&numbered, ROWS_MAX, |(index, input)| {
        let name = about.inputs.get(*index).map_or_else(|| format!("input {}", index + 1), Clone::clone);
        let end = input.log_end.as_ref();
        let whole = match end {
            Some(end) if end.damage.is_some() => "damaged, see the warnings",
            _ => "whole",
        };
        vec![
            Prose::new().name(&name).into(),
            end.map_or_else(|| input.kind.name().to_owned(), |end| format!("log, {}", end.format.name())).into(),
            end.map_or_else(|| "\u{2013}".into(), |end| count(end.packed_bytes)),
            count(input.rows),
            whole.into(),
        ]
    });
    let columns = [
        ("input", Align::Text),
        ("kind", Align::Short),
        ("bytes", Align::Number),
        ("frames", Align::Number),
        ("state", Align::Text),
    ];
    blocks.push(Block::Heading("Inputs".to_owned()));
    blocks.push(table(Prose::new(), &columns, inputs, more));
    blocks
}
