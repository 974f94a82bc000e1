//! The levels of the service's own log while it runs: changed at once, and back again when their time is over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cts_model::{Level, Timestamp};
use cts_observe::telemetry::ModuleName;
use cts_observe::{LevelControl, Levels};
use tokio::task::AbortHandle;

/// The levels, and when they end. Cloning it is cheap.
#[derive(Debug, Clone)]
pub(crate) struct LogLevels {
    control: LevelControl,
    end: Arc<Mutex<End>>,
}

/// When the levels of the start hold again.
#[derive(Debug, Default)]
struct End {
    at: Option<Timestamp>,
    /// Counts the changes, so that the end of an earlier one does not end a later one.
    change: u64,
    timer: Option<AbortHandle>,
}

/// What holds.
#[derive(Debug)]
pub(crate) struct Held {
    /// The levels.
    pub(crate) levels: Arc<Levels>,
    /// The level of the start.
    pub(crate) starting: Level,
    /// When the levels of the start hold again.
    pub(crate) until: Option<Timestamp>,
}

impl LogLevels {
    pub(crate) fn new(control: LevelControl) -> Self {
        Self { control, end: Arc::default() }
    }

    /// Returns what holds.
    pub(crate) fn held(&self) -> Held {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        Held { levels: self.control.now(), starting: self.control.starting().own, until: end.at }
    }

    /// Changes the levels, for a time or until the service starts anew.
    pub(crate) fn set(
        &self,
        own: Option<Level>,
        modules: BTreeMap<ModuleName, Level>,
        now: Timestamp,
        lasts: Option<Duration>,
    ) -> Held {
        let starting = self.control.starting();
        let levels = Levels { own: own.unwrap_or(starting.own), libraries: starting.libraries, modules };
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(timer) = end.timer.take() {
            timer.abort();
        }
        end.change += 1;
        end.at = lasts.map(|lasts| now.plus(lasts));
        self.control.set(levels);
        if let Some(lasts) = lasts {
            let (this, change) = (self.clone(), end.change);
            let timer = async move {
                tokio::time::sleep(lasts).await;
                this.end(change);
            };
            end.timer = Some(tokio::spawn(timer).abort_handle());
        }
        Held { levels: self.control.now(), starting: starting.own, until: end.at }
    }

    /// Ends the change of this number.
    fn end(&self, change: u64) {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if end.change != change {
            return;
        }
        (end.at, end.timer) = (None, None);
        let starting = self.control.starting().clone();
        tracing::info!("the levels of the log are those of the configuration again: {starting}");
        self.control.set(starting);
    }
}
