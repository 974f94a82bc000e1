//! `cargo xtask soak`: the long versions of what CI does shortly: 2 000 kills, hours of fuzzing.

use crate::error::{Doing, Failed};

/// Kills of the service.
const CYCLES: u32 = 2_000;

/// Hours of fuzzing in all where none are given.
const HOURS: u64 = 3;

/// Runs the crash test, then fuzzes each target for `hours` (the first argument).
pub(crate) fn run(arguments: &[String]) -> Result<(), Failed> {
    let hours = match arguments.first() {
        Some(hours) => hours.parse().doing(|| format!("`{hours}` is no number of hours"))?,
        None => HOURS,
    };
    crate::test::build()?;
    crate::ci::crash_cycles(CYCLES)?;
    crate::ci::fuzz_targets(hours * 3_600)
}
