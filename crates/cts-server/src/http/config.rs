//! What the service was told at its start, without what is secret.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cts_api::config::ConfigStatus;
use serde_json::Value;

use crate::extract::NoQuery;
use crate::http::json;
use crate::state::Shared;

/// The configuration of the service, each setting with its origin
///
/// Nothing secret is in it. In staging and production paths are masked, too.
#[utoipa::path(
    get, path = "/v1/config/status", tag = "Service", operation_id = "getConfigStatus",
    responses((status = 200, body = ConfigStatus, description = "What the service was told")),
)]
pub(crate) async fn status(State(shared): State<Arc<Shared>>, _: NoQuery) -> Response {
    json(&describe(&shared))
}

/// The same as /v1/config/status, where older clients look
#[utoipa::path(
    get, path = "/config/status", tag = "Service", operation_id = "getConfigStatusOlder",
    responses((status = 200, body = ConfigStatus, description = "What the service was told")),
)]
pub(crate) async fn older_status(State(shared): State<Arc<Shared>>, _: NoQuery) -> Response {
    json(&describe(&shared))
}

fn describe(shared: &Shared) -> ConfigStatus {
    let (http, configuration) = (&shared.http, &shared.http.configuration);
    let is_on = |name: &str| configuration.value(name) == Some(&Value::Bool(true));
    let text = |name: &str| configuration.value(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    ConfigStatus {
        environment: http.environment.clone(),
        debug: is_on("debug"),
        log_level: text("log_level"),
        max_concurrent_runs: shared.engine.options().max_concurrent_runs,
        metrics_enabled: http.enable_metrics,
        metrics_port: http.metrics_port,
        health_checks_enabled: http.enable_health_checks,
        tracing_enabled: is_on("enable_tracing"),
        authentication_required: http.require_authentication && !http.is_in_process,
        rate_limiting_enabled: http.requests_per_minute.is_some(),
        port: http.port,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: configuration.settings(http.is_development),
    }
}
