//! Access control from outside: the first token, what it opens, what is refused, what is left in files.

use std::process::Output;
use std::time::Duration;

use serde_json::json;

use crate::support::http::{self, Answer};
use crate::support::service::{Place, Service, bare};
use crate::support::{binary, files_below, until};

fn closed() -> Place {
    Place::new().set("require_authentication", "true")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs `cts-lite token …` on the data directory of a place.
fn lite(place: &Place, args: &[&str]) -> Output {
    place.command().arg("token").args(args).output().unwrap()
}

/// Runs `cts …` for the data directory of a place.
fn cts(place: &Place, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let mut command = bare(&binary("cts"), place.folder.path());
    command.env("CTS_BASE_STORAGE_PATH", place.data()).env("CTS_TEMP_DIRECTORY", place.folder.path().join("temp"));
    command.envs(variables.iter().copied()).args(args).output().unwrap()
}

fn token(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    let token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(token.starts_with("cts_") && token.len() == 76, "{}", text(output));
    token
}

fn send(service: &Service, method: &str, path: &str, token: &str, body: &[u8]) -> Answer {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("Authorization", authorization.as_str())];
    if !body.is_empty() {
        headers.push(("Content-Type", "application/json"));
    }
    http::send(&service.address, method, path, &headers, body).unwrap()
}

fn status(service: &Service, path: &str, token: &str) -> u16 {
    send(service, "GET", path, token, b"").status
}

#[test]
fn the_first_token_is_made_before_the_service_and_others_beside_it() {
    let place = closed();
    let admin = token(&lite(&place, &["create", "--role", "admin", "--name", "first"]));
    let service = place.start();
    assert_eq!(service.try_send("GET", "/v1/runs", None).unwrap().status, 401);
    assert_eq!(service.try_send("GET", "/v1/health", None).unwrap().status, 200);
    assert_eq!(status(&service, "/v1/tokens", &admin), 200);

    let beside = token(&lite(&place, &["create", "--role", "viewer", "--name", "beside", "--expires", "1h"]));
    assert_eq!(status(&service, "/v1/runs", &beside), 200, "it is taken at once");
    assert_eq!(status(&service, "/v1/tokens", &beside), 403);
    let by_cts = token(&cts(&place, &[], &["token", "create", "--role", "viewer", "--name", "by-cts"]));
    assert_eq!(status(&service, "/v1/runs", &by_cts), 200);

    let listed = String::from_utf8(lite(&place, &["list"]).stdout).unwrap();
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(!listed.contains(&admin[27..]));
    let revoked = lite(&place, &["revoke", "beside"]);
    assert!(revoked.status.success(), "{}", text(&revoked));
    let began = std::time::Instant::now();
    until("the revoked token is refused", || (status(&service, "/v1/runs", &beside) == 401).then_some(()));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(status(&service, "/v1/runs", &by_cts), 200);

    let audit = send(&service, "GET", "/v1/audit", &admin, b"").json();
    let actions: Vec<&str> = audit.as_array().unwrap().iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(
        actions,
        ["cts-lite token revoke", "cts token create", "cts-lite token create", "cts-lite token create"]
    );
    let wrong = lite(&place, &["create", "--role", "root", "--name", "x"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", text(&wrong));
    assert_eq!(lite(&place, &["revoke", "nobody"]).status.code(), Some(1));
    assert_eq!(service.stop().code(), Some(0));
}

#[test]
fn production_is_closed_by_default_and_opened_only_in_so_many_words() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new()
        .set("environment", "production")
        .set("log_directory", &folder.path().join("logs").display().to_string());
    let service = place.start();
    assert_eq!(service.try_send("GET", "/v1/runs", None).unwrap().status, 401);
    let refused = service.try_send("POST", "/v1/runs", Some(&json!({}))).unwrap();
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer realm=\"cts\"")));
    drop(service);
    let open = place.set("require_authentication", "false");
    let (status, why) = open.start_to_end();
    assert_eq!(status.code(), Some(2), "{why}");
    assert!(why.contains("allow_unauthenticated = true if that is meant"), "{why}");
    let service = open.set("allow_unauthenticated", "true").start();
    assert_eq!(service.try_send("GET", "/v1/runs", None).unwrap().status, 200);
}

