//! `rlog-to-csv`: every CAN frame of one or more driving logs as a row of a table.
//!
//! By default byte for byte what the Python tool of that name writes, but streaming: memory does not grow with the
//! log, unknown events are skipped and counted, and a damaged tail costs only what is damaged.

use std::fs::File;

use cts_can::segments::WindowRule;
use cts_can::table::{Columns, Conversion, Summary, TableFormat, TableOptions, TimeOrigin};
use cts_model::{Level, ParamKind, ParamSpec, RelPath, ToolSpec};
use serde_json::{Value, json};

use crate::files::{self, SUMMARY};
use crate::filter;
use crate::inputs::{self, refuse};
use crate::native::{InputFile, NativeTool, ToolCx, ToolError};
use crate::spec::{self, CSV, JSON, NDJSON, PARQUET, TEXT, optional_output, output, seconds};

/// The tool.
#[derive(Debug)]
pub struct RlogToCsv;

impl NativeTool for RlogToCsv {
    fn spec(&self) -> ToolSpec {
        let mut spec = spec::analyzer(
            "rlog-to-csv",
            "rlog to CSV",
            "Writes every CAN frame of a driving log as a row of a table (CSV, Parquet, JSON lines or candump), with the segment \
             before, in or after a window that you mark.",
        );
        spec.tags = ["can", "openpilot", "csv", "parquet", "ndjson", "candump"].map(str::to_owned).to_vec();
        spec.input = spec::files(
            "openpilot logs (rlog, qlog), plain or compressed with zstd or bzip2; several become one table in the order \
             in which they were recorded",
            &["rlog", "log_file"],
        );
        spec.outputs = vec![
            optional_output("**/*.csv", CSV),
            optional_output("**/*.parquet", PARQUET),
            optional_output("**/*.ndjson", NDJSON),
            optional_output("**/*.log", TEXT),
            output(SUMMARY, JSON),
        ];
        let mut params = vec![
            spec::choice("format", &["csv", "parquet", "ndjson", "candump"], "How the rows are written"),
            spec::choice(
                "columns",
                &["basic", "extended", "cabana"],
                "Columns of a CSV file: those of the old tool, the same with time since boot, origin and format, or \
                 those of Cabana",
            ),
            ParamSpec {
                examples: vec![json!(20.0)],
                ..seconds("window_start", "Where the window begins, after the first CAN event")
            },
            ParamSpec {
                examples: vec![json!(12.0)],
                minimum: Some(0.0),
                ..seconds("window_dur", "How long the window is; both ends belong to it")
            },
            ParamSpec {
                maximum: Some(1024.0),
                minimum: Some(1.0),
                examples: vec![json!("out.csv")],
                ..ParamSpec::new(
                    "out",
                    ParamKind::Str,
                    "Name of the table; default: the name of the log with .csv, .parquet, .ndjson or .log, as the format is",
                )
            },
        ];
        params.extend(filter::params());
        params.extend([
            ParamSpec {
                choices: vec![json!("relative"), json!("boot")],
                ..ParamSpec::new(
                    "time",
                    ParamKind::Str,
                    "What times are counted from: the first CAN event (relative) or the boot of the device; default: \
                     relative, for candump boot",
                )
            },
            spec::switch("sendcan", "Also the frames that openpilot asked to send"),
            spec::switch("physical_buses", "Write an echo or a refused frame with the bus it was meant for: 128 as 0"),
            spec::join(),
            spec::strict(),
        ]);
        params.extend(spec::old_clients());
        spec.params = params;
        spec
    }

    fn run(&self, cx: &mut ToolCx) -> Result<(), ToolError> {
        let options = options(cx)?;
        spec::tell_old_clients(cx);
        if let Some(warning) = options.window.warning() {
            cx.log(Level::Warning, warning);
        }
        let inputs = inputs::joined(cx)?;
        let out = out_name(cx, &inputs, options.format)?;
        let file = files::create(cx.out_dir(), out.as_str())?;
        let summary = convert(cx, &inputs, file, &options)?;
        tell(cx, &inputs, &summary);
        let told = summary_json(&inputs, &out, &options, &summary);
        files::write_summary(cx, &told)?;
        cx.done(&format!("wrote {out} with {} rows", summary.rows));
        Ok(())
    }
}

