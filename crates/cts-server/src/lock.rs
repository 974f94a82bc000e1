//! The exclusive lock of a data directory, and `service.json`, which tells clients where its service listens.
//!
//! The lock is the kernel's: it goes with the process that holds it, whatever ends it. `service.json` is only believed
//! while somebody holds the lock.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cts_model::Timestamp;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::error::ServerError;

const LOCK_FILE: &str = "service.lock";
const SERVICE_FILE: &str = "service.json";
/// Largest `service.json` that is read, in bytes.
const SERVICE_FILE_BYTES_MAX: u64 = 64 * 1024;
/// So long a lock is waited for that no living service is known to hold. The lock of a service that was killed stays for
/// the moment in which a child that it had just forked has not executed its program, and a client that looks for the
/// service takes it for a moment, too.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Pause between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A service that uses a data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveService {
    /// Where it listens.
    pub url: String,
    /// Where its metrics and probes are told as well.
    #[serde(default)]
    pub metrics_url: Option<String>,
    /// Its process.
    pub pid: u32,
    /// When it was started, in RFC 3339.
    pub started_at: String,
    /// Its version.
    pub version: String,
}

/// The lock of a data directory, held until it is dropped.
#[derive(Debug)]
pub(crate) struct ServiceLock {
    data_dir: PathBuf,
    _file: File,
}

impl ServiceLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`ServerError::Locked`] when another service holds it.
    pub(crate) fn take(data_dir: &Path) -> Result<Self, ServerError> {
        let path = data_dir.join(LOCK_FILE);
        let file = open(&path).map_err(ServerError::file("open", &path))?;
        let deadline = Instant::now() + LOCK_WAIT;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let service = read_service(data_dir);
                    let lives = service.as_ref().is_some_and(|service| is_alive(service.pid));
                    if lives || Instant::now() >= deadline {
                        let holder = match service {
                            Some(service) => format!("process {} at {}", service.pid, service.url),
                            None => "it is starting or stopping at this moment".to_owned(),
                        };
                        return Err(ServerError::Locked { data_dir: data_dir.to_owned(), holder });
                    }
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(error) => return Err(ServerError::file("lock", &path)(error.into())),
            }
        }
        // What a service that died has left would mislead until the new one listens.
        remove(&data_dir.join(SERVICE_FILE))?;
        Ok(Self { data_dir: data_dir.to_owned(), _file: file })
    }

    /// Tells clients where the service listens.
    pub(crate) fn announce(
        &self,
        url: &str,
        metrics_url: Option<String>,
        started_at: Timestamp,
    ) -> Result<(), ServerError> {
        let service = LiveService {
            url: url.to_owned(),
            metrics_url,
            pid: std::process::id(),
            started_at: started_at.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let path = self.data_dir.join(SERVICE_FILE);
        let half = self.data_dir.join("service.json.new");
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&half)?;
            serde_json::to_writer(&mut file, &service)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            std::fs::rename(&half, &path)
        };
        write().map_err(ServerError::file("write", &path))
    }

    /// Takes back what was told.
    pub(crate) fn withdraw(&self) -> Result<(), ServerError> {
        remove(&self.data_dir.join(SERVICE_FILE))
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn remove(path: &Path) -> Result<(), ServerError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ServerError::file("remove", path)(error)),
        _ => Ok(()),
    }
}

fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

fn read_service(data_dir: &Path) -> Option<LiveService> {
    let path = data_dir.join(SERVICE_FILE);
    let is_small = std::fs::metadata(&path).is_ok_and(|meta| meta.len() <= SERVICE_FILE_BYTES_MAX);
    let text = if is_small { std::fs::read(&path).ok()? } else { return None };
    serde_json::from_slice(&text).ok()
}

/// Returns the live service of a data directory as [`find_service`] does, without taking the lock even for a moment: by
/// what the kernel lists. It is for those who must change nothing.
#[must_use]
pub fn observe_service(data_dir: &Path) -> Option<LiveService> {
    use std::os::unix::fs::MetadataExt as _;
    let inode = std::fs::metadata(data_dir.join(LOCK_FILE)).ok()?.ino();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let service = read_service(data_dir)?;
    (is_locked(&locks, inode) && is_alive(service.pid)).then_some(service)
}

