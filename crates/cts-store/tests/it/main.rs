//! The store's tests: each body once, run on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail, and says what it skips")]

mod support;

mod pages;
mod queue;
mod runs;

mod artifacts;
mod audit;
mod events;
mod idempotency;
mod retention;
mod tokens;
mod uploads;
mod workers;

mod crash;
mod full_disk;
mod open;
mod write;
