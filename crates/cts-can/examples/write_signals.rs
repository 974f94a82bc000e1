//! Measures the decoding of signals alone: `write_signals LOG FOLDER LAYOUT FORMAT DBC…`, where the layout is `messages`
//! or `wide`, the format `csv`, `names` or `parquet`, and a DBC is the name of one that comes with the crate, with
//! `@<bus>` behind it where it is for one bus.
//!
//! Prints what was found and how long it took; the tool that does this lives in `cts-tools`.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use cts_can::dbc::{Dbc, shipped};
use cts_can::frame::Bus;
use cts_can::table::signals::{GivenDbc, SignalFormat};
use cts_can::table::{Conversion, TableOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [log, folder, layout, format, names @ ..] = arguments.as_slice() else {
        return Err("usage: write_signals LOG FOLDER messages|wide csv|names|parquet DBC…".into());
    };
    let (format, extension) = match format.as_str() {
        "csv" => (SignalFormat::CsvNumbers, "csv"),
        "names" => (SignalFormat::CsvNames, "csv"),
        "parquet" => (SignalFormat::Parquet, "parquet"),
        other => return Err(format!("there is no format {other}").into()),
    };
    let mut dbcs = Vec::new();
    for name in names {
        let (name, bus) = name.split_once('@').map_or((name.as_str(), None), |(name, bus)| (name, Some(bus)));
        let text = shipped(name).ok_or_else(|| format!("there is no {name}"))?;
        let bus = bus.map(str::parse).transpose()?.map(Bus);
        dbcs.push(GivenDbc { dbc: Dbc::parse(text.as_bytes())?, bus });
    }
    let dbcs: Arc<[GivenDbc]> = dbcs.into();
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder)?;
    let options = TableOptions::default();

    let begun = Instant::now();
    let mut conversion = if layout == "wide" {
        let mut survey = Conversion::survey(&options, Arc::clone(&dbcs));
        survey.add_log(File::open(log)?, &mut |_| {})?;
        let found = survey.finish()?.signals.unwrap_or_default();
        let out = File::create(folder.join(format!("signals.{extension}")))?;
        Conversion::wide(out, &options, dbcs, format, &found)?
    } else {
        let make = move |name: &str| File::create(folder.join(format!("{name}.{extension}")));
        Conversion::messages(&options, dbcs, format, Box::new(make))
    };
    conversion.add_log(File::open(log)?, &mut |_| {})?;
    let summary = conversion.finish()?;
    let took = begun.elapsed();

    let found = summary.signals.unwrap_or_default();
    let mut screen = std::io::stdout();
    for message in &found.messages {
        let (source, signals) = (message.source, message.signals.len());
        writeln!(
            screen,
            "{source} {} {}: {} frames, {signals} signals",
            message.address, message.name, message.frames
        )?;
    }
    writeln!(screen, "{} frames of {} addresses are unknown", found.unknown_frames(), found.unknown.len())?;
    writeln!(
        screen,
        "{} frames, {} wide rows, {} bytes in {took:.3?}",
        summary.rows, found.wide_rows, summary.output_bytes
    )?;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmHWM")) {
        writeln!(screen, "{line}")?;
    }
    Ok(())
}
