//! `cargo xtask soak`: the long versions of what CI does shortly: 2 000 kills, hours of fuzzing, a log of 10 GB.

mod long_log;

use crate::error::{Doing, Failed};

/// Kills of the service.
const CYCLES: u32 = 2_000;

/// Hours of fuzzing in all where none are given.
const HOURS: u64 = 3;

/// Reads the long log, runs the crash test, then fuzzes for so many hours in all (the first argument); `log`, `crash` or
/// `fuzz [hours]` is one of them alone, and 0 hours leave out the fuzzing.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failed> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["log"] => long_log::run(),
        ["crash"] => crash(),
        ["fuzz"] => fuzz(HOURS),
        ["fuzz", hours] => fuzz(number(hours)?),
        [] => all(HOURS),
        [hours] => all(number(hours)?),
        _ => Err(Failed::new("usage: cargo xtask soak [log | crash | fuzz [hours] | hours]")),
    }
}

fn number(hours: &str) -> Result<u64, Failed> {
    hours.parse().doing(|| format!("`{hours}` is no number of hours"))
}

fn all(hours: u64) -> Result<(), Failed> {
    long_log::run()?;
    crash()?;
    fuzz(hours)
}

fn crash() -> Result<(), Failed> {
    crate::test::build()?;
    crate::ci::crash_cycles(CYCLES)
}

fn fuzz(hours: u64) -> Result<(), Failed> {
    if hours > 0 { crate::ci::fuzz_all_targets(hours * 3_600) } else { Ok(()) }
}
