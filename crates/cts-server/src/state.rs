//! What handlers share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cts_engine::Engine;
use cts_model::{Clock, Ids};
use cts_observe::checks::{Checks, Pace};
use tokio::sync::{Semaphore, watch};

use crate::access::Access;
use crate::access::address::Network;
use crate::cache::RunBodies;
use crate::checks::LastMachine;
use crate::configuration::Configuration;
use crate::layers::measure::HttpMetrics;
use crate::log_levels::LogLevels;
use crate::metrics::ServiceMetrics;
use crate::openapi::Document;

/// What the door for programs is told.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// The configured host: what it listens on, and the name that changes may be addressed to.
    pub host: String,
    /// The port it listens on.
    pub port: u16,
    /// Whether error bodies may hold the system's own words.
    pub is_development: bool,
    /// Whether requests come from the own process, not from a network.
    pub is_in_process: bool,
    /// Time limit of a request up to the head of its answer.
    pub request_timeout: Duration,
    /// Largest body of a request that is not an upload.
    pub body_bytes_max: u64,
    /// Most event streams at one time.
    pub streams_max: usize,
    /// Most connections at one time.
    pub connections_max: usize,
    /// The name of the profile.
    pub environment: String,
    /// Whether metrics are told.
    pub enable_metrics: bool,
    /// Whether the checks look.
    pub enable_health_checks: bool,
    /// How often they do, and how long each may take.
    pub health_pace: Pace,
    /// Whether a request needs a token.
    pub require_authentication: bool,
    /// How many requests a minute one client may send; none is any number.
    pub requests_per_minute: Option<u32>,
    /// Origins of web pages that may read answers; `*` is all.
    pub cors_allowed_origins: Vec<String>,
    /// Proxies that are believed when they say who their client is.
    pub trusted_proxies: Vec<Network>,
    /// How long entries of the audit log are kept.
    pub audit_retention: Duration,
    /// The port of the metrics' own listener, where they have one.
    pub metrics_port: Option<u16>,
    /// What the service was told in all.
    pub configuration: Arc<Configuration>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8080,
            is_development: false,
            is_in_process: false,
            request_timeout: Duration::from_mins(5),
            body_bytes_max: 1_024_000,
            streams_max: 512,
            connections_max: 4096,
            environment: "development".to_owned(),
            enable_metrics: true,
            enable_health_checks: true,
            health_pace: Pace { interval: Duration::from_secs(30), timeout: Duration::from_secs(5) },
            require_authentication: false,
            requests_per_minute: None,
            cors_allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            audit_retention: Duration::from_hours(365 * 24),
            metrics_port: None,
            configuration: Arc::default(),
        }
    }
}

/// What handlers share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The plane that runs tools.
    pub(crate) engine: Engine,
    /// What the door was told.
    pub(crate) http: HttpOptions,
    /// Who may ask, and how often.
    pub(crate) access: Access,
    /// The levels of the service's own log.
    pub(crate) log_levels: LogLevels,
    /// Where time comes from.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub(crate) ids: Arc<Ids>,
    /// When the service was started.
    pub(crate) started: Instant,
    /// Bodies of runs that have ended.
    pub(crate) run_bodies: Arc<RunBodies>,
    /// One permit for each event stream.
    pub(crate) streams: Arc<Semaphore>,
    /// True when event streams must end because the service stops.
    pub(crate) closing: watch::Sender<bool>,
    /// What is counted here.
    pub(crate) metrics: HttpMetrics,
    /// What is told of the service as a whole.
    pub(crate) service_metrics: ServiceMetrics,
    /// The health checks.
    pub(crate) checks: Checks,
    /// What the machine was at when it was looked at last.
    pub(crate) machine: LastMachine,
    /// The document of the API, made anew when the tools change.
    pub(crate) document: Document,
}
