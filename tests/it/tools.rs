//! Manifests while the service runs: a new one is a new tool everywhere, a broken one harms nobody.

use serde_json::{Value, json};

use crate::support::service::{Place, Service};
use crate::support::until;

fn tool_ids(service: &Service) -> Vec<String> {
    let capabilities = service.get("/v1/capabilities");
    capabilities["tools"].as_array().unwrap().iter().map(|tool| tool["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_manifest_that_is_dropped_into_the_folder_is_a_tool_at_once_and_one_that_breaks_stops_nobody() {
    let place = Place::new();
    place.tool("first", "echo one", "");
    let service = place.start();
    assert!(!tool_ids(&service).contains(&"second".to_owned()));

    place.tool(
        "second",
        "echo $LOUD",
        "[params.loud]\ntype = \"bool\"\ndefault = true\n[environment]\nLOUD = \"{param.loud}\"",
    );
    until("the new tool is listed", || tool_ids(&service).contains(&"second".to_owned()).then_some(()));
    let document = service.get("/openapi.json");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let params = schemas.iter().find(|(name, _)| name.eq_ignore_ascii_case("secondparams"));
    assert_eq!(params.unwrap().1["properties"]["loud"]["type"], "boolean", "the document knows it too");
    let run = service.submit("second", json!({}));
    assert_eq!(service.end_of(&run)["status"], "completed");
    assert_eq!(service.log(&run), ["true"]);

    // A slip of the editor: what was good stays in use, the others go on, and health names the file.
    std::fs::write(place.data().join("tools.d/second.toml"), "id = \"second\"\ncomand = 1\n").unwrap();
    let health = until("health tells of the broken manifest", || {
        let health = service.get("/v1/health");
        health.to_string().contains("second.toml").then_some(health)
    });
    assert_ne!(health["status"], Value::Null);
    for tool in ["first", "second"] {
        let run = service.submit(tool, json!({}));
        assert_eq!(service.end_of(&run)["status"], "completed", "{tool}");
    }

    std::fs::remove_file(place.data().join("tools.d/second.toml")).unwrap();
    until("the removed tool is gone", || (!tool_ids(&service).contains(&"second".to_owned())).then_some(()));
    let answer = service.try_send("POST", "/v1/runs", Some(&json!({"tool_id": "secnd"}))).unwrap();
    assert_eq!((answer.status, answer.json()["error_code"].as_str()), (404, Some("TOOL_NOT_FOUND")));
}
