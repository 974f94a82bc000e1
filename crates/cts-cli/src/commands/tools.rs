//! Manifests of own tools: checked where they lie, before a service sees them. And the list of tools.

use std::path::{Path, PathBuf};

use cts_server::embedded::{MANIFEST_BYTES_MAX, ServiceEnvironment, check_manifest};

use super::{CheckedTool, Done, ManifestCheck, Report};
use crate::error::CliError;
use crate::exit::Exit;
use crate::session::Session;

/// Explains every fault of the manifests.
pub(crate) fn check(files: &[PathBuf]) -> Result<Done, CliError> {
    let environment = ServiceEnvironment::of_process();
    let here = crate::session::here();
    let mut checks = Vec::with_capacity(files.len());
    for file in files {
        let text = read(&here.absolute(file)).map_err(CliError::file("read", file))?;
        let result = check_manifest(&here.absolute(file), &text).map(|tool| CheckedTool {
            id: tool.spec.id.to_string(),
            parameters: tool.spec.params.len(),
            unavailable_reason: tool.unavailable_reason(&environment),
        });
        checks.push(ManifestCheck { path: file.clone(), result });
    }
    let is_well = checks.iter().all(|check| check.result.is_ok());
    let exit = if is_well { Exit::Completed } else { Exit::Usage };
    Ok(Done { report: Report::Checks(checks), exit })
}

/// Reads a manifest; a larger one than is allowed is read just far enough to be refused.
fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MANIFEST_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Lists the tools and the manifests that were refused.
pub(crate) async fn list(session: &Session) -> Result<Done, CliError> {
    let capabilities = session.client.capabilities().await?;
    let broken = session.client.health().await?.broken_manifests;
    Ok(Done::well(Report::Tools(Box::new(capabilities), broken)))
}
