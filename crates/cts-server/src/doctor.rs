//! Everything that the service needs, looked at from outside: before it was ever started, and beside one that runs.
//!
//! The checks have the names, the verdicts and the remedies of those of a running service. They change nothing: no folder
//! is made, no lock taken, no port bound, no database migrated. What only a running service can tell is asked of it by the
//! one who calls, who knows HTTP.

mod machine;
mod ports;

use cts_api::health::CheckStatus;
use cts_config::{DirectoryState, Loaded, Sources};
use serde_json::{Map, Value, json};

use crate::checks::remedy;
use crate::configuration::{Examined, examine};
use crate::lock::{LiveService, observe_service};

pub use ports::Listener;

/// What was found.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// What each check found, in reading order.
    pub findings: Vec<Finding>,
    /// The service that runs on the data directory.
    pub service: Option<LiveService>,
    /// Ports that the service wants and another program has, with the finding about each.
    pub taken: Vec<(usize, Listener)>,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The name of the check.
    pub check: String,
    /// How it is.
    pub state: State,
    /// What was found, in a sentence for people.
    pub message: String,
    /// What to do about it, where there is something to do.
    pub remedy: Option<String>,
    /// What else was seen.
    pub details: Map<String, Value>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All is well.
    Good,
    /// It works, but should be known.
    Notable,
    /// Something is wrong.
    Wrong,
    /// It cannot be told, because something else is wrong.
    Unknown,
}

impl State {
    /// Returns `good`, `notable`, `wrong` or `unknown`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Notable => "notable",
            Self::Wrong => "wrong",
            Self::Unknown => "unknown",
        }
    }
}

impl Finding {
    /// Returns that a check found all well.
    pub fn good(check: &str, message: impl Into<String>) -> Self {
        let (check, message) = (check.to_owned(), message.into());
        Self { check, state: State::Good, message, remedy: None, details: Map::new() }
    }

    /// Returns something that should be known.
    pub fn notable(check: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Notable, remedy: Some(remedy.into()), ..Self::good(check, message) }
    }

    /// Returns something that is wrong.
    pub fn wrong(check: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Wrong, ..Self::notable(check, message, remedy) }
    }

    fn unknown(check: &str, message: impl Into<String>) -> Self {
        Self { state: State::Unknown, ..Self::good(check, message) }
    }

    fn with(mut self, details: Map<String, Value>) -> Self {
        self.details = details;
        self
    }

    /// Returns what a check of a running service saw.
    #[must_use]
    pub fn of_service(check: &cts_api::health::HealthCheck) -> Self {
        let name = format!("service.{}", check.name);
        let message = check.message.clone().unwrap_or_default();
        let found = match check.status {
            CheckStatus::Healthy => Self::good(&name, "passes"),
            CheckStatus::Unknown => Self::unknown(&name, "has not looked yet"),
            // A machine that is busy at the moment is no fault of the service.
            CheckStatus::Unhealthy if check.name == machine::RESOURCE_USAGE => {
                Self::notable(&name, message, &check.remedy)
            }
            CheckStatus::Unhealthy => Self::wrong(&name, message, &check.remedy),
        };
        found.with(check.details.clone())
    }
}

impl Diagnosis {
    /// Tells whether nothing is wrong.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.state != State::Wrong)
    }

    /// Returns it for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let finding = |finding: &Finding| {
            json!({
                "check": finding.check, "state": finding.state.word(), "message": finding.message,
                "remedy": finding.remedy, "details": finding.details,
            })
        };
        let service = |service: &LiveService| {
            json!({"url": service.url, "metrics_url": service.metrics_url, "pid": service.pid,
                   "version": service.version, "started_at": service.started_at})
        };
        json!({
            "healthy": self.is_well(),
            "version": env!("CARGO_PKG_VERSION"),
            "service": self.service.as_ref().map(service),
            "checks": self.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }

    fn add(&mut self, finding: Finding) -> usize {
        self.findings.push(finding);
        self.findings.len() - 1
    }
}

