//! Opening: what is not ours, damaged or newer is refused, and left as it is byte for byte.

use std::path::Path;

use cts_store::{Db, SqliteOptions, StoreError};
use sqlx::Connection as _;

use crate::support::{drop_schema, postgres, postgres_url, sqlite};

async fn refused(path: &Path) -> StoreError {
    let before = std::fs::read(path).unwrap();
    let error = Db::open_sqlite(path, &SqliteOptions::default()).await.unwrap_err();
    assert_eq!(std::fs::read(path).unwrap(), before, "it is left as it is");
    error
}

async fn execute(path: &Path, statements: &'static str) {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Makes a database with some runs, closed.
async fn filled(path: &Path) {
    let options = SqliteOptions { durable: false, ..SqliteOptions::default() };
    let db = Db::open_sqlite(path, &options).await.unwrap();
    let bench = sqlite().await;
    for _ in 0..50 {
        let run = bench.run_of(bench.request("t"));
        db.write(move |tx| Box::pin(async move { tx.insert_run(&run).await })).await.unwrap();
    }
    db.close().await;
    bench.end().await;
}

#[tokio::test]
async fn a_text_file_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["x", "hello, this is a note that somebody needs\n", &"y".repeat(10_000)] {
        let path = folder.path().join("cts.db");
        std::fs::write(&path, text).unwrap();
        let error = refused(&path).await;
        assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
        assert!(error.to_string().contains("cts.db"), "{error}");
    }
}

#[tokio::test]
async fn a_folder_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let error = Db::open_sqlite(folder.path(), &SqliteOptions::default()).await.unwrap_err();
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    execute(&path, "CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('keep me')").await;
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::ForeignDatabase { .. }), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cts.db");
    filled(&path).await;
    execute(&path, "INSERT INTO schema_migrations VALUES (9999, '9999_future')").await;
    let error = refused(&path).await;
    assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cts.db");
    filled(&path).await;
    let whole = std::fs::read(&path).unwrap();
    let truncated = whole[..whole.len() - 3 * 4096].to_vec();
    let mut garbled = whole.clone();
    for byte in &mut garbled[4096 * 3..4096 * 12] {
        *byte = byte.wrapping_mul(31).wrapping_add(17);
    }
    let mut header = whole.clone();
    header[16..100].fill(0xff);
    for bytes in [truncated, garbled, header] {
        std::fs::write(&path, bytes).unwrap();
        let error = refused(&path).await;
        let known = matches!(error, StoreError::Corrupt { .. } | StoreError::NotADatabase { .. });
        assert!(known, "{error}");
    }
    std::fs::write(&path, whole).unwrap();
    let db = Db::open_sqlite(&path, &SqliteOptions::default()).await.unwrap();
    assert_eq!(db.queued_count().await.unwrap(), 50);
    db.close().await;
}

#[tokio::test]
async fn an_empty_file_becomes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cts.db");
    std::fs::write(&path, b"").unwrap();
    let db = Db::open_sqlite(&path, &SqliteOptions::default()).await.unwrap();
    db.ping().await.unwrap();
    db.close().await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_made_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cts.db");
    let options = SqliteOptions { create: false, ..SqliteOptions::default() };
    let error = Db::open_sqlite(&path, &options).await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_database_is_opened_again_with_what_was_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a folder with ? and #").join("cts.db");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    filled(&path).await;
    let db = Db::open_sqlite(&path, &SqliteOptions::default()).await.unwrap();
    assert_eq!(db.queued_count().await.unwrap(), 50);
    assert_eq!(db.last_event_seq().await.unwrap(), 50);
    db.close().await;
}

#[tokio::test]
async fn a_secret_is_not_in_the_file_once_its_run_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cts.db");
    let db = Db::open_sqlite(&path, &SqliteOptions::default()).await.unwrap();
    let bench = sqlite().await;
    let mut request = bench.request("t");
    request.secret_params.insert("token".to_owned(), cts_model::Secret::new("correct-horse-battery".to_owned()));
    let run = bench.run_of(request);
    let (id, now) = (run.id, bench.now());
    db.write(move |tx| Box::pin(async move { tx.insert_run(&run).await })).await.unwrap();
    let secret = db.run(id).await.unwrap().unwrap().request.secret_params["token"].reveal().to_owned();
    assert_eq!(secret, "correct-horse-battery");
    let holds_secret = |path: &Path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
    };
    let log = folder.path().join("cts.db-wal");
    assert!(holds_secret(&log), "it was written");
    db.write(move |tx| Box::pin(tx.change_run(id, now, cts_model::RunEvent::CancelAsked))).await.unwrap().unwrap();
    // Nothing else is written: the log is emptied for the secret's sake.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while holds_secret(&log) || holds_secret(&path) {
        assert!(std::time::Instant::now() < deadline, "the secret stays");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(db.run(id).await.unwrap().unwrap().state, cts_model::RunState::Canceled);
    db.close().await;
    assert!(!holds_secret(&path) && !log.exists());
    bench.end().await;
}

#[tokio::test]
async fn a_newer_schema_of_postgres_is_refused() {
    let Some(bench) = postgres().await else { return };
    let schema = crate::support::unique_schema();
    Db::connect_postgres(&postgres_url(), Some(&schema)).await.unwrap().close().await;
    let mut connection = sqlx::PgConnection::connect(&postgres_url()).await.unwrap();
    let insert = format!("INSERT INTO \"{schema}\".schema_migrations VALUES (9999, '9999_future')");
    sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&mut connection).await.unwrap();
    let error = Db::connect_postgres(&postgres_url(), Some(&schema)).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 9999, .. }), "{error}");
    drop_schema(&schema).await;
    bench.end().await;
}

#[tokio::test]
async fn many_open_one_schema_of_postgres_at_once() {
    let Some(bench) = postgres().await else { return };
    let schema = crate::support::unique_schema();
    let url = postgres_url();
    let opened = futures_util::future::join_all((0..5).map(|_| Db::connect_postgres(&url, Some(&schema)))).await;
    for db in opened {
        db.unwrap().close().await;
    }
    drop_schema(&schema).await;
    bench.end().await;
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_without_its_password() {
    for url in ["postgres://u:hunter2@127.0.0.1:1/none", "postgres://u:hunter2@[bad", "not a url hunter2"] {
        let error = Db::connect_postgres(url, None).await.unwrap_err();
        assert!(matches!(error, StoreError::Connect(_)), "{error:?}");
        assert!(!format!("{error} {error:?} {:?}", error.fault()).contains("hunter2"));
    }
}
