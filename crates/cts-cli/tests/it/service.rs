//! The journeys of a user with a service.

use rustix::process::Signal;

use crate::support::{Place, sample, until};

#[test]
fn the_service_of_the_data_directory_is_found_by_itself() {
    let place = Place::new();
    let service = place.serve();
    let ping = place.cts(&["ping", "--json"]).ends(0).json();
    assert_eq!(
        (ping["url"].as_str(), ping["health"]["status"].as_str()),
        (Some(service.url.as_str()), Some("healthy"))
    );
    let log = sample();
    let said = place.cts(&["run", "rlog-to-csv", "--path", log.to_str().unwrap(), "--follow", "-o", "out"]).ends(0);
    assert!(!said.err.contains("in process"), "{}", said.err);
    assert!(said.out.contains("11290 CAN frames"), "{}", said.out);
    assert!(place.path("work/out/toyota-5s.csv").exists());
    let second = place.cts(&["serve", "--port", "0"]);
    assert_eq!(second.code, 2, "{}", second.err);
    drop(service);
    assert!(place.cts(&["run", "shell", "-p", "script=true"]).ends(0).err.contains("in process"));
}

#[test]
fn a_run_is_acknowledged_at_once_and_waited_for_later() {
    let place = Place::new();
    let service = place.serve();
    let gate = place.path("work/gate");
    let script = format!("script=until [ -e {} ]; do sleep 0.05; done; echo x > x.txt", gate.display());
    let run = place.cts(&["run", "shell", "-p", &script, "--name", "gated", "--url", &service.url, "--json"]).ends(0);
    let run = run.json()["run_id"].as_str().unwrap().to_owned();
    let listed = place.cts(&["runs", "--name", "gated"]).ends(0).out;
    assert!(listed.contains(&run), "{listed}");
    std::fs::write(&gate, "").unwrap();
    let said = place.cts(&["runs", "wait", &run, "-o", "out"]).ends(0);
    assert!(said.out.contains("completed"), "{}", said.out);
    assert!(place.path("work/out/x.txt").exists());
    let failing = place.cts(&["run", "shell", "-p", "script=exit 3", "--json"]).ends(0).json();
    place.cts(&["runs", "wait", failing["run_id"].as_str().unwrap()]).ends(3);
}

#[test]
fn an_interrupt_ends_the_following_and_not_the_run() {
    let place = Place::new();
    let _service = place.serve();
    let running = place.start(&["run", "shell", "-p", "script=echo begun; exec sleep 600", "--follow"]);
    until("the run begins", || {
        let said = place.cts(&["logs", "last"]);
        said.out.contains("begun").then_some(())
    });
    running.signal(Signal::INT);
    let said = running.end().ends(130);
    assert!(said.err.contains("goes on") && said.err.contains("cts runs cancel"), "{}", said.err);
    assert_eq!(place.cts(&["runs", "get", "last", "--json"]).ends(0).json()["status"], "running");
    place.cts(&["runs", "cancel", "last"]).ends(0);
    place.cts(&["runs", "wait", "last"]).ends(4);
}

#[test]
fn a_key_makes_a_request_repeatable() {
    let place = Place::new();
    let _service = place.serve();
    let submit =
        |script: &str| place.cts(&["run", "shell", "-p", script, "--idempotency-key", "once", "--wait", "--json"]);
    let first = submit("script=true").ends(0).json();
    let second = submit("script=true").ends(0).json();
    assert_eq!(first["run_id"], second["run_id"]);
    let other = submit("script=false").ends(2).json();
    assert_eq!(other["error"]["error_code"], "IDEMPOTENCY_KEY_REUSED");
}

#[test]
fn a_file_is_sent_once_and_used_as_input() {
    let place = Place::new();
    let _service = place.serve();
    std::fs::write(place.path("work/in.txt"), "hello\n".repeat(1000)).unwrap();
    let first = place.cts(&["upload", "in.txt", "--json"]).ends(0).json();
    assert_eq!((first[0]["status"].as_str(), first[0]["offset"].as_u64()), (Some("ready"), Some(6000)));
    let second = place.cts(&["upload", "in.txt", "--json"]).ends(0).json();
    assert_eq!(first[0]["upload_id"], second[0]["upload_id"], "what is there is not sent again");
    let args =
        ["run", "shell", "-p", "script=wc -l < \"$1\" > lines", "--path", "in.txt", "--upload", "--wait", "-o", "out"];
    place.cts(&args).ends(0);
    assert_eq!(std::fs::read_to_string(place.path("work/out/lines")).unwrap().trim(), "1000");
    place.cts(&["upload", "none"]).ends(1);
    let empty = place.path("work/empty");
    std::fs::write(empty, "").unwrap();
    assert_eq!(place.cts(&["upload", "empty", "--json"]).ends(0).json()[0]["status"], "ready");
}

#[test]
fn each_submits_all_and_leaves_them_to_the_service() {
    let place = Place::new();
    let _service = place.serve();
    for name in ["a", "b", "c"] {
        std::fs::write(place.path(&format!("work/{name}.txt")), name).unwrap();
    }
    let said = place.cts(&["run", "shell", "-p", "script=true", "--path", "*.txt", "--each"]).ends(0);
    assert!(said.out.contains("3 runs submitted"), "{}", said.out);
    until("all are done", || {
        let runs = place.cts(&["runs", "--status", "completed", "--json"]).ends(0).json();
        (runs.as_array().unwrap().len() == 3).then_some(())
    });
}

#[test]
fn a_log_is_followed_from_any_line() {
    let place = Place::new();
    let _service = place.serve();
    let script = "script=for i in 1 2 3 4 5; do echo line $i; echo WARNING odd $i >&2; sleep 0.05; done";
    place.cts(&["run", "shell", "-p", script]).ends(0);
    let said = place.cts(&["logs", "last", "--follow", "--from", "3", "--level", "warning", "-q"]).ends(0);
    assert!(said.out.lines().count() >= 3 && said.out.lines().all(|line| line.contains("odd")), "{}", said.out);
    let said = place.cts(&["logs", "last", "--follow", "--grep", "LINE 4", "--json"]).ends(0);
    assert_eq!(said.json()["message"], "line 4");
}
