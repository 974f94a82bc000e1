//! Tokens: make one, list them, take one back.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cts_api::{CreateToken, Problem, Token};
use cts_model::{Code, FieldFault, TokenId};
use http::StatusCode;

use crate::access::tokens::{self, Made, NewToken};
use crate::extract::{BaseUrl, Cx, Idempotency, Json, NoQuery, Path};
use crate::http::{created, json};
use crate::problem::Refusal;
use crate::state::Shared;

const ROUTE: &str = "POST /v1/tokens";

/// Make a token
///
/// Its text is told in this answer and never again. A repeated request with the same key answers without it.
#[utoipa::path(
    post, path = "/v1/tokens", tag = "Access", operation_id = "createToken", request_body = CreateToken,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable for 24 hours")),
    responses(
        (status = 201, body = Token, description = "The token, with its text", headers(
            ("Location" = String, description = "Address of the token"),
            ("Idempotency-Replayed" = Option<String>, description = "true when the key was seen before"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Fields are wrong"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "There are too many tokens, or the key was used for another request"),
    ),
)]
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    Cx(cx): Cx,
    BaseUrl(base): BaseUrl,
    _: NoQuery,
    key: Idempotency,
    Json { value, canonical }: Json<CreateToken>,
) -> Result<Response, Refusal> {
    let name = value.name.parse().map_err(|error: cts_model::token::BadTokenName| {
        Refusal::fields(Code::InvalidRequest, vec![FieldFault::new("/name", "pattern", error.to_string())])
    })?;
    let (lasts, idempotency) = (value.lasts(), key.over(ROUTE, &[&canonical]));
    let new = NewToken { name, role: value.role.into(), lasts, idempotency };
    let now = shared.clock.now();
    let Made { token, text } = tokens::create(&shared.access.keyring, &shared.ids, &cx, now, new).await?;
    tracing::info!(
        token.id = %token.id, request.id = %cx.request_id, actor = %cx.actor,
        "token {} with the role {} is there", token.name, token.role
    );
    let replayed = text.is_none();
    let location = format!("{base}/v1/tokens/{}", token.id);
    Ok(created(&Token::of(&token, text, now), &location, replayed))
}

/// List the tokens, the newest first
///
/// Those that were revoked or expired are told for a while. There are at most some thousand, so that the list has no
/// pages.
#[utoipa::path(
    get, path = "/v1/tokens", tag = "Access", operation_id = "listTokens",
    responses((status = 200, body = Vec<Token>, description = "Every token, without its text")),
)]
pub(crate) async fn list(State(shared): State<Arc<Shared>>, _: NoQuery) -> Result<Response, Refusal> {
    let now = shared.clock.now();
    let tokens = tokens::list(&shared.access.keyring).await?;
    let tokens: Vec<Token> = tokens.iter().map(|token| Token::of(token, None, now)).collect();
    Ok(json(&tokens))
}

/// Take a token back
///
/// It is good for nothing from the moment of this answer on, and neither are its sessions. Asking again changes nothing.
#[utoipa::path(
    delete, path = "/v1/tokens/{token_id}", tag = "Access", operation_id = "revokeToken",
    params(("token_id" = String, Path, format = "uuid")),
    responses(
        (status = 204, description = "It is taken back"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such token"),
    ),
)]
pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    Cx(cx): Cx,
    Path(id): Path<TokenId>,
    _: NoQuery,
) -> Result<StatusCode, Refusal> {
    let token = tokens::revoke(&shared.access.keyring, &cx, shared.clock.now(), id).await?;
    tracing::info!(
        token.id = %id, request.id = %cx.request_id, actor = %cx.actor, "token {} is taken back", token.name
    );
    Ok(StatusCode::NO_CONTENT)
}
