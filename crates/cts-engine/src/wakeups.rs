//! Signals without content: something about a run has been written, look again.
//!
//! One for all runs, and one for each run that somebody waits for, so that many waiters of different runs do not wake
//! each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cts_model::RunId;
use tokio::sync::watch;

/// The signals of all runs.
#[derive(Debug)]
pub(crate) struct Wakeups {
    all: watch::Sender<u64>,
    runs: Arc<Mutex<HashMap<RunId, Waited>>>,
}

#[derive(Debug)]
struct Waited {
    sender: watch::Sender<()>,
    waiters: usize,
}

impl Wakeups {
    pub(crate) fn new() -> Self {
        Self { all: watch::Sender::new(0), runs: Arc::default() }
    }

    /// Wakes everyone who looks at this run or at all runs. Called after the write.
    pub(crate) fn wake(&self, run: RunId) {
        if let Some(waited) = self.runs.lock().unwrap_or_else(PoisonError::into_inner).get(&run) {
            waited.sender.send_replace(());
        }
        self.all.send_modify(|count| *count += 1);
    }

    /// Wakes all that wait for any run.
    pub(crate) fn wake_all(&self) {
        self.all.send_modify(|count| *count += 1);
    }

    /// Returns the signal of all runs.
    pub(crate) fn all(&self) -> watch::Receiver<u64> {
        self.all.subscribe()
    }

    /// Returns the signal of one run. It is subscribed before the row is read, so that nothing is missed.
    pub(crate) fn of(&self, run: RunId) -> RunSignal {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = runs.entry(run).or_insert_with(|| Waited { sender: watch::Sender::new(()), waiters: 0 });
        waited.waiters += 1;
        RunSignal { receiver: waited.sender.subscribe(), run, runs: Arc::clone(&self.runs) }
    }
}

/// The signal of one run; its entry goes with the last waiter.
#[derive(Debug)]
pub(crate) struct RunSignal {
    receiver: watch::Receiver<()>,
    run: RunId,
    runs: Arc<Mutex<HashMap<RunId, Waited>>>,
}

impl RunSignal {
    /// Waits for the next signal.
    pub(crate) async fn changed(&mut self) {
        // The sender lives as long as this waiter is counted.
        let _ = self.receiver.changed().await;
    }
}

impl Drop for RunSignal {
    fn drop(&mut self) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waited) = runs.get_mut(&self.run) {
            waited.waiters -= 1;
            if waited.waiters == 0 {
                runs.remove(&self.run);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cts_model::{Ids, SystemClock};

    use super::*;

    #[tokio::test]
    async fn a_signal_between_subscription_and_waiting_is_not_missed_and_nothing_is_left() {
        let wakeups = Wakeups::new();
        let run = RunId::new(&Ids::new(Arc::new(SystemClock)));
        let mut signal = wakeups.of(run);
        wakeups.wake(run);
        signal.changed().await;
        drop(signal);
        assert!(wakeups.runs.lock().unwrap().is_empty());
    }
}
