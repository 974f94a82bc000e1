//! What stands in front of every route: who asks, whether they may and how often, and what the audit log tells of it.
//!
//! What a route needs comes with its line of the route table, so that no handler is reached past this. A change whose
//! handler wrote no entry of its own gets one here before it is answered; a refused one gets one as well, as long as
//! there are not too many.

use std::sync::Arc;

use axum::body::Body;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cts_engine::EngineError;
use cts_model::{Actor, AuditEntry, Change, Code, Role, Target};
use http::header::HeaderValue;
use http::{Request, StatusCode};

use crate::access::credentials::{self, challenge, check_csrf};
use crate::access::rate::Verdict;
use crate::access::{Access, Caller};
use crate::http::IDEMPOTENCY_REPLAYED;
use crate::layers::guard;
use crate::layers::request_id::Scope;
use crate::problem::{RATELIMIT_LIMIT, RATELIMIT_REMAINING, RATELIMIT_RESET, Refusal};
use crate::routes::{Needs, Operation};
use crate::state::Shared;

/// Longest id of a path that the audit log repeats, in characters.
const ID_LENGTH_MAX: usize = 64;

/// The gate of one route.
#[derive(Debug)]
pub(crate) struct Gate {
    /// What stands behind it.
    pub(crate) operation: Arc<Operation>,
    /// What handlers share.
    pub(crate) shared: Arc<Shared>,
}

/// Lets a request through, or not.
pub(crate) async fn pass(gate: Arc<Gate>, request: Request<Body>, next: Next) -> Response {
    // The body stays aside while its head is looked at.
    let (head, body) = request.into_parts();
    let mut request = Request::from_parts(head, ());
    let Some(scope) = request.extensions().get::<Scope>().cloned() else {
        return Refusal::new(Code::Internal, "a request came past the outermost layer").into_response();
    };
    let change = gate.change(&request, &scope);
    let (caller, rate) = match gate.admit(&request, &scope).await {
        Ok(admitted) => admitted,
        Err(refusal) => {
            if let Some(change) = &change {
                gate.tell_refusal(&refusal, change, &scope).await;
            }
            return refusal.into_response();
        }
    };
    let actor = caller.actor.clone();
    request.extensions_mut().insert(caller);
    if let Some(change) = &change {
        request.extensions_mut().insert(Arc::clone(change));
    }
    let (head, ()) = request.into_parts();
    let mut response = next.run(Request::from_parts(head, body)).await;
    // A handler that looks at the proof itself refuses as the gate does.
    if let (Some(change), Some(refusal)) = (&change, response.extensions().get::<Refusal>().cloned()) {
        gate.tell_refusal(&refusal, change, &scope).await;
    }
    let is_replayed = response.headers().contains_key(IDEMPOTENCY_REPLAYED);
    if let Some(change) = change.filter(|change| !change.is_recorded() && !is_replayed)
        && response.status().is_success()
        && let Err(refusal) = gate.tell_change(&change, &actor, response.status(), &scope).await
    {
        return refusal.into_response();
    }
    if let Some(rate) = rate {
        say_rate(&mut response, rate);
    }
    response.extensions_mut().insert(Answered(actor));
    response
}

/// Whom an answer is for, for the line in the log.
#[derive(Debug, Clone)]
pub(crate) struct Answered(pub(crate) Actor);

fn say_rate(response: &mut Response, rate: Verdict) {
    let headers = response.headers_mut();
    headers.insert(RATELIMIT_LIMIT, rate.limit.into());
    headers.insert(RATELIMIT_REMAINING, rate.remaining.into());
    headers.insert(RATELIMIT_RESET, rate.reset.into());
}

impl Gate {
    fn access(&self) -> &Access {
        &self.shared.access
    }

    /// Returns the change that a request asks for.
    fn change(&self, request: &Request<()>, scope: &Scope) -> Option<Arc<Change>> {
        let operation = &self.operation;
        operation.changes.then(|| {
            let target = target(&operation.template, request.uri().path());
            Arc::new(Change::new(Arc::clone(&operation.action), target, operation.success, address_of(scope)))
        })
    }

