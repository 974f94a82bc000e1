//! Looks at everything that the service needs, and asks a running one for its own checks.

use std::time::Duration;

use cts_api::health::DetailedHealth;
use cts_config::{ClientConfig, Kind, Sources};
use cts_model::Secret;
use cts_server::LiveService;
use cts_server::doctor::{Diagnosis, Finding, diagnose};

use super::{Done, Report};
use crate::args::{DoctorArgs, Global, SettingFlags};
use crate::client::Client;
use crate::error::CliError;
use crate::exit::Exit;
use crate::transport::{Http, Transport};

/// How long a service may take for one answer; what listens on a port need not be one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at everything and tells whether something is wrong.
pub(crate) async fn doctor(global: &Global, args: DoctorArgs) -> Result<Done, CliError> {
    let DoctorArgs { settings: SettingFlags(settings) } = args;
    let sources = Sources::from_process(Kind::Service, global.config.clone(), settings);
    // The client's own file matters for the key alone; its faults are told as what they are.
    let client = ClientConfig::load(&Sources { flags: Vec::new(), ..sources.clone() });
    let mut diagnosis = diagnose(sources).await;
    let key = match client {
        Ok(client) => client.config.api_key,
        Err(faults) => {
            for fault in faults.0 {
                let message = format!("{}: {}", fault.origin, fault.message);
                diagnosis.findings.push(Finding::wrong("client", message, fault.remedy));
            }
            None
        }
    };
    if let Some(service) = diagnosis.service.clone() {
        diagnosis.findings.extend(ask(&service, key).await);
    }
    name_services(&mut diagnosis).await;
    let exit = if diagnosis.is_well() { Exit::Completed } else { Exit::Usage };
    Ok(Done { report: Report::Examined(Box::new(diagnosis)), exit })
}

fn client(url: &str, key: Option<Secret>) -> Option<Client> {
    Http::new(url, key).ok().map(|http| Client::new(Transport::Http(http)))
}

/// Does something for a while.
async fn within<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// Asks the running service for its version and its own checks.
async fn ask(service: &LiveService, key: Option<Secret>) -> Vec<Finding> {
    let remedy = "look at the service's log; restart it if it does not answer";
    let Some(client) = client(&service.url, key) else {
        return vec![Finding::wrong("service", format!("{} is no address", service.url), remedy)];
    };
    let mut findings = Vec::new();
    match within(client.version()).await {
        Ok(version) if version.version == env!("CARGO_PKG_VERSION") => {
            let message = format!("process {} answers at {}, version {}", service.pid, service.url, version.version);
            findings.push(Finding::good("service", message));
        }
        Ok(version) => {
            let message = format!(
                "process {} is version {}, and this is {}",
                service.pid,
                version.version,
                env!("CARGO_PKG_VERSION")
            );
            findings.push(Finding::notable(
                "service",
                message,
                "restart the service with the version that is installed",
            ));
        }
        Err(error) => {
            let message = format!("process {} does not answer at {}: {error}", service.pid, service.url);
            findings.push(Finding::wrong("service", message, remedy));
            return findings;
        }
    }
    if let Ok(health) = within(client.health()).await
        && !health.isolation.missing.is_empty()
    {
        let message = format!("does not keep runs apart in full: {}", health.isolation.missing.join("; "));
        let remedy = "`Delegate=yes` in its unit, a newer kernel, or in a container the right to Landlock and filters";
        findings.push(Finding::notable("service.isolation", message, remedy));
    }
    match within(client.detailed_health()).await {
        Ok(DetailedHealth { draining: true, .. }) => {
            findings.push(Finding::notable("service.draining", "it is stopping", "wait until it has stopped"));
        }
        Ok(health) => findings.extend(health.checks.iter().map(Finding::of_service)),
        // Without a token only the probe is open.
        Err(error) => {
            let remedy = "CTS_API_KEY with a token of the role viewer shows the service's own checks";
            match within(client.ready()).await {
                Ok(()) => {
                    findings.push(Finding::notable(
                        "service.checks",
                        format!("it is ready; its checks are not shown: {error}"),
                        remedy,
                    ));
                }
                Err(ready) => {
                    findings.push(Finding::wrong("service.ready", ready, remedy));
                }
            }
        }
    }
    findings
}

/// Says of a port that is taken when it is another CTS service that has it.
async fn name_services(diagnosis: &mut Diagnosis) {
    for (index, listener) in std::mem::take(&mut diagnosis.taken) {
        let mut address = listener.address;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let Some(client) = client(&format!("http://{address}"), None) else { continue };
        if let Ok(version) = within(client.version()).await
            && let Some(finding) = diagnosis.findings.get_mut(index)
        {
            let text = format!("; it is a CTS service, version {}, of another data directory", version.version);
            finding.message.push_str(&text);
            finding.details.insert("cts_version".to_owned(), version.version.into());
        }
    }
}
