//! The metrics: the text for Prometheus and a summary, from one snapshot. What is read from the machine was read in the
//! background.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cts_api::metrics::{ApiMetrics, BusinessMetrics, ExecutionMetrics, MetricsSummary, SystemMetrics};
use cts_api::time::Time;
use cts_model::{Code, Timestamp};
use cts_observe::metrics::{Sample, Snapshot};
use http::HeaderMap;
use http::header::{self, HeaderValue};

use crate::extract::NoQuery;
use crate::http::{Accepted, accepted, json};
use crate::problem::Refusal;
use crate::state::Shared;

/// The metrics as text for Prometheus, or in short as JSON
#[utoipa::path(
    get, path = "/metrics", tag = "Service", operation_id = "getMetrics",
    responses(
        (status = 200, description = "Prometheus text 0.0.4, or the summary for `Accept: application/json`",
         content((String = "text/plain"), (MetricsSummary = "application/json"))),
    ),
)]
pub(crate) async fn metrics(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    _: NoQuery,
) -> Result<Response, Refusal> {
    match accepted(&headers, &["text/plain", "application/json"]) {
        Accepted::One("application/json") => summary_of(&shared).await,
        _ => text_of(&shared).await,
    }
}

/// The metrics as text for Prometheus
#[utoipa::path(
    get, path = "/health/metrics", tag = "Service", operation_id = "getHealthMetrics",
    responses((status = 200, description = "Prometheus text 0.0.4", body = String, content_type = "text/plain")),
)]
pub(crate) async fn health_metrics(State(shared): State<Arc<Shared>>, _: NoQuery) -> Result<Response, Refusal> {
    text_of(&shared).await
}

/// The metrics in short
#[utoipa::path(
    get, path = "/v1/metrics", tag = "Service", operation_id = "getMetricsSummary",
    responses((status = 200, body = MetricsSummary, description = "What the service did since it was started")),
)]
pub(crate) async fn summary(State(shared): State<Arc<Shared>>, _: NoQuery) -> Result<Response, Refusal> {
    summary_of(&shared).await
}

/// Returns the answer with the text.
pub(crate) async fn text_of(shared: &Arc<Shared>) -> Result<Response, Refusal> {
    let text = on_snapshot(shared, |snapshot| snapshot.text()).await?;
    let mut response = Response::new(text.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(Snapshot::media_type()));
    Ok(response)
}

async fn summary_of(shared: &Arc<Shared>) -> Result<Response, Refusal> {
    let now = shared.clock.now();
    Ok(json(&on_snapshot(shared, move |snapshot| summarize(&snapshot, now)).await?))
}

/// Takes the snapshot and makes something of it on a thread where that may take a while.
async fn on_snapshot<T: Send + 'static>(
    shared: &Arc<Shared>,
    make: impl FnOnce(Snapshot) -> T + Send + 'static,
) -> Result<T, Refusal> {
    if !shared.http.enable_metrics {
        return Err(Refusal::new(Code::RouteNotFound, "metrics are off: the setting enable_metrics is false"));
    }
    let streams = shared.http.streams_max.saturating_sub(shared.streams.available_permits());
    shared.metrics.streams.set(i64::try_from(streams).unwrap_or(i64::MAX));
    let access = &shared.access;
    shared
        .service_metrics
        .look(shared.clock.now(), &shared.checks.results(), |since| access.keyring.users_since(since));
    let registry = Arc::clone(shared.engine.metrics().registry());
    let made = tokio::task::spawn_blocking(move || make(registry.snapshot())).await;
    made.map_err(|error| Refusal::new(Code::Internal, format!("cannot render the metrics: {error}")))
}

fn summarize(snapshot: &Snapshot, now: Timestamp) -> MetricsSummary {
    let whole = |name: &str| count(snapshot.total(name));
    let ended = |state: &str| count(snapshot.total_where("cts_run_ends_total", "state", state));
    let (completed, failed, canceled) = (ended("completed"), ended("failed"), ended("canceled"));
    let judged = snapshot.total_where("cts_run_ends_total", "state", "completed")
        + snapshot.total_where("cts_run_ends_total", "state", "failed");
    let requests = snapshot.samples("cts_http_requests_total");
    let failures = requests.iter().filter(|sample| matches!(sample.label("status"), Some("4xx" | "5xx")));
    MetricsSummary {
        timestamp: Time(now),
        execution_metrics: ExecutionMetrics {
            runs_total: completed + failed + canceled,
            runs_successful: completed,
            runs_failed: failed,
            runs_canceled: canceled,
            success_rate: (judged > 0.0)
                .then(|| snapshot.total_where("cts_run_ends_total", "state", "completed") / judged),
            average_execution_time_seconds: snapshot.mean("cts_run_duration_seconds"),
            average_queue_wait_seconds: snapshot.mean("cts_run_queue_wait_seconds"),
            active_runs: whole("cts_runs_active"),
            peak_concurrent_runs: whole("cts_runs_active_peak"),
            queued_runs: whole("cts_runs_queued"),
            failures_by_code: by(snapshot.samples("cts_run_failures_total").iter(), |sample| word(sample, "code")),
        },
        api_metrics: ApiMetrics {
            requests_total: whole("cts_http_requests_total"),
            average_response_time_ms: snapshot.mean("cts_http_request_duration_seconds") * 1000.0,
            errors_by_endpoint: by(failures, |sample| format!("{} {}", word(sample, "method"), word(sample, "route"))),
            errors_by_category: by(snapshot.samples("cts_http_errors_total").iter(), |sample| word(sample, "category")),
        },
        business_metrics: BusinessMetrics {
            tools_usage: by(snapshot.samples("cts_runs_submitted_total").iter(), |sample| word(sample, "tool")),
            artifacts_generated: whole("cts_artifacts_stored_total"),
            artifact_bytes: whole("cts_artifact_bytes_total"),
            log_bytes: whole("cts_run_log_bytes_total"),
            unique_users: whole("cts_users_active"),
        },
        system_metrics: SystemMetrics {
            cpu_percent: snapshot.total("system_cpu_percent"),
            memory_percent: snapshot.total("system_memory_percent"),
            memory_available_bytes: whole("system_memory_available_bytes"),
            disk_free_bytes: whole("cts_disk_free_bytes"),
            disk_used_percent: snapshot.total("cts_disk_used_percent"),
            uptime_seconds: snapshot.total("cts_uptime_seconds"),
            process_resident_bytes: whole("process_resident_memory_bytes"),
            process_open_files: whole("process_open_fds"),
        },
    }
}

fn word(sample: &Sample<'_>, label: &str) -> String {
    sample.label(label).unwrap_or_default().to_owned()
}

fn by<'a, 's: 'a>(
    samples: impl Iterator<Item = &'a Sample<'s>>,
    key: impl Fn(&Sample<'s>) -> String,
) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for sample in samples.filter(|sample| sample.value > 0.0) {
        *sums.entry(key(sample)).or_default() += count(sample.value);
    }
    sums
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are whole and not negative")]
fn count(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

#[cfg(test)]
mod tests {
    use cts_engine::metrics::EngineMetrics;
    use cts_observe::metrics::Registry;

    use super::*;

    #[test]
    fn the_summary_of_nothing_has_no_success_rate() {
        let registry = Arc::new(Registry::new());
        let metrics = EngineMetrics::new(&registry);
        metrics.set_queued(4);
        let summary = summarize(&registry.snapshot(), Timestamp::from_ms(0));
        assert_eq!(summary.execution_metrics.success_rate, None);
        assert_eq!((summary.execution_metrics.queued_runs, summary.api_metrics.requests_total), (4, 0));
    }
}
