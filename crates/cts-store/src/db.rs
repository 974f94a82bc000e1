//! The database: one concrete type, two engines inside.
//!
//! SQLite has one writer task ([`crate::writer`]) and a small pool of readers; PostgreSQL has one pool and a
//! transaction for each write. Either way [`Db::write`] answers only when the commit is durable, and a caller that goes
//! away does not undo what it has asked for.

pub(crate) mod look;
pub(crate) mod open;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sqlx::{PgPool, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use crate::BoxFuture;
use crate::error::StoreError;
use crate::sql::{Row, Statement, sql};
use crate::tx::{Connection, Tx};
use crate::writer::{Message, WAITING_JOBS_MAX, Writer, job};

/// A write that takes longer is undone.
const WRITE_TIME_MAX: Duration = Duration::from_secs(20);

/// How a SQLite file is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// Make the file when it is not there.
    pub create: bool,
    /// Connections for reading.
    pub readers: u32,
    /// How long a write waits for other processes that write the same file.
    pub busy_wait: Duration,
    /// A write that takes longer is undone, so that the others go on.
    pub write_time_max: Duration,
    /// Whether a commit is on the disk before it is acknowledged. Without it a power failure loses the last commits; a
    /// death of the process loses nothing.
    pub durable: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            create: true,
            readers: 4,
            busy_wait: Duration::from_secs(30),
            write_time_max: WRITE_TIME_MAX,
            durable: true,
        }
    }
}

/// The database. Clones share it.
#[derive(Clone)]
pub struct Db {
    engine: Arc<Engine>,
    write_observer: Arc<OnceLock<WriteObserver>>,
}

/// Hears of every write: how long its caller waited, and whether it is durable.
type WriteObserver = Box<dyn Fn(Duration, bool) + Send + Sync>;

enum Engine {
    Sqlite {
        readers: SqlitePool,
        writer: mpsc::Sender<Message>,
        /// The folder of a database that only lives as long as this value.
        _folder: Option<tempfile::TempDir>,
    },
    Postgres(PgPool),
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match &*self.engine {
            Engine::Sqlite { .. } => "Db(sqlite)",
            Engine::Postgres(_) => "Db(postgres)",
        })
    }
}

impl Db {
    fn new(engine: Engine) -> Self {
        Self { engine: Arc::new(engine), write_observer: Arc::default() }
    }

    /// Tells `observer` of every write from now on, of all clones: how long its caller waited, and whether it is
    /// durable. It is called on the caller's thread and must not wait. Only the first observer is heard.
    pub fn observe_writes(&self, observer: impl Fn(Duration, bool) + Send + Sync + 'static) {
        let _ = self.write_observer.set(Box::new(observer));
    }

    /// Opens a SQLite file and brings its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, is no database, is damaged, belongs to another program or to a newer release. It
    /// is then left as it is.
    pub async fn open_sqlite(path: &Path, options: &SqliteOptions) -> Result<Self, StoreError> {
        Self::open_sqlite_in(path, options, None).await
    }

    async fn open_sqlite_in(
        path: &Path,
        options: &SqliteOptions,
        folder: Option<tempfile::TempDir>,
    ) -> Result<Self, StoreError> {
        let mut connection = open::first(path, options).await?;
        crate::migrate::sqlite(&mut connection, path).await?;
        let readers = open::readers(path, options).await?;
        let (writer, queue) = mpsc::channel(WAITING_JOBS_MAX);
        let tx = Some(Tx::new(Connection::Sqlite(connection)));
        tokio::spawn(Writer::new(path.to_owned(), options.clone(), queue, tx).serve());
        Ok(Self::new(Engine::Sqlite { readers, writer, _folder: folder }))
    }

    /// Opens an empty SQLite database that is gone with its last clone. It lies in a temporary folder and not in
    /// memory, so that it behaves like any other; only its commits do not wait for the disk.
    ///
    /// # Errors
    /// When the temporary folder cannot be used.
    pub async fn open_memory() -> Result<Self, StoreError> {
        let folder = tempfile::Builder::new().prefix("cts-db-").tempdir();
        let folder = folder.map_err(|error| StoreError::blob("make a temporary folder", error))?;
        let path = folder.path().join("cts.db");
        let options = SqliteOptions { durable: false, readers: 2, ..SqliteOptions::default() };
        Self::open_sqlite_in(&path, &options, Some(folder)).await
    }

