//! Idempotency keys: used once for each route and actor.

use std::time::Duration;

use cts_store::{IdempotencyRow, StoreError};

use crate::support::{Bench, on_both};

fn row(bench: &Bench, key: &str, actor: &str) -> IdempotencyRow {
    IdempotencyRow {
        key: key.to_owned(),
        route: "POST /v1/runs".to_owned(),
        actor: actor.to_owned(),
        body_sha256: "00".repeat(32),
        resource_id: "r".to_owned(),
        at: bench.now(),
    }
}

on_both! {
    async fn a_key_is_remembered_for_its_route_and_actor(bench: &Bench) {
        let first = row(bench, "k", "local");
        let stored = first.clone();
        assert!(bench.write(move |tx| Box::pin(async move { tx.remember_key(&stored).await })).await);
        let again = IdempotencyRow { resource_id: "other".to_owned(), ..first.clone() };
        assert!(!bench.write(move |tx| Box::pin(async move { tx.remember_key(&again).await })).await);
        assert_eq!(bench.db.key("k", "POST /v1/runs", "local").await.unwrap(), Some(first.clone()));
        let found = bench.write(|tx| Box::pin(tx.key("k", "POST /v1/runs", "local"))).await;
        assert_eq!(found, Some(first));
        assert_eq!(bench.db.key("k", "POST /v1/uploads", "local").await.unwrap(), None);
        assert_eq!(bench.db.key("k", "POST /v1/runs", "anonymous").await.unwrap(), None);
        let other = row(bench, "k", "anonymous");
        assert!(bench.write(move |tx| Box::pin(async move { tx.remember_key(&other).await })).await);
    }

    async fn of_many_requests_with_one_key_one_makes_a_run(bench: &Bench) {
        let tries = (0..10).map(|_| {
            let (run, key) = (bench.run_of(bench.request("t")), row(bench, "same", "local"));
            bench.db.write(move |tx| Box::pin(async move {
                tx.insert_run(&run).await?;
                let new = tx.remember_key(&key).await?;
                if new { Ok(()) } else { Err(StoreError::Refused("the key is used".to_owned())) }
            }))
        });
        let made = futures_util::future::join_all(tries).await.into_iter().filter(Result::is_ok).count();
        assert_eq!((made, bench.db.queued_count().await.unwrap()), (1, 1));
    }

    async fn old_keys_are_forgotten(bench: &Bench) {
        let old = row(bench, "old", "local");
        bench.write(move |tx| Box::pin(async move { tx.remember_key(&old).await })).await;
        bench.clock.advance(Duration::from_hours(24));
        let (new, before) = (row(bench, "new", "local"), bench.now());
        bench.write(move |tx| Box::pin(async move { tx.remember_key(&new).await })).await;
        assert_eq!(bench.write(move |tx| Box::pin(tx.prune_keys(before))).await, 1);
        assert_eq!(bench.db.key("old", "POST /v1/runs", "local").await.unwrap(), None);
        assert!(bench.db.key("new", "POST /v1/runs", "local").await.unwrap().is_some());
    }
}
