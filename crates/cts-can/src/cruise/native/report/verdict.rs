//! What was found, in sentences, and what is missing, with what would mend it.

use super::{ReportAbout, bit_name, tells, unit_name};
use crate::cruise::native::{Candidate, CandidateKind, CruiseResult, Run};
use crate::report::html::{Note, Prose, Tone, Verdict};
use crate::report::plots::{count_of, grouped};

/// What speaks for a bit, in the order in which it is told.
const KINDS: [CandidateKind; 3] = [CandidateKind::Presses, CandidateKind::Engaged, CandidateKind::Windows];

/// From this score on a bit is said to go with what happened.
const CLEAR_SCORE: f64 = 80.0;

/// Below this score a bit is not worth a sentence.
const WEAK_SCORE: f64 = 30.0;

/// Candidates whose scores differ by less are said to be as good as each other.
const SAME_SCORE: f64 = 0.05;

/// The most bits that a sentence names besides the best one.
const OTHERS_MAX: usize = 2;

/// The most moments that a sentence lists.
const MOMENTS_MAX: usize = 6;

pub(super) fn verdict(result: &CruiseResult) -> Verdict {
    let best = best(result).map_or(0.0, |(_, score)| score);
    let (tone, title) = if result.streams.is_empty() {
        (Tone::Bad, "There are no CAN frames to look at")
    } else if result.candidates.is_empty() {
        (Tone::Caution, "There is nothing that bits could be held against")
    } else if best >= CLEAR_SCORE {
        (Tone::Good, "Some bits clearly go with the cruise control")
    } else if best >= WEAK_SCORE {
        (Tone::Plain, "Some bits may go with the cruise control")
    } else {
        (Tone::Caution, "No bit goes with the cruise control")
    };
    let mut findings: Vec<Prose> = KINDS.into_iter().filter_map(|kind| of_kind(result, kind)).collect();
    findings.extend(engaged(result));
    findings.extend(presses(result));
    findings.push(windows(result));
    findings.extend(speed(result));
    Verdict { tone, title: title.to_owned(), findings }
}

/// Returns the best candidate with its score, from what it does not tell itself.
pub(super) fn best(result: &CruiseResult) -> Option<(&Candidate, f64)> {
    let parts = KINDS.into_iter().filter_map(|kind| scored(result, kind).into_iter().find(|of| !of.is_source));
    parts.map(|of| (of.candidate, of.score)).reduce(|best, other| if other.1 > best.1 { other } else { best })
}

/// A candidate with one part of its score.
struct Scored<'r> {
    candidate: &'r Candidate,
    /// From 0 to 100.
    score: f64,
    /// It goes with it because it tells it.
    is_source: bool,
}

/// Returns the candidates that something of this kind is known of, best first.
fn scored(result: &CruiseResult, kind: CandidateKind) -> Vec<Scored<'_>> {
    let scored = |candidate| {
        let part = Candidate::part(candidate, kind)?;
        Some(Scored { candidate, score: 100.0 * part, is_source: tells(result, candidate, kind) })
    };
    let mut scored: Vec<Scored<'_>> = result.candidates.iter().filter_map(scored).collect();
    // The order of the candidates stays among equal ones.
    scored.sort_by(|a, b| b.score.total_cmp(&a.score));
    scored
}

/// Tells the best bit that goes with something, besides those that tell it.
fn of_kind(result: &CruiseResult, kind: CandidateKind) -> Option<Prose> {
    let (sources, scored): (Vec<Scored<'_>>, Vec<Scored<'_>>) =
        scored(result, kind).into_iter().filter(|of| of.score >= WEAK_SCORE).partition(|of| of.is_source);
    let is_inverted = scored.first().is_some_and(|of| of.candidate.phi.is_some_and(|phi| phi < 0.0));
    let what = match kind {
        CandidateKind::Engaged if is_inverted => "is clear while the car is engaged",
        CandidateKind::Engaged => "is set while the car is engaged",
        CandidateKind::Windows => "changes in the marker windows and hardly elsewhere",
        CandidateKind::Presses => "changes when the button is pressed and hardly elsewhere",
    };
    let Some(Scored { candidate: best, score, .. }) = scored.first() else {
        let source = sources.first()?.candidate;
        let told = match kind {
            CandidateKind::Engaged => "tells when the car is engaged",
            CandidateKind::Windows => "marks the windows",
            CandidateKind::Presses => "tells the presses",
        };
        let prose = named(Prose::new().text("Besides "), source).text(&format!(", which {told}, no bit "));
        return Some(prose.text(what).text("."));
    };
    let mut prose = Prose::new().strong(&bit_name(best));
    if let Some(signal) = &best.signal {
        prose = prose.text(" (").name(signal).text(")");
    }
    prose = prose.text(&format!(" {what}: {score:.1} of 100"));
    prose = prose.text(&match kind {
        CandidateKind::Engaged => format!(
            ", set in {:.1} of the {:.1} s engaged and in {:.1} s of the rest",
            best.high_engaged,
            best.engaged,
            (best.high - best.high_engaged).max(0.0),
        ),
        CandidateKind::Windows => format!(
            ", {} of its {} changes are there, in {} of {}",
            best.window_toggles,
            best.rises + best.falls,
            best.windows_hit,
            count_of(result.windows.len(), "window"),
        ),
        CandidateKind::Presses => {
            let presses = result.presses.iter().filter(|press| press.button == result.options.button).count();
            format!(
                ", {} of its {} changes are there, at {} of {} {}",
                best.press_toggles,
                best.rises + best.falls,
                best.presses_hit,
                grouped(presses as u64),
                if presses == 1 { "press" } else { "presses" },
            )
        }
    });
    let others: Vec<&Candidate> =
        scored.iter().skip(1).filter(|other| score - other.score < SAME_SCORE).map(|of| of.candidate).collect();
    for (index, other) in others.iter().take(OTHERS_MAX).enumerate() {
        prose = named(prose.text(if index == 0 { ". The same do " } else { ", " }), other);
    }
    if others.len() > OTHERS_MAX {
        prose = prose.text(&format!(" and {}", count_of(others.len() - OTHERS_MAX, "other bit")));
    }
    Some(prose.text("."))
}

