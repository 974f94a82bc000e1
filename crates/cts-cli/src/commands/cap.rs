//! Lists the tools, or shows one with its parameters.

use cts_api::{Capabilities, ToolCapability};
use cts_model::nearest::nearest;

use super::{Done, Report};
use crate::error::{CliError, Complaint};
use crate::session::Session;

/// Most names that are proposed for one that is not known.
const NEAREST_MAX: usize = 3;

pub(crate) async fn cap(session: &Session, tool: Option<String>) -> Result<Done, CliError> {
    let report = match tool {
        None => Report::Tools(Box::new(session.client.capabilities().await?), Vec::new()),
        Some(id) => Report::Tool(Box::new(find(session, &id).await?)),
    };
    Ok(Done::well(report))
}

/// Returns a tool, or the names that are near; a manifest that was refused may be why it is not there.
pub(crate) async fn find(session: &Session, id: &str) -> Result<ToolCapability, CliError> {
    let mut found = choose(session.client.capabilities().await?, id);
    if let Err(CliError::NotFound(complaint)) = &mut found {
        let refused = session.client.health().await?.broken_manifests;
        if !refused.is_empty() {
            complaint.actions.push(format!("Refused: {}; `cts tools check FILE` tells why.", refused.join(", ")));
        }
    }
    found
}

fn choose(capabilities: Capabilities, id: &str) -> Result<ToolCapability, CliError> {
    let tools: Vec<ToolCapability> = capabilities.tools.into_iter().chain(capabilities.monitors).collect();
    let near: Vec<String> =
        nearest(id, tools.iter().map(|tool| tool.id.as_str()), NEAREST_MAX).into_iter().map(str::to_owned).collect();
    tools.into_iter().find(|tool| tool.id == id).ok_or_else(|| {
        let mut complaint = Complaint::new(format!("there is no tool {id:?}"));
        complaint.code = Some(cts_model::Code::ToolNotFound.as_str().to_owned());
        if !near.is_empty() {
            complaint = complaint.action(format!("Near that name: {}.", near.join(", ")));
        }
        CliError::NotFound(complaint.action("List the tools with `cts cap`.").into())
    })
}
