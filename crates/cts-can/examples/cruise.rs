//! Measures the library alone: `cruise OUT_DIR CAR LOG…`, where the car is the name of a shipped profile or `auto`.
//!
//! Prints what was found and how long it took; the tool `cruise-control-analyzer` lives in `cts-tools`.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::time::Instant;

use cts_can::cars::{self, BusDbc, Car, identify};
use cts_can::cruise::native::{CarInUse, CruiseOptions, CruiseTable, ReportAbout, Scan, TableFormat};
use cts_can::dbc::{self, Dbc};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [out, car, logs @ ..] = arguments.as_slice() else {
        return Err("usage: cruise OUT_DIR CAR LOG…".into());
    };
    fs::create_dir_all(out)?;

    let begun = Instant::now();
    let mut known = Vec::new();
    for name in cars::SHIPPED {
        known.push(Car::parse(cars::shipped(name).unwrap_or_default().as_bytes())?);
    }
    let mut identity = None;
    for log in logs {
        identity = identify(File::open(log)?)?;
        if identity.is_some() {
            break;
        }
    }
    let named = (car != "auto").then_some(car.as_str());
    let car = CarInUse::choose(&known, identity, named).ok_or("there is no such profile")?;
    let mut dbcs = Vec::new();
    for needed in car.dbcs_needed() {
        let text = dbc::shipped(&needed.name).ok_or("a DBC file is not shipped")?;
        dbcs.push(BusDbc { name: needed.name.clone(), bus: needed.bus, dbc: Dbc::parse(text.as_bytes())? });
    }
    let mut scan = Scan::new(CruiseOptions::default(), car.with_dbcs(dbcs));
    for log in logs {
        scan.add(File::open(log)?, &mut |_| {})?;
    }
    let mut measure = scan.finish();
    let scanned = begun.elapsed();
    for log in logs {
        measure.add(File::open(log)?, &mut |_| {})?;
    }
    let result = measure.finish()?;
    let measured = begun.elapsed();
    for table in CruiseTable::ALL {
        for format in [TableFormat::Csv, TableFormat::Json] {
            let file = File::create(format!("{out}/{}.{}", table.name(), format.ending()))?;
            result.write(table, format, &mut BufWriter::new(file))?;
        }
    }
    let tables = begun.elapsed();
    let about = ReportAbout { tool: "cruise".to_owned(), inputs: logs.to_vec(), files: Vec::new() };
    let report = result.report(&about).to_html();
    let composed = begun.elapsed();
    fs::write(format!("{out}/analysis_report.html"), &report)?;

    let mut screen = std::io::stdout();
    writeln!(screen, "scanned {scanned:.3?}, measured {measured:.3?}, tables {tables:.3?}; id {}", result.analysis_id)?;
    writeln!(screen, "report {:.3?}, {} bytes", composed - tables, report.len())?;
    writeln!(
        screen,
        "{} streams, {} fields, {} bits scored",
        result.streams.len(),
        result.fields.len(),
        result.bits_scored
    )?;
    for source in &result.sources {
        writeln!(screen, "{}: {} ({})", source.role.word(), source.source.as_deref().unwrap_or("-"), source.samples)?;
    }
    for note in &result.notes {
        writeln!(screen, "note: {note}")?;
    }
    // The peak of resident memory, where the system tells it.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines().filter(|line| line.starts_with("VmHWM")) {
        writeln!(screen, "{line}")?;
    }
    Ok(())
}
