//! Measures lists in a database with very many runs: `million_runs DIRECTORY [RUNS]`.
//!
//! Fills a new database with runs of twenty tools in all states, most of them completed, then asks for pages with several
//! filters, from the newest run on and from somewhere within, and prints p50 and p99 of each. The last line is JSON, for
//! programs.

#![expect(clippy::print_stdout, reason = "this program prints what it measured")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cts_model::{
    Actor, Clock, Ctx, Ids, JsonMap, ManualClock, RequestId, Run, RunId, RunRequest, RunState, SystemClock,
};
use cts_store::{Db, RunFilter, RunSort, SqliteOptions, StoreError};

/// Runs written in one commit.
const RUNS_IN_A_WRITE: u32 = 1000;
/// How often each question is put.
const QUESTIONS: u32 = 200;
/// Runs on a page.
const PAGE: u32 = 50;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("usage: million_runs DIRECTORY [RUNS]")?);
    let runs = arguments.next().map(|text| text.to_string_lossy().parse()).transpose()?.unwrap_or(1_000_000);
    let folder = tempfile::Builder::new().prefix("million-runs-").tempdir_in(directory)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&folder.path().join("cts.db"), runs))
}

async fn measure(path: &std::path::Path, runs: u32) -> Result<(), Failure> {
    let options = SqliteOptions { durable: false, ..SqliteOptions::default() };
    let db = Db::open_sqlite(path, &options).await?;
    let clock = ManualClock::new(SystemClock.now().minus(Duration::from_millis(u64::from(runs) * 10)));
    let ids = Ids::new(Arc::clone(&clock) as Arc<dyn Clock>);
    let mut sample = Vec::new();
    let start = Instant::now();
    for written in (0..runs).step_by(RUNS_IN_A_WRITE as usize) {
        let size = RUNS_IN_A_WRITE.min(runs - written);
        let made =
            (0..size).map(|number| one(&ids, &clock, written + number)).collect::<Result<Vec<Run>, Failure>>()?;
        sample.extend(made.first().map(|run| run.id));
        let write = db.write(move |tx| {
            Box::pin(async move {
                for run in &made {
                    tx.insert_run(run).await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        write.await?;
    }
    let filled = start.elapsed().as_secs_f64();
    println!("{runs} runs written in {filled:.1} s, {} bytes", std::fs::metadata(path)?.len());

    let tool = |number: u32| format!("tool-{number}").parse();
    let of_tool = RunFilter { tool_ids: vec![tool(3)?], states: vec![RunState::Failed], ..RunFilter::default() };
    let filters = [
        ("all", RunFilter::default()),
        ("tool_and_status", of_tool.clone()),
        ("tool_and_rare_status", RunFilter { states: vec![RunState::Canceled], ..of_tool.clone() }),
        ("tool", RunFilter { states: Vec::new(), ..of_tool.clone() }),
        (
            "two_tools_three_statuses",
            RunFilter {
                tool_ids: vec![tool(3)?, tool(4)?],
                states: vec![RunState::Completed, RunState::Failed, RunState::Canceled],
                ..RunFilter::default()
            },
        ),
        ("status", RunFilter { states: vec![RunState::Failed], ..RunFilter::default() }),
        ("label", RunFilter { labels: vec![("batch".to_owned(), "7".to_owned())], ..RunFilter::default() }),
        ("name", RunFilter { name: Some("run 70".to_owned()), ..RunFilter::default() }),
        ("search_that_finds_nothing", RunFilter { q: Some("no such words".to_owned()), ..RunFilter::default() }),
    ];
    let mut report = serde_json::json!({ "runs": runs, "page": PAGE });
    for (name, filter) in filters {
        let (mut times, mut found) = (Vec::new(), 0);
        let mut cursor = None;
        let questions = if filter.q.is_some() { 3 } else { QUESTIONS };
        for _ in 0..questions {
            let start = Instant::now();
            let page = db.runs(&filter, RunSort::Newest, PAGE, cursor.as_deref()).await?;
            times.push(start.elapsed());
            found += page.runs.len();
            cursor = page.next;
        }
        let [p50, p99] = percentiles(&mut times);
        println!("{name}: p50 {p50:.2} ms, p99 {p99:.2} ms, {found} runs seen");
        report[name] = serde_json::json!({ "p50_ms": p50, "p99_ms": p99 });
    }
    let mut times = Vec::new();
    for id in sample.iter().cycle().take(2000) {
        let start = Instant::now();
        db.run(*id).await?.ok_or("the run is gone")?;
        times.push(start.elapsed());
    }
    let [p50, p99] = percentiles(&mut times);
    println!("one run: p50 {p50:.3} ms, p99 {p99:.3} ms");
    report["one_run"] = serde_json::json!({ "p50_ms": p50, "p99_ms": p99 });
    println!("{report}");
    db.close().await;
    Ok(())
}

/// Returns run number `number`: nine of ten are completed, one of a thousand is canceled.
fn one(ids: &Ids, clock: &ManualClock, number: u32) -> Result<Run, Failure> {
    clock.advance(Duration::from_millis(10));
    let cx = Ctx { request_id: RequestId::new(ids), actor: Actor::System, traceparent: None };
    let labels =
        if number % 10 == 0 { [("batch".to_owned(), (number / 10 % 100).to_string())].into() } else { BTreeMap::new() };
    let request = RunRequest {
        tool_id: format!("tool-{}", number % 20).parse()?,
        tool_version: "1.0".to_owned(),
        name: (number % 3 == 0).then(|| format!("run {}", number % 1000)),
        labels,
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
    let mut run = Run::new(RunId::new(ids), &cx, request, clock.now());
    run.state = match number / 20 % 1000 {
        0 => RunState::Canceled,
        place if place % 10 == 1 => RunState::Failed,
        _ => RunState::Completed,
    };
    run.attempt = 1;
    run.started_at = Some(run.created_at);
    run.ended_at = Some(run.created_at);
    Ok(run)
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
