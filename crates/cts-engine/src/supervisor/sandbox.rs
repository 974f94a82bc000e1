//! What a sandboxed tool may reach, and how the kernel is told: Landlock rules, the system-call filter, capabilities.
//!
//! [`Prepared::new`] runs in the supervisor and opens everything that is granted. [`Prepared::apply`] runs in the
//! tool's process before the program and only makes system calls. What the kernel cannot do is not an error: it is
//! named in the [`Isolation`] of the run. The supervisor itself is never restricted.
//!
//! Invariant: a private folder is never granted as part of a larger one.

use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    Scope,
};
use libc::sock_filter;
use rustix::fs::{FileType, Mode, OFlags};

use super::protocol::{ChildSpec, Isolation, Program, Sandbox};
use super::{kernel, seccomp};

/// The newest Landlock version whose meaning is known here; an older kernel enforces what it can.
const LANDLOCK_VERSION: ABI = ABI::V9;

/// A folder with more entries is not granted around a private folder inside it.
const ENTRIES_AROUND_MAX: usize = 4_096;

/// Programs, libraries, and what they look at on any system. Nothing here may hold a secret.
const SYSTEM_READABLE: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/run/current-system/sw",
    "/proc",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
    "/var/cache/fontconfig",
    "/var/lib/ca-certificates",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/fonts",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/locale.alias",
    "/etc/locale.conf",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mailcap",
    "/etc/mime.types",
    "/etc/networks",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/perl",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/cert.pem",
    "/etc/protocols",
    "/etc/python3",
    "/etc/resolv.conf",
    "/etc/rpc",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
    "/etc/timezone",
];

/// What only a tool with network looks at.
const NETWORK_READABLE: &[&str] = &["/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf"];

/// Devices without a state of their own, which every program may expect.
const SYSTEM_DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Capabilities that a tool of a service that runs as root keeps: those that concern files, which Landlock bounds.
const KEPT_CAPABILITIES: u64 = capability(0) | capability(1) | capability(2) | capability(3) | capability(4);

/// Capabilities that a tool with network keeps besides: ports below 1024 and raw sockets.
const KEPT_NETWORK_CAPABILITIES: u64 = capability(10) | capability(13);

const fn capability(number: u32) -> u64 {
    1 << number
}

/// A sandbox that is ready to be put on.
pub(super) struct Prepared {
    landlock: Option<RulesetCreated>,
    filter: Option<Vec<sock_filter>>,
    capabilities: u64,
}

/// Which parts of the sandbox the kernel accepted; crosses from the tool's process to the supervisor as one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) landlock: bool,
    pub(super) filter: bool,
}

impl Prepared {
    /// Opens everything that is granted to the program at `program_path`.
    pub(super) fn new(spec: &ChildSpec, program_path: &Path) -> Self {
        let sandbox = &spec.sandbox;
        let network = if sandbox.network { KEPT_NETWORK_CAPABILITIES } else { 0 };
        Self {
            landlock: landlock_rules(spec, program_path),
            filter: seccomp::filter(sandbox.network),
            capabilities: KEPT_CAPABILITIES | network,
        }
    }

    /// Restricts the calling process for ever. What the kernel refuses to apply is left out and told.
    pub(super) fn apply(self) -> Applied {
        kernel::limit_capabilities(self.capabilities);
        let landlock = self.landlock.is_some_and(|rules| rules.restrict_self().is_ok());
        let filter = self.filter.is_some_and(|filter| kernel::install_filter(&filter));
        Applied { landlock, filter }
    }
}

fn landlock_rules(spec: &ChildSpec, program_path: &Path) -> Option<RulesetCreated> {
    if kernel::landlock_version() == 0 {
        return None;
    }
    let sandbox = &spec.sandbox;
    let mut ruleset = Ruleset::default().handle_access(AccessFs::from_all(LANDLOCK_VERSION)).ok()?;
    ruleset = ruleset.scope(Scope::AbstractUnixSocket | Scope::Signal).ok()?;
    if !sandbox.network {
        ruleset = ruleset.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp).ok()?;
    }
    let mut rules = Rules { created: ruleset.create().ok()?, private: private_folders(sandbox) };

    for path in SYSTEM_READABLE {
        rules.allow(Path::new(path), read_rights());
    }
    if sandbox.network {
        for path in NETWORK_READABLE {
            rules.allow(Path::new(path), read_rights());
        }
    }
    match &spec.program {
        Program::Own => rules.allow_file(Path::new("/proc/self/exe"), read_rights()),
        Program::Named(_) => {
            for grant in program_grants(program_path, home_folder().as_deref(), &rules.private) {
                rules.allow(&grant, read_rights());
            }
        }
    }
    for path in &sandbox.readable {
        rules.allow(path, read_rights());
    }
    for path in &sandbox.writable {
        rules.allow(path, write_rights());
    }
    for path in SYSTEM_DEVICES.iter().map(Path::new).chain(sandbox.devices.iter().map(PathBuf::as_path)) {
        rules.allow_file(path, device_rights());
    }
    Some(rules.created)
}

