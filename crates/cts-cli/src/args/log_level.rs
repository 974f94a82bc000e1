//! What can be typed about the service's own log.

use std::time::Duration;

use clap::Args;
use clap::ValueEnum as _;

use super::query::LevelWord;
use super::run::{duration, pair};

/// Which lines the service's own log shall hold; without a word it is only shown.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cts log-level\n  cts log-level debug --for 10m\n  cts log-level --module cts_engine=debug\n  cts log-level --reset"
)]
pub(crate) struct LogLevelArgs {
    /// The least level of all lines; without it that of the configuration
    #[arg(value_enum, ignore_case = true)]
    pub(crate) level: Option<LevelWord>,
    /// Another level for a module, named as in the log; may be given several times
    #[arg(long = "module", short, value_name = "MODULE=LEVEL", value_parser = module)]
    pub(crate) modules: Vec<(String, LevelWord)>,
    /// How long the change holds: 90s, 10m, 2h; without it until the service starts anew
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) lasts: Option<Duration>,
    /// Take every change back
    #[arg(long, conflicts_with_all = ["level", "modules", "lasts"])]
    pub(crate) reset: bool,
}

impl LogLevelArgs {
    /// Returns whether anything shall be changed.
    pub(crate) fn changes(&self) -> bool {
        self.reset || self.level.is_some() || !self.modules.is_empty() || self.lasts.is_some()
    }
}

fn module(text: &str) -> Result<(String, LevelWord), String> {
    let (module, word) = pair(text)?;
    let level = LevelWord::from_str(word.trim(), true);
    level.map(|level| (module, level)).map_err(|_| format!("{word:?} is not one of debug, info, warning, error"))
}
