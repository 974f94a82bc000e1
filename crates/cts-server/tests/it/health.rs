//! Probes and metrics of an app whose checks have not begun to look: the background belongs to the service.

use serde_json::json;

use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_starts_lives_but_is_not_ready() {
    let app = TestApp::new().await;
    assert_eq!(app.get("/health/live").await.expect(200)["status"], "alive");
    assert_eq!(app.get("/health/simple").await.expect(200)["status"], "ok");
    assert_eq!(app.get("/health/startup").await.expect(503)["status"], "starting");
    let ready = app.get("/health/ready").await.expect(503);
    assert_eq!(ready["status"], "not_ready");
    assert!(ready["reasons"][0].as_str().unwrap().contains("has not looked yet"), "{ready}");
    let detailed = app.get("/health/detailed").await.expect(200);
    assert_eq!(detailed["summary"]["healthy_checks"], 0);
    assert_eq!(
        detailed["checks"][0],
        json!({
            "name": "database", "status": "unknown", "critical": true, "last_check": null, "duration_ms": 0.0,
            "message": null, "remedy": detailed["checks"][0]["remedy"], "details": {},
        })
    );
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_without_checks_is_ready_until_it_drains() {
    let app = TestApp::with(|_, http| http.enable_health_checks = false).await;
    app.get("/health/startup").await.expect(200);
    app.get("/health/ready").await.expect(200);
    app.app.engine().begin_drain();
    let ready = app.get("/health/ready").await.expect(503);
    assert!(ready["reasons"][0].as_str().unwrap().contains("stopping"));
    assert_eq!(app.get("/health").await.expect(200)["status"], "unhealthy");
    app.get("/health/live").await.expect(200);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_is_counted() {
    let app = TestApp::new().await;
    app.run("echo a; echo b >b.txt").await;
    let run = app.run("exit 3").await["run_id"].as_str().unwrap().to_owned();
    app.get("/v1/nothing").await;
    let text = app.get("/metrics").await;
    assert_eq!(text.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = text.text();
    for line in [
        "cts_run_ends_total{state=\"completed\"} 1",
        "cts_run_ends_total{state=\"failed\"} 1",
        "cts_runs_submitted_total{tool=\"script\"} 2",
        "cts_run_attempts_total 2",
        "cts_artifacts_stored_total 1",
        "cts_http_requests_total{method=\"POST\",route=\"/v1/runs\",status=\"2xx\"} 2",
        "cts_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"4xx\"} 1",
        "cts_http_errors_total{category=\"not_found\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains(&run), "ids of runs are no labels");
    let summary = app.get("/v1/metrics").await.expect(200);
    assert_eq!(summary["execution_metrics"]["runs_total"], 2);
    assert_eq!(summary["execution_metrics"]["success_rate"], 0.5);
    assert_eq!(summary["business_metrics"]["tools_usage"], json!({"script": 2}));
    assert_eq!(summary["api_metrics"]["errors_by_endpoint"]["GET unmatched"], 1);
    let same = app.get_with("/metrics", &[("accept", "application/json")]).await.expect(200);
    assert_eq!(same["execution_metrics"]["runs_total"], 2);
    assert!(app.get("/health/metrics").await.text().contains("cts_http_requests_active 1"));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_that_are_off_say_so() {
    let app = TestApp::with(|_, http| http.enable_metrics = false).await;
    for path in ["/metrics", "/health/metrics", "/v1/metrics"] {
        assert_eq!(app.get(path).await.problem(404), "ROUTE_NOT_FOUND", "{path}");
    }
    app.end().await;
}
