//! The summary of the metrics for people and scripts; Prometheus has its own text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Time;

/// What the service did since it was started, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricsSummary {
    /// Now.
    pub timestamp: Time,
    /// Runs.
    pub execution_metrics: ExecutionMetrics,
    /// Requests.
    pub api_metrics: ApiMetrics,
    /// What the service is used for.
    pub business_metrics: BusinessMetrics,
    /// Process and machine, as of the last look in the background.
    pub system_metrics: SystemMetrics,
}

/// Runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExecutionMetrics {
    /// Runs that have ended.
    pub runs_total: u64,
    /// Those that were completed.
    pub runs_successful: u64,
    /// Those that failed.
    pub runs_failed: u64,
    /// Those that were canceled.
    pub runs_canceled: u64,
    /// Completed runs in those that were not canceled, 0 to 1; null before there is one.
    pub success_rate: Option<f64>,
    /// Mean time from the start of a run to its end, in seconds.
    pub average_execution_time_seconds: f64,
    /// Mean time in the queue, in seconds.
    pub average_queue_wait_seconds: f64,
    /// Attempts that are under way.
    pub active_runs: u64,
    /// Most attempts at one time.
    pub peak_concurrent_runs: u64,
    /// Runs that wait.
    pub queued_runs: u64,
    /// Failed runs by the code of their error.
    pub failures_by_code: BTreeMap<String, u64>,
}

/// Requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApiMetrics {
    /// All that were answered.
    pub requests_total: u64,
    /// Mean time to the head of the answer, in milliseconds.
    pub average_response_time_ms: f64,
    /// Answers of the classes 4xx and 5xx, by method and route template.
    pub errors_by_endpoint: BTreeMap<String, u64>,
    /// The same by category of error.
    pub errors_by_category: BTreeMap<String, u64>,
}

/// What the service is used for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BusinessMetrics {
    /// Runs that were asked for, by tool.
    pub tools_usage: BTreeMap<String, u64>,
    /// Artifacts that were stored.
    pub artifacts_generated: u64,
    /// Their bytes.
    pub artifact_bytes: u64,
    /// Bytes in logs of runs.
    pub log_bytes: u64,
    /// Tokens with which somebody came within the last 24 hours; 0 while no token is asked for.
    pub unique_users: u64,
}

/// Process and machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SystemMetrics {
    /// Processor time in use on all cores, in percent.
    pub cpu_percent: f64,
    /// Memory in use, in percent.
    pub memory_percent: f64,
    /// Memory that is left.
    pub memory_available_bytes: u64,
    /// Free space below the data directory.
    pub disk_free_bytes: u64,
    /// Used space of its disk, in percent.
    pub disk_used_percent: f64,
    /// Since when the service runs.
    pub uptime_seconds: f64,
    /// Resident memory of the service.
    pub process_resident_bytes: u64,
    /// Its open files.
    pub process_open_files: u64,
}
