//! What one run may use. Sizes are bytes; the service enforces them in the supervisor and the log pump.

use std::time::Duration;

/// The limits of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Resident memory of the whole tree.
    pub memory_bytes: u64,
    /// Processes and threads' groups of the whole tree.
    pub processes: u32,
    /// Open files of one process.
    pub open_files: u64,
    /// Size of everything in the run's directory, and of one file.
    pub output_bytes: u64,
    /// Largest artifact.
    pub artifact_bytes: u64,
    /// Stored log, head and tail together.
    pub log_bytes: u64,
    /// Stored log lines a second.
    pub log_lines_per_second: u32,
    /// Between the soft stop and the hard one.
    pub stop_grace: Duration,
}
