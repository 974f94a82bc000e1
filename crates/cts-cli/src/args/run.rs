//! What can be typed to start a run.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  cts run rlog-to-csv --path drive/rlog.zst --wait
  cts run rlog-to-csv --path 'drive/*--rlog.zst' --follow      all of them in one run, in the order of their numbers
  cts run rlog-to-csv --path 'drive/*--rlog.zst' --each --wait one run a file, a table at the end
  cts run word-count --artifact ARTIFACT -p top=20 --out-dir words
  cts run rlog-to-csv --path rlog.zst --upload --url https://cts.example --follow";

/// What to run.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    /// The tool; `cts cap` lists them
    pub(crate) tool: String,
    /// Files to work on.
    #[command(flatten)]
    pub(crate) paths: PathArgs,
    /// One run for each file instead of one for all
    #[arg(long)]
    pub(crate) each: bool,
    /// Parameters.
    #[command(flatten)]
    pub(crate) params: ParamArgs,
    /// What else belongs to the request.
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// A variable of the tool's environment, if the tool allows it
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) environment: Vec<(String, String)>,
    /// Makes the request repeatable for 24 hours: the same key gives the same run
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// What happens after it was acknowledged.
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Files to work on.
#[derive(Debug, Default, Args)]
pub(crate) struct PathArgs {
    /// A file, folder or glob to work on; may be given several times
    #[arg(long = "path", short = 'i', value_name = "PATH", num_args = 1..)]
    pub(crate) paths: Vec<PathBuf>,
    /// An artifact of an earlier run to work on
    #[arg(long = "artifact", value_name = "ID")]
    pub(crate) artifacts: Vec<String>,
    /// Send the files to the service: it runs elsewhere and does not see them
    #[arg(long)]
    pub(crate) upload: bool,
}

/// Parameters.
#[derive(Debug, Default, Args)]
pub(crate) struct ParamArgs {
    /// A parameter; its type is the tool's own. A list takes commas, or the option several times
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) params: Vec<(String, String)>,
    /// A parameter whose value is the text of a file, `-` for standard input: for secrets
    #[arg(long = "param-file", value_name = "NAME=FILE", value_parser = pair)]
    pub(crate) param_files: Vec<(String, String)>,
}

/// What else belongs to a request.
#[derive(Debug, Default, Args)]
pub(crate) struct RequestArgs {
    /// A name for people
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A label for filters; may be given several times
    #[arg(long = "label", short = 'l', value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) labels: Vec<(String, String)>,
    /// -100 to 100; higher runs first
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-100..=100))]
    pub(crate) priority: Option<i32>,
    /// Time limit of one attempt, for example 90s or 5m; it only shortens the tool's own
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

/// What happens after a run was acknowledged.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WaitArgs {
    /// Wait for the end and fetch the artifacts
    #[arg(long, short)]
    pub(crate) wait: bool,
    /// Show the log lines as they come, then fetch the artifacts
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// The folder the artifacts go to.
    #[arg(
        long,
        short,
        value_name = "DIR",
        help = "The folder the artifacts go to [default: out_dir of cts/config.toml, else ./cts-results/RUN]"
    )]
    pub(crate) out_dir: Option<PathBuf>,
    /// Leave the artifacts where they are
    #[arg(long, conflicts_with = "out_dir")]
    pub(crate) no_download: bool,
}

impl WaitArgs {
    /// Returns whether the end of the run is waited for.
    pub(crate) fn waits(&self) -> bool {
        self.wait || self.follow
    }
}

/// What to run again.
#[derive(Debug, Args)]
pub(crate) struct RerunArgs {
    /// The run; `last` is the newest
    pub(crate) run: String,
    /// Other files to work on.
    #[command(flatten)]
    pub(crate) paths: PathArgs,
    /// Parameters that replace those of the same name.
    #[command(flatten)]
    pub(crate) params: ParamArgs,
    /// A parameter to take away
    #[arg(long, value_name = "NAME")]
    pub(crate) unset: Vec<String>,
    /// What else is to be different.
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// Makes the request repeatable for 24 hours
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// What happens after it was acknowledged.
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// Reads `name=value`; the value may be empty and may hold further `=`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not NAME=VALUE")),
    }
}

/// Reads a duration: `90`, `90s`, `500ms`, `5m`, `2h`, `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let refuse = || format!("{text:?} is not a time like 90s, 500ms, 5m, 2h");
    let end = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(refuse()),
    };
    let number = number.parse::<f64>().map_err(|_| refuse())?;
    let duration = Duration::try_from_secs_f64(number * factor).map_err(|_| refuse())?;
    if duration.is_zero() { Err(format!("{text:?} is no time at all")) } else { Ok(duration) }
}
