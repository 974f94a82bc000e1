//! Tokens by command line, on the database of a data directory: the first one, before or beside a running service.
//!
//! Who may write the database may make tokens; no other right is asked for. The service's lock is not taken: the database
//! itself keeps writers apart, and a running service accepts a new token at once and drops a revoked one within a second.

use std::io::Write;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cts_api::{CreateToken, Token};
use cts_config::{Kind, ServiceConfig, Sources};
use cts_model::{
    Actor, Change, Clock, Code, Ctx, Fault, FieldFault, Ids, RequestId, SystemClock, Target, TokenId, TokenName,
};
use cts_store::{Db, SqliteOptions};

use crate::access::keyring::Keyring;
use crate::access::tokens::{self, NewToken};
use crate::error::ServerError;
use crate::service::Start;

/// What shall be done with tokens.
#[derive(Debug, Clone)]
pub enum TokenCommand {
    /// Make one.
    Create(CreateToken),
    /// Tell what is known about all of them.
    List,
    /// Take one back.
    Revoke {
        /// Its id, or its name where only one good token has it.
        token: String,
    },
}

/// The tokens of a database, for the person at the command line.
#[derive(Debug)]
pub struct TokenAdmin {
    keyring: Keyring,
    clock: Arc<dyn Clock>,
    ids: Ids,
    program: &'static str,
}

impl TokenAdmin {
    /// Opens the database of a configuration; `program` is what the audit log calls the command.
    ///
    /// # Errors
    /// What cannot be opened, in words for people; and root on a data directory of somebody else, whose service could
    /// not use what root leaves there.
    pub async fn open(config: &ServiceConfig, program: &'static str) -> Result<Self, ServerError> {
        let folder = &config.storage.base_storage_path;
        check_owner(folder)?;
        let database = folder.join("cts.db");
        let db = Db::open_sqlite(&database, &SqliteOptions::default()).await.map_err(ServerError::store(&database))?;
        Ok(Self::on(db, Arc::new(SystemClock), program))
    }

    /// Works on a database that is open.
    #[must_use]
    pub fn on(db: Db, clock: Arc<dyn Clock>, program: &'static str) -> Self {
        Self { keyring: Keyring::new(db), ids: Ids::new(Arc::clone(&clock)), clock, program }
    }

    fn cx(&self, command: &str, target: Target) -> Ctx {
        let change = Change::new(format!("{} token {command}", self.program), target, 200, None);
        let request_id = RequestId::new(&self.ids);
        Ctx { request_id, actor: Actor::Local, trace: None, change: Some(Arc::new(change)) }
    }

    /// Makes a token; its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// A name that may not be, too many tokens, a database that fails.
    pub async fn create(&self, request: &CreateToken) -> Result<Token, Fault> {
        let name: TokenName = request.name.parse().map_err(|error: cts_model::token::BadTokenName| {
            Fault::fields(Code::InvalidRequest, vec![FieldFault::new("--name", "pattern", error.to_string())])
        })?;
        let new = NewToken { name, role: request.role.into(), lasts: request.lasts(), idempotency: None };
        let (cx, now) = (self.cx("create", Target::new()), self.clock.now());
        let made = tokens::create(&self.keyring, &self.ids, &cx, now, new).await.map_err(|error| error.fault())?;
        Ok(Token::of(&made.token, made.text, now))
    }

    /// Returns every token, the newest first.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn list(&self) -> Result<Vec<Token>, Fault> {
        let now = self.clock.now();
        let tokens = tokens::list(&self.keyring).await.map_err(|error| error.fault())?;
        Ok(tokens.iter().map(|token| Token::of(token, None, now)).collect())
    }

    /// Takes a token back: the one of this id, or the only good one of this name.
    ///
    /// # Errors
    /// No such token, several of the name, a database that fails.
    pub async fn revoke(&self, token: &str) -> Result<Token, Fault> {
        let id = which(token, &self.list().await?)?;
        let cx = self.cx("revoke", Target::from([("token_id".to_owned(), id.to_string())]));
        let now = self.clock.now();
        let token = tokens::revoke(&self.keyring, &cx, now, id).await.map_err(|error| error.fault())?;
        Ok(Token::of(&token, None, now))
    }

    /// Closes the database.
    pub async fn close(self) {
        self.keyring.db().close().await;
    }
}

