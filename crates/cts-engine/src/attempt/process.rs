//! The service's side of a supervised process: start the supervisor, give it its [`ChildSpec`], read its reports, give
//! it orders.
//!
//! This and `supervisor.rs` are the only places that start processes. Nothing here blocks the runtime. Invariants:
//! dropping a [`RunningChild`] ends everything below it, because the supervisor sees the socket close; a supervisor
//! that dies on its own is noticed, and what it leaves is found by its mark and ended.

mod marks;

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, PidfdFlags, Signal};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;

use crate::supervisor::{
    ChildSpec, MARK_VARIABLE, Order, REPORT_BYTES_MAX, Report, SPEC_BYTES_MAX, SUPERVISE_ARGUMENT,
};

pub use marks::{EndedMarked, MarkedProcess, ProcessId, end_marked, find_marked};

/// How long the search for what a dead supervisor left may take.
pub const LEFTOVER_PATIENCE: Duration = Duration::from_secs(10);

/// Why no supervisor could be started. A program that a supervisor cannot start is [`Report::SpawnFailed`].
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// No pipe, socket or thread is to be had.
    #[error("cannot prepare the start of a process")]
    Prepare(#[source] io::Error),
    /// The supervisor's binary cannot be executed.
    #[error("cannot start the supervisor {program}")]
    Start {
        /// The binary.
        program: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// The specification cannot be written down: a path is not UTF-8, or it is too long.
    #[error("cannot describe the process to its supervisor: {reason}")]
    Spec {
        /// What is wrong with it.
        reason: String,
    },
    /// The supervisor ended before it took its specification.
    #[error("the supervisor {program} does not listen")]
    Handshake {
        /// The binary.
        program: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
}

/// The binary of this process, also when the file has been replaced since it started.
pub fn running_binary() -> PathBuf {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() { own } else { std::env::current_exe().unwrap_or(own) }
}

/// What the program writes. Each ends when the last process that holds it has ended.
#[derive(Debug)]
pub struct ChildOutput {
    /// Standard output.
    pub stdout: Receiver,
    /// Standard error.
    pub stderr: Receiver,
}

/// What the service learns of a supervised process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChildNews {
    /// The supervisor reports.
    Report(Report),
    /// The supervisor died. What it left was ended; this is the last news.
    SupervisorLost(EndedMarked),
}

/// A process below a supervisor. Dropping it ends the process and all its descendants.
#[derive(Debug)]
pub struct RunningChild {
    socket: UnixStream,
    received: BytesMut,
    supervisor: Supervisor,
    mark: String,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Reports come.
    Live,
    /// The supervisor died; its leftovers are being ended.
    EndingLeftovers(JoinHandle<EndedMarked>),
    /// The last news was given.
    Over,
}

/// The supervisor as a process. Kernels before 5.3 have no descriptor for one; then it cannot be killed from here.
#[derive(Clone, Debug)]
struct Supervisor(Option<Arc<OwnedFd>>);

/// Starts a supervisor and hands it the specification. `supervisor` is a binary that calls
/// [`crate::supervisor::run_if_supervisor`], normally [`running_binary`].
pub async fn spawn(spec: &ChildSpec, supervisor: &Path) -> Result<(RunningChild, ChildOutput), SpawnError> {
    let frame = frame(spec)?;
    let program = supervisor.to_owned();
    let mark = spec.mark.clone();
    let started = tokio::task::spawn_blocking(move || start(&program, &mark)).await;
    let started = started.map_err(|error| SpawnError::Prepare(io::Error::other(error)))??;

    let child_process = started.process.keep_reaped();
    let mut socket = UnixStream::from_std(started.socket).map_err(SpawnError::Prepare)?;
    let stdout = Receiver::from_owned_fd(started.stdout).map_err(SpawnError::Prepare)?;
    let stderr = Receiver::from_owned_fd(started.stderr).map_err(SpawnError::Prepare)?;
    socket
        .write_all(&frame)
        .await
        .map_err(|source| SpawnError::Handshake { program: supervisor.to_owned(), source })?;
    let child = RunningChild {
        socket,
        received: BytesMut::new(),
        supervisor: child_process,
        mark: spec.mark.clone(),
        state: State::Live,
    };
    Ok((child, ChildOutput { stdout, stderr }))
}

fn frame(spec: &ChildSpec) -> Result<Vec<u8>, SpawnError> {
    let text = serde_json::to_vec(spec).map_err(|error| SpawnError::Spec { reason: error.to_string() })?;
    let length =
        u32::try_from(text.len()).ok().filter(|length| usize::try_from(*length).is_ok_and(|n| n <= SPEC_BYTES_MAX));
    let Some(length) = length else {
        return Err(SpawnError::Spec { reason: format!("it has more than {SPEC_BYTES_MAX} bytes") });
    };
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend(text);
    Ok(frame)
}

/// A supervisor that was executed, with the service's ends of its three channels.
struct Started {
    process: StartedProcess,
    socket: std::os::unix::net::UnixStream,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

struct StartedProcess(std::process::Child);

/// Blocks until the binary is executed. All descriptors close on `exec`; the three that the supervisor gets are its
/// standard ones, so that nothing can leak into a process that starts at the same moment.
#[expect(clippy::disallowed_methods, reason = "this is the one place that starts supervisors")]
fn start(program: &Path, mark: &str) -> Result<Started, SpawnError> {
    let (socket, theirs) = std::os::unix::net::UnixStream::pair().map_err(SpawnError::Prepare)?;
    socket.set_nonblocking(true).map_err(SpawnError::Prepare)?;
    let pipe = || rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(|error| SpawnError::Prepare(error.into()));
    let (stdout, their_stdout) = pipe()?;
    let (stderr, their_stderr) = pipe()?;
    let mut command = std::process::Command::new(program);
    // The second argument is for the people who look at the list of processes.
    command.arg0(shown_name()).arg(SUPERVISE_ARGUMENT).arg(mark).env_clear().env(MARK_VARIABLE, mark);
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    command.stdout(Stdio::from(their_stdout)).stderr(Stdio::from(their_stderr));
    let process = command.spawn().map_err(|source| SpawnError::Start { program: program.to_owned(), source })?;
    Ok(Started { process: StartedProcess(process), socket, stdout, stderr })
}

fn shown_name() -> String {
    let own = std::env::current_exe().ok();
    let name = own.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
    name.map_or("cts", |name| name.trim_end_matches(" (deleted)")).to_owned()
}

impl StartedProcess {
    /// Has the process reaped when it ends, whatever becomes of the [`RunningChild`].
    fn keep_reaped(self) -> Supervisor {
        let mut process = self.0;
        let pid = Pid::from_child(&process);
        let descriptor = rustix::process::pidfd_open(pid, PidfdFlags::NONBLOCK).ok().map(Arc::new);
        let watched = descriptor.clone().and_then(watch);
        tokio::spawn(async move {
            match watched {
                Some(watched) => {
                    let _ = watched.readable().await;
                    let _ = process.try_wait();
                }
                None => {
                    let _ = tokio::task::spawn_blocking(move || process.wait()).await;
                }
            }
        });
        Supervisor(descriptor)
    }
}

/// A descriptor of a process becomes readable when the process ends.
#[expect(unsafe_code, reason = "tokio leaves it to its callers that a watched descriptor stays open")]
fn watch(process: Arc<OwnedFd>) -> Option<AsyncFd<Arc<OwnedFd>>> {
    // SAFETY: the returned value owns a share of the descriptor, which is never exchanged and closes after it.
    unsafe { AsyncFd::register_with_interest(process, Interest::READABLE) }.ok()
}

impl Supervisor {
    fn kill(&self) {
        if let Some(process) = &self.0 {
            // It may have ended already.
            let _ = rustix::process::pidfd_send_signal(process, Signal::KILL);
        }
    }
}

impl RunningChild {
    /// The next news, or `None` after the last. May be dropped and called again without losing any.
    pub async fn next_news(&mut self) -> Option<ChildNews> {
        loop {
            match &mut self.state {
                State::Over => return None,
                State::EndingLeftovers(work) => {
                    let ended = work.await.unwrap_or_default();
                    self.state = State::Over;
                    return Some(ChildNews::SupervisorLost(ended));
                }
                State::Live => {}
            }
            if let Some(report) = self.received_report() {
                if matches!(report, Report::SpawnFailed(_) | Report::Ended(_)) {
                    self.state = State::Over;
                }
                return Some(ChildNews::Report(report));
            }
            if !matches!(self.state, State::Live) {
                continue;
            }
            let is_too_long = self.received.len() > REPORT_BYTES_MAX;
            if is_too_long || !self.socket.read_buf(&mut self.received).await.is_ok_and(|length| length > 0) {
                self.end_leftovers();
            }
        }
    }

    /// A complete line, if there is one. A line that is no report is what a supervisor never sends: it counts as lost.
    fn received_report(&mut self) -> Option<Report> {
        let end = self.received.iter().position(|byte| *byte == b'\n')?;
        let report = serde_json::from_slice(&self.received[..end]).ok();
        self.received.advance(end + 1);
        if report.is_none() {
            self.end_leftovers();
        }
        report
    }

    fn end_leftovers(&mut self) {
        self.supervisor.kill();
        let mark = self.mark.clone();
        let work = tokio::task::spawn_blocking(move || end_marked(|found| found == mark, LEFTOVER_PATIENCE));
        self.state = State::EndingLeftovers(work);
    }

    /// Asks all processes to end; the supervisor kills them after the grace period.
    pub fn terminate(&self) {
        self.order(Order::Terminate);
    }

    /// Kills all processes.
    pub fn kill(&self) {
        self.order(Order::Kill);
    }

    /// Kills the supervisor too and ends everything that carries the mark: for a supervisor that does not answer. The
    /// news that follow end with [`ChildNews::SupervisorLost`].
    pub fn destroy(&mut self) {
        if matches!(self.state, State::Live) {
            self.end_leftovers();
        }
    }

    /// A byte always fits, because a supervisor takes far fewer orders than a socket holds; a supervisor that is gone
    /// needs none.
    fn order(&self, order: Order) {
        let _ = self.socket.try_write(&[order.byte()]);
    }
}
