//! What can be typed to look at runs and their logs.

use clap::{Args, Subcommand, ValueEnum};
use cts_api::log::LogLevel;

use super::run::{RerunArgs, WaitArgs};

/// Which runs to list, or what to do with one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Examples:\n  cts runs\n  cts runs --status failed --since 2h\n  cts runs get last --json\n  cts runs cancel RUN"
)]
pub(crate) struct RunsArgs {
    /// What to do; without it runs are listed.
    #[command(subcommand)]
    pub(crate) command: Option<RunsCommand>,
    /// Which runs.
    #[command(flatten)]
    pub(crate) which: WhichRuns,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, the newest first
    List(WhichRuns),
    /// Show everything about a run
    Get {
        /// The run; `last` is the newest
        run: String,
    },
    /// Cancel runs
    Cancel {
        /// The runs
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
    },
    /// Run the same again, with changes if wanted
    Rerun(RerunArgs),
    /// Wait until a run has ended; the exit code tells how
    Wait {
        /// The run; `last` is the newest
        run: String,
        /// What happens on the way and at the end.
        #[command(flatten)]
        wait: WaitArgs,
    },
}

/// Which runs.
#[derive(Debug, Default, Args)]
pub(crate) struct WhichRuns {
    /// Only in this state; may be given several times
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) status: Vec<StatusWord>,
    /// Only of this tool; may be given several times
    #[arg(long = "tool", value_name = "TOOL", value_delimiter = ',')]
    pub(crate) tools: Vec<String>,
    /// Only with this label; may be given several times
    #[arg(long = "label", short = 'l', value_name = "NAME=VALUE", value_parser = super::run::pair)]
    pub(crate) labels: Vec<(String, String)>,
    /// Only of exactly this name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Only from this time on: RFC 3339, or how long ago (2h, 7d)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only up to this time: RFC 3339, or how long ago
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only with this text in id, tool, name, labels or inputs
    #[arg(long = "query", value_name = "TEXT")]
    pub(crate) q: Option<String>,
    /// The oldest first
    #[arg(long)]
    pub(crate) oldest: bool,
    /// Most runs of a page, 1 to 1000
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Go on where another list ended
    #[arg(long)]
    pub(crate) cursor: Option<String>,
    /// All pages
    #[arg(long, conflicts_with = "cursor")]
    pub(crate) all: bool,
}

/// A state of a run as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusWord {
    /// Waits.
    Queued,
    /// Is under way.
    Running,
    /// Did what it promised.
    Completed,
    /// Went wrong.
    Failed,
    /// Was canceled.
    Canceled,
}

impl StatusWord {
    /// Returns the stable word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// Which lines of which log.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  cts logs last --follow\n  cts logs RUN --level warning\n  cts logs RUN --grep frame --from 1000"
)]
pub(crate) struct LogsArgs {
    /// The run; `last` is the newest
    pub(crate) run: String,
    /// Go on until the run has ended
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Begin at this line
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) from: Option<u64>,
    /// Only lines of this level and graver ones
    #[arg(long, value_enum, ignore_case = true)]
    pub(crate) level: Option<LevelWord>,
    /// Only lines with this text, upper and lower case alike
    #[arg(long, value_name = "TEXT")]
    pub(crate) grep: Option<String>,
    /// Show time and level in front of each line
    #[arg(long, short)]
    pub(crate) timestamps: bool,
}

/// A level as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelWord {
    /// For the one who searches.
    Debug,
    /// What happened.
    Info,
    /// It went on, but.
    #[value(alias = "warn")]
    Warning,
    /// Someone must look.
    Error,
}

impl From<LevelWord> for LogLevel {
    fn from(word: LevelWord) -> Self {
        match word {
            LevelWord::Debug => Self::Debug,
            LevelWord::Info => Self::Info,
            LevelWord::Warning => Self::Warning,
            LevelWord::Error => Self::Error,
        }
    }
}