/// Rules under construction.
struct Rules {
    created: RulesetCreated,
    private: Vec<PathBuf>,
}

impl Rules {
    /// A file or folder with all that is below it; around private folders when there are some inside.
    fn allow(&mut self, path: &Path, rights: BitFlags<AccessFs>) {
        let Some((opened, canonical)) = open(path) else { return };
        if canonical != path && canonical.starts_with("/usr") && path.parent() == Some(Path::new("/")) {
            // Where `/bin` and the like are links into `/usr`, their own rule would say nothing new.
            return;
        }
        if self.private.iter().all(|private| !private.starts_with(&canonical)) {
            self.add(opened, rights);
            return;
        }
        for (opened, _) in around_private(&canonical, &self.private).iter().filter_map(|path| open(path)) {
            self.add(opened, rights);
        }
    }

    /// A file under whatever name.
    fn allow_file(&mut self, path: &Path, rights: BitFlags<AccessFs>) {
        if let Some((opened, _)) = open(path) {
            self.add(opened, rights);
        }
    }

    /// A kernel that refuses a rule grants less, which is no danger.
    fn add(&mut self, opened: OwnedFd, rights: BitFlags<AccessFs>) {
        let rights = if is_folder(&opened) { rights } else { rights & AccessFs::from_file(LANDLOCK_VERSION) };
        let _ = (&mut self.created).add_rule(PathBeneath::new(opened, rights));
    }
}

/// Opens what is granted and tells its one true name, which is asked of the descriptor so that nobody can exchange the
/// path in between. What does not exist needs no rule.
fn open(path: &Path) -> Option<(OwnedFd, PathBuf)> {
    let opened = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let canonical = std::fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd())).ok()?;
    Some((opened, canonical))
}

fn is_folder(opened: &OwnedFd) -> bool {
    rustix::fs::fstat(opened).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

fn read_rights() -> BitFlags<AccessFs> {
    AccessFs::from_read(LANDLOCK_VERSION)
}

/// All but making devices.
fn write_rights() -> BitFlags<AccessFs> {
    let mut rights = AccessFs::from_all(LANDLOCK_VERSION);
    rights.remove(AccessFs::MakeChar | AccessFs::MakeBlock);
    rights
}

fn device_rights() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::WriteFile | AccessFs::IoctlDev
}

/// What is granted for a program: its folder under both of its names (a link in `bin` may lead elsewhere), and the
/// whole of a Python environment. Where the folder is the home directory, the root, or around or inside of a private
/// folder, the program alone.
fn program_grants(program: &Path, home: Option<&Path>, private: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut grants = BTreeSet::new();
    let canonical = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    for name in [program, &canonical] {
        let Some(folder) = name.parent() else { continue };
        let is_too_much = folder.parent().is_none()
            || home.is_some_and(|home| home.starts_with(folder))
            || private.iter().any(|private| private.starts_with(folder) || folder.starts_with(private));
        if is_too_much {
            grants.insert(name.to_owned());
            continue;
        }
        grants.insert(folder.to_owned());
        if let Some(environment) = folder.parent().filter(|parent| parent.join("pyvenv.cfg").is_file()) {
            grants.insert(environment.to_owned());
        }
    }
    grants
}

/// The entries of a folder without those that are or hold something private, as deep as needed.
fn around_private(folder: &Path, private: &[PathBuf]) -> Vec<PathBuf> {
    if private.iter().any(|private| private == folder) {
        return Vec::new();
    }
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).take(ENTRIES_AROUND_MAX + 1).collect();
    if paths.len() > ENTRIES_AROUND_MAX {
        return Vec::new();
    }
    let (around, inside): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| private.iter().all(|private| !private.starts_with(path)));
    // A link inside of the folder could lead to something private under another name; its target needs its own rule.
    let around = around.into_iter().filter(|path| !path.is_symlink());
    around.chain(inside.into_iter().flat_map(|path| around_private(&path, private))).collect()
}

fn private_folders(sandbox: &Sandbox) -> Vec<PathBuf> {
    sandbox.private.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect()
}

/// The home directory of the service's user from the user database; the environment may say anything.
fn home_folder() -> Option<PathBuf> {
    let user = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.nth(2)?.parse::<u32>().ok()? == user;
        found.then(|| fields.nth(2).map(PathBuf::from)).flatten()
    })
}

/// What this machine can enforce for a tool without network, found without restricting anything.
pub(super) fn probe(cgroup_is_delegated: bool) -> Isolation {
    let applied = Applied { landlock: kernel::landlock_version() > 0, filter: kernel::has_filters() };
    Isolation::with_missing(missing(applied, kernel::landlock_version(), false, cgroup_is_delegated))
}

/// How well a tool is isolated on which the kernel accepted `applied`.
pub(super) fn isolation(applied: Applied, sandbox: &Sandbox, cgroup_is_used: bool) -> Isolation {
    if !sandbox.enforce {
        return Isolation::off();
    }
    Isolation::with_missing(missing(applied, kernel::landlock_version(), sandbox.network, cgroup_is_used))
}

