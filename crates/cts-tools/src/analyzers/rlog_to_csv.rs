//! `rlog-to-csv`: every CAN frame of one or more driving logs as a row of a table, or the signals in them as columns.
//!
//! By default byte for byte what the Python tool of that name writes, but streaming: memory does not grow with the
//! log, unknown events are skipped and counted, and a damaged tail costs only what is damaged.

use std::fs::File;

use cts_can::rlog::LogEnd;
use cts_can::table::{Conversion, Summary, TableOptions};
use cts_model::{Level, RelPath, ToolSpec};

use crate::dbc_files;
use crate::files::{self, SUMMARY};
use crate::inputs::{self, refuse};
use crate::native::{InputFile, NativeTool, ToolCx, ToolError};
use crate::spec::{self, CSV, JSON, NDJSON, PARQUET, TEXT, optional_output, output};
use choices::{Choices, Content};

mod choices;
mod params;
mod signals;
mod summary;

/// The tool.
#[derive(Debug)]
pub struct RlogToCsv;

impl NativeTool for RlogToCsv {
    fn spec(&self) -> ToolSpec {
        let mut spec = spec::analyzer(
            "rlog-to-csv",
            "rlog to CSV",
            "Writes every CAN frame of a driving log as a row of a table (CSV, Parquet, JSON lines or candump), with the \
             segment before, in or after a window that you mark; or, by DBC files, its signals as columns.",
        );
        let tags = ["can", "openpilot", "csv", "parquet", "ndjson", "candump", "dbc"];
        spec.tags = tags.map(str::to_owned).to_vec();
        spec.input = spec::files(
            "openpilot logs (rlog, qlog), plain or compressed with zstd or bzip2; several become one table in the order \
             in which they were recorded; beside them DBC files, whose names end in .dbc",
            &["rlog", "log_file"],
        );
        spec.outputs = vec![
            optional_output("**/*.csv", CSV),
            optional_output("**/*.parquet", PARQUET),
            optional_output("**/*.ndjson", NDJSON),
            optional_output("**/*.log", TEXT),
            output(SUMMARY, JSON),
        ];
        spec.params = params::params();
        spec
    }

    fn run(&self, cx: &mut ToolCx) -> Result<(), ToolError> {
        let (given_dbcs, logs) = dbc_files::split(cx.inputs());
        let choices = Choices::read(cx, dbc_files::files(cx, &given_dbcs)?)?;
        spec::tell_old_clients(cx);
        if let Some(warning) = choices.options.window.warning() {
            cx.log(Level::Warning, warning);
        }
        let logs = inputs::joined_of(cx, &logs)?;
        if logs.is_empty() {
            return Err(ToolError::new("there is no log among the inputs").with_hint(WANTED));
        }
        let out = choices.out_name(cx, &logs)?;
        let (summary, files) = match &choices.content {
            Content::Frames => (write_frames(cx, &logs, &out, &choices.options)?, vec![out.to_string()]),
            Content::Signals(signals) => signals::write(cx, &logs, &out, &choices.options, signals)?,
        };
        summary::tell(cx, &logs, &summary);
        let told = summary::json(&logs, &out, &files, &choices, &summary);
        files::write_summary(cx, &told)?;
        cx.done(&summary::sentence(&out, &files, &summary));
        Ok(())
    }
}

/// What to give in place of a file that is no log.
const WANTED: &str = "Give an openpilot log (rlog or qlog), plain or compressed with zstd or bzip2.";

fn write_frames(
    cx: &mut ToolCx,
    logs: &[InputFile],
    out: &RelPath,
    options: &TableOptions,
) -> Result<Summary, ToolError> {
    let file: File = files::create(cx.out_dir(), out.as_str())?;
    let mut conversion = Conversion::new(file, options).map_err(|error| refuse(out.as_str(), &error))?;
    inputs::each(cx, logs, "rows", |log, told| conversion.add_log(log, told).map(|_| ()))?;
    finish(logs, out, conversion)
}

/// Ends a table and refuses inputs that are no logs.
fn finish<W: std::io::Write + Send>(
    logs: &[InputFile],
    out: &RelPath,
    conversion: Conversion<W>,
) -> Result<Summary, ToolError> {
    let summary = conversion.finish().map_err(|error| refuse(out.as_str(), &error))?;
    let ends = summary.logs.iter().map(|log| &log.end);
    logs.iter().zip(ends).try_for_each(|(input, end): (_, &LogEnd)| inputs::refuse_other(input, end, WANTED))?;
    Ok(summary)
}

#[cfg(test)]
mod tests;
