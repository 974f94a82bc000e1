//! Starts the service: the same as `cts-lite`, with the same options.

use std::path::PathBuf;
use std::process::ExitCode;

use cts_server::service::{Start, run};

use crate::args::ServeArgs;

/// Runs the service to its end.
pub(crate) fn serve(args: ServeArgs, config: Option<PathBuf>) -> ExitCode {
    let ServeArgs { host, port, data_dir, settings: given, check_config } = args;
    let named = [("host", host), ("port", port), ("base_storage_path", data_dir)];
    let mut settings: Vec<(String, String)> =
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    settings.extend(given);
    run(Start { config, settings, check_config })
}
