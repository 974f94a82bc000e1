//! What retention may remove: runs that have ended and are not pinned, with all that belongs to them.

use std::time::Duration;

use cts_model::{ArtifactDraft, ArtifactId, Outcome, RunEvent, RunId, Sha256, Usage, WorkerId};
use cts_store::{RunFilter, RunSort};

use crate::support::{Bench, on_both};

async fn ended(bench: &Bench) -> (RunId, ArtifactId) {
    let mut request = bench.request("t");
    request.labels.insert("batch".to_owned(), "1".to_owned());
    let (id, now, worker) = (bench.insert(bench.run_of(request)).await.id, bench.now(), WorkerId::new(&bench.ids));
    let draft = ArtifactDraft {
        id: ArtifactId::new(&bench.ids),
        path: "a".parse().unwrap(),
        media_type: "text/plain".to_owned(),
        size: 1,
        sha256: Sha256([0; 32]),
    };
    let artifact = draft.id;
    let ended = RunEvent::Ended { attempt: 1, outcome: Outcome::Completed, fault: None, usage: Usage::default() };
    let write = bench.db.write(move |tx| {
        Box::pin(async move {
            tx.change_run(id, now, RunEvent::Claimed { worker }).await?.unwrap();
            tx.insert_artifact(id, 1, &draft, now, None).await?;
            tx.change_run(id, now, ended).await
        })
    });
    write.await.unwrap().unwrap();
    (id, artifact)
}

on_both! {
    async fn an_old_run_goes_with_all_that_belongs_to_it(bench: &Bench) {
        let (id, artifact) = ended(bench).await;
        let now = bench.now();
        assert!(bench.db.runs_to_delete(now, 10).await.unwrap().is_empty());
        let later = now.plus(Duration::from_secs(1));
        assert_eq!(bench.db.runs_to_delete(later, 10).await.unwrap(), [id]);
        let deleted = bench.write(move |tx| Box::pin(tx.delete_run(id, now))).await;
        assert_eq!(deleted, Some(vec![artifact]));
        assert_eq!(bench.db.run(id).await.unwrap(), None);
        assert_eq!(bench.db.artifact(artifact).await.unwrap(), None);
        let labeled = RunFilter { labels: vec![("batch".to_owned(), "1".to_owned())], ..RunFilter::default() };
        assert!(bench.db.runs(&labeled, RunSort::Newest, 10, None).await.unwrap().runs.is_empty());
        assert_eq!(bench.write(move |tx| Box::pin(tx.delete_run(id, now))).await, None);
        let events = bench.db.events_after(0, 10).await.unwrap();
        assert_eq!(events.last().unwrap().kind, "run.deleted");
    }

    async fn a_pinned_run_and_one_that_has_not_ended_stay(bench: &Bench) {
        let (pinned, _) = ended(bench).await;
        let waiting = bench.submit("t").await.id;
        bench.write(move |tx| Box::pin(tx.set_pinned(pinned, true))).await;
        let later = bench.now().plus(Duration::from_secs(1));
        assert!(bench.db.runs_to_delete(later, 10).await.unwrap().is_empty());
        for id in [pinned, waiting] {
            assert_eq!(bench.write(move |tx| Box::pin(tx.delete_run(id, later))).await, None);
            assert!(bench.db.run(id).await.unwrap().is_some());
        }
    }
}
