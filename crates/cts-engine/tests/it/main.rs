//! The engine's tests with real processes.

mod supervised;
