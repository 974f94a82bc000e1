//! The session of a browser: a cookie that is made from a token and dies with it. And who asks, for every client.

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use cts_api::token::TokenText;
use cts_api::{CreateSession, Problem, Session, Time};
use cts_model::{Code, Ctx};
use http::{HeaderMap, StatusCode, Uri, header};

use crate::access::credentials::{Presented, challenge, cookie_name, csrf_token, presented, set_cookie};
use crate::access::{Caller, Proof, actor, tokens};
use crate::extract::{Cx, Json, NoQuery};
use crate::http::json;
use crate::layers::guard::is_https;
use crate::layers::request_id::Scope;
use crate::problem::Refusal;
use crate::state::Shared;

/// Returns who asks, as clients see it.
fn told(shared: &Shared, caller: &Caller) -> Session {
    let proof = caller.proof.as_ref();
    Session {
        authentication_required: shared.http.require_authentication && !shared.http.is_in_process,
        actor: caller.actor.to_string(),
        role: caller.role.into(),
        token_id: caller.actor.token_id().map(|id| id.to_string()),
        expires_at: proof.and_then(|proof| proof.expires_at).map(Time),
        csrf_token: proof.and_then(|proof| proof.session.as_ref()).map(csrf_token),
    }
}

/// Who asks, and what they may do
#[utoipa::path(
    get, path = "/v1/session", tag = "Access", operation_id = "getSession",
    responses((status = 200, body = Session, description = "Who asks")),
)]
pub(crate) async fn get(State(shared): State<Arc<Shared>>, caller: Caller, _: NoQuery) -> Response {
    json(&told(&shared, &caller))
}

/// Make a session of a browser from a token
///
/// The token stands in the body or in `Authorization`. The cookie is out of the reach of scripts, is sent by pages of
/// this service only, and ends with its token. Its name ends in the port of the address that was asked, so that several
/// services on one host keep their sessions apart. Where no authentication is required, there is nothing to make, and the
/// answer tells so.
#[utoipa::path(
    post, path = "/v1/session", tag = "Access", operation_id = "createSession", request_body = Option<CreateSession>,
    responses(
        (status = 200, body = Session, description = "Who asks from now on", headers(
            ("Set-Cookie" = Option<String>, description = "The session"))),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Fields are wrong"),
        (status = 401, body = Problem, content_type = "application/problem+json", description = "The token is missing or not good"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "A foreign page asks"),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many requests, or too many wrong tokens"),
    ),
)]
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    Cx(cx): Cx,
    caller: Caller,
    _: NoQuery,
    request: Request,
) -> Result<Response, Refusal> {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let address = request.extensions().get::<Scope>().and_then(|scope| scope.address);
    let Json { value: CreateSession { token }, .. } = Json::<CreateSession>::from_request(request, &shared).await?;
    if !shared.http.require_authentication || shared.http.is_in_process {
        return Ok(json(&told(&shared, &caller)));
    }
    let text = match (token, presented(&uri, &headers)?) {
        (Some(TokenText(token)), _) | (None, Presented::Token(token)) => token,
        (None, _) => {
            let refusal = Refusal::new(Code::AuthenticationRequired, "a session is made from a token");
            return Err(challenge(refusal, None));
        }
    };
    let (access, now) = (&shared.access, shared.clock.now());
    let entry = access.prove(&text, false, address, now).await?;
    let cx = Ctx { actor: actor(&entry), ..cx };
    let (session, cookie) = tokens::open_session(&access.keyring, &shared.ids, &cx, now, &entry).await?;
    let seconds = session.expires_at.map_or(0, |end| end.since(now).as_secs());
    let header = set_cookie(&cookie_name(&uri, &headers), cookie.reveal(), seconds, is_https(&headers));
    let proof = Proof { id: session.id, expires_at: session.expires_at, session: Some(cookie) };
    let caller = Caller { actor: cx.actor, role: session.role, proof: Some(proof) };
    let mut response = json(&told(&shared, &caller));
    response.headers_mut().insert(header::SET_COOKIE, header);
    Ok(response)
}

/// End the session of a browser
///
/// Without one, nothing changes.
#[utoipa::path(
    delete, path = "/v1/session", tag = "Access", operation_id = "deleteSession",
    responses((status = 204, description = "There is none any more", headers(
        ("Set-Cookie" = String, description = "Takes the cookie away")))),
)]
pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    Cx(cx): Cx,
    caller: Caller,
    _: NoQuery,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if let Some(Proof { id, session: Some(_), .. }) = caller.proof {
        tokens::close_session(&shared.access.keyring, &cx, shared.clock.now(), id).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let gone = set_cookie(&cookie_name(&uri, &headers), "", 0, is_https(&headers));
    response.headers_mut().insert(header::SET_COOKIE, gone);
    Ok(response)
}
