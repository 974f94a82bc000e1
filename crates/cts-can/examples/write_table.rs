//! Measures the library alone: `write_table LOG OUT [FORMAT [WINDOW_START WINDOW_DURATION]]`, where the format is `csv`,
//! `extended`, `cabana`, `ndjson`, `candump` or `parquet`.
//!
//! Prints what was found and how long it took; the tool of the same name lives in `cts-tools`.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::Write as _;
use std::time::Instant;

use cts_can::segments::WindowRule;
use cts_can::table::{Columns, TableFormat, TableOptions, write_table};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [log, out, rest @ ..] = arguments.as_slice() else {
        return Err("usage: write_table LOG OUT [FORMAT [WINDOW_START WINDOW_DURATION]]".into());
    };
    let format = match rest.first().map_or("csv", String::as_str) {
        "csv" => TableFormat::Csv(Columns::Basic),
        "extended" => TableFormat::Csv(Columns::Extended),
        "cabana" => TableFormat::Csv(Columns::Cabana),
        "ndjson" => TableFormat::Ndjson,
        "candump" => TableFormat::Candump,
        "parquet" => TableFormat::Parquet,
        other => return Err(format!("there is no format {other}").into()),
    };
    let mut seconds = rest.iter().skip(1).map(|text| text.parse());
    let window = WindowRule::new(seconds.next().transpose()?, seconds.next().transpose()?);
    let options = TableOptions { window, format, ..TableOptions::default() };

    let begun = Instant::now();
    let summary = write_table(File::open(log)?, File::create(out)?, &options, |_| {})?;
    let took = begun.elapsed();

    let mut screen = std::io::stdout();
    writeln!(screen, "{summary:#?}")?;
    writeln!(screen, "{} rows, {} bytes in {took:.3?}", summary.rows, summary.output_bytes)?;
    // The peak of resident memory, where the system tells it.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmHWM")) {
        writeln!(screen, "{line}")?;
    }
    Ok(())
}
