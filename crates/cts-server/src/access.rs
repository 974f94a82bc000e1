//! Who asks, and whether they may: tokens, sessions, roles, counts of requests.
//!
//! What a route needs stands in the route table; `layers/gate.rs` asks here before the handler is asked. Guessing is
//! limited by address, also where rates are not: after some wrong tokens from an address, only a token that was right
//! from there before is looked at.

pub(crate) mod address;
pub(crate) mod credentials;
pub(crate) mod keyring;
pub(crate) mod rate;
pub(crate) mod tokens;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cts_model::token::key::BadKey;
use cts_model::{Actor, Code, Role, Secret, Timestamp, TokenId};
use cts_store::Db;

use crate::access::address::counted;
use crate::access::credentials::{Presented, challenge};
use crate::access::keyring::{Denied, Entry, Keyring};
use crate::access::rate::{Verdict, Windows};
use crate::problem::Refusal;
use crate::state::HttpOptions;

/// Wrong tokens from one address within a minute, after which it has to wait.
pub(crate) const GUESSES_PER_MINUTE: u32 = 10;
/// Refused changes of one address that the audit log tells within a minute; the others are in the service's log only.
const REFUSALS_PER_ADDRESS: u32 = 10;
/// Refused changes of all addresses that the audit log tells within a minute.
const REFUSALS_PER_MINUTE: u32 = 120;

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    Token(TokenId),
    Address(IpAddr),
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Who it is.
    pub(crate) actor: Actor,
    /// What they may do.
    pub(crate) role: Role,
    /// What they proved themselves with; none where nobody has to.
    pub(crate) proof: Option<Proof>,
}

/// What somebody proved themselves with.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    /// The id of the token or session.
    pub(crate) id: TokenId,
    /// From this moment on it is good for nothing.
    pub(crate) expires_at: Option<Timestamp>,
    /// The text of the cookie, for a session.
    pub(crate) session: Option<Secret>,
}

impl Caller {
    /// Returns the person at the command line.
    pub(crate) fn local() -> Self {
        Self { actor: Actor::Local, role: Role::Admin, proof: None }
    }

    /// Returns somebody whom nobody asks.
    pub(crate) fn anonymous() -> Self {
        Self { actor: Actor::Anonymous, role: Role::Admin, proof: None }
    }

    fn of(entry: &Entry, session: Option<Secret>) -> Self {
        let token = &entry.token;
        let proof = Proof { id: token.id, expires_at: token.expires_at, session };
        Self { actor: actor(entry), role: token.role, proof: Some(proof) }
    }
}

/// Returns who a token stands for; a session stands for the holder of its token.
pub(crate) fn actor(entry: &Entry) -> Actor {
    let token = &entry.token;
    Actor::Token { id: token.session_of.unwrap_or(token.id), name: token.name.clone() }
}

/// Who may ask, and how often.
#[derive(Debug)]
pub(crate) struct Access {
    /// The tokens.
    pub(crate) keyring: Keyring,
    rate: Option<Windows<Client>>,
    guesses: Windows<IpAddr>,
    refusals: Windows<Option<IpAddr>>,
    all_refusals: Windows<()>,
    began: Instant,
}

