//! The own process and the machine, read from `/proc` now and then by a task in the background, never by a scrape.
//!
//! What cannot be read keeps its last value: a container may hide a part.

use std::fs;

use super::{Counter, FloatGauge, Gauge, Registry};

/// Clock ticks in a second, as `/proc` counts processor time on Linux (`USER_HZ`, the same on every architecture).
const TICKS_PER_SECOND: u64 = 100;

/// The own process, under the names that every client library of Prometheus uses.
#[derive(Debug)]
pub struct ProcessMetrics {
    cpu: CpuCounter,
    resident: Gauge,
    virtual_memory: Gauge,
    open_files: Gauge,
    open_files_max: Gauge,
    threads: Gauge,
}

/// The processor time of the process as a counter with fractions.
#[derive(Debug)]
struct CpuCounter {
    counter: prometheus::Counter,
}

/// The machine.
#[derive(Debug)]
pub struct MachineMetrics {
    cpu: FloatGauge,
    memory: FloatGauge,
    memory_available: Gauge,
    disk_free: Gauge,
    disk_used: FloatGauge,
    samples: Counter,
    cpu_before: Option<CpuTimes>,
}

/// What the machine is at now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Machine {
    /// Processor time used since the last look, of all cores, in percent.
    pub cpu_percent: Option<f64>,
    /// Memory that is in use, in percent.
    pub memory_percent: Option<f64>,
    /// Memory that is left, in bytes.
    pub memory_available_bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct CpuTimes {
    busy: u64,
    all: u64,
}

impl ProcessMetrics {
    /// Adds them to a registry.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self {
            cpu: CpuCounter {
                counter: registry.float_counter(
                    "process_cpu_seconds_total",
                    "Processor time of this process, user and system, in seconds",
                ),
            },
            resident: registry.gauge("process_resident_memory_bytes", "Resident memory of this process, in bytes"),
            virtual_memory: registry.gauge("process_virtual_memory_bytes", "Virtual memory of this process, in bytes"),
            open_files: registry.gauge("process_open_fds", "Open file descriptors of this process"),
            open_files_max: registry.gauge("process_max_fds", "Most file descriptors that this process may open"),
            threads: registry.gauge("process_threads", "Threads of this process"),
        }
    }

    /// Looks again. Reads a few small files of `/proc`: not for the async runtime's own threads.
    pub fn look(&self) {
        if let Some((ticks, threads)) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(own_stat) {
            #[expect(clippy::cast_precision_loss, reason = "processor time is far below 2^53 ticks")]
            let seconds = ticks as f64 / TICKS_PER_SECOND as f64;
            self.cpu.rise_to(seconds);
            self.threads.set(threads);
        }
        if let Some((all, resident)) = fs::read_to_string("/proc/self/statm").ok().as_deref().and_then(own_pages) {
            self.virtual_memory.set(all.saturating_mul(page_bytes()));
            self.resident.set(resident.saturating_mul(page_bytes()));
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            self.open_files.set(i64::try_from(files.count()).unwrap_or(i64::MAX));
        }
        if let Some(most) = fs::read_to_string("/proc/self/limits").ok().as_deref().and_then(open_files_max) {
            self.open_files_max.set(most);
        }
    }
}

impl CpuCounter {
    fn rise_to(&self, seconds: f64) {
        let more = seconds - self.counter.get();
        if more > 0.0 {
            self.counter.inc_by(more);
        }
    }
}

