//! The small program below which each attempt runs: the own binary, executed again.
//!
//! A supervisor starts one program in a sandbox and with limits, watches it and everything that descends from it, and
//! ends all of it when the program ends, when the service says so, or when the service is gone. It has one thread, no
//! runtime and no settings of its own: everything comes in one [`ChildSpec`] through its standard input, which is a
//! socket to the service. The service's side is `attempt/process.rs`.
//!
//! Invariants: no descendant survives a supervisor that can still run; whatever survives one that was killed carries
//! [`MARK_VARIABLE`] in its environment.

mod cgroup;
mod kernel;
mod launch;
mod output_size;
mod protocol;
mod sandbox;
mod seccomp;
pub(crate) mod tree;
mod watch;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use rustix::fs::{Mode, OFlags};

pub use cgroup::prepare as prepare_cgroup;
pub use protocol::{
    ChildLimits, ChildSpec, Ending, Exit, Isolation, IsolationLevel, LimitName, MARK_VARIABLE, Order, Program,
    REPORT_BYTES_MAX, Report, SPEC_BYTES_MAX, SUPERVISE_ARGUMENT, Sandbox, SpawnFailure, SpawnFailureKind,
};

use cgroup::Cgroup;
use watch::Watch;

/// Becomes a supervisor when the arguments say so and returns its exit status; `None` for every other start.
///
/// Every binary that may be a supervisor (see [`crate::attempt::process::running_binary`]) calls this first in `main`,
/// before it makes a thread, reads its environment or writes anything.
pub fn run_if_supervisor() -> Option<ExitCode> {
    (std::env::args_os().nth(1)? == SUPERVISE_ARGUMENT).then(|| match supervise() {
        Ok(()) => ExitCode::SUCCESS,
        // The service learns it from the closed socket; there is nobody else to tell.
        Err(_) => ExitCode::FAILURE,
    })
}

/// What this machine can enforce for a tool, found without restricting anything. `cgroup_is_delegated` tells whether
/// [`prepare_cgroup`] found a folder.
pub fn probe(cgroup_is_delegated: bool) -> Isolation {
    sandbox::probe(cgroup_is_delegated)
}

fn supervise() -> io::Result<()> {
    // Own session first: a Ctrl-C in the service's terminal is for the service.
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    let _ = rustix::thread::set_name(c"cts-supervise");
    let children = kernel::signals_of_children()?;
    let mut service = UnixStream::from(kernel::take_standard_input()?);
    let spec = match receive_spec(&mut service) {
        Ok(spec) => spec,
        Err(error) => {
            let text = format!("the supervisor does not understand the service: {error}");
            let failure = SpawnFailure { kind: SpawnFailureKind::Protocol, text, errno: error.raw_os_error() };
            return send_failure(&mut service, failure);
        }
    };
    // Without a group the limits are sampled, which the run says of itself.
    let cgroup = spec.cgroup_base.as_deref().and_then(|base| Cgroup::create(base, &spec.mark, &spec.limits).ok());
    let launched = match launch::launch(&spec, cgroup.as_ref()) {
        Ok(launched) => launched,
        Err(failure) => {
            if let Some(cgroup) = cgroup {
                let _ = cgroup.remove();
            }
            return send_failure(&mut service, failure);
        }
    };
    // The output pipes belong to the program alone: they end when its last process does.
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    for standard in 0..=2 {
        kernel::place_as(std::os::fd::AsFd::as_fd(&null), standard)?;
    }
    Watch::new(&spec, service, children, launched, cgroup).run();
    Ok(())
}

/// A specification is its length in four bytes, then JSON.
fn receive_spec(service: &mut UnixStream) -> io::Result<ChildSpec> {
    let mut length = [0_u8; 4];
    service.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > SPEC_BYTES_MAX {
        return Err(io::Error::other("the specification is too long"));
    }
    let mut text = vec![0_u8; length];
    service.read_exact(&mut text)?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}

fn send_failure(service: &mut UnixStream, failure: SpawnFailure) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Report::SpawnFailed(failure)).map_err(io::Error::other)?;
    line.push(b'\n');
    service.write_all(&line)
}
