//! The short health of the service, open to everybody.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::Isolation;
use crate::time::Time;

/// How the service is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::health_json)]
pub struct Health {
    /// In one word.
    pub status: HealthStatus,
    /// Version of the service.
    pub version: String,
    /// Since when it runs, as text for people.
    pub uptime: String,
    /// Since when it runs.
    pub uptime_seconds: f64,
    /// Now.
    pub timestamp: Time,
    /// Runs that wait.
    pub queued: u64,
    /// Runs that are under way.
    pub running: u64,
    /// Whether it takes no new work because it is about to stop.
    pub draining: bool,
    /// How well this machine can keep runs apart.
    pub isolation: Isolation,
    /// Manifests that were refused, by file name; `cts tools check FILE` tells why.
    pub broken_manifests: Vec<String>,
    /// What is wrong, in sentences for people.
    pub notes: Vec<String>,
}

/// How the service is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// All is well.
    Healthy,
    /// It works, but something needs a look.
    Degraded,
    /// It takes no new work.
    Unhealthy,
}

/// That the process answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SimpleHealth {
    /// Always `ok`.
    pub status: String,
    /// Now.
    pub timestamp: Time,
}

/// The answer to a probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Probe {
    /// `alive`, `ready` or `not_ready`, `started` or `starting`.
    pub status: String,
    /// Now.
    pub timestamp: Time,
    /// Why it is not ready, in sentences for people; empty when it is.
    pub reasons: Vec<String>,
}

/// Every check, and the verdict over all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DetailedHealth {
    /// In one word.
    pub status: HealthStatus,
    /// Version of the service.
    pub version: String,
    /// The profile: development, testing, staging or production.
    pub environment: String,
    /// Since when it runs.
    pub uptime_seconds: f64,
    /// Now.
    pub timestamp: Time,
    /// Whether it takes no new work because it is about to stop.
    pub draining: bool,
    /// The checks.
    pub checks: Vec<HealthCheck>,
    /// How many there are.
    pub summary: HealthSummary,
}

/// What a check saw last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HealthCheck {
    /// Its name.
    pub name: String,
    /// How it is.
    pub status: CheckStatus,
    /// Whether the service is of no use while it fails.
    pub critical: bool,
    /// When it looked; null before its first look.
    pub last_check: Option<Time>,
    /// How long that took, in milliseconds.
    pub duration_ms: f64,
    /// Why it fails.
    pub message: Option<String>,
    /// What to do when it fails.
    pub remedy: String,
    /// What else it saw.
    #[schema(value_type = Object)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// How a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// It passed.
    Healthy,
    /// It failed.
    Unhealthy,
    /// It has not looked yet.
    Unknown,
}

/// How many checks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthSummary {
    /// All.
    pub total_checks: usize,
    /// Those that pass.
    pub healthy_checks: usize,
    /// Those that fail.
    pub failed_checks: usize,
}
