//! A directory, a specification and a supervisor for one test; at the end nothing with its mark may be alive.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cts_engine::attempt::process::{ChildNews, EndedMarked, RunningChild, find_marked, spawn};
use cts_engine::supervisor::{
    ChildLimits, ChildSpec, Ending, Exit, Isolation, LimitName, Program, Report, Sandbox, SpawnFailure,
};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

/// No outside process takes longer than this for anything that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Where the binary is when the tests were copied elsewhere to run as another user.
const BINARY_VARIABLE: &str = "CTS_TEST_SUPERVISED";

/// The binary with the supervisor.
pub(crate) fn supervised() -> PathBuf {
    std::env::var_os(BINARY_VARIABLE)
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_cts-engine-supervised")), PathBuf::from)
}

/// A place for one supervised process: `data` belongs to the service, `data/run` to the process.
pub(crate) struct Bench {
    folder: TempDir,
    pub(crate) mark: String,
}

/// All that is known of a process when nothing of it is left.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) isolation: Option<Isolation>,
    pub(crate) failure: Option<SpawnFailure>,
    pub(crate) limit: Option<LimitName>,
    pub(crate) exit: Option<Exit>,
    pub(crate) ending: Option<Ending>,
    pub(crate) lost: Option<EndedMarked>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().unwrap();
        // Else an ordinary user could not reach what root made, and the other way round nothing would be tested.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        for below in ["data/run/work", "data/run/tmp", "data/other", "elsewhere"] {
            std::fs::create_dir_all(folder.path().join(below)).unwrap();
        }
        let mark = format!("test-{}.{}.engine", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self { folder, mark }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// A process that runs a shell script.
    pub(crate) fn script(&self, script: &str) -> ChildSpec {
        self.spec(Program::Named(PathBuf::from("/bin/sh")), &["-c", script])
    }

    /// A process that runs the test's own tool.
    pub(crate) fn tool(&self, words: &[&str]) -> ChildSpec {
        self.spec(Program::Own, words)
    }

    pub(crate) fn spec(&self, program: Program, args: &[&str]) -> ChildSpec {
        ChildSpec {
            program,
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: vec![
                ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
                ("TMPDIR".to_owned(), self.path("data/run/tmp").display().to_string()),
            ],
            work_dir: self.path("data/run/work"),
            mark: self.mark.clone(),
            grace_ms: 300,
            limits: ChildLimits { output_dir: self.path("data/run"), ..ChildLimits::default() },
            sandbox: Sandbox {
                enforce: true,
                readable: Vec::new(),
                writable: vec![self.path("data/run/work"), self.path("data/run/tmp")],
                devices: Vec::new(),
                network: false,
                private: vec![self.path("data")],
            },
            oom_score_adj: 500,
            cgroup_base: None,
        }
    }

    pub(crate) async fn run(&self, spec: &ChildSpec) -> Finished {
        self.run_and(spec, |_| {}).await
    }

    /// Runs a process to its end; `when_started` is called once with it.
    pub(crate) async fn run_and(&self, spec: &ChildSpec, when_started: impl FnOnce(&RunningChild)) -> Finished {
        let (mut child, mut output) = spawn(spec, &supervised()).await.unwrap();
        let mut finished = Finished {
            stdout: String::new(),
            stderr: String::new(),
            isolation: None,
            failure: None,
            limit: None,
            exit: None,
            ending: None,
            lost: None,
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut when_started = Some(when_started);
        let news = async {
            while let Some(news) = child.next_news().await {
                match news {
                    ChildNews::Report(Report::Started { isolation, .. }) => {
                        finished.isolation = Some(isolation);
                        if let Some(call) = when_started.take() {
                            call(&child);
                        }
                    }
                    ChildNews::Report(Report::SpawnFailed(failure)) => finished.failure = Some(failure),
                    ChildNews::Report(Report::LimitHit { which, .. }) => finished.limit = Some(which),
                    ChildNews::Report(Report::Exited(exit)) => finished.exit = Some(exit),
                    ChildNews::Report(Report::Ended(ending)) => finished.ending = Some(ending),
                    ChildNews::SupervisorLost(ended) => finished.lost = Some(ended),
                }
            }
        };
        let all = async {
            let read = (output.stdout.read_to_end(&mut stdout), output.stderr.read_to_end(&mut stderr));
            tokio::join!(news, read.0, read.1)
        };
        let ((), out, err) = tokio::time::timeout(PATIENCE, all).await.expect("the process and its descendants end");
        out.and(err).unwrap();
        finished.stdout = String::from_utf8_lossy(&stdout).trim_end().to_owned();
        finished.stderr = String::from_utf8_lossy(&stderr).trim_end().to_owned();
        self.nothing_is_left();
        finished
    }

    /// Waits until nothing carries the mark.
    pub(crate) fn nothing_is_left(&self) {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            let left = find_marked(|mark| mark == self.mark);
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < give_up_at, "still alive: {left:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a file exists and is not empty, and returns its text.
    pub(crate) fn wait_for(&self, file: &Path) -> String {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            if text.ends_with('\n') {
                return text;
            }
            assert!(Instant::now() < give_up_at, "{} does not appear", file.display());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Runs the named tests of this executable as an ordinary user, from a place where that user may read.
#[expect(clippy::disallowed_methods, reason = "a test starts itself as another user")]
pub(crate) fn as_ordinary_user(filter: &str, but_not: &str) {
    if !rustix::process::geteuid().is_root() {
        // The tests run as an ordinary user already.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let tests = folder.path().join("tests");
    let binary = folder.path().join("supervised");
    // Copied by another process: a file that this one has open for writing could not be executed by a concurrent test.
    for (from, to) in [(std::env::current_exe().unwrap(), &tests), (supervised(), &binary)] {
        let status = std::process::Command::new("cp").arg(from).arg(to).status().unwrap();
        assert!(status.success());
    }
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&tests)
        .args([filter, "--skip", but_not, "--test-threads=2"])
        .env(BINARY_VARIABLE, &binary)
        .env("TMPDIR", &temporary)
        .env("HOME", "/nonexistent")
        .current_dir(folder.path())
        .output()
        .expect("setpriv is a part of util-linux");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains(" 0 passed"), "{text}");
}
