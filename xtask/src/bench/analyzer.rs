//! rlog-to-csv on a long log: the analyzer's process beside `zstd -dc` of the same log and the writing of its output;
//! the whole run with artifact and sha256; its memory.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::bench::report::{Row, megabytes};
use crate::bench::samples::Samples;
use crate::bench::tool_process::ToolProcess;
use crate::bench::{Plan, long_log};
use crate::error::{Doing, Failed};
use crate::process::command;
use crate::service::{Service, Setup};

/// Rounds of each, in turns.
const ROUNDS: usize = 5;

/// Measures all.
pub(super) fn measure(plan: &Plan) -> Result<Vec<Row>, Failed> {
    let folder = Service::folder_of("bench-analyzer-files");
    fs::create_dir_all(&folder).doing(|| format!("cannot create {}", folder.display()))?;
    let log = long_log::given_or_made(plan)?;
    let out = folder.join("out");
    let (mut floor, mut analyzer, mut whole) = (Samples::default(), Samples::default(), Samples::default());
    let mut peak = 0;
    for _ in 0..ROUNDS {
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        fs::create_dir_all(&out)?;
        let ended = ToolProcess { tool: "rlog-to-csv", params: &json!({}), input: &log, out: &out }.run()?;
        analyzer.add(ended.time);
        peak = ended.peak_bytes.max(peak);
        let bytes = csv(&out)?;
        floor.add(decompress(&log)? + write(&folder.join("written"), bytes)?);
    }
    let service = Service::start(&Setup { name: "bench-analyzer", profile: "release", ..Setup::default() })?;
    let mut run_peak = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut connection = service.connect()?;
        let request =
            json!({"tool_id": "rlog-to-csv", "inputs": [{"type": "path", "value": log.display().to_string()}]});
        let mut run = connection.post("/v1/runs", &request)?.json()?;
        let id = run["run_id"].as_str().unwrap_or_default().to_owned();
        while matches!(run["status"].as_str(), Some("queued" | "running")) {
            run = connection.get(&format!("/v1/runs/{id}?wait=30s"))?.json()?;
        }
        whole.add(began.elapsed());
        if run["status"] != "completed" {
            return Err(Failed::new(format!("the run failed: {run:#}")));
        }
        run_peak = run["peak_memory_bytes"].as_u64().unwrap_or_default().max(run_peak);
    }
    service.stop()?;

    let (floor, analyzer, whole) = (floor.percentile_ms(50), analyzer.percentile_ms(50), whole.percentile_ms(50));
    Ok(vec![
        Row::told("zstd -dc and write of the output, p50", floor, "ms"),
        Row::told("rlog-to-csv, the analyzer's process, p50", analyzer, "ms"),
        Row::at_most("the same", analyzer / floor, "× that", 2.0),
        Row::told("rlog-to-csv, the whole run with artifact and sha256, p50", whole, "ms"),
        Row::at_most("the same", whole / floor, "× that", 3.0),
        Row::at_most("peak memory of the analyzer's process", megabytes(peak), "MB", 64.0),
        Row::told("peak memory of the run's tree as the run tells it", megabytes(run_peak), "MB"),
    ])
}

fn decompress(log: &Path) -> Result<Duration, Failed> {
    let mut zstd = command("zstd");
    zstd.args(["-dc", "-q"]).arg(log).stdout(Stdio::null());
    let began = Instant::now();
    let status = zstd.status().doing(|| "cannot start zstd".to_owned())?;
    let time = began.elapsed();
    if status.success() { Ok(time) } else { Err(Failed::new(format!("zstd ended with {status}"))) }
}

/// Writes that many bytes to a file, as the analyzer has to.
fn write(path: &Path, bytes: u64) -> Result<Duration, Failed> {
    let block = vec![b','; 1 << 20];
    let began = Instant::now();
    let mut file = File::create(path)?;
    let mut left = bytes;
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        file.write_all(&block[..most])?;
        left -= most as u64;
    }
    drop(file);
    let time = began.elapsed();
    fs::remove_file(path)?;
    Ok(time)
}

fn csv(folder: &Path) -> Result<u64, Failed> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    if bytes == 0 { Err(Failed::new("the analyzer wrote nothing")) } else { Ok(bytes) }
}
