//! Parameters as the analysis takes them; what does not go together is refused here.

use cts_can::segments::WindowRule;
use cts_can::table::signals::SignalFormat;
use cts_can::table::{Columns, TableFormat, TableOptions, TimeOrigin};
use cts_model::RelPath;

use crate::dbc_files::DbcFiles;
use crate::files;
use crate::filter;
use crate::native::{InputFile, ToolCx, ToolError};

/// What was chosen.
pub(super) struct Choices {
    pub(super) options: TableOptions,
    pub(super) content: Content,
}

/// What the tables are about.
pub(super) enum Content {
    Frames,
    Signals(Signals),
}

/// What was chosen about signals.
pub(super) struct Signals {
    pub(super) dbcs: DbcFiles,
    pub(super) format: SignalFormat,
    pub(super) layout: Layout,
}

/// How signals become columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Messages,
    Wide,
}

impl Choices {
    pub(super) fn read(cx: &ToolCx, dbcs: Option<DbcFiles>) -> Result<Self, ToolError> {
        let format = format(cx, dbcs.is_some())?;
        let content = match dbcs {
            Some(dbcs) => Content::Signals(signals(cx, dbcs, format)?),
            None if cx.text("layout") == Some("wide") => return Err(without_dbc("layout=wide")),
            None if cx.text("values") == Some("names") => return Err(without_dbc("values=names")),
            None => Content::Frames,
        };
        let time_origin = match (cx.text("time"), format) {
            (Some("boot"), _) | (None, TableFormat::Candump) => TimeOrigin::Boot,
            _ => TimeOrigin::FirstCan,
        };
        let options = TableOptions {
            window: WindowRule::new(cx.number("window_start"), cx.number("window_dur")),
            filter: filter::filter(cx)?,
            include_sendcan: cx.is_on("sendcan"),
            physical_buses: cx.is_on("physical_buses"),
            format,
            time_origin,
            strict: cx.is_on("strict"),
        };
        Ok(Self { options, content })
    }

    /// Returns the name of the table, or of the folder of tables: what was asked for, or the first log's name without
    /// the ends of a log.
    pub(super) fn out_name(&self, cx: &ToolCx, logs: &[InputFile]) -> Result<RelPath, ToolError> {
        let name = logs.first().map_or("frames", |input| input.name.as_str());
        let stem = [".zst", ".bz2"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let stem = stem.strip_suffix(".rlog").or_else(|| stem.strip_suffix(".qlog")).unwrap_or(stem);
        let stem = if stem.is_empty() { "frames" } else { stem };
        if self.is_folder() {
            files::name(cx, "out", stem)
        } else {
            files::name(cx, "out", &format!("{stem}.{}", self.extension()))
        }
    }

    fn is_folder(&self) -> bool {
        matches!(&self.content, Content::Signals(signals) if signals.layout == Layout::Messages)
    }

    /// Returns what the name of a file ends in.
    pub(super) fn extension(&self) -> &'static str {
        match self.options.format {
            TableFormat::Csv(_) => "csv",
            TableFormat::Parquet => "parquet",
            TableFormat::Ndjson => "ndjson",
            TableFormat::Candump => "log",
        }
    }
}

fn without_dbc(choice: &str) -> ToolError {
    let text = format!("{choice} is about signals, and there is no DBC file to find them by");
    ToolError::new(text).with_hint("Name one with `dbc`, or give one as an input.")
}

fn format(cx: &ToolCx, has_dbcs: bool) -> Result<TableFormat, ToolError> {
    let columns = match cx.text("columns") {
        Some("extended") => Columns::Extended,
        Some("cabana") => Columns::Cabana,
        _ => Columns::Basic,
    };
    let format = match cx.text("format") {
        Some("parquet") => TableFormat::Parquet,
        Some("ndjson") => TableFormat::Ndjson,
        Some("candump") => TableFormat::Candump,
        _ => TableFormat::Csv(columns),
    };
    if columns != Columns::Basic && format != TableFormat::Csv(columns) {
        let refused = ToolError::new("columns are chosen for format=csv only");
        return Err(refused.with_hint("Leave out `columns` or `format`."));
    }
    if columns != Columns::Basic && has_dbcs {
        let refused = ToolError::new("columns are chosen for frames, and with DBC files the columns are signals");
        return Err(refused.with_hint("Leave out `columns`, or `dbc` and the .dbc files among the inputs."));
    }
    Ok(format)
}

fn signals(cx: &ToolCx, dbcs: DbcFiles, format: TableFormat) -> Result<Signals, ToolError> {
    let has_names = cx.text("values") == Some("names");
    let format = match (format, has_names) {
        (TableFormat::Csv(_), false) => SignalFormat::CsvNumbers,
        (TableFormat::Csv(_), true) => SignalFormat::CsvNames,
        (TableFormat::Parquet, false) => SignalFormat::Parquet,
        (TableFormat::Parquet, true) => {
            let refused = ToolError::new("values=names is for format=csv: in a Parquet file every signal is a number");
            return Err(refused.with_hint("Leave out `values` or `format`."));
        }
        (TableFormat::Ndjson | TableFormat::Candump, _) => {
            let refused = ToolError::new("signals are written with format=csv or format=parquet");
            return Err(refused.with_hint("Leave out `format`, or `dbc` and the .dbc files among the inputs."));
        }
    };
    let layout = if cx.text("layout") == Some("wide") { Layout::Wide } else { Layout::Messages };
    Ok(Signals { dbcs, format, layout })
}