/// Returns which token is meant by an id, or by a name that only one good token has.
///
/// # Errors
/// None or several are meant.
pub fn which(text: &str, tokens: &[Token]) -> Result<TokenId, Fault> {
    let not_found = || {
        Fault::new(Code::TokenNotFound, format!("there is no token {:?}", text.chars().take(64).collect::<String>()))
    };
    if let Ok(id) = text.parse::<TokenId>() {
        return Ok(id);
    }
    let is_good = |token: &&Token| token.name == text && token.revoked_at.is_none();
    match tokens.iter().filter(is_good).map(|token| token.id.as_str()).collect::<Vec<_>>().as_slice() {
        [] => Err(not_found()),
        [only] => only.parse().map_err(|_| not_found()),
        several => {
            let message = format!("{} tokens have the name {text}: {}", several.len(), several.join(", "));
            Err(Fault::new(Code::InvalidRequest, message).with_action("Name the one that is meant by its id."))
        }
    }
}

/// Refuses root on a data directory of somebody else: a database that root makes there is not the service's to write.
fn check_owner(folder: &Path) -> Result<(), ServerError> {
    let owner = std::fs::metadata(folder).map_err(ServerError::file("look at", folder))?.uid();
    if rustix::process::geteuid().is_root() && owner != 0 {
        return Err(ServerError::Owner { folder: folder.to_owned(), owner });
    }
    Ok(())
}

/// Reads how long a token shall be good: `90d`, `12h`, `30m`, `45s`, `2w`, `1y`, or `never`.
///
/// # Errors
/// What is wrong with the text.
pub fn lifetime(text: &str) -> Result<Option<Duration>, String> {
    if text == "never" {
        return Ok(None);
    }
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        "y" => 365 * 86_400,
        _ => 0,
    };
    let time = number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)).filter(|time| *time > 0);
    let time = time.filter(|time| Duration::from_secs(*time).as_secs_f64() <= cts_api::token::EXPIRES_IN_SECONDS_MAX);
    time.map(|time| Some(Duration::from_secs(time)))
        .ok_or_else(|| "it is written as 90d, 12h, 30m, 2w, 1y (at most 100y) or never".to_owned())
}

/// Does what a command says and returns the exit code of the process: 0 done, 1 failed, 2 configuration.
#[must_use]
pub fn run(start: Start, command: TokenCommand) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match run_to_end(start, command) {
        Ok(text) => match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "cts-lite: {}", error.report());
            ExitCode::from(error.exit_code())
        }
    }
}

fn run_to_end(start: Start, command: TokenCommand) -> Result<String, ServerError> {
    let loaded = ServiceConfig::load(&Sources::from_process(Kind::Service, start.config, start.settings))?;
    loaded.prepare_directories()?;
    let config = loaded.config;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServerError::Runtime)?;
    runtime.block_on(async {
        let admin = TokenAdmin::open(&config, "cts-lite").await?;
        let text = answer(&admin, command).await.map_err(ServerError::Refused);
        if text.is_ok() && !config.security.require_authentication {
            let _ = writeln!(std::io::stderr(), "note: require_authentication is off, so that nobody needs a token");
        }
        admin.close().await;
        text
    })
}

/// Returns what is printed: of a new token its text alone, so that a script can take it.
async fn answer(admin: &TokenAdmin, command: TokenCommand) -> Result<String, Fault> {
    match command {
        TokenCommand::Create(request) => {
            let token = admin.create(&request).await?;
            let end = token.expires_at.map_or("never expires".to_owned(), |end| format!("expires at {end}"));
            let id = &token.id;
            let _ = writeln!(
                std::io::stderr(),
                "token {} ({id}) with the role {} {end}; it is shown this once:",
                token.name,
                cts_model::Role::from(token.role),
            );
            let text = token.token.as_ref().map_or("", |text| text.0.reveal());
            Ok(format!("{text}\n"))
        }
        TokenCommand::List => Ok(admin.list().await?.iter().map(line).collect()),
        TokenCommand::Revoke { token } => {
            let token = admin.revoke(&token).await?;
            Ok(format!("token {} ({}) is revoked\n", token.name, token.id))
        }
    }
}

