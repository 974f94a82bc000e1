//! The native tools on one minute and on twenty minutes of log: the time of each process and its memory.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::bench::report::{Row, megabytes};
use crate::bench::samples::Samples;
use crate::bench::tool_process::ToolProcess;
use crate::bench::{Plan, long_log};
use crate::error::{Doing, Failed};
use crate::root;
use crate::service::Service;

/// Rounds of each; the median is told.
const ROUNDS: usize = 5;

/// What is read.
#[derive(Clone, Copy)]
enum Input {
    /// The sample.
    Minute,
    /// The long log.
    Long,
    /// The long log as a table with a window from 600 s to 630 s.
    LongTable,
}

/// A tool, what it is to do, and what the issue of the tools asks for.
struct Case {
    what: &'static str,
    tool: &'static str,
    params: &'static str,
    input: Input,
    time_ms_max: Option<f64>,
    peak_mb_max: Option<f64>,
    /// How large the output may be, in sizes of the input.
    size_max: Option<f64>,
}

impl Case {
    const fn new(what: &'static str, tool: &'static str, params: &'static str, input: Input) -> Self {
        Self { what, tool, params, input, time_ms_max: None, peak_mb_max: None, size_max: None }
    }

    const fn within(mut self, milliseconds: f64) -> Self {
        self.time_ms_max = Some(milliseconds);
        self
    }

    const fn memory(mut self, megabytes: f64) -> Self {
        self.peak_mb_max = Some(megabytes);
        self
    }

    const fn size(mut self, inputs: f64) -> Self {
        self.size_max = Some(inputs);
        self
    }
}

const CASES: [Case; 15] = [
    Case::new("can-summary, 1 min", "can-summary", "{}", Input::Minute),
    Case::new("can-summary, 20 min", "can-summary", "{}", Input::Long).memory(64.0),
    Case::new("rlog-to-csv, 1 min", "rlog-to-csv", "{}", Input::Minute).within(25.0),
    Case::new("rlog-to-csv, 20 min", "rlog-to-csv", "{}", Input::Long).within(300.0).memory(64.0),
    Case::new("rlog-to-csv to Parquet, 20 min", "rlog-to-csv", r#"{"format": "parquet"}"#, Input::Long)
        .within(1200.0)
        .size(1.3),
    Case::new("rlog-to-csv to ndjson, 20 min", "rlog-to-csv", r#"{"format": "ndjson"}"#, Input::Long),
    Case::new("rlog-to-csv to candump, 20 min", "rlog-to-csv", r#"{"format": "candump"}"#, Input::Long),
    Case::new("can-bitwatch, 1 min", "can-bitwatch", r#"{"windows": ["20..32"]}"#, Input::Minute).within(50.0),
    Case::new("can-bitwatch, 20 min as CSV", "can-bitwatch", "{}", Input::LongTable).within(800.0).memory(128.0),
    Case::new("can-bitwatch, 20 min", "can-bitwatch", r#"{"windows": ["600..630"]}"#, Input::Long)
        .within(500.0)
        .memory(128.0),
    Case::new("can-bitwatch compat, 20 min as CSV", "can-bitwatch", r#"{"mode": "compat"}"#, Input::LongTable)
        .within(800.0)
        .memory(128.0),
    Case::new("cruise-control-analyzer, 1 min, all exports", "cruise-control-analyzer", "{}", Input::Minute)
        .within(100.0),
    Case::new("cruise-control-analyzer, 20 min, all exports", "cruise-control-analyzer", "{}", Input::Long)
        .within(1000.0),
    Case::new(
        "cruise-control-analyzer compat, 1 min",
        "cruise-control-analyzer",
        r#"{"mode": "compat", "export_csv": true, "export_json": true}"#,
        Input::Minute,
    )
    .within(100.0),
    Case::new(
        "cruise-control-analyzer compat, 20 min",
        "cruise-control-analyzer",
        r#"{"mode": "compat", "export_csv": true, "export_json": true}"#,
        Input::Long,
    )
    .within(1000.0),
];

/// Measures all.
pub(super) fn measure(plan: &Plan) -> Result<Vec<Row>, Failed> {
    let folder = Service::folder_of("bench-tools-files");
    fs::create_dir_all(&folder).doing(|| format!("cannot create {}", folder.display()))?;
    let out = folder.join("out");
    let long = long_log::given_or_made(plan)?;
    let table = table_of(&long, &folder, &out)?;
    let minute = root::workspace().join(long_log::SAMPLE);
    let mut rows = Vec::new();
    for case in &CASES {
        let input = match case.input {
            Input::Minute => &minute,
            Input::Long => &long,
            Input::LongTable => &table,
        };
        rows.extend(measure_case(case, input, &out)?);
    }
    Ok(rows)
}

fn measure_case(case: &Case, input: &Path, out: &Path) -> Result<Vec<Row>, Failed> {
    let params: Value = serde_json::from_str(case.params)?;
    let mut times = Samples::default();
    let mut peak_bytes = 0;
    for _ in 0..ROUNDS {
        empty(out)?;
        let ended = ToolProcess { tool: case.tool, params: &params, input, out }.run()?;
        times.add(ended.time);
        peak_bytes = ended.peak_bytes.max(peak_bytes);
    }
    let time = times.percentile_ms(50);
    let mut rows = vec![match case.time_ms_max {
        Some(limit) => Row::at_most(case.what, time, "ms", limit),
        None => Row::told(case.what, time, "ms"),
    }];
    let what = format!("{}: peak memory", case.what);
    rows.push(match case.peak_mb_max {
        Some(limit) => Row::at_most(what, megabytes(peak_bytes), "MB", limit),
        None => Row::told(what, megabytes(peak_bytes), "MB"),
    });
    if let Some(limit) = case.size_max {
        let ratio = megabytes(size_of(out)?) / megabytes(fs::metadata(input)?.len());
        rows.push(Row::at_most(format!("{}: size of the output", case.what), ratio, "× the log", limit));
    }
    Ok(rows)
}

fn table_of(log: &Path, folder: &Path, out: &Path) -> Result<PathBuf, Failed> {
    empty(out)?;
    let params = json!({"out": "long.csv", "window_start": 600.0, "window_dur": 30.0});
    ToolProcess { tool: "rlog-to-csv", params: &params, input: log, out }.run()?;
    let table = folder.join("long.csv");
    fs::rename(out.join("long.csv"), &table)?;
    Ok(table)
}

fn empty(folder: &Path) -> Result<(), Failed> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(())
}

/// Returns the bytes of all files but the summary.
fn size_of(folder: &Path) -> Result<u64, Failed> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() != "summary.json" {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}
