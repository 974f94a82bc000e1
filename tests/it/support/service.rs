//! A `cts-lite` on a data directory of its own, which can be killed and started again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{self, Answer};
use super::{PATIENCE, binary, until};

/// A folder for a service: data, temporary files, tools.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) settings: Vec<(String, String)>,
    /// What else the command line says.
    args: Vec<String>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder, settings: Vec::new(), args: Vec::new() };
        std::fs::create_dir_all(place.data().join("tools.d")).unwrap();
        place
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn arg(mut self, text: &str) -> Self {
        self.args.push(text.to_owned());
        self
    }

    /// Writes a manifest whose tool is a shell script; inputs come as arguments.
    pub(crate) fn tool(&self, id: &str, script: &str, more: &str) {
        write_tool(&self.data().join("tools.d"), id, script, more);
    }

    /// The command, not yet started: nothing of the test's own environment reaches it but the path.
    pub(crate) fn command(&self) -> Command {
        let mut command = bare(&binary("cts-lite"), self.folder.path());
        command.arg("--data-dir").arg(self.data()).args(["--port", "0"]);
        command.arg("--set").arg(format!("temp_directory={}", self.folder.path().join("temp").display()));
        for (name, value) in &self.settings {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        command.args(&self.args);
        command
    }

    pub(crate) fn start(&self) -> Service {
        self.start_with(&[])
    }

    /// Starts it with these variables in its environment.
    pub(crate) fn start_with(&self, variables: &[(&str, &str)]) -> Service {
        let log =
            std::fs::File::options().create(true).append(true).open(self.folder.path().join("service.log")).unwrap();
        let mut command = self.command();
        command.envs(variables.iter().copied()).stdout(Stdio::null()).stderr(log);
        Service::of(&mut command, &self.data())
    }

    /// Starts it and waits for its end, which must come by itself.
    pub(crate) fn start_to_end(&self) -> (ExitStatus, String) {
        let mut child = self.command().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let status = wait(&mut child);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut text).unwrap();
        (status, text)
    }
}

/// Writes a manifest whose tool is a shell script; inputs come as arguments.
pub(crate) fn write_tool(tools: &Path, id: &str, script: &str, more: &str) {
    let script = script.replace('{', "{{").replace('}', "}}");
    let inputs = if more.contains("[input]") { ", \"sh\", \"{inputs}\"" } else { "" };
    let text = format!(
        "id = \"{id}\"\nname = \"{id}\"\ndescription = \"a test\"\nversion = \"1\"\ncommand = [\"/bin/sh\", \"-c\", '''\n{script}'''{inputs}]\n{more}\n"
    );
    std::fs::write(tools.join(format!("{id}.toml")), text).unwrap();
}

/// A command in an environment that holds nothing but a path and a home.
#[expect(clippy::disallowed_methods, reason = "the tests start the binaries that they are about")]
pub(crate) fn bare(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", home).current_dir(home);
    command.stdin(Stdio::null());
    command
}

/// Waits for a process that must end by itself.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("the process did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A running `cts-lite`.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// Starts the command and waits until it listens.
    pub(crate) fn of(command: &mut Command, data: &Path) -> Self {
        Self::wait_for(command.spawn().unwrap(), data)
    }

    fn wait_for(mut child: Child, data: &Path) -> Self {
        let pid = child.id();
        let address = until("the service listens", || {
            if let Some(status) = child.try_wait().unwrap() {
                let log = std::fs::read_to_string(data.parent().unwrap().join("service.log")).unwrap_or_default();
                panic!("the service ended with {status}: {log}");
            }
            let text = std::fs::read(data.join("service.json")).ok()?;
            let told: Value = serde_json::from_slice(&text).ok()?;
            (told["pid"] == pid).then(|| told["url"].as_str().unwrap().trim_start_matches("http://").to_owned())
        });
        Self { child, address }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    /// Ends it without a warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    /// Ends it as an operator does.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.wait()
    }

    pub(crate) fn try_send(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Answer> {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let headers: &[(&str, &str)] = if body.is_some() { &[("Content-Type", "application/json")] } else { &[] };
        http::send(&self.address, method, path, headers, &bytes)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let answer = self.try_send("GET", path, None).unwrap();
        assert_eq!(answer.status, 200, "GET {path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// Submits a run and returns its id.
    pub(crate) fn submit(&self, tool: &str, params: Value) -> String {
        let body = json!({"tool_id": tool, "params": params});
        let answer = self.try_send("POST", "/v1/runs", Some(&body)).unwrap();
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()["run_id"].as_str().unwrap().to_owned()
    }

    /// Waits for the end of a run.
    pub(crate) fn end_of(&self, run: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.get(&format!("/v1/runs/{run}?wait=5s"));
            if is_terminal(&found) {
                return found;
            }
            assert!(Instant::now() < deadline, "run {run} did not end: {found}");
        }
    }

    /// Waits until the run is in a state.
    pub(crate) fn until_status(&self, run: &str, status: &str) -> Value {
        until(status, || {
            let found = self.get(&format!("/v1/runs/{run}"));
            (found["status"] == status).then_some(found)
        })
    }

    /// Returns the messages of a run's log; numbers are checked.
    pub(crate) fn log(&self, run: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let page = self.get(&format!("/v1/runs/{run}/logs/list?limit=1000&from={}", lines.len() + 1));
            let logs = page["logs"].as_array().unwrap();
            for line in logs {
                assert_eq!(line["seq"], lines.len() + 1, "numbers have no gap");
                lines.push(line["message"].as_str().unwrap().to_owned());
            }
            if page["has_more"] != true {
                return lines;
            }
        }
    }
}

pub(crate) fn is_terminal(run: &Value) -> bool {
    matches!(run["status"].as_str(), Some("completed" | "failed" | "canceled"))
}
