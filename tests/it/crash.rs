//! The service is killed at random moments, again and again: every acknowledged run reaches exactly one terminal state,
//! no process is left, every artifact has its bytes and all bytes have a row, log numbers have no gap.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::service::{Place, is_terminal};
use crate::support::{files_below, http, processes_with, until};

/// Kills in one test; the soak has more.
const CYCLES: u32 = 100;
/// Runs that each of the submitters has made at most.
const CLIENTS: usize = 3;

/// Numbers that look random and come again with the same seed: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn cycles() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "the soak asks for more")]
    let asked = std::env::var("CTS_TEST_CRASH_CYCLES").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(CYCLES)
}

#[test]
fn no_acknowledged_run_is_lost_whenever_the_service_is_killed() {
    let place = Place::new()
        .set("max_concurrent_runs", "4")
        .set("run_retry_delay_seconds", "0.05")
        .set("artifact_scan_interval_seconds", "1")
        .set("run_stop_grace_seconds", "1");
    place.tool("quick", "echo one; echo two >&2; echo made > made.txt", "");
    place.tool("again", "echo begin; sleep 0.$1; echo made > made.txt; echo end", &format!("[input]\n{AGAIN}"));
    place.tool("slow", "echo begin; (sleep 300 & ) ; sleep 0.2; echo '::cts {\"artifact\": \"early.txt\"}'; echo x > early.txt; sleep 0.2", "");
    let marker = place.data().display().to_string();

    let acknowledged: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
    let address: Arc<Mutex<String>> = Arc::default();
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (acknowledged, address, over) = (Arc::clone(&acknowledged), Arc::clone(&address), Arc::clone(&over));
            std::thread::spawn(move || submit_until_over(client, &acknowledged, &address, &over))
        })
        .collect();

    let mut random = Random(0x5EED_CAFE);
    let started = Instant::now();
    for cycle in 0..cycles() {
        let service = place.start();
        address.lock().unwrap().clone_from(&service.address);
        std::thread::sleep(Duration::from_millis(random.below(250)));
        if cycle % 10 == 9 {
            // Now and then what ends badly is a supervisor.
            kill_one_supervisor(service.pid(), &mut random);
        }
        service.kill();
    }
    over.store(true, Ordering::SeqCst);
    clients.into_iter().for_each(|client| client.join().unwrap());
    println!("{} cycles in {:?}", cycles(), started.elapsed());

    let service = place.start();
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(acknowledged.len() >= cycles() as usize / 4, "only {} runs were acknowledged", acknowledged.len());
    let mut states: BTreeMap<(String, String), u32> = BTreeMap::new();
    for (run, tool) in &acknowledged {
        let ended = service.end_of(run);
        *states.entry((tool.clone(), ended["status"].as_str().unwrap().to_owned())).or_default() += 1;
        check_run(&service, run, &ended);
    }
    println!("{} runs: {states:?}", acknowledged.len());
    check_events(&service);
    check_artifacts(&service, &place);
    assert_eq!(service.stop().code(), Some(0));
    assert_eq!(processes_with(&marker), Vec::<i32>::new(), "no process is left");
    until("the directories of attempts are gone", || {
        let runs = std::fs::read_dir(place.data().join("runs")).map_or(0, |entries| entries.count());
        (runs == 0).then_some(())
    });
}

const AGAIN: &str = "many = true\n[retry]\nretry_on_lost = true\nattempts = 50";

