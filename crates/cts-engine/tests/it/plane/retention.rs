//! What is removed when it is old or too much, with a clock that is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use cts_engine::{EngineError, Removed};
use cts_model::{Clock, ManualClock, SystemClock};

use super::{Bench, options, script, start};

async fn bench(change: impl FnOnce(&mut cts_engine::EngineOptions)) -> (Bench, Arc<ManualClock>) {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "makes", "head -c 1000 /dev/zero > a.bin; echo line", "");
    let mut options = options(folder.path());
    change(&mut options);
    let clock = ManualClock::new(SystemClock.now());
    let (engine, db) = start(folder.path(), options, Arc::clone(&clock) as Arc<dyn Clock>).await;
    (Bench { folder, engine, db }, clock)
}

#[tokio::test]
async fn artifacts_go_first_then_runs_with_their_logs_and_pinned_ones_stay() {
    let (bench, clock) = bench(|_| {}).await;
    let (old, pinned) = (bench.submit("makes").await, bench.submit("makes").await);
    bench.end_of(old).await;
    bench.end_of(pinned).await;
    bench.engine.pin(pinned, true).await.unwrap();
    assert_eq!(bench.engine.retention_pass().await.unwrap(), Removed::default());
    clock.advance(Duration::from_hours(25));
    let removed = bench.engine.retention_pass().await.unwrap();
    assert_eq!((removed.artifacts, removed.runs), (1, 0));
    assert!(bench.engine.artifacts(old).await.unwrap().is_empty());
    assert_eq!(bench.engine.artifacts(pinned).await.unwrap().len(), 1);
    clock.advance(Duration::from_hours(25));
    assert_eq!(bench.engine.retention_pass().await.unwrap().runs, 1);
    assert!(matches!(bench.engine.run(old).await, Err(EngineError::RunNotFound(_))));
    assert!(bench.log(old).await.is_empty(), "its log is gone");
    assert_eq!(bench.log(pinned).await.len(), 1);
    bench.end().await;
}

#[tokio::test]
async fn too_many_bytes_take_away_the_oldest() {
    let (bench, _clock) = bench(|options| options.artifact_storage_bytes_max = 2500).await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        let run = bench.submit("makes").await;
        bench.end_of(run).await;
        runs.push(run);
    }
    assert_eq!(bench.engine.retention_pass().await.unwrap().artifacts, 2);
    let mut left = Vec::new();
    for run in runs {
        left.push(bench.engine.artifacts(run).await.unwrap().len());
    }
    assert_eq!(left, [0, 0, 1, 1]);
    bench.end().await;
}

#[tokio::test]
async fn logs_go_by_their_age_also_where_runs_are_kept_for_ever() {
    let (bench, clock) = bench(|options| {
        options.run_retention = Duration::ZERO;
        options.artifact_retention = Duration::ZERO;
        options.log_retention = Duration::from_hours(24);
    })
    .await;
    let (old, pinned) = (bench.submit("makes").await, bench.submit("makes").await);
    bench.end_of(old).await;
    bench.end_of(pinned).await;
    bench.engine.pin(pinned, true).await.unwrap();
    clock.advance(Duration::from_hours(25));
    let removed = bench.engine.retention_pass().await.unwrap();
    assert_eq!(removed, Removed { logs: 1, ..Removed::default() });
    assert!(bench.log(old).await.is_empty());
    assert_eq!(bench.log(pinned).await.len(), 1);
    bench.end().await;
}

#[tokio::test]
async fn who_follows_the_changes_of_runs_is_woken_when_one_is_removed() {
    let (bench, clock) = bench(|_| {}).await;
    bench.end_of(bench.submit("makes").await).await;
    clock.advance(Duration::from_hours(50));
    let mut changes = bench.engine.run_changes();
    changes.mark_unchanged();
    assert_eq!(bench.engine.retention_pass().await.unwrap().runs, 1);
    assert!(changes.has_changed().unwrap());
    bench.end().await;
}
