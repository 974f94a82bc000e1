//! `can-summary`: what a log holds at a glance, one line for each bus and address.
//!
//! The first thing to run on a log: it needs no parameter, reads each input once, and memory does not grow with the log.

use cts_can::summary::{CanSummary, Silence, SilenceKind, Summarizer, SummaryOptions, SummaryTable};
use cts_model::{Level, ParamKind, ParamSpec, ToolSpec};
use serde_json::{Value, json};

use crate::dbc_files;
use crate::files::{self, SUMMARY};
use crate::filter;
use crate::inputs;
use crate::native::{InputFile, NativeTool, ToolCx, ToolError};
use crate::spec::{self, CSV, JSON, TEXT, output};

/// The tool.
#[derive(Debug)]
pub struct CanSummaryTool;

/// The longest of the silences stand in the log and in the summary; the tables have the longest one of each stream.
const SILENCES_TOLD_MAX: usize = 20;

impl NativeTool for CanSummaryTool {
    fn spec(&self) -> ToolSpec {
        let mut spec = spec::analyzer(
            "can-summary",
            "CAN summary",
            "Shows what a driving log holds: for each bus and address the number of frames, rate, gaps, lengths, last \
             payload, changed bits, counters and checksums.",
        );
        spec.tags = ["can", "openpilot", "overview"].map(str::to_owned).to_vec();
        spec.input = spec::files(
            "openpilot logs (rlog, qlog), plain or compressed with zstd or bzip2, or CSV tables of rlog-to-csv, told \
             apart by their content; several are read in the order in which they were recorded",
            &["rlog", "csv", "log_file"],
        );
        spec.outputs = vec![output("**/*.csv", CSV), output("**/*.txt", TEXT), output(SUMMARY, JSON)];
        spec.params = vec![ParamSpec {
            default: Some(json!("can_summary")),
            minimum: Some(1.0),
            maximum: Some(512.0),
            ..ParamSpec::new(
                "output_prefix",
                ParamKind::Str,
                "What the names of the files begin with; may have folders",
            )
        }];
        spec.params.extend(filter::params());
        spec.params.push(dbc_files::param_for("Name the messages by these DBC files"));
        spec.params.extend([spec::join(), spec::strict()]);
        spec
    }

    fn run(&self, cx: &mut ToolCx) -> Result<(), ToolError> {
        let prefix = files::name(cx, "output_prefix", "can_summary")?;
        let options = SummaryOptions { filter: filter::filter(cx)?, strict: cx.is_on("strict") };
        let (given_dbcs, inputs) = dbc_files::split(cx.inputs());
        let dbcs = dbc_files::files(cx, &given_dbcs)?;
        let inputs = inputs::joined_of(cx, &inputs)?;
        if inputs.is_empty() {
            return Err(ToolError::new("there is no log and no table among the inputs").with_hint("Give one."));
        }
        let mut summary = summarize(cx, &inputs, &options)?;
        let dbc_names = dbcs.map_or(Vec::new(), |files| {
            summary.name(&files.dbcs);
            files.names
        });
        let notes = notes_of(&summary, &inputs);
        tell(cx, &summary, &notes);
        let mut files = Vec::new();
        for table in SummaryTable::ALL {
            let name = format!("{prefix}.{}", table.extension());
            files::write(cx.out_dir(), &name, |out| summary.write(table, out))?;
            files.push(name);
        }
        files::write_summary(cx, &summary_json(&summary, &inputs, &Written { files, dbc_names, notes }))?;
        cx.done(&totals(&summary));
        Ok(())
    }
}

fn summarize(cx: &mut ToolCx, inputs: &[InputFile], options: &SummaryOptions) -> Result<CanSummary, ToolError> {
    let mut summarizer = Summarizer::new(options);
    inputs::each(cx, inputs, "frames", |file, told| summarizer.add(file, told).map(|_| ()))?;
    let summary = summarizer.finish();
    for (input, found) in inputs.iter().zip(summary.inputs()) {
        if let Some(end) = &found.log_end {
            inputs::refuse_other(input, end, "Give an openpilot log (rlog or qlog) or a CSV table of rlog-to-csv.")?;
        }
    }
    Ok(summary)
}

