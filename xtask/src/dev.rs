//! `cargo xtask dev`: builds `cts-lite` and starts it with its data in `target/dev`, until Ctrl-C.

use std::fs;

use crate::error::{Doing, Failed};
use crate::process::{cargo, product, run as start};
use crate::root;

/// Builds the service and runs it; `options` are passed on to `cts-lite`.
pub(crate) fn run(options: &[String]) -> Result<(), Failed> {
    start(&mut cargo(["build", "--package", "cts-server", "--bins"]))?;
    let data = root::target().join("dev");
    let tools = data.join("tools.d");
    fs::create_dir_all(&tools).doing(|| format!("cannot create {}", tools.display()))?;
    start(
        product(root::built("debug", "cts-lite"))
            .env("CTS_BASE_STORAGE_PATH", data.join("data"))
            .env("CTS_TEMP_DIRECTORY", data.join("tmp"))
            .env("CTS_LOG_DIRECTORY", data.join("log"))
            .env("CTS_TOOLS_DIRECTORY", "examples/tools.d")
            .args(options),
    )
}
