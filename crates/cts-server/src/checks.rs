//! The health checks of the service, on one page: what each looks at, whether the service can be used without it, and
//! what to do when it fails.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cts_engine::{Engine, Registry};
use cts_model::{ArtifactId, Ids, RunId};
use cts_observe::checks::{Check, Checks, Details, Seen};
use cts_observe::metrics::Machine;
use cts_store::BlobKey;
use serde_json::{Map, Value, json};

use crate::cache::RunBodies;
use crate::configuration::{Again, Configuration};
use crate::state::HttpOptions;

/// A disk with less free space than this is nearly full, in percent.
const DISK_FREE_PERCENT_MIN: f64 = 10.0;
/// More memory in use than this is too much, in percent.
const MEMORY_PERCENT_MAX: f64 = 90.0;
/// More processor time in use than this is too much, in percent.
const CPU_PERCENT_MAX: f64 = 95.0;
/// A queue that is fuller than this takes hardly anything more, in parts of its limit.
const QUEUE_FULL: f64 = 0.9;

/// What to do when a check fails: told by the check of a running service and by `cts doctor`.
pub(crate) mod remedy {
    pub(crate) const DATABASE: &str = "Look at the service's log for the database's own words; check that its file or server is there, that the disk is not full, and restart the service if it stays";
    pub(crate) const FILE_SYSTEM: &str = "Free some space on the disk of the data directory, or give base_storage_path a larger one; check that the service's user may write there";
    pub(crate) const ARTIFACT_STORE: &str =
        "Check the store of the artifacts: the folder blobs of the data directory and its disk";
    pub(crate) const TOOL_REGISTRY: &str = "`cts tools check FILE` tells what is wrong with a manifest";
    pub(crate) const QUEUE: &str =
        "Wait, cancel runs that nobody needs, or raise max_concurrent_runs or max_queued_runs";
    pub(crate) const EVENT_SYSTEM: &str =
        "Followers of runs may not hear of changes at once; restart the service if it stays";
    pub(crate) const CACHE: &str = "Answers come without it, only later; restart the service if it stays";
    pub(crate) const CONFIGURATION: &str =
        "`cts-lite --check-config` tells each fault with its place; correct it before the service is started again";
    pub(crate) const RESOURCE_USAGE: &str =
        "Look for what uses the memory or the processors; lower max_concurrent_runs or the limits of runs";
}

/// What the machine was at when it was looked at last.
pub(crate) type LastMachine = Arc<Mutex<Machine>>;

/// Returns the checks of a service.
pub(crate) fn all(engine: &Engine, machine: &LastMachine, bodies: &Arc<RunBodies>, http: &HttpOptions) -> Checks {
    let clock = Arc::clone(engine.clock());
    let checks = vec![
        database(engine.clone()),
        file_system(engine.clone()),
        artifact_store(engine.clone()),
        tool_registry(engine.clone()),
        queue(engine.clone()),
        event_system(engine.clone()),
        cache(Arc::clone(engine.ids()), Arc::clone(bodies)),
        configuration(Arc::clone(&http.configuration)),
        resource_usage(Arc::clone(machine)),
    ];
    Checks::new(checks, http.health_pace, clock)
}

