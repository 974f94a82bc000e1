//! What the figures were measured on: processor, kernel, load, and how long the disk takes to make a write durable.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use crate::bench::samples::Samples;
use crate::error::Failed;

/// Writes that are timed.
const WRITES: usize = 300;

/// Returns facts for the report.
pub(super) fn describe() -> Value {
    let line = |path: &str, prefix: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let found = text.lines().find_map(|line| line.strip_prefix(prefix)).unwrap_or_default();
        found.trim_start_matches([' ', '\t', ':']).to_owned()
    };
    json!({
        "processor": line("/proc/cpuinfo", "model name"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": line("/proc/sys/kernel/osrelease", ""),
        "memory": line("/proc/meminfo", "MemTotal"),
        "load_before": line("/proc/loadavg", "").split(' ').next().unwrap_or_default(),
    })
}

/// Returns how long it takes to append 4 KiB to a file of that folder and make it durable.
pub(super) fn fsync(folder: &Path) -> Result<Samples, Failed> {
    let path = folder.join("fsync.probe");
    let mut file = File::create(&path)?;
    let mut samples = Samples::default();
    for _ in 0..WRITES {
        let began = Instant::now();
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        samples.add(began.elapsed());
    }
    fs::remove_file(&path)?;
    Ok(samples)
}