/// What is not enforced, in sentences.
fn missing(applied: Applied, landlock_version: u32, network: bool, cgroup: bool) -> Vec<String> {
    let version = if applied.landlock { landlock_version } else { 0 };
    let mut missing = Vec::new();
    let mut say = |sentence: &str| missing.push(sentence.to_owned());
    if version == 0 {
        say("files: this system has no Landlock, so a tool can read and write whatever the service's user can");
    } else if version < 3 {
        say("files: this kernel's Landlock is older than version 3, so a tool can empty files that it may not write");
    }
    if (1..5).contains(&version) {
        say("devices: this kernel's Landlock is older than version 5, so a tool can control devices that it has open");
    }
    if version < 6 {
        say(
            "signals: this system's Landlock is older than version 6, so a tool can signal other processes of its user",
        );
    }
    if !network && !applied.filter {
        if version < 4 {
            say("network: this system can refuse neither TCP nor UDP to a tool");
        } else {
            say("network: only TCP is refused; this system has no system-call filter to refuse UDP");
        }
    }
    if !applied.filter {
        say("system calls: this system has no filter for them");
    }
    if !cgroup {
        say("memory, CPU and process limits are sampled every 100 ms: no cgroup v2 is delegated to the service");
    }
    missing
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(applied: Applied, version: u32, network: bool, cgroup: bool, expected: Expect) {
        expected.assert_eq(&missing(applied, version, network, cgroup).join("\n"));
    }

    #[test]
    fn what_the_machine_cannot_enforce_is_said_in_sentences() {
        let all = Applied { landlock: true, filter: true };
        check(all, 7, false, true, expect![[""]]);
        check(
            all,
            7,
            false,
            false,
            expect![[
                "memory, CPU and process limits are sampled every 100 ms: no cgroup v2 is delegated to the service"
            ]],
        );
        check(
            Applied { landlock: true, filter: false },
            4,
            false,
            true,
            expect![[r#"
                devices: this kernel's Landlock is older than version 5, so a tool can control devices that it has open
                signals: this system's Landlock is older than version 6, so a tool can signal other processes of its user
                network: only TCP is refused; this system has no system-call filter to refuse UDP
                system calls: this system has no filter for them"#]],
        );
        check(
            Applied::default(),
            7,
            false,
            true,
            expect![[r#"
                files: this system has no Landlock, so a tool can read and write whatever the service's user can
                signals: this system's Landlock is older than version 6, so a tool can signal other processes of its user
                network: this system can refuse neither TCP nor UDP to a tool
                system calls: this system has no filter for them"#]],
        );
        check(
            Applied { landlock: true, filter: true },
            2,
            true,
            true,
            expect![[r#"
                files: this kernel's Landlock is older than version 3, so a tool can empty files that it may not write
                devices: this kernel's Landlock is older than version 5, so a tool can control devices that it has open
                signals: this system's Landlock is older than version 6, so a tool can signal other processes of its user"#]],
        );
    }

    #[test]
    fn a_program_brings_its_folder_unless_that_would_be_too_much() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for below in ["home/.cargo/bin", "venv/bin", "data/tools", "real"] {
            std::fs::create_dir_all(root.join(below)).unwrap();
        }
        for program in ["home/tool", "home/.cargo/bin/tool", "venv/bin/tool", "data/tools/tool", "real/tool", "tool"] {
            std::fs::write(root.join(program), "").unwrap();
        }
        std::fs::write(root.join("venv/pyvenv.cfg"), "").unwrap();
        std::os::unix::fs::symlink(root.join("real/tool"), root.join("home/.cargo/bin/link")).unwrap();
        let home = root.join("home");
        let grants = |program: &str| {
            let grants = program_grants(&root.join(program), Some(&home), &[root.join("data")]);
            grants.iter().map(|path| path.strip_prefix(&root).unwrap().display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(grants("home/tool"), ["home/tool"]);
        assert_eq!(grants("home/.cargo/bin/tool"), ["home/.cargo/bin"]);
        assert_eq!(grants("home/.cargo/bin/link"), ["home/.cargo/bin", "real"]);
        assert_eq!(grants("venv/bin/tool"), ["venv", "venv/bin"]);
        assert_eq!(grants("data/tools/tool"), ["data/tools/tool"]);
        assert_eq!(grants("tool"), ["tool"], "the folder holds the private one");
    }

    #[test]
    fn a_private_folder_is_left_out_of_what_is_granted_around_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for below in ["a", "b/c", "b/data/runs", "b/d"] {
            std::fs::create_dir_all(root.join(below)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("b"), root.join("link")).unwrap();
        let around = around_private(&root, &[root.join("b/data")]);
        let mut names: Vec<_> =
            around.iter().map(|path| path.strip_prefix(&root).unwrap().display().to_string()).collect();
        names.sort();
        assert_eq!(names, ["a", "b/c", "b/d"]);
        assert!(around_private(&root.join("b/data"), &[root.join("b/data")]).is_empty());
    }
}
