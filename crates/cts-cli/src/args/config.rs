//! What can be typed about the configuration of the service.

use clap::{Args, Subcommand};

use super::SettingFlags;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Tell every setting, or all about one: its value, where that came from, what it overrode, what it may be
    #[command(after_help = "Examples:\n  cts config explain\n  cts config explain max_concurrent_runs\n  \
        cts config explain --json\n\nIt reads what `cts-lite` would read here: the profile's defaults, the file, .env, \
        the environment, and the settings that are given as flags. Nothing is started, nothing is made.")]
    Explain {
        /// The setting; its variable and its flag are understood, too
        #[arg(value_name = "SETTING")]
        setting: Option<String>,
        /// Settings.
        #[command(flatten)]
        settings: SettingFlags,
    },
}

/// What to look at.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all is well, 1 something is wrong.\n\nIt works before a service was ever started, \
    and beside a running one, whose own checks it tells as well."
)]
pub(crate) struct DoctorArgs {
    /// Settings.
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}
