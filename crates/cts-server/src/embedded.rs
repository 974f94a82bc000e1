//! What the command line needs when there is no server: the same app in its own process, and the parts of the planes
//! that work on the user's own files.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use cts_config::{Loaded, Sources};
use cts_engine::WorkerKind;
use cts_observe::{LevelControl, Levels, LogWatch};

use crate::app::{App, AppParts, http_options, open_engine};
use crate::configuration::Configuration;
use crate::error::ServerError;

pub use axum::body::Body;
pub use cts_engine::inputs::natural_order;
pub use cts_engine::tools::program::ServiceEnvironment;
pub use cts_engine::tools::{MANIFEST_BYTES_MAX, ManifestFault, Tool, check_manifest};

/// Becomes a supervisor or a native tool when the arguments say so and returns the exit status; none for every other
/// start. A binary that may run tools calls this before anything else.
#[must_use]
pub fn run_if_child() -> Option<ExitCode> {
    cts_engine::supervisor::run_if_supervisor().or_else(cts_tools::run_if_child)
}

/// Starts the app in this process; it runs what is submitted to it and nothing else.
///
/// # Errors
/// What cannot be opened, in words for people.
pub async fn start(loaded: &Loaded, sources: &Sources) -> Result<App, ServerError> {
    let engine = open_engine(&loaded.config, WorkerKind::Client, None).await?;
    let mut http = http_options(&loaded.config);
    http.configuration = Arc::new(Configuration::of(loaded, sources.clone()));
    let own = loaded.config.process.log_level;
    let levels = LevelControl::new(Levels { own, libraries: false, modules: BTreeMap::new() });
    Ok(App::build(AppParts { engine, http, levels, log: LogWatch::default() }))
}
