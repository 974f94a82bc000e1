//! Before the child starts and after it is gone: its directories, its environment, its specification.
//!
//! An attempt has `<data>/runs/<run>.<attempt>/` with `work/` (where it starts, and where artifacts are found) and
//! `params.json` (native tools), and `<temp>/<instance>/<run>.<attempt>/` for what is thrown away. Nothing of the service's own
//! environment reaches the child but what is listed here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use cts_model::child_line::{PARAMS_VARIABLE, TOOL_ARGUMENT};
use cts_model::{Code, Fault, JsonMap, Limits, Run, RunId, Secret};
use serde_json::{Value, json};

use crate::Inner;
use crate::attempt::collect::Collector;
use crate::attempt::process::SpawnError;
use crate::error::{EngineError, io_fault};
use crate::inputs::ResolvedInput;
use crate::supervisor::{ChildLimits, ChildSpec, Program, Sandbox, SpawnFailure, SpawnFailureKind};
use crate::tools::{How, Placeholders, Tool};

/// Variables of the service that a child sees as they are.
const PASSED_VARIABLES: [&str; 6] = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "RUST_BACKTRACE"];
/// The path of a child when the service has none.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Makes the tool's processes the first to go when the machine has no memory left.
const OOM_SCORE_ADJ: u16 = 1000;

/// Everything about an attempt that is ready to start.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// For the supervisor.
    pub(crate) child: ChildSpec,
    /// The limits of this run.
    pub(crate) limits: Limits,
    /// Finds its artifacts.
    pub(crate) collector: Collector,
    /// Where standard output goes; none for the log.
    pub(crate) stdout: Option<PathBuf>,
    /// What must not appear in the log.
    pub(crate) secrets: Vec<Secret>,
    /// Exit statuses beside 0 that mean success.
    pub(crate) success_exit_codes: Vec<i32>,
}

/// The directories of an attempt.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    /// All of it, below the data directory.
    pub(crate) attempt: PathBuf,
    /// Where it starts.
    pub(crate) work: PathBuf,
    /// Its temporary directory.
    pub(crate) temp: PathBuf,
}

impl Folders {
    pub(crate) fn of(inner: &Inner, run: RunId, attempt: u32) -> Self {
        let name = format!("{run}.{attempt}");
        let folder = inner.options.data_dir.join(RUNS_FOLDER).join(&name);
        Self { work: folder.join("work"), attempt: folder, temp: inner.temp_root.join(&name) }
    }
}

/// The folder of attempts in the data directory.
pub(crate) const RUNS_FOLDER: &str = "runs";

/// Returns the mark by which the processes of an attempt are found again.
pub(crate) fn mark(inner: &Inner, run: RunId, attempt: u32) -> String {
    format!("{run}.{attempt}.{}", inner.worker)
}

