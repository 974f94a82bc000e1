//! Writes: all or nothing, one alone, and durable when they are answered.

use std::time::Duration;

use cts_model::{RunEvent, RunId};
use cts_store::{Db, SqliteOptions, StoreError};

use crate::support::{Bench, on_both};

async fn there(bench: &Bench, id: RunId) -> bool {
    bench.db.run(id).await.unwrap().is_some()
}

on_both! {
    async fn a_failed_write_is_undone_and_hurts_no_other(bench: &Bench) {
        let runs: Vec<_> = (0..60).map(|_| bench.run_of(bench.request("t"))).collect();
        let writes = runs.iter().cloned().enumerate().map(|(number, run)| {
            bench.db.write(move |tx| Box::pin(async move {
                tx.insert_run(&run).await?;
                match number % 4 {
                    // The same id twice: the database itself refuses.
                    1 => tx.insert_run(&run).await,
                    2 => Err(StoreError::Refused("it does not want to".to_owned())),
                    _ => Ok(()),
                }
            }))
        });
        let results = futures_util::future::join_all(writes).await;
        for (number, (run, result)) in runs.iter().zip(results).enumerate() {
            let good = number % 4 == 0 || number % 4 == 3;
            match result {
                Ok(()) => assert!(good),
                Err(StoreError::Database(_)) => assert_eq!(number % 4, 1),
                Err(StoreError::Refused(reason)) => {
                    assert_eq!((number % 4, reason.as_str()), (2, "it does not want to"));
                }
                Err(error) => panic!("{error}"),
            }
            assert_eq!(there(bench, run.id).await, good);
        }
        // Facts of what was undone are gone as well.
        assert_eq!(bench.db.events_after(0, 100).await.unwrap().len(), 30);
    }

    async fn a_panicking_write_is_undone_and_the_writer_goes_on(bench: &Bench) {
        let (run, id) = { let run = bench.run_of(bench.request("t")); (run.clone(), run.id) };
        let writes = [
            bench.db.write(move |tx| Box::pin(async move {
                tx.insert_run(&run).await?;
                panic!("on purpose");
            })),
        ];
        let other = bench.submit("t");
        let (lost, other) = futures_util::future::join(futures_util::future::join_all(writes), other).await;
        let lost: &Result<(), StoreError> = &lost[0];
        assert!(matches!(lost, Err(StoreError::WriteLost)), "{lost:?}");
        assert!(!there(bench, id).await);
        assert!(there(bench, other.id).await);
        let after = bench.submit("t").await;
        assert!(there(bench, after.id).await);
    }

    async fn a_caller_that_goes_away_does_not_undo_its_write(bench: &Bench) {
        let run = bench.run_of(bench.request("t"));
        let id = run.id;
        let (inside, reached) = tokio::sync::oneshot::channel();
        let (go_on, released) = tokio::sync::oneshot::channel::<()>();
        let write = bench.db.write(move |tx| Box::pin(async move {
            tx.insert_run(&run).await?;
            inside.send(()).unwrap();
            released.await.unwrap();
            Ok(())
        }));
        tokio::select! {
            result = write => panic!("it waits to be released: {result:?}"),
            _ = reached => {}
        }
        // `write` is dropped here.
        go_on.send(()).unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while !there(bench, id).await {
            assert!(std::time::Instant::now() < deadline, "the write was lost");
            tokio::task::yield_now().await;
        }
    }

    async fn nobody_sees_half_a_write(bench: &Bench) {
        let (first, second) = (bench.run_of(bench.request("t")), bench.run_of(bench.request("t")));
        let ids = [first.id, second.id];
        let db = bench.db.clone();
        bench.write(move |tx| Box::pin(async move {
            tx.insert_run(&first).await?;
            assert_eq!(db.run(first.id).await?, None);
            tx.insert_run(&second).await
        })).await;
        assert_eq!(bench.db.run_ids_exist(&ids).await.unwrap().len(), 2);
    }

    async fn a_closed_database_says_so(bench: &Bench) {
        bench.db.ping().await.unwrap();
        let run = bench.submit("t").await;
        bench.db.close().await;
        let (id, now) = (run.id, bench.now());
        let write = bench.db.write(move |tx| Box::pin(tx.change_run(id, now, RunEvent::CancelAsked))).await;
        assert!(matches!(write, Err(StoreError::Closed)), "{write:?}");
        assert!(matches!(bench.db.run(id).await, Err(StoreError::Closed)));
        bench.db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_write_one_file_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cts.db");
    let options = SqliteOptions { durable: false, ..SqliteOptions::default() };
    // Opened at the same moment, as two processes would.
    let (first, second) =
        futures_util::future::join(Db::open_sqlite(&path, &options), Db::open_sqlite(&path, &options)).await;
    let (first, second) = (first.unwrap(), second.unwrap());
    let bench = crate::support::sqlite().await;
    let writes = (0..400).map(|number| {
        let run = bench.run_of(bench.request("t"));
        let db = if number % 2 == 0 { &first } else { &second };
        db.write(move |tx| Box::pin(async move { tx.insert_run(&run).await }))
    });
    for result in futures_util::future::join_all(writes).await {
        result.unwrap();
    }
    assert_eq!(first.queued_count().await.unwrap(), 400);
    assert_eq!(second.last_event_seq().await.unwrap(), 400);
    first.close().await;
    second.close().await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_kept_too_long_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cts.db");
    let options = SqliteOptions { durable: false, busy_wait: Duration::ZERO, ..SqliteOptions::default() };
    let db = Db::open_sqlite(&path, &options).await.unwrap();
    let bench = crate::support::sqlite().await;
    let mut other =
        <sqlx::SqliteConnection as sqlx::Connection>::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let run = bench.run_of(bench.request("t"));
    let stored = run.clone();
    let busy = db.write(move |tx| Box::pin(async move { tx.insert_run(&stored).await })).await;
    assert!(matches!(&busy, Err(error @ StoreError::Busy(_)) if error.is_transient()), "{busy:?}");
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    db.write(move |tx| Box::pin(async move { tx.insert_run(&run).await })).await.unwrap();
    assert_eq!(db.queued_count().await.unwrap(), 1);
    db.close().await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_never_ends_is_undone_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let write_time_max = Duration::from_millis(100);
    let options = SqliteOptions { durable: false, write_time_max, ..SqliteOptions::default() };
    let db = Db::open_sqlite(&folder.path().join("cts.db"), &options).await.unwrap();
    let bench = crate::support::sqlite().await;
    let (run, other) = (bench.run_of(bench.request("t")), bench.run_of(bench.request("t")));
    let ids = [run.id, other.id];
    let endless = db.write(move |tx| {
        Box::pin(async move {
            tx.insert_run(&run).await?;
            std::future::pending::<Result<(), StoreError>>().await
        })
    });
    let behind = db.write(move |tx| Box::pin(async move { tx.insert_run(&other).await }));
    let (endless, behind) = futures_util::future::join(endless, behind).await;
    assert!(matches!(endless, Err(StoreError::WriteLost)), "{endless:?}");
    behind.unwrap();
    assert_eq!(db.run_ids_exist(&ids).await.unwrap(), [ids[1]]);
    db.close().await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_writes_than_may_wait_are_all_done() {
    let bench = crate::support::sqlite().await;
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let first = bench.db.write(move |_| {
        Box::pin(async move {
            released.await.unwrap();
            Ok(())
        })
    });
    let writes = (0..1500).map(|_| bench.submit("t"));
    let all = futures_util::future::join_all(writes);
    let release = async { release.send(()).unwrap() };
    // Polled in this order: the first write blocks the writer while more gather than its queue holds.
    let (first, _, ()) = futures_util::future::join3(first, all, release).await;
    first.unwrap();
    assert_eq!(bench.db.queued_count().await.unwrap(), 1500);
    assert_eq!(bench.db.last_event_seq().await.unwrap(), 1500);
    bench.end().await;
}
