//! The `cts` of comma-tools 0.8 against this service: the requests that it sends, in its order, and of each answer what
//! it reads. That client relies on
//!
//! - `GET /v1/version` before every command: it stops where its own version is below `min_client_version`;
//! - lists that are bare arrays, and objects whose fields are at the top;
//! - one data line for each event of a log, an object with `timestamp`, `level`, `message`, and on the stream's own end;
//! - absolute URLs for uploads and downloads, and on downloads without a token or a redirect;
//! - a PUT without a type, a finalization without a body;
//! - statuses below 500 for its own faults, since it repeats a request that was answered with 429 or 5xx.
//!
//! Its two limits stay as they are: it reconnects for ever to a log that has ended, and it sends no token with downloads.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use sha2::Digest;

use crate::app::{Answer, TestApp};

/// What its HTTP library sends with every request, and its scheme of authorization. It takes gzip as well and unpacks it
/// before the client reads; here that is asked for where it matters.
const HEADERS: [(&str, &str); 5] = [
    ("accept", "*/*"),
    ("accept-encoding", "identity"),
    ("connection", "keep-alive"),
    ("user-agent", "cts-cli/0.1.0"),
    ("authorization", "JWT a-token"),
];

struct OlderClient<'a>(&'a TestApp);

impl OlderClient<'_> {
    /// Asks for its version first, as it does before every command.
    async fn new(app: &TestApp) -> OlderClient<'_> {
        let client = OlderClient(app);
        let version = client.get("/v1/version").await;
        let least = text(&version, "min_client_version").to_owned();
        let least: Vec<u32> = least.split('.').map(|part| part.parse().unwrap()).collect();
        assert!(least <= vec![0, 8, 0], "it stops here: {version}");
        assert_eq!(version["deprecated_features"], json!([]), "it warns of these before every command");
        client
    }

    async fn get(&self, path: &str) -> Value {
        self.0.call(Method::GET, path, &HEADERS, Body::empty()).await.expect(200)
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let mut headers = HEADERS.to_vec();
        headers.push(("content-type", "application/json"));
        self.0.call(Method::POST, path, &headers, Body::from(body.to_string())).await
    }

    /// Declares, sends and finalizes a file, and returns the id of the upload.
    async fn upload(&self, name: &str, bytes: &'static [u8]) -> String {
        let sum = cts_model::Sha256(sha2::Sha256::digest(bytes).into()).to_string();
        let declared = json!({"filename": name, "size": bytes.len(), "sha256": sum});
        let upload = self.post("/v1/uploads", &declared).await.expect(201);
        let (id, url) = (text(&upload, "upload_id"), text(&upload, "upload_url"));
        let sent = self.0.call(Method::PUT, of_this_service(url), &HEADERS, Body::from(bytes)).await;
        assert!(sent.status.is_success(), "{sent:?}");
        let path = format!("/v1/uploads/{id}/finalize");
        let mut headers = HEADERS.to_vec();
        headers.push(("content-length", "0"));
        let finished = self.0.call(Method::POST, &path, &headers, Body::empty()).await;
        assert!(finished.status.is_success(), "{finished:?}");
        id.to_owned()
    }

    /// Submits a run and returns its id.
    async fn submit(&self, body: &Value) -> String {
        let run = self.post("/v1/runs", body).await;
        assert!(run.status.is_success(), "{run:?}");
        text(&run.json(), "run_id").to_owned()
    }

    /// Looks at a run again and again until it has ended.
    async fn end_of(&self, run: &str) -> Value {
        loop {
            let found = self.get(&format!("/v1/runs/{run}")).await;
            if matches!(text(&found, "status"), "completed" | "failed" | "canceled") {
                return found;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Downloads without a token, as it does.
    async fn download(&self, url: &str) -> Vec<u8> {
        let answer = self.0.call(Method::GET, of_this_service(url), &HEADERS[..4], Body::empty()).await;
        assert_eq!(answer.status, 200);
        answer.body.to_vec()
    }
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_else(|| panic!("{name} is not a text in {object}"))
}

/// It takes URLs as they are given, so that they must be absolute.
fn of_this_service(url: &str) -> &str {
    url.strip_prefix("http://localhost:8080").unwrap_or_else(|| panic!("{url} is not absolute"))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_finds_out_that_the_service_lives_and_what_it_can_do() {
    let app = TestApp::new().await;
    let client = OlderClient::new(&app).await;
    let health = client.get("/v1/health").await;
    for name in ["status", "version", "uptime"] {
        text(&health, name);
    }
    let capabilities = client.get("/v1/capabilities").await;
    for tool in capabilities["tools"].as_array().unwrap() {
        for name in ["id", "name", "description", "version"] {
            text(tool, name);
        }
    }
    assert!(capabilities["monitors"].is_array());
    text(&capabilities, "api_version");
    assert!(capabilities["features"].as_array().unwrap().iter().all(Value::is_string));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_uploads_a_file_runs_a_tool_on_it_follows_the_log_and_fetches_the_artifacts() {
    let app = TestApp::new().await;
    let client = OlderClient::new(&app).await;
    let upload = client.upload("drive.txt", b"one\ntwo\n").await;
    let script = "cat \"$1\"; mkdir -p d; cp \"$1\" d/copy.txt; echo '<p>' > page.html";
    let body = json!({
        "tool_id": "script", "params": {"script": script}, "input": {"type": "upload", "value": upload}, "name": "mine",
    });
    let run = client.submit(&body).await;

    let mut headers = HEADERS.to_vec();
    headers[0] = ("accept", "text/event-stream");
    headers[1] = ("accept-encoding", "gzip, deflate");
    let log = app.call(Method::GET, &format!("/v1/runs/{run}/logs"), &headers, Body::empty()).await;
    assert_eq!((log.status.as_u16(), log.header("content-encoding")), (200, ""));
    let log = log.text();
    let data = log.lines().filter_map(|line| line.strip_prefix("data: "));
    let data: Vec<Value> = data.map(|data| serde_json::from_str(data).expect("each data line is JSON alone")).collect();
    let (end, lines) = data.split_last().unwrap();
    let shown: Vec<String> = lines
        .iter()
        .map(|line| format!("[{}] {}: {}", text(line, "timestamp"), text(line, "level"), text(line, "message")))
        .collect();
    assert!(shown.len() == 2 && shown[0].ends_with("] INFO: one") && shown[1].ends_with("] INFO: two"), "{shown:?}");
    assert!(end.is_object());

    let found = client.end_of(&run).await;
    assert_eq!((text(&found, "status"), &found["error"]), ("completed", &Value::Null));
    let artifacts = client.get(&format!("/v1/runs/{run}/artifacts")).await;
    let mut names = Vec::new();
    for artifact in artifacts.as_array().expect("a bare array") {
        // It joins the name to its folder as it is.
        let name = text(artifact, "filename");
        assert!(!name.starts_with('/') && !name.split('/').any(|part| part == ".."), "{name}");
        names.push(name.to_owned());
        let bytes = client.download(text(artifact, "download_url")).await;
        assert_eq!(Some(bytes.len() as u64), artifact["size"].as_u64());
        for name in ["id", "type", "created_at"] {
            text(artifact, name);
        }
        let alone = client.get(&format!("/v1/artifacts/{}", text(artifact, "id"))).await;
        assert_eq!(text(&alone, "download_url"), text(artifact, "download_url"));
        assert_eq!(text(&alone, "filename"), name);
        assert!(alone["size"].is_u64());
    }
    names.sort();
    assert_eq!(names, ["d/copy.txt", "page.html"]);

    let runs = client.get("/v1/runs?status=completed").await;
    let listed = &runs.as_array().expect("a bare array")[0];
    assert_eq!((text(listed, "id"), text(listed, "tool_id")), (run.as_str(), "script"));
    for name in ["status", "started_at", "duration"] {
        text(listed, name);
    }
    assert_eq!(client.get("/v1/runs?status=failed").await, json!([]));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_guesses_at_types_are_taken_back() {
    let app = TestApp::new().await;
    let client = OlderClient::new(&app).await;
    let path = app.input("a.txt", "text");
    // Typed as: count=3 ratio=0.5 loud=true names=5 token=123456.
    let body = json!({
        "tool_id": "typed",
        "params": {"count": 3, "ratio": 0.5, "loud": true, "names": 5, "token": 123_456},
        "input": {"type": "path", "value": path},
    });
    let run = client.submit(&body).await;
    let found = client.end_of(&run).await;
    assert_eq!(found["status"], "completed", "{found}");
    assert_eq!((&found["params"]["names"], &found["params"]["token"]), (&json!(["5"]), &json!("***")));
    // Typed as: script=true, which is a program.
    let run = client.submit(&json!({"tool_id": "script", "params": {"script": true}})).await;
    assert_eq!(client.end_of(&run).await["status"], "completed");
    // Whoever knows types is taken at their word.
    let strict = app.post("/v1/runs", &json!({"tool_id": "script", "params": {"script": true}})).await;
    assert_eq!(strict.problem(400), "INVALID_PARAMETERS");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_faults_are_answered_so_that_it_does_not_repeat_them() {
    let app = TestApp::new().await;
    let client = OlderClient::new(&app).await;
    let unknown = "01a2123e-6677-7597-b974-f406ed6b0bb1";
    for (body, status) in [
        (json!({"tool_id": "nope", "params": {}}), 404),
        (json!({"tool_id": "typed", "params": {"count": "many"}}), 400),
        (json!({"tool_id": "script", "params": {"script": "x"}, "input": {"type": "upload", "value": unknown}}), 422),
    ] {
        client.post("/v1/runs", &body).await.problem(status);
    }
    let failed = client.submit(&json!({"tool_id": "script", "params": {"script": "exit 3"}})).await;
    let failed = client.end_of(&failed).await;
    assert_eq!((text(&failed, "status"), text(&failed, "error").is_empty()), ("failed", false));
    for path in [format!("/v1/runs/{unknown}"), format!("/v1/runs/{unknown}/logs"), format!("/v1/artifacts/{unknown}")]
    {
        app.call(Method::GET, &path, &HEADERS, Body::empty()).await.problem(404);
    }
    app.end().await;
}
