//! `cts-lite`: is it a child? then its arguments, and the service.

// In a folder, since every file beside this one would be a binary of its own.
#[path = "cts-lite/setting_flags.rs"]
mod setting_flags;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use cts_api::CreateToken;
use cts_model::Role;
use cts_server::service::{Form, Start, run};
use cts_server::token_command::{self, TokenCommand};
use setting_flags::SettingFlags;

/// Runs tools on driving logs as a service.
#[derive(Debug, Parser)]
#[command(
    name = "cts-lite",
    version,
    after_help = "Every setting is a flag, too: max_concurrent_runs is --max-concurrent-runs. \
    docs/reference/configuration.md lists them, --check-config tells them.\n\n\
    Exit codes: 0 clean, 1 failed, 2 configuration or lock, \
    128 and the signal's number when a second signal ended everything at once."
)]
struct Arguments {
    /// The configuration file (TOML).
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Settings.
    #[command(flatten)]
    settings: SettingFlags,
    /// Tell every setting with its origin and what it overrode, and whether all is right; start nothing.
    #[arg(long)]
    check_config: bool,
    /// With --check-config: as a JSON document.
    #[arg(long, requires = "check_config")]
    json: bool,
    /// What to do instead of serving.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make tokens on the data directory, list them, take them back: also beside a running service.
    Token {
        /// What to do.
        #[command(subcommand)]
        command: Token,
    },
}

#[derive(Debug, Subcommand)]
enum Token {
    /// Make a token; its text is printed, this once.
    #[command(after_help = "Example:\n  cts-lite token create --role admin --name ada --expires 90d")]
    Create {
        /// Its name: what stands in runs and in the audit log.
        #[arg(long)]
        name: String,
        /// What it may do: viewer, operator or admin.
        #[arg(long, value_parser = role)]
        role: Role,
        /// How long it is good: 90d, 12h, 1y, never.
        #[arg(long, value_name = "TIME", default_value = "90d", value_parser = lifetime)]
        expires: Lifetime,
    },
    /// List the tokens.
    List,
    /// Take a token back.
    Revoke {
        /// Its id, or its name where only one has it.
        token: String,
    },
}

#[derive(Debug, Clone, Copy)]
struct Lifetime(Option<Duration>);

fn lifetime(text: &str) -> Result<Lifetime, String> {
    token_command::lifetime(text).map(Lifetime)
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_word(text).ok_or_else(|| "it is viewer, operator or admin".to_owned())
}

impl From<Token> for TokenCommand {
    fn from(command: Token) -> Self {
        match command {
            Token::Create { name, role, expires: Lifetime(lasts) } => {
                let expires_in_seconds = lasts.map(|lasts| lasts.as_secs_f64());
                Self::Create(CreateToken { name, role: role.into(), expires_in_seconds })
            }
            Token::List => Self::List,
            Token::Revoke { token } => Self::Revoke { token },
        }
    }
}

fn main() -> ExitCode {
    if let Some(code) = cts_engine::supervisor::run_if_supervisor() {
        return code;
    }
    if let Some(code) = cts_tools::run_if_child() {
        return code;
    }
    let Arguments { config, settings: SettingFlags(settings), check_config, json, command } = Arguments::parse();
    let check_config = check_config.then_some(if json { Form::Json } else { Form::Page });
    let start = Start { config, settings, check_config };
    match command {
        None => run(start),
        Some(Command::Token { command }) => token_command::run(start, command.into()),
    }
}
