//! What the engine is told: plain data, made from the service configuration by the door.

use std::path::PathBuf;
use std::time::Duration;

use cts_model::{Limits, RetryPolicy};

use crate::inputs::InputRoots;

/// What the engine is told.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Where database, blobs, logs and run directories lie.
    pub data_dir: PathBuf,
    /// Where the temporary directories of runs lie.
    pub temp_dir: PathBuf,
    /// Where the logs of runs lie.
    pub log_dir: PathBuf,
    /// The binary that is executed as supervisor and as native tool; none for the running one.
    pub child_program: Option<PathBuf>,
    /// Most attempts at one time in this process.
    pub max_concurrent_runs: u32,
    /// Most queued runs.
    pub max_queued_runs: u64,
    /// The limits of one run, where its tool sets none of its own.
    pub limits: Limits,
    /// Time limit of one attempt, where its tool sets none of its own.
    pub tool_timeout: Duration,
    /// Highest time limit that a tool may set.
    pub tool_timeout_max: Duration,
    /// Retries, where a tool sets none of its own. `retry_on_lost` is always the tool's.
    pub retry: RetryPolicy,
    /// Age at which an artifact is removed; zero for never.
    pub artifact_retention: Duration,
    /// Age at which a run that has ended is removed; zero for never.
    pub run_retention: Duration,
    /// Age at which the log of a run that has ended is removed; zero for never.
    pub log_retention: Duration,
    /// Most bytes of artifacts in all; zero for no limit.
    pub artifact_storage_bytes_max: u64,
    /// How often the directory of a run is looked through while it runs.
    pub artifact_scan_interval: Duration,
    /// Largest upload.
    pub upload_bytes_max: u64,
    /// Last lines of each running run that are kept in memory.
    pub log_buffer_lines: usize,
    /// Below this much free space nothing new is accepted.
    pub disk_free_bytes_min: u64,
    /// Whether runs are kept apart by a sandbox.
    pub sandbox: bool,
    /// Where inputs may lie.
    pub input_roots: InputRoots,
}
