//! However a process ends, and whoever dies, nothing is left.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use cts_engine::attempt::process::{ChildNews, ProcessId, end_marked, find_marked, spawn};
use cts_engine::supervisor::{Exit, Report};
use rustix::process::{Pid, Signal, kill_process};

use super::bench::{Bench, PATIENCE, supervised};

/// Two processes that left parent and session, ignore SIGTERM, and hold no output.
const STUBBORN_GRANDCHILDREN: &str = "
    for n in 1 2; do
        setsid sh -c 'trap \"\" TERM HUP INT; (setsid sh -c \"trap \\\"\\\" TERM HUP INT; echo up >> ups; while :; do sleep 1; done\" &) ; exit' >/dev/null 2>&1 </dev/null
    done
    while [ \"$(cat ups 2>/dev/null | wc -l)\" -lt 2 ]; do sleep 0.01; done
    echo ready > ready
";

#[tokio::test]
async fn a_tool_that_heeds_sigterm_has_time_to_clean_up() {
    let bench = Bench::new();
    let mut spec = bench.script("trap 'echo cleaned; exit 5' TERM; echo ready > ready; while :; do sleep 0.01; done");
    spec.grace_ms = 20_000;
    let ready = bench.path("data/run/work/ready");
    let finished = bench
        .run_and(&spec, |child| {
            bench.wait_for(&ready);
            child.terminate();
        })
        .await;
    assert_eq!((finished.stdout.as_str(), finished.exit), ("cleaned", Some(Exit::Code(5))));
}

#[tokio::test]
async fn a_tool_that_ignores_sigterm_is_killed_after_the_grace_period_and_not_before() {
    let bench = Bench::new();
    let spec = bench.script("trap '' TERM; echo ready > ready; while :; do sleep 0.05; done");
    let ready = bench.path("data/run/work/ready");
    let mut asked = None;
    let finished = bench
        .run_and(&spec, |child| {
            bench.wait_for(&ready);
            asked = Some(Instant::now());
            child.terminate();
        })
        .await;
    assert_eq!(finished.exit, Some(Exit::Signal(9)));
    assert!(asked.unwrap().elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_stopped_tool_can_be_ended() {
    let bench = Bench::new();
    let mut spec = bench.script("echo ready > ready; kill -STOP $$; echo went on");
    spec.grace_ms = 20_000;
    let ready = bench.path("data/run/work/ready");
    let finished = bench
        .run_and(&spec, |child| {
            bench.wait_for(&ready);
            child.terminate();
        })
        .await;
    assert_eq!(finished.exit, Some(Exit::Signal(15)), "{finished:?}");
}

#[tokio::test]
async fn grandchildren_that_left_their_session_end_with_the_program() {
    let bench = Bench::new();
    let finished = bench.run(&bench.script(&format!("{STUBBORN_GRANDCHILDREN} exit 4"))).await;
    assert_eq!(finished.exit, Some(Exit::Code(4)), "{finished:?}");
    assert!(finished.ending.unwrap().leftovers >= 2, "{finished:?}");
}

#[tokio::test]
async fn a_background_process_that_holds_the_output_does_not_keep_the_run() {
    let bench = Bench::new();
    let finished = bench.run(&bench.script("sleep 1000 & echo done")).await;
    assert_eq!((finished.stdout.as_str(), finished.exit), ("done", Some(Exit::Code(0))));
    assert_eq!(finished.ending.unwrap().leftovers, 1);
}

#[tokio::test]
async fn kill_reaches_everything_at_once() {
    let bench = Bench::new();
    let mut spec = bench.script(&format!("{STUBBORN_GRANDCHILDREN} while :; do sleep 1; done"));
    spec.grace_ms = 600_000;
    let ready = bench.path("data/run/work/ready");
    let finished = bench
        .run_and(&spec, |child| {
            bench.wait_for(&ready);
            child.kill();
        })
        .await;
    assert_eq!(finished.exit, Some(Exit::Signal(9)));
}

#[tokio::test]
async fn an_order_before_the_program_runs_is_not_lost() {
    for _ in 0..20 {
        let bench = Bench::new();
        let (mut child, _output) = spawn(&bench.script("sleep 1000"), &supervised()).await.unwrap();
        child.kill();
        while tokio::time::timeout(PATIENCE, child.next_news()).await.unwrap().is_some() {}
        bench.nothing_is_left();
    }
}

#[tokio::test]
async fn dropping_the_child_ends_everything() {
    let bench = Bench::new();
    let spec = bench.script(&format!("{STUBBORN_GRANDCHILDREN} while :; do sleep 1; done"));
    let (child, output) = spawn(&spec, &supervised()).await.unwrap();
    bench.wait_for(&bench.path("data/run/work/ready"));
    assert!(find_marked(|mark| mark == bench.mark).len() >= 4);
    drop((child, output));
    bench.nothing_is_left();
}

#[tokio::test]
async fn what_a_killed_supervisor_leaves_is_found_and_ended() {
    let bench = Bench::new();
    let spec = bench.script(&format!("{STUBBORN_GRANDCHILDREN} while :; do sleep 1; done"));
    let (mut child, _output) = spawn(&spec, &supervised()).await.unwrap();
    let Some(ChildNews::Report(Report::Started { pid, .. })) = child.next_news().await else { panic!("not started") };
    bench.wait_for(&bench.path("data/run/work/ready"));
    let supervisor = parent_of(pid);
    kill_process(Pid::from_raw(supervisor).unwrap(), Signal::KILL).unwrap();
    let news = tokio::time::timeout(PATIENCE, child.next_news()).await.unwrap();
    let Some(ChildNews::SupervisorLost(ended)) = news else { panic!("{news:?}") };
    assert!(ended.ended.len() >= 2 && ended.left.is_empty(), "{ended:?}");
    assert_eq!(child.next_news().await, None);
    bench.nothing_is_left();
}

#[tokio::test]
async fn a_supervisor_that_does_not_answer_is_destroyed() {
    let bench = Bench::new();
    let (mut child, _output) = spawn(&bench.script("echo ready > ready; sleep 1000"), &supervised()).await.unwrap();
    let Some(ChildNews::Report(Report::Started { pid, .. })) = child.next_news().await else { panic!("not started") };
    bench.wait_for(&bench.path("data/run/work/ready"));
    kill_process(Pid::from_raw(parent_of(pid)).unwrap(), Signal::STOP).unwrap();
    child.kill();
    child.destroy();
    let news = tokio::time::timeout(PATIENCE, child.next_news()).await.unwrap();
    assert!(matches!(news, Some(ChildNews::SupervisorLost(_))), "{news:?}");
    bench.nothing_is_left();
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the service has to be another process to be killed")]
async fn nothing_survives_a_service_that_is_killed() {
    let bench = Bench::new();
    let spec = bench.script(&format!("{STUBBORN_GRANDCHILDREN} while :; do sleep 1; done"));
    let mut service = std::process::Command::new(supervised())
        .arg("service")
        .arg(serde_json::to_string(&spec).unwrap())
        .arg(supervised())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    bench.wait_for(&bench.path("data/run/work/ready"));
    assert!(find_marked(|mark| mark == bench.mark).len() >= 4);
    service.kill().unwrap();
    service.wait().unwrap();
    bench.nothing_is_left();
}

#[tokio::test]
async fn a_supervisor_is_not_ended_by_the_signals_of_a_terminal_or_a_service_manager() {
    let bench = Bench::new();
    let (mut child, _output) = spawn(&bench.script("echo ready > ready; sleep 1000"), &supervised()).await.unwrap();
    let Some(ChildNews::Report(Report::Started { pid, .. })) = child.next_news().await else { panic!("not started") };
    bench.wait_for(&bench.path("data/run/work/ready"));
    let supervisor = ProcessId::of(parent_of(pid)).unwrap();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::PIPE] {
        kill_process(Pid::from_raw(supervisor.pid).unwrap(), signal).unwrap();
    }
    child.kill();
    let news = child.next_news().await;
    assert_eq!(news, Some(ChildNews::Report(Report::Exited(Exit::Signal(9)))));
    let news = child.next_news().await;
    assert!(matches!(news, Some(ChildNews::Report(Report::Ended(_)))), "{news:?}");
}

#[tokio::test]
async fn the_search_ends_only_what_is_wanted_and_tells_what_it_ended() {
    let (wanted, other) = (Bench::new(), Bench::new());
    let (_wanted_child, _output) = spawn(&wanted.script("sleep 1000"), &supervised()).await.unwrap();
    let (mut other_child, _other_output) = spawn(&other.script("sleep 1000"), &supervised()).await.unwrap();
    let Some(ChildNews::Report(Report::Started { pid, .. })) = other_child.next_news().await else {
        panic!("not started")
    };
    let mark = wanted.mark.clone();
    let ended = tokio::task::spawn_blocking(move || end_marked(|found| found == mark, PATIENCE)).await.unwrap();
    assert!(ended.left.is_empty() && ended.ended.iter().all(|process| process.mark == wanted.mark), "{ended:?}");
    assert!(!ended.ended.is_empty());
    assert!(ProcessId::of(pid).unwrap().is_alive());
}

/// A control group needs root and cgroup v2; its controllers are not needed to kill with it.
#[tokio::test]
async fn a_control_group_is_made_for_the_run_and_removed_after_it() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(PathBuf::from);
    let base = mounts.iter().filter(|mount| mount.join("cgroup.controllers").exists()).find_map(|mount| {
        let base = mount.join(format!("cts-test-{}", std::process::id()));
        std::fs::create_dir(&base).ok().map(|()| base)
    });
    let Some(base) = base else {
        eprintln!("skipped: no cgroup v2 can be changed here");
        assert_ne!(std::env::var_os("CTS_TEST_REQUIRE_ALL"), Some("1".into()));
        return;
    };
    let bench = Bench::new();
    let mut spec = bench.script(&format!("cat /proc/self/cgroup; {STUBBORN_GRANDCHILDREN} while :; do sleep 1; done"));
    spec.cgroup_base = Some(base.clone());
    let ready = bench.path("data/run/work/ready");
    let finished = bench
        .run_and(&spec, |child| {
            bench.wait_for(&ready);
            child.kill();
        })
        .await;
    let is_empty = std::fs::read_dir(&base).unwrap().flatten().all(|entry| !entry.path().is_dir());
    std::fs::remove_dir(&base).unwrap();
    assert!(is_empty, "the group of the run is gone");
    assert!(finished.stdout.contains(&format!("run-{}", bench.mark)), "{finished:?}");
    assert_eq!(finished.exit, Some(Exit::Signal(9)));
}

fn parent_of(pid: i32) -> i32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().parse().unwrap()
}
