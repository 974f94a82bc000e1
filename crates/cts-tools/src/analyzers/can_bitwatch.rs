//! `can-bitwatch`: which bits changed only while the user did something.
//!
//! Reads logs and tables of frames. By default true to the frames; with `mode=compat` the five files are byte for byte
//! those of the Python tool of that name. Where frames do not come in the order of time the input is read a second time
//! and sorted, which takes memory for every frame.

use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::Path;

use cts_can::bitwatch::{Analysis, Bitwatch, BitwatchOptions, InputKind, Mode, Watch, Window, check_windows};
use cts_can::rlog::DamageReason;
use cts_model::{
    InputSpec, Level, OutputSpec, ParamKind, ParamSpec, Progress, RelPath, ToolCategory, ToolKind, ToolSpec,
};
use serde_json::{Value, json};

use crate::native::{InputFile, NativeTool, ToolCx, ToolError};

/// The tool.
#[derive(Debug)]
pub struct CanBitwatch;

/// Parameters of older clients that did something in the Python tool only.
const IGNORED: [&str; 3] = ["repo_root", "deps_dir", "install_missing_deps"];

/// What the Python tool watches when it is not told.
const COMPAT_WATCH: [&str; 4] = ["0x027:B4b5", "0x027:B5b1", "0x67A:B3b7", "0x321:B5b1"];

/// The best of the candidates stand in the summary, the others in their file only.
const CANDIDATES_TOLD_MAX: usize = 100;

impl NativeTool for CanBitwatch {
    fn spec(&self) -> ToolSpec {
        let id = "can-bitwatch".parse().expect("the id is a slug");
        let mut spec = ToolSpec::new(
            id,
            ToolKind::Native,
            ToolCategory::Analyzer,
            "CAN bit watch",
            env!("CARGO_PKG_VERSION"),
            "Finds the bits that toggled only inside the windows that you mark, ranks them by how well their pulses fit \
             what you did, and leaves out counters and checksums.",
        );
        spec.tags = ["can", "openpilot", "bits", "reverse-engineering"].map(str::to_owned).to_vec();
        spec.input = InputSpec {
            required: true,
            many: true,
            none: false,
            extensions: Vec::new(),
            description: "openpilot logs (rlog, qlog), plain or compressed with zstd or bzip2, or CSV tables of \
                          rlog-to-csv, told apart by their content; several follow one another in time"
                .to_owned(),
            param_aliases: vec!["csv".to_owned(), "rlog".to_owned(), "log_file".to_owned()],
        };
        let output = |pattern: &str, media_type: &str| OutputSpec {
            pattern: pattern.to_owned(),
            required: true,
            media_type: Some(media_type.to_owned()),
        };
        spec.outputs = vec![
            output("**/*.counts.csv", "text/csv; charset=utf-8"),
            output("**/*.per_address.json", "application/json"),
            output("**/*.bit_edges.csv", "text/csv; charset=utf-8"),
            output("**/*.candidates_window_only.csv", "text/csv; charset=utf-8"),
            output("**/*.accel_hunt.csv", "text/csv; charset=utf-8"),
            OutputSpec { required: false, ..output("**/*.fields.csv", "text/csv; charset=utf-8") },
            output("summary.json", "application/json"),
        ];
        spec.params = params();
        spec
    }

    fn run(&self, cx: &mut ToolCx) -> Result<(), ToolError> {
        for name in IGNORED.into_iter().filter(|name| cx.text(name).is_some() || cx.is_on(name)) {
            cx.log(Level::Info, format!("{name} does nothing: this tool needs no Python and no openpilot"));
        }
        let inputs = cx.inputs().to_vec();
        let prefix = prefix(cx)?;
        let (options, notes) = options(cx, &inputs)?;
        let analysis = analyze(cx, &inputs, &options)?;
        let notes = [notes, notes_of(&analysis, &inputs)].concat();
        for note in &notes {
            cx.log(Level::Warning, note.clone());
        }
        let mut files = Vec::new();
        for table in analysis.tables() {
            let name = format!("{prefix}.{}", table.suffix());
            write(&cx.out_dir().join(&name), &name, |out| analysis.write(*table, out))?;
            files.push(name);
        }
        let told = summary_json(&analysis, &inputs, &options, &files, &notes);
        let path = cx.out_dir().join("summary.json");
        std::fs::write(path, format!("{told:#}\n")).map_err(|error| cannot("write", "summary.json", &error))?;
        let (candidates, shown) = analysis.candidate_counts();
        cx.done(&format!(
            "{} frames: {candidates} bits toggled in the window only, {shown} show the pattern",
            analysis.rows()
        ));
        Ok(())
    }
}