impl MachineMetrics {
    /// Adds them to a registry.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        Self {
            cpu: registry.float_gauge("system_cpu_percent", "Processor time in use on all cores, in percent"),
            memory: registry.float_gauge("system_memory_percent", "Memory in use, in percent"),
            memory_available: registry.gauge("system_memory_available_bytes", "Memory that is left, in bytes"),
            disk_free: registry.gauge("cts_disk_free_bytes", "Free space below the data directory, in bytes"),
            disk_used: registry
                .float_gauge("cts_disk_used_percent", "Used space of the data directory's disk, in percent"),
            samples: registry.counter("cts_machine_samples_total", "How often the machine was looked at"),
            cpu_before: None,
        }
    }

    /// Looks again; `disk` is the free and the whole space of the data directory's disk, in bytes.
    pub fn look(&mut self, disk: Option<(u64, u64)>) -> Machine {
        let mut machine = Machine::default();
        if let Some(now) = fs::read_to_string("/proc/stat").ok().as_deref().and_then(cpu_times) {
            machine.cpu_percent = self.cpu_before.and_then(|before| busy_percent(before, now));
            self.cpu_before = Some(now);
        }
        if let Some((available, all)) = fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(memory) {
            machine.memory_percent = Some(percent(all.saturating_sub(available), all));
            machine.memory_available_bytes = Some(available);
            self.memory_available.set(i64::try_from(available).unwrap_or(i64::MAX));
        }
        if let Some((free, all)) = disk.filter(|(_, all)| *all > 0) {
            self.disk_free.set(i64::try_from(free).unwrap_or(i64::MAX));
            self.disk_used.set(percent(all.saturating_sub(free), all));
        }
        machine.cpu_percent.into_iter().for_each(|value| self.cpu.set(value));
        machine.memory_percent.into_iter().for_each(|value| self.memory.set(value));
        self.samples.inc();
        machine
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 53 bits")]
fn percent(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 * 100.0 }
}

fn page_bytes() -> i64 {
    i64::try_from(rustix::param::page_size()).unwrap_or(4096)
}

/// Processor ticks and threads: the fields 14, 15 and 20 of `/proc/<pid>/stat`, counted behind the name in brackets.
fn own_stat(text: &str) -> Option<(u64, i64)> {
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
    let user: u64 = fields.get(11)?.parse().ok()?;
    let system: u64 = fields.get(12)?.parse().ok()?;
    Some((user + system, fields.get(17)?.parse().ok()?))
}

/// All pages, and those that are resident: the first fields of `/proc/<pid>/statm`.
fn own_pages(text: &str) -> Option<(i64, i64)> {
    let mut fields = text.split_whitespace();
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn open_files_max(text: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The line `cpu`: user, nice, system, idle, iowait, irq, softirq, steal; guests are counted in user already.
fn cpu_times(text: &str) -> Option<CpuTimes> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).filter_map(|word| word.parse().ok()).collect();
    let all = ticks.iter().sum();
    let idle = ticks.get(3)? + ticks.get(4).copied().unwrap_or_default();
    Some(CpuTimes { busy: u64::saturating_sub(all, idle), all })
}

fn busy_percent(before: CpuTimes, now: CpuTimes) -> Option<f64> {
    let all = now.all.checked_sub(before.all).filter(|all| *all > 0)?;
    Some(percent(now.busy.saturating_sub(before.busy), all))
}

/// Available and all memory, in bytes.
fn memory(text: &str) -> Option<(u64, u64)> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    };
    Some((field("MemAvailable:")?, field("MemTotal:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_brackets_in_its_name_is_read() {
        let text = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 100 1 2 3";
        assert_eq!(own_stat(text), Some((300, 9)));
        assert_eq!(own_stat("7 (a) S"), None);
    }

    #[test]
    fn the_machine_is_read_from_two_looks() {
        let before = cpu_times("cpu  10 0 10 70 10 0 0 0 5 5\ncpu0 1 1 1 1\n").unwrap();
        let now = cpu_times("cpu  40 0 30 110 20 0 0 0 5 5\n").unwrap();
        assert_eq!(before, CpuTimes { busy: 20, all: 100 });
        assert_eq!(busy_percent(before, now), Some(50.0));
        assert_eq!(busy_percent(now, now), None);
        assert_eq!(cpu_times("intr 1"), None);
        assert_eq!(memory("MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable: 25 kB\n"), Some((25_600, 102_400)));
    }

    #[test]
    fn the_own_process_is_looked_at() {
        let registry = Registry::new();
        let (process, mut machine) = (ProcessMetrics::new(&registry), MachineMetrics::new(&registry));
        process.look();
        let seen = machine.look(Some((25, 100)));
        assert!(seen.memory_percent.is_some_and(|percent| percent > 0.0 && percent <= 100.0), "{seen:?}");
        let snapshot = registry.snapshot();
        assert!(snapshot.total("process_resident_memory_bytes") > 1e6);
        assert!(snapshot.total("process_open_fds") >= 3.0);
        assert_eq!(snapshot.total("cts_disk_used_percent"), 75.0);
    }
}
