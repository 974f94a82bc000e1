//! The signals of logs as tables: one for each message, or one of all.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use cts_can::table::signals::SignalFormat;
use cts_can::table::{Conversion, Summary, TableOptions};
use cts_model::RelPath;

use super::choices::{Layout, Signals};
use super::finish;
use crate::files;
use crate::inputs::{self, Pass, refuse};
use crate::native::{InputFile, ToolCx, ToolError};

/// Writes the tables; returns what was found and how the files are called.
pub(super) fn write(
    cx: &mut ToolCx,
    logs: &[InputFile],
    out: &RelPath,
    options: &TableOptions,
    signals: &Signals,
) -> Result<(Summary, Vec<String>), ToolError> {
    match signals.layout {
        Layout::Messages => messages(cx, logs, out, options, signals),
        Layout::Wide => wide(cx, logs, out, options, signals),
    }
}

fn messages(
    cx: &mut ToolCx,
    logs: &[InputFile],
    out: &RelPath,
    options: &TableOptions,
    signals: &Signals,
) -> Result<(Summary, Vec<String>), ToolError> {
    let end = if signals.format == SignalFormat::Parquet { "parquet" } else { "csv" };
    let folder: PathBuf = cx.out_dir().join(out.as_str());
    let make = move |name: &str| {
        std::fs::create_dir_all(&folder)?;
        File::create(folder.join(format!("{name}.{end}")))
    };
    let mut conversion = Conversion::messages(options, Arc::clone(&signals.dbcs.dbcs), signals.format, Box::new(make));
    inputs::each(cx, logs, "frames", |log, told| conversion.add_log(log, told).map(|_| ()))?;
    let summary = finish(logs, out, conversion)?;
    let messages = summary.signals.iter().flat_map(|found| &found.messages);
    let files = messages.filter_map(|message| message.file.as_ref()).map(|name| format!("{out}/{name}.{end}"));
    let files = files.collect();
    Ok((summary, files))
}

/// Reads the logs twice, because the first line of the table says which signals it has.
fn wide(
    cx: &mut ToolCx,
    logs: &[InputFile],
    out: &RelPath,
    options: &TableOptions,
    signals: &Signals,
) -> Result<(Summary, Vec<String>), ToolError> {
    let first = Pass::first(2);
    let mut survey = Conversion::survey(options, Arc::clone(&signals.dbcs.dbcs));
    let take = |log: File, told: &mut dyn FnMut(_)| survey.add_log(log, told).map(|_| ());
    inputs::each_of(cx, logs, first, "frames found", take)?;
    let found = finish(logs, out, survey)?.signals.unwrap_or_default();
    let file = files::create(cx.out_dir(), out.as_str())?;
    let conversion = Conversion::wide(file, options, Arc::clone(&signals.dbcs.dbcs), signals.format, &found);
    let mut conversion = conversion.map_err(|error| refuse(out.as_str(), &error))?;
    let take = |log: File, told: &mut dyn FnMut(_)| conversion.add_log(log, told).map(|_| ());
    inputs::each_of(cx, logs, first.next(), "frames", take)?;
    Ok((finish(logs, out, conversion)?, vec![out.to_string()]))
}