fn params() -> Vec<ParamSpec> {
    let seconds = |name: &str, help: &str| ParamSpec {
        minimum: Some(-1e9),
        maximum: Some(1e9),
        unit: Some("s".to_owned()),
        ..ParamSpec::new(name, ParamKind::Float, help)
    };
    let mut params = vec![
        ParamSpec {
            default: Some(json!("native")),
            choices: vec![json!("native"), json!("compat")],
            ..ParamSpec::new("mode", ParamKind::Str, "native is true to the frames; compat gives the old tool's files")
        },
        ParamSpec {
            default: Some(json!("analysis")),
            minimum: Some(1.0),
            maximum: Some(512.0),
            ..ParamSpec::new(
                "output_prefix",
                ParamKind::Str,
                "What the names of the files begin with; may have folders",
            )
        },
        ParamSpec {
            examples: vec![json!(20.0)],
            ..seconds(
                "window_start",
                "Where the window begins; of a table with its own segments, without window_dur, where relative times \
                 and the search for pulses begin",
            )
        },
        ParamSpec {
            examples: vec![json!(12.0)],
            minimum: Some(0.0),
            ..seconds("window_dur", "How long the window is; both ends belong to it")
        },
        ParamSpec {
            maximum: Some(64.0),
            examples: vec![json!(["20..32", "45+5"])],
            ..ParamSpec::new("windows", ParamKind::List, "Several windows, each start..end or start+length, in seconds")
        },
        ParamSpec {
            default: Some(json!("3x2.0±0.5")),
            minimum: Some(1.0),
            maximum: Some(64.0),
            examples: vec![json!("3x2.0±0.5"), json!("5x0.5+-0.2")],
            ..ParamSpec::new(
                "pattern",
                ParamKind::Str,
                "The pulses that you made: count x seconds ± tolerance, 1 to 64 pulses of at most 3600 s",
            )
        },
        ParamSpec {
            maximum: Some(1024.0),
            examples: vec![json!(["0x027:B4b5", "0x027:34", "0x027@1:34"])],
            ..ParamSpec::new(
                "watch",
                ParamKind::List,
                "Bits whose every edge is told: address:B<byte>b<bit from the top> or address:<bit>, with @<bus> behind \
                 the address for one bus; compat mode has the old tool's four by default",
            )
        },
        ParamSpec {
            default: Some(json!(false)),
            ..ParamSpec::new("strict", ParamKind::Bool, "Fail on a damaged log or an unknown kind of event")
        },
    ];
    params.extend(IGNORED.map(|name| {
        let kind = if name == "install_missing_deps" { ParamKind::Bool } else { ParamKind::Str };
        ParamSpec::new(name, kind, "Accepted from older clients; does nothing here")
    }));
    params
}

fn cannot(doing: &str, what: impl std::fmt::Display, error: &std::io::Error) -> ToolError {
    let hint = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "Free some space on the disk.",
        std::io::ErrorKind::PermissionDenied => "Check the permissions of the file.",
        _ => "Check the file and the disk.",
    };
    ToolError::new(format!("cannot {doing} {what}: {error}")).with_hint(hint)
}

