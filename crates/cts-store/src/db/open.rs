//! How connections are opened, and what is looked at before anything is changed.
//!
//! A file that is not ours, damaged or newer is refused before the first byte of it could change.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgPool, Row as _, SqliteConnection, SqlitePool};

use crate::db::SqliteOptions;
use crate::error::{Cause, StoreError, sqlite_primary_code};

/// How long SQLite itself waits for a lock before the bounded retry above it looks again.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);
/// A file up to this size is checked as a whole when it is opened; of a larger one only what is read.
const CHECKED_BYTES_MAX: u64 = 8 << 20;
/// Statements kept prepared for each connection.
const STATEMENTS_KEPT: usize = 256;
/// Connections to PostgreSQL.
const POSTGRES_CONNECTIONS_MAX: u32 = 16;
/// Longest wait for a connection of a pool.
const ACQUIRE_TIME_MAX: Duration = Duration::from_secs(15);

/// Every SQLite file begins with this.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Primary result codes that say that the file is not what it should be.
const CORRUPT: u32 = 11;
const NOT_A_DATABASE: u32 = 26;

/// Opens the file for the first time: looks, and only then takes it into use.
pub(crate) async fn first(path: &Path, options: &SqliteOptions) -> Result<SqliteConnection, StoreError> {
    look_at_first_bytes(path)?;
    let mut connection = connect(path, options.create).await?;
    let looked = look(&mut connection, path).await;
    match looked {
        Ok(()) => prepare_writer(connection, path, options).await,
        Err(error) => {
            drop(connection.close().await);
            Err(error)
        }
    }
}

/// Opens the connection of the writer again, after a failure.
pub(crate) async fn writer(path: &Path, options: &SqliteOptions) -> Result<SqliteConnection, StoreError> {
    let connection = connect(path, false).await?;
    prepare_writer(connection, path, options).await
}

/// Opens the pool of readers.
pub(crate) async fn readers(path: &Path, options: &SqliteOptions) -> Result<SqlitePool, StoreError> {
    let connect = base(path).create_if_missing(false).pragma("query_only", "ON").pragma("cache_size", "-4096");
    let pool = SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIME_MAX)
        .test_before_acquire(false)
        .max_lifetime(None);
    pool.connect_with(connect).await.map_err(|error| opening(path, error))
}

/// Connects to PostgreSQL, and makes the schema when one is named.
pub(crate) async fn postgres(url: &str, schema: Option<&str>) -> Result<PgPool, StoreError> {
    // The driver's own error may hold the URL with its password.
    let bad_url = || StoreError::Connect(Cause::new(std::io::Error::other("the URL of the database is not valid")));
    let mut connect: PgConnectOptions = url.parse().map_err(|_: sqlx::Error| bad_url())?;
    connect = connect.disable_statement_logging().statement_cache_capacity(STATEMENTS_KEPT);
    // The pool would try again for long; a wrong address should be told at once.
    let mut connection = connect.connect().await.map_err(connecting)?;
    if let Some(schema) = schema {
        let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
        let made = sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {quoted}")));
        if let Err(error) = made.execute(&mut connection).await
            // Another process made it at the same moment.
            && error.as_database_error().and_then(|error| error.code()).as_deref() != Some("23505")
        {
            return Err(error.into());
        }
        connect = connect.options([("search_path", quoted)]);
    }
    drop(connection.close().await);
    let pool = PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS_MAX).acquire_timeout(ACQUIRE_TIME_MAX);
    pool.connect_with(connect).await.map_err(connecting)
}

fn connecting(error: sqlx::Error) -> StoreError {
    StoreError::Connect(Cause::new(error))
}

pub(super) fn base(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .thread_name(|id| format!("cts-db-{id}"))
        .disable_statement_logging()
}

async fn connect(path: &Path, create: bool) -> Result<SqliteConnection, StoreError> {
    base(path).create_if_missing(create).connect().await.map_err(|error| opening(path, error))
}

async fn prepare_writer(
    mut connection: SqliteConnection,
    path: &Path,
    options: &SqliteOptions,
) -> Result<SqliteConnection, StoreError> {
    let synchronous = if options.durable { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = OFF" };
    // The log grows to 16 MiB before it is carried over into the file, so that few commits pay for that.
    let pragmas = [
        "PRAGMA journal_mode = WAL",
        synchronous,
        "PRAGMA wal_autocheckpoint = 4096",
        "PRAGMA journal_size_limit = 67108864",
        "PRAGMA cache_size = -8192",
        "PRAGMA secure_delete = ON",
    ];
    let deadline = tokio::time::Instant::now() + options.busy_wait;
    for pragma in pragmas {
        loop {
            match sqlx::query(pragma).execute(&mut connection).await {
                Ok(_) => break,
                // Another process opens it at this moment.
                Err(error) if sqlite_primary_code(&error) == Some(5) && tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => return Err(opening(path, error)),
            }
        }
    }
    Ok(connection)
}

/// Refuses a file that cannot be a database, without help from the engine.
pub(super) fn look_at_first_bytes(path: &Path) -> Result<(), StoreError> {
    let cannot = |error| StoreError::Open { path: path.to_owned(), source: Cause::new(error) };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot(error)),
    };
    if !metadata.is_file() {
        return Err(StoreError::NotADatabase { path: path.to_owned() });
    }
    if metadata.len() == 0 {
        return Ok(());
    }
    let mut first = Vec::new();
    let file = std::fs::File::open(path).map_err(cannot)?;
    file.take(MAGIC.len() as u64).read_to_end(&mut first).map_err(cannot)?;
    if first == MAGIC { Ok(()) } else { Err(StoreError::NotADatabase { path: path.to_owned() }) }
}

/// Refuses a database that is damaged or belongs to another program.
pub(super) async fn look(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let tables = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&mut *connection).await;
    let tables = tables.map_err(|error| opening(path, error))?;
    let names: Vec<String> = tables.iter().filter_map(|row| row.try_get(0).ok()).collect();
    if !names.is_empty() && !names.iter().any(|name| name == "schema_migrations") {
        return Err(StoreError::ForeignDatabase { place: path.display().to_string() });
    }
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() <= CHECKED_BYTES_MAX) {
        let found = sqlx::query("PRAGMA quick_check(3)").fetch_all(connection).await;
        let found = found.map_err(|error| opening(path, error))?;
        let lines: Vec<String> = found.iter().filter_map(|row| row.try_get(0).ok()).collect();
        if lines != ["ok"] {
            return Err(StoreError::Corrupt { path: path.to_owned(), detail: lines.join("; ") });
        }
    }
    Ok(())
}

pub(crate) fn opening(path: &Path, error: sqlx::Error) -> StoreError {
    let path = path.to_owned();
    match sqlite_primary_code(&error) {
        Some(NOT_A_DATABASE) => StoreError::NotADatabase { path },
        Some(CORRUPT) => StoreError::Corrupt { path, detail: error.to_string() },
        _ => StoreError::Open { path, source: Cause::new(error) },
    }
}
