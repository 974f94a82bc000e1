//! What holds between the attempts of a run, and between an attempt and a database that is slow or fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cts_engine::attempt::process::find_marked;
use cts_engine::{EngineOptions, WorkerKind};
use cts_model::{RunState, SystemClock};
use cts_store::{Db, SqliteOptions};

use super::{Bench, options, script, start_as};

#[tokio::test]
async fn a_second_attempt_is_not_lost_while_the_first_is_cleared_away() {
    // Many files to remove keep the first attempt busy after its end is recorded, while the second one runs.
    let script = "if test $DEPTH = 9; then cd $TMPDIR && seq 1 20000 | xargs touch; exit 1; fi; sleep 2.5";
    let more =
        "[params.depth]\ntype = \"int\"\ndefault = 9\n[fallback]\ndepth = 1\n[environment]\nDEPTH = \"{param.depth}\"";
    let bench = Bench::new(&[("deep", script, more)]).await;
    let view = bench.end_of(bench.submit("deep").await).await;
    assert_eq!((view.run.state, view.run.attempt), (RunState::Completed, 2), "{view:?}");
    bench.end().await;
}

/// Holds the lock of the database, as another process may, for this long. Returns when it is held.
async fn lock(other: &Db, long: Duration) -> tokio::task::JoinHandle<()> {
    let (locked, is_locked) = tokio::sync::oneshot::channel();
    let other = other.clone();
    let held = tokio::spawn(async move {
        let hold = other.write(move |_| {
            Box::pin(async move {
                locked.send(()).unwrap();
                tokio::time::sleep(long).await;
                Ok(())
            })
        });
        hold.await.unwrap();
    });
    is_locked.await.unwrap();
    held
}

/// Starts an engine and opens its database a second time.
async fn bench_and_other(tool: (&str, &str, &str), busy_wait: Duration) -> (Bench, Db) {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), tool.0, tool.1, tool.2);
    let sqlite = SqliteOptions { busy_wait, ..SqliteOptions::default() };
    let options: EngineOptions = options(folder.path());
    let clock = Arc::new(SystemClock);
    let (engine, db) = start_as(folder.path(), options, clock, WorkerKind::Service, &sqlite).await;
    let other = Db::open_sqlite(&folder.path().join("cts.db"), &SqliteOptions::default()).await.unwrap();
    (Bench { folder, engine, db }, other)
}

#[tokio::test]
async fn a_database_that_does_not_answer_holds_up_neither_a_tool_nor_its_time_limit() {
    let script = "while :; do echo '::cts {\"progress\": 1}'; echo x >> a.txt; sleep 0.02; done";
    let (bench, other) = bench_and_other(("slow", script, "timeout = \"1500ms\""), Duration::from_secs(30)).await;
    let run = bench.submit("slow").await;
    bench.until_running(run).await;
    let started = Instant::now();
    let held = lock(&other, Duration::from_secs(5)).await;
    let worker = bench.engine.worker_id().to_string();
    let running = || !find_marked(|mark| mark.ends_with(&worker)).is_empty();
    while running() {
        assert!(started.elapsed() < Duration::from_secs(4), "its time limit was 1.5 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    held.await.unwrap();
    let view = bench.end_of(run).await;
    assert_eq!(view.run.fault.map(|fault| fault.code), Some(cts_model::Code::ToolTimeout));
    bench.end().await;
}

#[tokio::test]
async fn a_file_whose_row_could_not_be_written_at_once_is_an_artifact_in_the_end() {
    let script = "until test -e $OUT/go; do sleep 0.02; done; echo 1 > a.txt; echo '::cts {\"artifact\": \"a.txt\"}'; \
                  until test -e $OUT/end; do sleep 0.02; done";
    let more = "[access]\nread = [\"/tmp\"]\n[params.out]\ntype = \"str\"\nrequired = true\n[environment]\nOUT = \"{param.out}\"";
    let (bench, other) = bench_and_other(("early", script, more), Duration::from_millis(100)).await;
    let gate = tempfile::tempdir_in("/tmp").unwrap();
    let wanted = super::request("early", serde_json::json!({"out": gate.path()}));
    let run = bench.engine.submit(&super::cx(), wanted).await.unwrap().view.run.id;
    bench.until_running(run).await;
    let held = lock(&other, Duration::from_millis(1500)).await;
    std::fs::write(gate.path().join("go"), "").unwrap();
    held.await.unwrap();
    std::fs::write(gate.path().join("end"), "").unwrap();
    let view = bench.end_of(run).await;
    assert_eq!((view.run.state, view.run.artifacts.len()), (RunState::Completed, 1), "{view:?}");
    bench.end().await;
}
