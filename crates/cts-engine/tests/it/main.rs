//! The engine's tests with real processes.

mod plane;
mod supervised;
