//! Makes tokens and sessions, lists them, takes them back: each with its entry in the audit log, in one transaction.
//!
//! It is used by the door and, beside a running service, by `cts-lite token` on the same database.

use std::time::Duration;

use cts_engine::{IDEMPOTENCY_KEPT, IdempotencyKey};
use cts_model::token::key;
use cts_model::{Code, Ctx, Fault, Ids, Role, Secret, Timestamp, Token, TokenId, TokenName};
use cts_store::{IdempotencyRow, StoreError, TokenRow};

use super::keyring::{Entry, Keyring, hash};

/// Most tokens that were not revoked.
pub(crate) const TOKENS_MAX: u64 = 1000;
/// Most revoked tokens that are remembered, so that who uses one is told why it is refused.
const REVOKED_MAX: u32 = 1000;
/// How long a token is remembered that is good for nothing.
const DEAD_KEPT: Duration = Duration::from_hours(30 * 24);
/// Most sessions of one token; the oldest gives way.
pub(crate) const SESSIONS_MAX: u32 = 20;
/// How long a session lasts.
pub(crate) const SESSION_TIME: Duration = Duration::from_hours(12);
/// Bytes of randomness that are fetched at a time.
const RANDOM_BYTES: usize = 64;

/// What a token shall be.
#[derive(Debug, Clone)]
pub(crate) struct NewToken {
    /// Its name.
    pub(crate) name: TokenName,
    /// What it may do.
    pub(crate) role: Role,
    /// How long it is good; none is for ever.
    pub(crate) lasts: Option<Duration>,
    /// Makes the request repeatable.
    pub(crate) idempotency: Option<IdempotencyKey>,
}

/// A token that was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// What is known about it.
    pub(crate) token: Token,
    /// Its text, which is told once; none when the request was answered before.
    pub(crate) text: Option<Secret>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// No token has this id.
    #[error("there is no token {0}")]
    NotFound(TokenId),
    /// There are as many as there may be.
    #[error("there are {TOKENS_MAX} tokens, which is the limit")]
    TooMany,
    /// The key was used for another request.
    #[error("the Idempotency-Key was used for another request")]
    KeyReused,
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Random(#[source] getrandom::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TokenError {
    /// Returns the error in the shape that crosses a border.
    pub(crate) fn fault(&self) -> Fault {
        match self {
            Self::NotFound(id) => Fault::new(Code::TokenNotFound, format!("no token has the id {id}")),
            Self::TooMany => Fault::new(Code::TooManyTokens, self.to_string()),
            Self::KeyReused => Fault::new(Code::IdempotencyKeyReused, self.to_string()),
            Self::Random(error) => Fault::system(Code::Internal, self.to_string(), error, "getrandom"),
            Self::Store(error) => error.fault(),
        }
    }
}

/// Returns the text of a new token.
fn new_text(id: TokenId) -> Result<Secret, TokenError> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
    let mut left = bytes.into_iter();
    let mut failed = None;
    let text = key::new(id, || {
        left.next().unwrap_or_else(|| {
            if let Err(error) = getrandom::fill(&mut bytes) {
                failed = Some(error);
            }
            left = bytes.into_iter();
            left.next().unwrap_or_default()
        })
    });
    match failed {
        Some(error) => Err(TokenError::Random(error)),
        None => Ok(text),
    }
}

enum Written {
    New(Box<TokenRow>),
    Seen(Box<Token>),
    Full,
    Reused,
}

