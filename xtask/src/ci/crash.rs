//! The crash test: submit, kill the service with SIGKILL at random moments, start it again, and look that every
//! acknowledged run ended once. The loop is a test of `tests/`; here it only gets its length.

use crate::error::Failed;
use crate::process::{cargo, run as start};

/// Cycles in CI; `cargo xtask soak` does more.
const CYCLES: u32 = 100;

/// Runs the loop with the length of CI.
pub(super) fn run() -> Result<(), Failed> {
    crate::test::build()?;
    cycles(CYCLES)
}

/// Runs the loop that many times.
pub(crate) fn cycles(cycles: u32) -> Result<(), Failed> {
    start(
        cargo(["test", "--package", "cts-e2e", "--test", "it", "--", "--nocapture", "crash::"])
            .env(crate::test::CYCLES_VARIABLE, cycles.to_string()),
    )
}
