//! One statement and one row, the same for both engines: text with `$1`, values of four types, columns by name.
//!
//! Statements are prepared once for each connection and kept. No user input ever becomes SQL text.

use std::str::FromStr;

use cts_model::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, SqlSafeStr as _, SqlStr};

use crate::error::StoreError;

/// A value of one of the column types that both engines share, or none.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Text(Option<String>),
    Int(Option<i64>),
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Arg {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<u32> for Arg {
    fn from(number: u32) -> Self {
        Self::Int(Some(i64::from(number)))
    }
}

impl From<i32> for Arg {
    fn from(number: i32) -> Self {
        Self::Int(Some(i64::from(number)))
    }
}

impl From<u64> for Arg {
    /// A number beyond the column's range becomes its greatest.
    fn from(number: u64) -> Self {
        Self::Int(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<bool> for Arg {
    fn from(yes: bool) -> Self {
        Self::Int(Some(i64::from(yes)))
    }
}

impl From<Timestamp> for Arg {
    fn from(time: Timestamp) -> Self {
        Self::Int(Some(time.as_ms()))
    }
}

impl From<Option<Timestamp>> for Arg {
    fn from(time: Option<Timestamp>) -> Self {
        Self::Int(time.map(Timestamp::as_ms))
    }
}

/// A statement with its values.
#[derive(Debug)]
pub(crate) struct Statement {
    text: SqlStr,
    /// Where the engines' words differ.
    postgres: Option<&'static str>,
    args: Vec<Arg>,
}

/// Returns a statement whose text is the same for both engines.
pub(crate) fn sql(text: &'static str) -> Statement {
    Statement { text: text.into_sql_str(), postgres: None, args: Vec::new() }
}

/// Returns a statement that was put together from the crate's own words, never from input.
pub(crate) fn sql_built(text: String) -> Statement {
    Statement { text: AssertSqlSafe(text).into_sql_str(), postgres: None, args: Vec::new() }
}

/// Returns a statement that reads a row in order to change it: PostgreSQL has to be told.
macro_rules! sql_locking {
    ($($text:expr),+) => {
        $crate::sql::Statement::in_two_dialects(concat!($($text),+), concat!($($text),+, " FOR UPDATE"))
    };
}
pub(crate) use sql_locking;

impl Statement {
    pub(crate) fn in_two_dialects(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { text: sqlite.into_sql_str(), postgres: Some(postgres), args: Vec::new() }
    }

    pub(crate) fn bind(mut self, arg: impl Into<Arg>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn bind_id(self, id: impl std::fmt::Display) -> Self {
        self.bind(id.to_string())
    }

    pub(crate) fn bind_optional_id(self, id: Option<impl std::fmt::Display>) -> Self {
        self.bind(id.map(|id| id.to_string()))
    }

    /// Asks SQLite how it would answer, instead of for the answer.
    #[cfg(test)]
    pub(crate) fn explained(self) -> Self {
        let text = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", self.text.as_str())).into_sql_str();
        Self { text, ..self }
    }

    pub(crate) fn for_sqlite(self) -> Query<'static, Sqlite, SqliteArguments> {
        let mut query = sqlx::query(self.text);
        for arg in self.args {
            query = match arg {
                Arg::Text(text) => query.bind(text),
                Arg::Int(number) => query.bind(number),
            };
        }
        query
    }

    pub(crate) fn for_postgres(self) -> Query<'static, Postgres, PgArguments> {
        let mut query = sqlx::query(self.postgres.map_or(self.text, sqlx::SqlSafeStr::into_sql_str));
        for arg in self.args {
            query = match arg {
                Arg::Text(text) => query.bind(text),
                Arg::Int(number) => query.bind(number),
            };
        }
        query
    }
}

/// A row of either engine.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn optional_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        let read = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        };
        read.map_err(|error| bad(column, error))
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.optional_text(column)?.ok_or_else(|| bad(column, "is NULL"))
    }

    pub(crate) fn optional_int(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        let read = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        };
        read.map_err(|error| bad(column, error))
    }

    pub(crate) fn int(&self, column: &'static str) -> Result<i64, StoreError> {
        self.optional_int(column)?.ok_or_else(|| bad(column, "is NULL"))
    }

    /// Returns a number of any size that a 64-bit column can hold.
    pub(crate) fn number<N: TryFrom<i64>>(&self, column: &'static str) -> Result<N, StoreError> {
        N::try_from(self.int(column)?).map_err(|_| bad(column, "is out of range"))
    }

    pub(crate) fn yes(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_ms(self.int(column)?))
    }

    pub(crate) fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.optional_int(column)?.map(Timestamp::from_ms))
    }

    /// Returns a type that is stored as its text.
    pub(crate) fn parsed<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        self.text(column)?.parse().map_err(|error| bad(column, error))
    }

    pub(crate) fn optional_parsed<T>(&self, column: &'static str) -> Result<Option<T>, StoreError>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        self.optional_text(column)?.map(|text| text.parse().map_err(|error| bad(column, error))).transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| bad(column, error))
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let text = self.optional_text(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| bad(column, error))).transpose()
    }

    /// Returns what a stable word stands for.
    pub(crate) fn word<T>(&self, column: &'static str, of: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let word = self.text(column)?;
        of(&word).ok_or_else(|| bad(column, format_args!("unknown word {word:?}")))
    }
}

pub(crate) fn bad(column: &'static str, detail: impl std::fmt::Display) -> StoreError {
    StoreError::BadRow { column, detail: detail.to_string() }
}

/// Returns JSON text of one of the crate's own row types.
pub(crate) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("the rows' own types have text keys and cannot fail to serialize")
}

/// Returns a text that both engines can hold in a column to be compared: PostgreSQL takes no NUL.
pub(crate) fn comparable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