/// Makes a token.
pub(crate) async fn create(
    keyring: &Keyring,
    ids: &Ids,
    cx: &Ctx,
    now: Timestamp,
    new: NewToken,
) -> Result<Made, TokenError> {
    let NewToken { name, role, lasts, idempotency } = new;
    let id = TokenId::new(ids);
    let text = new_text(id)?;
    let token = Token {
        id,
        session_of: None,
        name,
        role,
        created_by: cx.actor.to_string(),
        created_at: now,
        expires_at: lasts.map(|lasts| now.plus(lasts)),
        last_used_at: None,
        revoked_at: None,
    };
    let row = TokenRow { token, sha256: hash(text.reveal()) };
    let cx = cx.clone();
    let write = keyring.db().write(move |tx| {
        Box::pin(async move {
            tx.prune_tokens(now, now.minus(DEAD_KEPT), REVOKED_MAX).await?;
            let mut remembered = None;
            if let Some(key) = idempotency {
                let actor = cx.actor.key();
                if let Some(seen) = tx.key(&key.key, key.route, &actor).await? {
                    let made: Option<TokenId> = seen.resource_id.parse().ok();
                    let made = match made {
                        Some(made) if now.since(seen.at) < IDEMPOTENCY_KEPT => tx.token(made).await?,
                        _ => None,
                    };
                    match made {
                        Some(_) if seen.body_sha256 != key.body_sha256 => return Ok(Written::Reused),
                        Some(made) => return Ok(Written::Seen(Box::new(made.token))),
                        None => tx.forget_key(&key.key, key.route, &actor).await?,
                    };
                }
                remembered = Some(IdempotencyRow {
                    key: key.key,
                    route: key.route.to_owned(),
                    actor,
                    body_sha256: key.body_sha256,
                    resource_id: id.to_string(),
                    at: now,
                });
            }
            if tx.token_count().await? >= TOKENS_MAX {
                return Ok(Written::Full);
            }
            if let Some(key) = remembered {
                tx.remember_key(&key).await?;
            }
            tx.insert_token(&row).await?;
            tx.record_change(&cx, now, &[("token_id", id.to_string())]).await?;
            Ok(Written::New(Box::new(row)))
        })
    });
    match write.await? {
        Written::New(row) => {
            let token = row.token.clone();
            keyring.changed(Some(*row), |_| false);
            Ok(Made { token, text: Some(text) })
        }
        Written::Seen(token) => Ok(Made { token: keyring.told(*token), text: None }),
        Written::Full => Err(TokenError::TooMany),
        Written::Reused => Err(TokenError::KeyReused),
    }
}

/// Returns every token, the newest first.
pub(crate) async fn list(keyring: &Keyring) -> Result<Vec<Token>, TokenError> {
    let rows = keyring.db().tokens().await?;
    let tokens = rows.into_iter().map(|row| row.token).filter(|token| token.session_of.is_none());
    Ok(tokens.map(|token| keyring.told(token)).collect())
}

/// Takes a token back, and with it its sessions. Taking it back again changes nothing.
pub(crate) async fn revoke(keyring: &Keyring, cx: &Ctx, now: Timestamp, id: TokenId) -> Result<Token, TokenError> {
    let cx = cx.clone();
    let write = keyring.db().write(move |tx| {
        Box::pin(async move {
            let Some(mut row) = tx.token(id).await?.filter(|row| row.token.session_of.is_none()) else {
                return Ok(None);
            };
            if tx.revoke_token(id, now).await? {
                row.token.revoked_at = Some(now);
                tx.record_change(&cx, now, &[]).await?;
            }
            Ok(Some(row))
        })
    });
    let row = write.await?.ok_or(TokenError::NotFound(id))?;
    let token = row.token.clone();
    keyring.changed(Some(row), |token| token.session_of == Some(id));
    Ok(token)
}

/// Makes a session from a token.
pub(crate) async fn open_session(
    keyring: &Keyring,
    ids: &Ids,
    cx: &Ctx,
    now: Timestamp,
    entry: &Entry,
) -> Result<(Token, Secret), TokenError> {
    let parent = &entry.token;
    let id = TokenId::new(ids);
    let text = new_text(id)?;
    let end = now.plus(SESSION_TIME);
    let token = Token {
        id,
        session_of: Some(parent.id),
        name: parent.name.clone(),
        role: parent.role,
        created_by: parent.name.to_string(),
        created_at: now,
        expires_at: Some(parent.expires_at.map_or(end, |parent| parent.min(end))),
        last_used_at: None,
        revoked_at: None,
    };
    let (row, parent, cx) = (TokenRow { token: token.clone(), sha256: hash(text.reveal()) }, parent.id, cx.clone());
    let new = row.clone();
    let write = keyring.db().write(move |tx| {
        Box::pin(async move {
            tx.insert_token(&new).await?;
            tx.trim_sessions(parent, SESSIONS_MAX).await?;
            tx.record_change(&cx, now, &[("session_id", id.to_string())]).await
        })
    });
    write.await?;
    keyring.changed(Some(row), |_| false);
    Ok((token, text))
}

/// Ends a session.
pub(crate) async fn close_session(keyring: &Keyring, cx: &Ctx, now: Timestamp, id: TokenId) -> Result<(), TokenError> {
    let cx = cx.clone();
    let write = keyring.db().write(move |tx| {
        Box::pin(async move {
            tx.delete_session(id).await?;
            tx.record_change(&cx, now, &[("session_id", id.to_string())]).await
        })
    });
    write.await?;
    keyring.changed(None, |token| token.id == id);
    Ok(())
}

/// Removes what has been good for nothing for a while.
pub(crate) async fn prune(keyring: &Keyring, now: Timestamp) -> Result<(), StoreError> {
    let write = keyring.db().write(move |tx| Box::pin(tx.prune_tokens(now, now.minus(DEAD_KEPT), REVOKED_MAX)));
    write.await.map(|_| ())
}
