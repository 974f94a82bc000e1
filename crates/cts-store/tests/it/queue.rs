//! The queue: by priority, then by age; each run only to whom it is open.

use std::time::Duration;

use cts_model::{Outcome, Run, RunEvent, RunId, Usage, WorkerId};
use cts_store::{QueuePos, QueuedRun};

use crate::support::{Bench, on_both};

async fn submit(bench: &Bench, priority: i32, owner: Option<WorkerId>) -> Run {
    let request = cts_model::RunRequest { priority, owner, ..bench.request("t") };
    bench.insert(bench.run_of(request)).await
}

async fn queued(bench: &Bench, owner: Option<WorkerId>, after: Option<QueuePos>, limit: u32) -> Vec<QueuedRun> {
    let now = bench.now();
    bench.write(move |tx| Box::pin(tx.queued(now, owner, after, limit))).await
}

fn ids(queued: &[QueuedRun]) -> Vec<RunId> {
    queued.iter().map(|run| run.id).collect()
}

on_both! {
    async fn the_highest_priority_is_first_and_within_it_the_oldest(bench: &Bench) {
        let mut runs = Vec::new();
        for priority in [0, 5, -100, 0, 100, 5, -1] {
            runs.push(submit(bench, priority, None).await);
        }
        let order: Vec<RunId> = [4, 1, 5, 0, 3, 6, 2].map(|place: usize| runs[place].id).to_vec();
        assert_eq!(ids(&queued(bench, None, None, 100).await), order);
        let mut walked = Vec::new();
        let mut after = None;
        loop {
            let some = queued(bench, None, after, 2).await;
            let Some(last) = some.last() else { break };
            after = Some(last.position());
            walked.extend(ids(&some));
        }
        assert_eq!(walked, order);
        for (place, id) in order.iter().enumerate() {
            let run = runs.iter().find(|run| run.id == *id).unwrap();
            let position = bench.db.queue_position(run).await.unwrap();
            assert_eq!(position, Some(u64::try_from(place).unwrap() + 1));
        }
        assert_eq!(bench.db.queued_count().await.unwrap(), 7);
        assert_eq!(bench.write(|tx| Box::pin(tx.queued_count())).await, 7);
    }

    async fn a_run_with_an_owner_is_open_to_its_owner_alone(bench: &Bench) {
        let (owner, other) = (WorkerId::new(&bench.ids), WorkerId::new(&bench.ids));
        let open = submit(bench, 0, None).await.id;
        let owned = submit(bench, 9, Some(owner)).await;
        assert_eq!(ids(&queued(bench, None, None, 10).await), [open]);
        assert_eq!(ids(&queued(bench, Some(owner), None, 10).await), [owned.id]);
        assert!(queued(bench, Some(other), None, 10).await.is_empty());
        assert_eq!(bench.db.queue_position(&owned).await.unwrap(), Some(1));
        assert_eq!(bench.db.queued_of_owner(owner).await.unwrap(), [owned.id]);
        assert_eq!(bench.write(move |tx| Box::pin(tx.release_owner(owner))).await, 1);
        assert_eq!(ids(&queued(bench, None, None, 10).await), [owned.id, open]);
        assert_eq!(bench.db.run(owned.id).await.unwrap().unwrap().request.owner, None);
    }

    async fn a_run_that_waits_for_its_next_try_is_not_open_before(bench: &Bench) {
        let (id, now, worker) = (submit(bench, 0, None).await.id, bench.now(), WorkerId::new(&bench.ids));
        let not_before = now.plus(Duration::from_secs(10));
        let again = RunEvent::Requeued {
            attempt: 1, outcome: Outcome::SystemError, fault: None, not_before: Some(not_before),
            usage: Usage::default(),
        };
        bench.write(move |tx| Box::pin(async move {
            tx.change_run(id, now, RunEvent::Claimed { worker }).await?.unwrap();
            tx.change_run(id, now, again).await
        })).await.unwrap();
        assert!(queued(bench, None, None, 10).await.is_empty());
        assert_eq!(bench.db.next_not_before(now).await.unwrap(), Some(not_before));
        bench.clock.advance(Duration::from_secs(10));
        assert_eq!(ids(&queued(bench, None, None, 10).await), [id]);
        assert_eq!(bench.db.next_not_before(bench.now()).await.unwrap(), None);
    }

    async fn slots_are_seen_from_what_runs(bench: &Bench) {
        let request = cts_model::RunRequest { concurrency_key: Some("device".to_owned()), ..bench.request("t") };
        let run = bench.insert(bench.run_of(request)).await;
        submit(bench, 0, None).await;
        let (id, now, worker) = (run.id, bench.now(), WorkerId::new(&bench.ids));
        bench.write(move |tx| Box::pin(tx.change_run(id, now, RunEvent::Claimed { worker }))).await.unwrap();
        let running = bench.write(|tx| Box::pin(tx.running())).await;
        assert_eq!(running.len(), 1);
        assert_eq!((running[0].id, running[0].worker, running[0].attempt), (id, worker, 1));
        assert_eq!(running[0].key.as_deref(), Some("device"));
        assert_eq!(bench.db.runs_of_worker(worker).await.unwrap(), running);
        assert!(bench.db.runs_of_worker(WorkerId::new(&bench.ids)).await.unwrap().is_empty());
        let claimed = bench.db.run(id).await.unwrap().unwrap();
        assert_eq!(bench.db.queue_position(&claimed).await.unwrap(), None);
    }
}
