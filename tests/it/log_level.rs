//! The service's own log while it runs: other lines from one request on, and back again.

use serde_json::json;

use crate::support::http;
use crate::support::service::{Place, Service, bare};
use crate::support::{binary, until};

fn ask(service: &Service, id: &str) {
    assert_eq!(http::send(&service.address, "GET", "/v1/version", &[("x-request-id", id)], b"").unwrap().status, 200);
}

fn put(service: &Service, body: &serde_json::Value) {
    let answer = service.try_send("PUT", "/v1/log-level", Some(body)).unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

#[test]
fn a_module_is_heard_from_the_change_on_until_it_is_taken_back() {
    let place = Place::new().set("log_level", "ERROR").set("log_format", "json");
    let service = place.start();
    let log = || std::fs::read_to_string(place.folder.path().join("service.log")).unwrap();
    let heard = |id: &str| until(id, || log().contains(&format!("\"{id}\"")).then_some(()));
    ask(&service, "too-early");
    put(&service, &json!({"modules": {"cts_server::layers": "DEBUG"}}));
    ask(&service, "heard-1");
    heard("heard-1");
    put(&service, &json!({}));
    ask(&service, "too-late");

    // The same from the command line.
    let cts = |args: &[&str]| {
        let mut command = bare(&binary("cts"), place.folder.path());
        let output = command.args(["--url", &format!("http://{}", service.address)]).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(cts(&["log-level"]), "level ERROR\n");
    let held = cts(&["log-level", "warning", "--module", "cts_server=debug", "--for", "1h"]);
    assert!(
        held.starts_with("level WARNING (configured is ERROR)\ncts_server DEBUG\nas configured again at "),
        "{held}"
    );
    ask(&service, "heard-2");
    heard("heard-2");
    assert_eq!(cts(&["log-level", "--reset"]), "level ERROR\n");
    let text = log();
    assert!(!text.contains("too-early") && !text.contains("too-late"), "{text}");
}
