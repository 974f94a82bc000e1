//! What the commands do. They return values; nothing here prints but log lines and progress on the way.

mod art;
mod attend;
mod cap;
mod config;
mod doctor;
mod generate;
mod log_level;
mod logs;
mod ping;
mod run;
mod runs;
mod serve;
mod token;
mod tools;
mod upload;

use std::path::PathBuf;

use cts_api::{Artifact, Capabilities, Health, LogLevels, Preview, Run, Token, ToolCapability, Upload, Version};
use cts_server::doctor::Diagnosis;
use cts_server::embedded::ManifestFault;

use crate::args::Command;
use crate::client::{LogCounts, Page};
use crate::error::{CliError, Complaint};
use crate::exit::Exit;
use crate::session::{Place, Session};

pub(crate) use config::config;
pub(crate) use doctor::doctor;
pub(crate) use generate::{completions, man};
pub(crate) use serve::serve;
pub(crate) use token::token;
pub(crate) use tools::check;

/// What a command found.
#[derive(Debug)]
pub(crate) enum Report {
    /// Nothing to print, or it was printed on the way.
    Nothing,
    /// A service is there.
    Ping(Box<Ping>),
    /// What tools there are.
    Tools(Box<Capabilities>, Vec<String>),
    /// One tool.
    Tool(Box<ToolCapability>),
    /// A run was acknowledged and goes on.
    Submitted(Box<Run>),
    /// A run ended.
    Finished(Box<Finished>),
    /// One run for each file.
    Each(Vec<EachRow>),
    /// A list of runs.
    Runs(Page<Run>),
    /// Everything about one run.
    Run(Box<Run>),
    /// Runs that were asked to end.
    Canceled(Vec<Run>),
    /// What a run made.
    Artifacts(Vec<Artifact>),
    /// What was fetched.
    Saved(Vec<Saved>),
    /// An artifact that was fetched and shown.
    Opened(Box<Opened>),
    /// Files that were sent.
    Uploads(Vec<Upload>),
    /// Manifests that were checked.
    Checks(Vec<ManifestCheck>),
    /// Files that were written.
    Written(Vec<PathBuf>),
    /// A token that was made.
    TokenMade(Box<Token>),
    /// The tokens that there are.
    Tokens(Vec<Token>),
    /// Tokens that were taken back.
    TokensRevoked(Vec<Token>),
    /// The levels of the service's log.
    LogLevels(Box<LogLevels>),
    /// The configuration of the service, or one setting of it.
    Config(Box<Explained>),
    /// What the checks found.
    Examined(Box<Diagnosis>),
}

/// The configuration of the service, or one setting of it.
#[derive(Debug)]
pub(crate) struct Explained {
    /// For people.
    pub(crate) page: String,
    /// For programs.
    pub(crate) report: cts_api::config::ConfigReport,
}

/// A service that answers.
#[derive(Debug)]
pub(crate) struct Ping {
    /// Its address.
    pub(crate) url: String,
    /// Its version.
    pub(crate) version: Version,
    /// How it is.
    pub(crate) health: Health,
    /// How long its answer took, in milliseconds.
    pub(crate) milliseconds: f64,
}

/// A run that ended, and what was fetched of it.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The run as it ended.
    pub(crate) run: Run,
    /// The folder its artifacts went to.
    pub(crate) folder: Option<PathBuf>,
    /// What was fetched.
    pub(crate) saved: Vec<Saved>,
    /// How many lines its log has, where it was followed.
    pub(crate) log: Option<LogCounts>,
    /// What went wrong after it ended.
    pub(crate) trouble: Option<CliError>,
}

impl Finished {
    /// Returns how the program ends after it.
    pub(crate) fn exit(&self) -> Exit {
        match (&self.trouble, Exit::of_run(self.run.status)) {
            (Some(trouble), Exit::Completed) => trouble.exit(),
            (_, exit) => exit,
        }
    }
}

/// An artifact that was fetched.
#[derive(Debug)]
pub(crate) struct Saved {
    /// The artifact.
    pub(crate) artifact: Artifact,
    /// Its file.
    pub(crate) path: PathBuf,
    /// Ends of lines in it.
    pub(crate) lines: u64,
    /// The same file was there already.
    pub(crate) was_there: bool,
}

/// An artifact that was fetched and opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What was fetched.
    pub(crate) saved: Saved,
    /// Its beginning, where no program of the desktop shows it.
    pub(crate) preview: Option<Preview>,
}

/// The run of one of several files.
#[derive(Debug)]
pub(crate) struct EachRow {
    /// The file.
    pub(crate) input: String,
    /// What became of it.
    pub(crate) result: Result<EachRun, CliError>,
}

/// What became of one of several runs.
#[derive(Debug)]
pub(crate) enum EachRun {
    /// It goes on.
    Submitted(Box<Run>),
    /// It ended.
    Finished(Box<Finished>),
}

/// A manifest that was checked.
#[derive(Debug)]
pub(crate) struct ManifestCheck {
    /// Its file.
    pub(crate) path: PathBuf,
    /// The tool that it declares, or what is wrong with it.
    pub(crate) result: Result<CheckedTool, Vec<ManifestFault>>,
}

/// A tool whose manifest is right.
#[derive(Debug)]
pub(crate) struct CheckedTool {
    /// Its id.
    pub(crate) id: String,
    /// How many parameters it has.
    pub(crate) parameters: usize,
    /// Why it cannot run on this machine.
    pub(crate) unavailable_reason: Option<String>,
}

/// What a command found, and how the program ends.
#[derive(Debug)]
pub(crate) struct Done {
    /// What it found.
    pub(crate) report: Report,
    /// How the program ends.
    pub(crate) exit: Exit,
}

impl Done {
    /// Returns what was found, and that all is well.
    pub(crate) fn well(report: Report) -> Self {
        Self { report, exit: Exit::Completed }
    }
}

/// Does what a command says, at the place of the session.
pub(crate) async fn dispatch(session: &Session, command: Command) -> Result<Done, CliError> {
    match command {
        Command::Ping => session.interruptible(ping::ping(session)).await,
        Command::Cap { tool } => session.interruptible(cap::cap(session, tool)).await,
        // What runs in process is canceled by Ctrl-C, so that these look after it themselves.
        Command::Run(args) => run::run(session, args).await,
        Command::Runs(args) => runs::runs(session, args).await,
        Command::Logs(args) => session.interruptible(logs::logs(session, args)).await,
        Command::LogLevel(args) => session.interruptible(log_level::log_level(session, args)).await,
        Command::Art { command } => session.interruptible(art::art(session, command)).await,
        Command::Upload { files } => session.interruptible(upload::upload(session, &files)).await,
        Command::Tools { .. } => session.interruptible(tools::list(session)).await,
        Command::Config { .. }
        | Command::Doctor(_)
        | Command::Serve(_)
        | Command::Token { .. }
        | Command::Completions { .. }
        | Command::Man { .. } => {
            unreachable!("these need no session, or open their own")
        }
    }
}

/// Returns the complaint of one who asks for a service where none is.
fn no_service(session: &Session) -> Option<CliError> {
    let Place::InProcess { data_dir } = &session.place else { return None };
    let sentence = format!("no service is configured, and none runs on {}", data_dir.display());
    let complaint = Complaint::new(sentence)
        .action("Start one with `cts serve`, or name one with --url or CTS_URL.")
        .action("`cts run` works without one, in its own process.");
    Some(CliError::Usage(complaint.into()))
}
