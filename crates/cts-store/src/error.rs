//! What the store can say, without the drivers' types.
//!
//! A [`StoreError`] can be cloned: when one commit fails, everybody who waited for it hears the same.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use cts_model::{Code, Fault, FieldFault, RunId};

/// What lies below an error: the driver's or the system's own words.
#[derive(Clone)]
pub struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl Cause {
    pub(crate) fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(error))
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// What went wrong with rows or bytes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database file cannot be opened or made.
    #[error("cannot open database {path}: {source}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// The file is something else; it was left as it is.
    #[error("{path} is not a SQLite database; it was left as it is")]
    NotADatabase {
        /// Which file.
        path: PathBuf,
    },
    /// The database belongs to another program; it was left as it is.
    #[error("{place} is a database of another program; it was left as it is")]
    ForeignDatabase {
        /// Which file or schema.
        place: String,
    },
    /// The database is damaged; it was left as it is.
    #[error("database {path} is damaged ({detail}); it was left as it is")]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The database was written by a newer release.
    #[error("{place} has schema {found}, newer than {known}, the last one that this release knows")]
    NewerSchema {
        /// Which file or schema.
        place: String,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The schema cannot be brought up to date.
    #[error("cannot apply migration {name}: {source}")]
    Migration {
        /// Which one.
        name: String,
        /// Why.
        source: Cause,
    },
    /// The database server cannot be reached.
    #[error("cannot connect to the database: {0}")]
    Connect(Cause),
    /// The disk is full.
    #[error("the disk of the database is full: {0}")]
    DiskFull(Cause),
    /// Somebody else kept the database locked for too long.
    #[error("the database is locked by another process: {0}")]
    Busy(Cause),
    /// The database refused a statement.
    #[error("the database refused a statement: {0}")]
    Database(Cause),
    /// A row holds what this release cannot read.
    #[error("cannot read column {column} of a row: {detail}")]
    BadRow {
        /// Which column.
        column: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// No run has this id.
    #[error("no run {0}")]
    RunNotFound(RunId),
    /// A row was changed by somebody else between reading and writing it.
    #[error("run {0} was changed by another process meanwhile")]
    ChangedMeanwhile(RunId),
    /// A cursor that was not made by a list of runs.
    #[error("not a cursor of this list")]
    BadCursor,
    /// A job panicked or took too long; its changes were undone.
    #[error("a write was given up: it panicked or took too long")]
    WriteLost,
    /// The job itself wants its changes undone.
    #[error("{0}")]
    Refused(String),
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
    /// There is no blob of that key.
    #[error("no blob {0}")]
    BlobNotFound(String),
    /// What should become a blob is not a regular file.
    #[error("{0} is not a regular file")]
    NotAFile(PathBuf),
    /// The range lies outside the bytes.
    #[error("the range lies outside the {size} bytes of the blob")]
    BadRange {
        /// How many bytes there are.
        size: u64,
    },
    /// The store of blobs cannot do something.
    #[error("cannot {action}: {source}")]
    Blob {
        /// What was being done, to what.
        action: String,
        /// Why not.
        source: Cause,
    },
}

impl StoreError {
    /// Returns the error in the shape that crosses a border.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::RunNotFound(id) => Fault::new(Code::RunNotFound, format!("no run has the id {id}")),
            Self::BadCursor => {
                let field = FieldFault::new("?cursor", "cursor", "the cursor is not one of this list");
                Fault::fields(Code::InvalidRequest, vec![field])
            }
            Self::BadRange { size } => {
                Fault::new(Code::RangeNotSatisfiable, format!("the range lies outside the {size} bytes"))
            }
            Self::DiskFull(source) => Fault::system(Code::DiskFull, "the disk is full", source, "ENOSPC"),
            Self::Blob { source, .. } if is_full(source) => {
                Fault::system(Code::DiskFull, "the disk is full", self, "ENOSPC")
            }
            Self::BlobNotFound(_) | Self::NotAFile(_) | Self::Blob { .. } => {
                Fault::system(Code::StorageError, "the store of artifacts failed", self, "storage")
            }
            Self::Refused(reason) => Fault::new(Code::Internal, reason.clone()),
            _ => Fault::system(Code::DatabaseError, "the database failed", self, "database"),
        }
    }

    /// Returns whether another try may go better: somebody else held the lock, or the server was away.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Connect(_) | Self::ChangedMeanwhile(_) | Self::WriteLost)
    }

    pub(crate) fn blob(action: impl Into<String>, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Blob { action: action.into(), source: Cause::new(error) }
    }
}

/// Primary result codes of SQLite that need words of their own.
mod sqlite_code {
    pub(super) const BUSY: u32 = 5;
    pub(super) const LOCKED: u32 = 6;
    pub(super) const FULL: u32 = 13;
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let Some(code) = sqlite_primary_code(&error) {
            match code {
                sqlite_code::BUSY | sqlite_code::LOCKED => return Self::Busy(Cause::new(error)),
                sqlite_code::FULL => return Self::DiskFull(Cause::new(error)),
                _ => return Self::Database(Cause::new(error)),
            }
        }
        match &error {
            sqlx::Error::Database(inner) => match inner.code().as_deref() {
                // disk_full
                Some("53100") => Self::DiskFull(Cause::new(error)),
                // lock_not_available, serialization_failure, deadlock_detected
                Some("55P03" | "40001" | "40P01") => Self::Busy(Cause::new(error)),
                _ => Self::Database(Cause::new(error)),
            },
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut => Self::Connect(Cause::new(error)),
            sqlx::Error::PoolClosed => Self::Closed,
            _ => Self::Database(Cause::new(error)),
        }
    }
}

/// Returns the primary result code when the error is one of SQLite's.
pub(crate) fn sqlite_primary_code(error: &sqlx::Error) -> Option<u32> {
    let error = error.as_database_error()?.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    // The driver gives the extended code as text; its low byte is the primary one.
    let extended: u32 = sqlx::error::DatabaseError::code(error)?.parse().ok()?;
    Some(extended & 0xff)
}

fn is_full(cause: &Cause) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&*cause.0);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            let full = [std::io::ErrorKind::StorageFull, std::io::ErrorKind::QuotaExceeded];
            return full.contains(&io.kind());
        }
        next = error.source();
    }
    false
}
