//! Measures how many sandboxed processes this machine starts and reaps a second, eight at a time: the ceiling for runs.
//!
//! `cargo run --release -p cts-engine --example spawn_rate [COUNT] [PROGRAM]`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use cts_engine::attempt::process::{ChildNews, running_binary, spawn};
use cts_engine::supervisor::{ChildLimits, ChildSpec, Program, Report, Sandbox, run_if_supervisor};
use tokio::io::AsyncReadExt;

const AT_A_TIME: u32 = 8;

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn main() -> ExitCode {
    if let Some(status) = run_if_supervisor() {
        return status;
    }
    let mut args = std::env::args().skip(1);
    let count: u32 = args.next().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let program = args.next().unwrap_or_else(|| "/bin/true".to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime can be made");
    for (name, mode) in
        [("bare", Mode::Bare), ("supervised", Mode::Supervised), ("supervised and sandboxed", Mode::Sandboxed)]
    {
        for at_a_time in [1, AT_A_TIME] {
            let before = cpu_ms();
            let started = Instant::now();
            runtime.block_on(run_many(&program, mode, count, at_a_time));
            let rate = f64::from(count) / started.elapsed().as_secs_f64();
            let cpu = (cpu_ms() - before) / f64::from(count);
            println!("{name}, {at_a_time} at a time: {rate:.0} a second, {cpu:.2} ms of processor time each");
        }
    }
    ExitCode::SUCCESS
}

/// What is measured: the program alone is the floor.
#[derive(Clone, Copy)]
enum Mode {
    Bare,
    Supervised,
    Sandboxed,
}

async fn run_many(program: &str, mode: Mode, count: u32, at_a_time: u32) {
    let next = Arc::new(AtomicU32::new(0));
    let tasks: Vec<_> = (0..at_a_time)
        .map(|_| {
            let (next, program) = (next.clone(), program.to_owned());
            let spec = spec(&program, matches!(mode, Mode::Sandboxed));
            tokio::spawn(async move {
                while next.fetch_add(1, Ordering::Relaxed) < count {
                    match mode {
                        Mode::Bare => run_bare(program.clone()).await,
                        Mode::Supervised | Mode::Sandboxed => run_one(&spec).await,
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no task panics");
    }
}

#[expect(clippy::disallowed_methods, reason = "the floor is a process without a supervisor")]
async fn run_bare(program: String) {
    let run = move || std::process::Command::new(program).env_clear().output();
    tokio::task::spawn_blocking(run).await.expect("no task panics").expect("the program starts");
}

async fn run_one(spec: &ChildSpec) {
    let (mut child, mut output) = spawn(spec, &running_binary()).await.expect("the supervisor starts");
    let mut text = Vec::new();
    let (out, err) = (output.stdout.read_to_end(&mut text), async { output.stderr.read_to_end(&mut Vec::new()).await });
    let news = async {
        let mut ended = false;
        while let Some(news) = child.next_news().await {
            ended |= matches!(news, ChildNews::Report(Report::Ended(_)));
        }
        assert!(ended, "every process ends");
    };
    let _ = tokio::join!(out, err, news);
}

fn spec(program: &str, enforce: bool) -> ChildSpec {
    let folder = std::env::temp_dir();
    ChildSpec {
        program: Program::Named(PathBuf::from(program)),
        args: Vec::new(),
        env: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        work_dir: folder.clone(),
        mark: "rate.1.example".to_owned(),
        grace_ms: 1_000,
        limits: ChildLimits {
            memory_bytes: Some(1 << 30),
            processes: Some(256),
            cpu_seconds: Some(60),
            file_size_bytes: Some(1 << 30),
            open_files: Some(1024),
            output_bytes: Some(1 << 30),
            output_dir: folder.clone(),
        },
        sandbox: Sandbox {
            enforce,
            readable: Vec::new(),
            writable: vec![folder],
            devices: Vec::new(),
            network: false,
            private: vec![PathBuf::from("/var/lib/cts")],
        },
        oom_score_adj: 500,
        cgroup_base: None,
    }
}

/// Processor time of this process and of all its reaped descendants.
fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc is there");
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // utime, stime, cutime and cstime; the state, a letter, is filtered out.
    fields[10..14].iter().sum::<f64>() * 10.0
}
