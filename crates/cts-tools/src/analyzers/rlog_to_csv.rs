//! `rlog-to-csv`: every CAN frame of one or more driving logs as a row of a table.
//!
//! Byte for byte what the Python tool of that name writes, but streaming: memory does not grow with the log, unknown
//! events are skipped and counted, and a damaged tail costs only what is damaged.

use std::fs::File;

use cts_can::filter::FrameFilter;
use cts_can::frame::{Address, Bus};
use cts_can::segments::WindowRule;
use cts_can::table::{Conversion, Summary, TableOptions};
use cts_model::{Level, ParamKind, ParamSpec, RelPath, ToolSpec};
use serde_json::{Value, json};

use crate::files::{self, SUMMARY};
use crate::inputs::{self, refuse};
use crate::native::{InputFile, NativeTool, ToolCx, ToolError};
use crate::spec::{self, CSV, JSON, optional_output, output, seconds};

/// The tool.
#[derive(Debug)]
pub struct RlogToCsv;

impl NativeTool for RlogToCsv {
    fn spec(&self) -> ToolSpec {
        let mut spec = spec::analyzer(
            "rlog-to-csv",
            "rlog to CSV",
            "Writes every CAN frame of a driving log as a row of a CSV file, with the segment before, in or after a \
             window that you mark.",
        );
        spec.tags = ["can", "openpilot", "csv"].map(str::to_owned).to_vec();
        spec.input = spec::files(
            "openpilot logs (rlog, qlog), plain or compressed with zstd or bzip2; several are joined in the order in \
             which they are given",
            &["rlog", "log_file"],
        );
        spec.outputs = vec![optional_output("**/*.csv", CSV), output(SUMMARY, JSON)];
        spec.params = vec![
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
                ..ParamSpec::new("out", ParamKind::Str, "Name of the CSV file; default: the name of the log with .csv")
            },
            ParamSpec {
                items: Some(ParamKind::Int),
                examples: vec![json!([0, 1])],
                maximum: Some(256.0),
                ..ParamSpec::new("bus", ParamKind::List, "Only these buses, as in the log: echoes are 128 and more")
            },
            ParamSpec {
                pattern: Some("0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}".to_owned()),
                examples: vec![json!(["0x146", "0x241"])],
                ..ParamSpec::new("address", ParamKind::List, "Only these addresses: 0x and hexadecimal, or decimal")
            },
            seconds("from", "Only frames from this time on, after the first CAN event"),
            seconds("to", "Only frames up to this time, after the first CAN event"),
            spec::switch("sendcan", "Also the frames that openpilot asked to send"),
            spec::strict(),
        ];
        spec.params.extend(spec::old_clients());
        spec
    }

    fn run(&self, cx: &mut ToolCx) -> Result<(), ToolError> {
        let options = options(cx)?;
        spec::tell_old_clients(cx);
        if let Some(warning) = options.window.warning() {
            cx.log(Level::Warning, warning);
        }
        let inputs = cx.inputs().to_vec();
        let out = out_name(cx, &inputs)?;
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
    let mut buses = Vec::new();
    for bus in cx.list("bus") {
        let number = bus.as_u64().and_then(|number| u8::try_from(number).ok());
        let refuse = || ToolError::new(format!("bus is {bus}; a bus is a number from 0 to 255"));
        buses.push(Bus(number.ok_or_else(refuse)?));
    }
    let mut addresses = Vec::new();
    for address in cx.list("address").iter().filter_map(Value::as_str) {
        let refuse = || ToolError::new(format!("address is {address}; an address has at most 32 bits"));
        addresses.push(Address(parse_address(address).ok_or_else(refuse)?));
    }
    Ok(TableOptions {
        window: WindowRule::new(cx.number("window_start"), cx.number("window_dur")),
        filter: FrameFilter { buses, addresses, from: cx.number("from"), to: cx.number("to") },
        include_sendcan: cx.is_on("sendcan"),
        strict: cx.is_on("strict"),
        ..TableOptions::default()
    })
}

fn parse_address(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Returns the name of the table: what was asked for, or the first log's name without the ends of a log.
fn out_name(cx: &ToolCx, inputs: &[InputFile]) -> Result<RelPath, ToolError> {
    let name = inputs.first().map_or("frames", |input| input.name.as_str());
    let stem = [".zst", ".bz2"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let stem = stem.strip_suffix(".rlog").or_else(|| stem.strip_suffix(".qlog")).unwrap_or(stem);
    files::name(cx, "out", &format!("{}.csv", if stem.is_empty() { "frames" } else { stem }))
}

fn convert(cx: &mut ToolCx, inputs: &[InputFile], out: File, options: &TableOptions) -> Result<Summary, ToolError> {
    let mut conversion = Conversion::new(out, options);
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
    json!({
        "tool": "rlog-to-csv",
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
mod tests {
    use super::*;

    fn cx(out: Option<&str>) -> ToolCx {
        let params = out.map(|out| ("out".to_owned(), Value::from(out))).into_iter().collect();
        ToolCx::new(params, Vec::new(), "/o".into())
    }

    #[test]
    fn the_table_is_named_after_the_log() {
        for (log, table) in [
            ("real.rlog.zst", "real.csv"),
            ("rlog.zst", "rlog.csv"),
            ("rlog.bz2", "rlog.csv"),
            ("seg--0--rlog.zst", "seg--0--rlog.csv"),
            ("drive.qlog", "drive.csv"),
            ("noend", "noend.csv"),
            (".zst", "frames.csv"),
        ] {
            let inputs = [InputFile { path: "/x".into(), name: log.to_owned() }];
            assert_eq!(out_name(&cx(None), &inputs).unwrap().as_str(), table, "{log}");
        }
    }

    #[test]
    fn the_name_of_the_table_stays_below_the_run() {
        assert_eq!(out_name(&cx(Some("a/b.csv")), &[]).unwrap().as_str(), "a/b.csv");
        assert_eq!(out_name(&cx(Some("/home/me/b.csv")), &[]).unwrap().as_str(), "b.csv");
        assert!(out_name(&cx(Some("../b.csv")), &[]).is_err());
    }

    #[test]
    fn addresses_are_hexadecimal_with_a_prefix_or_decimal() {
        assert_eq!(parse_address("0x146"), Some(0x146));
        assert_eq!(parse_address("326"), Some(326));
        assert_eq!(parse_address("0x1FFFFFFFF"), None);
    }

    #[test]
    fn every_default_of_the_spec_is_allowed_by_it() {
        let spec = RlogToCsv.spec();
        let checked = cts_model::CheckedParams::check(&spec.params, &cts_model::JsonMap::new()).unwrap();
        assert_eq!(Value::Object(checked.values), json!({"sendcan": false, "strict": false}));
    }
}