#[test]
fn the_command_line_sends_its_key_and_administers_tokens() {
    let place = closed();
    place.tool("hello", "echo hi", "");
    let admin = token(&lite(&place, &["create", "--role", "admin", "--name", "ada"]));
    let service = place.start();
    let url = format!("http://{}", service.address);

    let refused = cts(&place, &[], &["runs"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused).contains("AUTHENTICATION_REQUIRED") && text(&refused).contains("CTS_API_KEY"),
        "{}",
        text(&refused)
    );
    let run = cts(&place, &[("CTS_API_KEY", &admin)], &["run", "hello", "--wait", "--json"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run));
    let run: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(run["created_by"], "ada", "the key goes to this machine's own service, too");

    let remote = [("CTS_URL", url.as_str()), ("CTS_API_KEY", admin.as_str())];
    let ci =
        token(&cts(&place, &remote, &["token", "create", "--role", "operator", "--expires", "90d", "--name", "ci"]));
    assert_eq!(status(&service, "/v1/runs", &ci), 200);
    let file = place.folder.path().join("key");
    std::fs::write(&file, &ci).unwrap();
    let by_file = [("CTS_URL", url.as_str()), ("CTS_API_KEY_FILE", file.to_str().unwrap())];
    assert_eq!(cts(&place, &by_file, &["runs"]).status.code(), Some(0), "the key may stand in a file");
    let weak = cts(&place, &[("CTS_URL", &url), ("CTS_API_KEY", &ci)], &["token", "list"]);
    assert_eq!(weak.status.code(), Some(1));
    assert!(text(&weak).contains("needs the role admin"), "{}", text(&weak));
    let listed = cts(&place, &remote, &["token", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((listed[0]["name"].clone(), listed[0]["created_by"].clone()), (json!("ci"), json!("ada")));
    let table = text(&cts(&place, &remote, &["token", "list"]));
    assert!(table.contains("operator") && table.contains("active"), "{table}");
    let revoked = cts(&place, &remote, &["token", "revoke", "ci"]);
    assert!(revoked.status.success() && text(&revoked).contains("is revoked"), "{}", text(&revoked));
    assert_eq!(status(&service, "/v1/runs", &ci), 401, "from the answer on");
    assert_eq!(cts(&place, &remote, &["token", "revoke", "ci"]).status.code(), Some(2), "there is none any more");
}

#[test]
fn token_guessing_is_limited_and_leaves_no_token_anywhere() {
    let place = closed();
    let admin = token(&lite(&place, &["create", "--role", "admin", "--name", "ada"]));
    let service = place.start();
    assert_eq!(status(&service, "/v1/session", &admin), 200);
    let guess = format!("{}{}", &admin[..40], "guess-that-is-wrong-but-looks-right1");
    let answers: Vec<u16> = (0..15).map(|_| status(&service, "/v1/runs", &guess)).collect();
    assert_eq!(answers[..10], [401; 10]);
    assert_eq!(answers[10..], [429; 5]);
    assert_eq!(status(&service, "/v1/runs", &admin), 200, "who was right from here before is heard");
    let made = send(&service, "POST", "/v1/tokens", &admin, br#"{"name": "ci", "role": "operator"}"#).json();
    let ci = made["token"].as_str().unwrap().to_owned();
    let body = br#"{"tool_id": "nope", "params": {}}"#;
    assert_eq!(send(&service, "POST", "/v1/runs", &admin, body).status, 404);
    assert_eq!(service.stop().code(), Some(0));
    // Neither the right ones nor the wrong one are in the log, the database or any other file.
    for file in files_below(place.folder.path()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        for secret in [&admin[27..], &ci[27..], &guess[27..]] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a token", file.display());
        }
    }
}

#[test]
fn never_more_than_the_limit_pass_over_many_connections() {
    let place = closed().set("enable_rate_limiting", "true").set("max_requests_per_minute", "50");
    let admin = token(&lite(&place, &["create", "--role", "admin", "--name", "ada"]));
    let service = place.start();
    let passed: usize = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| (0..10).filter(|_| status(&service, "/v1/session", &admin) == 200).count()))
            .collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(passed, 50);
    let limited = send(&service, "GET", "/v1/session", &admin, b"");
    assert_eq!((limited.status, limited.header("ratelimit-limit")), (429, Some("50")));
    assert!(limited.header("retry-after").unwrap().parse::<u32>().unwrap() <= 61);
    assert_eq!(service.try_send("GET", "/v1/health", None).unwrap().status, 200, "probes are not counted");
}

#[test]
fn tokens_and_when_they_were_used_outlive_the_service() {
    let place = closed();
    let admin = token(&lite(&place, &["create", "--role", "admin", "--name", "ada"]));
    let service = place.start();
    assert_eq!(status(&service, "/v1/runs", &admin), 200);
    assert_eq!(service.stop().code(), Some(0));
    let listed = String::from_utf8(lite(&place, &["list"]).stdout).unwrap();
    assert!(!listed.contains("used never"), "{listed}");
    let service = place.start();
    assert_eq!(status(&service, "/v1/runs", &admin), 200);
}

#[test]
fn signing_in_to_one_service_of_a_host_keeps_the_session_of_the_other() {
    let places = [closed(), closed()];
    let names = ["one", "other"];
    let tokens: Vec<String> =
        (0..2).map(|i| token(&lite(&places[i], &["create", "--role", "admin", "--name", names[i]]))).collect();
    let services: Vec<Service> = places.iter().map(Place::start).collect();
    // A browser knows the host alone: it sends what either service has set to both, and the later wins over the same name.
    let mut jar = std::collections::BTreeMap::new();
    for (service, token) in services.iter().zip(&tokens) {
        let made = send(service, "POST", "/v1/session", token, b"");
        let set = made.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let (name, value) = set.split_once('=').unwrap();
        let port = service.address.rsplit(':').next().unwrap();
        assert_eq!(name, format!("cts_session_{port}"));
        jar.insert(name.to_owned(), value.to_owned());
    }
    let cookies = jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    for (service, name) in services.iter().zip(names) {
        let answer = http::send(&service.address, "GET", "/v1/session", &[("Cookie", &cookies)], b"").unwrap();
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.json()["actor"], name);
    }
}