    /// Returns who asks and how often they still may.
    async fn admit(&self, request: &Request<()>, scope: &Scope) -> Result<(Caller, Option<Verdict>), Refusal> {
        let options = &self.shared.http;
        if options.is_in_process {
            return Ok((Caller::local(), None));
        }
        let needed = match self.operation.needs {
            Needs::Nothing => return Ok((Caller::anonymous(), None)),
            Needs::Proof => {
                guard::check_same_origin(options, request)?;
                return Ok((Caller::anonymous(), self.access().count_unknown(scope.address)?));
            }
            Needs::Role(needed) => needed,
        };
        if !options.require_authentication {
            let caller = Caller::anonymous();
            let rate = self.access().count(&caller, scope.address)?;
            guard::check(options, request)?;
            return Ok((caller, rate));
        }
        let presented = credentials::presented(request.uri(), request.headers());
        let proved = match presented {
            Ok(presented) => self.access().authenticate(presented, scope.address, self.shared.clock.now()).await,
            Err(refusal) => Err(refusal),
        };
        let caller = match proved {
            Ok(caller) => caller,
            Err(refusal) => {
                // Who cannot prove who they are is counted by their address.
                self.access().count_unknown(scope.address)?;
                return Err(refusal);
            }
        };
        let admitted = self.check(&caller, needed, request);
        let rate = self.access().count(&caller, scope.address).map_err(|refusal| refusal.by(caller.actor.clone()))?;
        admitted.map_err(|refusal| refusal.by(caller.actor.clone()))?;
        Ok((caller, rate))
    }

    /// Checks what somebody may do who proved who they are.
    fn check(&self, caller: &Caller, needed: Role, request: &Request<()>) -> Result<(), Refusal> {
        if !caller.role.allows(needed) {
            return Err(not_allowed(caller, needed));
        }
        // A browser sends a cookie by itself, whoever made the page; a token is only sent by who knows it.
        if let Some(session) = caller.proof.as_ref().and_then(|proof| proof.session.as_ref())
            && self.operation.changes
        {
            guard::check_same_origin(&self.shared.http, request)?;
            check_csrf(request.headers(), session)?;
        }
        Ok(())
    }

    /// Writes the entry of a change that went well and whose transaction had none.
    async fn tell_change(
        &self,
        change: &Change,
        actor: &Actor,
        status: StatusCode,
        scope: &Scope,
    ) -> Result<(), Refusal> {
        let entry = self.entry(change, actor, status, scope);
        self.write(entry).await.map_err(|error| EngineError::Store(error).into())
    }

    /// Writes the entry of a change that was refused because of who asks for it.
    async fn tell_refusal(&self, refusal: &Refusal, change: &Change, scope: &Scope) {
        let status = refusal.status();
        if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return;
        }
        let (action, actor) = (&change.action, refusal.actor().unwrap_or(&Actor::Anonymous));
        if !self.access().may_tell_refusal(scope.address) {
            tracing::warn!(%actor, "{action} was refused with {status}; the audit log has enough of these");
            return;
        }
        if let Err(error) = self.write(self.entry(change, actor, status, scope)).await {
            tracing::error!(%error, "cannot tell in the audit log that {action} was refused: {error}");
        }
    }

    fn entry(&self, change: &Change, actor: &Actor, status: StatusCode, scope: &Scope) -> AuditEntry {
        AuditEntry {
            at: self.shared.clock.now(),
            actor: actor.to_string(),
            token_id: actor.token_id(),
            action: change.action.to_string(),
            target: change.target.clone(),
            status: status.as_u16(),
            request_id: scope.request_id.to_string(),
            address: address_of(scope),
        }
    }

    async fn write(&self, entry: AuditEntry) -> Result<(), cts_store::StoreError> {
        let write = self.shared.engine.db().write(move |tx| Box::pin(async move { tx.add_audit(&entry).await }));
        write.await
    }
}

fn address_of(scope: &Scope) -> Option<String> {
    scope.address.map(|address| address.to_string())
}

fn not_allowed(caller: &Caller, needed: Role) -> Refusal {
    let message = format!("this needs the role {needed}; {} has the role {}", caller.actor, caller.role);
    let refusal = Refusal::new(Code::RoleRequired, message);
    match HeaderValue::from_str(&format!("Bearer realm=\"cts\", error=\"insufficient_scope\", scope=\"{needed}\"")) {
        Ok(value) => refusal.with_header(http::header::WWW_AUTHENTICATE, value),
        Err(_) => challenge(refusal, None),
    }
}

/// Returns the ids in a path, by the names that its template gives them.
fn target(template: &str, path: &str) -> Target {
    let named = template.split('/').zip(path.split('/')).filter_map(|(part, value)| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some((name.to_owned(), value.chars().take(ID_LENGTH_MAX).collect()))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_a_path_are_named_as_in_its_template() {
        assert_eq!(
            target("/v1/runs/{run_id}/cancel", "/v1/runs/abc/cancel"),
            Target::from([("run_id".into(), "abc".into())])
        );
        assert_eq!(target("/v1/runs", "/v1/runs"), Target::new());
        let long = target("/v1/runs/{run_id}", &format!("/v1/runs/{}", "x".repeat(9999)));
        assert_eq!(long["run_id"].len(), 64);
    }
}