fn refuse(name: &str, error: &cts_can::Error) -> ToolError {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let refused = ToolError::new(format!("{name}: {error}{cause}"));
    match error {
        cts_can::Error::Damaged(_) | cts_can::Error::UnknownEvent { .. } | cts_can::Error::BadEvent { .. } => {
            refused.with_hint("Leave out `strict` to keep what is whole.")
        }
        cts_can::Error::BadRow { fault: cts_can::RowFault::NoSegment, .. } => {
            refused.with_hint("Give `windows`, or a table with a column `segment`.")
        }
        cts_can::Error::BadRow { .. } => refused.with_hint("Give a log, or a table with the columns of rlog-to-csv."),
        _ => refused,
    }
}

/// Returns what the files' names begin with.
fn prefix(cx: &ToolCx) -> Result<RelPath, ToolError> {
    let name = match cx.text("output_prefix") {
        // Older clients send the path on their own machine: its last part is the name here.
        Some(path) if path.starts_with('/') => path.rsplit('/').next().unwrap_or_default(),
        Some(path) => path.trim_start_matches("./"),
        None => "analysis",
    };
    name.parse()
        .map_err(|_| ToolError::new(format!("output_prefix is {name:?}, which is no path below the run's folder")))
}

fn kind_of(input: &InputFile) -> Result<InputKind, ToolError> {
    let mut prefix = Vec::new();
    let file = File::open(&input.path).map_err(|error| cannot("open", &input.name, &error))?;
    let read = file.take(InputKind::PREFIX_BYTES as u64).read_to_end(&mut prefix);
    read.map_err(|error| cannot("read", &input.name, &error))?;
    Ok(InputKind::of(&prefix))
}

fn texts<'a>(cx: &'a ToolCx, name: &str) -> impl Iterator<Item = &'a str> {
    cx.list(name).iter().filter_map(Value::as_str)
}

/// Returns the options, and what about the parameters is worth a warning.
fn options(cx: &ToolCx, inputs: &[InputFile]) -> Result<(BitwatchOptions, Vec<String>), ToolError> {
    let mode = if cx.text("mode") == Some("compat") { Mode::Compat } else { Mode::Native };
    let mut notes = Vec::new();
    let pattern = cx.text("pattern").unwrap_or("3x2.0±0.5");
    let pattern = pattern.parse().map_err(|fault| ToolError::new(format!("pattern is {pattern:?}: {fault}")))?;
    if mode == Mode::Compat && pattern != BitwatchOptions::default().pattern {
        notes.push("mode=compat looks for three pulses of two seconds, whatever the pattern is".to_owned());
    }
    let mut watch = Vec::new();
    let given: Vec<&str> = texts(cx, "watch").collect();
    let is_told = cx.is_given("watch") || mode == Mode::Native;
    for text in if is_told { given.as_slice() } else { &COMPAT_WATCH } {
        let bit: Watch = text.parse().map_err(|fault| ToolError::new(format!("watch has {text:?}: {fault}")))?;
        if mode == Mode::Compat && (bit.bus.is_some() || !bit.by_byte) {
            return Err(ToolError::new(format!("watch has {text:?}: mode=compat knows address:B<byte>b<bit> only")));
        }
        watch.push(bit);
    }
    let (start, duration) = (cx.number("window_start"), cx.number("window_dur"));
    let mut windows = Vec::new();
    for text in texts(cx, "windows") {
        let window: Window = text.parse().map_err(|fault| ToolError::new(format!("windows has {text:?}: {fault}")))?;
        windows.push(window);
    }
    let mut window_start = None;
    let has_log = inputs.iter().map(kind_of).collect::<Result<Vec<_>, _>>()?.contains(&InputKind::Log);
    match (start, duration) {
        (Some(start), Some(duration)) => {
            windows.push(Window { start, end: start + duration });
            window_start = (mode == Mode::Compat).then_some(start);
        }
        (Some(start), None) if has_log && windows.is_empty() => {
            windows.push(Window { start, end: f64::INFINITY });
            notes.push("the window has a start but no duration, so it goes on to the end of the log".to_owned());
        }
        (start, None) => window_start = start,
        (None, Some(_)) => notes.push("window_dur has no effect without window_start".to_owned()),
    }
    let windows = check_windows(windows).map_err(|fault| ToolError::new(fault.to_string()))?;
    if mode == Mode::Compat && windows.len() > 1 {
        return Err(ToolError::new("mode=compat knows one window only").with_hint("Leave out `mode`."));
    }
    let strict = cx.is_on("strict");
    Ok((BitwatchOptions { mode, windows, window_start, pattern, watch, holds_rows: false, strict }, notes))
}

