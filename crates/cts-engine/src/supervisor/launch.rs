//! From a [`ChildSpec`] to a running program: look it up, fork, restrict the child, execute.
//!
//! The child tells what happened through a pipe that the kernel closes when the program takes over: at most two short
//! records, [`Record::Applied`] and, when it failed, [`Record::Failed`]. Nothing here waits.

use std::ffi::CString;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use rustix::process::Signal;

use super::cgroup::Cgroup;
use super::kernel;
use super::protocol::{ChildLimits, ChildSpec, MARK_VARIABLE, Program, SpawnFailure, SpawnFailureKind};
use super::sandbox::{Applied, Prepared};

/// Where a program without a path is looked for when the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// How often and after what pause a program is tried again whose file is being written.
const BUSY_RETRIES: u32 = 10;
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// A started child, of which it is not known yet whether the program took over.
pub(super) struct Launched {
    pub(super) pid: i32,
    /// Gives the child's records and ends when the program runs or the child is gone.
    pub(super) news: OwnedFd,
    pub(super) program: PathBuf,
}

/// What is known when the pipe of the child ended.
pub(super) enum News {
    /// The program runs.
    Running(Applied),
    /// It does not.
    Failed(SpawnFailure),
}

/// What a child was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Session,
    Limits,
    WorkDir,
    Execute,
}

impl Step {
    const ALL: [Self; 4] = [Self::Session, Self::Limits, Self::WorkDir, Self::Execute];
}

/// One record: a tag, a value, and the system's error number.
enum Record {
    Applied(Applied),
    Failed(Step, i32),
}

const RECORD_BYTES: usize = 6;

impl Record {
    fn bytes(&self) -> [u8; RECORD_BYTES] {
        let (tag, value, errno) = match self {
            Self::Applied(applied) => (b'A', u8::from(applied.landlock) | u8::from(applied.filter) << 1, 0),
            Self::Failed(step, errno) => (b'F', *step as u8, *errno),
        };
        let [a, b, c, d] = errno.to_le_bytes();
        [tag, value, a, b, c, d]
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let [tag, value, a, b, c, d] = *bytes else { return None };
        match tag {
            b'A' => Some(Self::Applied(Applied { landlock: value & 1 != 0, filter: value & 2 != 0 })),
            b'F' => {
                let step = *Step::ALL.iter().find(|step| **step as u8 == value)?;
                Some(Self::Failed(step, i32::from_le_bytes([a, b, c, d])))
            }
            _ => None,
        }
    }
}

/// Starts the child. Standard output and error of the calling process become the child's.
pub(super) fn launch(spec: &ChildSpec, cgroup: Option<&Cgroup>) -> Result<Launched, SpawnFailure> {
    let program = find_program(spec)?;
    let text =
        |bytes: &[u8]| CString::new(bytes).map_err(|_| failure(SpawnFailureKind::Other, "a text has a NUL", None));
    let executed = text(program.as_os_str().as_bytes())?;
    let name = match &spec.program {
        Program::Own => text(std::env::args_os().next().unwrap_or_default().as_bytes())?,
        Program::Named(name) => text(name.as_os_str().as_bytes())?,
    };
    let args = spec.args.iter().map(|arg| text(arg.as_bytes()));
    let args = std::iter::once(Ok(name)).chain(args).collect::<Result<Vec<_>, _>>()?;
    let mut env = vec![text(format!("{MARK_VARIABLE}={}", spec.mark).as_bytes())?];
    for (name, value) in spec.env.iter().filter(|(name, _)| name != MARK_VARIABLE) {
        env.push(text(format!("{name}={value}").as_bytes())?);
    }
    let sandbox = spec.sandbox.enforce.then(|| Prepared::new(spec, &program));
    let members_file = cgroup.map(Cgroup::members_file);

    let system = |error: io::Error| failure_of(SpawnFailureKind::OutOfResources, "cannot start a process", &error);
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| system(error.into()))?;
    let (news, tell) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(|error| system(error.into()))?;
    let supervisor = std::process::id();
    let Some(pid) = kernel::fork().map_err(system)? else {
        // From here to the end of the block this is the child.
        let child = Child { spec, supervisor, members_file, null, tell };
        child.become_program(sandbox, &executed, &args, &env);
    };
    Ok(Launched { pid, news, program })
}

