//! The engine's tests with real processes.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod plane;
mod supervised;
