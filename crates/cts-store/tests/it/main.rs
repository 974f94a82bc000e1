//! The store's tests: each body once, run on SQLite and on PostgreSQL.

mod support;

mod runs;
