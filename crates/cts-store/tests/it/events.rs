//! The outbox: a reader that goes on from its position misses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cts_model::{RunEvent, RunId, WorkerId};
use cts_store::EventRow;
use serde_json::json;

use crate::support::on_both;

on_both! {
    async fn every_change_of_a_run_is_a_fact_in_order(bench: &Bench) {
        assert_eq!(bench.db.last_event_seq().await.unwrap(), 0);
        let (id, now, worker) = (bench.submit("t").await.id, bench.now(), WorkerId::new(&bench.ids));
        bench.write(move |tx| Box::pin(async move {
            tx.change_run(id, now, RunEvent::Claimed { worker }).await?.unwrap();
            tx.change_run(id, now, RunEvent::CancelAsked).await?.unwrap();
            tx.change_run(id, now, RunEvent::CancelAsked).await?.unwrap();
            tx.add_event(now, "settings.changed", None, json!({"name": "x"}));
            Ok(())
        })).await;
        let events = bench.db.events_after(0, 100).await.unwrap();
        let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["run.queued", "run.running", "run.cancel_asked", "settings.changed"]);
        assert_eq!(events[1].run_id, Some(id));
        assert_eq!(events[1].payload, json!({"status": "running", "tool_id": "t", "name": null, "attempt": 1}));
        assert_eq!(events[3].run_id, None);
        assert_eq!(bench.db.events_after(events[0].seq, 2).await.unwrap(), events[1..3]);
        assert_eq!(bench.db.last_event_seq().await.unwrap(), events[3].seq);
    }

    async fn a_reader_misses_nothing_while_many_write(bench: &Bench) {
        const WRITERS: usize = 8;
        const RUNS: usize = 40;
        let ended = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn({
            let (db, ended) = (bench.db.clone(), Arc::clone(&ended));
            async move {
                let mut seen: Vec<EventRow> = Vec::new();
                loop {
                    // Read before looking, so that the last round sees everything.
                    let last = ended.load(Ordering::SeqCst);
                    let seq = seen.last().map_or(0, |event| event.seq);
                    let more = db.events_after(seq, 1000).await.unwrap();
                    if last && more.is_empty() {
                        return seen;
                    }
                    seen.extend(more);
                }
            }
        });
        let writers = (0..WRITERS).map(|_| async {
            for _ in 0..RUNS {
                bench.submit("t").await;
            }
        });
        futures_util::future::join_all(writers).await;
        ended.store(true, Ordering::SeqCst);
        let seen = reader.await.unwrap();
        assert!(seen.windows(2).all(|pair| pair[0].seq < pair[1].seq));
        let mut runs: Vec<RunId> = seen.iter().filter_map(|event| event.run_id).collect();
        runs.sort_unstable();
        runs.dedup();
        assert_eq!((seen.len(), runs.len()), (WRITERS * RUNS, WRITERS * RUNS));
    }

    async fn old_facts_go_and_the_count_goes_on(bench: &Bench) {
        for _ in 0..20 {
            bench.submit("t").await;
        }
        let last = bench.db.last_event_seq().await.unwrap();
        let later = bench.now().plus(Duration::from_secs(1));
        assert_eq!(bench.write(move |tx| Box::pin(tx.prune_events(later))).await, 19);
        assert_eq!(bench.db.last_event_seq().await.unwrap(), last);
        bench.submit("t").await;
        assert!(bench.db.last_event_seq().await.unwrap() > last);
    }

    async fn many_facts_of_one_write_keep_their_order(bench: &Bench) {
        let now = bench.now();
        bench.write(move |tx| Box::pin(async move {
            for number in 0..50 {
                tx.add_event(now, "test", None, json!(number));
            }
            Ok(())
        })).await;
        let events = bench.db.events_after(0, 100).await.unwrap();
        let numbers: Vec<i64> = events.iter().filter_map(|event| event.payload.as_i64()).collect();
        assert_eq!(numbers, (0..50).collect::<Vec<i64>>());
    }
}
