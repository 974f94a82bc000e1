//! Fills a database with ended runs: `seed_runs DATABASE COUNT`, for measuring what lists cost when there are many.
//!
//! Ten tools, `tool-0` to `tool-9`; of a hundred runs ninety are completed, eight failed and two canceled. The database
//! is the file of a service that is not running.

#![expect(clippy::print_stdout, reason = "this program tells how far it is")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cts_model::run::BadTransition;
use cts_model::{
    Actor, Clock, Code, Ctx, Fault, Ids, JsonMap, Outcome, RequestId, Run, RunEvent, RunId, RunRequest, SystemClock,
    Usage, WorkerId,
};
use cts_store::{Db, SqliteOptions};

/// Runs in one transaction.
const RUNS_A_WRITE: u64 = 2_000;
/// Writes between two lines that tell how far it is.
const WRITES_A_LINE: u64 = 50;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = "usage: seed_runs DATABASE COUNT";
    let database = PathBuf::from(arguments.next().ok_or(usage)?);
    let count: u64 = arguments.next().ok_or(usage)?.to_string_lossy().parse()?;

    let db = Db::open_sqlite(&database, &SqliteOptions::default()).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids = Arc::new(Ids::new(Arc::clone(&clock)));
    let worker = WorkerId::new(&ids);
    let start = Instant::now();
    let mut done = 0;
    while done < count {
        let until = count.min(done + RUNS_A_WRITE);
        let runs: Vec<Run> =
            (done..until).map(|number| ended_run(number, &*clock, &ids, worker)).collect::<Result<_, _>>()?;
        db.write(move |tx| {
            Box::pin(async move {
                for run in &runs {
                    tx.insert_run(run).await?;
                }
                Ok(())
            })
        })
        .await?;
        done = until;
        if done == count || done.is_multiple_of(RUNS_A_WRITE * WRITES_A_LINE) {
            println!("{done} of {count} runs after {:.0} s", start.elapsed().as_secs_f64());
        }
    }
    db.close().await;
    Ok(())
}

fn ended_run(number: u64, clock: &dyn Clock, ids: &Ids, worker: WorkerId) -> Result<Run, Failure> {
    let cx = Ctx { request_id: RequestId::new(ids), actor: Actor::System, trace: None, change: None };
    let request = RunRequest {
        tool_id: format!("tool-{}", number % 10).parse()?,
        tool_version: "1.0".to_owned(),
        name: Some(format!("drive {number}")),
        labels: BTreeMap::from([("car".to_owned(), format!("car-{}", number % 100))]),
        priority: 0,
        params: JsonMap::from_iter([("window_start".to_owned(), 20.into()), ("window_dur".to_owned(), 12.into())]),
        secret_params: BTreeMap::new(),
        inputs: Vec::new(),
        timeout: Duration::from_secs(300),
        environment: BTreeMap::new(),
        max_attempts: 3,
        concurrency_key: None,
        owner: None,
    };
    let mut run = Run::new(RunId::new(ids), &cx, request, clock.now());
    end(&mut run, number / 10 % 100, clock, worker)?;
    Ok(run)
}

/// Ends it as one of a hundred.
fn end(run: &mut Run, of_hundred: u64, clock: &dyn Clock, worker: WorkerId) -> Result<(), BadTransition> {
    if of_hundred >= 98 {
        return run.apply(clock.now(), RunEvent::CancelAsked);
    }
    run.apply(clock.now(), RunEvent::Claimed { worker })?;
    let (outcome, fault) = match of_hundred {
        0..90 => (Outcome::Completed, None),
        _ => (Outcome::ToolError, Some(Fault::new(Code::ToolFailed, "the tool ended with status 1"))),
    };
    run.apply(clock.now(), RunEvent::Ended { attempt: 1, outcome, fault, usage: Usage::default() })
}
