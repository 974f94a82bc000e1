//! From the service configuration to what each plane is told: one function for each.

use std::path::{Path, PathBuf};

use cts_config::{Kind, Profile, ServiceConfig};
use cts_engine::EngineOptions;
use cts_engine::inputs::InputRoots;
use cts_model::RetryPolicy;
use cts_observe::checks::Pace;

use crate::state::HttpOptions;

/// Returns what the engine is told.
#[must_use]
pub fn engine_options(config: &ServiceConfig, child_program: Option<PathBuf>) -> EngineOptions {
    let (runs, storage, artifacts) = (&config.runs, &config.storage, &config.artifacts);
    EngineOptions {
        data_dir: storage.base_storage_path.clone(),
        temp_dir: storage.temp_directory.clone(),
        log_dir: storage.log_directory.clone(),
        child_program,
        max_concurrent_runs: runs.max_concurrent_runs,
        max_queued_runs: runs.max_queued_runs,
        limits: config.limits(),
        tool_timeout: runs.tool_timeout,
        tool_timeout_max: runs.max_tool_timeout,
        retry: RetryPolicy { attempts_max: runs.attempts, delay: runs.retry_delay, retry_on_lost: false },
        artifact_retention: artifacts.retention,
        run_retention: runs.retention,
        log_retention: config.logs.retention,
        artifact_storage_bytes_max: artifacts.storage_bytes_max,
        artifact_scan_interval: artifacts.scan_interval,
        upload_bytes_max: config.http.max_upload_bytes,
        log_buffer_lines: config.logs.buffer_lines,
        disk_free_bytes_min: storage.min_free_disk_bytes,
        sandbox: runs.sandbox,
        // Files with secrets of the service are no more a run's than its database is.
        input_roots: input_roots(&storage.allowed_input_roots).except(config.observe.tracing.headers_file.clone()),
    }
}

/// `/` among the roots means whatever the service's user may read.
fn input_roots(roots: &[PathBuf]) -> InputRoots {
    if roots.iter().any(|root| root == Path::new("/")) {
        InputRoots::anything()
    } else {
        InputRoots::below(roots.to_vec())
    }
}

/// Returns what the door for programs is told.
#[must_use]
pub fn http_options(config: &ServiceConfig) -> HttpOptions {
    HttpOptions {
        host: config.http.host.clone(),
        port: config.http.port,
        is_development: matches!(config.profile, Profile::Development | Profile::Testing),
        is_in_process: config.kind == Kind::InProcess,
        request_timeout: config.http.request_timeout,
        body_bytes_max: config.http.max_body_bytes,
        environment: config.profile.as_str().to_owned(),
        enable_metrics: config.observe.enable_metrics,
        enable_health_checks: config.observe.enable_health_checks,
        health_pace: Pace {
            interval: config.observe.health_check_interval,
            timeout: config.observe.health_check_timeout,
        },
        require_authentication: config.security.require_authentication,
        requests_per_minute: config.security.enable_rate_limiting.then_some(config.security.max_requests_per_minute),
        cors_allowed_origins: config.http.cors_allowed_origins.clone(),
        trusted_proxies: config.http.trusted_proxies.iter().filter_map(|text| text.parse().ok()).collect(),
        audit_retention: config.security.audit_retention,
        ..HttpOptions::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_all_means_anything_and_no_root_means_nothing() {
        assert_eq!(input_roots(&["/".into()]), InputRoots::anything());
        assert_eq!(input_roots(&[]), InputRoots::below(Vec::new()));
        assert_eq!(input_roots(&["/a".into()]), InputRoots::below(vec!["/a".into()]));
    }
}
