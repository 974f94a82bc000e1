//! The system-call filter of a sandboxed tool, as the classic BPF program that the kernel runs before each call.
//!
//! It refuses what no tool of a log service needs: loading kernel code, changing clocks, mounts and swap. Without
//! network it also refuses every socket that is not a local one, and `io_uring`, which could open one unseen. A refused
//! call fails with an error number; nothing is killed by the filter. The other word size of the machine is filtered
//! for sockets too, and x32 calls, which would be a way around, do not exist.

use libc::{
    AF_UNIX, BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, EACCES, ENOSYS, EPERM,
    SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, c_long, sock_filter,
};

/// Offsets in the kernel's `struct seccomp_data`; the low half of an argument comes first on the machines below.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;

/// The numbers of one machine's calls.
struct Machine {
    /// `AUDIT_ARCH_*` of programs of the full word size.
    native: u32,
    /// `AUDIT_ARCH_*` of programs of the half word size.
    compat: u32,
    /// `socket` for the latter.
    compat_socket: u32,
    /// `socketcall` for the latter, whose first argument 1 means `socket`.
    compat_socketcall: Option<u32>,
    /// Calls from this number on are another binary interface and do not exist for a tool.
    foreign_from: Option<u32>,
}

#[cfg(target_arch = "x86_64")]
const MACHINE: Option<Machine> = Some(Machine {
    native: 0xC000_003E,
    compat: 0x4000_0003,
    compat_socket: 359,
    compat_socketcall: Some(102),
    foreign_from: Some(0x4000_0000),
});

#[cfg(target_arch = "aarch64")]
const MACHINE: Option<Machine> = Some(Machine {
    native: 0xC000_00B7,
    compat: 0x4000_0028,
    compat_socket: 281,
    compat_socketcall: None,
    foreign_from: None,
});

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const MACHINE: Option<Machine> = None;

/// The same number on all machines.
const IO_URING_SETUP: u32 = 425;

/// What no tool needs. Most of it takes rights that a tool has lost already; the filter makes it certain.
const REFUSED: &[c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_init_module,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pivot_root,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_umount2,
    libc::SYS_userfaultfd,
];

/// The filter, or `None` on a kind of machine whose call numbers are not known here.
pub(super) fn filter(network: bool) -> Option<Vec<sock_filter>> {
    let machine = MACHINE?;
    let mut compat = Vec::new();
    if !network {
        compat.push(load(NUMBER));
        compat.extend(refuse_if(machine.compat_socket, EACCES));
        compat.extend(refuse_if(IO_URING_SETUP, EPERM));
        if let Some(socketcall) = machine.compat_socketcall {
            compat.extend([jump(BPF_JEQ, socketcall, 0, 3), load(FIRST_ARGUMENT)]);
            compat.extend(refuse_if(1, EACCES));
        }
    }
    compat.push(allow());

    let compat_length = u8::try_from(compat.len()).expect("the filter of the half word size is short");
    let mut program = vec![load(ARCHITECTURE), jump(BPF_JEQ, machine.native, compat_length + 2, 0)];
    // A third architecture cannot run on this machine; if it does, nothing of it is known and nothing is allowed.
    program.extend([jump(BPF_JEQ, machine.compat, 1, 0), refuse(ENOSYS)]);
    program.extend(compat);
    program.push(load(NUMBER));
    if let Some(foreign) = machine.foreign_from {
        program.extend([jump(BPF_JGE, foreign, 0, 1), refuse(ENOSYS)]);
    }
    if !network {
        program.extend([
            jump(BPF_JEQ, number(libc::SYS_socket), 0, 4),
            load(FIRST_ARGUMENT),
            jump(BPF_JEQ, AF_UNIX.unsigned_abs(), 0, 1),
            allow(),
            refuse(EACCES),
        ]);
        program.extend(refuse_if(IO_URING_SETUP, EPERM));
    }
    for call in REFUSED {
        program.extend(refuse_if(number(*call), EPERM));
    }
    program.push(allow());
    Some(program)
}

fn number(call: c_long) -> u32 {
    u32::try_from(call).expect("call numbers are small")
}

