//! The supervisor's one loop: orders from the service, ended children, samples of what the tree uses.
//!
//! Invariants: it ends only when no descendant is left (or none that could be killed); it kills everything when the
//! service is gone; nobody is signaled twice for one reason while the grace period runs; the first limit that was hit
//! is the one that is reported.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal};

use super::cgroup::Cgroup;
use super::kernel::{self, Reaped};
use super::launch::{self, Launched, News};
use super::output_size::OutputSize;
use super::protocol::{ChildSpec, Ending, Exit, LimitName, Order, Report, SpawnFailure};
use super::sandbox;
use super::tree::{ProcStat, Tree};

/// How often the tree is measured; the first time after one such interval, so that a short run is not measured.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);

/// How often the number of the machine's tasks is looked at while processes are limited: a fork bomb makes thousands
/// between two samples, and a look costs a microsecond. When they have grown by half of the limit, a sample is due.
const TRIPWIRE_INTERVAL: Duration = Duration::from_millis(20);

/// How often it is measured when more than half of a limit is used.
const SAMPLE_INTERVAL_NEAR_A_LIMIT: Duration = Duration::from_millis(20);

/// The shortest pause between two rounds through the output directory, and between two steps of one.
const OUTPUT_INTERVAL: Duration = Duration::from_millis(500);
const OUTPUT_STEP_INTERVAL: Duration = Duration::from_millis(10);

/// A round through the output directory is followed by a pause of so many times its own cost.
const OUTPUT_PAUSE_FACTOR: u32 = 20;
const OUTPUT_INTERVAL_MAX: Duration = Duration::from_secs(10);

/// How long descendants that outlive the program may take to end, at most.
const LEFTOVER_GRACE_MAX: Duration = Duration::from_secs(2);

/// How often everything is killed again while something is left, and when the supervisor gives up.
const KILL_INTERVAL: Duration = Duration::from_millis(10);
const KILL_PATIENCE: Duration = Duration::from_secs(30);

/// The pause between two looks for a child that is about to end.
const REAP_PAUSE: Duration = Duration::from_millis(1);

/// How many pending orders are read at once.
const ORDERS_MAX: usize = 64;

/// What the supervisor wants of the processes below it.
#[derive(Clone, Copy)]
enum Aim {
    /// They run.
    Run,
    /// They were asked to end.
    End { kill_at: Instant },
    /// They are being killed.
    Kill { give_up_at: Instant },
}

/// A supervisor at work.
pub(super) struct Watch<'a> {
    spec: &'a ChildSpec,
    service: UnixStream,
    children: OwnedFd,
    launched: Launched,
    cgroup: Option<Cgroup>,
    tree: Tree,
    aim: Aim,
    service_is_gone: bool,
    /// Bytes that the child told before its program took over; `None` when that is over.
    heard: Option<Vec<u8>>,
    exit: Option<Exit>,
    limit_reported: bool,
    ending: Ending,
    sample_at: Instant,
    tripwire: Option<Tripwire>,
    output: Option<OutputRound>,
}

/// Notices growth between two samples.
struct Tripwire {
    growth_max: u16,
    tasks: u16,
    at: Instant,
}

impl Tripwire {
    fn new(limit: u64, now: Instant) -> Self {
        let growth_max = u16::try_from(limit / 2).unwrap_or(u16::MAX / 4).min(u16::MAX / 4);
        Self { growth_max, tasks: kernel::machine_tasks(), at: now + TRIPWIRE_INTERVAL }
    }

    /// Whether the machine has many more tasks than at the last sample. Fewer look like very many modulo 65 536.
    fn look(&mut self, now: Instant) -> bool {
        self.at = now + TRIPWIRE_INTERVAL;
        let growth = kernel::machine_tasks().wrapping_sub(self.tasks);
        growth > self.growth_max && growth < u16::MAX / 2
    }
}

