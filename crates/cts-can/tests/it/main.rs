//! The library from outside: real logs, damaged logs, made logs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bitwatch;
mod cruise_compat;
mod cruise_native;
mod damage;
mod dbc;
mod events;
mod first_time;
mod formats;
mod framing;
mod golden;
mod layout;
mod options;
mod prefixes;
mod readers;
mod shared;
mod signals;
mod states;
mod summary;
mod table;
mod writer;
