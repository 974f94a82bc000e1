//! The processes below the supervisor, found by reading `/proc`: who they are, what they use, and signals to them.
//!
//! A descendant cannot leave: the supervisor is a subreaper, so that an orphan becomes its child. A process is known
//! by pid and start time, and a signal goes only to the process that was seen, never to one that got its number later.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;

use rustix::process::{Pid, PidfdFlags, Signal};

use super::kernel;

/// After so many cheap looks the list of strangers is thrown away, because process numbers are used again.
const LOOKS_BEFORE_A_FULL_ONE: u32 = 10;

/// What `/proc/<pid>/stat` says about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcStat {
    pub(crate) pid: i32,
    pub(crate) state: u8,
    pub(crate) parent: i32,
    pub(crate) cpu_ticks: u64,
    pub(crate) threads: u64,
    pub(crate) start_time_ticks: u64,
    pub(crate) resident_pages: u64,
}

impl ProcStat {
    /// Reads one process, or `None` when there is none.
    pub(crate) fn read(pid: i32) -> Option<Self> {
        let mut buffer = [0_u8; 1024];
        let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut buffer).ok()?;
        Self::parse(&buffer[..length])
    }

    /// The program's name stands in parentheses and may contain anything, so that fields count from the last one.
    fn parse(text: &[u8]) -> Option<Self> {
        let close = text.iter().rposition(|byte| *byte == b')')?;
        let pid_end = text.iter().position(|byte| *byte == b' ')?;
        let pid = std::str::from_utf8(&text[..pid_end]).ok()?.parse().ok()?;
        let fields: Vec<&str> = std::str::from_utf8(&text[close + 1..]).ok()?.split_ascii_whitespace().collect();
        // Field 3 of proc(5) is the first one here.
        let number = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u64>().ok());
        Some(Self {
            pid,
            state: fields.first()?.bytes().next()?,
            parent: fields.get(1)?.parse().ok()?,
            cpu_ticks: number(14)?.saturating_add(number(15)?).saturating_add(number(16)?).saturating_add(number(17)?),
            threads: number(20)?,
            start_time_ticks: number(22)?,
            resident_pages: number(24)?,
        })
    }

    /// Whether the process ended and only waits to be reaped.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// What all processes of the tree use together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) tasks: u64,
    pub(super) resident_bytes: u64,
    pub(super) cpu_ticks: u64,
}

/// The descendants of one process.
pub(super) struct Tree {
    root: i32,
    members: Vec<ProcStat>,
    /// Processes that were seen below another one. Reading them again at each look would cost more than all else.
    strangers: HashSet<i32>,
    looks: u32,
    page_bytes: u64,
}

impl Tree {
    pub(super) fn below(root: i32) -> Self {
        Self { root, members: Vec::new(), strangers: HashSet::new(), looks: 0, page_bytes: kernel::page_bytes() }
    }

    /// Looks at everything again, also at what was a stranger before.
    pub(super) fn look_at_all(&mut self) -> &[ProcStat] {
        self.strangers.clear();
        self.look(u64::MAX)
    }

    /// Finds the living descendants, but stops when they have more than `tasks_enough` tasks: whoever only wants to know
    /// whether they are too many must not read all of a fork bomb while it grows.
    pub(super) fn look(&mut self, tasks_enough: u64) -> &[ProcStat] {
        self.looks += 1;
        if self.looks.is_multiple_of(LOOKS_BEFORE_A_FULL_ONE) {
            self.strangers.clear();
        }
        let mut seen: HashMap<i32, ProcStat> = HashMap::new();
        let mut below: HashMap<i32, bool> = HashMap::from([(self.root, true)]);
        let mut strangers = HashSet::new();
        let mut tasks = 0_u64;
        // The list is in the order of numbers, so that a parent mostly comes before its children.
        for pid in listed_processes().filter(|pid| *pid != self.root) {
            if self.strangers.contains(&pid) {
                strangers.insert(pid);
                continue;
            }
            let Some(stat) = ProcStat::read(pid) else { continue };
            seen.insert(pid, stat);
            if below.get(&stat.parent) == Some(&true) {
                below.insert(pid, true);
                tasks = tasks.saturating_add(if stat.is_gone() { 0 } else { stat.threads });
                if tasks > tasks_enough {
                    break;
                }
            }
        }
        if tasks <= tasks_enough {
            settle(&mut seen, &mut below, &strangers);
            strangers.extend(below.iter().filter_map(|(pid, is_below)| (!is_below).then_some(*pid)));
            self.strangers = strangers;
        }
        let is_member = |stat: &ProcStat| below.get(&stat.pid) == Some(&true) && !stat.is_gone();
        self.members = seen.into_values().filter(is_member).collect();
        &self.members
    }

    /// What the processes of the last look use.
    pub(super) fn usage(&self) -> Usage {
        self.members.iter().fold(Usage::default(), |sum, stat| Usage {
            tasks: sum.tasks + stat.threads,
            resident_bytes: sum.resident_bytes.saturating_add(stat.resident_pages.saturating_mul(self.page_bytes)),
            cpu_ticks: sum.cpu_ticks + stat.cpu_ticks,
        })
    }

