//! Tokens and sessions: a row for each, with the hash of its text. A session dies with its token.
//!
//! A token that was revoked keeps its row for a while, so that who uses it is told so; a session's row goes at once.

use cts_model::{Role, Sha256, Timestamp, Token, TokenId};

use crate::db::Db;
use crate::error::StoreError;
use crate::sql::{Row, sql, sql_locking};
use crate::tx::Tx;

/// A token with the hash of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// What is known about it.
    pub token: Token,
    /// The hash.
    pub sha256: Sha256,
}

macro_rules! token_columns {
    () => {
        "id, session_of, name, role, sha256, created_by, created_at_ms, expires_at_ms, last_used_at_ms, revoked_at_ms"
    };
}

impl Tx {
    /// Writes a new token or session.
    ///
    /// # Errors
    /// When the database fails, or the token of a session is gone.
    pub async fn insert_token(&mut self, row: &TokenRow) -> Result<(), StoreError> {
        let token = &row.token;
        let insert =
            concat!("INSERT INTO tokens (", token_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
        let insert = sql(insert)
            .bind_id(token.id)
            .bind_optional_id(token.session_of)
            .bind(token.name.as_str())
            .bind(token.role.as_str())
            .bind_id(row.sha256)
            .bind(token.created_by.as_str())
            .bind(token.created_at)
            .bind(token.expires_at)
            .bind(token.last_used_at)
            .bind(token.revoked_at);
        self.change(insert).await.map(|_| ())
    }

    /// Returns a token or session, locked against changes by others until the end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token(&mut self, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
        let select = sql_locking!("SELECT ", token_columns!(), " FROM tokens WHERE id = $1");
        self.one(select.bind_id(id)).await?.as_ref().map(token_row).transpose()
    }

    /// Returns how many tokens were not revoked, those whose time is over included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_count(&mut self) -> Result<u64, StoreError> {
        let count = "SELECT count(*) AS number FROM tokens WHERE session_of IS NULL AND revoked_at_ms IS NULL";
        self.one(sql(count)).await?.map_or(Ok(0), |row| row.number("number"))
    }

    /// Takes a token back and removes its sessions. False when there is none such, or it was taken back before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_token(&mut self, id: TokenId, at: Timestamp) -> Result<bool, StoreError> {
        self.change(sql("DELETE FROM tokens WHERE session_of = $1").bind_id(id)).await?;
        let update = "UPDATE tokens SET revoked_at_ms = $2
            WHERE id = $1 AND session_of IS NULL AND revoked_at_ms IS NULL";
        Ok(self.change(sql(update).bind_id(id).bind(at)).await? == 1)
    }

    /// Removes a session. False when there is none such.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_session(&mut self, id: TokenId) -> Result<bool, StoreError> {
        Ok(self.change(sql("DELETE FROM tokens WHERE id = $1 AND session_of IS NOT NULL").bind_id(id)).await? == 1)
    }

    /// Removes the oldest sessions of a token, so that at most `keep` are left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn trim_sessions(&mut self, token: TokenId, keep: u32) -> Result<u64, StoreError> {
        let delete = "DELETE FROM tokens WHERE session_of = $1 AND id NOT IN
            (SELECT id FROM tokens WHERE session_of = $1 ORDER BY id DESC LIMIT $2)";
        self.change(sql(delete).bind_id(token).bind(keep)).await
    }

    /// Notes when a token was used last; an earlier moment changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_token_used(&mut self, id: TokenId, at: Timestamp) -> Result<bool, StoreError> {
        let update = "UPDATE tokens SET last_used_at_ms = $2
            WHERE id = $1 AND (last_used_at_ms IS NULL OR last_used_at_ms < $2)";
        Ok(self.change(sql(update).bind_id(id).bind(at)).await? == 1)
    }

    /// Removes tokens that have been good for nothing since before `dead_before`, sessions whose time is over at `now`,
    /// and of the revoked tokens all but the newest `revoked_max`. Returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_tokens(
        &mut self,
        now: Timestamp,
        dead_before: Timestamp,
        revoked_max: u32,
    ) -> Result<u64, StoreError> {
        let over = "DELETE FROM tokens WHERE session_of IS NOT NULL AND expires_at_ms <= $1";
        let mut removed = self.change(sql(over).bind(now)).await?;
        let dead = "DELETE FROM tokens WHERE revoked_at_ms < $1 OR (session_of IS NULL AND expires_at_ms < $1)";
        removed += self.change(sql(dead).bind(dead_before)).await?;
        let many = "DELETE FROM tokens WHERE revoked_at_ms IS NOT NULL AND id NOT IN
            (SELECT id FROM tokens WHERE revoked_at_ms IS NOT NULL ORDER BY revoked_at_ms DESC, id DESC LIMIT $1)";
        removed += self.change(sql(many).bind(revoked_max)).await?;
        Ok(removed)
    }
}

impl Db {
    /// Returns every token and every session, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        let select = concat!("SELECT ", token_columns!(), " FROM tokens ORDER BY id DESC");
        self.all(sql(select)).await?.iter().map(token_row).collect()
    }

    /// Returns a token or session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token(&self, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
        let select = concat!("SELECT ", token_columns!(), " FROM tokens WHERE id = $1");
        self.one(sql(select).bind_id(id)).await?.as_ref().map(token_row).transpose()
    }
}

fn token_row(row: &Row) -> Result<TokenRow, StoreError> {
    let token = Token {
        id: row.parsed("id")?,
        session_of: row.optional_parsed("session_of")?,
        name: row.parsed("name")?,
        role: row.word("role", Role::from_word)?,
        created_by: row.text("created_by")?,
        created_at: row.time("created_at_ms")?,
        expires_at: row.optional_time("expires_at_ms")?,
        last_used_at: row.optional_time("last_used_at_ms")?,
        revoked_at: row.optional_time("revoked_at_ms")?,
    };
    Ok(TokenRow { token, sha256: row.parsed("sha256")? })
}
