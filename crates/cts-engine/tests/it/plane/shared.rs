//! What holds when several processes share a database, over a restart, and over attempts.

use std::sync::Arc;
use std::time::Duration;

use cts_engine::{IdempotencyKey, LogFilter, WaitFor};
use cts_model::{Code, Ids, Outcome, RunEvent, RunId, RunState, SystemClock, WorkerId};
use cts_store::{Db, SqliteOptions, WorkerRow};
use serde_json::json;

use super::{Bench, cx, options, request, start};

async fn other_process(bench: &Bench) -> Db {
    Db::open_sqlite(&bench.folder.path().join("cts.db"), &SqliteOptions::default()).await.unwrap()
}

async fn change(db: &Db, run: RunId, event: RunEvent) {
    let now = cts_model::Clock::now(&SystemClock);
    let write = db.write(move |tx| Box::pin(async move { tx.change_run(run, now, event).await }));
    write.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_another_live_worker_runs_takes_a_slot_until_its_row_ends() {
    let bench = Bench::new(&[("single", "true", "concurrency = 1")]).await;
    let other = other_process(&bench).await;
    // A second worker of this very process, so that it lives; it holds the tool's only slot.
    let worker = WorkerId::new(&Ids::new(Arc::new(SystemClock)));
    let own: WorkerRow = other.workers().await.unwrap().remove(0);
    let row = WorkerRow { id: worker, ..own };
    other.write(move |tx| Box::pin(async move { tx.insert_worker(&row).await })).await.unwrap();
    let first = bench.submit("single").await;
    bench.end_of(first).await;
    let mut held = bench.engine.run(first).await.unwrap().run;
    held.id = RunId::new(&Ids::new(Arc::new(SystemClock)));
    (held.state, held.attempt, held.ended_at, held.started_at) = (RunState::Queued, 0, None, None);
    held.attempts.clear();
    let held_id = held.id;
    let now = cts_model::Clock::now(&SystemClock);
    let claim = other.write(move |tx| {
        Box::pin(async move {
            tx.insert_run(&held).await?;
            tx.change_run(held_id, now, RunEvent::Claimed { worker }).await
        })
    });
    claim.await.unwrap().unwrap();
    let waiting = bench.submit("single").await;
    let still = bench.engine.wait(waiting, WaitFor::End, Duration::from_millis(2500)).await.unwrap();
    assert_eq!((still.run.state, still.queue_position), (RunState::Queued, Some(1)));
    let (outcome, usage) = (Outcome::Completed, Default::default());
    change(&other, held_id, RunEvent::Ended { attempt: 1, outcome, fault: None, usage }).await;
    assert_eq!(bench.end_of(waiting).await.run.state, RunState::Completed, "nothing has to be given back");
    other.write(move |tx| Box::pin(async move { tx.delete_worker(worker).await })).await.unwrap();
    bench.end().await;
}

#[tokio::test]
async fn a_run_that_another_process_asks_to_end_ends_and_its_waiters_see_it() {
    let bench = Bench::new(&[("slow", "sleep 60", "")]).await;
    let run = bench.submit("slow").await;
    bench.until_running(run).await;
    let other = other_process(&bench).await;
    let wait = bench.engine.wait(run, WaitFor::End, super::PATIENCE);
    let (view, ()) = tokio::join!(wait, change(&other, run, RunEvent::CancelAsked));
    assert_eq!(view.unwrap().run.state, RunState::Canceled);
    bench.end().await;
}

#[tokio::test]
async fn a_run_far_behind_in_the_queue_passes_by_those_that_have_no_slot() {
    let tools = [("single", "until test -e $OUT; do sleep 0.05; done", "concurrency = 1"), ("quick", "true", "")];
    let gate = tempfile::tempdir_in("/tmp").unwrap();
    let open = gate.path().join("open");
    let more =
        format!("concurrency = 1\n[access]\nread = [\"/tmp\"]\n[environment]\nOUT = \"{}\"", open.to_str().unwrap());
    let tools = [(tools[0].0, tools[0].1, more.as_str()), tools[1]];
    let bench = Bench::with(&tools, |options| options.max_queued_runs = 1000).await;
    // More than the dispatcher looks at in one piece.
    let blocked = futures_util::future::join_all((0..300).map(|_| bench.submit("single"))).await;
    let quick = bench.submit("quick").await;
    assert_eq!(bench.end_of(quick).await.run.state, RunState::Completed);
    for run in blocked.iter().rev() {
        bench.engine.cancel(&cx(), *run).await.unwrap();
    }
    std::fs::write(open, "").unwrap();
    for run in blocked {
        bench.end_of(run).await;
    }
    bench.end().await;
}

#[tokio::test]
async fn a_key_is_remembered_over_a_restart() {
    let bench = Bench::new(&[("quick", "true", "")]).await;
    let keyed = || {
        let mut request = request("quick", json!({}));
        request.idempotency =
            Some(IdempotencyKey { key: "k".into(), route: "POST /v1/runs", body_sha256: "a".to_owned() });
        request
    };
    let first = bench.engine.submit(&cx(), keyed()).await.unwrap().view.run.id;
    bench.end_of(first).await;
    let Bench { folder, engine, .. } = bench;
    engine.drain(super::PATIENCE).await.unwrap();
    let (engine, db) = start(folder.path(), options(folder.path()), Arc::new(SystemClock)).await;
    let bench = Bench { folder, engine, db };
    let again = bench.engine.submit(&cx(), keyed()).await.unwrap();
    assert!(again.replayed && again.view.run.id == first);
    bench.end().await;
}

#[tokio::test]
async fn a_transient_fault_is_tried_again_after_a_growing_delay_and_its_reader_goes_on() {
    // The tool kills its supervisor, so that nobody can say how it ended.
    let bench = Bench::with(
        &[("kills", "echo begins; sleep 0.2; kill -KILL $PPID; sleep 60", "[retry]\nretry_on_lost = true")],
        |options| {
            options.sandbox = false;
            options.retry.delay = Duration::from_millis(300);
            options.retry.attempts_max = 3;
        },
    )
    .await;
    let run = bench.submit("kills").await;
    let between = bench.until(run, |view| view.run.state == RunState::Queued && view.run.attempt == 1).await;
    assert!(between.run.not_before.is_some(), "{between:?}");
    let mut reader = bench.engine.logs().reader(run, 1);
    let mut seen = Vec::new();
    loop {
        let ended = bench.engine.run(run).await.unwrap().run.state.is_terminal();
        let page = reader.page(1, LogFilter::default()).await.unwrap();
        seen.extend(page.lines.iter().map(|line| line.seq));
        if ended && page.lines.is_empty() {
            break;
        }
        if page.lines.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let lines = bench.log(run).await;
    assert_eq!(seen, (1..=lines.len() as u64).collect::<Vec<_>>(), "each line once, over all attempts");
    let ended = bench.end_of(run).await.run;
    assert_eq!((ended.attempt, ended.fault.unwrap().code), (3, Code::SupervisorLost));
    let starts: Vec<_> = ended.attempts.iter().map(|attempt| attempt.started_at).collect();
    let ends: Vec<_> = ended.attempts.iter().filter_map(|attempt| attempt.ended_at).collect();
    assert!(starts[1].since(ends[0]) >= Duration::from_millis(300), "{starts:?} {ends:?}");
    assert!(starts[2].since(ends[1]) >= Duration::from_millis(600), "{starts:?} {ends:?}");
    bench.end().await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_hold_up_a_retry() {
    let bench = Bench::with(&[("quick", "true", "")], |options| options.max_concurrent_runs = 1).await;
    let run = bench.submit("quick").await;
    let mut run = { bench.end_of(run).await.run };
    run.id = RunId::new(&Ids::new(Arc::new(SystemClock)));
    (run.state, run.ended_at) = (RunState::Queued, None);
    // Written while the clock was a day ahead.
    run.not_before = Some(cts_model::Clock::now(&SystemClock).plus(Duration::from_hours(24)));
    let id = run.id;
    bench.db.write(move |tx| Box::pin(async move { tx.insert_run(&run).await })).await.unwrap();
    assert_eq!(bench.end_of(id).await.run.state, RunState::Completed);
    bench.end().await;
}
