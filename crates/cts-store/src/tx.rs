//! One transaction: every write is a method of [`Tx`], spread over the files of the tables.
//!
//! Facts for the outbox are gathered while the transaction runs and written right before its commit, so that on
//! PostgreSQL the lock that keeps them in order is held as shortly as possible, and on SQLite one statement writes
//! those of a whole batch.

use sqlx::postgres::Postgres;
use sqlx::{SqliteConnection, Transaction};

use crate::error::StoreError;
use crate::events::NewEvent;
use crate::sql::{Row, Statement};

/// A transaction under way. It is given by [`crate::Db::write`], which also ends it.
#[derive(Debug)]
pub struct Tx {
    pub(crate) connection: Connection,
    pub(crate) events: Vec<NewEvent>,
    /// Whether a secret was taken out of a row, so that it must leave the file as well.
    pub(crate) drops_secrets: bool,
}

/// The connection below a transaction.
#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, events: Vec::new(), drops_secrets: false }
    }

    /// Returns every row.
    pub(crate) async fn all(&mut self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        Ok(match &mut self.connection {
            Connection::Sqlite(connection) => {
                statement.for_sqlite().fetch_all(connection).await?.into_iter().map(Row::Sqlite).collect()
            }
            Connection::Postgres(tx) => {
                statement.for_postgres().fetch_all(&mut **tx).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Returns the only row, if there is one.
    pub(crate) async fn one(&mut self, statement: Statement) -> Result<Option<Row>, StoreError> {
        Ok(match &mut self.connection {
            Connection::Sqlite(connection) => statement.for_sqlite().fetch_optional(connection).await?.map(Row::Sqlite),
            Connection::Postgres(tx) => statement.for_postgres().fetch_optional(&mut **tx).await?.map(Row::Postgres),
        })
    }

    /// Changes rows and returns how many.
    pub(crate) async fn change(&mut self, statement: Statement) -> Result<u64, StoreError> {
        Ok(match &mut self.connection {
            Connection::Sqlite(connection) => statement.for_sqlite().execute(connection).await?.rows_affected(),
            Connection::Postgres(tx) => statement.for_postgres().execute(&mut **tx).await?.rows_affected(),
        })
    }
}
