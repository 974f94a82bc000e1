//! One native tool as a process: started as the engine starts it, but without a supervisor.
//!
//! Its time is that of the process from start to end; its memory is the peak of the resident set.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::{Doing, Failed};
use crate::process::{product, shown};
use crate::root;

/// The memory of a process is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a tool is to do.
pub(crate) struct ToolProcess<'a> {
    /// Its id.
    pub(crate) tool: &'a str,
    /// Its parameters, checked already: defaults are not filled in here.
    pub(crate) params: &'a Value,
    /// The file to read.
    pub(crate) input: &'a Path,
    /// The folder to write into, which exists.
    pub(crate) out: &'a Path,
}

/// How it went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    /// From the start to the end.
    pub(crate) time: Duration,
    /// The most memory that was resident, looked at every few milliseconds.
    pub(crate) peak_bytes: u64,
}

impl ToolProcess<'_> {
    /// Starts it and waits for its end; fails unless it succeeds.
    pub(crate) fn run(&self) -> Result<Ended, Failed> {
        let params = self.out.with_extension("params.json");
        let name = self.input.file_name().unwrap_or_default().to_string_lossy();
        let request = json!({
            "params": self.params,
            "inputs": [{"path": self.input.display().to_string(), "name": name}],
            "out_dir": self.out.display().to_string(),
        });
        fs::write(&params, request.to_string()).doing(|| format!("cannot write {}", params.display()))?;
        let mut child = product(root::built("release", "cts"));
        child.args(["__tool", self.tool]).env("CTS_PARAMS", &params).current_dir(self.out);
        let line = shown(&child);
        let began = Instant::now();
        let mut child =
            child.stdin(Stdio::null()).stdout(Stdio::null()).spawn().doing(|| format!("cannot start {line}"))?;
        let mut peak_bytes = 0;
        let status = loop {
            peak_bytes = peak_memory(child.id()).unwrap_or_default().max(peak_bytes);
            if let Some(status) = child.try_wait()? {
                break status;
            }
            // Short processes are waited for more closely, so that the looking does not become the time.
            std::thread::sleep(LOOK_EVERY.min(began.elapsed() / 50));
        };
        let time = began.elapsed();
        fs::remove_file(&params)?;
        if !status.success() {
            return Err(Failed::new(format!("`{line}` ended with {status}")));
        }
        Ok(Ended { time, peak_bytes })
    }
}

fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1_024)
}
