//! After a death: rows of workers that are gone.

use std::sync::Arc;

use cts_engine::EngineOptions;
use cts_model::{Code, Ids, Outcome, Run, RunEvent, RunId, RunState, SystemClock, Timestamp, WorkerId};
use cts_store::{Db, WorkerKind, WorkerRow};

use super::{Bench, cx, options, script, start};

/// Writes a run that a dead worker was running.
async fn lost_run(db: &Db, tool: &str, kind: WorkerKind, attempts: u32) -> RunId {
    let ids = Ids::new(Arc::new(SystemClock));
    let now = Timestamp::from_ms(1_700_000_000_000);
    let worker = WorkerId::new(&ids);
    let row = WorkerRow {
        id: worker,
        pid: 1,
        start_time_ticks: u64::MAX / 4,
        boot_id: "another-boot".into(),
        kind,
        started_at: now,
        heartbeat_at: now,
    };
    let request = cts_model::RunRequest {
        tool_id: tool.parse().unwrap(),
        tool_version: "1".into(),
        name: None,
        labels: Default::default(),
        priority: 0,
        params: Default::default(),
        secret_params: Default::default(),
        inputs: Vec::new(),
        timeout: std::time::Duration::from_secs(20),
        environment: Default::default(),
        max_attempts: 3,
        concurrency_key: None,
        owner: (kind == WorkerKind::Client).then_some(worker),
    };
    let run = Run::new(RunId::new(&ids), &cx(), request, now);
    let id = run.id;
    db.write(move |tx| {
        Box::pin(async move {
            tx.insert_worker(&row).await?;
            tx.insert_run(&run).await?;
            for attempt in 1..=attempts {
                let claimed = tx.change_run(id, now, RunEvent::Claimed { worker }).await?;
                assert!(claimed.is_ok());
                if attempt < attempts {
                    let event = RunEvent::Requeued {
                        attempt,
                        outcome: Outcome::Lost,
                        fault: None,
                        not_before: None,
                        usage: Default::default(),
                    };
                    assert!(tx.change_run(id, now, event).await?.is_ok());
                }
            }
            Ok(())
        })
    })
    .await
    .unwrap();
    id
}

async fn bench_with_dead(kind: WorkerKind, attempts: u32) -> (Bench, RunId, RunId) {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "once", "echo ran", "");
    script(folder.path(), "again", "echo ran", "[retry]\nretry_on_lost = true");
    let db = Db::open_sqlite(&folder.path().join("cts.db"), &Default::default()).await.unwrap();
    let once = lost_run(&db, "once", kind, attempts).await;
    let again = lost_run(&db, "again", kind, attempts).await;
    // What its attempt left behind.
    let left = folder.path().join(format!("runs/{once}.{attempts}/work"));
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("partial.csv"), "x").unwrap();
    db.close().await;
    let options: EngineOptions = options(folder.path());
    let (engine, db) = start(folder.path(), options, Arc::new(SystemClock)).await;
    (Bench { folder, engine, db }, once, again)
}

#[tokio::test]
async fn a_lost_run_is_tried_again_only_where_its_tool_says_so() {
    let (bench, once, again) = bench_with_dead(WorkerKind::Service, 1).await;
    let once = bench.end_of(once).await.run;
    assert_eq!((once.state, once.fault.map(|fault| fault.code)), (RunState::Failed, Some(Code::RunLost)));
    let again = bench.end_of(again).await.run;
    assert_eq!((again.state, again.attempt), (RunState::Completed, 2));
    assert!(again.recovery_attempted);
    bench.until(once.id, |_| !bench.folder.path().join(format!("runs/{}.1", once.id)).exists()).await;
    assert_eq!(bench.db.workers().await.unwrap().len(), 1, "only the live worker is left");
    bench.end().await;
}

#[tokio::test]
async fn a_run_that_is_lost_again_and_again_is_given_up() {
    let (bench, once, again) = bench_with_dead(WorkerKind::Service, 3).await;
    let again = bench.end_of(again).await.run;
    assert_eq!((again.state, again.attempt), (RunState::Failed, 3));
    bench.until(once, |_| !bench.folder.path().join(format!("runs/{once}.3")).exists()).await;
    bench.end().await;
}

#[tokio::test]
async fn a_run_of_a_dead_client_is_not_tried_again() {
    let (bench, once, again) = bench_with_dead(WorkerKind::Client, 1).await;
    for run in [once, again] {
        let run = bench.end_of(run).await.run;
        assert_eq!((run.state, run.fault.map(|fault| fault.code)), (RunState::Failed, Some(Code::RunLost)));
    }
    bench.until(once, |_| !bench.folder.path().join(format!("runs/{once}.1")).exists()).await;
    bench.end().await;
}

#[tokio::test]
async fn bytes_without_a_row_are_removed_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("tools.d")).unwrap();
    let blobs = cts_store::Blobs::local(&folder.path().join("blobs"), false).unwrap();
    let ids = Ids::new(cts_model::ManualClock::new(Timestamp::from_ms(1_700_000_000_000)));
    let orphan = cts_store::BlobKey::Artifact(cts_model::ArtifactId::new(&ids));
    blobs.put_bytes(orphan, "x".into()).await.unwrap();
    let (engine, db) = start(folder.path(), options(folder.path()), Arc::new(SystemClock)).await;
    let deadline = std::time::Instant::now() + super::PATIENCE;
    while blobs.size(orphan).await.unwrap().is_some() {
        assert!(std::time::Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    Bench { folder, engine, db }.end().await;
}
