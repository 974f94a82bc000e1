//! The system calls of the supervisor that have no safe wrapper: each with the one use that is made of it here.
//!
//! All that runs between `fork` and `exec` is here or is called with everything prepared. The supervisor has a single
//! thread, so that the child of its `fork` is a complete process and may even allocate.

#![expect(unsafe_code, reason = "these system calls have no safe wrapper")]

use std::ffi::{CString, c_char};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_long, c_uint, c_ulong, c_void, sock_filter};

use super::protocol::Exit;

/// The outcome of one look for ended children.
pub(super) enum Reaped {
    /// This child ended.
    Child(i32, Exit),
    /// There are children, and none of them ended.
    NoneEnded,
    /// There is no child, hence no descendant.
    NoChildren,
}

/// Reaps one ended child, if there is one.
pub(super) fn reap() -> Reaped {
    loop {
        let mut status: c_int = 0;
        // SAFETY: `status` is a valid place for the result.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        match pid {
            0 => return Reaped::NoneEnded,
            pid if pid > 0 && libc::WIFEXITED(status) => {
                return Reaped::Child(pid, Exit::Code(libc::WEXITSTATUS(status)));
            }
            pid if pid > 0 && libc::WIFSIGNALED(status) => {
                return Reaped::Child(pid, Exit::Signal(libc::WTERMSIG(status)));
            }
            pid if pid > 0 => {}
            _ if io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => {}
            _ => return Reaped::NoChildren,
        }
    }
}

/// Processor time in milliseconds and the largest resident size in bytes of all reaped descendants.
pub(super) fn reaped_usage() -> (u64, u64) {
    // SAFETY: all zero is a valid `rusage`, and the call fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let millis = |time: libc::timeval| {
        u64::try_from(time.tv_sec).unwrap_or(0) * 1000 + u64::try_from(time.tv_usec).unwrap_or(0) / 1000
    };
    let kibibytes = u64::try_from(usage.ru_maxrss).unwrap_or(0);
    (millis(usage.ru_utime).saturating_add(millis(usage.ru_stime)), kibibytes.saturating_mul(1024))
}

/// How many clock ticks a second has in `/proc`.
pub(super) fn ticks_a_second() -> u64 {
    // SAFETY: the call only returns a number.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).unwrap_or(100).max(1)
}

/// How many tasks the whole machine has, modulo 65 536: the cheapest sign that something multiplies.
pub(super) fn machine_tasks() -> u16 {
    // SAFETY: all zero is a valid `sysinfo`, and the call fills it.
    unsafe {
        let mut info: libc::sysinfo = std::mem::zeroed();
        libc::sysinfo(&raw mut info);
        info.procs
    }
}

/// The size of a page of memory.
pub(super) fn page_bytes() -> u64 {
    // SAFETY: the call only returns a number.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096).max(1)
}

/// Blocks all signals, so that only the service decides when a supervisor ends, and returns a descriptor that is
/// readable when a child ended.
pub(super) fn signals_of_children() -> io::Result<OwnedFd> {
    // SAFETY: the sets are valid places that are filled before they are used; a returned descriptor is owned by nobody
    // else.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
        let mut of_children: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut of_children);
        libc::sigaddset(&raw mut of_children, libc::SIGCHLD);
        // An ignored SIGCHLD, which a service may have inherited, would reap children unseen.
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        let fd = libc::signalfd(-1, &raw const of_children, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}

