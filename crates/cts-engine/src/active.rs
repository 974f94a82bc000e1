//! The attempts that run in this process: how to reach them and what they tell while they run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cts_model::{Isolation, Progress, Run, RunId};
use tokio::sync::watch;

/// What is asked of a running attempt; a higher one wins over a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Control {
    /// Nothing.
    Run,
    /// The run was asked to end.
    Cancel,
    /// The service is stopping and its time is over.
    Stop,
    /// The service ends at once.
    Kill,
}

/// One attempt that runs in this process.
#[derive(Debug)]
pub(crate) struct Active {
    control: watch::Sender<Control>,
    live: Mutex<Live>,
}

/// What an attempt tells while it runs; the row gets it at its end, and the progress now and then.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    /// How far it is.
    pub(crate) progress: Option<Progress>,
    /// How well it is kept apart.
    pub(crate) isolation: Option<Isolation>,
}

impl Active {
    fn new() -> Self {
        Self { control: watch::Sender::new(Control::Run), live: Mutex::default() }
    }

    /// Asks something of the attempt; what was asked before is never taken back.
    pub(crate) fn ask(&self, control: Control) {
        self.control.send_if_modified(|present| {
            let higher = control > *present;
            if higher {
                *present = control;
            }
            higher
        });
    }

    /// Returns a watch on what is asked.
    pub(crate) fn control(&self) -> watch::Receiver<Control> {
        self.control.subscribe()
    }

    /// Changes what the attempt tells.
    pub(crate) fn tell(&self, change: impl FnOnce(&mut Live)) {
        change(&mut self.live.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns what the attempt tells.
    pub(crate) fn live(&self) -> Live {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// All attempts of this process.
#[derive(Debug, Default)]
pub(crate) struct ActiveRuns {
    runs: Mutex<HashMap<RunId, Arc<Active>>>,
    count: watch::Sender<usize>,
}

impl ActiveRuns {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Arc<Active>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that an attempt of the run begins. The guard notes its end.
    pub(crate) fn begin(self: &Arc<Self>, run: RunId) -> (Arc<Active>, ActiveGuard) {
        let active = Arc::new(Active::new());
        let mut runs = self.lock();
        runs.insert(run, Arc::clone(&active));
        self.count.send_replace(runs.len());
        let guard = ActiveGuard { runs: Arc::clone(self), run, active: Arc::clone(&active) };
        (active, guard)
    }

    /// Returns the attempt of a run that runs here.
    pub(crate) fn get(&self, run: RunId) -> Option<Arc<Active>> {
        self.lock().get(&run).cloned()
    }

    /// Asks something of every attempt.
    pub(crate) fn ask_all(&self, control: Control) {
        self.lock().values().for_each(|active| active.ask(control));
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Returns a watch on how many there are.
    pub(crate) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// Puts what a running attempt tells over its row.
    pub(crate) fn overlay(&self, run: &mut Run) {
        if run.state != cts_model::RunState::Running {
            return;
        }
        let Some(active) = self.get(run.id) else { return };
        let live = active.live();
        run.progress = live.progress.or(run.progress.take());
        run.isolation = live.isolation.or(run.isolation.take());
    }
}

/// Notes the end of an attempt, also when its task panics.
#[derive(Debug)]
pub(crate) struct ActiveGuard {
    runs: Arc<ActiveRuns>,
    run: RunId,
    active: Arc<Active>,
}

impl Drop for ActiveGuard {
    fn drop(&mut self) {
        let mut runs = self.runs.lock();
        // The next attempt of the run may have begun: its entry stays.
        if runs.get(&self.run).is_some_and(|present| Arc::ptr_eq(present, &self.active)) {
            runs.remove(&self.run);
        }
        self.runs.count.send_replace(runs.len());
    }
}
