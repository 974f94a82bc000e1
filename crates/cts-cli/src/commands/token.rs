//! Makes tokens, lists them, takes them back: at the service that is configured, else on the data directory of this
//! machine, where no right is needed but that of its database, also beside a running service.

use cts_api::{CreateToken, Role, Token};
use cts_config::{ClientConfig, Kind, ServiceConfig, Sources};
use cts_model::{Category, Fault};
use cts_server::ServerError;
use cts_server::token_command::{TokenAdmin, which};

use super::{Done, Report};
use crate::args::{Global, Lifetime, TokenCommand};
use crate::error::{CliError, Complaint};
use crate::render::screen::Screen;
use crate::session::Session;

/// Does what a command says.
pub(crate) async fn token(global: &Global, screen: &Screen, command: TokenCommand) -> Result<Done, CliError> {
    let sources = Sources::from_process(Kind::InProcess, global.config.clone(), Vec::new());
    let flags = global.url.iter().map(|url| ("url".to_owned(), url.clone())).collect();
    let client = ClientConfig::load(&Sources { flags, ..sources.clone() })?;
    if client.config.url.is_none() {
        return on_data_directory(&sources, screen, command).await;
    }
    let session = Session::open(global, screen.clone()).await?;
    let report = session.interruptible(at_service(&session, command)).await?;
    session.close().await?;
    Ok(Done::well(report))
}

fn request(role: cts_model::Role, name: String, Lifetime(lasts): Lifetime) -> CreateToken {
    CreateToken { name, role: Role::from(role), expires_in_seconds: lasts.map(|lasts| lasts.as_secs_f64()) }
}

async fn at_service(session: &Session, command: TokenCommand) -> Result<Report, CliError> {
    let client = &session.client;
    Ok(match command {
        TokenCommand::Create { role, name, expires } => {
            let token = client.create_token(&request(role, name, expires)).await?;
            say_once(&session.screen, &token);
            Report::TokenMade(Box::new(token))
        }
        TokenCommand::List => Report::Tokens(client.tokens().await?),
        TokenCommand::Revoke { token } => {
            let known = client.tokens().await?;
            let id = which(&token, &known).map_err(refused)?.to_string();
            client.revoke_token(&id).await?;
            let tokens = client.tokens().await?.into_iter().filter(|token| token.id == id);
            Report::TokensRevoked(tokens.collect())
        }
    })
}

async fn on_data_directory(sources: &Sources, screen: &Screen, command: TokenCommand) -> Result<Done, CliError> {
    let loaded = ServiceConfig::load(sources)?;
    for warning in loaded.warnings.iter().chain(&loaded.prepare_directories()?) {
        screen.warn(&warning.to_string());
    }
    let admin = TokenAdmin::open(&loaded.config, "cts").await.map_err(unopened)?;
    let report = match command {
        TokenCommand::Create { role, name, expires } => {
            admin.create(&request(role, name, expires)).await.map(|token| {
                say_once(screen, &token);
                Report::TokenMade(Box::new(token))
            })
        }
        TokenCommand::List => admin.list().await.map(Report::Tokens),
        TokenCommand::Revoke { token } => admin.revoke(&token).await.map(|token| Report::TokensRevoked(vec![token])),
    };
    admin.close().await;
    report.map(Done::well).map_err(refused)
}

/// Says what is known about a new token beside its text, which goes to standard output alone.
fn say_once(screen: &Screen, token: &Token) {
    let end = token.expires_at.map_or("never expires".to_owned(), |end| format!("expires at {end}"));
    let role = cts_model::Role::from(token.role);
    screen.note(&format!("token {} ({}) with the role {role} {end}; it is shown this once", token.name, token.id));
}

fn refused(fault: Fault) -> CliError {
    let category = fault.category();
    let mut complaint = Complaint::new(fault.message);
    complaint.code = Some(fault.code.as_str().to_owned());
    complaint.actions = fault.actions;
    match category {
        Category::NotFound => CliError::NotFound(complaint.into()),
        Category::System => CliError::InProcess { what: complaint.sentence, remedy: complaint.actions.pop() },
        _ => CliError::Usage(complaint.into()),
    }
}

fn unopened(error: ServerError) -> CliError {
    let remedy = error.remedy();
    let report = error.report();
    let what = remedy.as_deref().and_then(|remedy| report.strip_suffix(remedy)).unwrap_or(&report);
    CliError::InProcess { what: what.trim_end().to_owned(), remedy }
}