/// What the child needs of its parent.
struct Child<'a> {
    spec: &'a ChildSpec,
    supervisor: u32,
    members_file: Option<PathBuf>,
    null: OwnedFd,
    tell: OwnedFd,
}

impl Child<'_> {
    fn become_program(self, sandbox: Option<Prepared>, executed: &CString, args: &[CString], env: &[CString]) -> ! {
        let (step, error) = match self.prepare() {
            Err(failed) => failed,
            Ok(()) => {
                let applied = sandbox.map(Prepared::apply).unwrap_or_default();
                self.tell(&Record::Applied(applied));
                kernel::close_others_on_exec();
                (Step::Execute, execute(executed, args, env))
            }
        };
        self.tell(&Record::Failed(step, error.raw_os_error().unwrap_or(0)));
        kernel::end_now(127)
    }

    fn prepare(&self) -> Result<(), (Step, io::Error)> {
        let at = |step: Step| move |error: io::Error| (step, error);
        kernel::reset_signals();
        rustix::process::setsid().map_err(|error| (Step::Session, error.into()))?;
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
            .map_err(|error| (Step::Session, error.into()))?;
        let parent = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
        if parent.unsigned_abs() != self.supervisor {
            // The supervisor died before its death could be noticed.
            kernel::end_now(127);
        }
        kernel::place_as(self.null.as_fd(), 0).map_err(at(Step::Session))?;
        // Both are refused in some containers, and the run is no worse for it than it was before.
        let _ = std::fs::write("/proc/self/oom_score_adj", self.spec.oom_score_adj.to_string());
        if let Some(members) = &self.members_file {
            std::fs::write(members, "0").map_err(at(Step::Limits))?;
        }
        limit_resources(&self.spec.limits).map_err(at(Step::Limits))?;
        std::env::set_current_dir(&self.spec.work_dir).map_err(at(Step::WorkDir))?;
        rustix::thread::set_no_new_privs(true).map_err(|error| (Step::Limits, error.into()))
    }

    /// Six bytes go into an empty pipe at once; when the reader is gone there is nobody to tell.
    fn tell(&self, record: &Record) {
        let _ = rustix::io::write(&self.tell, &record.bytes());
    }
}

/// A file that is being written this moment, or that another thread of its writer has just inherited, can be executed
/// soon after.
fn execute(executed: &CString, args: &[CString], env: &[CString]) -> io::Error {
    for _ in 0..BUSY_RETRIES {
        let error = kernel::execute(executed, args, env);
        if error.raw_os_error() != Some(libc::ETXTBSY) {
            return error;
        }
        std::thread::sleep(BUSY_PAUSE);
    }
    kernel::execute(executed, args, env)
}

fn limit_resources(limits: &ChildLimits) -> io::Result<()> {
    kernel::limit(libc::RLIMIT_CORE, 0, 0)?;
    if let Some(bytes) = limits.file_size_bytes {
        kernel::limit(libc::RLIMIT_FSIZE, bytes, bytes)?;
    }
    if let Some(files) = limits.open_files {
        kernel::limit(libc::RLIMIT_NOFILE, files, files)?;
    }
    if let Some(seconds) = limits.cpu_seconds {
        // The signal of the soft limit ends most programs and can be told from a kill; the hard one ends the others.
        kernel::limit(libc::RLIMIT_CPU, seconds, seconds.saturating_add(1))?;
    }
    Ok(())
}

/// Reads what the child told. Call it when the pipe is readable; `None` means that more is to come.
pub(super) fn hear(launched: &Launched, heard: &mut Vec<u8>, work_dir: &Path) -> Option<News> {
    let mut buffer = [0_u8; 2 * RECORD_BYTES];
    match rustix::io::read(&launched.news, &mut buffer) {
        Ok(0) => {}
        Ok(length) => {
            heard.extend_from_slice(&buffer[..length]);
            return None;
        }
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return None,
        Err(_) => {}
    }
    let mut applied = None;
    for record in heard.chunks(RECORD_BYTES).filter_map(Record::parse) {
        match record {
            Record::Applied(parts) => applied = Some(parts),
            Record::Failed(step, errno) => {
                let error = io::Error::from_raw_os_error(errno);
                return Some(News::Failed(explain(step, &error, &launched.program, work_dir)));
            }
        }
    }
    Some(match applied {
        Some(parts) => News::Running(parts),
        None => {
            News::Failed(failure(SpawnFailureKind::Other, "the process was killed before its program started", None))
        }
    })
}