pub(crate) fn details(value: Value) -> Details {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn database(engine: Engine) -> Check {
    Check::new("database", remedy::DATABASE, move || {
        let engine = engine.clone();
        async move {
            let queued = engine.check_database().await.map_err(|error| format!("it does not answer: {error}"))?;
            engine.metrics().set_queued(queued);
            Ok(details(json!({"queued_runs": queued})))
        }
    })
    .critical()
}

fn file_system(engine: Engine) -> Check {
    Check::new("file_system", remedy::FILE_SYSTEM, move || {
        let folders = [engine.options().data_dir.clone(), engine.options().temp_dir.clone()];
        let engine = engine.clone();
        async move {
            let free_min = engine.options().disk_free_bytes_min;
            let look = move || folders.into_iter().try_for_each(writable);
            let looked = tokio::task::spawn_blocking(look).await;
            looked.map_err(|error| error.to_string())??;
            let Some((free, all)) = engine.disk_space().await else {
                return Err("the disk of the data directory does not tell its space".to_owned());
            };
            disk_verdict(free, all, free_min)
        }
    })
    .critical()
}

/// Says whether a disk has room.
pub(crate) fn disk_verdict(free: u64, all: u64, free_min: u64) -> Seen {
    #[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 53 bits")]
    let percent = if all == 0 { 0.0 } else { free as f64 / all as f64 * 100.0 };
    if free < free_min {
        return Err(format!(
            "{} MB are free; below {} MB no new runs are taken",
            free / 1_000_000,
            free_min / 1_000_000
        ));
    }
    if percent < DISK_FREE_PERCENT_MIN {
        return Err(format!("{percent:.1} % of the disk are free; {DISK_FREE_PERCENT_MIN} % are wanted"));
    }
    Ok(details(json!({"free_bytes": free, "free_percent": (percent * 10.0).round() / 10.0})))
}

/// Writes and removes a small file.
fn writable(folder: PathBuf) -> Result<(), String> {
    let path = folder.join(".health-check");
    let failed = |error: std::io::Error| format!("cannot write into {}: {error}", folder.display());
    std::fs::write(&path, b"ok").map_err(failed)?;
    std::fs::remove_file(&path).map_err(failed)
}

/// Asks the store for something that is not there. It writes nothing: bytes that no row names would stay behind when the
/// service is killed between writing and removing them. Whether the disk can be written is told by `file_system`.
fn artifact_store(engine: Engine) -> Check {
    Check::new("artifact_store", remedy::ARTIFACT_STORE, move || {
        let engine = engine.clone();
        async move {
            let nowhere = BlobKey::Artifact(ArtifactId::new(engine.ids()));
            match engine.blobs().size(nowhere).await {
                Ok(None) => Ok(Details::new()),
                Ok(Some(_)) => Err("it has what was never stored".to_owned()),
                Err(error) => Err(format!("it does not answer: {error}")),
            }
        }
    })
    .critical()
}

fn tool_registry(engine: Engine) -> Check {
    Check::new("tool_registry", remedy::TOOL_REGISTRY, move || {
        let registry = engine.registry().clone();
        async move { registry_verdict(&registry) }
    })
}

pub(crate) fn registry_verdict(registry: &Registry) -> Seen {
    let (tools, broken) = (registry.list().len(), registry.broken());
    if !broken.is_empty() {
        let names = broken.iter().filter_map(|manifest| manifest.path.file_name());
        let names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        return Err(format!("{} manifest(s) were refused: {}", names.len(), names.join(", ")));
    }
    if tools == 0 { Err("there is no tool".to_owned()) } else { Ok(details(json!({"tools": tools}))) }
}

fn queue(engine: Engine) -> Check {
    Check::new("queue", remedy::QUEUE, move || {
        let engine = engine.clone();
        async move {
            let queued = engine.check_database().await.map_err(|error| error.to_string())?;
            queue_verdict(queued, engine.options().max_queued_runs)
        }
    })
    .gates_readiness()
}

#[expect(clippy::cast_precision_loss, reason = "queues are far shorter than 2^53")]
pub(crate) fn queue_verdict(queued: u64, most: u64) -> Seen {
    if queued as f64 >= most as f64 * QUEUE_FULL {
        return Err(format!("{queued} runs wait, of at most {most}"));
    }
    Ok(details(json!({"queued_runs": queued, "max_queued_runs": most})))
}

fn event_system(engine: Engine) -> Check {
    Check::new("event_system", remedy::EVENT_SYSTEM, move || {
        let engine = engine.clone();
        async move {
            // A real round trip: subscribe, wake, receive.
            let mut changes = engine.run_changes();
            changes.borrow_and_update();
            engine.wake_readers();
            changes.changed().await.map_err(|_| "a wakeup does not arrive".to_owned())?;
            let last = engine.last_event_seq().await.map_err(|error| error.to_string())?;
            Ok(details(json!({"last_event": last})))
        }
    })
}

/// Keeps something and finds it again.
fn cache(ids: Arc<Ids>, bodies: Arc<RunBodies>) -> Check {
    Check::new("cache", remedy::CACHE, move || {
        let found = bodies.keeps(RunId::new(&ids));
        let (entries, bytes, bytes_max) = bodies.size();
        let seen = if found {
            Ok(details(json!({"entries": entries, "bytes": bytes, "bytes_max": bytes_max})))
        } else {
            Err("what was put into it is not found again".to_owned())
        };
        async move { seen }
    })
}

/// Reads what the service would read at its next start: a fault in it should be known before that.
fn configuration(configuration: Arc<Configuration>) -> Check {
    Check::new("configuration", remedy::CONFIGURATION, move || {
        let configuration = Arc::clone(&configuration);
        async move {
            let looked = tokio::task::spawn_blocking(move || configuration.look_again()).await;
            configuration_verdict(&looked.map_err(|error| error.to_string())?)
        }
    })
}

/// Names settings, and neither values nor places.
fn configuration_verdict(again: &Again) -> Seen {
    if again.faults.is_empty() {
        return Ok(details(json!({"changed_since_start": again.changed, "warnings": again.warnings})));
    }
    let count = again.faults.len();
    let named: Vec<&str> = again.faults.iter().filter_map(|fault| fault.setting.as_deref()).collect();
    let about = if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) };
    let noun = if count == 1 { "fault" } else { "faults" };
    Err(format!("what is written now has {count} {noun}{about}; the next start would fail"))
}

