//! The service itself, and what every answer has.

use axum::body::Body;
use expect_test::expect;
use http::{Method, Request};
use serde_json::json;

use crate::app::{TestApp, redacted};

#[tokio::test(flavor = "multi_thread")]
async fn version_and_health_are_told() {
    let app = TestApp::new().await;
    let health = app.get("/v1/health").await.expect(200);
    expect![[r#"
        {
          "status": "healthy",
          "version": "0.1.0",
          "uptime": "<text>",
          "uptime_seconds": "<figure>",
          "timestamp": "<time>",
          "queued": 0,
          "running": 0,
          "draining": false,
          "isolation": {
            "level": "<of the machine>",
            "missing": "<of the machine>"
          },
          "broken_manifests": [],
          "notes": []
        }
    "#]]
    .assert_eq(&redacted(&health));
    let version = app.get("/v1/version").await.expect(200);
    for name in ["api_version", "version", "min_client_version", "deprecated_features", "git_sha", "built_at"] {
        assert!(version.get(name).is_some(), "{name}");
    }
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_tell_every_tool_with_its_parameters() {
    let app = TestApp::new().await;
    let capabilities = app.get("/v1/capabilities").await.expect(200);
    let ids: Vec<&str> = capabilities["tools"].as_array().unwrap().iter().map(|t| t["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["can-bitwatch", "can-summary", "cruise-control-analyzer", "rlog-to-csv", "script", "typed"]);
    assert_eq!(capabilities["monitors"], json!([]));
    expect![[r#"
        {
          "id": "typed",
          "name": "Typed",
          "description": "Has a parameter of every type.",
          "category": "tool",
          "version": "2",
          "tags": [
            "test"
          ],
          "input": {
            "required": true,
            "many": false,
            "extensions": [
              ".zst",
              ".txt"
            ],
            "description": "One file"
          },
          "outputs": [],
          "data_stream_type": "sse",
          "parameters": {
            "count": {
              "type": "int",
              "default": null,
              "description": "",
              "choices": [],
              "required": true,
              "minimum": 1.0,
              "maximum": 10.0,
              "pattern": null,
              "items": null,
              "unit": "s",
              "secret": false,
              "examples": [
                3
              ]
            },
            "ratio": {
              "type": "float",
              "default": null,
              "description": "",
              "choices": [],
              "required": false,
              "minimum": null,
              "maximum": 1.0,
              "pattern": null,
              "items": null,
              "unit": null,
              "secret": false,
              "examples": []
            },
            "mode": {
              "type": "str",
              "default": "fast",
              "description": "",
              "choices": [
                "fast",
                "slow"
              ],
              "required": false,
              "minimum": null,
              "maximum": null,
              "pattern": null,
              "items": null,
              "unit": null,
              "secret": false,
              "examples": []
            },
            "name": {
              "type": "str",
              "default": null,
              "description": "",
              "choices": [],
              "required": false,
              "minimum": null,
              "maximum": null,
              "pattern": "[a-z]+",
              "items": null,
              "unit": null,
              "secret": false,
              "examples": []
            },
            "names": {
              "type": "list",
              "default": null,
              "description": "",
              "choices": [],
              "required": false,
              "minimum": null,
              "maximum": null,
              "pattern": null,
              "items": "str",
              "unit": null,
              "secret": false,
              "examples": []
            },
            "loud": {
              "type": "bool",
              "default": null,
              "description": "",
              "choices": [],
              "required": false,
              "minimum": null,
              "maximum": null,
              "pattern": null,
              "items": null,
              "unit": null,
              "secret": false,
              "examples": []
            },
            "token": {
              "type": "str",
              "default": null,
              "description": "",
              "choices": [],
              "required": false,
              "minimum": null,
              "maximum": null,
              "pattern": null,
              "items": null,
              "unit": null,
              "secret": true,
              "examples": []
            }
          },
          "schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Parameters of Typed",
            "type": "object",
            "properties": {
              "count": {
                "type": "integer",
                "minimum": 1,
                "maximum": 10,
                "examples": [
                  3
                ],
                "x-unit": "s"
              },
              "ratio": {
                "type": "number",
                "maximum": 1
              },
              "mode": {
                "type": "string",
                "enum": [
                  "fast",
                  "slow"
                ],
                "maxLength": 65536,
                "default": "fast"
              },
              "name": {
                "type": "string",
                "pattern": "^(?:[a-z]+)$",
                "maxLength": 65536
              },
              "names": {
                "anyOf": [
                  {
                    "type": "array",
                    "items": {
                      "type": "string"
                    },
                    "maxItems": 10000
                  },
                  {
                    "type": "string"
                  }
                ]
              },
              "loud": {
                "type": "boolean"
              },
              "token": {
                "type": "string",
                "maxLength": 65536,
                "writeOnly": true
              }
            },
            "required": [
              "count"
            ],
            "additionalProperties": false,
            "examples": [
              {
                "count": 3,
                "mode": "fast"
              }
            ]
          },
          "timeout_seconds": 10.0,
          "requires_hardware": false,
          "is_real_time": false,
          "available": true,
          "unavailable_reason": null
        }
    "#]]
    .assert_eq(&redacted(&capabilities["tools"][5]));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_is_dropped_into_the_folder_is_there_everywhere() {
    let app = TestApp::new().await;
    let tools = app.folder.path().join("tools.d");
    let manifest = "id = \"new-one\"\nname = \"New\"\ndescription = \"New\"\ncommand = [\"true\", [\"{param.depth}\"]]\n[params.depth]\ntype = \"int\"\nexamples = [7]\n";
    std::fs::write(tools.join("new.toml"), manifest).unwrap();
    std::fs::write(tools.join("broken.toml"), "id = \n").unwrap();
    assert!(app.app.engine().registry().reload_if_changed());
    let document = app.get("/openapi.json").await.expect(200);
    let schema = &document["components"]["schemas"]["NewOneParams"];
    assert_eq!(
        (schema["properties"]["depth"]["type"].clone(), schema["example"].clone()),
        (json!("integer"), json!({"depth": 7}))
    );
    let run = app.post("/v1/runs", &json!({"tool_id": "new-one"})).await.expect(201);
    app.finished(run["run_id"].as_str().unwrap()).await;
    let health = app.get("/v1/health").await.expect(200);
    assert_eq!(
        (health["status"].clone(), health["broken_manifests"].clone()),
        (json!("degraded"), json!(["broken.toml"]))
    );
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_request_id_and_headers_that_protect() {
    let app = TestApp::new().await;
    for path in ["/v1/version", "/nope", "/v1/runs/abc", "/docs"] {
        let answer = app.get_with(path, &[("x-request-id", "abc.1")]).await;
        assert_eq!(answer.header("x-request-id"), "abc.1", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!answer.header("content-security-policy").is_empty(), "{path}");
        assert_eq!(answer.header("x-frame-options"), "SAMEORIGIN", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert!(answer.header("permissions-policy").contains("camera=()"), "{path}");
        assert_eq!(answer.header("strict-transport-security"), "", "{path}: it did not come by HTTPS");
        let https = app.get_with(path, &[("x-forwarded-proto", "https")]).await;
        assert_eq!(https.header("strict-transport-security"), "max-age=31536000", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
        let replaced = app.get_with(path, &[("x-request-id", "<script>")]).await;
        assert_eq!(replaced.header("x-request-id").len(), 36, "{path}");
        assert!(!replaced.text().contains("<script>") || path == "/docs", "{path}");
    }
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_id_and_the_trace_reach_the_tool() {
    let app = TestApp::new().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("x-request-id", "req-7"), ("traceparent", trace)];
    let body = json!({"tool_id": "script", "params": {"script": "echo $CTS_REQUEST_ID $TRACEPARENT"}});
    let run = app.post_with("/v1/runs", &headers, &body).await.expect(201);
    assert_eq!(run["request_id"], "req-7");
    let id = run["run_id"].as_str().unwrap();
    app.finished(id).await;
    let log = app.get_with(&format!("/v1/runs/{id}/logs"), &[("accept", "text/plain")]).await.text();
    assert!(log.starts_with("req-7 00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{log}");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_cannot_change_anything() {
    let app = TestApp::new().await;
    let body = || Body::from(json!({"tool_id": "script", "params": {"script": "true"}}).to_string());
    let send = async |host: &str, origin: Option<&str>| {
        let mut request = Request::builder().method(Method::POST).uri("/v1/runs").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        app.send(request.header("content-type", "application/json").body(body()).unwrap()).await
    };
    assert_eq!(send("localhost:8080", Some("http://evil.example")).await.problem(403), "FOREIGN_ORIGIN");
    assert_eq!(send("evil.example", None).await.problem(403), "FOREIGN_ORIGIN");
    assert_eq!(app.get("/v1/runs").await.expect(200), json!([]), "nothing was made");
    send("localhost:8080", Some("http://localhost:8080")).await.expect(201);
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_of_a_page_answers_with_the_interface_and_no_address_of_the_api_does() {
    let app = TestApp::new().await;
    for path in ["/", "/tools", "/tools/rlog-to-csv", "/runs?status=failed", "/runs/abc", "/system", "/system/audit"] {
        let page = app.get(path).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self'"), "{path}: {policy}");
        assert!(!page.text().contains("http://") && !page.text().contains("https://"), "{path} names another origin");
        for script in page.text().split("<script").skip(1) {
            assert!(script.contains("src=\"/assets/"), "{path}: a script stands in the page: {script}");
        }
    }
    for path in
        ["/v1/none", "/v1/runs/abc", "/health/none", "/metrics/none", "/docs/none.js", "/assets/none.js", "/none"]
    {
        let answer = app.get(path).await;
        assert!(answer.header("content-type").starts_with("application/problem+json"), "{path}");
        answer.problem(answer.status.as_u16());
    }
    let changed = app.call(Method::POST, "/runs", &[], Body::empty()).await;
    assert_eq!(changed.problem(405), "METHOD_NOT_ALLOWED");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_loads_nothing_from_elsewhere() {
    let app = TestApp::new().await;
    let page = app.get("/docs").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe-inline"), "{policy}");
    let text = page.text();
    assert!(!text.contains("http://") && !text.contains("https://"), "{text}");
    for part in ["/docs/page.js", "/docs/page.css"] {
        assert!(text.contains(part));
        assert_eq!(app.get(part).await.status, 200);
    }
    app.end().await;
}
