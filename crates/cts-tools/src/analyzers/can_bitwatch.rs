//! `can-bitwatch`: which bits changed only while the user did something.
//!
//! Reads logs and tables of frames. By default true to the frames; with `mode=compat` the five files are byte for byte
//! those of the Python tool of that name. Where frames do not come in the order of time the input is read a second time
//! and sorted, which takes memory for every frame.

use cts_can::bitwatch::{Analysis, Bitwatch, BitwatchOptions, Mode, Watch, Window, check_windows};
use cts_can::inputs::InputKind;
use cts_model::{Level, ParamKind, ParamSpec, ToolSpec};
use serde_json::{Value, json};

use crate::files::{self, SUMMARY};
use crate::inputs::{self, InputError};
use crate::native::{InputFile, NativeTool, ToolCx, ToolError};
use crate::spec::{self, CSV, JSON, output, seconds};

/// The tool.
#[derive(Debug)]
pub struct CanBitwatch;

/// What the Python tool watches when it is not told.
const COMPAT_WATCH: [&str; 4] = ["0x027:B4b5", "0x027:B5b1", "0x67A:B3b7", "0x321:B5b1"];

/// The best of the candidates stand in the summary, the others in their file only.
const CANDIDATES_TOLD_MAX: usize = 100;

impl NativeTool for CanBitwatch {
    fn spec(&self) -> ToolSpec {
        let mut spec = spec::analyzer(
            "can-bitwatch",
            "CAN bit watch",
            "Finds the bits that toggled only inside the windows that you mark, ranks them by how well their pulses fit \
             what you did, and leaves out counters and checksums.",
        );
        spec.tags = ["can", "openpilot", "bits", "reverse-engineering"].map(str::to_owned).to_vec();
        spec.input = spec::files(
            "openpilot logs (rlog, qlog), plain or compressed with zstd or bzip2, or CSV tables of rlog-to-csv, told \
             apart by their content; several are read in the order in which they were recorded",
            &["csv", "rlog", "log_file"],
        );
        spec.outputs = vec![
            output("**/*.counts.csv", CSV),
            output("**/*.per_address.json", JSON),
            output("**/*.bit_edges.csv", CSV),
            output("**/*.candidates_window_only.csv", CSV),
            output("**/*.accel_hunt.csv", CSV),
            spec::optional_output("**/*.fields.csv", CSV),
            output(SUMMARY, JSON),
        ];
        spec.params = params();
        spec
    }

    fn run(&self, cx: &mut ToolCx) -> Result<(), ToolError> {
        spec::tell_old_clients(cx);
        let inputs = inputs::joined(cx)?;
        let prefix = files::name(cx, "output_prefix", "analysis")?;
        let (options, notes) = options(cx, &inputs)?;
        let analysis = analyze(cx, &inputs, &options)?;
        let notes = [notes, notes_of(&analysis, &inputs)].concat();
        for note in &notes {
            cx.log(Level::Warning, note.clone());
        }
        let mut files = Vec::new();
        for table in analysis.tables() {
            let name = format!("{prefix}.{}", table.suffix());
            files::write(cx.out_dir(), &name, |out| analysis.write(*table, out))?;
            files.push(name);
        }
        let told = summary_json(&analysis, &inputs, &options, &files, &notes);
        files::write_summary(cx, &told)?;
        let (candidates, shown) = analysis.candidate_counts();
        cx.done(&format!(
            "{} frames: {candidates} bits toggled in the window only, {shown} show the pattern",
            analysis.rows()
        ));
        Ok(())
    }
}

fn params() -> Vec<ParamSpec> {
    let mut params = vec![
        spec::choice("mode", &["native", "compat"], "native is true to the frames; compat gives the old tool's files"),
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
        spec::join(),
        spec::strict(),
    ];
    params.extend(spec::old_clients());
    params
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
    let has_log = inputs.iter().map(inputs::kind_of).collect::<Result<Vec<_>, _>>()?.contains(&InputKind::Log);
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
        Err(InputError { name, error: cts_can::Error::OutOfOrder { time, after } }) => {
            let text = format!("{name}: a frame of {time} s comes after one of {after} s: reading again to sort them");
            cx.log(Level::Info, text);
            read(cx, inputs, &BitwatchOptions { holds_rows: true, ..options.clone() })
        }
        read => read,
    }?;
    for (input, found) in inputs.iter().zip(analysis.inputs()) {
        if let Some(end) = &found.log_end {
            inputs::refuse_other(input, end, "Give an openpilot log (rlog or qlog) or a CSV table of rlog-to-csv.")?;
        }
    }
    Ok(analysis)
}

fn read(cx: &mut ToolCx, inputs: &[InputFile], options: &BitwatchOptions) -> Result<Analysis, InputError> {
    let mut bitwatch = Bitwatch::new(options.clone());
    inputs::each(cx, inputs, "frames", |file, told| bitwatch.add(file, told).map(|_| ()))?;
    bitwatch.finish().map_err(|error| InputError { name: "the analysis".to_owned(), error })
}

/// Returns what about the inputs is worth a warning.
fn notes_of(analysis: &Analysis, inputs: &[InputFile]) -> Vec<String> {
    let mut notes = Vec::new();
    for (input, found) in inputs.iter().zip(analysis.inputs()) {
        notes.extend(inputs::notes(input, found.log_end.as_ref(), found.bad_events, found.unknown_events));
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
                "kind": found.kind.name(),
                "frames": found.rows,
                "unknown_events": found.unknown_events,
                "broken_events": found.bad_events,
                "damage": inputs::damage_json(damage),
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