/// Looks at everything. It must be called on the runtime.
pub async fn diagnose(sources: Sources) -> Diagnosis {
    let looked = tokio::task::spawn_blocking(move || {
        let examined = examine(&sources);
        let service =
            examined.loaded.as_ref().and_then(|loaded| observe_service(&loaded.config.storage.base_storage_path));
        (examined, service)
    });
    let mut diagnosis = Diagnosis::default();
    let (examined, service) = match looked.await {
        Ok(looked) => looked,
        Err(error) => {
            diagnosis.add(Finding::wrong(
                "configuration",
                format!("the look at it failed: {error}"),
                remedy::CONFIGURATION,
            ));
            return diagnosis;
        }
    };
    diagnosis.service = service;
    configuration(&examined, &mut diagnosis);
    if let Some(loaded) = examined.loaded {
        directories(&examined.directories, &mut diagnosis);
        let is_running = diagnosis.service.is_some();
        diagnosis.add(machine::database(&loaded.config, is_running).await);
        let looked = tokio::task::spawn_blocking(move || {
            let findings = machine::of_configuration(&loaded.config);
            (findings, loaded)
        });
        match looked.await {
            Ok((findings, loaded)) => {
                diagnosis.findings.extend(findings);
                listeners(&loaded, &mut diagnosis).await;
            }
            Err(error) => {
                diagnosis.add(Finding::wrong(
                    "file_system",
                    format!("the look at it failed: {error}"),
                    remedy::FILE_SYSTEM,
                ));
            }
        }
    } else {
        for check in ["database", "file_system", "artifact_store", "tool_registry", "queue", "port"] {
            diagnosis.add(Finding::unknown(check, "is not looked at while a setting cannot be read"));
        }
    }
    let looked = tokio::task::spawn_blocking(machine::of_machine).await;
    diagnosis.findings.extend(looked.unwrap_or_default());
    diagnosis
}

/// One finding for each fault and each warning, so that each has its remedy.
fn configuration(examined: &Examined, diagnosis: &mut Diagnosis) {
    let explanation = &examined.explanation;
    for fault in &explanation.faults {
        let message = format!("{}: {}", fault.origin, fault.message);
        diagnosis.add(Finding::wrong("configuration", message, &fault.remedy));
    }
    for warning in &explanation.warnings {
        let remedy = "`cts config explain` tells where each value comes from";
        diagnosis.add(Finding::notable("configuration", warning.to_string(), remedy));
    }
    if explanation.faults.is_empty() {
        let file = explanation.file.as_ref().map_or("no file".to_owned(), |file| file.display().to_string());
        diagnosis.add(Finding::good("configuration", format!("is right: profile {}, {file}", explanation.profile)));
    }
}

/// What is refused and what is doubtful was said with the configuration.
fn directories(directories: &[cts_config::Directory], diagnosis: &mut Diagnosis) {
    for found in directories {
        let path = found.path.display();
        let finding = match &found.state {
            DirectoryState::Usable => Finding::good(found.setting, format!("{path} can be used")),
            DirectoryState::Missing => Finding::good(found.setting, format!("{path} is not there; the start makes it")),
            DirectoryState::Unmakeable(fault) => Finding::wrong(found.setting, &fault.message, &fault.remedy),
            DirectoryState::Doubtful(_) | DirectoryState::Refused(_) => continue,
        };
        diagnosis.add(finding);
    }
}

/// Looks whether the ports that the service wants are free, or whose they are.
async fn listeners(loaded: &Loaded, diagnosis: &mut Diagnosis) {
    let config = &loaded.config;
    let wanted = [("port", Some(config.http.port)), ("metrics_port", config.observe.metrics_port)];
    for (setting, port) in wanted.into_iter().filter_map(|(setting, port)| Some((setting, port?))) {
        if let Some(service) = &diagnosis.service {
            let url = if setting == "port" { Some(&service.url) } else { service.metrics_url.as_ref() };
            let message = match url {
                Some(url) => format!("the running service listens on {url}"),
                None => "the running service was started without it".to_owned(),
            };
            diagnosis.add(Finding::good(setting, message));
            continue;
        }
        if port == 0 {
            diagnosis.add(Finding::good(setting, "any free port is taken"));
            continue;
        }
        let host = config.http.host.clone();
        let (finding, taken) = ports::look(setting, host, port).await;
        let index = diagnosis.add(finding);
        diagnosis.taken.extend(taken.map(|listener| (index, listener)));
    }
}

#[cfg(test)]
mod tests;
