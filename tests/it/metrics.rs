//! The metrics of a busy service, as Prometheus' own programs see them.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Output, Stdio};

use serde_json::{Value, json};

use crate::support::http;
use crate::support::service::{Place, Service, bare};
use crate::support::{root, skip, until};

/// Where Debian puts Prometheus and its tool.
const PROMETHEUS: &str = "/usr/bin/prometheus";
const PROMTOOL: &str = "/usr/bin/promtool";

struct KilledAtEnd(Child);

impl Drop for KilledAtEnd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A service in which everything that is counted has happened: ends of all kinds, refusals, an upload.
fn busy(place: &Place) -> Service {
    place.tool("good", "echo line; echo x > out.txt", "");
    place.tool("bad", "exit 3", "");
    place.tool("long", "sleep 60", "");
    let service = place.start();
    for tool in ["good", "bad"] {
        let run = service.submit(tool, json!({}));
        service.end_of(&run);
    }
    let run = service.submit("long", json!({}));
    service.until_status(&run, "running");
    service.try_send("DELETE", &format!("/v1/runs/{run}"), None).unwrap();
    service.end_of(&run);
    for path in ["/v1/runs/nothing", "/nowhere", "/v1/runs?unknown=1"] {
        assert!(service.try_send("GET", path, None).unwrap().status >= 400);
    }
    let form = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc\r\n--x--\r\n";
    let headers = [("Content-Type", "multipart/form-data; boundary=x")];
    let uploaded = http::send(&service.address, "POST", "/v1/uploads", &headers, form.as_bytes()).unwrap();
    assert_eq!(uploaded.status, 201);
    service
}

fn text(service: &Service) -> String {
    let answer = service.try_send("GET", "/metrics", None).unwrap();
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    String::from_utf8(answer.body).unwrap()
}

fn promtool(text: &str) -> Output {
    let mut tool = bare(Path::new(PROMTOOL), Path::new("/"));
    tool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = tool.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn every_metric_of_a_busy_service_is_in_the_reference_and_in_good_form() {
    let place = Place::new();
    let service = busy(&place);
    let text = until("the machine was looked at", || {
        let text = text(&service);
        text.contains("\nprocess_resident_memory_bytes ").then_some(text)
    });
    let page = std::fs::read_to_string(root().join("docs/reference/metrics.md")).unwrap();
    let told: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let described: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ").map(|(name, _)| name)).collect();
    let missing: Vec<_> = told.difference(&described).collect();
    assert!(missing.is_empty(), "the reference does not know {missing:?}");
    for name in ["cts_runs_ended_total", "cts_run_failures_total", "cts_uploads_finished_total", "cts_build_info"] {
        assert!(told.contains(name), "{name} is missing in\n{text}");
    }
    if !Path::new(PROMTOOL).exists() {
        return skip("promtool is missing: apt-get install prometheus");
    }
    let checked = promtool(&text);
    let said = format!("{}{}", String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(checked.status.success() && said.trim().is_empty(), "{said}");
    let broken = promtool("# TYPE cts_a counter\ncts_a 1\ncts_a 2\n");
    assert!(!broken.status.success(), "promtool finds what is wrong");
}

#[test]
fn a_real_prometheus_reads_a_service_that_asks_for_a_token() {
    if !Path::new(PROMETHEUS).exists() {
        return skip("prometheus is missing: apt-get install prometheus");
    }
    let place = Place::new().set("require_authentication", "true");
    let made = place.command().args(["token", "create", "--role", "viewer", "--name", "prometheus"]).output().unwrap();
    let token = String::from_utf8(made.stdout).unwrap();
    let service = place.start();
    let folder = place.folder.path();
    std::fs::write(folder.join("token"), &token).unwrap();
    let config = format!(
        "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n  - job_name: cts\n    authorization:\n      \
         credentials_file: {}\n    static_configs:\n      - targets: [\"{}\"]\n",
        folder.join("token").display(),
        service.address
    );
    std::fs::write(folder.join("prometheus.yml"), config).unwrap();
    // The port is free again for Prometheus, which cannot say which one it chose.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut prometheus = bare(Path::new(PROMETHEUS), folder);
    prometheus
        .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("series").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.join("prometheus.log")).unwrap());
    let _prometheus = KilledAtEnd(prometheus.spawn().unwrap());
    let query = |text: &str| -> Option<Value> {
        let answer = http::send(&address, "GET", &format!("/api/v1/query?query={text}"), &[], b"").ok()?;
        if answer.status != 200 {
            return None;
        }
        Some(answer.json()["data"]["result"].as_array()?.first()?["value"][1].clone())
    };
    until("Prometheus has read it twice", || (query("count_over_time(up[1h])>=2")?).is_string().then_some(()));
    assert_eq!(query("up"), Some(json!("1")));
    assert_eq!(query("cts_build_info").unwrap(), "1");
    assert_eq!(query("cts_users_active").unwrap(), "1");
    let by_route = "sum(cts_http_requests_total%7Broute=%22/metrics%22,status=%222xx%22%7D)";
    let scraped: f64 = query(by_route).unwrap().as_str().unwrap().parse().unwrap();
    assert!(scraped >= 1.0, "{scraped} scrapes were counted");
}
