//! Measures the library alone: `summary LOG_OR_TABLE OUT_PREFIX`.
//!
//! Prints how long it took; the tool `can-summary` lives in `cts-tools`.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::time::Instant;

use cts_can::summary::{Summarizer, SummaryOptions, SummaryTable};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [input, prefix] = arguments.as_slice() else { return Err("usage: summary LOG_OR_TABLE OUT_PREFIX".into()) };

    let begun = Instant::now();
    let mut summarizer = Summarizer::new(&SummaryOptions::default());
    summarizer.add(File::open(input)?, &mut |_| {})?;
    let summary = summarizer.finish();
    for table in SummaryTable::ALL {
        let file = File::create(format!("{prefix}.{}", table.extension()))?;
        summary.write(table, &mut BufWriter::new(file))?;
    }
    let took = begun.elapsed();

    let mut screen = std::io::stdout();
    for silence in summary.silences() {
        writeln!(screen, "{silence:?}")?;
    }
    writeln!(screen, "{} frames, {} streams in {took:.3?}", summary.frames(), summary.streams().len())?;
    // The peak of resident memory, where the system tells it.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmHWM")) {
        writeln!(screen, "{line}")?;
    }
    Ok(())
}
