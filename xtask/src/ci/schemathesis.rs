//! schemathesis against a served OpenAPI document: a fixed seed, bounded examples, no 5xx, every answer fits.
//!
//! It is installed into a virtual environment below the target folder, so that the machine stays as it is.

use std::path::PathBuf;

use crate::error::Failed;
use crate::process::{command, run as start};
use crate::root;
use crate::service::{Service, Setup};

/// The version that the stage was written for.
const PACKAGE: &str = "schemathesis==4.32.5";

/// Requests are the same in every run.
const SEED: &str = "20";

/// Most requests for each operation and phase.
const EXAMPLES_MAX: &str = "40";

/// Starts a service with an empty data directory and lets schemathesis ask it.
pub(super) fn run() -> Result<(), Failed> {
    crate::test::build()?;
    let program = installed()?;
    let service = Service::start(&Setup { name: "schemathesis", profile: "debug", ..Setup::default() })?;
    start(command(program).args([
        "run",
        &format!("http://{}/openapi.json", service.address()),
        "--seed",
        SEED,
        "--max-examples",
        EXAMPLES_MAX,
        "--workers",
        "2",
        "--request-timeout",
        "10",
        "--generation-database",
        "none",
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
         response_schema_conformance",
    ]))?;
    service.stop()
}

fn installed() -> Result<PathBuf, Failed> {
    let folder = root::target().join("schemathesis");
    let program = folder.join("bin").join("schemathesis");
    let marker = folder.join(PACKAGE);
    if !(program.is_file() && marker.is_file()) {
        start(command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        start(command(folder.join("bin").join("pip")).args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            PACKAGE,
        ]))?;
        std::fs::write(&marker, "")?;
    }
    Ok(program)
}
