//! What a program starts with, and what is said when it cannot be started.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use cts_engine::attempt::process::{SpawnError, spawn};
use cts_engine::supervisor::{Exit, IsolationLevel, Program, SpawnFailureKind};

use super::bench::{Bench, as_ordinary_user, supervised};

#[test]
fn everything_here_also_holds_for_an_ordinary_user() {
    as_ordinary_user("supervised::", "everything_here_also_holds_for_an_ordinary_user");
}

#[tokio::test]
async fn output_and_exit_status_come_back() {
    let bench = Bench::new();
    let finished = bench.run(&bench.script("echo out; echo err >&2; exit 7")).await;
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("out", "err"));
    assert_eq!(finished.exit, Some(Exit::Code(7)));
    let ending = finished.ending.unwrap();
    assert_eq!((ending.leftovers, ending.unkillable), (0, 0));
    assert!(ending.peak_memory_bytes > 100_000, "{ending:?}");
}

#[tokio::test]
async fn a_signal_is_not_an_exit_status() {
    let bench = Bench::new();
    let finished = bench.run(&bench.script("kill -SEGV $$")).await;
    assert_eq!(finished.exit, Some(Exit::Signal(11)));
}

#[tokio::test]
async fn a_native_tool_is_the_own_binary() {
    let bench = Bench::new();
    let finished = bench.run(&bench.tool(&["say", "a b\nü"])).await;
    assert_eq!((finished.stdout.as_str(), finished.exit), ("a b\nü", Some(Exit::Code(0))), "{}", finished.stderr);
    assert_eq!(bench.run(&bench.tool(&["status", "3"])).await.exit, Some(Exit::Code(3)));
}

#[tokio::test]
async fn a_program_that_cannot_start_says_why() {
    let bench = Bench::new();
    let file = |name: &str, mode: u32, text: &str| {
        let path = bench.path("elsewhere").join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let no_right = file("no_right", 0o644, "#!/bin/sh\n");
    let no_interpreter = file("no_interpreter", 0o755, "#!/no/such/python -u\n");
    let no_program = file("no_program", 0o755, "just text\n");
    let folder = bench.path("elsewhere");
    for (program, kind, part) in [
        (PathBuf::from("/no/such/tool"), SpawnFailureKind::ProgramNotFound, "/no/such/tool: no such file or directory"),
        (
            PathBuf::from("no-such-tool"),
            SpawnFailureKind::ProgramNotFound,
            "no-such-tool in /usr/local/bin:/usr/bin:/bin",
        ),
        (no_right, SpawnFailureKind::ProgramNotExecutable, "permission denied"),
        (folder, SpawnFailureKind::ProgramNotExecutable, "permission denied"),
        (no_interpreter, SpawnFailureKind::InterpreterNotFound, "the interpreter /no/such/python of"),
        (no_program, SpawnFailureKind::NotAProgram, "exec format error"),
    ] {
        let finished = bench.run(&bench.spec(Program::Named(program.clone()), &[])).await;
        let failure = finished.failure.unwrap_or_else(|| panic!("{} started", program.display()));
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert!(failure.text.contains(part), "{failure:?}");
        assert!(failure.errno.is_some(), "{failure:?}");
        assert_eq!((finished.exit, finished.ending, finished.lost), (None, None, None));
    }

    // Open for writing all the time.
    let busy = file("busy", 0o755, "#!/bin/sh\n");
    let _writer = std::fs::OpenOptions::new().append(true).open(&busy).unwrap();
    let failure = bench.run(&bench.spec(Program::Named(busy), &[])).await.failure.unwrap();
    assert_eq!(failure.kind, SpawnFailureKind::ProgramBusy, "{failure:?}");

    let mut spec = bench.script("true");
    spec.work_dir = bench.path("nowhere");
    let failure = bench.run(&spec).await.failure.unwrap();
    assert_eq!((failure.kind, failure.errno), (SpawnFailureKind::WorkDir, Some(2)), "{failure:?}");

    let mut spec = bench.script("true");
    spec.args.push("x".repeat(200_000));
    let failure = bench.run(&spec).await.failure.unwrap();
    assert_eq!(failure.kind, SpawnFailureKind::ArgumentsTooLong, "{failure:?}");
}

#[tokio::test]
async fn a_supervisor_that_is_none_is_an_error_and_no_hang() {
    let bench = Bench::new();
    let spec = bench.script("true");
    let missing = spawn(&spec, &bench.path("missing")).await;
    assert!(matches!(missing, Err(SpawnError::Start { .. })), "{missing:?}");
    // It ends before or after it could be told what to do.
    match spawn(&spec, &PathBuf::from("/bin/true")).await {
        Ok((mut child, _output)) => {
            let news = child.next_news().await;
            assert!(matches!(news, Some(cts_engine::attempt::process::ChildNews::SupervisorLost(_))), "{news:?}");
            assert_eq!(child.next_news().await, None);
        }
        Err(error) => assert!(matches!(error, SpawnError::Handshake { .. }), "{error:?}"),
    }
}

#[tokio::test]
async fn only_the_declared_environment_is_there() {
    let bench = Bench::new();
    let mut spec = bench.spec(Program::Named(PathBuf::from("env")), &[]);
    spec.env.push(("DECLARED".to_owned(), "a=b c".to_owned()));
    let finished = bench.run(&spec).await;
    let mut names: Vec<&str> = finished.stdout.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(names, ["CTS_ATTEMPT", "DECLARED", "PATH", "TMPDIR"]);
    assert!(finished.stdout.contains(&format!("CTS_ATTEMPT={}\n", bench.mark)), "{}", finished.stdout);
    assert!(finished.stdout.contains("DECLARED=a=b c"), "{}", finished.stdout);
}

#[tokio::test]
async fn only_the_standard_descriptors_are_open_and_input_is_empty() {
    let bench = Bench::new();
    let leaked = std::fs::File::open("/dev/null").unwrap();
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).unwrap();
    assert_eq!(bench.run(&bench.tool(&["files"])).await.stdout, "[0, 1, 2]");
    assert_eq!(bench.run(&bench.script("cat; echo over")).await.stdout, "over");
}

