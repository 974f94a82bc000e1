//! The web interface: types, lints, the tests of its parts, its size, and journeys of a browser against the service that
//! has it built in.

use crate::error::Failed;
use crate::process::{cargo, run as start};
use crate::root;
use crate::ui::{self, npm};

/// Checks the interface and goes through its journeys.
pub(super) fn run() -> Result<(), Failed> {
    ui::packages()?;
    for script in ["check:types", "typecheck", "lint", "test"] {
        start(&mut npm(["run", script]))?;
    }
    ui::run(&[])?;
    start(&mut npm(["run", "size"]))?;
    start(&mut cargo(["build", "--package", "cts-server", "--bins"]))?;
    start(npm(["run", "e2e"]).env("CTS_LITE", root::built("debug", "cts-lite")))
}
