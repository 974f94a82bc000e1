//! The levels of the service's own log: look at them, change them while it runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cts_api::{LogLevels, Problem, SetLogLevels, Time};
use cts_engine::EngineError;
use cts_model::nearest::did_you_mean;
use cts_model::{Code, FieldFault, Level};
use cts_observe::telemetry::ModuleName;

use crate::extract::{Cx, Json, NoQuery};
use crate::http::json;
use crate::log_levels::Held;
use crate::problem::Refusal;
use crate::state::Shared;

/// The crates whose lines are in the log of a service. A name that begins like ours and is none of them is a mistake.
const OWN_CRATES: [&str; 8] =
    ["cts", "cts_config", "cts_engine", "cts_lite", "cts_model", "cts_observe", "cts_server", "cts_store"];

/// Look at the levels of the service's own log
#[utoipa::path(
    get, path = "/v1/log-level", tag = "Service", operation_id = "logLevels",
    responses((status = 200, body = LogLevels, description = "The levels that hold")),
)]
pub(crate) async fn get(State(shared): State<Arc<Shared>>, _: NoQuery) -> Response {
    told(&shared.log_levels.held())
}

/// Change the levels of the service's own log
///
/// They hold at once, for every line from then on, and end with `expires_in_seconds` or with the next start of the
/// service. What is left out is as configured, so that an empty object takes every change back.
#[utoipa::path(
    put, path = "/v1/log-level", tag = "Service", operation_id = "setLogLevels",
    request_body = Option<SetLogLevels>,
    responses(
        (status = 200, body = LogLevels, description = "The levels that hold now"),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "Fields are wrong"),
    ),
)]
pub(crate) async fn set(
    State(shared): State<Arc<Shared>>,
    Cx(cx): Cx,
    _: NoQuery,
    Json { value, .. }: Json<SetLogLevels>,
) -> Result<Response, Refusal> {
    let modules = modules(&value)?;
    let (level, lasts, now) = (value.level.map(Level::from), value.lasts(), shared.clock.now());
    let mut told_of = vec![("level", level.map_or("as configured".to_owned(), |level| level.as_str().to_owned()))];
    if !modules.is_empty() {
        let named = modules.iter().map(|(module, level)| format!("{module}={}", level.as_str()));
        told_of.push(("modules", named.collect::<Vec<_>>().join(",")));
    }
    if let Some(lasts) = lasts {
        told_of.push(("expires_at", now.plus(lasts).to_string()));
    }
    let (asked, engine) = (cx.clone(), &shared.engine);
    let write =
        engine.db().write(move |tx| Box::pin(async move { tx.record_change(&asked, now, &told_of).await })).await;
    write.map_err(EngineError::Store)?;
    let held = shared.log_levels.set(level, modules, now, lasts);
    tracing::info!(
        request.id = %cx.request_id, actor = %cx.actor, "the levels of the log are now {}", held.levels
    );
    Ok(told(&held))
}

fn told(held: &Held) -> Response {
    let modules = held.levels.modules.iter().map(|(module, level)| (module.to_string(), (*level).into()));
    json(&LogLevels {
        level: held.levels.own.into(),
        default_level: held.starting.into(),
        modules: modules.collect(),
        expires_at: held.until.map(Time),
    })
}

/// Returns the modules by name, or a fault for every name that is none.
fn modules(value: &SetLogLevels) -> Result<BTreeMap<ModuleName, Level>, Refusal> {
    let mut faults = Vec::new();
    let mut modules = BTreeMap::new();
    for (name, level) in &value.modules {
        let fault = |code, message: String| {
            FieldFault::new(format!("/modules/{}", name.replace('~', "~0").replace('/', "~1")), code, message)
        };
        match name.parse::<ModuleName>() {
            Err(error) => faults.push(fault("pattern", format!("{name:?} is no module: {error}"))),
            Ok(_) if is_unknown_own(name) => {
                let near = did_you_mean(name, OWN_CRATES);
                faults.push(fault("unknown", format!("{name} is no module of this service{near}")));
            }
            Ok(module) => drop(modules.insert(module, Level::from(*level))),
        }
    }
    if faults.is_empty() { Ok(modules) } else { Err(Refusal::fields(Code::InvalidRequest, faults)) }
}

fn is_unknown_own(name: &str) -> bool {
    let own = name.split("::").next().unwrap_or_default();
    own.starts_with("cts") && !OWN_CRATES.contains(&own)
}
