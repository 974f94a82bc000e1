//! Measures the library alone: `decode DBC [LOG BUS]`, where the DBC is a file or the name of one that comes with the crate.
//!
//! Prints how long it took to read the file, and how many frames a second are decoded once they are in memory.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use cts_can::dbc::{Dbc, shipped};
use cts_can::frame::{Address, Bus};
use cts_can::rlog::{EventKind, LogReader};

/// How often the frames are decoded, so that the clock is fine enough.
const TIMES: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (file, log) = match arguments.as_slice() {
        [file] => (file, None),
        [file, log, bus] => (file, Some((log, Bus(bus.parse()?)))),
        _ => return Err("usage: decode DBC [LOG BUS]".into()),
    };
    let bytes = match shipped(file) {
        Some(text) => text.as_bytes().to_vec(),
        None => fs::read(file)?,
    };
    let begun = Instant::now();
    let dbc = Dbc::parse(&bytes)?;
    let took = begun.elapsed();
    let signals: usize = dbc.messages().iter().map(|message| message.signals.len()).sum();
    let mut screen = std::io::stdout();
    writeln!(screen, "{} bytes, {} messages, {signals} signals in {took:.3?}", bytes.len(), dbc.messages().len())?;
    for note in dbc.notes() {
        writeln!(screen, "{note}")?;
    }
    let Some((log, bus)) = log else { return Ok(()) };

    let mut frames: Vec<(Address, Vec<u8>)> = Vec::new();
    let mut reader = LogReader::new(File::open(log)?);
    while let Some(event) = reader.next_event()? {
        let event = event?;
        if event.kind == EventKind::Can {
            let own = event.frames()?.filter(|frame| frame.bus == bus && dbc.message(frame.address).is_some());
            frames.extend(own.map(|frame| (frame.address, frame.data.to_vec())));
        }
    }
    let begun = Instant::now();
    let mut values = 0_u64;
    for _ in 0..TIMES {
        for (address, payload) in &frames {
            let Some(message) = dbc.message(*address) else { continue };
            message.decode(payload, |index, value| {
                black_box((index, value));
                values += 1;
            });
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let per_second = |count: f64| count / seconds / 1e6;
    writeln!(
        screen,
        "{} frames, {} values: {:.1} million frames, {:.1} million values a second",
        frames.len(),
        values / u64::from(TIMES),
        per_second(f64::from(TIMES) * frames.len() as f64),
        per_second(values as f64)
    )?;
    Ok(())
}
