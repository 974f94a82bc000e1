//! `cargo xtask test`: builds what the tests start, then runs every test of the workspace.
//!
//! The tests of `tests/` start the built binaries, so these are built first. Where cargo-nextest is installed it runs
//! the tests, otherwise `cargo test` does; both run the same tests.

use crate::error::Failed;
use crate::process::{cargo, cargo_has, run as start};

/// Cycles of the crash test among all other tests; `cargo xtask ci crash` does the full number.
const CYCLES: &str = "10";

/// What the crash test reads its number of cycles from.
pub(crate) const CYCLES_VARIABLE: &str = "CTS_TEST_CRASH_CYCLES";

/// Builds the binaries, then runs the doc tests and all other tests; `filter` picks tests by a part of their name.
pub(crate) fn run(filter: &[String]) -> Result<(), Failed> {
    build()?;
    if filter.is_empty() {
        start(&mut cargo(["test", "--workspace", "--doc", "--quiet"]))?;
    }
    let cycles = std::env::var_os(CYCLES_VARIABLE).unwrap_or_else(|| CYCLES.into());
    // Last, so that its summary is the end of what is printed.
    if cargo_has("nextest") {
        start(cargo(["nextest", "run", "--workspace", "--no-fail-fast"]).args(filter).env(CYCLES_VARIABLE, cycles))
    } else {
        let mut test = cargo(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast", "--"]);
        start(test.args(filter).env(CYCLES_VARIABLE, cycles))
    }
}

/// Builds both binaries as the tests start them.
pub(crate) fn build() -> Result<(), Failed> {
    start(&mut cargo(["build", "--package", "cts-server", "--package", "cts-cli", "--bins"]))
}