/// Returns one line of a list: the columns are separated by tabs, as programs like it.
fn line(token: &Token) -> String {
    let time = |time: Option<cts_api::Time>| time.map_or("never".to_owned(), |time| time.to_string());
    let status = match token.status {
        cts_api::token::TokenStatus::Active => "active",
        cts_api::token::TokenStatus::Expired => "expired",
        cts_api::token::TokenStatus::Revoked => "revoked",
    };
    let (expires, used) = (time(token.expires_at), time(token.last_used_at));
    let role = cts_model::Role::from(token.role);
    format!("{}\t{}\t{role}\t{status}\texpires {expires}\tused {used}\n", token.id, token.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_has_a_unit_or_is_never() {
        let table = [
            ("90d", 7_776_000),
            ("12h", 43_200),
            ("30m", 1800),
            ("45s", 45),
            ("2w", 1_209_600),
            ("100y", 3_153_600_000),
        ];
        for (text, seconds) in table {
            assert_eq!(lifetime(text), Ok(Some(Duration::from_secs(seconds))), "{text}");
        }
        assert_eq!(lifetime("never"), Ok(None));
        for bad in ["", "d", "90", "0d", "-1d", "1.5d", "90 d", "90D", "101y", "99999999999999999999d", "1d1h"] {
            assert!(lifetime(bad).is_err(), "{bad}");
        }
    }

    async fn admin() -> TokenAdmin {
        TokenAdmin::on(Db::open_memory().await.unwrap(), Arc::new(SystemClock), "cts-lite")
    }

    fn request(name: &str) -> CreateToken {
        CreateToken { name: name.to_owned(), role: cts_api::Role::Admin, expires_in_seconds: Some(60.0) }
    }

    #[tokio::test]
    async fn a_token_is_made_listed_and_taken_back_and_each_is_told_in_the_audit_log() {
        let admin = admin().await;
        let made = admin.create(&request("first")).await.unwrap();
        let text = made.token.as_ref().unwrap().0.reveal().to_owned();
        assert_eq!(cts_model::token::key::id_of(&text).unwrap().to_string(), made.id);
        let listed = admin.list().await.unwrap();
        assert_eq!((listed.len(), listed[0].token.clone()), (1, None));
        assert!(admin.revoke("first").await.unwrap().revoked_at.is_some());
        assert_eq!(admin.revoke("first").await.unwrap_err().code, Code::TokenNotFound, "no good one has the name");
        let (rows, _) = admin.keyring.db().audit(&cts_store::AuditFilter::default(), 10, None).await.unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.entry.action.as_str(), row.entry.actor.as_str())).collect();
        assert_eq!(told, [("cts-lite token revoke", "local"), ("cts-lite token create", "local")]);
        assert!(rows.iter().all(|row| row.entry.target["token_id"] == made.id));
        assert!(!format!("{rows:?}").contains(&text[27..]));
    }

    #[tokio::test]
    async fn a_name_that_several_have_names_none() {
        let admin = admin().await;
        let one = admin.create(&request("ci")).await.unwrap();
        admin.create(&request("ci")).await.unwrap();
        let refused = admin.revoke("ci").await.unwrap_err();
        assert!(refused.message.contains(&one.id), "{refused}");
        admin.revoke(&one.id).await.unwrap();
        admin.revoke("ci").await.unwrap();
        assert_eq!(admin.revoke("nobody").await.unwrap_err().code, Code::TokenNotFound);
        assert_eq!(admin.create(&request("a b")).await.unwrap_err().code, Code::InvalidRequest);
    }
}
