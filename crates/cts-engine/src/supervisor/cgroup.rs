//! A control group of its own for an attempt, where the machine delegates a part of cgroup v2 to the service.
//!
//! The kernel then bounds memory and processes exactly and kills all members at once. Works on plain files below a
//! base folder; never moves a process that it did not start, except the service itself in [`prepare`].
//! Invariant: the group is removed when the attempt ended.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::protocol::{ChildLimits, LimitName};

/// Where cgroup v2 is mounted.
const MOUNT: &str = "/sys/fs/cgroup";

/// The group into which the service moves itself, because a group with members of its own cannot divide resources.
const SERVICE_GROUP: &str = "cts-service";

/// Makes the service's own group ready to hold one group an attempt, if it is delegated (systemd: `Delegate=yes`).
/// Returns the base folder for [`super::ChildSpec::cgroup_base`]; `None` means that limits are sampled.
pub fn prepare() -> Option<PathBuf> {
    let memberships = fs::read_to_string("/proc/self/cgroup").ok()?;
    prepare_below(Path::new(MOUNT), &memberships, std::process::id())
}

fn prepare_below(mount: &Path, memberships: &str, service: u32) -> Option<PathBuf> {
    let own = memberships.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let base = match own.strip_suffix(SERVICE_GROUP) {
        // A service that was executed again is in its own group already.
        Some(parent) => mount.join(parent),
        None => mount.join(own),
    };
    let controllers = fs::read_to_string(base.join("cgroup.controllers")).ok()?;
    if !["memory", "pids"].iter().all(|wanted| controllers.split_whitespace().any(|have| have == *wanted)) {
        return None;
    }
    // A group with other members (a login session, say) was not delegated to the service alone.
    let members = fs::read_to_string(base.join("cgroup.procs")).ok()?;
    if members.lines().any(|member| member.trim() != service.to_string()) {
        return None;
    }
    let service_group = base.join(SERVICE_GROUP);
    match fs::create_dir(&service_group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return None,
        _ => {}
    }
    fs::write(service_group.join("cgroup.procs"), service.to_string()).ok()?;
    fs::write(base.join("cgroup.subtree_control"), "+memory +pids").ok()?;
    Some(base)
}

/// The group of one attempt.
pub(super) struct Cgroup {
    folder: PathBuf,
}

impl Cgroup {
    /// Makes the group and sets its limits.
    pub(super) fn create(base: &Path, name: &str, limits: &ChildLimits) -> io::Result<Self> {
        let group = Self { folder: base.join(format!("run-{name}")) };
        match fs::create_dir(&group.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let set = |file: &str, value: String| fs::write(group.folder.join(file), value);
        if let Some(bytes) = limits.memory_bytes {
            set("memory.max", bytes.to_string())?;
            set("memory.oom.group", "1".to_owned())?;
            // Absent where the machine has no swap.
            let _ = set("memory.swap.max", "0".to_owned());
        }
        if let Some(processes) = limits.processes {
            set("pids.max", processes.to_string())?;
        }
        Ok(group)
    }

    /// The file into which a process writes `0` to become a member.
    pub(super) fn members_file(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// Kills all members at once.
    pub(super) fn kill(&self) -> io::Result<()> {
        fs::write(self.folder.join("cgroup.kill"), "1")
    }

    /// The limit that the kernel enforced, if it did.
    pub(super) fn limit_hit(&self) -> Option<LimitName> {
        if self.counter("memory.events", "oom_kill") > 0 {
            Some(LimitName::Memory)
        } else if self.counter("pids.events", "max") > 0 {
            Some(LimitName::Processes)
        } else {
            None
        }
    }

    /// The most memory that the members used at one time, where the kernel tells.
    pub(super) fn peak_memory_bytes(&self) -> Option<u64> {
        fs::read_to_string(self.folder.join("memory.peak")).ok()?.trim().parse().ok()
    }

    /// Takes the empty group away.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_dir(&self.folder)
    }

    fn counter(&self, file: &str, name: &str) -> u64 {
        let text = fs::read_to_string(self.folder.join(file)).unwrap_or_default();
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(key, _)| *key == name).and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_delegated_group_gets_a_leaf_for_the_service_and_passes_its_controllers_on() {
        let mount = tempfile::tempdir().unwrap();
        let own = mount.path().join("system.slice/cts.service");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("cgroup.controllers"), "cpu memory pids\n").unwrap();
        fs::write(own.join("cgroup.procs"), "77\n").unwrap();
        for membership in ["0::/system.slice/cts.service\n", "1:cpu:/x\n0::/system.slice/cts.service/cts-service\n"] {
            let base = prepare_below(mount.path(), membership, 77).unwrap();
            assert_eq!(base.components().as_path(), own);
            assert_eq!(read(&own.join("cts-service/cgroup.procs")), "77");
            assert_eq!(read(&own.join("cgroup.subtree_control")), "+memory +pids");
        }
    }

    #[test]
    fn what_is_not_delegated_to_the_service_alone_is_not_touched() {
        let mount = tempfile::tempdir().unwrap();
        assert_eq!(prepare_below(mount.path(), "0::/\n", 77), None);
        assert_eq!(prepare_below(mount.path(), "4:memory:/x\n", 77), None);
        fs::write(mount.path().join("cgroup.controllers"), "cpu pids\n").unwrap();
        assert_eq!(prepare_below(mount.path(), "0::/\n", 77), None);
        fs::write(mount.path().join("cgroup.controllers"), "cpu memory pids\n").unwrap();
        fs::write(mount.path().join("cgroup.procs"), "76\n77\n").unwrap();
        assert_eq!(prepare_below(mount.path(), "0::/\n", 77), None);
        assert!(!mount.path().join("cts-service").exists());
    }

    #[test]
    fn limits_events_and_peak_are_the_files_that_the_kernel_documents() {
        let base = tempfile::tempdir().unwrap();
        let limits = ChildLimits { memory_bytes: Some(1 << 30), processes: Some(64), ..ChildLimits::default() };
        let group = Cgroup::create(base.path(), "r.1.w", &limits).unwrap();
        let folder = base.path().join("run-r.1.w");
        assert_eq!(read(&folder.join("memory.max")), "1073741824");
        assert_eq!(read(&folder.join("memory.oom.group")), "1");
        assert_eq!(read(&folder.join("pids.max")), "64");
        assert_eq!(group.limit_hit(), None);
        fs::write(folder.join("pids.events"), "max 3\n").unwrap();
        assert_eq!(group.limit_hit(), Some(LimitName::Processes));
        fs::write(folder.join("memory.events"), "low 0\noom 1\noom_kill 1\n").unwrap();
        assert_eq!(group.limit_hit(), Some(LimitName::Memory));
        fs::write(folder.join("memory.peak"), "4096\n").unwrap();
        assert_eq!(group.peak_memory_bytes(), Some(4096));
        group.kill().unwrap();
        assert_eq!(read(&folder.join("cgroup.kill")), "1");
        assert_eq!(group.members_file(), folder.join("cgroup.procs"));
    }
}
