//! Processes of attempts, found again after a service or a supervisor died: by the mark in their environment.
//!
//! Reads `/proc` and blocks, so the runtime calls it through `spawn_blocking`. Invariants: only a process whose mark
//! was read is ended, known by pid and start time; the calling process is never one of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::supervisor::MARK_VARIABLE;
use crate::supervisor::tree::{ProcStat, listed_processes, signal_exactly};

/// How much of an environment is searched for the mark.
const ENVIRONMENT_BYTES_MAX: u64 = 4 << 20;

/// The pause between two searches while something is being ended.
const SEARCH_INTERVAL: Duration = Duration::from_millis(5);

/// One process of this machine since it was started, never mistaken for a later one with the same number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProcessId {
    /// The system's number.
    pub pid: i32,
    /// When it started, in clock ticks since boot.
    pub start_time_ticks: u64,
    /// Which boot that was.
    pub boot_id: String,
}

impl ProcessId {
    /// The calling process.
    pub fn current() -> Option<Self> {
        Self::of(std::process::id().cast_signed())
    }

    /// A process that runs now.
    pub fn of(pid: i32) -> Option<Self> {
        let start_time_ticks = ProcStat::read(pid)?.start_time_ticks;
        Some(Self { pid, start_time_ticks, boot_id: boot_id()? })
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        boot_id().is_some_and(|boot_id| boot_id == self.boot_id) && is_alive(self.pid, self.start_time_ticks)
    }
}

fn is_alive(pid: i32, start_time_ticks: u64) -> bool {
    ProcStat::read(pid).is_some_and(|stat| stat.start_time_ticks == start_time_ticks && !stat.is_gone())
}

fn boot_id() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

/// A process that carries a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedProcess {
    /// The system's number.
    pub pid: i32,
    /// When it started, in clock ticks since boot.
    pub start_time_ticks: u64,
    /// The mark of its attempt.
    pub mark: String,
}

/// What [`end_marked`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndedMarked {
    /// These were ended.
    pub ended: Vec<MarkedProcess>,
    /// These are still there although they were killed.
    pub left: Vec<MarkedProcess>,
}

/// All processes of the own user whose mark is wanted, but for the calling one.
pub fn find_marked(wanted: impl Fn(&str) -> bool) -> Vec<MarkedProcess> {
    let own = std::process::id().cast_signed();
    let others = listed_processes().filter(|pid| *pid != own);
    others.filter_map(|pid| marked(pid, &wanted)).collect()
}

fn marked(pid: i32, wanted: impl Fn(&str) -> bool) -> Option<MarkedProcess> {
    // The start time is read first: when the number changes hands in between, ending it fails its check.
    let stat = ProcStat::read(pid).filter(|stat| !stat.is_gone())?;
    let mut environment = Vec::new();
    File::open(format!("/proc/{pid}/environ")).ok()?.take(ENVIRONMENT_BYTES_MAX).read_to_end(&mut environment).ok()?;
    let mark = mark_in(&environment)?;
    wanted(mark).then(|| MarkedProcess { pid, start_time_ticks: stat.start_time_ticks, mark: mark.to_owned() })
}

fn mark_in(environment: &[u8]) -> Option<&str> {
    environment.split(|byte| *byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(MARK_VARIABLE.as_bytes())?.strip_prefix(b"=")?;
        std::str::from_utf8(value).ok()
    })
}

/// Kills all processes of the own user whose mark is wanted until none is left or the patience is over. Blocks.
pub fn end_marked(wanted: impl Fn(&str) -> bool, patience: Duration) -> EndedMarked {
    let give_up_at = Instant::now() + patience;
    let mut met: BTreeMap<(i32, u64), MarkedProcess> = BTreeMap::new();
    loop {
        let found = find_marked(&wanted);
        for process in &found {
            signal_exactly(process.pid, process.start_time_ticks, Signal::KILL);
            met.insert((process.pid, process.start_time_ticks), process.clone());
        }
        let is_over = found.is_empty() && met.values().all(|process| !is_alive(process.pid, process.start_time_ticks));
        if is_over || Instant::now() >= give_up_at {
            let (left, ended) = met.into_values().partition(|process| is_alive(process.pid, process.start_time_ticks));
            return EndedMarked { ended, left };
        }
        std::thread::sleep(SEARCH_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_found_wherever_it_stands() {
        for environment in ["CTS_ATTEMPT=a.1.w\0PATH=/bin\0", "PATH=/bin\0CTS_ATTEMPT=a.1.w", "\0\0CTS_ATTEMPT=a.1.w\0"]
        {
            assert_eq!(mark_in(environment.as_bytes()), Some("a.1.w"), "{environment:?}");
        }
        for environment in ["", "XCTS_ATTEMPT=a", "CTS_ATTEMPTS=a", "CTS_ATTEMPT"] {
            assert_eq!(mark_in(environment.as_bytes()), None, "{environment:?}");
        }
    }

    #[test]
    fn a_process_is_another_one_when_number_start_or_boot_differ() {
        let own = ProcessId::current().unwrap();
        assert!(own.is_alive());
        assert!(!ProcessId { start_time_ticks: own.start_time_ticks + 1, ..own.clone() }.is_alive());
        assert!(!ProcessId { boot_id: "another".to_owned(), ..own.clone() }.is_alive());
        assert!(!ProcessId { pid: i32::MAX, ..own }.is_alive());
    }
}
