//! schemathesis against a served OpenAPI document: a fixed seed, bounded examples, no 5xx, every answer fits.
//!
//! It is installed into a virtual environment below the target folder, so that the machine stays as it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::error::Failed;
use crate::process::{command, run as start};
use crate::root;
use crate::service::{Service, Setup, admin_token};

/// The version that the stage was written for, and of the two that make its requests: another of these asks something
/// else with the same seed.
const PACKAGES: [&str; 3] = ["schemathesis==4.32.5", "hypothesis==6.170.17", "jsonschema_rs==0.60.3"];

/// Names the folder of the service and of what schemathesis leaves.
const NAME: &str = "schemathesis";

/// Requests are the same in every run.
const SEED: &str = "20";

/// Most requests for each operation and phase.
const EXAMPLES_MAX: &str = "30";

/// Most requests for each operation of a run and its artifact that are there.
const EXAMPLES_OF_A_RUN_MAX: &str = "20";

/// Lets schemathesis ask a service of which everybody may ask everything, and then one that asks for tokens.
pub(super) fn run() -> Result<(), Failed> {
    crate::test::build()?;
    let program = installed()?;
    ask(&program, false)?;
    ask(&program, true)
}

/// Starts a service with an empty data directory and lets schemathesis ask it: everything, mostly with ids that are not
/// there, and then what concerns one run with the ids of a run that is there.
fn ask(program: &Path, closed: bool) -> Result<(), Failed> {
    let tools = root::workspace().join("examples").join("tools.d");
    let mut settings = vec![("CTS_TOOLS_DIRECTORY", tools.display().to_string())];
    if closed {
        settings.push(("CTS_REQUIRE_AUTHENTICATION", "true".to_owned()));
    }
    let setup = Setup { name: NAME, profile: "debug", settings, ..Setup::default() };
    let service = Service::start(&setup)?;
    let token = if closed { Some(admin_token(&setup)?) } else { None };
    let url = format!("http://{}/openapi.json", service.address());

    start(arguments(&mut command(program), &url, token.as_deref()).args(["--max-examples", EXAMPLES_MAX]))?;

    let config = service.folder().join("schemathesis.toml");
    fs::write(&config, ids(&service, token.as_deref())?)?;
    let mut of_a_run = command(program);
    of_a_run.arg("--config-file").arg(&config);
    start(
        arguments(&mut of_a_run, &url, token.as_deref())
            .args(["--max-examples", EXAMPLES_OF_A_RUN_MAX])
            .args(["--include-path-regex", r"/\{(run|artifact)_id\}"]),
    )?;
    service.stop()
}

fn arguments<'a>(ask: &'a mut Command, url: &str, token: Option<&str>) -> &'a mut Command {
    // Not among them is positive_data_acceptance: a schema cannot say which files and tools are there. Streams are asked
    // as everything else; what comes until the time is over is checked.
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
        response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,\
        allow_header_conformance";
    // It leaves a folder where it is started.
    ask.current_dir(Service::folder_of(NAME)).args(["run", url]);
    if let Some(token) = token {
        // Without or with a wrong token each route is asked by a test of its own, since guessing is limited. The own token
        // must not be revoked.
        ask.args(["--header", &format!("Authorization: Bearer {token}"), "--exclude-operation-id", "revokeToken"]);
        ask.args(["--generation-with-security-parameters", "false"]);
    }
    ask.args(["--seed", SEED, "--generation-database", "none"]).args([
        "--workers",
        "1",
        "--request-timeout",
        "5",
        "--warnings",
        "off",
        "--checks",
        checks,
    ])
}

/// Makes a run with an artifact, and returns the configuration that names both.
fn ids(service: &Service, token: Option<&str>) -> Result<String, Failed> {
    let mut connection = service.connect()?;
    if let Some(token) = token {
        connection = connection.with_token(token);
    }
    let log = root::workspace().join("examples").join("README.md");
    let request = json!({"tool_id": "checksums", "inputs": [{"type": "path", "value": log.display().to_string()}]});
    let mut run = connection.post("/v1/runs", &request)?.json()?;
    let id = run["run_id"].as_str().unwrap_or_default().to_owned();
    while matches!(run["status"].as_str(), Some("queued" | "running")) {
        run = connection.get(&format!("/v1/runs/{id}?wait=30s"))?.json()?;
    }
    let artifact = run["artifacts"][0].as_str().ok_or_else(|| Failed::new(format!("no artifact came of {run:#}")))?;
    Ok(format!("[parameters]\n\"path.run_id\" = \"{id}\"\n\"path.artifact_id\" = \"{artifact}\"\n"))
}

fn installed() -> Result<PathBuf, Failed> {
    let folder = root::target().join("schemathesis");
    let program = folder.join("bin").join("schemathesis");
    let marker = folder.join("packages");
    let wanted = PACKAGES.join("\n");
    if !(program.is_file() && fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted)) {
        start(command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = command(folder.join("bin").join("pip"));
        start(pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES))?;
        fs::write(&marker, wanted)?;
    }
    Ok(program)
}
