//! `cts-lite`: is it a child? then its arguments, and the service.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cts_server::service::{Start, run};

/// Runs tools on driving logs as a service.
#[derive(Debug, Parser)]
#[command(
    name = "cts-lite",
    version,
    after_help = "Exit codes: 0 clean, 1 failed, 2 configuration or lock, \
    128 and the signal's number when a second signal ended everything at once."
)]
struct Arguments {
    /// The configuration file (TOML).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address or name to listen on.
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// Where database, artifacts and logs lie.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// Any setting, for example `--set max_concurrent_runs=8`; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Tell every setting with its origin, and whether all is right; start nothing.
    #[arg(long)]
    check_config: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it is written as NAME=VALUE".to_owned()),
    }
}

fn main() -> ExitCode {
    if let Some(code) = cts_engine::supervisor::run_if_supervisor() {
        return code;
    }
    if let Some(code) = cts_tools::run_if_child() {
        return code;
    }
    let Arguments { config, host, port, data_dir, settings: given, check_config } = Arguments::parse();
    let named = [("host", host), ("port", port), ("base_storage_path", data_dir)];
    let mut settings: Vec<(String, String)> =
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    settings.extend(given);
    run(Start { config, settings, check_config })
}
