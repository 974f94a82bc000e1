//! What can be typed: commands and options, each with help and an example.
//!
//! Nothing is decided here. Texts become types as far as that needs no tool and no server.

mod config;
mod log_level;
mod query;
mod run;
// One source for both programs: the binary of the service must not be a library's, and the library does not know clap.
#[path = "../../cts-server/src/bin/cts-lite/setting_flags.rs"]
mod setting_flags;
mod token;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use config::{ConfigCommand, DoctorArgs};
pub(crate) use log_level::LogLevelArgs;
pub(crate) use query::{LogsArgs, RunsArgs, RunsCommand, WhichRuns};
pub(crate) use run::{ParamArgs, PathArgs, RerunArgs, RunArgs, WaitArgs, duration};
pub(crate) use setting_flags::SettingFlags;
pub(crate) use token::{Lifetime, TokenCommand};

const EXAMPLES: &str = "\
Examples:
  cts cap                                          which tools there are
  cts cap rlog-to-csv                              the parameters of one
  cts run rlog-to-csv --path drive/rlog.zst --wait run it, fetch what it makes
  cts runs --status failed                         what went wrong lately
  cts logs last --follow                           follow the newest run

Exit codes: 0 completed, 1 usage or connection error, 2 not found or server error, 3 the run failed, 4 the run was
canceled, 130 Ctrl-C while following a run of a service.

Without --url, CTS_URL or a url in cts/config.toml the service that runs on the data directory is used; when there is
none, the command does its work in its own process.";

/// Runs tools on driving logs and fetches what they make.
#[derive(Debug, Parser)]
#[command(name = "cts", version, after_help = EXAMPLES, max_term_width = 120)]
pub(crate) struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The service to talk to.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "The service, for example http://127.0.0.1:8080 (also CTS_URL)"
    )]
    pub(crate) url: Option<String>,
    /// The configuration file of the service.
    #[arg(long, global = true, value_name = "FILE", help = "The service's own configuration file (also CTS_CONFIG)")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON document on standard output, also for an error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print results and errors only
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// When to use colors
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = ColorWhen::Auto)]
    pub(crate) color: ColorWhen,
}

/// When to use colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless the environment says no
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask whether a service is there and how it is
    Ping,
    /// List the tools, or show one with its parameters
    #[command(visible_alias = "capabilities")]
    Cap {
        /// The tool to show
        tool: Option<String>,
    },
    /// Run a tool
    Run(RunArgs),
    /// List runs, look at one, cancel it, run it again, wait for it
    Runs(RunsArgs),
    /// Show or follow the log of a run
    Logs(LogsArgs),
    /// List, fetch or open what a run made
    #[command(visible_alias = "artifacts")]
    Art {
        /// What to do.
        #[command(subcommand)]
        command: ArtCommand,
    },
    /// Send files to the service, as inputs of later runs
    Upload {
        /// The files; a glob stands for those that it matches
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Check manifests of own tools, or list the tools
    Tools {
        /// What to do.
        #[command(subcommand)]
        command: ToolsCommand,
    },
    /// Make tokens for a service, list them, take them back
    #[command(
        after_help = "Without --url, CTS_URL or a url in cts/config.toml this works on the data directory of this \
        machine, also beside a running service; who may write there needs no token."
    )]
    Token {
        /// What to do.
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Explain the configuration of the service
    Config {
        /// What to do.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Check everything that the service needs, with a remedy for what is wrong; changes nothing
    Doctor(DoctorArgs),
    /// Show or change which lines the service's own log holds, while it runs
    LogLevel(LogLevelArgs),
    /// Start the service: the same as cts-lite
    Serve(ServeArgs),
    /// Print the completions of a shell
    #[command(after_help = "Example:\n  cts completions bash > ~/.local/share/bash-completion/completions/cts")]
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    #[command(after_help = "Example:\n  cts man ~/.local/share/man/man1")]
    Man {
        /// The folder; it is made when it is missing
        dir: PathBuf,
    },
}

/// What to do with artifacts.
#[derive(Debug, Subcommand)]
pub(crate) enum ArtCommand {
    /// List what a run made
    List {
        /// The run; `last` is the newest
        run: String,
    },
    /// Fetch an artifact, or all of a run, checked by sha256
    #[command(
        after_help = "Examples:\n  cts art get last\n  cts art get RUN '*.csv' --out-dir results\n  cts art get ARTIFACT --output - | head"
    )]
    Get(ArtGetArgs),
    /// Fetch an artifact and open it; without a desktop its beginning is shown here
    Open {
        /// The artifact
        artifact: String,
        /// The folder it goes to
        #[arg(long, value_name = "DIR")]
        out_dir: Option<PathBuf>,
    },
}

/// Which artifacts to fetch, and where to.
#[derive(Debug, Args)]
pub(crate) struct ArtGetArgs {
    /// An artifact or a run; `last` is the newest run
    pub(crate) id: String,
    /// Of a run, only the files with these names; globs are taken
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// The folder they go to
    #[arg(long, value_name = "DIR")]
    pub(crate) out_dir: Option<PathBuf>,
    /// Of a single artifact: the file it goes to, `-` for standard output
    #[arg(long, short, value_name = "FILE", conflicts_with = "out_dir")]
    pub(crate) output: Option<PathBuf>,
}

/// How to start the service. `--config` names its file.
#[derive(Debug, Args)]
#[command(after_help = "Every setting is a flag, too: max_concurrent_runs is --max-concurrent-runs. \
    `cts config explain` lists them.\n\nExit codes: 0 clean, 1 failed, 2 configuration or lock, 128 and the signal's number when a \
    second signal ended everything at once.")]
pub(crate) struct ServeArgs {
    /// Settings.
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
    /// Tell every setting with its origin and what it overrode, and whether all is right; start nothing
    #[arg(long)]
    pub(crate) check_config: bool,
}

/// What to do with tools.
#[derive(Debug, Subcommand)]
pub(crate) enum ToolsCommand {
    /// Explain every fault of manifests, with line and column
    Check {
        /// The manifests
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// List the tools and the manifests that were refused
    List,
}

#[cfg(test)]
mod tests;
