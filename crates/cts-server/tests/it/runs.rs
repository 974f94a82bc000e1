//! Runs from the request to the end.

use axum::body::Body;
use expect_test::expect;
use http::Method;
use serde_json::{Value, json};

use crate::app::{TestApp, redacted};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_from_the_request_to_its_artifacts() {
    let app = TestApp::new().await;
    let body = json!({
        "tool_id": "script",
        "params": {"script": "echo hello; echo 1,2 > out.csv"},
        "name": "first", "labels": {"car": "outback"}, "priority": 5, "timeout_seconds": 9.5,
    });
    let answer = app.post_with("/v1/runs", &[("x-request-id", "my-request")], &body).await;
    let queued = answer.expect(201);
    assert_eq!(answer.header("x-request-id"), "my-request");
    let id = queued["run_id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("http://localhost:8080/v1/runs/{id}"));
    assert_eq!(queued["status"], "queued");
    let run = app.finished(id).await;
    expect![[r#"
        {
          "run_id": "<id>",
          "id": "<id>",
          "tool_id": "script",
          "tool_version": "1",
          "name": "first",
          "labels": {
            "car": "outback"
          },
          "status": "completed",
          "params": {
            "script": "echo hello; echo 1,2 > out.csv"
          },
          "inputs": [],
          "priority": 5,
          "timeout_seconds": 9.5,
          "created_at": "<time>",
          "started_at": "<time>",
          "completed_at": "<time>",
          "duration_seconds": "<figure>",
          "duration": "<text>",
          "queue_position": null,
          "not_before": null,
          "progress": null,
          "attempt": 1,
          "max_attempts": 3,
          "attempts": [
            {
              "number": 1,
              "started_at": "<time>",
              "ended_at": "<time>",
              "outcome": "completed"
            }
          ],
          "worker": null,
          "isolation": {
            "level": "<of the machine>",
            "missing": "<of the machine>"
          },
          "exit_code": 0,
          "signal": null,
          "peak_memory_bytes": "<figure>",
          "cpu_seconds": "<figure>",
          "artifacts": [
            "<id>"
          ],
          "pinned": false,
          "request_id": "my-request",
          "created_by": "anonymous",
          "error": null,
          "error_category": null,
          "error_code": null,
          "error_details": null,
          "suggested_actions": [],
          "recovery_attempted": false
        }
    "#]]
    .assert_eq(&redacted(&run));
    let artifacts = app.get(&format!("/v1/runs/{id}/artifacts")).await.expect(200);
    expect![[r#"
        [
          {
            "id": "<id>",
            "run_id": "<id>",
            "filename": "out.csv",
            "type": "text/csv; charset=utf-8",
            "size": 4,
            "sha256": "52186c933993da4082b3cdc7c40bb4bf735b391ff54a2ef78c037dda6c38a680",
            "created_at": "<time>",
            "expires_at": "<time>",
            "download_url": "http://localhost:8080/v1/artifacts/<id>/download",
            "preview_url": "http://localhost:8080/v1/artifacts/<id>/preview"
          }
        ]
    "#]]
    .assert_eq(&redacted(&artifacts));
    assert_eq!(run["artifacts"], json!([artifacts[0]["id"]]));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_says_why_and_what_to_do() {
    let app = TestApp::new().await;
    let run = app.run("echo trouble >&2; exit 3").await;
    let told = json!({
        "status": run["status"], "exit_code": run["exit_code"], "error": run["error"],
        "error_category": run["error_category"], "error_code": run["error_code"],
        "stderr": run["error_details"]["tool_stderr"], "details_exit_code": run["error_details"]["exit_code"],
    });
    expect![[r#"
        {
          "status": "failed",
          "exit_code": 3,
          "error": "the tool ended with exit code 3",
          "error_category": "tool_error",
          "error_code": "TOOL_FAILED",
          "stderr": "trouble",
          "details_exit_code": 3
        }
    "#]]
    .assert_eq(&redacted(&told));
    assert!(!run["suggested_actions"].as_array().unwrap().is_empty());
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn canceling_is_idempotent_and_answers_the_run() {
    let app = TestApp::new().await;
    let run = app.submit("sleep 60").await;
    app.reached(&run, "running").await;
    app.call(Method::POST, &format!("/v1/runs/{run}/cancel"), &[], Body::empty()).await.expect(200);
    assert_eq!(app.finished(&run).await["status"], "canceled");
    let again = app.call(Method::DELETE, &format!("/v1/runs/{run}"), &[], Body::empty()).await.expect(200);
    assert_eq!(again["status"], "canceled");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_answers_when_the_state_changes_or_the_time_is_over() {
    let app = TestApp::new().await;
    let run = app.submit("sleep 2").await;
    app.reached(&run, "running").await;
    let same = app.get(&format!("/v1/runs/{run}?wait=50ms")).await.expect(200);
    assert_eq!(same["status"], "running", "the time was over");
    let ended = app.get(&format!("/v1/runs/{run}?wait=30s")).await.expect(200);
    assert_eq!(ended["status"], "completed");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_makes_one_run_and_another_body_is_refused() {
    let app = TestApp::new().await;
    let body = json!({"tool_id": "script", "params": {"script": "true"}});
    let key = [("idempotency-key", "k-1")];
    let first = app.post_with("/v1/runs", &key, &body).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    let id = first.expect(201)["run_id"].clone();
    app.finished(id.as_str().unwrap()).await;
    let second = app.post_with("/v1/runs", &key, &body).await;
    assert_eq!(second.header("idempotency-replayed"), "true");
    let again = second.expect(201);
    assert_eq!((again["run_id"].clone(), again["status"].clone()), (id.clone(), json!("completed")));
    let other = json!({"tool_id": "script", "params": {"script": "false"}});
    assert_eq!(app.post_with("/v1/runs", &key, &other).await.problem(409), "IDEMPOTENCY_KEY_REUSED");
    let rerun = format!("/v1/runs/{}/rerun", id.as_str().unwrap());
    let fresh = app.post_with(&rerun, &key, &json!({})).await.expect(201);
    assert_ne!(fresh["run_id"], id, "a key belongs to one route");
    assert_eq!(app.post_with("/v1/runs", &[("idempotency-key", "a b")], &body).await.problem(400), "INVALID_REQUEST");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rerun_repeats_the_request_with_changes() {
    let app = TestApp::new().await;
    let first = app.run("echo a > a.txt").await;
    let path = format!("/v1/runs/{}/rerun", first["run_id"].as_str().unwrap());
    let second = app.post(&path, &json!({"name": "again", "params": {"script": "echo b > b.txt"}})).await.expect(201);
    assert_eq!((second["name"].clone(), second["params"]["script"].clone()), (json!("again"), json!("echo b > b.txt")));
    let second = app.finished(second["run_id"].as_str().unwrap()).await;
    assert_eq!(second["status"], "completed");
    // Without a body everything is as it was.
    let third = app.call(Method::POST, &path, &[], Body::empty()).await.expect(201);
    assert_eq!(third["params"], first["params"]);
    app.finished(third["run_id"].as_str().unwrap()).await;
    let wrong = app.post(&path, &json!({"nam": "x", "priority": 1000})).await;
    assert_eq!(wrong.problem(400), "INVALID_REQUEST");
    assert_eq!(wrong.json()["errors"].as_array().unwrap().len(), 2);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_filtered_and_paged_without_gaps() {
    let app = TestApp::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let body = json!({
            "tool_id": "script", "params": {"script": if number == 2 { "exit 1" } else { "true" }},
            "name": format!("n{number}"), "labels": {"parity": if number % 2 == 0 { "even" } else { "odd" }},
        });
        ids.push(app.post("/v1/runs", &body).await.expect(201)["run_id"].as_str().unwrap().to_owned());
    }
    for id in &ids {
        app.finished(id).await;
    }
    ids.reverse();
    let ids_of = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|run| run["run_id"].as_str().unwrap().to_owned()).collect()
    };
    let mut found = Vec::new();
    let mut path = "/v1/runs?limit=2&tool_id=script".to_owned();
    loop {
        let page = app.get(&path).await;
        found.extend(ids_of(&page.expect(200)));
        let link = page.header("link");
        assert_eq!(link.is_empty(), page.header("x-next-cursor").is_empty());
        let Some(url) = cts_api::page::next_url(link) else { break };
        path = url.strip_prefix("http://localhost:8080").unwrap().to_owned();
        assert!(path.contains("tool_id=script") && path.contains(page.header("x-next-cursor")));
    }
    assert_eq!(found, ids, "the newest first, each once");
    let count = async |query: &str| ids_of(&app.get(&format!("/v1/runs?{query}")).await.expect(200)).len();
    assert_eq!(count("status=failed").await, 1);
    assert_eq!(count("status=failed,completed").await, 5);
    assert_eq!(count("status=failed&status=running").await, 1);
    assert_eq!(count("label=parity%3Dodd").await, 2);
    assert_eq!(count("name=n3").await, 1);
    assert_eq!(count("q=N3").await, 1);
    assert_eq!(count("since=2000-01-01T00:00:00Z&until=2001-01-01T00:00:00Z").await, 0);
    assert_eq!(count("tool_id=other").await, 0);
    let oldest = app.get("/v1/runs?sort=created_at&limit=1").await.expect(200);
    assert_eq!(ids_of(&oldest), [ids[4].clone()]);
    assert_eq!(app.get("/v1/runs?cursor=nonsense").await.problem(400), "INVALID_REQUEST");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_the_place_and_when_to_come_back() {
    let app = TestApp::with(|engine, _| (engine.max_concurrent_runs, engine.max_queued_runs) = (1, 1)).await;
    let running = app.submit("sleep 60").await;
    app.reached(&running, "running").await;
    let waiting = app.submit("true").await;
    let waiting = app.get(&format!("/v1/runs/{waiting}")).await.expect(200);
    assert_eq!((waiting["status"].clone(), waiting["queue_position"].clone()), (json!("queued"), json!(1)));
    let refused = app.post("/v1/runs", &json!({"tool_id": "script", "params": {"script": "true"}})).await;
    assert_eq!(refused.problem(429), "QUEUE_FULL");
    assert_eq!(refused.json()["queue_position"], 2);
    assert!(!refused.header("retry-after").is_empty() && refused.header("ratelimit-remaining") == "0");
    app.call(Method::DELETE, &format!("/v1/runs/{running}"), &[], Body::empty()).await.expect(200);
    app.finished(waiting["run_id"].as_str().unwrap()).await;
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_takes_no_new_runs_but_answers() {
    let app = TestApp::new().await;
    let run = app.run("true").await;
    app.app.engine().begin_drain();
    let refused = app.post("/v1/runs", &json!({"tool_id": "script", "params": {"script": "true"}})).await;
    assert_eq!(refused.problem(503), "DRAINING");
    assert!(!refused.header("retry-after").is_empty());
    app.get(&format!("/v1/runs/{}", run["run_id"].as_str().unwrap())).await.expect(200);
    assert_eq!(app.get("/v1/health").await.expect(200)["status"], "unhealthy");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_older_clients_send_is_taken() {
    let app = TestApp::new().await;
    let path = app.input("a.txt", "text");
    // One input, parameters by its older name, options of the stand-alone programs, another scheme of authorization.
    let body = json!({
        "tool_id": "typed", "params": {"count": 1}, "input": {"type": "path", "value": path},
        "repo_root": "/openpilot", "deps_dir": null, "install_missing_deps": true,
    });
    let run = app.post_with("/v1/runs", &[("authorization", "JWT token")], &body).await.expect(201);
    assert_eq!(run["inputs"], json!([{"type": "path", "value": path}]));
    let run = app.finished(run["run_id"].as_str().unwrap()).await;
    assert_eq!(run["status"], "completed", "{run}");
    let version = app.get("/v1/version").await.expect(200);
    let oldest: Vec<u32> =
        version["min_client_version"].as_str().unwrap().split('.').map(|part| part.parse().unwrap()).collect();
    assert!(oldest <= vec![0, 8, 1]);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_masked_wherever_a_run_is_shown() {
    let app = TestApp::new().await;
    let path = app.input("a.txt", "text");
    let body = json!({
        "tool_id": "typed", "params": {"count": 1, "token": "hunter2"}, "inputs": [{"type": "path", "value": path}],
    });
    let created = app.post("/v1/runs", &body).await;
    let id = created.expect(201)["run_id"].as_str().unwrap().to_owned();
    app.finished(&id).await;
    let shown = [
        created.text(),
        app.get(&format!("/v1/runs/{id}")).await.text(),
        app.get("/v1/runs?q=hunter2").await.text(),
        app.get("/v1/runs").await.text(),
        app.get(&format!("/v1/runs/{id}/logs")).await.text(),
        app.post(&format!("/v1/runs/{id}/rerun"), &json!({})).await.text(),
    ];
    assert!(shown.iter().all(|text| !text.contains("hunter2")), "{shown:#?}");
    assert!(shown[1].contains("\"token\":\"***\""));
    assert!(shown[5].contains("SECRET_NEEDED"), "{}", shown[5]);
    app.end().await;
}