/// Makes the directories and says how the child is started.
pub(crate) async fn prepare(inner: &Inner, run: &Run, tool: &Tool, fallback: bool) -> Result<Prepared, Fault> {
    let folders = Folders::of(inner, run.id, run.attempt);
    let params = effective_params(run, tool, fallback);
    let files = crate::lookup::file_params(&tool.spec.params, &params);
    // Checked again: what was there when the run was queued may have been replaced meanwhile.
    let inputs = inner.resolve_again(run, tool).await?;
    let file_inputs = inner.resolve_file_params(&files).await?;
    let limits = tool.spec.limits.over(&inner.options.limits);

    let mut environment = base_environment(inner, run, &folders);
    environment.extend(run.request.environment.clone());
    let mut readable: Vec<PathBuf> = inputs.iter().map(|input| input.path.clone()).collect();
    readable.extend(file_inputs.values().flatten().map(|input| input.path.clone()));
    let mut links = Links::new(folders.attempt.join("inputs"));
    let (program, args, secrets, stdout, success_exit_codes) = match &tool.how {
        How::Native => {
            let file = folders.attempt.join("params.json");
            environment.insert(PARAMS_VARIABLE.to_owned(), path_text(&file)?);
            readable.push(file);
            let args = vec![TOOL_ARGUMENT.to_owned(), run.request.tool_id.to_string()];
            let secrets = run.request.secret_params.values().cloned().collect();
            (Program::Own, args, secrets, None, Vec::new())
        }
        How::Command(command) => {
            let input_paths: Vec<PathBuf> = inputs.iter().map(|input| links.named(input)).collect();
            let file_paths: BTreeMap<String, Vec<PathBuf>> = file_inputs
                .iter()
                .map(|(name, inputs)| (name.clone(), inputs.iter().map(|input| links.named(input)).collect()))
                .collect();
            let resolved = command
                .resolve(&Placeholders {
                    params: &params,
                    secrets: &run.request.secret_params,
                    files: &file_paths,
                    inputs: &input_paths,
                    out_dir: &folders.work,
                    tmp_dir: &folders.temp,
                    run_id: run.id,
                    environment: &inner.environment,
                })
                .map_err(|error| error.fault())?;
            for (name, value) in resolved.environment {
                environment.insert(name, os_text(value.reveal().to_owned())?);
            }
            let args = resolved.args.into_iter().map(os_text).collect::<Result<Vec<_>, _>>()?;
            let stdout = command.stdout.as_ref().map(|path| folders.work.join(path.as_str()));
            (Program::Named(resolved.program), args, resolved.secrets, stdout, command.success_exit_codes.clone())
        }
    };
    let access = &tool.spec.access;
    readable.extend(access.read.iter().cloned());
    let mut writable = vec![folders.work.clone(), folders.temp.clone()];
    writable.extend(access.write.iter().cloned());
    let child = ChildSpec {
        program,
        args,
        env: environment.into_iter().collect(),
        work_dir: folders.work.clone(),
        mark: mark(inner, run.id, run.attempt),
        grace_ms: u64::try_from(limits.stop_grace.as_millis()).unwrap_or(u64::MAX),
        limits: ChildLimits {
            memory_bytes: Some(limits.memory_bytes),
            processes: Some(limits.processes.into()),
            cpu_seconds: None,
            file_size_bytes: Some(limits.output_bytes),
            open_files: Some(limits.open_files),
            output_bytes: Some(limits.output_bytes),
            output_dir: folders.work.clone(),
        },
        sandbox: Sandbox {
            enforce: inner.options.sandbox && !access.unconfined,
            readable,
            writable,
            devices: access.devices.clone(),
            network: access.network,
            private: vec![inner.options.data_dir.clone()],
        },
        oom_score_adj: OOM_SCORE_ADJ,
        cgroup_base: inner.cgroup_base.clone(),
    };
    let params_file =
        matches!(tool.how, How::Native).then(|| native_params(run, params, &inputs, &file_inputs, &folders));
    let made = folders.clone();
    let make = move || make_folders(&made, params_file, &links);
    match tokio::task::spawn_blocking(make).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(error.fault()),
        Err(error) => return Err(EngineError::Panicked(error.to_string()).fault()),
    }
    let collector = Collector::new(folders.work, &tool.spec, limits.artifact_bytes);
    Ok(Prepared { child, limits, collector, stdout, secrets, success_exit_codes })
}

/// Returns the run's parameters, with the tool's fallback over them after a tool error.
fn effective_params(run: &Run, tool: &Tool, fallback: bool) -> JsonMap {
    let mut params = run.request.params.clone();
    for name in run.request.secret_params.keys() {
        params.remove(name);
    }
    if let (true, Some(changes)) = (fallback, &tool.spec.fallback) {
        for (name, value) in changes {
            params.insert(name.clone(), value.clone());
        }
    }
    params
}

/// What a native tool reads: parameters, inputs and where it writes.
fn native_params(
    run: &Run,
    mut params: JsonMap,
    inputs: &[ResolvedInput],
    files: &BTreeMap<String, Vec<ResolvedInput>>,
    folders: &Folders,
) -> Value {
    for (name, secret) in &run.request.secret_params {
        params.insert(name.clone(), Value::from(secret.reveal()));
    }
    let shown = |input: &ResolvedInput| json!({"path": input.path.to_string_lossy(), "name": input.name});
    for (name, resolved) in files {
        let paths: Vec<Value> = resolved.iter().map(shown).collect();
        params.insert(name.clone(), Value::Array(paths));
    }
    json!({
        "params": params,
        "inputs": inputs.iter().map(shown).collect::<Vec<_>>(),
        "out_dir": folders.work.to_string_lossy(),
    })
}

fn base_environment(inner: &Inner, run: &Run, folders: &Folders) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    environment.insert("PATH".to_owned(), DEFAULT_PATH.to_owned());
    for name in PASSED_VARIABLES {
        if let Some(value) = inner.environment.get(name).and_then(|value| value.to_str().map(str::to_owned)) {
            environment.insert(name.to_owned(), value);
        }
    }
    let mut put = |name: &str, value: String| environment.insert(name.to_owned(), value);
    // What programs keep at home is no artifact.
    put("HOME", folders.temp.to_string_lossy().into_owned());
    put("TMPDIR", folders.temp.to_string_lossy().into_owned());
    put("CTS_RUN_ID", run.id.to_string());
    put("CTS_REQUEST_ID", run.request_id.to_string());
    if let Some(trace) = &run.trace {
        put("TRACEPARENT", trace.traceparent());
        if let Some(state) = &trace.state {
            put("TRACESTATE", state.as_str().to_owned());
        }
    }
    environment
}