/// Gives a process that is about to become a tool the signal settings that a program expects.
pub(super) fn reset_signals() {
    // SAFETY: the set is a valid place that is filled before it is used; changing dispositions of this process is all
    // that happens.
    unsafe {
        for signal in 1..32 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Makes a child process; returns its pid, and `None` in the child.
pub(super) fn fork() -> io::Result<Option<i32>> {
    // SAFETY: the supervisor has a single thread, so that no lock can be held by a thread that the child lacks.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        pid => Ok(Some(pid)),
    }
}

/// Ends the process at once, without the work that a normal end does: it belongs to the parent.
pub(super) fn end_now(status: i32) -> ! {
    // SAFETY: the call does not return.
    unsafe { libc::_exit(status) }
}

/// Replaces the process by a program. Returns only when that failed.
pub(super) fn execute(program: &CString, args: &[CString], env: &[CString]) -> io::Error {
    let pointers = |strings: &[CString]| -> Vec<*const c_char> {
        strings.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: all strings end with NUL, both lists end with null, and they live until the call returns.
    unsafe { libc::execve(program.as_ptr(), args.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

/// Makes `fd` also available as the standard descriptor `target`.
pub(super) fn place_as(fd: BorrowedFd<'_>, target: RawFd) -> io::Result<()> {
    // SAFETY: `fd` is open; the target is one of the three standard descriptors, whose old meaning is given up.
    if unsafe { libc::dup2(fd.as_raw_fd(), target) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Moves standard input away from its place, so that no later use of the standard library meets the socket there.
pub(super) fn take_standard_input() -> io::Result<OwnedFd> {
    // SAFETY: the returned descriptor is new and owned by nobody else.
    unsafe {
        let fd = libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 3);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}

/// All descriptors but the standard ones end with the next `exec`.
pub(super) fn close_others_on_exec() {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: only a flag of the process's own descriptors is changed.
    if unsafe { libc::syscall(libc::SYS_close_range, 3 as c_uint, c_uint::MAX, flags) } == 0 {
        return;
    }
    for fd in 3..4096 {
        // SAFETY: as above; a number that is not open gives an error, which is fine.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// Sets a limit for this process and what it becomes. A limit above the one that is inherited keeps the inherited one.
pub(super) fn limit(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) -> io::Result<()> {
    // SAFETY: `old` is a valid place for the result, `new` is valid.
    unsafe {
        let mut old: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(resource, &raw mut old);
        let new = libc::rlimit { rlim_cur: soft.min(old.rlim_max), rlim_max: hard.min(old.rlim_max) };
        if libc::setrlimit(resource, &raw const new) == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// The version of Landlock that the kernel enforces, 0 when there is none.
pub(super) fn landlock_version() -> u32 {
    const VERSION: c_uint = 1;
    // SAFETY: with this flag and without attributes the call only returns a number.
    let version: c_long =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<c_void>(), 0_usize, VERSION) };
    u32::try_from(version).unwrap_or(0)
}

/// Whether the kernel has system-call filters that can refuse a call.
pub(super) fn has_filters() -> bool {
    let action: u32 = libc::SECCOMP_RET_ERRNO;
    let operation = libc::SECCOMP_GET_ACTION_AVAIL;
    // SAFETY: `action` is a valid place to read from; nothing is changed.
    unsafe { libc::syscall(libc::SYS_seccomp, operation, 0 as c_uint, &raw const action) == 0 }
}

/// Puts a system-call filter on this process for ever. It must have given up new privileges before.
pub(super) fn install_filter(filter: &[sock_filter]) -> bool {
    let Ok(len) = u16::try_from(filter.len()) else { return false };
    let program = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
    let install = |flags: c_ulong| {
        // SAFETY: the program describes a valid list that the kernel only reads.
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) == 0 }
    };
    // The flag keeps the processor at full speed; kernels before 4.17 do not know it.
    install(libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW) || install(0)
}

/// Takes all capabilities away that are not in `kept`. An ordinary user has none to lose.
pub(super) fn limit_capabilities(kept: u64) {
    const VERSION_3: u32 = 0x2008_0522;
    #[repr(C)]
    struct Header {
        version: u32,
        pid: c_int,
    }
    #[repr(C)]
    #[derive(Clone, Copy, PartialEq, Eq)]
    struct Half {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    let none = Half { effective: 0, permitted: 0, inheritable: 0 };
    let mut header = Header { version: VERSION_3, pid: 0 };
    let mut halves = [none; 2];
    // SAFETY: header and halves have the layout of version 3, which takes two halves.
    unsafe {
        if libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) != 0 || halves == [none; 2] {
            return;
        }
        let low = u32::try_from(kept & u64::from(u32::MAX)).unwrap_or(0);
        let high = u32::try_from(kept >> 32).unwrap_or(0);
        for (half, kept) in halves.iter_mut().zip([low, high]) {
            half.effective &= kept;
            half.permitted &= kept;
            half.inheritable = 0;
        }
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL as c_ulong,
            0 as c_ulong,
            0 as c_ulong,
            0 as c_ulong,
        );
        libc::syscall(libc::SYS_capset, &raw mut header, halves.as_ptr());
    }
}
