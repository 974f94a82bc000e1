//! A log of 10 GB into a table that nobody keeps: the memory of `rlog-to-csv` must not grow with the log.
//!
//! The log comes out of a pipe and the table goes to `/dev/null`, so no disk is needed: one minute again and again, each
//! a minute later.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::thread;

use serde_json::json;

use crate::bench::long_log::{shift, unpacked_sample};
use crate::bench::tool_process::{Ended, ToolProcess};
use crate::error::{Doing, Failed};
use crate::process::{cargo, command, run as start};
use crate::root;

const SHORT_BYTES: usize = 100_000_000;
const LONG_BYTES: usize = 10_000_000_000;

/// The memory of the issue, whatever the length of the log.
const PEAK_BYTES_MAX: u64 = 64_000_000;

/// What the longer log may take more: buffers that are filled later.
const GROWTH_BYTES_MAX: u64 = 4_000_000;

const MINUTE_NANOSECONDS: u64 = 60_000_000_000;

pub(super) fn run() -> Result<(), Failed> {
    start(&mut cargo(["build", "--release", "--package", "cts-cli", "--bins"]))?;
    let sample = unpacked_sample()?;
    let short = read(&sample, SHORT_BYTES)?;
    let long = read(&sample, LONG_BYTES)?;
    for (bytes, ended) in [(SHORT_BYTES, short), (LONG_BYTES, long)] {
        println!("{bytes} bytes: {:.2?}, peak memory {} bytes", ended.time, ended.peak_bytes);
    }
    if long.peak_bytes > PEAK_BYTES_MAX || long.peak_bytes > short.peak_bytes + GROWTH_BYTES_MAX {
        return Err(Failed::new("the memory of rlog-to-csv grows with the log"));
    }
    Ok(())
}

fn read(sample: &[u8], bytes: usize) -> Result<Ended, Failed> {
    let folder = root::target().join("soak");
    let out = folder.join("out");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&out).doing(|| format!("cannot create {}", out.display()))?;
    let pipe = folder.join("long.rlog");
    start(command("mkfifo").arg(&pipe))?;
    std::os::unix::fs::symlink("/dev/null", out.join("long.csv"))?;
    thread::scope(|scope| {
        let feeder = scope.spawn(|| feed(sample, bytes, &pipe));
        let params = json!({"out": "long.csv", "join": "given"});
        let ended = ToolProcess { tool: "rlog-to-csv", params: &params, input: &pipe, out: &out }.run();
        // A tool that ended early leaves the feeder without a reader, which ends it too.
        let fed = feeder.join().map_err(|_| Failed::new("the feeder panicked"))?;
        ended.and_then(|ended| fed.map(|()| ended))
    })
}

fn feed(sample: &[u8], bytes: usize, pipe: &Path) -> Result<(), Failed> {
    let mut pipe = fs::File::options().write(true).open(pipe)?;
    let mut copy = sample.to_vec();
    for _ in 0..bytes.div_ceil(sample.len()) {
        pipe.write_all(&copy)?;
        shift(&mut copy, MINUTE_NANOSECONDS)?;
    }
    Ok(())
}
