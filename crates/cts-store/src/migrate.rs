//! The schema: embedded migrations, the same numbers and names for both engines, each in a transaction of its own.
//!
//! A database with a newer schema than the last one known here is refused and left as it is.

use std::path::Path;

use sqlx::{PgPool, Row as _, SqliteConnection};

use crate::db::open::opening;
use crate::error::{Cause, StoreError};

struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal;)*) => {
        const MIGRATIONS: &[Migration] = &[$(Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),*];
    };
}

migrations! {
    1 "0001_runs";
    2 "0002_access";
}

const MAKE_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)";
const READ_VERSION: &str = "SELECT max(version) FROM schema_migrations";
const RECORD: &str = "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)";
/// Marks the file as one of ours, for programs such as `file`: "CTS" and a NUL.
const MARK: &str = "PRAGMA application_id = 1129599744";
/// One process at a time migrates a schema of PostgreSQL.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext(current_schema()), 4354131)";

/// Returns an error when the schema is newer than ours.
fn check(found: i64, place: impl FnOnce() -> String) -> Result<(), StoreError> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if found > known { Err(StoreError::NewerSchema { place: place(), found, known }) } else { Ok(()) }
}

/// Returns the schema of a database and the newest one that is known here; one that is newer still is an error.
pub(crate) async fn sqlite_schema(connection: &mut SqliteConnection, path: &Path) -> Result<(i64, i64), StoreError> {
    let tables = sqlx::query("SELECT count(*) FROM sqlite_master WHERE name = 'schema_migrations'");
    let tables: i64 = tables.fetch_one(&mut *connection).await.map_err(|error| opening(path, error))?.try_get(0)?;
    let mut found = None;
    if tables > 0 {
        found = sqlx::query(READ_VERSION).fetch_one(&mut *connection).await?.try_get(0)?;
    }
    let found: i64 = found.unwrap_or(0);
    check(found, || path.display().to_string())?;
    Ok((found, MIGRATIONS.last().map_or(0, |migration| migration.version)))
}

pub(crate) async fn sqlite(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let (found, known) = sqlite_schema(connection, path).await?;
    if found == known {
        return Ok(());
    }
    let place = || path.display().to_string();
    for migration in MIGRATIONS {
        let failed = |error| StoreError::Migration { name: migration.name.to_owned(), source: Cause::new(error) };
        // Another process may migrate at the same moment: look again inside the lock.
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.map_err(failed)?;
        let applied = apply_sqlite(&mut *connection, migration).await;
        let end = if applied.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = sqlx::query(end).execute(&mut *connection).await;
        check(applied.map_err(failed)?, place)?;
        ended.map_err(failed)?;
    }
    Ok(())
}

/// Applies one migration where it is missing, and returns the schema that was found.
async fn apply_sqlite(connection: &mut SqliteConnection, migration: &Migration) -> Result<i64, sqlx::Error> {
    sqlx::query(MAKE_TABLE).execute(&mut *connection).await?;
    let found: Option<i64> = sqlx::query(READ_VERSION).fetch_one(&mut *connection).await?.try_get(0)?;
    let found = found.unwrap_or(0);
    if found < migration.version {
        sqlx::raw_sql(MARK).execute(&mut *connection).await?;
        sqlx::raw_sql(migration.sqlite).execute(&mut *connection).await?;
        sqlx::query(RECORD).bind(migration.version).bind(migration.name).execute(&mut *connection).await?;
    }
    Ok(found)
}

pub(crate) async fn postgres(pool: &PgPool) -> Result<(), StoreError> {
    for migration in MIGRATIONS {
        let failed = |error| StoreError::Migration { name: migration.name.to_owned(), source: Cause::new(error) };
        let mut tx = pool.begin().await?;
        sqlx::query(POSTGRES_LOCK).execute(&mut *tx).await?;
        let place = sqlx::query("SELECT current_schema()::text").fetch_one(&mut *tx).await?;
        let place: String = place.try_get::<Option<String>, _>(0)?.unwrap_or_default();
        let place = format!("schema {place:?}");
        let tables = "SELECT count(*) FILTER (WHERE tablename = 'schema_migrations'),
                             count(*) FILTER (WHERE tablename IN ('runs', 'artifacts', 'events'))
                        FROM pg_tables WHERE schemaname = current_schema()";
        let tables = sqlx::query(tables).fetch_one(&mut *tx).await?;
        let (ours, others): (i64, i64) = (tables.try_get(0)?, tables.try_get(1)?);
        if ours == 0 && others > 0 {
            return Err(StoreError::ForeignDatabase { place });
        }
        sqlx::query(MAKE_TABLE).execute(&mut *tx).await.map_err(failed)?;
        let found: Option<i64> = sqlx::query(READ_VERSION).fetch_one(&mut *tx).await?.try_get(0)?;
        let found = found.unwrap_or(0);
        check(found, || place)?;
        if found < migration.version {
            sqlx::raw_sql(migration.postgres).execute(&mut *tx).await.map_err(failed)?;
            let record = sqlx::query(RECORD).bind(migration.version).bind(migration.name);
            record.execute(&mut *tx).await.map_err(failed)?;
        }
        tx.commit().await?;
    }
    Ok(())
}
