//! How long a line needs from the tool's write to a reader of Server-Sent Events.
//!
//! The tool is this program: it writes the time of each line into the line, from the same clock as the reader.

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::bench::Plan;
use crate::bench::report::Row;
use crate::bench::samples::Samples;
use crate::error::Failed;
use crate::service::{Service, Setup};

/// Lines that the tool writes.
const LINES: usize = 2_000;

/// Between two lines.
const PAUSE: Duration = Duration::from_millis(5);

/// The first lines come while the reader still connects; they are not counted.
const WARM_UP: usize = 100;

/// The word that makes this program the tool.
pub(crate) const TOOL: &str = "__timed-lines";

/// Measures it.
pub(super) fn measure(_plan: &Plan) -> Result<Vec<Row>, Failed> {
    let program = std::env::current_exe()?;
    let manifest = format!(
        "id = \"timed-lines\"\nname = \"Timed lines\"\nversion = \"1\"\ndescription = \"Writes lines that hold their time.\"\n\
         command = [{:?}, \"{TOOL}\"]\n",
        program.display().to_string()
    );
    let manifests = vec![("timed-lines.toml", manifest)];
    let service = Service::start(&Setup { name: "bench-logs", profile: "release", manifests, ..Setup::default() })?;
    let run = service.connect()?.post("/v1/runs", &json!({"tool_id": "timed-lines"}))?.json()?;
    let run = run["run_id"].as_str().unwrap_or_default().to_owned();
    let mut events = service.connect()?.events(&format!("/v1/runs/{run}/logs"))?;
    let mut samples = Samples::default();
    let mut seen = 0;
    while let Some(data) = events.next_data()? {
        let now = since_epoch();
        let line: Value = serde_json::from_str(&data)?;
        let Some(written) = line["message"].as_str().and_then(|message| message.strip_prefix("written ")) else {
            continue;
        };
        let Ok(nanos) = written.parse::<u64>() else { continue };
        seen += 1;
        if seen > WARM_UP {
            samples.add(now.saturating_sub(Duration::from_nanos(nanos)));
        }
    }
    service.stop()?;
    if seen != LINES {
        return Err(Failed::new(format!("the reader saw {seen} of {LINES} lines")));
    }
    Ok(vec![
        Row::at_most("write to line at a reader, p50", samples.percentile_ms(50), "ms", 2.0),
        Row::at_most("write to line at a reader, p99", samples.percentile_ms(99), "ms", 15.0),
        Row::told("write to line at a reader, worst", samples.percentile_ms(100), "ms"),
    ])
}

/// Is the tool: writes lines that hold the time of their write.
pub(crate) fn write_timed_lines() -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    for _ in 0..LINES {
        writeln!(out, "written {}", since_epoch().as_nanos())?;
        out.flush()?;
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the one clock that two processes share")]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
