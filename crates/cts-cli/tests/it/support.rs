//! Starts `cts` with directories of its own and nothing of the user's.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest wait for anything in these tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A tool that does what a parameter says, and one with a secret.
const SHELL: &str = r#"
id = "shell"
name = "Shell"
description = "Does what its parameter says."
command = ["sh", "-c", "{param.script}", "sh", "{inputs}"]
[input]
required = false
many = true
[params.script]
type = "str"
required = true
[params.count]
type = "int"
minimum = 1
default = 1
[environment]
COUNT = "{param.count}"
[limits]
stop_grace = "1s"
"#;

const SECRET: &str = r#"
id = "secretive"
name = "Secretive"
description = "Tells how long a secret is."
command = ["sh", "-c", "printf %s \"$TOKEN\" | wc -c"]
[params.token]
type = "str"
secret = true
required = true
[environment]
TOKEN = "{param.token}"
"#;

/// A place for one test.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

/// What a command said, as texts.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Returns standard output as one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: code(output.status),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| -status.signal().unwrap_or(0))
}

/// Returns the sample log of the project.
pub(crate) fn sample() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/toyota-5s.rlog.zst");
    path.canonicalize().expect("the sample log lies in examples/")
}

/// Looks until something is found.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        for dir in ["home", "data/tools.d", "work"] {
            std::fs::create_dir_all(place.path(dir)).unwrap();
        }
        std::fs::write(place.path("data/tools.d/shell.toml"), SHELL).unwrap();
        std::fs::write(place.path("data/tools.d/secretive.toml"), SECRET).unwrap();
        place
    }

    /// Returns a path below the place; commands work in `work`.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Returns `cts` with these arguments.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "the tests start the built program")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_cts"));
        for (name, _) in std::env::vars_os() {
            let is_ours = name.to_str().is_some_and(|name| name.starts_with("CTS_"));
            if is_ours {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("home/config"))
            .env("CTS_BASE_STORAGE_PATH", self.path("data"))
            .env("CTS_TEMP_DIRECTORY", self.path("tmp"))
            .env("CTS_LOG_DIRECTORY", self.path("log"))
            .env("NO_COLOR", "1")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .current_dir(self.path("work"))
            .stdin(Stdio::null());
        command
    }

    /// Runs `cts` to its end.
    pub(crate) fn cts(&self, args: &[&str]) -> Said {
        self.command(args).output().unwrap().into()
    }

    /// Starts `cts` and goes on.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        let child = self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running { child: Some(child) }
    }

    /// Starts the service.
    pub(crate) fn serve(&self) -> Service {
        let mut command = self.command(&["serve", "--port", "0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(url.starts_with("http://"), "{line}");
        Service { child, url }
    }
}

/// A command that goes on.
pub(crate) struct Running {
    child: Option<Child>,
}

impl Running {
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.child.as_ref().unwrap().id();
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Said {
        self.child.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The service of a place.
pub(crate) struct Service {
    child: Child,
    /// Where it listens.
    pub(crate) url: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            // Twice: nothing is waited for.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.child.try_wait().is_ok_and(|status| status.is_none()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
