//! Secrets are planted everywhere that a service is given one, and looked for everywhere that it tells something.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::collector::{Collector, Manner};
use crate::support::http::{self, Answer};
use crate::support::service::{Place, Service, write_tool};
use crate::support::{files_below, processes_with, until};

/// Every planted text begins so, and is found again in any form that keeps these letters.
const MARK: &str = "canary7f3a";

/// Where a secret was planted, and the secret.
#[derive(Default)]
struct Planted(BTreeMap<String, String>);

impl Planted {
    fn plant(&mut self, place: &str) -> String {
        let secret = format!("{MARK}-{}-{}", self.0.len(), place.replace(' ', "-"));
        self.0.insert(place.to_owned(), secret.clone());
        secret
    }

    fn know(&mut self, place: &str, secret: &str) {
        self.0.insert(place.to_owned(), secret.to_owned());
    }

    fn check(&self, where_: &str, told: &[u8], except: &str) {
        for (place, secret) in self.0.iter().filter(|(place, _)| *place != except) {
            let found = told.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{where_} tells the secret that was planted as {place}: {}", String::from_utf8_lossy(told));
        }
    }
}

/// Method, path, headers, body.
type WrongRequest<'a> = (&'a str, &'a str, Vec<(&'a str, String)>, String);

struct Client<'a> {
    service: &'a Service,
    token: String,
    planted: &'a Planted,
}

impl Client<'_> {
    /// Sends a request and looks for secrets in all of the answer, but for the one that it is there to give.
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8], except: &str) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let own = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let given = headers.iter().any(|(name, _)| *name == "Authorization" || *name == "Cookie");
        let own = own.into_iter().filter(|(name, _)| !(given && *name == "Authorization"));
        let headers: Vec<(&str, &str)> = own.chain(headers.iter().copied()).collect();
        let answer = http::send(&self.service.address, method, path, &headers, body).unwrap();
        let mut told = answer.body.clone();
        for (name, value) in &answer.headers {
            told.extend(format!("{name}: {value}\n").bytes());
        }
        self.planted.check(&format!("the answer to {method} {path}"), &told, except);
        answer
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"", "")
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], body.to_string().as_bytes(), "")
    }
}

#[test]
fn secrets_are_told_nowhere_in_development() {
    plant_and_search("development");
}

#[test]
fn secrets_are_told_nowhere_in_production() {
    plant_and_search("production");
}

