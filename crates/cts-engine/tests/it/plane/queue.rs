//! Order, limits, bounds and repeated requests.

use std::time::Duration;

use cts_engine::{EngineError, IdempotencyKey};
use cts_model::RunState;
use serde_json::json;

use super::{Bench, cx, request};

/// A tool that says when it begins and ends, so that overlaps show.
const SPAN: &str = "date +%s%N > begin.txt; sleep 0.1; date +%s%N > end.txt";

async fn spans(bench: &Bench, runs: &[cts_model::RunId]) -> Vec<(u64, u64)> {
    let mut spans = Vec::new();
    for run in runs {
        let view = bench.end_of(*run).await;
        assert_eq!(view.run.state, RunState::Completed, "{view:?}");
        let mut times = Vec::new();
        for artifact in bench.engine.artifacts(*run).await.unwrap() {
            let path = bench.engine.blobs().local_path(cts_store::BlobKey::Artifact(artifact.id)).unwrap();
            times.push(std::fs::read_to_string(path).unwrap().trim().parse::<u64>().unwrap());
        }
        spans.push((times[0], times[1]));
    }
    spans.sort_unstable();
    spans
}

#[tokio::test]
async fn a_tool_with_one_slot_never_runs_twice_at_one_time() {
    let bench = Bench::new(&[("single", SPAN, "concurrency = 1")]).await;
    let mut runs = Vec::new();
    for _ in 0..5 {
        runs.push(bench.submit("single").await);
    }
    let spans = spans(&bench, &runs).await;
    assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{spans:?}");
    bench.end().await;
}

#[tokio::test]
async fn runs_with_one_key_wait_for_each_other_and_others_pass_by() {
    let more = "concurrency_key = [\"car\"]\nconcurrency_per_key = 1\n[params.car]\ntype = \"str\"\nrequired = true";
    let bench = Bench::new(&[("keyed", SPAN, more)]).await;
    let mut runs = Vec::new();
    for car in ["a", "a", "b"] {
        runs.push(bench.engine.submit(&cx(), request("keyed", json!({"car": car}))).await.unwrap().view.run.id);
    }
    let other = bench.end_of(runs[2]).await.run;
    let second = bench.engine.run(runs[1]).await.unwrap().run;
    assert!(second.started_at.is_none_or(|at| at >= other.started_at.unwrap()), "b went past the second a");
    let spans = spans(&bench, &runs[..2]).await;
    assert!(spans[0].1 <= spans[1].0);
    bench.end().await;
}

#[tokio::test]
async fn a_higher_priority_goes_first() {
    let bench = Bench::with(&[("single", SPAN, "")], |options| options.max_concurrent_runs = 1).await;
    let first = bench.submit("single").await;
    bench.until_running(first).await;
    let low = bench.submit("single").await;
    let mut urgent = request("single", json!({}));
    urgent.priority = 10;
    let high = bench.engine.submit(&cx(), urgent).await.unwrap().view.run.id;
    assert_eq!(bench.engine.run(high).await.unwrap().queue_position, Some(1));
    assert_eq!(bench.engine.run(low).await.unwrap().queue_position, Some(2));
    let (high, low) = (bench.end_of(high).await.run, bench.end_of(low).await.run);
    assert!(high.started_at < low.started_at);
    bench.end().await;
}

#[tokio::test]
async fn a_full_queue_refuses_with_the_position() {
    let bench = Bench::with(&[("slow", "sleep 30", "")], |options| {
        options.max_concurrent_runs = 1;
        options.max_queued_runs = 2;
    })
    .await;
    let mut runs = vec![bench.submit("slow").await];
    bench.until_running(runs[0]).await;
    runs.push(bench.submit("slow").await);
    runs.push(bench.submit("slow").await);
    let refused = bench.engine.submit(&cx(), request("slow", json!({}))).await.unwrap_err();
    assert!(matches!(refused, EngineError::QueueFull { position: 3 }), "{refused:?}");
    for run in runs.into_iter().rev() {
        bench.engine.cancel(&cx(), run).await.unwrap();
        assert_eq!(bench.end_of(run).await.run.state, RunState::Canceled);
    }
    bench.end().await;
}

#[tokio::test]
async fn the_same_key_and_body_make_one_run_also_at_once() {
    let bench = Bench::new(&[("quick", "true", "")]).await;
    let keyed = |body: &str| {
        let mut request = request("quick", json!({}));
        request.idempotency =
            Some(IdempotencyKey { key: "k".into(), route: "POST /v1/runs", body_sha256: body.to_owned() });
        request
    };
    let cx = cx();
    let all = futures_util::future::join_all((0..8).map(|_| bench.engine.submit(&cx, keyed("a")))).await;
    let mut ids: Vec<_> = all.iter().map(|submitted| submitted.as_ref().unwrap().view.run.id).collect();
    assert_eq!(all.iter().filter(|submitted| !submitted.as_ref().unwrap().replayed).count(), 1);
    ids.dedup();
    assert_eq!(ids.len(), 1);
    bench.end_of(ids[0]).await;
    let later = bench.engine.submit(&cx, keyed("a")).await.unwrap();
    assert!(later.replayed && later.view.run.state == RunState::Completed, "as it is now");
    let other = bench.engine.submit(&cx, keyed("b")).await.unwrap_err();
    assert!(matches!(other, EngineError::IdempotencyKeyReused), "{other:?}");
    bench.end().await;
}

