//! Black-box tests of both binaries: start them, use them over HTTP, kill them, look again.
//!
//! What a machine cannot set up is reported as skipped, and fails where `CTS_TEST_REQUIRE_ALL=1`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "the whole crate is tests")]

mod support;

mod access;
mod canary;
mod config;
mod crash;
mod doctor;
mod embedded;
mod faults;
mod health;
mod isolation;
mod load;
mod log_level;
mod metrics;
mod shutdown;
mod strain;
mod tools;
mod traces;
mod watched;