fn plant_and_search(environment: &str) {
    let mut planted = Planted::default();
    let param = planted.plant("a secret parameter");
    let of_service = planted.plant("a secret of the service's environment");
    let unasked = planted.plant("a variable that no tool asks for");
    let (bearer, basic) = (planted.plant("a wrong token"), planted.plant("a wrong password"));
    let (query, field) = (planted.plant("a query parameter"), planted.plant("a field of a body"));
    let (header, cookie) = (planted.plant("a header"), planted.plant("a cookie"));
    let malformed = planted.plant("a body that is no JSON");
    let (of_file, input) = (planted.plant("an unknown setting"), planted.plant("the own database as an input"));

    let (tools, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let collector = Collector::start(Manner::Takes);
    let of_collector = planted.plant("a header for the collector");
    std::fs::write(keys.path().join("headers"), format!("X-Key: {of_collector}\n")).unwrap();
    let place = Place::new()
        .set("environment", environment)
        .set("log_level", "DEBUG")
        .set("require_authentication", "true")
        .set("tools_directory", &tools.path().display().to_string())
        .set("enable_tracing", "true")
        .set("tracing_endpoint", &collector.endpoint)
        .set("tracing_headers_file", &keys.path().join("headers").display().to_string())
        .set("cors_allowed_origins", "[\"https://example.org\"]");
    let more = "[params.token]\ntype = \"str\"\nsecret = true\nrequired = true\n[environment]\nTOKEN = \"{param.token}\"\n\
                KEY = \"{secret.KEY}\"";
    // It says what it got, tells it in a report, fails with it, and keeps it in no file.
    let script = "echo \"$TOKEN $KEY\"; echo \"::cts {\\\"error\\\": {\\\"message\\\": \\\"$TOKEN is wrong\\\"}}\"; \
                  echo \"$KEY\" >&2; sleep 1; exit 3";
    write_tool(tools.path(), "tells", script, more);

    // A setting that is refused: its value may be a secret in the wrong place.
    let mut refused = place.command();
    let of_address = planted.plant("a password in an address");
    let address = format!("tracing_endpoint=http://ada:{of_address}@127.0.0.1:4318");
    refused.arg("--set").arg(format!("databse_password={of_file}")).arg("--set").arg(address);
    let refused = refused.output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    planted.check("the refusal of a setting", &[refused.stdout, refused.stderr].concat(), "");

    let made = place.command().args(["token", "create", "--role", "admin", "--name", "ada"]).output().unwrap();
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    planted.know("the first token", &token[27..]);
    let log = std::fs::File::options().create(true).append(true).open(place.folder.path().join("service.log")).unwrap();
    let mut command = place.command();
    command.env("KEY", &of_service).env("UNRELATED", &unasked).stdout(std::process::Stdio::null()).stderr(log);
    let service = Service::of(&mut command, &place.data());

    // A session and another token: both are shown once, to the one who asked for them.
    let client = Client { service: &service, token: token.clone(), planted: &planted };
    let session = client.send("POST", "/v1/session", &[], b"", "");
    let made = client.post("/v1/tokens", &json!({"name": "ci", "role": "viewer"}));
    let (session_cookie, ci) = (session.header("set-cookie").unwrap().to_owned(), made.json()["token"].clone());
    let session_secret = session_cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    planted.know("a session", &session_secret[session_secret.len() - 24..]);
    planted.know("a second token", &ci.as_str().unwrap()[27..]);
    let client = Client { service: &service, token, planted: &planted };

    let submitted = client.post("/v1/runs", &json!({"tool_id": "tells", "params": {"token": param}}));
    assert_eq!(submitted.status, 201, "{}", String::from_utf8_lossy(&submitted.body));
    let run = submitted.json()["run_id"].as_str().unwrap().to_owned();
    until("the tool runs", || {
        let run = client.get(&format!("/v1/runs/{run}")).json();
        (run["status"] == "running").then_some(())
    });
    for pid in processes_with(&run) {
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        planted.check("the arguments of a process", &arguments, "");
    }
    let ended = until("the run ends", || {
        let run = client.get(&format!("/v1/runs/{run}?wait=5s")).json();
        (run["status"] == "failed").then_some(run)
    });
    assert!(ended["error"].to_string().contains("*** is wrong"), "the tool's own words are masked: {ended}");

    let wrong: [WrongRequest<'_>; 10] = [
        ("GET", "/v1/runs", vec![("Authorization", format!("Bearer {bearer}"))], String::new()),
        ("GET", "/v1/runs", vec![("Authorization", format!("JWT {bearer}"))], String::new()),
        ("GET", "/v1/runs", vec![("Authorization", format!("Basic {basic}"))], String::new()),
        ("GET", "/v1/runs", vec![("Cookie", format!("cts_session={cookie}"))], String::new()),
        (
            "GET",
            "/v1/runs",
            vec![("X-Api-Key", header.clone()), ("X-Request-ID", format!("{header} no id"))],
            String::new(),
        ),
        ("GET", "/v1/runs", vec![("traceparent", header.clone()), ("Idempotency-Key", header.clone())], String::new()),
        ("GET", &format!("/v1/runs?token={query}"), vec![], String::new()),
        ("POST", "/v1/runs", vec![], json!({"tool_id": "tells", "password": field}).to_string()),
        ("POST", "/v1/runs", vec![], json!({"tool_id": "tells", "params": {"token": {"a": field}}}).to_string()),
        (
            "POST",
            "/v1/runs",
            vec![],
            format!("{{\"tool_id\": \"tells\", \"params\": {{\"token\": \"{malformed}\" oops"),
        ),
    ];
    for (method, path, headers, body) in &wrong {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        client.send(method, path, &headers, body.as_bytes(), "");
    }
    client.post("/v1/runs", &json!({"tool_id": "tells", "params": {"token": input}, "inputs": [{"type": "path", "value": place.data().join("cts.db")}]}));

    let paths = [
        "/v1/runs",
        "/v1/runs?limit=1000",
        "/v1/audit",
        "/v1/tokens",
        "/v1/session",
        "/v1/capabilities",
        "/v1/version",
        "/v1/metrics",
        "/metrics",
        "/health",
        "/health/detailed",
        "/openapi.json",
        "/config/status",
        "/v1/config/status",
        "/docs",
        "/v1/health",
        "/",
    ];
    for path in paths {
        client.get(path);
    }
    for of_run in ["", "/logs", "/logs/list", "/artifacts", "/artifacts.zip"] {
        client.get(&format!("/v1/runs/{run}{of_run}"));
    }
    let again = client.post(&format!("/v1/runs/{run}/rerun"), &json!({}));
    assert_eq!((again.status, again.json()["error_code"].as_str()), (400, Some("SECRET_NEEDED")), "{}", again.json());

    assert_eq!(service.stop().code(), Some(0));
    let spans = collector.spans();
    assert!(spans.iter().any(|span| span.name.contains("/v1/runs")), "{spans:#?}");
    planted.check("a trace", format!("{spans:?}").as_bytes(), "");
    assert!(
        collector.heads().iter().any(|head| head.contains(&of_collector)),
        "the collector itself is sent its header"
    );
    for folder in [place.folder.path(), tools.path(), Path::new("/dev/shm")] {
        for file in files_below(folder) {
            planted.check(&file.display().to_string(), &std::fs::read(&file).unwrap_or_default(), "");
        }
    }
}
