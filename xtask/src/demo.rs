//! `cargo xtask demo`: the first thing to try. It builds `cts` and analyses the sample log of `examples/` with it.
//!
//! It does nothing that a user could not type: both commands are printed.

use std::fs;

use crate::error::{Doing, Failed};
use crate::process::{cargo, product, run as start};
use crate::root;

/// The log that is analysed; a minute of a real drive.
const SAMPLE: &str = "examples/toyota-60s.rlog.zst";

/// Where the artifacts go; ignored by git.
const OUT_DIR: &str = "cts-results/demo";

/// Builds the interface where that is possible, then `cts`, and runs `rlog-to-csv` on the sample log.
pub(crate) fn run() -> Result<(), Failed> {
    crate::ui::run_if_possible();
    println!("Building cts. The first time takes some minutes: everything is compiled, the database included.\n");
    start(&mut cargo(["build", "--package", "cts-cli"]))?;

    println!("\nAnalyzing {SAMPLE}, a minute of a real drive: every CAN frame becomes a row of a CSV file.\n");
    let cts = root::built("debug", "cts");
    start(product(&cts).args(["run", "rlog-to-csv", "--path", SAMPLE, "--wait", "--follow", "--out-dir", OUT_DIR]))?;

    let first = fs::read_dir(root::workspace().join(OUT_DIR))
        .doing(|| format!("cannot list {OUT_DIR}"))?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .find(|name| name.ends_with(".csv"))
        .ok_or_else(|| Failed::new(format!("the run left no table in {OUT_DIR}")))?;
    println!(
        "
What next (`cts` is {cts}):
  head {OUT_DIR}/{first}
  cts cap                      every tool
  cts cap rlog-to-csv          the parameters of this one
  cts serve                    the same as a service, with its web interface at http://127.0.0.1:8080
  docs/guides/first-steps.md   from here to an own tool in ten minutes",
        cts = cts.strip_prefix(root::workspace()).unwrap_or(&cts).display(),
    );
    Ok(())
}