    /// The memory of the processes of the last look, where a page that several share counts once. Dear, therefore
    /// asked only before somebody is killed for it.
    pub(super) fn shared_once_bytes(&self) -> u64 {
        self.members
            .iter()
            .map(|stat| {
                proportional_bytes(stat.pid).unwrap_or_else(|| stat.resident_pages.saturating_mul(self.page_bytes))
            })
            .fold(0, u64::saturating_add)
    }

    /// Sends a signal to all living descendants. Returns how many there were.
    pub(super) fn signal_all(&mut self, signal: Signal) -> usize {
        let members = self.look_at_all().to_vec();
        for member in &members {
            signal_exactly(member.pid, member.start_time_ticks, signal);
        }
        members.len()
    }
}

/// Sends a signal to the process that has this pid and start time, and to no other one.
pub(crate) fn signal_exactly(pid: i32, start_time_ticks: u64, signal: Signal) -> bool {
    let Some(raw) = Pid::from_raw(pid) else { return false };
    // The descriptor stands for one process: when its start time is right, the signal cannot reach another one.
    let Ok(process) = rustix::process::pidfd_open(raw, PidfdFlags::empty()) else { return false };
    ProcStat::read(pid).is_some_and(|stat| stat.start_time_ticks == start_time_ticks)
        && rustix::process::pidfd_send_signal(&process, signal).is_ok()
}

/// The numbers of all processes, in their order.
pub(crate) fn listed_processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Decides for all that were seen whether they are below.
fn settle(seen: &mut HashMap<i32, ProcStat>, below: &mut HashMap<i32, bool>, strangers: &HashSet<i32>) {
    // A parent may have ended between two reads; then the process has a new one by now.
    let is_known =
        |pid: i32| pid == 0 || seen.contains_key(&pid) || below.contains_key(&pid) || strangers.contains(&pid);
    let unclear: Vec<i32> = seen.values().filter(|stat| !is_known(stat.parent)).map(|stat| stat.pid).collect();
    for pid in unclear {
        match ProcStat::read(pid) {
            Some(stat) => seen.insert(pid, stat),
            None => seen.remove(&pid),
        };
    }
    for pid in seen.keys() {
        is_below(*pid, seen, below);
    }
}

/// Whether a process descends from one that is known to do so. Chains are short; one that runs in a circle, which a
/// number used again could make, counts as not below.
fn is_below(pid: i32, seen: &HashMap<i32, ProcStat>, below: &mut HashMap<i32, bool>) {
    let mut chain = Vec::new();
    let mut at = pid;
    let answer = loop {
        if let Some(known) = below.get(&at) {
            break *known;
        }
        let Some(stat) = seen.get(&at) else { break false };
        if chain.contains(&at) {
            break false;
        }
        chain.push(at);
        at = stat.parent;
    };
    below.extend(chain.into_iter().map(|pid| (pid, answer)));
}

fn proportional_bytes(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let kibibytes = |name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    Some(kibibytes("Pss:")?.saturating_add(kibibytes("SwapPss:").unwrap_or(0)).saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let text = b"4207 (a) b) (c) S 17 4207 4207 0 -1 4194560 95 0 0 0 1 2 3 4 20 0 5 0 886 2998272 1085 18446744073709551615 1";
        let stat = ProcStat::parse(text).unwrap();
        assert_eq!(
            stat,
            ProcStat {
                pid: 4207,
                state: b'S',
                parent: 17,
                cpu_ticks: 10,
                threads: 5,
                start_time_ticks: 886,
                resident_pages: 1085
            }
        );
        assert!(!stat.is_gone());
    }

    #[test]
    fn a_chain_of_parents_decides_who_is_below() {
        let stat = |pid, parent| {
            (
                pid,
                ProcStat { pid, state: b'S', parent, cpu_ticks: 0, threads: 1, start_time_ticks: 1, resident_pages: 1 },
            )
        };
        let seen = HashMap::from([
            stat(11, 10),
            stat(12, 11),
            stat(13, 12),
            stat(20, 1),
            stat(21, 20),
            stat(30, 31),
            stat(31, 30),
            stat(40, 99),
        ]);
        let mut below = HashMap::from([(10, true)]);
        for pid in seen.keys() {
            is_below(*pid, &seen, &mut below);
        }
        let mut members: Vec<i32> = below.into_iter().filter_map(|(pid, answer)| answer.then_some(pid)).collect();
        members.sort_unstable();
        assert_eq!(members, [10, 11, 12, 13]);
    }

    #[test]
    fn a_signal_does_not_reach_a_process_that_started_at_another_time() {
        let own = ProcStat::read(std::process::id().cast_signed()).unwrap();
        assert!(!signal_exactly(own.pid, own.start_time_ticks + 1, Signal::KILL));
    }
}
