//! The end of an engine: nothing begins after it, and no row says that something runs that does not.

use std::sync::Arc;
use std::time::Duration;

use cts_engine::WorkerKind;
use cts_engine::attempt::process::find_marked;
use cts_model::{Code, Ids, Run, RunEvent, RunId, RunState, SystemClock, Timestamp, WorkerId};
use cts_store::{Db, SqliteOptions};

use super::{Bench, cx, options, script, start, start_as};

fn bare_run(tool: &str) -> Run {
    let request = cts_model::RunRequest {
        tool_id: tool.parse().unwrap(),
        tool_version: "1".into(),
        name: None,
        labels: Default::default(),
        priority: 0,
        params: Default::default(),
        secret_params: Default::default(),
        inputs: Vec::new(),
        timeout: Duration::from_secs(20),
        environment: Default::default(),
        max_attempts: 3,
        concurrency_key: None,
        owner: None,
    };
    let ids = Ids::new(Arc::new(SystemClock));
    Run::new(RunId::new(&ids), &cx(), request, Timestamp::from_ms(1_700_000_000_000))
}

/// Writes a run past the engine, and says that it runs at this worker when one is given.
async fn write_run(db: &Db, tool: &str, worker: Option<WorkerId>) -> RunId {
    let run = bare_run(tool);
    let (id, now) = (run.id, run.created_at);
    let write = db.write(move |tx| {
        Box::pin(async move {
            tx.insert_run(&run).await?;
            if let Some(worker) = worker {
                assert!(tx.change_run(id, now, RunEvent::Claimed { worker }).await?.is_ok());
            }
            Ok(())
        })
    });
    write.await.unwrap();
    id
}

#[tokio::test]
async fn a_claim_that_is_on_its_way_when_the_drain_begins_is_waited_for() {
    let bench = Bench::new(&[("slow", "sleep 60", "")]).await;
    let run = write_run(&bench.db, "slow", None).await;
    // The dispatcher finds it at its next look, within a second; its claim waits behind this write.
    let db = bench.db.clone();
    let wait = || {
        db.write(|_| {
            Box::pin(async {
                tokio::time::sleep(Duration::from_millis(1800)).await;
                Ok(())
            })
        })
    };
    let drain = async {
        tokio::time::sleep(Duration::from_millis(1400)).await;
        bench.engine.drain(Duration::ZERO).await.unwrap();
    };
    let (waited, ()) = tokio::join!(wait(), drain);
    waited.unwrap();
    // Whatever was to happen after the end of the drain has happened when the database has taken another write.
    bench.db.write(|_| Box::pin(async { Ok(()) })).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let worker = bench.engine.worker_id().to_string();
    assert_eq!(find_marked(|mark| mark.ends_with(&worker)), [], "nothing runs after the drain");
    let run = bench.engine.run(run).await.unwrap().run;
    assert_ne!(run.state, RunState::Running, "{run:?}");
    bench.end().await;
}

#[tokio::test]
async fn a_row_that_says_that_its_run_runs_here_is_ended_before_the_worker_is_gone() {
    let bench = Bench::new(&[("slow", "sleep 60", "")]).await;
    let run = write_run(&bench.db, "slow", Some(bench.engine.worker_id())).await;
    bench.engine.drain(Duration::ZERO).await.unwrap();
    let run = bench.engine.run(run).await.unwrap().run;
    assert_eq!((run.state, run.fault.map(|fault| fault.code)), (RunState::Failed, Some(Code::RunLost)));
    bench.end().await;
}

#[tokio::test]
async fn a_run_of_a_worker_that_nobody_knows_is_recovered() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "slow", "sleep 60", "");
    let db = Db::open_sqlite(&folder.path().join("cts.db"), &SqliteOptions::default()).await.unwrap();
    let run = write_run(&db, "slow", Some(WorkerId::new(&Ids::new(Arc::new(SystemClock))))).await;
    db.close().await;
    let (engine, db) = start(folder.path(), options(folder.path()), Arc::new(SystemClock)).await;
    let bench = Bench { folder, engine, db };
    let run = bench.engine.run(run).await.unwrap().run;
    assert_eq!((run.state, run.fault.map(|fault| fault.code)), (RunState::Failed, Some(Code::RunLost)));
    bench.end().await;
}

#[tokio::test]
async fn what_a_client_in_process_still_has_in_the_queue_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "slow", "sleep 60", "");
    let mut options = options(folder.path());
    options.max_concurrent_runs = 1;
    let (clock, sqlite) = (Arc::new(SystemClock), SqliteOptions::default());
    let (engine, db) = start_as(folder.path(), options, clock, WorkerKind::Client, &sqlite).await;
    let bench = Bench { folder, engine, db };
    let (first, second) = (bench.submit("slow").await, bench.submit("slow").await);
    bench.until_running(first).await;
    bench.engine.stop_now().await.unwrap();
    assert!(bench.engine.run(first).await.unwrap().run.state.is_terminal());
    assert_eq!(bench.engine.run(second).await.unwrap().run.state, RunState::Canceled, "nobody waits for it any more");
    assert!(bench.db.workers().await.unwrap().is_empty());
    bench.end().await;
}

#[tokio::test]
async fn a_tool_with_a_long_grace_does_not_outlive_the_drain() {
    let script = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
    let bench = Bench::new(&[("stubborn", script, "[limits]\nstop_grace = \"10m\"")]).await;
    let run = bench.submit("stubborn").await;
    bench.until_running(run).await;
    while bench.log(run).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bench.engine.drain(Duration::ZERO).await.unwrap();
    let run = bench.engine.run(run).await.unwrap().run;
    assert_eq!((run.state, run.fault.map(|fault| fault.code)), (RunState::Failed, Some(Code::ServiceStopped)));
    bench.end().await;
}
