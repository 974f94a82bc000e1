//! Artifacts: rows that only the present attempt writes, and what retention asks.

use std::time::Duration;

use cts_model::{
    Artifact, ArtifactDraft, ArtifactId, Outcome, Run, RunEvent, RunId, Sha256, Timestamp, Usage, WorkerId,
};
use cts_store::ArtifactInsert;

use crate::support::{Bench, on_both};

fn draft(bench: &Bench, path: &str, size: u64) -> ArtifactDraft {
    ArtifactDraft {
        id: ArtifactId::new(&bench.ids),
        path: path.parse().unwrap(),
        media_type: "text/csv".to_owned(),
        size,
        sha256: Sha256([7; 32]),
    }
}

async fn insert(
    bench: &Bench,
    run: RunId,
    attempt: u32,
    draft: &ArtifactDraft,
    expires_at: Option<Timestamp>,
) -> ArtifactInsert {
    let (draft, now) = (draft.clone(), bench.now());
    bench
        .write(move |tx| Box::pin(async move { tx.insert_artifact(run, attempt, &draft, now, expires_at).await }))
        .await
}

async fn running(bench: &Bench) -> Run {
    let (id, now, worker) = (bench.submit("t").await.id, bench.now(), WorkerId::new(&bench.ids));
    bench.write(move |tx| Box::pin(tx.change_run(id, now, RunEvent::Claimed { worker }))).await.unwrap()
}

async fn end(bench: &Bench, id: RunId) {
    let now = bench.now();
    let ended = RunEvent::Ended { attempt: 1, outcome: Outcome::Completed, fault: None, usage: Usage::default() };
    bench.write(move |tx| Box::pin(tx.change_run(id, now, ended))).await.unwrap();
}

on_both! {
    async fn an_artifact_belongs_to_its_run(bench: &Bench) {
        let run = running(bench).await;
        let (first, second) = (draft(bench, "out/a.csv", 10), draft(bench, "b.csv", 32));
        let expires_at = Some(bench.now().plus(Duration::from_secs(60)));
        for draft in [&first, &second] {
            let written = insert(bench, run.id, 1, draft, expires_at).await;
            assert_eq!(written, ArtifactInsert::Written { replaced: None });
        }
        let artifacts = bench.db.artifacts(run.id).await.unwrap();
        assert_eq!(artifacts.iter().map(|artifact| artifact.id).collect::<Vec<_>>(), [first.id, second.id]);
        let expected = Artifact {
            id: first.id, run_id: run.id, attempt: 1, path: first.path.clone(), media_type: first.media_type.clone(),
            size: 10, sha256: first.sha256, created_at: bench.now(), expires_at,
        };
        assert_eq!(artifacts[0], expected);
        assert_eq!(bench.db.artifact(first.id).await.unwrap(), Some(expected));
        assert_eq!(bench.db.run(run.id).await.unwrap().unwrap().artifacts, [first.id, second.id]);
        assert_eq!(bench.db.artifact_bytes_total().await.unwrap(), 42);
        let unknown = ArtifactId::new(&bench.ids);
        assert_eq!(bench.db.artifact_ids_exist(&[unknown, second.id]).await.unwrap(), [second.id]);
        let id = first.id;
        assert!(bench.write(move |tx| Box::pin(tx.delete_artifact(id))).await);
        assert!(!bench.write(move |tx| Box::pin(tx.delete_artifact(id))).await);
        assert_eq!(bench.db.artifact(id).await.unwrap(), None);
        assert_eq!(bench.db.artifact_bytes_total().await.unwrap(), 32);
    }

    async fn a_newer_scan_replaces_what_stood_for_the_same_path(bench: &Bench) {
        let run = running(bench).await;
        let (older, newer) = (draft(bench, "a.csv", 1), draft(bench, "a.csv", 2));
        insert(bench, run.id, 1, &older, None).await;
        let written = insert(bench, run.id, 1, &newer, None).await;
        assert_eq!(written, ArtifactInsert::Written { replaced: Some(older.id) });
        let artifacts = bench.db.artifacts(run.id).await.unwrap();
        assert_eq!(artifacts.iter().map(|artifact| (artifact.id, artifact.size)).collect::<Vec<_>>(), [(newer.id, 2)]);
        assert_eq!(insert(bench, run.id, 1, &newer, None).await, ArtifactInsert::Written { replaced: None });
    }

    async fn a_late_attempt_leaves_no_artifact(bench: &Bench) {
        let run = running(bench).await;
        assert_eq!(insert(bench, run.id, 2, &draft(bench, "a", 1), None).await, ArtifactInsert::Fenced);
        end(bench, run.id).await;
        assert_eq!(insert(bench, run.id, 1, &draft(bench, "a", 1), None).await, ArtifactInsert::Fenced);
        assert!(bench.db.artifacts(run.id).await.unwrap().is_empty());
    }

    async fn what_a_failed_attempt_made_is_removed_alone(bench: &Bench) {
        let run = running(bench).await;
        let (id, now, worker) = (run.id, bench.now(), WorkerId::new(&bench.ids));
        let partial = draft(bench, "partial", 1);
        insert(bench, id, 1, &partial, None).await;
        let again = RunEvent::Requeued {
            attempt: 1, outcome: Outcome::Lost, fault: None, not_before: None, usage: Usage::default(),
        };
        bench.write(move |tx| Box::pin(async move {
            tx.change_run(id, now, again).await?.unwrap();
            tx.change_run(id, now, RunEvent::Claimed { worker }).await
        })).await.unwrap();
        let kept = draft(bench, "kept", 1);
        insert(bench, id, 2, &kept, None).await;
        assert_eq!(bench.write(move |tx| Box::pin(tx.delete_artifacts_of_attempt(id, 1))).await, [partial.id]);
        assert_eq!(bench.db.run(id).await.unwrap().unwrap().artifacts, [kept.id]);
    }

    async fn artifacts_of_a_pinned_run_do_not_expire(bench: &Bench) {
        let (run, other) = (running(bench).await.id, running(bench).await.id);
        let soon = bench.now().plus(Duration::from_secs(10));
        let (first, second) = (draft(bench, "a", 1), draft(bench, "b", 1));
        insert(bench, run, 1, &first, Some(soon)).await;
        insert(bench, other, 1, &second, Some(soon)).await;
        assert!(bench.db.expired_artifacts(bench.now(), 10).await.unwrap().is_empty());
        assert!(bench.db.oldest_artifacts(10).await.unwrap().is_empty(), "they still run");
        end(bench, run).await;
        end(bench, other).await;
        let ids = |artifacts: Vec<Artifact>| artifacts.iter().map(|artifact| artifact.id).collect::<Vec<_>>();
        assert_eq!(ids(bench.db.expired_artifacts(soon, 10).await.unwrap()), [first.id, second.id]);
        assert_eq!(ids(bench.db.oldest_artifacts(1).await.unwrap()), [first.id]);
        assert!(bench.write(move |tx| Box::pin(tx.set_pinned(run, true))).await);
        assert_eq!(ids(bench.db.expired_artifacts(soon, 10).await.unwrap()), [second.id]);
        assert_eq!(ids(bench.db.oldest_artifacts(10).await.unwrap()), [second.id]);
        assert_eq!(bench.db.artifact(first.id).await.unwrap().unwrap().expires_at, None);
        bench.write(move |tx| Box::pin(tx.set_pinned(run, false))).await;
        assert_eq!(bench.db.artifact(first.id).await.unwrap().unwrap().expires_at, Some(soon));
    }
}
