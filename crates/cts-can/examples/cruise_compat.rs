//! Measures the library alone: `cruise_compat LOG OUT_DIR [ENGAGED_BIT]`.
//!
//! Prints what was found and how long it took; the tool `cruise-control-analyzer` lives in `cts-tools`.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use cts_can::cruise::compat::{CompatOptions, FirstLook, Looked, Provenance};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [log, folder, rest @ ..] = arguments.as_slice() else {
        return Err("usage: cruise_compat LOG OUT_DIR [ENGAGED_BIT]".into());
    };
    let engaged_bit = rest.first().cloned();
    let options = CompatOptions { engaged_bit, export_csv: true, export_json: true, ..CompatOptions::default() };

    let begun = Instant::now();
    let mut first = FirstLook::new(options);
    first.add(File::open(log)?, &mut |_| {})?;
    let findings = match first.finish() {
        Looked::Complete(findings) => findings,
        Looked::Again(mut second) => {
            second.add(File::open(log)?, &mut |_| {})?;
            second.finish()
        }
    };
    fs::create_dir_all(folder)?;
    for file in findings.files() {
        let out = File::create(Path::new(folder).join(file.name()))?;
        findings.write(file, &Provenance::default(), &mut BufWriter::new(out))?;
    }
    let took = begun.elapsed();

    let mut screen = std::io::stdout();
    writeln!(
        screen,
        "{} marker windows, {} presses, {} intervals in {took:.3?}",
        findings.marker_windows().count(),
        findings.set_presses().len(),
        findings.engaged_intervals().len()
    )?;
    for warning in findings.warnings() {
        writeln!(screen, "{warning}")?;
    }
    // The peak of resident memory, where the system tells it.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmHWM")) {
        writeln!(screen, "{line}")?;
    }
    Ok(())
}
