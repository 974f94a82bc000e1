//! Where facts rest: rows in a database, bytes in an object store.
//!
//! [`Db`] is one concrete type over SQLite or PostgreSQL, with one SQL text for both; it uses four column types that
//! both share: text, 64-bit integers, doubles and bytes. Every write goes through [`Db::write`]: a [`Tx`] in, all or
//! nothing, and the answer comes after the commit is durable. [`Blobs`] keeps the bytes that are too many for a row.
//!
//! This crate knows SQL and blob keys and no rules: what a run may become is said by `cts_model::Run::apply`.

mod db;
mod migrate;
mod sql;
mod tx;
mod writer;

mod page;
mod queue;
mod runs;
mod workers;

mod artifacts;
mod events;
mod idempotency;
mod retention;
mod uploads;

mod audit;
mod tokens;

mod blobs;

mod error;

pub use artifacts::ArtifactInsert;
pub use audit::{AuditFilter, AuditRow};
pub use blobs::{BlobEntry, BlobKey, BlobKind, BlobStream, Blobs, PutHow};
pub use db::look::SqliteLook;
pub use db::{Db, SqliteOptions};
pub use error::{Cause, StoreError};
pub use events::EventRow;
pub use idempotency::IdempotencyRow;
pub use page::{RunFilter, RunPage, RunSort};
pub use queue::{QueuePos, QueuedRun, RunningRun};
pub use tokens::TokenRow;
pub use tx::Tx;
pub use workers::{WorkerKind, WorkerRow};

/// A future in a box, as the function that is given to [`Db::write`] returns it.
pub type BoxFuture<'t, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 't>>;
