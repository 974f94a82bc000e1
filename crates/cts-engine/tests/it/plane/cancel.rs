//! Cancel, drain and stop: soft first, hard after the grace, nothing left.

use std::time::{Duration, Instant};

use cts_engine::EngineError;
use cts_model::{Code, RunState};
use serde_json::json;

use super::{Bench, cx, request};

#[tokio::test]
async fn a_canceled_run_never_starts() {
    let bench = Bench::with(&[("slow", "sleep 30", "")], |options| options.max_concurrent_runs = 1).await;
    let (first, second) = (bench.submit("slow").await, bench.submit("slow").await);
    bench.until_running(first).await;
    let canceled = bench.engine.cancel(&cx(), second).await.unwrap();
    assert_eq!((canceled.run.state, canceled.run.attempt), (RunState::Canceled, 0));
    bench.engine.cancel(&cx(), first).await.unwrap();
    let ended = bench.end_of(first).await;
    assert_eq!(ended.run.state, RunState::Canceled);
    let again = bench.engine.cancel(&cx(), first).await.unwrap();
    assert_eq!(again.run, ended.run, "asking again changes nothing");
    bench.end().await;
}

#[tokio::test]
async fn a_tool_that_ignores_sigterm_is_killed_after_the_grace_with_all_its_descendants() {
    let script =
        "trap '' TERM; (trap '' TERM; sleep 60) & setsid sh -c 'trap \"\" TERM; sleep 60' & echo ready; wait; sleep 60";
    let bench = Bench::new(&[("stubborn", script, "")]).await;
    let run = bench.submit("stubborn").await;
    bench.until_running(run).await;
    let mut reader = bench.engine.logs().reader(run, 1);
    let deadline = Instant::now() + super::PATIENCE;
    while reader.page(10, cts_engine::LogFilter::default()).await.unwrap().lines.is_empty() {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    let asked = Instant::now();
    bench.engine.cancel(&cx(), run).await.unwrap();
    let view = bench.end_of(run).await;
    assert_eq!(view.run.state, RunState::Canceled, "{view:?}");
    let took = asked.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(10), "{took:?}");
    // `end` looks that no process is left.
    bench.end().await;
}

#[tokio::test]
async fn draining_finishes_what_runs_and_takes_nothing_new() {
    let bench = Bench::with(&[("short", "sleep 0.5; echo end", "")], |options| options.max_concurrent_runs = 1).await;
    let (running, queued) = (bench.submit("short").await, bench.submit("short").await);
    bench.until_running(running).await;
    bench.engine.begin_drain();
    let refused = bench.engine.submit(&cx(), request("short", json!({}))).await.unwrap_err();
    assert!(matches!(refused, EngineError::Draining), "{refused:?}");
    bench.engine.drain(super::PATIENCE).await.unwrap();
    assert_eq!(bench.engine.run(running).await.unwrap().run.state, RunState::Completed);
    assert_eq!(bench.engine.run(queued).await.unwrap().run.state, RunState::Queued, "queued runs stay queued");
}

#[tokio::test]
async fn what_still_runs_at_the_end_of_a_drain_is_stopped_and_queued_again_only_where_that_is_allowed() {
    let more = "[retry]\nretry_on_lost = true";
    let bench = Bench::new(&[("once", "sleep 60", ""), ("again", "sleep 60", more)]).await;
    let (once, again) = (bench.submit("once").await, bench.submit("again").await);
    bench.until_running(once).await;
    bench.until_running(again).await;
    bench.engine.drain(Duration::from_millis(100)).await.unwrap();
    let once = bench.engine.run(once).await.unwrap().run;
    assert_eq!((once.state, once.fault.map(|fault| fault.code)), (RunState::Failed, Some(Code::ServiceStopped)));
    let again = bench.engine.run(again).await.unwrap().run;
    assert_eq!(again.state, RunState::Queued);
    assert!(bench.db.workers().await.unwrap().is_empty(), "the worker's row is gone");
}
