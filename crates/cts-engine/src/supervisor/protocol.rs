//! What the service and a supervisor say to each other: one [`ChildSpec`] down, single-byte [`Order`]s after it, one
//! [`Report`] a line up. All of it goes through one socket, which is the supervisor's standard input.
//!
//! Both ends are the same binary, so the format is private and may change with any release. Nothing here acts.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The variable that marks the supervisor and every process below it; see [`ChildSpec::mark`].
pub const MARK_VARIABLE: &str = "CTS_ATTEMPT";

/// The first argument that turns the binary into a supervisor.
pub const SUPERVISE_ARGUMENT: &str = "__supervise";

/// The largest specification that is accepted. Linux takes about 2 MiB of arguments and environment.
pub const SPEC_BYTES_MAX: usize = 8 << 20;

/// The longest line that a supervisor sends.
pub const REPORT_BYTES_MAX: usize = 64 << 10;

/// Everything a supervisor needs to know about the one process that it starts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildSpec {
    /// What is executed.
    pub program: Program,
    /// The arguments after the program's name.
    pub args: Vec<String>,
    /// The complete environment; nothing else is inherited but [`MARK_VARIABLE`].
    pub env: Vec<(String, String)>,
    /// Where the process starts. It has to exist.
    pub work_dir: PathBuf,
    /// Identifies the attempt in the environment of all its processes.
    pub mark: String,
    /// How long a process may take to end after SIGTERM.
    pub grace_ms: u64,
    /// What the process and its descendants may use.
    pub limits: ChildLimits,
    /// What the process and its descendants may reach.
    pub sandbox: Sandbox,
    /// Added to the process's chance of being chosen when the machine is out of memory, 0 to 1000.
    pub oom_score_adj: u16,
    /// A delegated cgroup v2 folder in which the supervisor makes a group for this attempt.
    pub cgroup_base: Option<PathBuf>,
}

impl fmt::Debug for ChildSpec {
    /// Names the variables of the environment and leaves their values out: secrets are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables: Vec<&str> = self.env.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("ChildSpec")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &variables)
            .field("work_dir", &self.work_dir)
            .field("mark", &self.mark)
            .field("limits", &self.limits)
            .field("sandbox", &self.sandbox)
            .finish_non_exhaustive()
    }
}

/// What is executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Program {
    /// The supervisor's own binary: native tools are compiled in.
    Own,
    /// A path, or a name that is looked up in the `PATH` of [`ChildSpec::env`].
    Named(PathBuf),
}

/// What an attempt may use. `None` means that there is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildLimits {
    /// Memory of all processes together.
    pub memory_bytes: Option<u64>,
    /// Processes and threads at one time.
    pub processes: Option<u64>,
    /// Processor time of all processes together.
    pub cpu_seconds: Option<u64>,
    /// The largest file that one process may write.
    pub file_size_bytes: Option<u64>,
    /// Open files of one process.
    pub open_files: Option<u64>,
    /// Disk space below [`ChildLimits::output_dir`].
    pub output_bytes: Option<u64>,
    /// The folder that `output_bytes` measures.
    pub output_dir: PathBuf,
}

/// What an attempt may reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// Whether the machine's isolation is used at all.
    pub enforce: bool,
    /// Files and folders to read and to execute, besides the system's programs and the program's own folder.
    pub readable: Vec<PathBuf>,
    /// Folders (or files) to write.
    pub writable: Vec<PathBuf>,
    /// Devices to read, to write and to control.
    pub devices: Vec<PathBuf>,
    /// Whether sockets other than local ones may be opened.
    pub network: bool,
    /// Folders that are never granted as part of something larger: the service's data directory.
    pub private: Vec<PathBuf>,
}

/// What the service asks of a running supervisor, as one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// SIGTERM to all processes; SIGKILL follows after the grace period.
    Terminate,
    /// SIGKILL to all processes until none is left.
    Kill,
}

impl Order {
    /// The byte on the wire.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Terminate => b'T',
            Self::Kill => b'K',
        }
    }

    /// The order that a byte stands for.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'T' => Some(Self::Terminate),
            b'K' => Some(Self::Kill),
            _ => None,
        }
    }
}

