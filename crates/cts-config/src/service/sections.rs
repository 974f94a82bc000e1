//! The service configuration as plain typed values, one struct for each section.
//!
//! Units are gone: sizes are bytes, times are `Duration`, paths are absolute. Nothing here is checked again.

use std::path::PathBuf;
use std::time::Duration;

use cts_model::{Level, Limits};

use super::profile::Profile;
use crate::layers::Resolved;
use crate::sources::Kind;
use crate::value::Value;

/// Everything that the service was told at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConfig {
    /// For what it was loaded.
    pub kind: Kind,
    /// The profile.
    pub profile: Profile,
    /// The process as a whole.
    pub process: Process,
    /// What is stored where.
    pub storage: Storage,
    /// The HTTP listener.
    pub http: Http,
    /// Who may do what.
    pub security: Security,
    /// How runs are executed.
    pub runs: Runs,
    /// What runs leave behind.
    pub artifacts: Artifacts,
    /// What runs say.
    pub logs: Logs,
    /// How the service is watched.
    pub observe: Observe,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal outside production, else JSON.
    Auto,
    /// JSON.
    Json,
    /// Text.
    Text,
}

/// The process as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Whether libraries log as well.
    pub debug: bool,
    /// Least level of the service's own log.
    pub log_level: Level,
    /// How log lines look.
    pub log_format: LogFormat,
    /// How long running work may go on after the stop was asked.
    pub graceful_shutdown_timeout: Duration,
}

/// What is stored where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// Database and artifacts.
    pub base_storage_path: PathBuf,
    /// Where runs work.
    pub temp_directory: PathBuf,
    /// Logs of runs.
    pub log_directory: PathBuf,
    /// Manifests.
    pub tools_directory: PathBuf,
    /// Below which a run's inputs must lie; `/` is anything that may be read, an empty list nothing.
    pub allowed_input_roots: Vec<PathBuf>,
    /// With less free disk no run starts.
    pub min_free_disk_bytes: u64,
    /// How often retention looks.
    pub cleanup_interval: Duration,
}

/// The HTTP listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Address or name.
    pub host: String,
    /// Port; 0 is any free one.
    pub port: u16,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// Largest body that is no upload.
    pub max_body_bytes: u64,
    /// Largest upload.
    pub max_upload_bytes: u64,
    /// Origins of web pages.
    pub cors_allowed_origins: Vec<String>,
    /// Proxies in front, as addresses or networks.
    pub trusted_proxies: Vec<String>,
}

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Security {
    /// Whether a request needs a token.
    pub require_authentication: bool,
    /// That everybody may use everything is meant.
    pub allow_unauthenticated: bool,
    /// Whether requests are held to a rate.
    pub enable_rate_limiting: bool,
    /// That rate.
    pub max_requests_per_minute: u32,
    /// How long is kept who changed what.
    pub audit_retention: Duration,
}

/// How runs are executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runs {
    /// At a time.
    pub max_concurrent_runs: u32,
    /// Waiting.
    pub max_queued_runs: u64,
    /// Time limit where nobody says otherwise.
    pub tool_timeout: Duration,
    /// The longest that may be asked for.
    pub max_tool_timeout: Duration,
    /// Memory of a run.
    pub memory_bytes: u64,
    /// Processes of a run.
    pub processes: u32,
    /// Open files of a process.
    pub open_files: u64,
    /// Everything that a run writes.
    pub output_bytes: u64,
    /// Between asking to stop and killing.
    pub stop_grace: Duration,
    /// How often a run is tried.
    pub attempts: u32,
    /// Before the second attempt.
    pub retry_delay: Duration,
    /// How long ended runs are kept.
    pub retention: Duration,
    /// Whether runs are sandboxed.
    pub sandbox: bool,
}

/// What runs leave behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifacts {
    /// Largest artifact.
    pub max_bytes: u64,
    /// How long they are kept.
    pub retention: Duration,
    /// All together; 0 is no limit.
    pub storage_bytes_max: u64,
    /// How often a running run is scanned.
    pub scan_interval: Duration,
}

/// What runs say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// Size of a run's log.
    pub max_bytes: u64,
    /// Lines a second of a run's log.
    pub lines_per_second: u32,
    /// How long logs are kept.
    pub retention: Duration,
    /// Last lines in memory.
    pub buffer_lines: usize,
}

/// How traces are sent to a collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracing {
    /// The collector's address.
    pub endpoint: String,
    /// A file with headers, which are secret.
    pub headers_file: Option<PathBuf>,
    /// Which part of the traces that begin here is sent, in millionths.
    pub sample_millionths: u32,
    /// Most spans of one request.
    pub batch_spans: usize,
    /// Most spans that wait.
    pub queue_spans: usize,
    /// How long spans wait for a full batch.
    pub export_interval: Duration,
    /// How long one request may take.
    pub timeout: Duration,
}

/// How the service is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observe {
    /// Whether metrics are served.
    pub enable_metrics: bool,
    /// Their own listener.
    pub metrics_port: Option<u16>,
    /// How often they are exported.
    pub metrics_export_interval: Duration,
    /// Whether the service checks itself.
    pub enable_health_checks: bool,
    /// How often.
    pub health_check_interval: Duration,
    /// How long one check may take.
    pub health_check_timeout: Duration,
    /// Whether traces are exported.
    pub enable_tracing: bool,
    /// How traces are sent.
    pub tracing: Tracing,
}