fn refuse_if(value: u32, errno: i32) -> [sock_filter; 2] {
    [jump(BPF_JEQ, value, 0, 1), refuse(errno)]
}

fn load(offset: u32) -> sock_filter {
    statement(BPF_LD | BPF_W | BPF_ABS, offset)
}

fn allow() -> sock_filter {
    statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
}

fn refuse(errno: i32) -> sock_filter {
    statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | errno.unsigned_abs())
}

fn statement(code: u32, value: u32) -> sock_filter {
    sock_filter { code: code16(code), jt: 0, jf: 0, k: value }
}

fn jump(condition: u32, value: u32, when_true: u8, when_false: u8) -> sock_filter {
    sock_filter { code: code16(BPF_JMP | condition | BPF_K), jt: when_true, jf: when_false, k: value }
}

fn code16(code: u32) -> u16 {
    u16::try_from(code).expect("instruction codes have 16 bits")
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    /// What the kernel would do: the value that the program returns for one call.
    fn answer(program: &[sock_filter], architecture: u32, call: u32, argument: u32) -> u32 {
        let mut at = 0;
        let mut accumulator = 0;
        for _ in 0..program.len() {
            let step = program[at];
            at += 1;
            let taken = match u32::from(step.code) {
                code if code == BPF_LD | BPF_W | BPF_ABS => {
                    accumulator = match step.k {
                        NUMBER => call,
                        ARCHITECTURE => architecture,
                        FIRST_ARGUMENT => argument,
                        other => panic!("no field at {other}"),
                    };
                    continue;
                }
                code if code == BPF_RET | BPF_K => return step.k,
                code if code == BPF_JMP | BPF_JEQ | BPF_K => accumulator == step.k,
                code if code == BPF_JMP | BPF_JGE | BPF_K => accumulator >= step.k,
                other => panic!("unknown instruction {other:#x}"),
            };
            at += usize::from(if taken { step.jt } else { step.jf });
        }
        panic!("the program does not end");
    }

    fn errno(number: i32) -> u32 {
        SECCOMP_RET_ERRNO | number.unsigned_abs()
    }

    #[test]
    fn only_local_sockets_are_left_without_network() {
        let closed = filter(false).unwrap();
        let open = filter(true).unwrap();
        let (native, compat, x32) = (0xC000_003E, 0x4000_0003, 0x4000_0000);
        let (inet, inet6, netlink, unix) = (2, 10, 16, 1);
        for (architecture, call, argument, expected) in [
            (native, 41, inet, errno(EACCES)),
            (native, 41, inet6, errno(EACCES)),
            (native, 41, netlink, errno(EACCES)),
            (native, 41, unix, SECCOMP_RET_ALLOW),
            (native, 425, 0, errno(EPERM)),
            (native, x32 + 41, inet, errno(ENOSYS)),
            (native, 53, inet, SECCOMP_RET_ALLOW),
            (native, 0, 3, SECCOMP_RET_ALLOW),
            (native, 59, 0, SECCOMP_RET_ALLOW),
            (compat, 359, inet, errno(EACCES)),
            (compat, 102, 1, errno(EACCES)),
            (compat, 102, 8, SECCOMP_RET_ALLOW),
            (compat, 425, 0, errno(EPERM)),
            (compat, 3, 0, SECCOMP_RET_ALLOW),
            (0x1234, 0, 0, errno(ENOSYS)),
        ] {
            assert_eq!(answer(&closed, architecture, call, argument), expected, "{architecture:#x} {call} {argument}");
        }
        assert_eq!(answer(&open, native, 41, inet), SECCOMP_RET_ALLOW);
        assert_eq!(answer(&open, native, 425, 0), SECCOMP_RET_ALLOW);
        assert_eq!(answer(&open, compat, 102, 1), SECCOMP_RET_ALLOW);
    }

    #[test]
    fn kernel_code_clocks_and_mounts_are_refused_with_and_without_network() {
        for program in [filter(false).unwrap(), filter(true).unwrap()] {
            for call in REFUSED {
                assert_eq!(answer(&program, 0xC000_003E, number(*call), 0), errno(EPERM), "{call}");
            }
        }
    }
}
