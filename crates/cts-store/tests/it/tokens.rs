//! Tokens and sessions: what is stored of them, and when they go.

use std::time::Duration;

use cts_model::{Role, Sha256, Timestamp, Token, TokenId};
use cts_store::TokenRow;

use crate::support::{Bench, on_both};

const DAY: Duration = Duration::from_hours(24);

fn row(bench: &Bench, name: &str, session_of: Option<TokenId>, expires_at: Option<Timestamp>) -> TokenRow {
    let token = Token {
        id: TokenId::new(&bench.ids),
        session_of,
        name: name.parse().unwrap(),
        role: Role::Operator,
        created_by: "local".to_owned(),
        created_at: bench.now(),
        expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    TokenRow { token, sha256: Sha256([7; 32]) }
}

async fn insert(bench: &Bench, row: TokenRow) -> TokenId {
    let id = row.token.id;
    bench.write(move |tx| Box::pin(async move { tx.insert_token(&row).await })).await;
    id
}

async fn ids(bench: &Bench) -> Vec<TokenId> {
    bench.db.tokens().await.unwrap().iter().map(|row| row.token.id).collect()
}

on_both! {
    async fn a_token_is_read_back_as_it_was_written(bench: &Bench) {
        let written = row(bench, "ci", None, Some(bench.now().plus(DAY)));
        let id = insert(bench, written.clone()).await;
        assert_eq!(bench.db.token(id).await.unwrap(), Some(written.clone()));
        assert_eq!(bench.write(move |tx| Box::pin(tx.token(id))).await, Some(written));
        assert_eq!(bench.write(|tx| Box::pin(tx.token_count())).await, 1);
        assert_eq!(bench.db.token(TokenId::new(&bench.ids)).await.unwrap(), None);
    }

    async fn a_token_is_taken_back_once_and_its_sessions_go_with_it(bench: &Bench) {
        let token = insert(bench, row(bench, "ada", None, None)).await;
        let session = insert(bench, row(bench, "ada", Some(token), None)).await;
        assert_eq!(bench.write(|tx| Box::pin(tx.token_count())).await, 1, "a session is no token");
        let now = bench.now();
        assert!(!bench.write(move |tx| Box::pin(tx.revoke_token(session, now))).await, "a session is not revoked");
        assert!(bench.write(move |tx| Box::pin(tx.revoke_token(token, now))).await);
        assert!(!bench.write(move |tx| Box::pin(tx.revoke_token(token, now.plus(DAY)))).await);
        assert_eq!(bench.db.token(session).await.unwrap(), None);
        assert_eq!(bench.db.token(token).await.unwrap().unwrap().token.revoked_at, Some(now));
        assert_eq!(bench.write(|tx| Box::pin(tx.token_count())).await, 0);
        let orphan = row(bench, "ada", Some(TokenId::new(&bench.ids)), None);
        assert!(bench.db.write(move |tx| Box::pin(async move { tx.insert_token(&orphan).await })).await.is_err());
    }

    async fn the_last_use_only_moves_forward(bench: &Bench) {
        let id = insert(bench, row(bench, "ci", None, None)).await;
        let (early, late) = (bench.now(), bench.now().plus(DAY));
        assert!(bench.write(move |tx| Box::pin(tx.set_token_used(id, late))).await);
        assert!(!bench.write(move |tx| Box::pin(tx.set_token_used(id, early))).await);
        assert_eq!(bench.db.token(id).await.unwrap().unwrap().token.last_used_at, Some(late));
    }

    async fn of_many_sessions_the_newest_stay(bench: &Bench) {
        let token = insert(bench, row(bench, "ada", None, None)).await;
        let mut sessions = Vec::new();
        for _ in 0..4 {
            sessions.push(insert(bench, row(bench, "ada", Some(token), None)).await);
        }
        assert_eq!(bench.write(move |tx| Box::pin(tx.trim_sessions(token, 2))).await, 2);
        assert_eq!(ids(bench).await, [sessions[3], sessions[2], token]);
        let gone = sessions[3];
        assert!(bench.write(move |tx| Box::pin(tx.delete_session(gone))).await);
        assert!(!bench.write(move |tx| Box::pin(tx.delete_session(token))).await, "a token is no session");
        assert_eq!(ids(bench).await, [sessions[2], token]);
    }

    async fn what_is_good_for_nothing_goes_after_a_while(bench: &Bench) {
        let now = bench.now();
        let kept = insert(bench, row(bench, "kept", None, None)).await;
        let expired = insert(bench, row(bench, "expired", None, Some(now.plus(DAY)))).await;
        insert(bench, row(bench, "kept", Some(kept), Some(now.plus(DAY)))).await;
        let revoked = insert(bench, row(bench, "revoked", None, None)).await;
        let newer = insert(bench, row(bench, "newer", None, None)).await;
        bench.write(move |tx| Box::pin(tx.revoke_token(revoked, now))).await;
        bench.write(move |tx| Box::pin(tx.revoke_token(newer, now.plus(DAY)))).await;
        let later = now.plus(DAY * 2);
        // The session's time is over; the others are told about for a while.
        assert_eq!(bench.write(move |tx| Box::pin(tx.prune_tokens(later, now, 10))).await, 1);
        assert_eq!(ids(bench).await, [newer, revoked, expired, kept]);
        assert_eq!(bench.write(move |tx| Box::pin(tx.prune_tokens(later, now, 1))).await, 1);
        assert_eq!(ids(bench).await, [newer, expired, kept]);
        assert_eq!(bench.write(move |tx| Box::pin(tx.prune_tokens(later, later, 10))).await, 2);
        assert_eq!(ids(bench).await, [kept]);
    }
}
