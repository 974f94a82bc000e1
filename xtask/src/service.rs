//! A running `cts-lite` with an own data directory below the target folder, for the stages and figures that ask one.
//!
//! It listens on a free port, is stopped softly by [`Service::stop`], and is killed when it is dropped.

mod http;

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Doing, Failed};
use crate::process::{command, product};
use crate::root;
pub(crate) use crate::service::http::Connection;

/// Longest wait until it answers.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Longest wait for its end after SIGTERM.
const STOPPED_WITHIN: Duration = Duration::from_secs(40);

/// How a service is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// Names its folder.
    pub(crate) name: &'static str,
    /// `debug` or `release`.
    pub(crate) profile: &'static str,
    /// Settings as environment variables.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// Manifests: name of the file and its text.
    pub(crate) manifests: Vec<(&'static str, String)>,
    /// Keep what a service of that name left behind.
    pub(crate) keep_data: bool,
}

/// A running `cts-lite`.
pub(crate) struct Service {
    child: Child,
    address: SocketAddr,
    folder: PathBuf,
    ready_after: Duration,
}

impl Service {
    /// Starts it and waits until it answers.
    pub(crate) fn start(setup: &Setup) -> Result<Self, Failed> {
        let folder = Self::folder_of(setup.name);
        if folder.exists() && !setup.keep_data {
            fs::remove_dir_all(&folder).doing(|| format!("cannot clear {}", folder.display()))?;
        }
        let tools = folder.join("tools.d");
        fs::create_dir_all(&tools).doing(|| format!("cannot create {}", tools.display()))?;
        for (name, text) in &setup.manifests {
            fs::write(tools.join(name), text)?;
        }
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let log = File::create(folder.join("service.log"))?;
        let began = Instant::now();
        let child = lite(setup)
            .env("CTS_PORT", address.port().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .doing(|| "cannot start cts-lite".to_owned())?;
        let mut service = Self { child, address, folder, ready_after: Duration::ZERO };
        service.wait_until_ready(began)?;
        Ok(service)
    }

    /// Returns the folder of a service of that name.
    pub(crate) fn folder_of(name: &str) -> PathBuf {
        root::target().join("services").join(name)
    }

    fn wait_until_ready(&mut self, began: Instant) -> Result<(), Failed> {
        loop {
            let healthy = Connection::open(self.address).and_then(|mut connection| connection.get("/v1/health"));
            if healthy.is_ok_and(|response| response.status == 200) {
                self.ready_after = began.elapsed();
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(Failed::new(format!("cts-lite ended with {status} before it was ready\n{}", self.log())));
            }
            if began.elapsed() > READY_WITHIN {
                return Err(Failed::new(format!("cts-lite was not ready within {READY_WITHIN:?}\n{}", self.log())));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("service.log")).unwrap_or_default()
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the time from its start to its first answer.
    pub(crate) fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Returns its folder: `data`, `tmp`, `log`, `tools.d` and `service.log`.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns a new connection to it.
    pub(crate) fn connect(&self) -> Result<Connection, Failed> {
        Connection::open(self.address)
    }

    /// Returns a number of kB from `/proc/<pid>/status`, in bytes.
    pub(crate) fn memory(&self, field: &str) -> Result<u64, Failed> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).doing(|| format!("cannot read {path}"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes.map(|kilobytes| kilobytes * 1_024).ok_or_else(|| Failed::new(format!("{path} has no {field}")))
    }

    /// Asks it to end, and fails unless it ends with 0.
    pub(crate) fn stop(mut self) -> Result<(), Failed> {
        crate::process::output(command("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() {
                    Ok(())
                } else {
                    Err(Failed::new(format!("cts-lite ended with {status}\n{}", self.log())))
                };
            }
            if began.elapsed() > STOPPED_WITHIN {
                return Err(Failed::new(format!("cts-lite did not end within {STOPPED_WITHIN:?}\n{}", self.log())));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Returns `cts-lite` with the settings of a service, not yet started.
fn lite(setup: &Setup) -> Command {
    let folder = Service::folder_of(setup.name);
    let mut command = product(root::built(setup.profile, "cts-lite"));
    command
        // As in production, where a request that went well is no line of the log.
        .env("CTS_DEBUG", "false")
        .env("CTS_LOG_LEVEL", "WARNING")
        .env("CTS_HOST", "127.0.0.1")
        .env("CTS_BASE_STORAGE_PATH", folder.join("data"))
        .env("CTS_TEMP_DIRECTORY", folder.join("tmp"))
        .env("CTS_LOG_DIRECTORY", folder.join("log"))
        .env("CTS_TOOLS_DIRECTORY", folder.join("tools.d"))
        .envs(setup.settings.iter().map(|(name, value)| (name, value)));
    command
}

/// Makes a token of an admin on the data directory of a service, as its operator does.
pub(crate) fn admin_token(setup: &Setup) -> Result<String, Failed> {
    let mut command = lite(setup);
    command.args(["token", "create", "--role", "admin", "--name", "xtask", "--expires", "1h"]);
    Ok(crate::process::output(&mut command)?.trim().to_owned())
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // Its supervisors end with it.
            let killed = self.child.kill().and_then(|()| self.child.wait());
            if let Err(error) = killed {
                eprintln!("cannot end cts-lite: {error}");
            }
        }
    }
}