/// Returns what about the inputs and the frames is worth a warning.
fn notes_of(summary: &CanSummary, inputs: &[InputFile]) -> Vec<String> {
    let mut notes = Vec::new();
    for (input, found) in inputs.iter().zip(summary.inputs()) {
        notes.extend(inputs::notes(input, found.log_end.as_ref(), found.bad_events, found.unknown_events));
    }
    if summary.frames() == 0 {
        notes.push(if summary.frames_filtered() > 0 {
            "no frame passes bus, address, from and to".to_owned()
        } else {
            "there are no frames".to_owned()
        });
    }
    if summary.frames_left_out() > 0 {
        notes.push(format!("{} frames of too many addresses were left out", summary.frames_left_out()));
    }
    let late: u64 = summary.streams().iter().map(|stream| stream.frames_late).sum();
    if late > 0 {
        notes.push(format!("{late} frames come after one of their stream with a later time"));
    }
    let silences = summary.silences();
    notes.extend(silences.iter().take(SILENCES_TOLD_MAX).map(silence_text));
    if silences.len() > SILENCES_TOLD_MAX {
        notes.push(format!("{} more silences are shorter", silences.len() - SILENCES_TOLD_MAX));
    }
    notes
}

fn silence_text(silence: &Silence) -> String {
    let Silence { bus, address, kind, start, seconds, period_median } = silence;
    let what = match kind {
        SilenceKind::Paused => "paused for",
        SilenceKind::Stopped => "is silent for the last",
    };
    let usual = period_median * 1e3;
    format!("{address} on bus {bus} {what} {seconds:.3} s from {start:.3} s on, and usually comes each {usual:.1} ms")
}

fn totals(summary: &CanSummary) -> String {
    let seconds = summary.span().map_or(0.0, |(first, last)| last - first);
    let (streams, buses) = (summary.streams().len(), summary.buses().len());
    format!("{} frames in {seconds:.3} s: {streams} streams on {buses} buses", summary.frames())
}

/// Says in the log what was found.
fn tell(cx: &ToolCx, summary: &CanSummary, notes: &[String]) {
    cx.log(Level::Info, totals(summary));
    if let Some(car) = summary.car() {
        cx.log(Level::Info, format!("the car is {} {}", car.brand, car.fingerprint));
    }
    for note in notes {
        cx.log(Level::Warning, note.clone());
    }
}

/// What the run used and left, beside what was found.
struct Written {
    files: Vec<String>,
    dbc_names: Vec<String>,
    notes: Vec<String>,
}

fn summary_json(summary: &CanSummary, inputs: &[InputFile], written: &Written) -> Value {
    let inputs: Vec<Value> = inputs
        .iter()
        .zip(summary.inputs())
        .map(|(input, found)| {
            let end = found.log_end.as_ref();
            json!({
                "name": input.name,
                "kind": found.kind.name(),
                "format": end.map(|end| end.format.name()),
                "events": end.map(|end| end.messages),
                "frames": found.rows,
                "unknown_events": found.unknown_events,
                "broken_events": found.bad_events,
                "damage": inputs::damage_json(end.and_then(|end| end.damage.as_ref())),
            })
        })
        .collect();
    let buses: Vec<Value> = summary
        .buses()
        .iter()
        .map(|bus| {
            json!({
                "bus": bus.bus.0,
                "origin": bus.bus.origin().name(),
                "frames": bus.frames,
                "addresses": bus.addresses,
                "first_time": bus.first_time,
                "last_time": bus.last_time,
            })
        })
        .collect();
    let silences: Vec<Value> = summary
        .silences()
        .iter()
        .take(SILENCES_TOLD_MAX)
        .map(|silence| {
            json!({
                "bus": silence.bus.0,
                "address": silence.address.to_string(),
                "kind": if silence.kind == SilenceKind::Paused { "paused" } else { "stopped" },
                "start": silence.start,
                "seconds": (silence.seconds * 1e6).round() / 1e6,
            })
        })
        .collect();
    let span = summary.span();
    json!({
        "tool": "can-summary",
        "files": written.files,
        "frames": summary.frames(),
        "frames_filtered": summary.frames_filtered(),
        "frames_left_out": summary.frames_left_out(),
        "streams": summary.streams().len(),
        "buses": buses,
        "first_time": span.map(|(first, _)| first),
        "last_time": span.map(|(_, last)| last),
        "car": summary.car().map(|car| json!({"brand": car.brand, "fingerprint": car.fingerprint})),
        "silences_count": summary.silences().len(),
        "silences": silences,
        "time_zero_ns": summary.time_zero(),
        "dbc": written.dbc_names,
        "streams_named": summary.streams().iter().filter(|stream| stream.name.is_some()).count(),
        "warnings": written.notes,
        "inputs": inputs,
    })
}

#[cfg(test)]
mod tests;
