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
