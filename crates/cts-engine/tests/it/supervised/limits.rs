//! What a process may use. A limit ends the run and says which it was.

use std::time::Instant;

use cts_engine::supervisor::{Exit, LimitName};

use super::bench::Bench;

#[tokio::test]
async fn a_process_that_takes_memory_without_end_is_killed_for_it() {
    let bench = Bench::new();
    let mut spec = bench.tool(&["hog"]);
    spec.limits.memory_bytes = Some(100 << 20);
    let finished = bench.run(&spec).await;
    assert_eq!((finished.limit, finished.exit), (Some(LimitName::Memory), Some(Exit::Signal(9))), "{finished:?}");
    let peak = finished.ending.unwrap().peak_memory_bytes;
    assert!((100 << 20..1 << 30).contains(&peak), "{peak}");
}

#[tokio::test]
async fn memory_is_that_of_all_processes_together() {
    let bench = Bench::new();
    let binary = super::bench::supervised();
    let script = format!("for n in 1 2 3; do {0} hog & done; {0} hog", binary.display());
    let mut spec = bench.script(&script);
    spec.sandbox.readable = vec![binary];
    spec.limits.memory_bytes = Some(150 << 20);
    let finished = bench.run(&spec).await;
    assert_eq!(finished.limit, Some(LimitName::Memory), "{finished:?}");
}

#[tokio::test]
async fn a_fork_bomb_is_stopped() {
    let bench = Bench::new();
    // It doubles ten times at most, so that a machine on which the limit failed would survive the test.
    let bomb = "bomb() { [ $1 = 0 ] || { bomb $(($1 - 1)) & bomb $(($1 - 1)) & }; sleep 1000; }; bomb 10";
    let mut spec = bench.script(bomb);
    spec.limits.processes = Some(40);
    let finished = bench.run(&spec).await;
    assert_eq!(finished.limit, Some(LimitName::Processes), "{finished:?}");
    assert_eq!(finished.ending.unwrap().unkillable, 0);
}

#[tokio::test]
async fn a_process_that_fills_its_directory_is_stopped() {
    let bench = Bench::new();
    let mut spec = bench.script("n=0; while :; do head -c 1000000 /dev/zero > tmp$n; n=$((n+1)); done");
    spec.limits.output_bytes = Some(20 << 20);
    let finished = bench.run(&spec).await;
    assert_eq!((finished.limit, finished.exit), (Some(LimitName::Output), Some(Exit::Signal(9))), "{finished:?}");
}

#[tokio::test]
async fn a_file_cannot_grow_beyond_its_limit() {
    let bench = Bench::new();
    let mut spec = bench.script("exec dd if=/dev/zero of=big bs=100000 count=100");
    spec.limits.file_size_bytes = Some(1_000_000);
    let finished = bench.run(&spec).await;
    assert_eq!((finished.limit, finished.exit), (Some(LimitName::FileSize), Some(Exit::Signal(25))), "{finished:?}");
    assert_eq!(std::fs::metadata(bench.path("data/run/work/big")).unwrap().len(), 1_000_000);
}

#[tokio::test]
async fn processor_time_ends_a_busy_process() {
    let bench = Bench::new();
    let mut spec = bench.script("while :; do :; done");
    spec.limits.cpu_seconds = Some(1);
    let started = Instant::now();
    let finished = bench.run(&spec).await;
    assert_eq!(finished.limit, Some(LimitName::Cpu), "{finished:?}");
    assert!(started.elapsed().as_secs() < 20);
    assert!(finished.ending.unwrap().cpu_ms >= 700, "{finished:?}");
}

#[tokio::test]
async fn processor_time_is_that_of_all_processes_together() {
    let bench = Bench::new();
    // Each child stays below the limit; they do not at the end.
    let mut spec = bench.script("while :; do timeout 0.3 sh -c 'while :; do :; done'; done");
    spec.limits.cpu_seconds = Some(1);
    let finished = bench.run(&spec).await;
    assert_eq!(finished.limit, Some(LimitName::Cpu), "{finished:?}");
}

#[tokio::test]
async fn open_files_and_core_dumps_are_limited() {
    let bench = Bench::new();
    let mut spec = bench.script("ulimit -n; ulimit -c; ulimit -Hc; cat /proc/self/oom_score_adj");
    spec.limits.open_files = Some(77);
    assert_eq!(bench.run(&spec).await.stdout, "77\n0\n0\n500");
}

#[tokio::test]
async fn a_process_within_its_limits_is_left_alone() {
    let bench = Bench::new();
    let mut spec = bench.script("head -c 3000000 /dev/zero > file; sleep 0.7; echo done");
    spec.limits.memory_bytes = Some(200 << 20);
    spec.limits.processes = Some(20);
    spec.limits.cpu_seconds = Some(20);
    spec.limits.file_size_bytes = Some(10 << 20);
    spec.limits.output_bytes = Some(10 << 20);
    let finished = bench.run(&spec).await;
    assert_eq!((finished.stdout.as_str(), finished.limit, finished.exit), ("done", None, Some(Exit::Code(0))));
}