/// Reads the inputs, a second time and sorted where they are not in the order of time.
fn analyze(cx: &mut ToolCx, inputs: &[InputFile], options: &BitwatchOptions) -> Result<Analysis, ToolError> {
    let analysis = match read(cx, inputs, options) {
        Err((name, cts_can::Error::OutOfOrder { time, after })) => {
            let text = format!("{name}: a frame of {time} s comes after one of {after} s: reading again to sort them");
            cx.log(Level::Info, text);
            let options = BitwatchOptions { holds_rows: true, ..options.clone() };
            read(cx, inputs, &options).map_err(|(name, error)| refuse(&name, &error))
        }
        read => read.map_err(|(name, error)| refuse(&name, &error)),
    }?;
    for (input, found) in inputs.iter().zip(analysis.inputs()) {
        let damage = found.log_end.as_ref().and_then(|end| end.damage.as_ref());
        if let Some(damage) = damage.filter(|damage| damage.reason == DamageReason::NotALog) {
            return Err(ToolError::new(format!("{}: {}", input.name, damage.reason))
                .with_hint("Give an openpilot log (rlog or qlog) or a CSV table of rlog-to-csv."));
        }
    }
    Ok(analysis)
}

fn read(
    cx: &mut ToolCx,
    inputs: &[InputFile],
    options: &BitwatchOptions,
) -> Result<Analysis, (String, cts_can::Error)> {
    let size = |input: &InputFile| std::fs::metadata(&input.path).map_or(0, |meta| meta.len());
    let sizes: Vec<u64> = inputs.iter().map(size).collect();
    let total = sizes.iter().sum();
    let mut bitwatch = Bitwatch::new(options.clone());
    let mut before = 0;
    for (input, size) in inputs.iter().zip(&sizes) {
        let failed = |error| (input.name.clone(), error);
        let file =
            File::open(&input.path).map_err(|source| failed(cts_can::Error::Read { packed_bytes: 0, source }))?;
        let mut told = |now: cts_can::csv::Progress| {
            cx.progress(&bytes_progress(before + now.packed_bytes, total, &input.name, now.rows));
        };
        bitwatch.add(file, &mut told).map_err(failed)?;
        before += size;
    }
    bitwatch.finish().map_err(|error| ("the analysis".to_owned(), error))
}

#[expect(clippy::cast_precision_loss, reason = "bytes of logs are far below 2^53")]
fn bytes_progress(current: u64, total: u64, name: &str, rows: u64) -> Progress {
    Progress {
        percent: (total > 0).then(|| (current as f64 / total as f64 * 100.0).min(100.0)),
        message: Some(format!("{name}: {rows} frames")),
        current: Some(current as f64),
        total: Some(total as f64),
        unit: Some("bytes".to_owned()),
    }
}

fn write(
    path: &Path,
    name: &str,
    table: impl FnOnce(&mut dyn std::io::Write) -> Result<(), cts_can::Error>,
) -> Result<(), ToolError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| cannot("make", folder.display(), &error))?;
    }
    let file = File::create(path).map_err(|error| cannot("make", name, &error))?;
    table(&mut BufWriter::new(file)).map_err(|error| match error {
        cts_can::Error::Write(error) => cannot("write", name, &error),
        error => refuse(name, &error),
    })
}

