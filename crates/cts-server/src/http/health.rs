//! The probes: what the checks in the background saw last. Nobody who asks makes a check run.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cts_api::health::{CheckStatus, DetailedHealth, HealthCheck, HealthStatus, HealthSummary, Probe, SimpleHealth};
use cts_api::time::Time;
use cts_observe::checks::{self, CheckResult, Status, Verdict};
use http::StatusCode;

use crate::extract::NoQuery;
use crate::http::json;
use crate::state::Shared;

/// Every check, and the verdict over all; always 200
#[utoipa::path(
    get, path = "/health", tag = "Service", operation_id = "getHealthOverall",
    responses((status = 200, body = DetailedHealth, description = "Every check")),
)]
pub(crate) async fn overall(State(shared): State<Arc<Shared>>, _: NoQuery) -> Response {
    json(&describe(&shared))
}

/// Every check, and the verdict over all; always 200
#[utoipa::path(
    get, path = "/health/detailed", tag = "Service", operation_id = "getHealthDetailed",
    responses((status = 200, body = DetailedHealth, description = "Every check")),
)]
pub(crate) async fn detailed(State(shared): State<Arc<Shared>>, _: NoQuery) -> Response {
    json(&describe(&shared))
}

/// That the process answers
#[utoipa::path(
    get, path = "/health/simple", tag = "Service", operation_id = "getHealthSimple",
    responses((status = 200, body = SimpleHealth, description = "It answers")),
)]
pub(crate) async fn simple(State(shared): State<Arc<Shared>>, _: NoQuery) -> Response {
    json(&SimpleHealth { status: "ok".to_owned(), timestamp: Time(shared.clock.now()) })
}

/// Whether the process lives; nothing else is looked at
#[utoipa::path(
    get, path = "/health/live", tag = "Service", operation_id = "getHealthLive",
    responses((status = 200, body = Probe, description = "It lives")),
)]
pub(crate) async fn live(State(shared): State<Arc<Shared>>, _: NoQuery) -> Response {
    probe(&shared, Ok("alive"))
}

/// Whether the service should get work
#[utoipa::path(
    get, path = "/health/ready", tag = "Service", operation_id = "getHealthReady",
    responses(
        (status = 200, body = Probe, description = "It should"),
        (status = 503, body = Probe, description = "It should not: it starts, it stops, or something that it needs fails"),
    ),
)]
pub(crate) async fn ready(State(shared): State<Arc<Shared>>, _: NoQuery) -> Response {
    let mut reasons = Vec::new();
    if shared.engine.is_draining() {
        reasons.push("the service is stopping and takes no new runs".to_owned());
    }
    let results = shared.checks.results();
    for result in results.iter().filter(|result| result.gates_readiness) {
        match (result.status, &result.message) {
            (Status::Healthy, _) => {}
            (Status::Unknown, _) if !shared.http.enable_health_checks => {}
            (Status::Unknown, _) => reasons.push(format!("the check {} has not looked yet", result.name)),
            (Status::Unhealthy, _) if shared.http.is_development => {
                let message = result.message.as_deref().unwrap_or_default();
                reasons.push(format!("{}: {message}", result.name));
            }
            // The probe is open to everybody: outside of development it tells no more than the name.
            (Status::Unhealthy, _) => reasons.push(format!("the check {} fails", result.name)),
        }
    }
    probe(&shared, if reasons.is_empty() { Ok("ready") } else { Err(("not_ready", reasons)) })
}

/// Whether the start is done
#[utoipa::path(
    get, path = "/health/startup", tag = "Service", operation_id = "getHealthStartup",
    responses(
        (status = 200, body = Probe, description = "It is"),
        (status = 503, body = Probe, description = "Not yet"),
    ),
)]
pub(crate) async fn startup(State(shared): State<Arc<Shared>>, _: NoQuery) -> Response {
    let waits = shared.http.enable_health_checks
        && shared.checks.results().iter().any(|result| result.status == Status::Unknown);
    let reasons = || vec!["some checks have not looked yet".to_owned()];
    probe(&shared, if waits { Err(("starting", reasons())) } else { Ok("started") })
}

fn probe(shared: &Shared, state: Result<&str, (&str, Vec<String>)>) -> Response {
    let (status, word, reasons) = match state {
        Ok(word) => (StatusCode::OK, word, Vec::new()),
        Err((word, reasons)) => (StatusCode::SERVICE_UNAVAILABLE, word, reasons),
    };
    let mut response = json(&Probe { status: word.to_owned(), timestamp: Time(shared.clock.now()), reasons });
    *response.status_mut() = status;
    response
}

/// Returns every check and the verdict.
fn describe(shared: &Shared) -> DetailedHealth {
    let results = shared.checks.results();
    let summary = checks::summary(&results);
    let status = match checks::verdict(&results) {
        _ if shared.engine.is_draining() => HealthStatus::Unhealthy,
        _ if !shared.http.enable_health_checks => HealthStatus::Healthy,
        Verdict::Healthy => HealthStatus::Healthy,
        Verdict::Degraded => HealthStatus::Degraded,
        Verdict::Unhealthy => HealthStatus::Unhealthy,
    };
    DetailedHealth {
        status,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        environment: shared.http.environment.clone(),
        uptime_seconds: shared.started.elapsed().as_secs_f64(),
        timestamp: Time(shared.clock.now()),
        draining: shared.engine.is_draining(),
        checks: results.into_iter().map(wire).collect(),
        summary: HealthSummary {
            total_checks: summary.total,
            healthy_checks: summary.healthy,
            failed_checks: summary.failed,
        },
    }
}

fn wire(result: CheckResult) -> HealthCheck {
    HealthCheck {
        name: result.name.to_owned(),
        status: match result.status {
            Status::Healthy => CheckStatus::Healthy,
            Status::Unhealthy => CheckStatus::Unhealthy,
            Status::Unknown => CheckStatus::Unknown,
        },
        critical: result.critical,
        last_check: result.last_check.map(Time),
        duration_ms: result.duration.as_secs_f64() * 1000.0,
        message: result.message,
        remedy: result.remedy.to_owned(),
        details: result.details,
    }
}