/// Appends which bit it is.
fn named(prose: Prose, candidate: &Candidate) -> Prose {
    let prose = prose.text(&bit_name(candidate));
    match &candidate.signal {
        Some(signal) => prose.text(" (").name(signal).text(")"),
        None => prose,
    }
}

fn engaged(result: &CruiseResult) -> Option<Prose> {
    let engaged = result.engaged.as_ref()?;
    let times: Vec<String> = engaged.runs.iter().map(|run| format!("{:.1}\u{2013}{:.1}", run.start, run.end)).collect();
    if times.is_empty() {
        return Some(Prose::new().text("The car was never engaged, says ").name(&engaged.source).text("."));
    }
    let text = format!(
        "The car was engaged {}, for {:.1} s in all ({} s), says ",
        times_of(times.len()),
        engaged.seconds,
        listed(&times)
    );
    Some(Prose::new().text(&text).name(&engaged.source).text("."))
}

fn presses(result: &CruiseResult) -> Option<Prose> {
    let of_button: Vec<_> = result.presses.iter().filter(|press| press.button == result.options.button).collect();
    if of_button.is_empty() {
        return None;
    }
    let moments: Vec<String> = of_button.iter().map(|press| format!("{:.1}", press.run.start)).collect();
    let prose = Prose::new().text("The button ").name(&result.options.button);
    let in_target = of_button.iter().filter(|press| press.is_in_target).count();
    let text = format!(
        " was pressed {} (at {} s), {} at the target speed.",
        times_of(moments.len()),
        listed(&moments),
        if in_target == 0 { "never".to_owned() } else { times_of(in_target) },
    );
    Some(prose.text(&text))
}

fn windows(result: &CruiseResult) -> Prose {
    let count = result.windows.len();
    if count == 0 {
        return "No marker windows were found.".into();
    }
    let unfinished = result.windows.iter().filter(|window| window.ended.is_none()).count();
    let rest = match unfinished {
        0 => String::new(),
        1 => "; one of them is not complete".to_owned(),
        more => format!("; {more} of them are not complete"),
    };
    let verb = if count == 1 { "was" } else { "were" };
    Prose::new()
        .text(&format!("{} {verb} found{rest}. ", count_of(count, "marker window")))
        .link("Marker windows", "See when")
        .text(".")
}

fn speed(result: &CruiseResult) -> Option<Prose> {
    let [low, _, high] = result.speed.range?.map(|mps| result.options.speed_unit.of_mps(mps));
    let unit = unit_name(result.options.speed_unit);
    let seconds: f64 = result.target.iter().map(Run::seconds).sum();
    let target = match result.target.len() {
        0 => "it was never in the target range".to_owned(),
        count => format!("it was in the target range {}, for {seconds:.1} s in all", times_of(count)),
    };
    Some(format!("The speed was between {low:.1} and {high:.1} {unit}; {target}.").into())
}

/// Returns how often something happened.
fn times_of(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => count_of(more, "time"),
    }
}

/// Returns the first of some texts as a list.
fn listed(texts: &[String]) -> String {
    let mut list = texts[..texts.len().min(MOMENTS_MAX)].join(", ");
    if texts.len() > MOMENTS_MAX {
        list.push_str(&format!(" and {} more", texts.len() - MOMENTS_MAX));
    }
    list
}

pub(super) fn warnings(result: &CruiseResult, about: &ReportAbout) -> Vec<Note> {
    let note = |tone, title: Prose, text: Prose| Note { tone, title, text };
    let mut notes = Vec::new();
    for (index, input) in result.inputs.iter().enumerate() {
        let name = about.inputs.get(index).map_or_else(|| format!("input {}", index + 1), Clone::clone);
        if let Some(damage) = input.log_end.as_ref().and_then(|end| end.damage.as_ref()) {
            let text = format!(
                "{}. What comes after byte {} of the decompressed log, message {}, was not used: {} bytes of it are lost. \
                 Everything before is in the report. Copy the log again if the original is whole.",
                sentence(&damage.reason.to_string()),
                grouped(damage.byte),
                grouped(damage.message),
                grouped(damage.plain_bytes_lost),
            );
            notes.push(note(Tone::Bad, Prose::new().name(&name).text(" is damaged"), text.into()));
        }
        if input.bad_events > 0 {
            let count = usize::try_from(input.bad_events).unwrap_or(usize::MAX);
            let title =
                Prose::new().text(&format!("{} of ", count_of(count, "event"))).name(&name).text(" cannot be read");
            notes.push(note(Tone::Caution, title, "They were skipped; the others are not touched by that.".into()));
        }
        if input.unknown_events > 0 {
            let count = usize::try_from(input.unknown_events).unwrap_or(usize::MAX);
            let title = Prose::new().name(&name).text(&format!(" has {} of unknown kinds", count_of(count, "event")));
            let text = "They come from a newer openpilot and were skipped; none of them holds frames of a bus.";
            notes.push(note(Tone::Plain, title, text.into()));
        }
    }
    notes.extend(result.notes.iter().map(|of| {
        let remedy = Prose::new().marked(&format!("{}.", sentence(&of.remedy)));
        note(Tone::Caution, Prose::new().marked(&sentence(&of.message)), remedy)
    }));
    notes
}

/// Returns a text with a capital letter in front.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
