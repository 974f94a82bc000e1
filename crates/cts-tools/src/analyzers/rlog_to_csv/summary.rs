//! What a run tells: lines in its log, and `summary.json`.

use cts_can::table::signals::{DecodedMessage, SignalSummary};
use cts_can::table::{Columns, Summary, TableFormat, TimeOrigin};
use cts_model::{Level, RelPath};
use serde_json::{Map, Value, json};

use super::choices::{Choices, Content, Layout, Signals};
use crate::inputs;
use crate::native::{InputFile, ToolCx};

/// Of addresses that no DBC file knows so many are named, those with the most frames.
const UNKNOWN_TOLD_MAX: usize = 100;

/// Says in the log what was found.
pub(super) fn tell(cx: &ToolCx, logs: &[InputFile], summary: &Summary) {
    for (input, log) in logs.iter().zip(&summary.logs) {
        let text = format!(
            "{}: {} events, {} CAN frames, {}",
            input.name,
            log.end.messages,
            log.can_frames,
            log.end.format.name()
        );
        cx.log(Level::Info, text);
        for note in inputs::notes(input, Some(&log.end), log.bad_events, log.unknown_events) {
            cx.log(Level::Warning, note);
        }
    }
    match &summary.signals {
        Some(found) => tell_signals(cx, found),
        None if summary.rows == 0 => {
            cx.log(Level::Warning, "the table has no rows: the logs hold no CAN frame that was asked for");
        }
        None => {}
    }
}

fn tell_signals(cx: &ToolCx, found: &SignalSummary) {
    let text = format!("{} frames of {} messages were decoded", found.frames(), found.messages.len());
    cx.log(Level::Info, text);
    let first: Vec<String> =
        found.unknown.iter().take(5).map(|unknown| format!("{} on bus {}", unknown.address, unknown.source)).collect();
    if found.messages.is_empty() {
        cx.log(Level::Warning, "no message of the DBC files occurs: are they those of this car, and for its buses?");
    }
    if !first.is_empty() {
        let text = format!(
            "{} frames of {} addresses are in no DBC file and were left out: {}{}",
            found.unknown_frames(),
            found.unknown.len(),
            first.join(", "),
            if found.unknown.len() > first.len() { ", …" } else { "" }
        );
        cx.log(Level::Info, text);
    }
}

/// Returns the last line of progress.
pub(super) fn sentence(out: &RelPath, files: &[String], summary: &Summary) -> String {
    match &summary.signals {
        None => format!("wrote {out} with {} rows", summary.rows),
        Some(found) if files.first().is_some_and(|file| file == out.as_str()) => {
            format!("wrote {out} with {} rows of {} signals", found.wide_rows, found.signals())
        }
        Some(found) => format!("wrote {} tables in {out} with {} rows", files.len(), found.frames()),
    }
}

/// Returns the summary.
pub(super) fn json(
    inputs: &[InputFile],
    out: &RelPath,
    files: &[String],
    choices: &Choices,
    summary: &Summary,
) -> Value {
    let logs: Vec<Value> = inputs
        .iter()
        .zip(&summary.logs)
        .map(|(input, log)| {
            json!({
                "name": input.name,
                "format": log.end.format.name(),
                "events": log.end.messages,
                "can_events": log.can_events,
                "can_frames": log.can_frames,
                "sendcan_events": log.sendcan_events,
                "unknown_events": log.unknown_events,
                "broken_events": log.bad_events,
                "stored_bytes": log.end.packed_bytes,
                "plain_bytes": log.end.plain_bytes,
                "damage": inputs::damage_json(log.end.damage.as_ref()),
            })
        })
        .collect();
    let buses: Map<String, Value> =
        summary.buses.iter().map(|bus| (bus.bus.0.to_string(), Value::from(bus.rows))).collect();
    let options = &choices.options;
    let (format, columns) = format_names(choices);
    let mut told = json!({
        "tool": "rlog-to-csv",
        "format": format,
        "columns": columns,
        "time": if options.time_origin == TimeOrigin::Boot { "boot" } else { "relative" },
        "out": out.as_str(),
        "files": files,
        "output_bytes": summary.output_bytes,
        "rows": summary.rows,
        "rows_left_out": summary.rows_left_out,
        "segments": {
            "pre": summary.segments.pre,
            "window": summary.segments.window,
            "post": summary.segments.post,
        },
        "window": {"start": options.window.start, "duration": options.window.duration},
        "warnings": options.window.warning().into_iter().collect::<Vec<_>>(),
        "rows_by_bus": buses,
        "first_time": summary.first_time,
        "last_time": summary.last_time,
        "time_zero_ns": summary.time_zero,
        "logs": logs,
    });
    if let (Content::Signals(signals), Some(found)) = (&choices.content, &summary.signals) {
        told["signals"] = signals_json(signals, found);
    }
    told
}

/// Returns the value of `format` and of `columns`.
fn format_names(choices: &Choices) -> (&'static str, Option<&'static str>) {
    let columns = |columns| match (&choices.content, columns) {
        (Content::Signals(_), _) => None,
        (Content::Frames, Columns::Basic) => Some("basic"),
        (Content::Frames, Columns::Extended) => Some("extended"),
        (Content::Frames, Columns::Cabana) => Some("cabana"),
    };
    match choices.options.format {
        TableFormat::Csv(chosen) => ("csv", columns(chosen)),
        TableFormat::Parquet => ("parquet", None),
        TableFormat::Ndjson => ("ndjson", None),
        TableFormat::Candump => ("candump", None),
    }
}

fn signals_json(signals: &Signals, found: &SignalSummary) -> Value {
    let message = |message: &DecodedMessage| {
        let units: Map<String, Value> =
            message.signals.iter().map(|(name, unit)| (name.clone(), Value::from(unit.as_str()))).collect();
        json!({
            "bus": message.source.bus.0,
            "sendcan": message.source.is_requested,
            "address": message.address.to_string(),
            "name": message.name,
            "file": message.file,
            "frames": message.frames,
            "units": units,
        })
    };
    let unknown: Vec<Value> = found
        .unknown
        .iter()
        .take(UNKNOWN_TOLD_MAX)
        .map(|unknown| {
            json!({
                "bus": unknown.source.bus.0,
                "sendcan": unknown.source.is_requested,
                "address": unknown.address.to_string(),
                "frames": unknown.frames,
            })
        })
        .collect();
    json!({
        "dbc": signals.dbcs.names,
        "layout": if signals.layout == Layout::Wide { "wide" } else { "messages" },
        "rows": if signals.layout == Layout::Wide { found.wide_rows } else { found.frames() },
        "frames": found.frames(),
        "messages": found.messages.iter().map(message).collect::<Vec<_>>(),
        "unknown_frames": found.unknown_frames(),
        "unknown_addresses": found.unknown.len(),
        "unknown": unknown,
    })
}