impl ServiceConfig {
    /// Returns the limits of one run.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            memory_bytes: self.runs.memory_bytes,
            processes: self.runs.processes,
            open_files: self.runs.open_files,
            output_bytes: self.runs.output_bytes,
            artifact_bytes: self.artifacts.max_bytes,
            log_bytes: self.logs.max_bytes,
            log_lines_per_second: self.logs.lines_per_second,
            stop_grace: self.runs.stop_grace,
        }
    }
}

/// Takes values by name; the declarations say of which type each one is, and a test takes every one.
struct Take<'a>(&'a Resolved);

macro_rules! take {
    ($($name:ident: $variant:ident -> $type:ty;)*) => {$(
        fn $name(&self, name: &str) -> $type {
            match self.0.value(name) {
                Some(Value::$variant(value)) => value.clone(),
                other => unreachable!("{name} is declared as {}, not {other:?}", stringify!($variant)),
            }
        }
    )*};
}

impl Take<'_> {
    take! {
        bool: Bool -> bool;
        int: Int -> i64;
        text: Text -> String;
        ratio: Ratio -> u32;
        time: Duration -> Duration;
        bytes: Bytes -> u64;
        list: List -> Vec<String>;
        path: Path -> PathBuf;
        paths: Paths -> Vec<PathBuf>;
    }

    fn number<T: TryFrom<i64>>(&self, name: &str) -> T {
        let number = T::try_from(self.int(name)).ok();
        number.expect("the declared range lies within the type of the field")
    }

    fn optional_path(&self, name: &str) -> Option<PathBuf> {
        (self.0.value(name) != Some(&Value::Nothing)).then(|| self.path(name))
    }

    fn optional_port(&self, name: &str) -> Option<u16> {
        (self.0.value(name) != Some(&Value::Nothing)).then(|| self.number(name))
    }
}

/// Returns the configuration of values that have no fault.
pub(super) fn build(resolved: &Resolved, kind: Kind, profile: Profile) -> ServiceConfig {
    let take = Take(resolved);
    ServiceConfig {
        kind,
        profile,
        process: Process {
            debug: take.bool("debug"),
            log_level: Level::from_word(&take.text("log_level")).expect("the declared words are those of Level"),
            log_format: match take.text("log_format").as_str() {
                "json" => LogFormat::Json,
                "text" => LogFormat::Text,
                _ => LogFormat::Auto,
            },
            graceful_shutdown_timeout: take.time("graceful_shutdown_timeout"),
        },
        storage: Storage {
            base_storage_path: take.path("base_storage_path"),
            temp_directory: take.path("temp_directory"),
            log_directory: take.path("log_directory"),
            tools_directory: take.path("tools_directory"),
            allowed_input_roots: take.paths("allowed_input_roots"),
            min_free_disk_bytes: take.bytes("min_free_disk_mb"),
            cleanup_interval: take.time("cleanup_interval_minutes"),
        },
        http: Http {
            host: take.text("host"),
            port: take.number("port"),
            request_timeout: take.time("request_timeout"),
            max_body_bytes: take.bytes("max_body_kb"),
            max_upload_bytes: take.bytes("max_upload_mb"),
            cors_allowed_origins: take.list("cors_allowed_origins"),
            trusted_proxies: take.list("trusted_proxies"),
        },
        security: Security {
            require_authentication: take.bool("require_authentication"),
            allow_unauthenticated: take.bool("allow_unauthenticated"),
            enable_rate_limiting: take.bool("enable_rate_limiting"),
            max_requests_per_minute: take.number("max_requests_per_minute"),
            audit_retention: take.time("audit_retention_days"),
        },
        runs: Runs {
            max_concurrent_runs: take.number("max_concurrent_runs"),
            max_queued_runs: take.number("max_queued_runs"),
            tool_timeout: take.time("tool_timeout_seconds"),
            max_tool_timeout: take.time("max_tool_timeout_seconds"),
            memory_bytes: take.bytes("run_memory_mb"),
            processes: take.number("run_processes"),
            open_files: take.number("run_open_files"),
            output_bytes: take.bytes("run_output_mb"),
            stop_grace: take.time("run_stop_grace_seconds"),
            attempts: take.number("run_attempts"),
            retry_delay: take.time("run_retry_delay_seconds"),
            retention: take.time("run_retention_days"),
            sandbox: take.bool("run_sandbox"),
        },
        artifacts: Artifacts {
            max_bytes: take.bytes("max_artifact_size_mb"),
            retention: take.time("artifact_retention_days"),
            storage_bytes_max: take.bytes("artifact_storage_mb"),
            scan_interval: take.time("artifact_scan_interval_seconds"),
        },
        logs: Logs {
            max_bytes: take.bytes("run_log_mb"),
            lines_per_second: take.number("run_log_lines_per_second"),
            retention: take.time("log_retention_days"),
            buffer_lines: take.number("max_log_buffer_size"),
        },
        observe: Observe {
            enable_metrics: take.bool("enable_metrics"),
            metrics_port: take.optional_port("metrics_port"),
            metrics_export_interval: take.time("metrics_export_interval_seconds"),
            enable_health_checks: take.bool("enable_health_checks"),
            health_check_interval: take.time("health_check_interval_seconds"),
            health_check_timeout: take.time("health_check_timeout"),
            enable_tracing: take.bool("enable_tracing"),
            tracing: Tracing {
                endpoint: take.text("tracing_endpoint"),
                headers_file: take.optional_path("tracing_headers_file"),
                sample_millionths: take.ratio("tracing_sample_ratio"),
                batch_spans: take.number("tracing_batch_spans"),
                queue_spans: take.number("tracing_queue_spans"),
                export_interval: take.time("tracing_export_interval_seconds"),
                timeout: take.time("tracing_timeout_seconds"),
            },
        },
    }
}