fn explain(step: Step, error: &io::Error, program: &Path, work_dir: &Path) -> SpawnFailure {
    match step {
        Step::Session => failure_of(SpawnFailureKind::Other, "cannot make a session for the process", error),
        Step::Limits => failure_of(SpawnFailureKind::Other, "cannot set the limits of the process", error),
        Step::WorkDir => failure_of(
            SpawnFailureKind::WorkDir,
            &format!("cannot enter the working directory {}", work_dir.display()),
            error,
        ),
        Step::Execute => explain_execute(error, program),
    }
}

fn explain_execute(error: &io::Error, program: &Path) -> SpawnFailure {
    use SpawnFailureKind as Kind;
    let shown = program.display();
    let (kind, what) = match error.raw_os_error() {
        Some(libc::ENOENT) if program.exists() => match interpreter(program) {
            Some(name) => (Kind::InterpreterNotFound, format!("the interpreter {name} of {shown} is missing")),
            None => (Kind::InterpreterNotFound, format!("the program loader that {shown} asks for is missing")),
        },
        Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP) => {
            (Kind::ProgramNotFound, format!("cannot find the program {shown}"))
        }
        Some(libc::EACCES | libc::EPERM) => match interpreter(program) {
            Some(name) if is_executable(program) => {
                (Kind::ProgramNotExecutable, format!("{shown} or its interpreter {name} may not be executed"))
            }
            _ => (Kind::ProgramNotExecutable, format!("{shown} may not be executed")),
        },
        Some(libc::ENOEXEC) => (
            Kind::NotAProgram,
            format!("{shown} is neither a program for this machine nor a script that begins with #!"),
        ),
        Some(libc::ETXTBSY) => (Kind::ProgramBusy, format!("{shown} is being written")),
        Some(libc::E2BIG) => (Kind::ArgumentsTooLong, format!("arguments and environment of {shown} are too long")),
        Some(libc::ENOMEM | libc::EAGAIN | libc::EMFILE | libc::ENFILE) => {
            (Kind::OutOfResources, format!("cannot start {shown}"))
        }
        _ => (Kind::Other, format!("cannot start {shown}")),
    };
    failure_of(kind, &what, error)
}

/// The interpreter that a script names in its first line.
fn interpreter(program: &Path) -> Option<String> {
    let mut start = [0_u8; 256];
    let length = std::fs::File::open(program).ok()?.read(&mut start).ok()?;
    let line = start[..length].strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    String::from_utf8_lossy(line).split_whitespace().next().map(str::to_owned)
}

/// The path that is executed.
fn find_program(spec: &ChildSpec) -> Result<PathBuf, SpawnFailure> {
    let name = match &spec.program {
        Program::Own => return Ok(PathBuf::from("/proc/self/exe")),
        Program::Named(name) => name,
    };
    if name.as_os_str().as_bytes().contains(&b'/') {
        return Ok(spec.work_dir.join(name));
    }
    let path = spec.env.iter().find(|(key, _)| key == "PATH").map_or(DEFAULT_PATH, |(_, value)| value);
    let candidates = || path.split(':').filter(|folder| !folder.is_empty()).map(|folder| Path::new(folder).join(name));
    // As a shell does: the first that can be executed, else the first that is there.
    candidates().find(|file| is_executable(file)).or_else(|| candidates().find(|file| file.is_file())).ok_or_else(
        || {
            let text = format!("cannot find the program {} in {path}", name.display());
            failure(SpawnFailureKind::ProgramNotFound, &text, Some(libc::ENOENT))
        },
    )
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn failure(kind: SpawnFailureKind, text: &str, errno: Option<i32>) -> SpawnFailure {
    SpawnFailure { kind, text: text.to_owned(), errno }
}

fn failure_of(kind: SpawnFailureKind, what: &str, error: &io::Error) -> SpawnFailure {
    let text = error.to_string();
    let system = text.split(" (os error").next().unwrap_or(&text).to_lowercase();
    failure(kind, &format!("{what}: {system}"), error.raw_os_error())
}