/// The state of measuring the output directory.
struct OutputRound {
    limit: u64,
    round: Option<OutputSize>,
    cost: Duration,
    at: Instant,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        spec: &'a ChildSpec,
        service: UnixStream,
        children: OwnedFd,
        launched: Launched,
        cgroup: Option<Cgroup>,
    ) -> Self {
        let now = Instant::now();
        let output = spec.limits.output_bytes.map(|limit| OutputRound {
            limit,
            round: None,
            cost: Duration::ZERO,
            at: now + OUTPUT_INTERVAL,
        });
        Self {
            spec,
            service,
            children,
            launched,
            cgroup,
            tree: Tree::below(std::process::id().cast_signed()),
            aim: Aim::Run,
            service_is_gone: false,
            heard: Some(Vec::new()),
            exit: None,
            limit_reported: false,
            ending: Ending::default(),
            sample_at: now + SAMPLE_INTERVAL,
            tripwire: spec.limits.processes.map(|limit| Tripwire::new(limit, now)),
            output,
        }
    }

    /// Runs until no process is left.
    pub(super) fn run(mut self) {
        loop {
            let now = Instant::now();
            let [orders, children, news] = self.wait(now);
            if news && let Some(failure) = self.hear() {
                self.finish_without_program(failure);
                return;
            }
            if orders {
                self.take_orders();
            }
            // What is left to hear comes first, so that `Started` precedes `Exited`.
            if children && self.heard.is_none() && self.reap() {
                break;
            }
            let now = Instant::now();
            self.follow_aim(now);
            let tripped = self.tripwire.as_mut().is_some_and(|wire| now >= wire.at && wire.look(now));
            if tripped || now >= self.sample_at {
                self.sample(now);
            }
            self.measure_output(now);
        }
        self.finish();
    }

    /// Waits until something happens or is due: orders, ended children, news of the launch.
    fn wait(&self, now: Instant) -> [bool; 3] {
        let mut due = self.sample_at;
        if let Some(output) = &self.output {
            due = due.min(output.at);
        }
        if let Some(wire) = &self.tripwire {
            due = due.min(wire.at);
        }
        match self.aim {
            Aim::Run => {}
            Aim::End { kill_at } => due = due.min(kill_at),
            Aim::Kill { .. } => due = due.min(now + KILL_INTERVAL),
        }
        let left = due.saturating_duration_since(now);
        let timeout = Timespec::try_from(left).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        let watched = |wanted: bool| if wanted { PollFlags::IN } else { PollFlags::empty() };
        // A descriptor that is at its end is left out: it would be ready for ever.
        let mut descriptors = vec![PollFd::from_borrowed_fd(self.children.as_fd(), watched(true))];
        let service = (!self.service_is_gone).then(|| {
            descriptors.push(PollFd::from_borrowed_fd(self.service.as_fd(), watched(true)));
            descriptors.len() - 1
        });
        let news = self.heard.is_some().then(|| {
            descriptors.push(PollFd::from_borrowed_fd(self.launched.news.as_fd(), watched(true)));
            descriptors.len() - 1
        });
        if rustix::event::poll(&mut descriptors, Some(&timeout)).is_err() {
            // Interrupted; all signals are blocked, so that this is rare, and looking again is right.
            return [false; 3];
        }
        let ready = |index: usize| !descriptors[index].revents().is_empty();
        let news = news.is_some_and(ready);
        // Ended children stay unreaped until the launch is over, and then nothing announces them again.
        [service.is_some_and(ready), ready(0) || news, news]
    }

    /// Takes what the child tells. Returns the failure when its program did not start.
    fn hear(&mut self) -> Option<SpawnFailure> {
        let heard = self.heard.as_mut()?;
        match launch::hear(&self.launched, heard, &self.spec.work_dir)? {
            News::Failed(failure) => {
                self.heard = None;
                Some(failure)
            }
            News::Running(applied) => {
                self.heard = None;
                let start_time_ticks = ProcStat::read(self.launched.pid).map_or(0, |stat| stat.start_time_ticks);
                let isolation = sandbox::isolation(applied, &self.spec.sandbox, self.cgroup.is_some());
                self.report(&Report::Started { pid: self.launched.pid, start_time_ticks, isolation });
                None
            }
        }
    }

    fn take_orders(&mut self) {
        let mut bytes = [0_u8; ORDERS_MAX];
        match rustix::io::read(&self.service, &mut bytes) {
            Ok(0) => {
                self.service_is_gone = true;
                self.kill();
            }
            Ok(length) => {
                for order in bytes[..length].iter().filter_map(|byte| Order::from_byte(*byte)) {
                    match order {
                        Order::Terminate => self.ask_to_end(Duration::from_millis(self.spec.grace_ms)),
                        Order::Kill => self.kill(),
                    }
                }
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => {
                self.service_is_gone = true;
                self.kill();
            }
        }
    }

    /// Reaps what ended. Returns whether nothing is left.
    fn reap(&mut self) -> bool {
        let mut drained = [0_u8; 128];
        while rustix::io::read(&self.children, &mut drained).is_ok_and(|length| length > 0) {}
        loop {
            match kernel::reap() {
                Reaped::NoChildren => return true,
                Reaped::Child(pid, exit) if pid == self.launched.pid => self.program_ended(exit),
                Reaped::Child(..) => {}
                Reaped::NoneEnded => break,
            }
        }
        if self.exit.is_some() && matches!(self.aim, Aim::Run) {
            self.end_leftovers();
        }
        false
    }

    fn program_ended(&mut self, exit: Exit) {
        self.exit = Some(exit);
        let limits = &self.spec.limits;
        let by_limit = match exit {
            Exit::Signal(libc::SIGXFSZ) => limits.file_size_bytes.map(|limit| (LimitName::FileSize, limit)),
            Exit::Signal(libc::SIGXCPU) => limits.cpu_seconds.map(|limit| (LimitName::Cpu, limit)),
            _ => None,
        };
        if let Some((which, limit)) = by_limit {
            self.report_limit(which, limit, limit);
        }
        self.look_at_cgroup();
        self.report(&Report::Exited(exit));
    }

    /// The program is over and processes that it left are not.
    fn end_leftovers(&mut self) {
        self.ending.leftovers = u32::try_from(self.tree.look_at_all().len()).unwrap_or(u32::MAX);
        self.ask_to_end(Duration::from_millis(self.spec.grace_ms).min(LEFTOVER_GRACE_MAX));
    }

    fn ask_to_end(&mut self, grace: Duration) {
        if !matches!(self.aim, Aim::Run) {
            return;
        }
        self.aim = Aim::End { kill_at: Instant::now() + grace };
        self.tree.signal_all(Signal::TERM);
        // A stopped process takes the signal only when it goes on.
        self.tree.signal_all(Signal::CONT);
    }

    fn kill(&mut self) {
        if matches!(self.aim, Aim::Kill { .. }) {
            return;
        }
        self.aim = Aim::Kill { give_up_at: Instant::now() + KILL_PATIENCE };
        self.kill_all();
    }

    /// One blow to everything: the group at once where there is one, the program's process group at once, then each
    /// descendant. What is forked meanwhile is met by the next blow.
    fn kill_all(&mut self) {
        if let Some(cgroup) = &self.cgroup {
            let _ = cgroup.kill();
        }
        // The number of the process group is safe to use while its leader is not reaped.
        if self.exit.is_none()
            && let Some(group) = Pid::from_raw(self.launched.pid)
        {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
            let _ = rustix::process::kill_process(group, Signal::KILL);
        }
        self.tree.signal_all(Signal::KILL);
    }

    fn follow_aim(&mut self, now: Instant) {
        match self.aim {
            Aim::Run => {}
            Aim::End { kill_at } if now < kill_at => {}
            Aim::End { .. } => self.kill(),
            Aim::Kill { give_up_at } if now < give_up_at => {
                self.kill_all();
            }
            Aim::Kill { .. } => {
                self.ending.unkillable = u32::try_from(self.tree.look_at_all().len()).unwrap_or(u32::MAX);
                self.finish_now();
            }
        }
    }

    fn sample(&mut self, now: Instant) {
        self.look_at_cgroup();
        if let Some(wire) = &mut self.tripwire {
            wire.tasks = kernel::machine_tasks();
        }
        let limits = &self.spec.limits;
        self.tree.look(limits.processes.unwrap_or(u64::MAX));
        let mut usage = self.tree.usage();
        if limits.memory_bytes.is_some_and(|limit| usage.resident_bytes > limit) {
            usage.resident_bytes = usage.resident_bytes.min(self.tree.shared_once_bytes());
        }
        self.ending.peak_memory_bytes = self.ending.peak_memory_bytes.max(usage.resident_bytes);
        let cpu_seconds = (kernel::reaped_usage().0 + usage.cpu_ticks * 1000 / kernel::ticks_a_second()) / 1000;
        let measured = [
            (LimitName::Memory, usage.resident_bytes, limits.memory_bytes),
            (LimitName::Processes, usage.tasks, limits.processes),
            (LimitName::Cpu, cpu_seconds, limits.cpu_seconds),
        ];
        let mut interval = SAMPLE_INTERVAL;
        for (which, value, limit) in measured.into_iter().filter_map(|(name, value, limit)| Some((name, value, limit?)))
        {
            if value > limit {
                self.limit_hit(which, value, limit);
            } else if which != LimitName::Cpu && value > limit / 2 {
                interval = SAMPLE_INTERVAL_NEAR_A_LIMIT;
            }
        }
        self.sample_at = now + interval;
    }

    fn look_at_cgroup(&mut self) {
        let Some(which) = self.cgroup.as_ref().and_then(Cgroup::limit_hit) else { return };
        let limits = &self.spec.limits;
        let limit = if which == LimitName::Memory { limits.memory_bytes } else { limits.processes };
        if let Some(limit) = limit {
            self.limit_hit(which, limit, limit);
        }
    }

    fn measure_output(&mut self, now: Instant) {
        let Some(output) = self.output.as_mut().filter(|output| now >= output.at) else { return };
        let round = output.round.get_or_insert_with(|| OutputSize::of(&self.spec.limits.output_dir));
        let complete = round.step();
        let bytes = round.bytes();
        let done = Instant::now();
        output.cost += done - now;
        if complete {
            let pause = (output.cost * OUTPUT_PAUSE_FACTOR).clamp(OUTPUT_INTERVAL, OUTPUT_INTERVAL_MAX);
            (output.round, output.cost, output.at) = (None, Duration::ZERO, done + pause);
        } else {
            output.at = done + OUTPUT_STEP_INTERVAL;
        }
        let limit = output.limit;
        if bytes > limit {
            self.limit_hit(LimitName::Output, bytes, limit);
        }
    }

    fn limit_hit(&mut self, which: LimitName, value: u64, limit: u64) {
        self.report_limit(which, value, limit);
        self.kill();
    }

    fn report_limit(&mut self, which: LimitName, value: u64, limit: u64) {
        if !self.limit_reported && !matches!(self.aim, Aim::Kill { .. }) {
            self.limit_reported = true;
            self.report(&Report::LimitHit { which, value, limit });
        }
    }

    /// The service reads all the time; when it is gone, nobody is there to be told.
    fn report(&mut self, report: &Report) {
        let Ok(mut line) = serde_json::to_vec(report) else { return };
        line.push(b'\n');
        if let Err(error) = self.service.write_all(&line) {
            self.service_is_gone |= error.kind() != io::ErrorKind::Interrupted;
        }
    }

    fn remove_cgroup(&mut self) {
        if let Some(cgroup) = self.cgroup.take() {
            if let Some(peak) = cgroup.peak_memory_bytes() {
                self.ending.peak_memory_bytes = self.ending.peak_memory_bytes.max(peak);
            }
            // A group with a process that cannot be killed stays; it holds nothing else.
            let _ = cgroup.remove();
        }
    }

    /// The child that could not become the program is the only process, and it ends by itself.
    fn finish_without_program(&mut self, failure: SpawnFailure) {
        while !matches!(kernel::reap(), Reaped::NoChildren) {
            std::thread::sleep(REAP_PAUSE);
        }
        self.remove_cgroup();
        self.report(&Report::SpawnFailed(failure));
    }

    fn finish(mut self) {
        self.finish_report();
    }

    /// Ends the supervisor although something is left; the service finds it by its mark.
    fn finish_now(&mut self) -> ! {
        self.finish_report();
        kernel::end_now(0)
    }

    fn finish_report(&mut self) {
        let (cpu_ms, largest_bytes) = kernel::reaped_usage();
        self.ending.cpu_ms = cpu_ms;
        self.ending.peak_memory_bytes = self.ending.peak_memory_bytes.max(largest_bytes);
        self.remove_cgroup();
        let ending = self.ending;
        self.report(&Report::Ended(ending));
    }
}
