//! Tokens for people.

use cts_api::Token;
use cts_api::token::TokenStatus;

use super::Look;
use crate::render::table::{Table, Tone, cell, toned};
use crate::render::text::{ago, clean};

/// Returns the text of a new token alone, so that a script can take it.
pub(super) fn made(token: &Token) -> String {
    // A request that was answered before has none.
    token.token.as_ref().map_or_else(String::new, |text| format!("{}\n", text.0.reveal()))
}

/// Returns a list of tokens.
pub(super) fn list(tokens: &[Token], look: &Look) -> String {
    if tokens.is_empty() {
        return "no tokens\n".to_owned();
    }
    let mut table = Table::new(&["TOKEN", "NAME", "ROLE", "STATE", "EXPIRES", "USED", "MADE BY"], look.width).whole(0);
    for token in tokens {
        let (state, tone) = match token.status {
            TokenStatus::Active => ("active", Tone::Good),
            TokenStatus::Expired => ("expired", Tone::Notable),
            TokenStatus::Revoked => ("revoked", Tone::Quiet),
        };
        let expires = token.expires_at.map_or("never".to_owned(), |end| end.to_string().chars().take(10).collect());
        let used = token.last_used_at.map_or("never".to_owned(), |used| ago(used.0, look.now));
        table.row(vec![
            cell(&token.id),
            cell(&token.name),
            cell(cts_model::Role::from(token.role).as_str()),
            toned(state, tone),
            cell(expires),
            toned(used, Tone::Quiet),
            cell(&token.created_by),
        ]);
    }
    table.text()
}

/// Returns which tokens were taken back.
pub(super) fn revoked(tokens: &[Token]) -> String {
    tokens.iter().map(|token| format!("token {} ({}) is revoked\n", clean(&token.name), clean(&token.id))).collect()
}