    /// Connects to PostgreSQL and brings the schema up to date: the one that is named, which is made when it is not
    /// there, or the connection's own.
    ///
    /// # Errors
    /// When the server cannot be reached, or the schema belongs to another program or to a newer release.
    pub async fn connect_postgres(url: &str, schema: Option<&str>) -> Result<Self, StoreError> {
        let pool = open::postgres(url, schema).await?;
        crate::migrate::postgres(&pool).await?;
        Ok(Self::new(Engine::Postgres(pool)))
    }

    /// Runs `f` in a transaction and returns what it returned, once that is durable.
    ///
    /// On SQLite several callers share one commit. `f` should only use its [`Tx`]: nobody else writes meanwhile.
    ///
    /// # Errors
    /// What `f` returned, everything that it changed being undone; or why it could not be committed.
    pub async fn write<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let begun = Instant::now();
        let result = self.write_unobserved(f).await;
        if let Some(observer) = self.write_observer.get() {
            observer(begun.elapsed(), result.is_ok());
        }
        result
    }

    async fn write_unobserved<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        match &*self.engine {
            Engine::Sqlite { writer, .. } => {
                let (answer, answered) = oneshot::channel();
                writer.send(Message::Job(job(f, answer))).await.map_err(|_| StoreError::Closed)?;
                answered.await.unwrap_or(Err(StoreError::WriteLost))
            }
            Engine::Postgres(pool) => {
                // A task of its own, so that a caller that goes away does not undo it, as on SQLite.
                let write = tokio::spawn(tokio::time::timeout(WRITE_TIME_MAX, write_postgres(pool.clone(), f)));
                match write.await {
                    Ok(Ok(result)) => result,
                    Ok(Err(_)) | Err(_) => Err(StoreError::WriteLost),
                }
            }
        }
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.one(sql("SELECT count(*) AS number FROM schema_migrations")).await.map(|_| ())
    }

    /// Does what waits to be written, then closes every connection. Later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        match &*self.engine {
            Engine::Sqlite { readers, writer, .. } => {
                let (done, closed) = oneshot::channel();
                readers.close().await;
                if writer.send(Message::Close(done)).await.is_ok() {
                    drop(closed.await);
                }
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }

    /// Returns every row.
    pub(crate) async fn all(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        Ok(match &*self.engine {
            Engine::Sqlite { readers, .. } => {
                statement.for_sqlite().fetch_all(readers).await?.into_iter().map(Row::Sqlite).collect()
            }
            Engine::Postgres(pool) => {
                statement.for_postgres().fetch_all(pool).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Returns the only row, if there is one.
    pub(crate) async fn one(&self, statement: Statement) -> Result<Option<Row>, StoreError> {
        Ok(match &*self.engine {
            Engine::Sqlite { readers, .. } => statement.for_sqlite().fetch_optional(readers).await?.map(Row::Sqlite),
            Engine::Postgres(pool) => statement.for_postgres().fetch_optional(pool).await?.map(Row::Postgres),
        })
    }

    /// Returns the number in the column `number` of the only row.
    pub(crate) async fn number(&self, statement: Statement) -> Result<i64, StoreError> {
        let row = self.one(statement).await?;
        Ok(row.map(|row| row.optional_int("number")).transpose()?.flatten().unwrap_or(0))
    }
}

async fn write_postgres<T, F>(pool: PgPool, f: F) -> Result<T, StoreError>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
{
    let mut tx = Tx::new(Connection::Postgres(pool.begin().await?));
    // Dropping the transaction undoes it.
    let value = f(&mut tx).await?;
    tx.flush_events().await?;
    if let Connection::Postgres(tx) = tx.connection {
        tx.commit().await?;
    }
    Ok(value)
}