fn path_text(path: &Path) -> Result<String, Fault> {
    os_text(path.as_os_str().to_owned())
}

fn os_text(text: OsString) -> Result<String, Fault> {
    text.into_string().map_err(|text| {
        let message = format!("{} is not UTF-8: give the file another name", text.display());
        Fault::new(Code::InvalidInput, message)
    })
}

/// Uploads and artifacts lie under ids. A program sees them under the names that people gave them, since many decide by
/// a name's end: as links in the attempt's folder.
#[derive(Debug)]
struct Links {
    folder: PathBuf,
    links: Vec<(PathBuf, PathBuf)>,
}

impl Links {
    fn new(folder: PathBuf) -> Self {
        Self { folder, links: Vec::new() }
    }

    /// Returns the path under which a program sees an input.
    fn named(&mut self, input: &ResolvedInput) -> PathBuf {
        if input.path.file_name().is_some_and(|name| name == input.name.as_str()) {
            return input.path.clone();
        }
        let link = self.folder.join(self.links.len().to_string()).join(&input.name);
        self.links.push((link.clone(), input.path.clone()));
        link
    }

    fn make(&self) -> io::Result<()> {
        for (link, path) in &self.links {
            std::fs::create_dir_all(link.parent().unwrap_or(&self.folder))?;
            std::os::unix::fs::symlink(path, link)?;
        }
        Ok(())
    }
}

fn make_folders(folders: &Folders, params: Option<Value>, links: &Links) -> Result<(), EngineError> {
    let make = |folder: &Path| {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(EngineError::file("make the folder", folder.to_owned()))
    };
    // An attempt's folder is new: whatever an attempt before a crash left there is not this one's.
    for old in [&folders.attempt, &folders.temp] {
        remove_folder(old).map_err(EngineError::file("empty the folder", old.clone()))?;
    }
    make(&folders.work)?;
    make(&folders.temp)?;
    links.make().map_err(EngineError::file("make links in", links.folder.clone()))?;
    let Some(params) = params else { return Ok(()) };
    let path = folders.attempt.join("params.json");
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(params.to_string().as_bytes())
    };
    write().map_err(EngineError::file("write", path.clone()))
}

/// Removes a folder with everything in it, also where its owner has taken away its own permissions.
pub(crate) fn remove_folder(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(folder)?;
            std::fs::remove_dir_all(folder)
        }
        other => other,
    }
}

fn open_up(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
        for entry in std::fs::read_dir(&folder)?.flatten() {
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}

/// Removes the directories of an attempt that is over.
pub(crate) async fn clean(inner: &Inner, run: &Run) {
    let folders = Folders::of(inner, run.id, run.attempt);
    let remove = move || {
        for folder in [&folders.attempt, &folders.temp] {
            if let Err(error) = remove_folder(folder) {
                tracing::warn!(%error, "cannot remove {}", folder.display());
            }
        }
    };
    if let Err(error) = tokio::task::spawn_blocking(remove).await {
        tracing::error!(%error, "the removal of an attempt's folders panicked");
    }
}

/// Returns the fault of a system that does not answer in time.
pub(crate) fn too_slow(what: &str, waited: std::time::Duration) -> Fault {
    let sentence = format!("{what}: waited {} s", waited.as_secs());
    Fault::system(Code::StorageError, sentence, "no answer in time", "timeout")
}

/// Returns the fault of a supervisor that could not be started.
pub(crate) fn spawn_fault(error: &SpawnError) -> Fault {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    match source {
        Some(source) => io_fault(source, error.to_string()),
        None => Fault::system(Code::Internal, error.to_string(), error, "spawn"),
    }
}

/// Returns the fault of a program that a supervisor could not start.
pub(crate) fn spawn_failure(failure: &SpawnFailure) -> Fault {
    let code = match failure.kind {
        SpawnFailureKind::ProgramNotFound | SpawnFailureKind::InterpreterNotFound | SpawnFailureKind::NotAProgram => {
            Code::ProgramMissing
        }
        SpawnFailureKind::ProgramNotExecutable | SpawnFailureKind::WorkDir => Code::PermissionDenied,
        SpawnFailureKind::ProgramBusy | SpawnFailureKind::OutOfResources => Code::OutOfResources,
        SpawnFailureKind::ArgumentsTooLong => Code::InvalidParameters,
        SpawnFailureKind::Protocol => Code::SupervisorLost,
        SpawnFailureKind::Other => Code::Internal,
    };
    let error_type = failure.errno.map_or_else(|| format!("{:?}", failure.kind), |errno| format!("errno {errno}"));
    Fault::system(code, failure.text.clone(), &failure.text, &error_type)
}
