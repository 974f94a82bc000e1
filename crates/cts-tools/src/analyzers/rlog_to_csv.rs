//! `rlog-to-csv`: every CAN frame of one or more driving logs as a row of a table.
//!
//! Byte for byte what the Python tool of that name writes, but streaming: memory does not grow with the log, unknown
//! events are skipped and counted, and a damaged tail costs only what is damaged.

use std::fs::File;

use cts_can::csv::{CsvConversion, CsvOptions, Summary};
use cts_can::filter::FrameFilter;
use cts_can::frame::{Address, Bus};
use cts_can::rlog::DamageReason;
use cts_can::segments::WindowRule;
use cts_model::{
    InputSpec, Level, OutputSpec, ParamKind, ParamSpec, Progress, RelPath, ToolCategory, ToolKind, ToolSpec,
};
use serde_json::{Value, json};

use crate::native::{InputFile, NativeTool, ToolCx, ToolError};

/// The tool.
#[derive(Debug)]
pub struct RlogToCsv;

/// Parameters of older clients that did something in the Python tool only.
const IGNORED: [&str; 3] = ["repo_root", "deps_dir", "install_missing_deps"];

impl NativeTool for RlogToCsv {
    fn spec(&self) -> ToolSpec {
        let seconds = |name: &str, help: &str| ParamSpec {
            minimum: Some(-1e9),
            maximum: Some(1e9),
            unit: Some("s".to_owned()),
            ..ParamSpec::new(name, ParamKind::Float, help)
        };
        let id = "rlog-to-csv".parse().expect("the id is a slug");
        let mut spec = ToolSpec::new(
            id,
            ToolKind::Native,
            ToolCategory::Analyzer,
            "rlog to CSV",
            env!("CARGO_PKG_VERSION"),
            "Writes every CAN frame of a driving log as a row of a CSV file, with the segment before, in or after a \
             window that you mark.",
        );
        spec.tags = ["can", "openpilot", "csv"].map(str::to_owned).to_vec();
        spec.input = InputSpec {
            required: true,
            many: true,
            none: false,
            extensions: Vec::new(),
            description: "openpilot logs (rlog, qlog), plain or compressed with zstd or bzip2; several are joined in \
                          the order in which they are given"
                .to_owned(),
            param_aliases: vec!["rlog".to_owned(), "log_file".to_owned()],
        };
        let output = |pattern: &str, media_type: &str, required| OutputSpec {
            pattern: pattern.to_owned(),
            required,
            media_type: Some(media_type.to_owned()),
        };
        spec.outputs = vec![
            output("**/*.csv", "text/csv; charset=utf-8", false),
            output("summary.json", "application/json", true),
        ];
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
            ParamSpec {
                default: Some(json!(false)),
                ..ParamSpec::new("sendcan", ParamKind::Bool, "Also the frames that openpilot asked to send")
            },
            ParamSpec {
                default: Some(json!(false)),
                ..ParamSpec::new("strict", ParamKind::Bool, "Fail on a damaged log or an unknown kind of event")
            },
        ];
        spec.params.extend(IGNORED.map(|name| {
            let kind = if name == "install_missing_deps" { ParamKind::Bool } else { ParamKind::Str };
            ParamSpec::new(name, kind, "Accepted from older clients; does nothing here")
        }));
        spec
    }

    fn run(&self, cx: &mut ToolCx) -> Result<(), ToolError> {
        let options = options(cx)?;
        for name in IGNORED.into_iter().filter(|name| cx.text(name).is_some() || cx.is_on(name)) {
            cx.log(Level::Info, format!("{name} does nothing: this tool needs no Python and no openpilot"));
        }
        if let Some(warning) = options.window.warning() {
            cx.log(Level::Warning, warning);
        }
        let inputs = cx.inputs().to_vec();
        let out = out_name(cx, &inputs)?;
        let path = cx.out_dir().join(out.as_str());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| cannot("make", folder.display(), &error))?;
        }
        let file = File::create(&path).map_err(|error| cannot("make", &out, &error))?;
        let summary = convert(cx, &inputs, file, &options)?;
        tell(cx, &inputs, &summary);
        let told = summary_json(&inputs, &out, &options, &summary);
        let summary_path = cx.out_dir().join("summary.json");
        let text = format!("{told:#}\n");
        std::fs::write(&summary_path, text).map_err(|error| cannot("write", "summary.json", &error))?;
        cx.done(&format!("wrote {out} with {} rows", summary.rows));
        Ok(())
    }
}

fn cannot(doing: &str, what: impl std::fmt::Display, error: &std::io::Error) -> ToolError {
    let hint = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "Free some space on the disk.",
        std::io::ErrorKind::PermissionDenied => "Check the permissions of the file.",
        _ => "Check the file and the disk.",
    };
    ToolError::new(format!("cannot {doing} {what}: {error}")).with_hint(hint)
}

