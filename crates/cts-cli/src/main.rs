//! `cts`: is it a child? then its arguments, a command, an exit code.
//!
//! Standard output holds results, standard error everything else. With `--json` standard output is one document, also
//! for an error; only `logs` is one object a line.

mod args;
mod client;
mod commands;
mod destination;
mod error;
mod exit;
mod files;
mod params;
mod render;
mod session;
mod transport;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use clap::error::ErrorKind;
use cts_model::{Clock as _, SystemClock};

use args::{Cli, ColorWhen, Command, ToolsCommand};
use commands::Done;
use error::CliError;
use exit::Exit;
use render::human::Look;
use render::screen::Screen;
use session::Session;

/// How long the runtime may take to end what hangs.
const RUNTIME_END: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    if let Some(code) = cts_server::embedded::run_if_child() {
        return code;
    }
    let Cli { global, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return told_by_clap(&error),
    };
    match global.color {
        ColorWhen::Auto => {}
        ColorWhen::Always => anstream::ColorChoice::Always.write_global(),
        ColorWhen::Never => anstream::ColorChoice::Never.write_global(),
    }
    let screen = Screen::new(global.json, global.quiet);
    let done = match command {
        // The service sets up everything by itself.
        Command::Serve(args) => return commands::serve(args, global.config, global.json),
        Command::Completions { shell } => {
            screen.out(&commands::completions(shell));
            return Exit::Completed.into();
        }
        Command::Man { dir } => commands::man(&dir),
        Command::Tools { command: ToolsCommand::Check { files } } => commands::check(&files),
        Command::Config { command } => commands::config(&global, command),
        Command::Doctor(args) => on_runtime(commands::doctor(&global, args)),
        Command::Token { command } => on_runtime(commands::token(&global, &screen, command)),
        command => on_runtime(with_session(&global, &screen, command)),
    };
    let current_dir = session::here().current_dir;
    let look = Look { width: screen.width(), now: SystemClock.now(), current_dir };
    match done {
        Ok(Done { report, exit }) => {
            render::report(&screen, &report, &look);
            exit.into()
        }
        Err(error) => {
            render::error(&screen, &error);
            error.exit().into()
        }
    }
}

/// Help and version are no errors; the rest is, with the code of this program and not of clap.
fn told_by_clap(error: &clap::Error) -> ExitCode {
    // Nobody is left to be told when this fails.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Completed.into(),
        _ => Exit::Usage.into(),
    }
}

async fn with_session(global: &args::Global, screen: &Screen, command: Command) -> Result<Done, CliError> {
    let session = Session::open(global, screen.clone()).await?;
    let done = Box::pin(commands::dispatch(&session, command)).await;
    // What the command says matters more than how it was closed.
    if let Err(error) = session.close().await {
        screen.warn(&error.to_string());
    }
    done
}

fn on_runtime(work: impl Future<Output = Result<Done, CliError>>) -> Result<Done, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("cts").build();
    let runtime = runtime.map_err(|error| CliError::usage(format!("cannot start: {error}")))?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(RUNTIME_END);
    done
}