/// What a supervisor tells the service. The first is `Started` or `SpawnFailed`, the last is `SpawnFailed` or `Ended`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Report {
    /// The program runs.
    Started {
        /// Its process id.
        pid: i32,
        /// When it started, in clock ticks since boot.
        start_time_ticks: u64,
        /// How well it is isolated.
        isolation: Isolation,
    },
    /// The program could not be started; nothing runs.
    SpawnFailed(SpawnFailure),
    /// A limit was reached, and everything is being killed for it.
    LimitHit {
        /// Which one.
        which: LimitName,
        /// What was measured, in the limit's unit.
        value: u64,
        /// What was allowed.
        limit: u64,
    },
    /// The program itself ended; descendants may remain.
    Exited(Exit),
    /// No process is left.
    Ended(Ending),
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It returned this status.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

/// What an attempt used, told when no process is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The most memory that was seen at one time.
    pub peak_memory_bytes: u64,
    /// Processor time of all processes.
    pub cpu_ms: u64,
    /// Descendants that were still there when the program ended and had to be ended.
    pub leftovers: u32,
    /// Processes that did not end although they were killed (they hang in the kernel).
    pub unkillable: u32,
}

/// A limit that ends an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitName {
    /// [`ChildLimits::memory_bytes`].
    Memory,
    /// [`ChildLimits::processes`].
    Processes,
    /// [`ChildLimits::cpu_seconds`].
    Cpu,
    /// [`ChildLimits::file_size_bytes`].
    FileSize,
    /// [`ChildLimits::output_bytes`].
    Output,
}

/// How well an attempt is isolated, or how well the machine can do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation {
    /// The summary.
    pub level: IsolationLevel,
    /// What is not enforced, each a sentence for an operator. Empty when the level is full.
    pub missing: Vec<String>,
}

impl Isolation {
    /// What an attempt has whose sandbox is switched off.
    pub fn off() -> Self {
        Self { level: IsolationLevel::Off, missing: vec!["the sandbox is switched off".to_owned()] }
    }

    /// The same as the run and the health of the service tell it.
    pub fn into_model(self) -> cts_model::Isolation {
        let level = match self.level {
            IsolationLevel::Full => cts_model::IsolationLevel::Full,
            IsolationLevel::Partial => cts_model::IsolationLevel::Partial,
            IsolationLevel::Off => cts_model::IsolationLevel::Off,
        };
        cts_model::Isolation { level, missing: self.missing }
    }

    /// Full when nothing is missing, else partial.
    pub fn with_missing(missing: Vec<String>) -> Self {
        let level = if missing.is_empty() { IsolationLevel::Full } else { IsolationLevel::Partial };
        Self { level, missing }
    }
}

/// The summary of an [`Isolation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IsolationLevel {
    /// Everything that was asked for is enforced.
    Full,
    /// Something is not enforced.
    Partial,
    /// The sandbox is switched off.
    Off,
}

/// Why a program could not be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnFailure {
    /// The kind, for decisions.
    pub kind: SpawnFailureKind,
    /// What happened, for people, with the system's own words.
    pub text: String,
    /// The system's error number, if there is one.
    pub errno: Option<i32>,
}

/// The kinds of [`SpawnFailure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpawnFailureKind {
    /// There is no such program.
    ProgramNotFound,
    /// The program is there, but may not be executed.
    ProgramNotExecutable,
    /// The program is a script whose interpreter does not exist.
    InterpreterNotFound,
    /// The file is not a program: neither machine code for this machine nor a script that names its interpreter.
    NotAProgram,
    /// Another process is writing the program's file at this moment.
    ProgramBusy,
    /// Arguments and environment are larger than the system takes.
    ArgumentsTooLong,
    /// The working directory cannot be entered.
    WorkDir,
    /// The machine has no memory or no process to spare.
    OutOfResources,
    /// The supervisor and the service did not understand each other.
    Protocol,
    /// Something else that the text explains.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_an_environment_are_never_printed() {
        let spec = ChildSpec {
            program: Program::Own,
            args: Vec::new(),
            env: vec![("KEY".to_owned(), "hunter2".to_owned())],
            work_dir: PathBuf::new(),
            mark: String::new(),
            grace_ms: 0,
            limits: ChildLimits::default(),
            sandbox: Sandbox {
                enforce: false,
                readable: Vec::new(),
                writable: Vec::new(),
                devices: Vec::new(),
                network: false,
                private: Vec::new(),
            },
            oom_score_adj: 0,
            cgroup_base: None,
        };
        let text = format!("{spec:?}");
        assert!(text.contains("KEY") && !text.contains("hunter2"), "{text}");
    }
}
