//! `cargo xtask soak`: the long versions of what CI does shortly: 2 000 kills, hours of fuzzing, a log of 10 GB.

mod long_log;

use crate::error::{Doing, Failed};

/// Kills of the service.
const CYCLES: u32 = 2_000;

/// Hours of fuzzing in all where none are given.
const HOURS: u64 = 3;

/// Reads the long log, runs the crash test, then fuzzes for so many hours in all (the first argument); `log` as the
/// first argument is the long log alone, and 0 hours leave out the fuzzing.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failed> {
    let hours = match arguments.first().map(String::as_str) {
        Some("log") => return long_log::run(),
        Some(hours) => hours.parse().doing(|| format!("`{hours}` is no number of hours"))?,
        None => HOURS,
    };
    long_log::run()?;
    crate::test::build()?;
    crate::ci::crash_cycles(CYCLES)?;
    if hours > 0 {
        crate::ci::fuzz_targets(hours * 3_600)?;
    }
    Ok(())
}
