//! What can be typed about tokens.

use std::time::Duration;

use clap::Subcommand;
use cts_model::Role;
use cts_server::token_command;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; its text is printed, this once
    #[command(
        after_help = "Examples:\n  cts token create --role operator --name ci --expires 90d\n  CTS_API_KEY=$(cts token create --role viewer --name me) cts runs"
    )]
    Create {
        /// What it may do: viewer, operator or admin
        #[arg(long, value_name = "ROLE", value_parser = role)]
        role: Role,
        /// Its name: what stands in runs and in the audit log
        #[arg(long)]
        name: String,
        /// How long it is good: 90d, 12h, 1y, never
        #[arg(long, value_name = "TIME", default_value = "90d", value_parser = lifetime)]
        expires: Lifetime,
    },
    /// List the tokens
    List,
    /// Take a token back: it is good for nothing from then on
    Revoke {
        /// Its id, or its name where only one has it
        token: String,
    },
}

/// How long a token shall be good; none is for ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetime(pub(crate) Option<Duration>);

fn lifetime(text: &str) -> Result<Lifetime, String> {
    token_command::lifetime(text).map(Lifetime)
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_word(text).ok_or_else(|| "it is viewer, operator or admin".to_owned())
}