/// Returns what about the inputs is worth a warning.
fn notes_of(analysis: &Analysis, inputs: &[InputFile]) -> Vec<String> {
    let mut notes = Vec::new();
    for (input, found) in inputs.iter().zip(analysis.inputs()) {
        if let Some(damage) = found.log_end.as_ref().and_then(|end| end.damage.as_ref()) {
            notes.push(format!(
                "{}: {} after message {} (byte {} of the plain log); {} plain and {} stored bytes were not used",
                input.name,
                damage.reason,
                damage.message,
                damage.byte,
                damage.plain_bytes_lost,
                damage.packed_bytes_lost
            ));
        }
        if found.bad_events > 0 {
            notes.push(format!("{}: {} events are broken inside and were left out", input.name, found.bad_events));
        }
        if found.unknown_events > 0 {
            notes.push(format!("{}: {} events of unknown kinds were skipped", input.name, found.unknown_events));
        }
    }
    if analysis.rows() == 0 {
        notes.push("there are no frames".to_owned());
    } else if analysis.windows().is_empty() {
        notes.push("no frame lies in a window, so nothing can have toggled in one: give `windows`".to_owned());
    }
    if analysis.rows_left_out() > 0 {
        notes.push(format!("{} frames of too many addresses were left out", analysis.rows_left_out()));
    }
    if analysis.bits_left_out().1 > 0 {
        notes.push(format!("{} bits were not followed: too many toggled in the window", analysis.bits_left_out().1));
    }
    notes
}

fn summary_json(
    analysis: &Analysis,
    inputs: &[InputFile],
    options: &BitwatchOptions,
    files: &[String],
    notes: &[String],
) -> Value {
    let inputs: Vec<Value> = inputs
        .iter()
        .zip(analysis.inputs())
        .map(|(input, found)| {
            let damage = found.log_end.as_ref().and_then(|end| end.damage.as_ref());
            json!({
                "name": input.name,
                "kind": if found.kind == InputKind::Log { "log" } else { "table" },
                "frames": found.rows,
                "unknown_events": found.unknown_events,
                "broken_events": found.bad_events,
                "damage": damage.map(|damage| json!({
                    "reason": damage.reason.to_string(),
                    "message": damage.message,
                    "byte": damage.byte,
                    "plain_bytes_lost": damage.plain_bytes_lost,
                    "stored_bytes_lost": damage.packed_bytes_lost,
                })),
            })
        })
        .collect();
    let [pre, window, post] = analysis.rows_by_segment();
    let windows = analysis.windows();
    let windows: Vec<Value> = windows.iter().map(|window| json!({"start": window.start, "end": window.end})).collect();
    let (count, shown) = analysis.candidate_counts();
    let candidates: Vec<Value> = analysis
        .candidates()
        .iter()
        .take(CANDIDATES_TOLD_MAX)
        .map(|found| {
            json!({
                "address": found.address.to_string(),
                "bus": found.bus.0,
                "bit": found.bit,
                "score": (found.score * 10.0).round() / 10.0,
                "shows_pattern": found.shows_pattern(),
                "evidence": found.evidence(&options.pattern),
            })
        })
        .collect();
    let fields: Vec<Value> = analysis
        .fields()
        .iter()
        .map(|field| {
            json!({
                "address": field.address.to_string(),
                "bus": field.bus.0,
                "kind": field.kind.to_string(),
                "first_bit": field.first_bit,
                "bits": field.bits,
                "sure": (field.sure * 1000.0).round() / 1000.0,
            })
        })
        .collect();
    let (bits_in_fields, bits_not_followed) = analysis.bits_left_out();
    json!({
        "tool": "can-bitwatch",
        "mode": if options.mode == Mode::Compat { "compat" } else { "native" },
        "files": files,
        "frames": analysis.rows(),
        "frames_left_out": analysis.rows_left_out(),
        "segments": {"pre": pre, "window": window, "post": post},
        "windows": windows,
        "streams": analysis.streams(),
        "distinct_payloads": analysis.distinct_payloads(),
        "pattern": options.pattern.to_string(),
        "watch": options.watch.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "edges": analysis.edges(),
        "candidates_count": count,
        "candidates_that_show_the_pattern": shown,
        "candidates": candidates,
        "fields": fields,
        "bits_left_out_as_fields": bits_in_fields,
        "bits_not_followed": bits_not_followed,
        "time_zero_ns": analysis.time_zero(),
        "warnings": notes,
        "inputs": inputs,
    })
}

#[cfg(test)]
mod tests;
