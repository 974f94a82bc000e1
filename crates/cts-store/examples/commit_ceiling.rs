//! Measures what the disk and the writer allow: `commit_ceiling DIRECTORY [SECONDS]`.
//!
//! First what one fsync costs: p50 and p99 of appending 4 KiB to a file in the directory. Then durable commits: eight
//! runs at a time, each written, claimed and ended, every step acknowledged before the next begins, and how many such
//! runs a second come out of it. Last, reads of one run and what a commit costs when nothing else goes on. The last
//! line is JSON, for programs.

#![expect(clippy::print_stdout, reason = "this program prints what it measured")]

use std::collections::BTreeMap;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cts_model::{
    Actor, Clock, Ctx, Ids, JsonMap, Outcome, RequestId, Run, RunEvent, RunId, RunRequest, SystemClock, Usage, WorkerId,
};
use cts_store::{Db, SqliteOptions, StoreError};

/// Runs under way at one time.
const CONCURRENT_RUNS: usize = 8;
/// Appends whose fsync is timed.
const FSYNCS: usize = 300;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = "usage: commit_ceiling DIRECTORY [SECONDS]";
    let directory = PathBuf::from(arguments.next().ok_or(usage)?);
    let seconds = arguments.next().map(|text| text.to_string_lossy().parse::<f64>()).transpose()?.unwrap_or(5.0);
    let folder = tempfile::Builder::new().prefix("commit-ceiling-").tempdir_in(directory)?;
    let [fsync_p50, fsync_p99] = fsyncs(folder.path())?;
    println!("fsync of 4 KiB appended: p50 {fsync_p50:.3} ms, p99 {fsync_p99:.3} ms");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(folder.path(), Duration::from_secs_f64(seconds), fsync_p50, fsync_p99))
}

/// Returns p50 and p99 in milliseconds.
fn fsyncs(folder: &Path) -> Result<[f64; 2], Failure> {
    let mut file = std::fs::File::create(folder.join("appended"))?;
    let mut times = Vec::with_capacity(FSYNCS);
    for _ in 0..FSYNCS {
        let start = Instant::now();
        file.seek(SeekFrom::End(0))?;
        file.write_all(&[0x5a; 4096])?;
        file.sync_all()?;
        times.push(start.elapsed());
    }
    Ok(percentiles(&mut times))
}

fn percentiles(times: &mut [Duration]) -> [f64; 2] {
    times.sort_unstable();
    let at = |part: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length is an index")]
        let index = (times.len() as f64 * part) as usize;
        times.get(index.min(times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    [at(0.50), at(0.99)]
}

async fn measure(folder: &Path, time: Duration, fsync_p50: f64, fsync_p99: f64) -> Result<(), Failure> {
    let db = Db::open_sqlite(&folder.join("cts.db"), &SqliteOptions::default()).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids = Arc::new(Ids::new(Arc::clone(&clock)));
    let worker = WorkerId::new(&ids);
    let stop = Arc::new(AtomicBool::new(false));

    let start = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..CONCURRENT_RUNS {
        let (db, clock, ids, stop) = (db.clone(), Arc::clone(&clock), Arc::clone(&ids), Arc::clone(&stop));
        tasks.push(tokio::spawn(async move {
            let mut commits = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                one_run(&db, &*clock, &ids, worker, &mut commits).await?;
            }
            Ok::<_, Failure>(commits)
        }));
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut commits = Vec::new();
    for task in tasks {
        commits.extend(task.await??);
    }
    let elapsed = start.elapsed().as_secs_f64();
    let commits_per_second = commits.len() as f64 / elapsed;
    let runs_per_second = commits_per_second / 3.0;
    let [p50, p99] = percentiles(&mut commits);
    println!(
        "{CONCURRENT_RUNS} runs at a time: {runs_per_second:.0} runs/s, {commits_per_second:.0} durable commits/s"
    );
    println!("their commits: p50 {p50:.2} ms, p99 {p99:.2} ms");

    let mut alone = Vec::new();
    let mut last = RunId::new(&ids);
    for _ in 0..50 {
        last = one_run(&db, &*clock, &ids, worker, &mut alone).await?;
    }
    let [alone_p50, alone_p99] = percentiles(&mut alone);
    println!("one run at a time: a commit p50 {alone_p50:.2} ms, p99 {alone_p99:.2} ms");

    let start = Instant::now();
    let mut reads = 0_u32;
    while start.elapsed() < Duration::from_secs(1) {
        db.run(last).await?.ok_or("the run is gone")?;
        reads += 1;
    }
    let reads_per_second = f64::from(reads) / start.elapsed().as_secs_f64();
    println!("one reader: {reads_per_second:.0} runs/s read");

    db.close().await;
    let report = serde_json::json!({
        "fsync_p50_ms": fsync_p50, "fsync_p99_ms": fsync_p99, "concurrent_runs": CONCURRENT_RUNS,
        "runs_per_second": runs_per_second, "commits_per_second": commits_per_second,
        "commit_p50_ms": p50, "commit_p99_ms": p99, "commit_alone_p50_ms": alone_p50, "commit_alone_p99_ms": alone_p99,
        "reads_per_second": reads_per_second,
    });
    println!("{report}");
    Ok(())
}

/// Writes a run, claims it and ends it, each step durable before the next, as the engine does.
async fn one_run(
    db: &Db,
    clock: &dyn Clock,
    ids: &Ids,
    worker: WorkerId,
    times: &mut Vec<Duration>,
) -> Result<RunId, Failure> {
    let cx = Ctx { request_id: RequestId::new(ids), actor: Actor::System, trace: None, change: None };
    let request = RunRequest {
        tool_id: "no-op".parse()?,
        tool_version: "1.0".to_owned(),
        name: Some("ceiling".to_owned()),
        labels: BTreeMap::new(),
        priority: 0,
        params: JsonMap::new(),
        secret_params: BTreeMap::new(),
        inputs: Vec::new(),
        timeout: Duration::from_secs(60),
        environment: BTreeMap::new(),
        max_attempts: 3,
        concurrency_key: None,
        owner: None,
    };
    let run = Run::new(RunId::new(ids), &cx, request, clock.now());
    let id = run.id;
    let start = Instant::now();
    db.write(move |tx| Box::pin(async move { tx.insert_run(&run).await })).await?;
    times.push(start.elapsed());
    let ended = RunEvent::Ended { attempt: 1, outcome: Outcome::Completed, fault: None, usage: Usage::default() };
    for event in [RunEvent::Claimed { worker }, ended] {
        let (start, now) = (Instant::now(), clock.now());
        let changed = db.write(move |tx| Box::pin(async move { tx.change_run(id, now, event).await })).await?;
        changed.map_err(|refused| StoreError::Refused(refused.to_string()))?;
        times.push(start.elapsed());
    }
    Ok(id)
}
