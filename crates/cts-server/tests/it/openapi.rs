//! The document: as the repository holds it, and true to what is sent.

use std::path::Path;

use serde_json::Value;

use crate::app::TestApp;

#[test]
fn the_committed_openapi_document_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let present = cts_server::repository_document();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &present).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == present, "{} is stale: `cargo xtask codegen` writes it", path.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_served_openapi_document_is_of_version_3_1_and_holds_no_broken_reference() {
    let app = TestApp::new().await;
    let document = app.get("/openapi.json").await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} is not there");
    }
    for tool in ["RlogToCsvParams", "ScriptParams", "TypedParams"] {
        assert!(document["components"]["schemas"][tool]["example"].is_object(), "{tool} has an example");
    }
    app.end().await;
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            references.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

/// Members that an answer has are all declared, and all that are required are there.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(document, document.pointer(reference.strip_prefix('#').unwrap()).unwrap(), value, at);
    }
    if let Some(object) = value.as_object()
        && let Some(properties) = schema["properties"].as_object()
    {
        for (name, member) in object {
            let declared = properties.get(name).unwrap_or_else(|| panic!("{at}/{name} is not declared"));
            fits(document, declared, member, &format!("{at}/{name}"));
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(object.contains_key(required.as_str().unwrap()), "{at}/{required} is missing");
        }
    }
    if let Some(items) = value.as_array() {
        items.iter().for_each(|item| fits(document, &schema["items"], item, at));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_served_openapi_document_asks_for_a_token_only_where_the_service_does() {
    let open = TestApp::new().await;
    let document = open.get("/openapi.json").await.expect(200);
    assert!(document["paths"]["/v1/runs"]["get"]["security"].is_null());
    open.end().await;
    let closed = TestApp::with(|_, http| http.require_authentication = true).await;
    let token = closed.token("ada", cts_api::Role::Viewer, None).await.1;
    let authorization = format!("Bearer {token}");
    let document = closed.get_with("/openapi.json", &[("authorization", &authorization)]).await.expect(200);
    assert_eq!(document["paths"]["/v1/runs"]["get"]["security"][0], serde_json::json!({"token": []}));
    assert_eq!(document["paths"]["/v1/runs"]["post"]["x-required-role"], "operator");
    closed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_fit_the_openapi_document() {
    let app = TestApp::new().await;
    let document = app.get("/openapi.json").await.expect(200);
    let run = app.run("echo hi; echo x > a.txt; exit 1").await["run_id"].as_str().unwrap().to_owned();
    for (path, concrete) in [
        ("/v1/version", "/v1/version".to_owned()),
        ("/v1/health", "/v1/health".to_owned()),
        ("/v1/capabilities", "/v1/capabilities".to_owned()),
        ("/v1/runs", "/v1/runs".to_owned()),
        ("/v1/runs/{run_id}", format!("/v1/runs/{run}")),
        ("/v1/runs/{run_id}/logs/list", format!("/v1/runs/{run}/logs/list")),
        ("/v1/runs/{run_id}/artifacts", format!("/v1/runs/{run}/artifacts")),
    ] {
        let answer = app.get(&concrete).await.expect(200);
        let schema = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path} declares its answer");
        fits(&document, schema, &answer, path);
    }
    let problem = app.get("/nope").await.json();
    fits(&document, &document["components"]["schemas"]["Problem"], &problem, "problem");
    app.end().await;
}