fn submit_until_over(
    client: usize,
    acknowledged: &Mutex<BTreeMap<String, String>>,
    address: &Mutex<String>,
    over: &AtomicBool,
) {
    let tools = ["quick", "again", "slow"];
    let input = crate::support::root().join("Cargo.toml").display().to_string();
    let mut number = client;
    while !over.load(Ordering::SeqCst) {
        let tool = tools[number % tools.len()];
        let mut body = json!({"tool_id": tool});
        if tool == "again" {
            body["inputs"] = json!([{"type": "path", "value": input}]);
        }
        let to = address.lock().unwrap().clone();
        let headers = [("Content-Type", "application/json")];
        let sent = http::send(&to, "POST", "/v1/runs", &headers, body.to_string().as_bytes());
        match sent {
            Ok(answer) if answer.status == 201 => {
                number += 1;
                let run = answer.json()["run_id"].as_str().unwrap().to_owned();
                acknowledged.lock().unwrap().insert(run, tool.to_owned());
                // Somebody who reads while the service dies must not disturb it.
                if number.is_multiple_of(7) {
                    let _ = http::send(&to, "GET", "/v1/runs?limit=20", &[], b"");
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            // Dead, starting, or refused: nothing was acknowledged.
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn kill_one_supervisor(service: i32, random: &mut Random) {
    let is_child = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<i32>().ok());
        parent == Some(service)
    };
    let supervisors: Vec<i32> = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(is_child)
        .collect();
    if supervisors.is_empty() {
        return;
    }
    let chosen = supervisors[usize::try_from(random.below(supervisors.len() as u64)).unwrap()];
    if let Some(pid) = rustix::process::Pid::from_raw(chosen) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

/// One run: its state is final, its attempts are closed, its log has no gap.
fn check_run(service: &crate::support::service::Service, run: &str, ended: &Value) {
    assert!(is_terminal(ended));
    let attempts = ended["attempts"].as_array().unwrap();
    assert!(attempts.iter().all(|attempt| !attempt["outcome"].is_null()), "{ended}");
    match ended["status"].as_str() {
        Some("completed") => assert_eq!(attempts.last().unwrap()["outcome"], "completed", "{ended}"),
        Some("failed") => assert!(
            matches!(ended["error_code"].as_str(), Some("RUN_LOST" | "SUPERVISOR_LOST" | "TOOL_CRASHED")),
            "{ended}"
        ),
        _ => panic!("nobody canceled it: {ended}"),
    }
    let completed = attempts.iter().filter(|attempt| attempt["outcome"] == "completed").count();
    assert!(completed <= 1, "{ended}");
    service.log(run);
}

/// The story of all runs: each ends once, and nothing follows its end.
fn check_events(service: &crate::support::service::Service) {
    let open = http::open(&service.address, "GET", "/v1/runs/events?from=1", &[], b"").unwrap();
    let last = service.get("/v1/runs?limit=1");
    let newest = last[0]["run_id"].as_str().unwrap().to_owned();
    let mut ended: BTreeSet<String> = BTreeSet::new();
    http::events(open, |event| {
        let Ok(data) = serde_json::from_str::<Value>(&event.data) else { return true };
        let run = data["run_id"].as_str().unwrap_or_default().to_owned();
        if matches!(data["status"].as_str(), Some("completed" | "failed" | "canceled")) {
            assert!(ended.insert(run.clone()), "run {run} ended twice");
        } else {
            assert!(!ended.contains(&run), "run {run} went on after its end: {data}");
        }
        !(run == newest && ended.contains(&newest))
    });
    assert!(!ended.is_empty());
}

/// Every artifact has its bytes with the right sum, and all bytes have a row.
fn check_artifacts(service: &crate::support::service::Service, place: &Place) {
    let mut rows = 0;
    let mut path = "/v1/runs?limit=200".to_owned();
    loop {
        let answer = service.try_send("GET", &path, None).unwrap();
        for run in answer.json().as_array().unwrap() {
            let id = run["run_id"].as_str().unwrap();
            for artifact in service.get(&format!("/v1/runs/{id}/artifacts")).as_array().unwrap() {
                rows += 1;
                let id = artifact["id"].as_str().unwrap();
                let bytes = service.try_send("GET", &format!("/v1/artifacts/{id}/download"), None).unwrap();
                assert_eq!(bytes.status, 200, "{artifact}");
                assert_eq!(artifact["sha256"], sha256(&bytes.body), "{artifact}");
            }
        }
        match answer.header("X-Next-Cursor") {
            Some(cursor) => path = format!("/v1/runs?limit=200&cursor={cursor}"),
            None => break,
        }
    }
    until("bytes without a row are gone", || {
        (files_below(&place.data().join("blobs/artifacts")).len() == rows).then_some(())
    });
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