/// Tells whether the kernel's list has an exclusive lock of the kind that a service holds on this file. The number of the
/// device is not compared: for some file systems the list tells another one than the file does.
fn is_locked(locks: &str, inode: u64) -> bool {
    locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).any(|words| {
        let kind = words.get(1..4);
        let file = words.get(5).and_then(|place| place.rsplit(':').next());
        kind == Some(&["FLOCK", "ADVISORY", "WRITE"]) && file.and_then(|text| text.parse().ok()) == Some(inode)
    })
}

/// Returns the live service of a data directory; none when nobody holds its lock, or it does not listen yet.
#[must_use]
pub fn find_service(data_dir: &Path) -> Option<LiveService> {
    let lock = File::open(data_dir.join(LOCK_FILE)).ok()?;
    // A shared lock that is granted says that no service is there; it is given back at once, with the file.
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared) {
        Err(rustix::io::Errno::WOULDBLOCK) => read_service(data_dir),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_has_one_service_and_tells_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(find_service(folder.path()), None);
        let lock = ServiceLock::take(folder.path()).unwrap();
        assert_eq!(find_service(folder.path()), None, "it does not listen yet");
        lock.announce("http://127.0.0.1:1", None, Timestamp::from_ms(0)).unwrap();
        let found = find_service(folder.path()).unwrap();
        assert_eq!((found.url.as_str(), found.pid), ("http://127.0.0.1:1", std::process::id()));
        assert_eq!(observe_service(folder.path()), Some(found));
        let refused = ServiceLock::take(folder.path()).unwrap_err();
        assert!(refused.report().contains("at http://127.0.0.1:1"), "{}", refused.report());
        lock.withdraw().unwrap();
        drop(lock);
        assert_eq!(find_service(folder.path()), None);
        assert_eq!(observe_service(folder.path()), None);
        assert!(ServiceLock::take(folder.path()).is_ok());
    }

    #[test]
    fn a_lock_that_outlives_its_service_for_a_moment_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let lock = ServiceLock::take(folder.path()).unwrap();
        // What a child holds that was forked and has not executed its program.
        let inherited = lock._file.try_clone().unwrap();
        drop(lock);
        std::thread::scope(|scope| {
            let next = scope.spawn(|| ServiceLock::take(folder.path()));
            scope.spawn(|| {
                std::thread::sleep(LOCK_PAUSE * 3);
                drop(inherited);
            });
            assert!(next.join().unwrap().is_ok());
        });
    }

    #[test]
    fn a_lock_that_stays_is_refused_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let _lock = ServiceLock::take(folder.path()).unwrap();
        let began = Instant::now();
        let refused = ServiceLock::take(folder.path()).unwrap_err();
        assert!(began.elapsed() >= LOCK_WAIT);
        assert!(refused.report().contains("starting or stopping"), "{}", refused.report());
    }

    #[test]
    fn the_kernels_list_names_files_by_their_numbers() {
        let locks = "1: FLOCK  ADVISORY  WRITE 77 fe:00:4242 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 78 fe:00:11 0 EOF\n\
                     2: POSIX  ADVISORY  WRITE 79 fe:00:12 0 EOF\n3: FLOCK  ADVISORY  READ 80 fe:00:13 0 EOF\nx\n";
        for (inode, expected) in [(4242, true), (424, false), (11, false), (12, false), (13, false)] {
            assert_eq!(is_locked(locks, inode), expected, "{inode}");
        }
    }

    #[test]
    fn what_a_dead_service_left_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let lock = ServiceLock::take(folder.path()).unwrap();
        lock.announce("http://127.0.0.1:1", None, Timestamp::from_ms(0)).unwrap();
        drop(lock);
        assert_eq!(find_service(folder.path()), None);
        assert_eq!(observe_service(folder.path()), None);
    }
}
