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