#[tokio::test]
async fn three_hundred_submissions_at_once_all_end_once() {
    let bench = Bench::with(&[("quick", "echo $CTS_RUN_ID", "")], |options| {
        options.max_queued_runs = 1000;
        options.max_concurrent_runs = 8;
    })
    .await;
    let cx = cx();
    let all =
        futures_util::future::join_all((0..300).map(|_| bench.engine.submit(&cx, request("quick", json!({}))))).await;
    for submitted in all {
        let run = submitted.unwrap().view.run.id;
        let view = bench.end_of(run).await;
        assert_eq!((view.run.state, view.run.attempt), (RunState::Completed, 1));
        assert_eq!(bench.log(run).await, [format!("INFO tool stdout {run}")]);
    }
    let events = bench.engine.events_after(0, 10_000).await.unwrap();
    assert_eq!(events.len(), 900, "queued, running, completed: once each");
    bench.end().await;
}

#[tokio::test]
async fn a_low_disk_takes_nothing_new() {
    let bench = Bench::with(&[("quick", "true", "")], |options| options.disk_free_bytes_min = u64::MAX).await;
    let refused = bench.engine.submit(&cx(), request("quick", json!({}))).await.unwrap_err();
    assert!(matches!(refused, EngineError::DiskLow { .. }), "{refused:?}");
    tokio::time::timeout(Duration::from_secs(20), bench.end()).await.unwrap();
}

#[tokio::test]
async fn a_key_is_not_spent_on_a_run_that_the_full_queue_refused() {
    let bench = Bench::with(&[("slow", "sleep 30", "")], |options| {
        options.max_concurrent_runs = 1;
        options.max_queued_runs = 1;
    })
    .await;
    let running = bench.submit("slow").await;
    bench.until_running(running).await;
    let waiting = bench.submit("slow").await;
    let keyed = || {
        let mut request = request("slow", json!({}));
        request.idempotency =
            Some(IdempotencyKey { key: "k".into(), route: "POST /v1/runs", body_sha256: "a".to_owned() });
        request
    };
    let refused = bench.engine.submit(&cx(), keyed()).await.unwrap_err();
    assert!(matches!(refused, EngineError::QueueFull { position: 2 }), "{refused:?}");
    bench.engine.cancel(&cx(), waiting).await.unwrap();
    let submitted = bench.engine.submit(&cx(), keyed()).await.unwrap();
    assert!(!submitted.replayed);
    for run in [submitted.view.run.id, running] {
        bench.engine.cancel(&cx(), run).await.unwrap();
        bench.end_of(run).await;
    }
    bench.end().await;
}

#[tokio::test]
async fn one_key_with_two_bodies_at_once_makes_one_run_and_one_refusal() {
    let bench = Bench::new(&[("quick", "true", "")]).await;
    let keyed = |body: &str| {
        let mut request = request("quick", json!({}));
        request.idempotency =
            Some(IdempotencyKey { key: "k".into(), route: "POST /v1/runs", body_sha256: body.to_owned() });
        request
    };
    let cx = cx();
    let (one, other) = tokio::join!(bench.engine.submit(&cx, keyed("a")), bench.engine.submit(&cx, keyed("b")));
    let (made, refused) = if one.is_ok() { (one, other) } else { (other, one) };
    assert!(matches!(refused, Err(EngineError::IdempotencyKeyReused)), "{refused:?}");
    bench.end_of(made.unwrap().view.run.id).await;
    bench.end().await;
}

#[tokio::test]
async fn a_key_is_remembered_for_a_day_and_then_anew() {
    let folder = tempfile::tempdir().unwrap();
    super::script(folder.path(), "quick", "true", "");
    let clock = cts_model::ManualClock::new(cts_model::Clock::now(&cts_model::SystemClock));
    let as_clock = std::sync::Arc::clone(&clock) as std::sync::Arc<dyn cts_model::Clock>;
    let (engine, db) = super::start(folder.path(), super::options(folder.path()), as_clock).await;
    let bench = Bench { folder, engine, db };
    let keyed = || {
        let mut request = request("quick", json!({}));
        request.idempotency =
            Some(IdempotencyKey { key: "k".into(), route: "POST /v1/runs", body_sha256: "a".to_owned() });
        request
    };
    let first = bench.engine.submit(&cx(), keyed()).await.unwrap();
    clock.advance(Duration::from_hours(25));
    let second = bench.engine.submit(&cx(), keyed()).await.unwrap();
    assert!(!second.replayed && second.view.run.id != first.view.run.id);
    let third = bench.engine.submit(&cx(), keyed()).await.unwrap();
    assert!(third.replayed && third.view.run.id == second.view.run.id, "the key stands for the second run now");
    bench.end_of(first.view.run.id).await;
    bench.end_of(second.view.run.id).await;
    bench.end().await;
}

#[tokio::test]
async fn no_priority_is_too_low_to_be_refused() {
    let bench = Bench::new(&[("quick", "true", "")]).await;
    for priority in [i32::MIN, -101, 101, i32::MAX] {
        let mut request = request("quick", json!({}));
        request.priority = priority;
        let refused = bench.engine.submit(&cx(), request).await.unwrap_err();
        assert!(matches!(refused, EngineError::InvalidRequest(_)), "{refused:?}");
    }
    bench.end().await;
}
