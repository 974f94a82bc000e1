//! Tools that misbehave in every way never touch the service, and their runs say what happened.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::processes_with;
use crate::support::service::Place;

fn place() -> Place {
    Place::new().set("run_stop_grace_seconds", "1").set("run_memory_mb", "256").set("run_processes", "40")
}

/// Runs a tool and gives its end, its log, and how long it took.
fn run(place: &Place, script: &str, more: &str) -> (Value, Vec<String>) {
    place.tool("misbehaves", script, more);
    let service = place.start();
    let run = service.submit("misbehaves", json!({}));
    let ended = service.end_of(&run);
    let log = service.log(&run);
    assert_eq!(service.get("/v1/health")["status"], "healthy", "the service lives on");
    assert_eq!(service.stop().code(), Some(0));
    assert_eq!(processes_with(&place.data().display().to_string()), Vec::<i32>::new(), "no process is left");
    (ended, log)
}

fn code(ended: &Value) -> (&str, &str) {
    (ended["status"].as_str().unwrap(), ended["error_code"].as_str().unwrap_or_default())
}

#[test]
fn a_tool_that_crashes() {
    let (ended, _) = run(&place(), "echo dying >&2; kill -ABRT $$", "");
    assert_eq!(code(&ended), ("failed", "TOOL_CRASHED"));
    assert_eq!((ended["signal"].as_i64(), ended["error_category"].as_str()), (Some(6), Some("tool_error")));
    assert_eq!(ended["error_details"]["tool_stderr"], "dying");
    assert!(!ended["suggested_actions"].as_array().unwrap().is_empty());
}

#[test]
fn a_tool_that_hangs_and_ignores_sigterm_with_grandchildren() {
    let script = "trap '' TERM; (trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 300' & sleep 300) & sleep 300";
    let started = Instant::now();
    let (ended, log) = run(&place(), script, "timeout = \"1s\"");
    assert_eq!(code(&ended), ("failed", "TOOL_TIMEOUT"));
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(log.iter().any(|line| line.contains("time limit")), "{log:?}");
}

