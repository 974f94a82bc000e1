//! A look at a SQLite file that changes nothing: no file is made beside it, nothing is migrated, no lock is taken that a
//! writer would wait for.
//!
//! SQLite makes two helper files as soon as somebody opens a database of its write-ahead kind. So a file that nobody has
//! open is read as one that cannot change; one that a service has open is read through the helpers that are there; and of
//! one that a dead writer left behind, whose helpers only a writer may tidy up, only the first bytes are looked at.

use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use super::open::{base, look, look_at_first_bytes, opening};
use crate::error::StoreError;
use crate::{Db, migrate};

/// How a database file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqliteLook {
    /// It is not there, or empty: the next start makes it.
    Missing,
    /// Its last writer has not closed it: the next start takes up what is there.
    NotClosed,
    /// It can be read.
    Readable {
        /// Its schema.
        schema: i64,
        /// The newest schema that this release knows; the next start brings the database there.
        known: i64,
        /// Runs that wait.
        queued_runs: u64,
    },
}

impl Db {
    /// Looks at a file; `in_use` tells that a service has it open.
    ///
    /// # Errors
    /// When the file cannot be read, is no database, is damaged, or belongs to another program or to a newer release.
    pub async fn look_at_sqlite(path: &Path, in_use: bool) -> Result<SqliteLook, StoreError> {
        look_at_first_bytes(path)?;
        if length(path) == 0 {
            return Ok(SqliteLook::Missing);
        }
        let log = beside(path, "-wal");
        if !in_use && length(&log) > 0 {
            return Ok(SqliteLook::NotClosed);
        }
        // With a service at work both helpers are there; without them nothing is read through them.
        let is_fixed = !(in_use && log.exists() && beside(path, "-shm").exists());
        let connect = base(path).create_if_missing(false).read_only(true).immutable(is_fixed);
        let mut connection = connect.connect().await.map_err(|error| opening(path, error))?;
        let seen = read(&mut connection, path).await;
        drop(connection.close().await);
        seen
    }
}

async fn read(connection: &mut SqliteConnection, path: &Path) -> Result<SqliteLook, StoreError> {
    look(connection, path).await?;
    let (schema, known) = migrate::sqlite_schema(connection, path).await?;
    let queued = sqlx::query("SELECT count(*) FROM runs WHERE status = 'queued'").fetch_one(connection).await;
    let queued: i64 = match queued {
        Ok(row) => row.try_get(0)?,
        // The first schema that has runs is still to be made.
        Err(_) if schema < known => 0,
        Err(error) => return Err(opening(path, error)),
    };
    Ok(SqliteLook::Readable { schema, known, queued_runs: queued.try_into().unwrap_or(0) })
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::SystemTime;

    use super::*;
    use crate::SqliteOptions;

    /// Names, sizes and times of everything in a folder.
    fn files(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let described = entries.map(|entry| {
            let metadata = entry.metadata().unwrap();
            (entry.path(), (metadata.len(), metadata.modified().unwrap()))
        });
        described.collect()
    }

    async fn look_unnoticed(path: &Path, in_use: bool) -> Result<SqliteLook, StoreError> {
        let before = files(path.parent().unwrap());
        let seen = Db::look_at_sqlite(path, in_use).await;
        assert_eq!(files(path.parent().unwrap()), before, "nothing changed");
        seen
    }

    #[tokio::test]
    async fn a_database_is_looked_at_without_leaving_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cts.db");
        assert_eq!(look_unnoticed(&path, false).await.unwrap(), SqliteLook::Missing);
        let db = Db::open_sqlite(&path, &SqliteOptions::default()).await.unwrap();
        let known = match look_unnoticed(&path, true).await.unwrap() {
            SqliteLook::Readable { schema, known, queued_runs: 0 } if schema == known => known,
            other => panic!("{other:?}"),
        };
        // What a writer that died leaves: a copy of everything while it is open.
        let left = tempfile::tempdir().unwrap();
        for end in ["", "-wal", "-shm"] {
            std::fs::copy(beside(&path, end), beside(&left.path().join("cts.db"), end)).unwrap();
        }
        let dead = left.path().join("cts.db");
        if length(&beside(&dead, "-wal")) > 0 {
            assert_eq!(look_unnoticed(&dead, false).await.unwrap(), SqliteLook::NotClosed);
        }
        db.close().await;
        let expected = SqliteLook::Readable { schema: known, known, queued_runs: 0 };
        assert_eq!(look_unnoticed(&path, false).await.unwrap(), expected);
        assert_eq!(look_unnoticed(&path, true).await.unwrap(), expected, "who was thought to be there has just gone");
    }

    #[tokio::test]
    async fn what_is_no_database_of_ours_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cts.db");
        std::fs::write(&path, "no database at all").unwrap();
        assert!(matches!(look_unnoticed(&path, false).await, Err(StoreError::NotADatabase { .. })));
        std::fs::remove_file(&path).unwrap();
        let mut other = base(&path).create_if_missing(true).connect().await.unwrap();
        sqlx::query("CREATE TABLE things (name TEXT)").execute(&mut other).await.unwrap();
        other.close().await.unwrap();
        assert!(matches!(look_unnoticed(&path, false).await, Err(StoreError::ForeignDatabase { .. })));
        let mut newer = base(&path).connect().await.unwrap();
        sqlx::query("CREATE TABLE schema_migrations (version BIGINT, name TEXT)").execute(&mut newer).await.unwrap();
        sqlx::query("INSERT INTO schema_migrations VALUES (9999, 'x')").execute(&mut newer).await.unwrap();
        newer.close().await.unwrap();
        assert!(matches!(look_unnoticed(&path, false).await, Err(StoreError::NewerSchema { found: 9999, .. })));
    }
}
