//! The audit log: with its change or not at all, never rewritten, read from the newest on.

use std::sync::Arc;
use std::time::Duration;

use cts_model::{Actor, AuditEntry, Change, Ctx, RequestId, Target, TokenId};
use cts_store::{AuditFilter, Db, SqliteOptions, StoreError};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::support::{Bench, drop_schema, on_both, postgres, postgres_url, sqlite, unique_schema};

fn entry(bench: &Bench, actor: &str, action: &str) -> AuditEntry {
    AuditEntry {
        at: bench.now(),
        actor: actor.to_owned(),
        token_id: None,
        action: action.to_owned(),
        target: Target::from([("run_id".to_owned(), "r".to_owned())]),
        status: 201,
        request_id: "q-1".to_owned(),
        address: Some("127.0.0.1".to_owned()),
    }
}

async fn add(bench: &Bench, entry: AuditEntry) {
    bench.write(move |tx| Box::pin(async move { tx.add_audit(&entry).await })).await;
}

on_both! {
    async fn an_entry_is_read_back_as_it_was_written(bench: &Bench) {
        let mut written = entry(bench, "ci", "POST /v1/runs");
        written.token_id = Some(TokenId::new(&bench.ids));
        add(bench, written.clone()).await;
        let (rows, more) = bench.db.audit(&AuditFilter::default(), 10, None).await.unwrap();
        assert_eq!((rows.len(), more, &rows[0].entry), (1, false, &written));
    }

    async fn entries_are_found_by_who_what_and_when_in_pages(bench: &Bench) {
        let token = TokenId::new(&bench.ids);
        for (actor, action) in [("ci", "a"), ("ada", "b"), ("ci", "b"), ("ci", "a"), ("ada", "a")] {
            let token_id = (actor == "ada").then_some(token);
            add(bench, AuditEntry { token_id, ..entry(bench, actor, action) }).await;
            bench.clock.advance(Duration::from_secs(1));
        }
        let count = async |filter: AuditFilter| bench.db.audit(&filter, 10, None).await.unwrap().0.len();
        let (start, end) = (bench.now().minus(Duration::from_secs(5)), bench.now());
        assert_eq!(count(AuditFilter { actor: Some("ci".into()), ..AuditFilter::default() }).await, 3);
        assert_eq!(count(AuditFilter { token_id: Some(token), ..AuditFilter::default() }).await, 2);
        let both = AuditFilter { actor: Some("ci".into()), action: Some("a".into()), ..AuditFilter::default() };
        assert_eq!(count(both).await, 2);
        let since = Some(start.plus(Duration::from_secs(3)));
        assert_eq!(count(AuditFilter { since, ..AuditFilter::default() }).await, 2);
        assert_eq!(count(AuditFilter { until: since, ..AuditFilter::default() }).await, 4);
        assert_eq!(count(AuditFilter { since: Some(end), ..AuditFilter::default() }).await, 0);

        let (mut seen, mut below) = (Vec::new(), None);
        loop {
            let (rows, more) = bench.db.audit(&AuditFilter::default(), 2, below).await.unwrap();
            below = rows.last().map(|row| row.seq);
            seen.extend(rows.into_iter().map(|row| row.entry.actor));
            if !more {
                break;
            }
        }
        assert_eq!(seen, ["ada", "ci", "ci", "ada", "ci"], "the newest first, each once");
    }

    async fn an_entry_is_written_with_its_change_or_not_at_all(bench: &Bench) {
        let change = Arc::new(Change::new("POST /v1/runs", Target::new(), 201, None));
        let actor = Actor::Token { id: TokenId::new(&bench.ids), name: "ci".parse().unwrap() };
        let cx = Ctx { request_id: RequestId::new(&bench.ids), actor, trace: None, change: Some(change.clone()) };
        let (run, asked) = (bench.run_of(bench.request("t")), cx.clone());
        let (id, now) = (run.id, bench.now());
        let undone = run.clone();
        let write = bench.db.write(move |tx| Box::pin(async move {
            tx.insert_run(&undone).await?;
            tx.record_change(&asked, now, &[("run_id", undone.id.to_string())]).await?;
            Err::<(), _>(StoreError::Refused("no".to_owned()))
        }));
        write.await.unwrap_err();
        assert_eq!(bench.db.audit(&AuditFilter::default(), 10, None).await.unwrap().0, []);
        let asked = cx.clone();
        bench.write(move |tx| Box::pin(async move {
            tx.insert_run(&run).await?;
            tx.record_change(&asked, now, &[("run_id", run.id.to_string())]).await
        })).await;
        assert!(change.is_recorded());
        let (rows, _) = bench.db.audit(&AuditFilter::default(), 10, None).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].entry.actor.as_str(), rows[0].entry.status), ("ci", 201));
        assert_eq!(rows[0].entry.target, Target::from([("run_id".to_owned(), id.to_string())]));
    }

    async fn an_entry_goes_by_its_age(bench: &Bench) {
        add(bench, entry(bench, "ci", "a")).await;
        let now = bench.now();
        assert_eq!(bench.write(move |tx| Box::pin(tx.prune_audit(now))).await, 0);
        let later = now.plus(Duration::from_secs(1));
        assert_eq!(bench.write(move |tx| Box::pin(tx.prune_audit(later))).await, 1);
    }
}

const REWRITE: &str = "UPDATE audit SET actor = 'somebody else'";

#[tokio::test]
async fn an_entry_in_a_file_is_not_rewritten_whoever_asks() {
    let (folder, bench) = (tempfile::tempdir().unwrap(), sqlite().await);
    let path = folder.path().join("cts.db");
    let db = Db::open_sqlite(&path, &SqliteOptions::default()).await.unwrap();
    let written = entry(&bench, "ci", "a");
    db.write(move |tx| Box::pin(async move { tx.add_audit(&written).await })).await.unwrap();
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let refused = sqlx::query(REWRITE).execute(&mut connection).await.unwrap_err();
    assert!(refused.to_string().contains("append-only"), "{refused}");
    assert_eq!(db.audit(&AuditFilter::default(), 10, None).await.unwrap().0[0].entry.actor, "ci");
    db.close().await;
    bench.end().await;
}

#[tokio::test]
async fn an_entry_in_postgres_is_not_rewritten_whoever_asks() {
    let Some(bench) = postgres().await else { return };
    let schema = unique_schema();
    let db = Db::connect_postgres(&postgres_url(), Some(&schema)).await.unwrap();
    let written = entry(&bench, "ci", "a");
    db.write(move |tx| Box::pin(async move { tx.add_audit(&written).await })).await.unwrap();
    let mut connection = sqlx::PgConnection::connect(&postgres_url()).await.unwrap();
    let rewrite = AssertSqlSafe(REWRITE.replace("audit", &format!("\"{schema}\".audit")));
    let refused = sqlx::query(rewrite).execute(&mut connection).await.unwrap_err();
    assert!(refused.to_string().contains("append-only"), "{refused}");
    assert_eq!(db.audit(&AuditFilter::default(), 10, None).await.unwrap().0[0].entry.actor, "ci");
    db.close().await;
    drop_schema(&schema).await;
    bench.end().await;
}