#[tokio::test]
async fn signals_are_as_a_program_expects_them() {
    let bench = Bench::new();
    let finished = bench.run(&bench.script("grep -E 'Sig(Blk|Ign)' /proc/self/status")).await;
    // The C library keeps two signals above the standard ones for itself and lets nobody change them.
    let standard = 0x7fff_ffff;
    for line in finished.stdout.lines() {
        let signals = u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap();
        assert_eq!(signals & standard, 0, "{}", finished.stdout);
    }
    assert_eq!(finished.stdout.lines().count(), 2);
    // `yes` ends with SIGPIPE and does not complain about a closed pipe.
    let finished = bench.run(&bench.script("yes | head -1")).await;
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("y", ""));
}

#[tokio::test]
async fn the_program_leads_its_own_session() {
    let bench = Bench::new();
    // pid, process group and session are the fields 1, 5 and 6.
    let finished = bench.run(&bench.script("cut -d' ' -f1,5,6 /proc/$$/stat")).await;
    let numbers: Vec<&str> = finished.stdout.split(' ').collect();
    assert!(numbers.len() == 3 && numbers.iter().all(|number| *number == numbers[0]), "{}", finished.stdout);
}

#[tokio::test]
async fn fifty_at_once_keep_their_output_apart() {
    let benches: Vec<Bench> = (0..50).map(|_| Bench::new()).collect();
    let runs = benches.iter().enumerate().map(|(number, bench)| async move {
        let finished = bench.run(&bench.script(&format!("echo {number}; exit {number}"))).await;
        assert_eq!(finished.stdout, number.to_string());
        assert_eq!(finished.exit, Some(Exit::Code(i32::try_from(number).unwrap())));
    });
    futures_util::future::join_all(runs).await;
}

#[tokio::test]
async fn the_run_says_how_well_it_is_isolated() {
    let bench = Bench::new();
    let mut spec = bench.script("true");
    let isolation = bench.run(&spec).await.isolation.unwrap();
    assert_eq!(isolation, cts_engine::supervisor::probe(false), "what health promises is what a run gets");
    assert!(isolation.missing.iter().any(|sentence| sentence.contains("sampled every 100 ms")), "{isolation:?}");

    spec.sandbox.enforce = false;
    let isolation = bench.run(&spec).await.isolation.unwrap();
    assert_eq!(isolation.level, IsolationLevel::Off);
}

#[tokio::test]
async fn a_probe_restricts_nothing() {
    let probed = cts_engine::supervisor::probe(false);
    assert_eq!(probed, cts_engine::supervisor::probe(false));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(supervised().exists());
}