fn options(cx: &ToolCx) -> Result<CsvOptions, ToolError> {
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
    Ok(CsvOptions {
        window: WindowRule::new(cx.number("window_start"), cx.number("window_dur")),
        filter: FrameFilter { buses, addresses, from: cx.number("from"), to: cx.number("to") },
        include_sendcan: cx.is_on("sendcan"),
        strict: cx.is_on("strict"),
        ..CsvOptions::default()
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
    let name = match cx.text("out") {
        // Older clients send the path on their own machine: its last part is the name here.
        Some(path) if path.starts_with('/') => path.rsplit('/').next().unwrap_or_default().to_owned(),
        Some(path) => path.trim_start_matches("./").to_owned(),
        None => {
            let name = inputs.first().map_or("frames", |input| input.name.as_str());
            let stem = [".zst", ".bz2"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            let stem = stem.strip_suffix(".rlog").or_else(|| stem.strip_suffix(".qlog")).unwrap_or(stem);
            format!("{}.csv", if stem.is_empty() { "frames" } else { stem })
        }
    };
    name.parse().map_err(|_| ToolError::new(format!("out is {name:?}, which is no path below the run's directory")))
}

fn convert(cx: &mut ToolCx, inputs: &[InputFile], out: File, options: &CsvOptions) -> Result<Summary, ToolError> {
    let size = |input: &InputFile| std::fs::metadata(&input.path).map_or(0, |meta| meta.len());
    let sizes: Vec<u64> = inputs.iter().map(size).collect();
    let total: u64 = sizes.iter().sum();
    let mut conversion = CsvConversion::new(out, options);
    let mut before = 0;
    for (input, size) in inputs.iter().zip(&sizes) {
        let log = File::open(&input.path).map_err(|error| cannot("open", &input.name, &error))?;
        let mut told = |now: cts_can::csv::Progress| {
            let current = before + now.packed_bytes;
            cx.progress(&bytes_progress(current, total, &input.name, now.rows));
        };
        let end = conversion.add_log(log, &mut told).map_err(|error| refuse(&input.name, &error))?;
        if let Some(damage) = end.end.damage.as_ref().filter(|damage| damage.reason == DamageReason::NotALog) {
            return Err(ToolError::new(format!("{}: {}", input.name, damage.reason))
                .with_hint("Give an openpilot log (rlog or qlog), plain or compressed with zstd or bzip2."));
        }
        before += size;
    }
    conversion.finish().map_err(|error| refuse("the table", &error))
}

#[expect(clippy::cast_precision_loss, reason = "bytes of logs are far below 2^53")]
fn bytes_progress(current: u64, total: u64, name: &str, rows: u64) -> Progress {
    Progress {
        percent: (total > 0).then(|| (current as f64 / total as f64 * 100.0).min(100.0)),
        message: Some(format!("{name}: {rows} rows")),
        current: Some(current as f64),
        total: Some(total as f64),
        unit: Some("bytes".to_owned()),
    }
}

fn refuse(name: &str, error: &cts_can::Error) -> ToolError {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let refused = ToolError::new(format!("{name}: {error}{cause}"));
    match error {
        cts_can::Error::Damaged(_) | cts_can::Error::UnknownEvent { .. } | cts_can::Error::BadEvent { .. } => {
            refused.with_hint("Leave out `strict` to keep what is whole.")
        }
        _ => refused,
    }
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
        if let Some(damage) = &log.end.damage {
            let text = format!(
                "{}: {} after message {} (byte {} of the plain log); {} plain and {} stored bytes were not used",
                input.name,
                damage.reason,
                damage.message,
                damage.byte,
                damage.plain_bytes_lost,
                damage.packed_bytes_lost
            );
            cx.log(Level::Warning, text);
        }
        if log.bad_events > 0 {
            cx.log(
                Level::Warning,
                format!("{}: {} events are broken inside and were left out", input.name, log.bad_events),
            );
        }
        if log.unknown_events > 0 {
            let text = format!(
                "{}: {} events are of a kind that is not known and were skipped",
                input.name, log.unknown_events
            );
            cx.log(Level::Warning, text);
        }
    }
    if summary.rows == 0 {
        cx.log(Level::Warning, "the table has no rows: the logs hold no CAN frame that was asked for");
    }
}

fn summary_json(inputs: &[InputFile], out: &RelPath, options: &CsvOptions, summary: &Summary) -> Value {
    let logs: Vec<Value> = inputs
        .iter()
        .zip(&summary.logs)
        .map(|(input, log)| {
            let damage = log.end.damage.as_ref().map(|damage| {
                json!({
                    "reason": damage.reason.to_string(),
                    "message": damage.message,
                    "byte": damage.byte,
                    "plain_bytes_lost": damage.plain_bytes_lost,
                    "stored_bytes_lost": damage.packed_bytes_lost,
                })
            });
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
                "damage": damage,
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