#[test]
fn a_tool_that_leaves_children_behind() {
    let (ended, _) = run(&place(), "(trap '' TERM; sleep 300) & (setsid sleep 300 &) ; echo made > made.txt", "");
    assert_eq!(code(&ended), ("completed", ""));
    assert_eq!(ended["artifacts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_tool_that_floods_its_log() {
    let (ended, log) = run(&place().set("run_log_mb", "1"), "yes flood | head -n 6000000; echo done", "");
    assert_eq!(code(&ended), ("completed", ""));
    assert_eq!(log.last().map(String::as_str), Some("done"));
    assert!(log.iter().any(|line| line.contains("were left out")), "what is missing is counted");
    assert!(log.iter().map(String::len).sum::<usize>() < 2_000_000);
}

#[test]
fn a_tool_that_fills_its_directory() {
    let script = "i=0; while true; do i=$((i+1)); head -c 2000000 /dev/zero > f$i; done";
    let (ended, _) = run(&place().set("run_output_mb", "50"), script, "");
    assert_eq!(code(&ended), ("failed", "OUTPUT_LIMIT"));
}

#[test]
fn a_tool_that_writes_one_endless_file() {
    let (ended, _) = run(&place().set("run_output_mb", "20"), "exec head -c 1000000000 /dev/zero > endless", "");
    assert_eq!(code(&ended), ("failed", "OUTPUT_LIMIT"), "{ended}");
}

#[test]
fn a_tool_that_allocates_without_end() {
    let script = "x=xxxxxxxxxxxxxxxx; while true; do x=$x$x; done";
    let (ended, _) = run(&place(), script, "");
    assert_eq!(code(&ended), ("failed", "MEMORY_LIMIT"), "{ended}");
    assert!(
        ended["suggested_actions"].as_array().unwrap().iter().any(|a| a.as_str().unwrap().contains("run_memory_mb"))
    );
}

#[test]
fn a_tool_that_forks_without_end() {
    let (ended, _) = run(&place(), "bomb() { bomb | bomb & }; bomb; sleep 300", "timeout = \"20s\"");
    assert_eq!(code(&ended), ("failed", "PROCESS_LIMIT"), "{ended}");
}

#[test]
fn a_tool_that_prints_what_is_no_text() {
    let script = "printf 'a\\377\\000b\\n'; head -c 10000000 /dev/zero | tr '\\0' x; echo; printf 'no line end'";
    let (ended, log) = run(&place(), script, "");
    assert_eq!(code(&ended), ("completed", ""));
    assert_eq!(log[0], "a\u{FFFD}\u{FFFD}b");
    assert_eq!(log.last().map(String::as_str), Some("no line end"));
    let long: usize = log.iter().filter(|line| line.contains("xxx")).map(|line| line.matches('x').count()).sum();
    assert_eq!(long, 10_000_000, "a line of 10 MB comes in pieces, and none is lost");
}

#[test]
fn a_tool_that_reaches_outside() {
    let place = place();
    let secret = place.folder.path().join("secret.txt");
    std::fs::write(&secret, "secret").unwrap();
    let database = place.data().join("cts.db");
    let script = format!(
        "echo x > {outside} && echo wrote; cat {database} && echo read; cat /etc/shadow && echo shadow; echo in > inside.txt",
        outside = place.folder.path().join("outside.txt").display(),
        database = database.display(),
    );
    let (ended, log) = run(&place, &script, "");
    assert_eq!(code(&ended), ("completed", ""));
    if ended["isolation"]["missing"].to_string().contains("Landlock") {
        return crate::support::skip("this kernel has no Landlock");
    }
    assert!(!log.iter().any(|line| ["wrote", "read", "shadow"].contains(&line.as_str())), "{log:?}");
    assert!(!place.folder.path().join("outside.txt").exists());
    assert_eq!(ended["artifacts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_tool_sees_only_its_own_environment() {
    let (ended, log) = run(&place(), "env | cut -d= -f1 | sort | tr '\\n' ' '", "");
    assert_eq!(code(&ended), ("completed", ""));
    assert_eq!(
        log,
        ["CTS_ATTEMPT CTS_REQUEST_ID CTS_RUN_ID HOME PATH PWD TMPDIR TRACEPARENT "].map(str::to_owned),
        "nothing of the service's environment reaches it"
    );
}

#[test]
fn the_network_is_closed_unless_the_tool_says_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo open || echo closed");
    let bash = |more: &str| {
        let place = place();
        let text = format!(
            "id = \"net\"\nname = \"net\"\ndescription = \"d\"\nversion = \"1\"\ncommand = [\"bash\", \"-c\", '{script}']\n{more}\n"
        );
        std::fs::write(place.data().join("tools.d/net.toml"), text).unwrap();
        let service = place.start();
        let run = service.submit("net", json!({}));
        let ended = service.end_of(&run);
        (ended, service.log(&run))
    };
    let (ended, log) = bash("");
    if ended["isolation"]["missing"].to_string().contains("network") {
        return crate::support::skip("this machine cannot close the network");
    }
    assert!(log.iter().any(|line| line == "closed") && !log.iter().any(|line| line == "open"), "{log:?}");
    let (_, log) = bash("[access]\nnetwork = true");
    assert_eq!(log, ["open"]);
}

#[test]
fn a_run_reads_nothing_of_the_service_itself_whatever_the_roots() {
    let place = place();
    let headers = place.folder.path().join("headers");
    std::fs::write(&headers, "Authorization: Bearer secret\n").unwrap();
    let place = place.set("tracing_headers_file", &headers.display().to_string());
    place.tool("reads", "cat \"$1\"", "[input]\nrequired = false");
    let service = place.start();
    assert!(place.data().join("cts.db").exists());
    let link = place.folder.path().join("drive.rlog");
    std::os::unix::fs::symlink(place.data().join("cts.db"), &link).unwrap();
    let below = |name: &str| place.data().join(name);
    for path in [below("cts.db"), below("service.json"), below("logs"), below("../data/cts.db"), link, headers] {
        let body = json!({"tool_id": "reads", "inputs": [{"type": "path", "value": path}]});
        let answer = service.try_send("POST", "/v1/runs", Some(&body)).unwrap();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 422, "{}: {text}", path.display());
        assert!(text.contains("among the service's own files"), "{text}");
    }
    // What a user may read beside it is still an input.
    let drive = place.folder.path().join("other.rlog");
    std::fs::write(&drive, "bytes of a drive\n").unwrap();
    let body = json!({"tool_id": "reads", "inputs": [{"type": "path", "value": drive}]});
    let answer = service.try_send("POST", "/v1/runs", Some(&body)).unwrap();
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    let run = answer.json()["run_id"].as_str().unwrap().to_owned();
    assert_eq!(service.end_of(&run)["status"], "completed");
    assert_eq!(service.log(&run), ["bytes of a drive"]);
}