fn resource_usage(machine: LastMachine) -> Check {
    Check::new("resource_usage", remedy::RESOURCE_USAGE, move || {
        let machine = *machine.lock().unwrap_or_else(PoisonError::into_inner);
        async move { machine_verdict(&machine) }
    })
}

pub(crate) fn machine_verdict(machine: &Machine) -> Seen {
    if let Some(percent) = machine.memory_percent.filter(|percent| *percent >= MEMORY_PERCENT_MAX) {
        return Err(format!("{percent:.0} % of the memory are in use"));
    }
    if let Some(percent) = machine.cpu_percent.filter(|percent| *percent >= CPU_PERCENT_MAX) {
        return Err(format!("{percent:.0} % of the processor time are in use"));
    }
    let rounded = |percent: Option<f64>| percent.map(|percent| (percent * 10.0).round() / 10.0);
    Ok(details(json!({
        "memory_percent": rounded(machine.memory_percent),
        "cpu_percent": rounded(machine.cpu_percent),
    })))
}

#[cfg(test)]
mod tests {
    use cts_config::{ConfigFault, Kind, Origin, ServiceConfig, Sources};

    use super::*;

    #[test]
    fn a_disk_needs_room_in_bytes_and_in_percent() {
        assert!(disk_verdict(50, 100, 10).is_ok());
        assert_eq!(disk_verdict(5, 100, 0).unwrap_err(), "5.0 % of the disk are free; 10 % are wanted");
        assert!(disk_verdict(50_000_000, 100_000_000, 60_000_000).unwrap_err().contains("below 60 MB"));
        assert!(disk_verdict(0, 0, 0).is_err());
    }

    #[test]
    fn a_queue_that_is_nearly_full_is_overloaded() {
        assert!(queue_verdict(89, 100).is_ok());
        assert!(queue_verdict(90, 100).is_err());
    }

    #[test]
    fn a_configuration_that_would_not_start_is_told_by_names_alone() {
        let again = |text: &str| {
            let sources = Sources { environment: vec![("CTS_PORT".into(), text.into())], ..sources() };
            let loaded = ServiceConfig::load(&Sources { environment: Vec::new(), ..sources.clone() }).unwrap();
            configuration_verdict(&Configuration::of(&loaded, sources).look_again())
        };
        let seen = again("x").unwrap_err();
        assert_eq!(seen, "what is written now has 1 fault (port); the next start would fail");
        let changed = again("9999").unwrap();
        assert_eq!(changed["changed_since_start"], json!(["port"]));
        assert_eq!(again("8080").unwrap()["changed_since_start"], json!([]));
        let unnamed = ConfigFault {
            origin: Origin::Variable("CTS_PROT".into()),
            setting: None,
            message: "unknown".into(),
            remedy: String::new(),
        };
        let again = Again { faults: vec![unnamed.clone(), unnamed], ..Again::default() };
        assert!(configuration_verdict(&again).unwrap_err().contains("has 2 faults;"));
    }

    fn sources() -> Sources {
        let folder = std::env::temp_dir().join("cts-no-such-folder");
        Sources {
            kind: Kind::Service,
            config: None,
            flags: Vec::new(),
            environment: Vec::new(),
            unreadable_variables: Vec::new(),
            home: Some(folder.clone()),
            current_dir: folder.clone(),
            system_config_dir: folder,
        }
    }

    #[test]
    fn a_busy_machine_is_told() {
        let machine = |memory, cpu| Machine { memory_percent: memory, cpu_percent: cpu, memory_available_bytes: None };
        assert!(machine_verdict(&machine(None, None)).is_ok());
        assert!(machine_verdict(&machine(Some(89.9), Some(94.9))).is_ok());
        assert!(machine_verdict(&machine(Some(90.0), None)).is_err());
        assert!(machine_verdict(&machine(None, Some(95.0))).is_err());
    }
}
