//! Starts the service: the same as `cts-lite`, with the same options.

use std::path::PathBuf;
use std::process::ExitCode;

use cts_server::service::{Form, Start, run};

use crate::args::{ServeArgs, SettingFlags};

/// Runs the service to its end.
pub(crate) fn serve(args: ServeArgs, config: Option<PathBuf>, json: bool) -> ExitCode {
    let ServeArgs { settings: SettingFlags(settings), check_config } = args;
    let check_config = check_config.then_some(if json { Form::Json } else { Form::Page });
    run(Start { config, settings, check_config })
}
