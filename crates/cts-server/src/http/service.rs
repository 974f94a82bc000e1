//! The service itself: version, short health, what it can do, its document.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cts_api::health::HealthStatus;
use cts_api::time::{Time, duration_text};
use cts_api::version::{API_VERSION, MIN_CLIENT_VERSION};
use cts_api::{Capabilities, Health, ToolCapability, Version};
use cts_engine::EngineHealth;
use cts_model::ToolCategory;
use http::header::{self, HeaderValue};

use crate::extract::NoQuery;
use crate::http::{json, json_body};
use crate::problem::Refusal;
use crate::state::Shared;

/// What this service has, in words for programs.
const FEATURES: [&str; 11] = [
    "runs",
    "run_events",
    "log_streaming",
    "artifacts",
    "artifact_ranges",
    "uploads",
    "resumable_uploads",
    "idempotency_keys",
    "tokens",
    "sessions",
    "audit",
];

/// Which version this is
#[utoipa::path(
    get, path = "/v1/version", tag = "Service", operation_id = "getVersion",
    responses((status = 200, body = Version, description = "Versions")),
)]
pub(crate) async fn version(_: NoQuery) -> Response {
    json(&Version {
        api_version: API_VERSION.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        min_client_version: MIN_CLIENT_VERSION.to_owned(),
        deprecated_features: Vec::new(),
        git_sha: option_env!("CTS_GIT_SHA").map(str::to_owned),
        built_at: option_env!("CTS_BUILT_AT").map(str::to_owned),
    })
}

/// How the service is
#[utoipa::path(
    get, path = "/v1/health", tag = "Service", operation_id = "getHealth",
    responses((status = 200, body = Health, description = "The short health")),
)]
pub(crate) async fn health(State(shared): State<Arc<Shared>>, _: NoQuery) -> Result<Response, Refusal> {
    let engine = shared.engine.health().await?;
    let broken = shared.engine.registry().broken();
    let file_name = |path: &std::path::Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let broken_manifests: Vec<String> = broken.iter().filter_map(|manifest| file_name(&manifest.path)).collect();
    let (status, notes) = verdict(&engine, shared.engine.options().disk_free_bytes_min, &broken_manifests);
    let uptime = shared.started.elapsed();
    Ok(json(&Health {
        status,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime: duration_text(uptime),
        uptime_seconds: uptime.as_secs_f64(),
        timestamp: Time(shared.clock.now()),
        queued: engine.queued,
        running: engine.running as u64,
        draining: engine.draining,
        isolation: (&engine.isolation).into(),
        broken_manifests,
        notes,
    }))
}

fn verdict(engine: &EngineHealth, disk_free_min: u64, broken: &[String]) -> (HealthStatus, Vec<String>) {
    let mut notes = Vec::new();
    let mut status = HealthStatus::Healthy;
    if !broken.is_empty() {
        status = HealthStatus::Degraded;
        notes.push(format!("{} manifest(s) were refused; `cts tools check FILE` tells why", broken.len()));
    }
    if engine.draining {
        status = HealthStatus::Unhealthy;
        notes.push("the service is stopping and takes no new runs".to_owned());
    }
    if engine.disk_free_bytes < disk_free_min {
        status = HealthStatus::Unhealthy;
        let (free, needed) = (engine.disk_free_bytes / 1_000_000, disk_free_min / 1_000_000);
        notes.push(format!("{free} MB are free on the disk; below {needed} MB no new runs are taken"));
    }
    (status, notes)
}

/// What the service can do
#[utoipa::path(
    get, path = "/v1/capabilities", tag = "Service", operation_id = "getCapabilities",
    responses((status = 200, body = Capabilities, description = "Tools, monitors, features")),
)]
pub(crate) async fn capabilities(State(shared): State<Arc<Shared>>, _: NoQuery) -> Response {
    let timeout = shared.engine.options().tool_timeout;
    let tools = shared.engine.registry().list();
    let (monitors, tools): (Vec<_>, Vec<_>) =
        tools.iter().partition(|tool| tool.spec.category == ToolCategory::Monitor);
    let wire = |tools: Vec<&Arc<cts_engine::tools::Tool>>| {
        tools.into_iter().map(|tool| ToolCapability::of(&tool.spec, timeout)).collect()
    };
    json(&Capabilities {
        tools: wire(tools),
        monitors: wire(monitors),
        api_version: API_VERSION.to_owned(),
        features: FEATURES.map(str::to_owned).to_vec(),
    })
}

/// The document of the API, with the parameters of every tool that is there
#[utoipa::path(
    get, path = "/openapi.json", tag = "Service", operation_id = "getOpenapi",
    responses((status = 200, body = serde_json::Value, description = "OpenAPI 3.1")),
)]
pub(crate) async fn openapi(State(shared): State<Arc<Shared>>, _: NoQuery) -> Response {
    json_body(shared.document.served(shared.engine.registry()))
}

/// A page to read the document and to try it
#[utoipa::path(
    get, path = "/docs", tag = "Service", operation_id = "getDocs",
    responses((status = 200, description = "The page", content_type = "text/html")),
)]
pub(crate) async fn docs(_: NoQuery) -> Response {
    page("text/html; charset=utf-8", include_str!("../docs/page.html"))
}

/// The script of the page
#[utoipa::path(
    get, path = "/docs/page.js", tag = "Service", operation_id = "getDocsScript",
    responses((status = 200, description = "The script", content_type = "text/javascript")),
)]
pub(crate) async fn docs_script(_: NoQuery) -> Response {
    page("text/javascript; charset=utf-8", include_str!("../docs/page.js"))
}

/// The style of the page
#[utoipa::path(
    get, path = "/docs/page.css", tag = "Service", operation_id = "getDocsStyle",
    responses((status = 200, description = "The style", content_type = "text/css")),
)]
pub(crate) async fn docs_style(_: NoQuery) -> Response {
    page("text/css; charset=utf-8", include_str!("../docs/page.css"))
}

/// Returns a part of the page: everything it loads and calls is the service's own, and no script stands in a text.
fn page(kind: &'static str, text: &'static str) -> Response {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
        form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
    let mut response = Response::new(text.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use cts_model::{Isolation, IsolationLevel};

    use super::*;

    #[test]
    fn the_health_is_told_in_one_word_with_its_reasons() {
        let isolation = Isolation { level: IsolationLevel::Full, missing: Vec::new() };
        let well = EngineHealth {
            isolation,
            queued: 0,
            running: 0,
            disk_free_bytes: 10,
            broken_manifests: 0,
            draining: false,
        };
        assert_eq!(verdict(&well, 5, &[]), (HealthStatus::Healthy, Vec::new()));
        assert_eq!(verdict(&well, 5, &["a.toml".to_owned()]).0, HealthStatus::Degraded);
        assert_eq!(verdict(&well, 50, &[]).0, HealthStatus::Unhealthy);
        assert_eq!(verdict(&EngineHealth { draining: true, ..well }, 5, &[]).0, HealthStatus::Unhealthy);
    }
}
