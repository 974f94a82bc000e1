//! Workers: known by pid, start time and boot.

use std::time::Duration;

use cts_model::WorkerId;
use cts_store::{WorkerKind, WorkerRow};

use crate::support::on_both;

on_both! {
    async fn a_worker_is_there_until_it_is_removed(bench: &Bench) {
        let mut worker = WorkerRow {
            id: WorkerId::new(&bench.ids), pid: 4_000_000_000, start_time_ticks: 1 << 60, boot_id: "boot".to_owned(),
            kind: WorkerKind::Client, started_at: bench.now(), heartbeat_at: bench.now(),
        };
        let (id, stored) = (worker.id, worker.clone());
        bench.write(move |tx| Box::pin(async move { tx.insert_worker(&stored).await })).await;
        bench.clock.advance(Duration::from_secs(5));
        let now = bench.now();
        assert!(bench.write(move |tx| Box::pin(tx.heartbeat(id, now))).await);
        worker.heartbeat_at = now;
        assert_eq!(bench.db.workers().await.unwrap(), [worker.clone()]);
        assert_eq!(bench.write(|tx| Box::pin(tx.workers())).await, [worker]);
        assert!(bench.write(move |tx| Box::pin(tx.delete_worker(id))).await);
        assert!(!bench.write(move |tx| Box::pin(tx.delete_worker(id))).await);
        assert!(!bench.write(move |tx| Box::pin(tx.heartbeat(id, now))).await);
    }
}