fn options(cx: &ToolCx) -> Result<TableOptions, ToolError> {
    let format = format(cx)?;
    Ok(TableOptions {
        window: WindowRule::new(cx.number("window_start"), cx.number("window_dur")),
        filter: filter::filter(cx)?,
        include_sendcan: cx.is_on("sendcan"),
        physical_buses: cx.is_on("physical_buses"),
        format,
        time_origin: match (cx.text("time"), format) {
            (Some("boot"), _) | (None, TableFormat::Candump) => TimeOrigin::Boot,
            _ => TimeOrigin::FirstCan,
        },
        strict: cx.is_on("strict"),
    })
}

fn format(cx: &ToolCx) -> Result<TableFormat, ToolError> {
    let columns = match cx.text("columns") {
        Some("extended") => Columns::Extended,
        Some("cabana") => Columns::Cabana,
        _ => Columns::Basic,
    };
    let format = match cx.text("format") {
        Some("parquet") => TableFormat::Parquet,
        Some("ndjson") => TableFormat::Ndjson,
        Some("candump") => TableFormat::Candump,
        _ => return Ok(TableFormat::Csv(columns)),
    };
    if columns == Columns::Basic {
        return Ok(format);
    }
    Err(ToolError::new("columns are chosen for format=csv only").with_hint("Leave out `columns` or `format`."))
}

/// Returns what the name of a file of this format ends in.
fn extension(format: TableFormat) -> &'static str {
    match format {
        TableFormat::Csv(_) => "csv",
        TableFormat::Parquet => "parquet",
        TableFormat::Ndjson => "ndjson",
        TableFormat::Candump => "log",
    }
}

/// Returns the value of `format` and of `columns`.
fn format_names(format: TableFormat) -> (&'static str, Option<&'static str>) {
    match format {
        TableFormat::Csv(Columns::Basic) => ("csv", Some("basic")),
        TableFormat::Csv(Columns::Extended) => ("csv", Some("extended")),
        TableFormat::Csv(Columns::Cabana) => ("csv", Some("cabana")),
        TableFormat::Parquet => ("parquet", None),
        TableFormat::Ndjson => ("ndjson", None),
        TableFormat::Candump => ("candump", None),
    }
}

/// Returns the name of the table: what was asked for, or the first log's name without the ends of a log.
fn out_name(cx: &ToolCx, inputs: &[InputFile], format: TableFormat) -> Result<RelPath, ToolError> {
    let name = inputs.first().map_or("frames", |input| input.name.as_str());
    let stem = [".zst", ".bz2"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let stem = stem.strip_suffix(".rlog").or_else(|| stem.strip_suffix(".qlog")).unwrap_or(stem);
    let stem = if stem.is_empty() { "frames" } else { stem };
    files::name(cx, "out", &format!("{stem}.{}", extension(format)))
}

fn convert(cx: &mut ToolCx, inputs: &[InputFile], out: File, options: &TableOptions) -> Result<Summary, ToolError> {
    let mut conversion = Conversion::new(out, options).map_err(|error| refuse("the table", &error))?;
    inputs::each(cx, inputs, "rows", |log, told| conversion.add_log(log, told).map(|_| ()))?;
    let summary = conversion.finish().map_err(|error| refuse("the table", &error))?;
    for (input, log) in inputs.iter().zip(&summary.logs) {
        inputs::refuse_other(
            input,
            &log.end,
            "Give an openpilot log (rlog or qlog), plain or compressed with zstd or bzip2.",
        )?;
    }
    Ok(summary)
}

/// Says in the log what was found.
fn tell(cx: &ToolCx, inputs: &[InputFile], summary: &Summary) {
    for (input, log) in inputs.iter().zip(&summary.logs) {
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
    if summary.rows == 0 {
        cx.log(Level::Warning, "the table has no rows: the logs hold no CAN frame that was asked for");
    }
}

fn summary_json(inputs: &[InputFile], out: &RelPath, options: &TableOptions, summary: &Summary) -> Value {
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
    let buses: serde_json::Map<String, Value> =
        summary.buses.iter().map(|bus| (bus.bus.0.to_string(), Value::from(bus.rows))).collect();
    let (format, columns) = format_names(options.format);
    json!({
        "tool": "rlog-to-csv",
        "format": format,
        "columns": columns,
        "time": if options.time_origin == TimeOrigin::Boot { "boot" } else { "relative" },
        "out": out.as_str(),
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
    })
}

#[cfg(test)]
mod tests;