impl Access {
    pub(crate) fn new(db: Db, options: &HttpOptions) -> Self {
        Self {
            keyring: Keyring::new(db),
            rate: options.requests_per_minute.map(Windows::new),
            guesses: Windows::new(GUESSES_PER_MINUTE),
            refusals: Windows::new(REFUSALS_PER_ADDRESS),
            all_refusals: Windows::new(REFUSALS_PER_MINUTE),
            began: Instant::now(),
        }
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Finds out who asks.
    pub(crate) async fn authenticate(
        &self,
        presented: Presented,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Caller, Refusal> {
        match presented {
            Presented::Nothing => {
                let refusal = Refusal::new(Code::AuthenticationRequired, "this needs a token");
                Err(challenge(refusal, None))
            }
            Presented::Token(text) => {
                let entry = self.prove(&text, false, address, now).await?;
                Ok(Caller::of(&entry, None))
            }
            Presented::Session(text) => {
                let entry = self.prove(&text, true, address, now).await?;
                Ok(Caller::of(&entry, Some(text)))
            }
        }
    }

    /// Finds out whose text it is.
    pub(crate) async fn prove(
        &self,
        text: &Secret,
        as_session: bool,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Arc<Entry>, Refusal> {
        let counted = counted(address);
        let guesses = self.guesses.look(counted, self.elapsed());
        if !guesses.passes && !self.keyring.is_familiar(text.reveal(), counted) {
            return Err(too_many_attempts(guesses));
        }
        let wrong = match self.keyring.find(text.reveal(), now).await {
            // A session is no token, and a token no session: neither does what the other may.
            Ok(entry) if entry.token.session_of.is_some() == as_session => {
                self.keyring.note_familiar(&entry, counted);
                return Ok(entry);
            }
            Ok(_) => None,
            Err(Denied::Wrong(bad)) => bad,
            Err(Denied::Expired(entry)) => return Err(expired(&entry)),
            Err(Denied::Revoked(entry)) => return Err(revoked(&entry)),
            Err(Denied::Store(error)) => return Err(tokens::TokenError::Store(error).into()),
        };
        let guesses = self.guesses.take(counted, self.elapsed());
        if guesses.passes { Err(not_known(as_session, wrong)) } else { Err(too_many_attempts(guesses)) }
    }

    /// Counts a request; none where rates are not limited. `Err` when it is one too many.
    pub(crate) fn count(&self, caller: &Caller, address: Option<IpAddr>) -> Result<Option<Verdict>, Refusal> {
        let Some(rate) = &self.rate else { return Ok(None) };
        let client = match caller.actor.token_id() {
            Some(token) => Client::Token(token),
            None => Client::Address(counted(address)),
        };
        self.counted_as(rate, client).map(Some)
    }

    fn counted_as(&self, rate: &Windows<Client>, client: Client) -> Result<Verdict, Refusal> {
        let verdict = rate.take(client, self.elapsed());
        if verdict.passes {
            return Ok(verdict);
        }
        let whose = match client {
            Client::Token(_) => "with this token",
            Client::Address(_) => "from this address",
        };
        let (limit, seconds) = (verdict.limit, verdict.reset);
        let message = format!("{limit} requests a minute are allowed {whose}; one more is in {seconds} s");
        Err(Refusal::new(Code::RateLimited, message).with_rate(verdict))
    }

    /// Counts a request of somebody who could not prove who they are.
    pub(crate) fn count_unknown(&self, address: Option<IpAddr>) -> Result<Option<Verdict>, Refusal> {
        let Some(rate) = &self.rate else { return Ok(None) };
        self.counted_as(rate, Client::Address(counted(address))).map(Some)
    }

    /// Returns whether the audit log tells one more refused change from an address.
    pub(crate) fn may_tell_refusal(&self, address: Option<IpAddr>) -> bool {
        let now = self.elapsed();
        self.refusals.take(address.map(|address| counted(Some(address))), now).passes
            && self.all_refusals.take((), now).passes
    }
}

fn too_many_attempts(verdict: Verdict) -> Refusal {
    let message = format!(
        "{} wrong tokens came from this address within a minute; it is listened to again in {} s",
        verdict.limit, verdict.reset
    );
    Refusal::new(Code::TooManyAttempts, message).with_rate(verdict)
}

fn not_known(as_session: bool, bad: Option<BadKey>) -> Refusal {
    let message = match (as_session, bad) {
        (true, _) => "the session is over, or none of this service".to_owned(),
        (false, Some(bad)) => format!("the token is not valid: {bad}"),
        (false, None) => "the token is not one of this service".to_owned(),
    };
    challenge(Refusal::new(Code::InvalidToken, message), Some("invalid_token"))
}

/// Who gets this sent the right text, so that the name may be told.
fn expired(entry: &Entry) -> Refusal {
    let end = entry.token.expires_at.map(|end| end.to_string()).unwrap_or_default();
    let message = match entry.token.session_of {
        Some(_) => format!("the session ended at {end}"),
        None => format!("the token {} expired at {end}", entry.token.name),
    };
    challenge(Refusal::new(Code::TokenExpired, message), Some("invalid_token")).by(actor(entry))
}

fn revoked(entry: &Entry) -> Refusal {
    let at = entry.token.revoked_at.map(|at| at.to_string()).unwrap_or_default();
    let message = format!("the token {} was revoked at {at}", entry.token.name);
    challenge(Refusal::new(Code::TokenRevoked, message), Some("invalid_token")).by(actor(entry))
}

impl From<tokens::TokenError> for Refusal {
    fn from(error: tokens::TokenError) -> Self {
        let fault = error.fault();
        if fault.category() == cts_model::Category::System {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot use the tokens: {error}");
        }
        fault.into()
    }
}
