//! `cts-lite`: is it a child? then its arguments, and the service.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use cts_api::CreateToken;
use cts_model::Role;
use cts_server::service::{Start, run};
use cts_server::token_command::{self, TokenCommand};

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
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Address or name to listen on.
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// Where database, artifacts and logs lie.
    #[arg(long, value_name = "FOLDER", global = true)]
    data_dir: Option<String>,
    /// Any setting, for example `--set max_concurrent_runs=8`; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting, global = true)]
    settings: Vec<(String, String)>,
    /// Tell every setting with its origin, and whether all is right; start nothing.
    #[arg(long)]
    check_config: bool,
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
    let Arguments { config, host, port, data_dir, settings: given, check_config, command } = Arguments::parse();
    let named = [("host", host), ("port", port), ("base_storage_path", data_dir)];
    let mut settings: Vec<(String, String)> =
        named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    settings.extend(given);
    let start = Start { config, settings, check_config };
    match command {
        None => run(start),
        Some(Command::Token { command }) => token_command::run(start, command.into()),
    }
}
