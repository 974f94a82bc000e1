//! The checks of a running service, done without one: each gives the same verdict by a look that changes nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cts_config::ServiceConfig;
use cts_engine::tools::program::ServiceEnvironment;
use cts_engine::{Registry, supervisor};
use cts_model::IsolationLevel;
use cts_observe::checks::Seen;
use cts_observe::metrics::{MachineMetrics, Registry as Metrics};
use cts_store::{Db, SqliteLook};
use serde_json::json;

use super::Finding;
use crate::checks::{details, disk_verdict, machine_verdict, queue_verdict, registry_verdict, remedy};

/// The check whose failure is no fault of the service.
pub(super) const RESOURCE_USAGE: &str = "resource_usage";
/// The processors are watched this long.
const CPU_LOOK: Duration = Duration::from_millis(200);

/// Turns what a check saw into a finding.
fn finding(check: &'static str, well: &str, remedy: &str, seen: Seen) -> Finding {
    match seen {
        Ok(details) => Finding::good(check, well).with(details),
        Err(message) => Finding::wrong(check, message, remedy),
    }
}

/// Looks at the database, and at the queue in it.
pub(super) async fn database(config: &ServiceConfig, is_running: bool) -> Finding {
    let path = config.storage.base_storage_path.join("cts.db");
    match Db::look_at_sqlite(&path, is_running).await {
        Ok(SqliteLook::Missing) => Finding::good("database", "is not there; the first start makes it"),
        Ok(SqliteLook::NotClosed) => Finding::good(
            "database",
            "was not closed by the last who wrote it, or `cts run` works on it at this moment; the next start takes up \
             what is there",
        ),
        Ok(SqliteLook::Readable { schema, known, queued_runs }) => {
            let seen = queue_verdict(queued_runs, config.runs.max_queued_runs);
            if let Err(full) = seen {
                return Finding::wrong("queue", full, remedy::QUEUE);
            }
            let message = if schema < known {
                format!("can be read; its schema is {schema}, and the next start brings it to {known}")
            } else {
                format!("can be read, with {queued_runs} queued runs")
            };
            let details = details(json!({"schema": schema, "known_schema": known, "queued_runs": queued_runs}));
            Finding::good("database", message).with(details)
        }
        Err(error) => {
            let actions = error.fault().actions.join(" ");
            let remedy = if actions.is_empty() { remedy::DATABASE.to_owned() } else { actions };
            Finding::wrong("database", error.to_string(), remedy)
        }
    }
}

/// Looks at what the configuration names on this machine.
pub(super) fn of_configuration(config: &ServiceConfig) -> Vec<Finding> {
    let base = &config.storage.base_storage_path;
    let space = base.ancestors().find_map(|folder| rustix::fs::statvfs(folder).ok());
    let disk = match space {
        Some(space) => {
            let (free, all) =
                (space.f_bavail.saturating_mul(space.f_frsize), space.f_blocks.saturating_mul(space.f_frsize));
            disk_verdict(free, all, config.storage.min_free_disk_bytes)
        }
        None => Err("the disk of the data directory does not tell its space".to_owned()),
    };
    vec![
        finding("file_system", "the disk of the data directory has room", remedy::FILE_SYSTEM, disk),
        artifact_store(&base.join("blobs")),
        tool_registry(config),
    ]
}

fn artifact_store(blobs: &Path) -> Finding {
    match std::fs::read_dir(blobs) {
        Ok(_) => Finding::good("artifact_store", format!("{} can be read", blobs.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Finding::good("artifact_store", format!("{} is not there; the start makes it", blobs.display()))
        }
        Err(error) => Finding::wrong("artifact_store", format!("{}: {error}", blobs.display()), remedy::ARTIFACT_STORE),
    }
}

fn tool_registry(config: &ServiceConfig) -> Finding {
    let folder = config.storage.tools_directory.clone();
    let registry = Registry::with_environment(cts_tools::specs(), Some(folder), ServiceEnvironment::of_process());
    let unavailable: Vec<_> = registry
        .list()
        .iter()
        .filter_map(|tool| Some((tool.spec.id.to_string(), tool.spec.unavailable_reason.clone()?)))
        .collect();
    let found = finding("tool_registry", "every tool can be read", remedy::TOOL_REGISTRY, registry_verdict(&registry));
    match unavailable.as_slice() {
        [(tool, reason), ..] if found.state == super::State::Good => {
            let more =
                if unavailable.len() > 1 { format!(" (and {} more)", unavailable.len() - 1) } else { String::new() };
            let message = format!("{tool} cannot run here{more}: {reason}");
            Finding::notable("tool_registry", message, "`cts cap TOOL` tells what a tool needs")
        }
        _ => found,
    }
}

/// Looks at the machine itself.
pub(super) fn of_machine() -> Vec<Finding> {
    vec![resource_usage(), isolation(), versions()]
}

fn resource_usage() -> Finding {
    let mut machine = MachineMetrics::new(&Arc::new(Metrics::new()));
    machine.look(None);
    std::thread::sleep(CPU_LOOK);
    match machine_verdict(&machine.look(None)) {
        Ok(details) => Finding::good(RESOURCE_USAGE, "memory and processors have room").with(details),
        // The machine may be busy with something else for the moment.
        Err(message) => Finding::notable(RESOURCE_USAGE, message, remedy::RESOURCE_USAGE),
    }
}

/// There where the machine divides resources by cgroup v2.
const CGROUP_V2: &str = "/sys/fs/cgroup/cgroup.controllers";

/// Whether the machine can keep runs apart. Whether it also divides resources for them is known only to a service that
/// was given a group of its own; without cgroup v2 it cannot.
fn isolation() -> Finding {
    let probed = supervisor::probe(Path::new(CGROUP_V2).exists()).into_model();
    match probed.level {
        IsolationLevel::Full => Finding::good("isolation", "tools can be shut in, and this machine has cgroup v2"),
        IsolationLevel::Partial | IsolationLevel::Off => {
            let missing = probed.missing.join("; ");
            let remedy = "a newer kernel with Landlock and system-call filters keeps tools apart, and cgroup v2 \
                          divides memory and processors; in a container they must be allowed";
            Finding::notable("isolation", format!("runs are not kept apart in full: {missing}"), remedy)
                .with(details(json!({"missing": probed.missing})))
        }
    }
}

fn versions() -> Finding {
    let uname = rustix::system::uname();
    let kernel = uname.release().to_string_lossy().into_owned();
    let (version, api) = (env!("CARGO_PKG_VERSION"), cts_api::version::API_VERSION);
    Finding::good("versions", format!("cts {version}, API {api}, kernel {kernel}"))
        .with(details(json!({"version": version, "api_version": api, "kernel": kernel})))
}
