//! Measures the library alone: `bitwatch LOG_OR_TABLE OUT_PREFIX [compat | START..END]…`.
//!
//! Prints what was found and how long it took; the tool `can-bitwatch` lives in `cts-tools`.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::time::Instant;

use cts_can::bitwatch::{Bitwatch, BitwatchOptions, Mode, check_windows};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [input, prefix, rest @ ..] = arguments.as_slice() else {
        return Err("usage: bitwatch LOG_OR_TABLE OUT_PREFIX [compat | START..END]…".into());
    };
    let mut options = BitwatchOptions::default();
    for argument in rest {
        if argument == "compat" {
            options.mode = Mode::Compat;
        } else {
            options.windows.push(argument.parse()?);
        }
    }
    options.windows = check_windows(options.windows)?;

    let begun = Instant::now();
    let mut bitwatch = Bitwatch::new(options);
    bitwatch.add(File::open(input)?, &mut |_| {})?;
    let analysis = bitwatch.finish()?;
    for table in analysis.tables() {
        let file = File::create(format!("{prefix}.{}", table.suffix()))?;
        analysis.write(*table, &mut BufWriter::new(file))?;
    }
    let took = begun.elapsed();

    let mut screen = std::io::stdout();
    writeln!(
        screen,
        "{} rows, {} streams, {} payloads, {:?} candidates in {took:.3?}",
        analysis.rows(),
        analysis.streams(),
        analysis.distinct_payloads(),
        analysis.candidate_counts()
    )?;
    // The peak of resident memory, where the system tells it.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmHWM")) {
        writeln!(screen, "{line}")?;
    }
    Ok(())
}
