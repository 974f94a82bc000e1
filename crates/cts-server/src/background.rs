//! The table of periodic tasks. Each is idempotent and takes what is there when it comes; a failure is logged and the
//! next turn comes all the same.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use cts_observe::checks::Running;
use cts_observe::metrics::{MachineMetrics, ProcessMetrics};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::app::App;

/// How often the folder of manifests is looked at.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

/// How often the machine is looked at.
const MACHINE_INTERVAL: Duration = Duration::from_secs(10);

/// The periodic tasks; dropping it ends them.
#[derive(Debug)]
pub(crate) struct Background {
    tasks: Vec<JoinHandle<()>>,
    /// They end with it.
    _checks: Option<Running>,
}

impl Drop for Background {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Starts the periodic tasks.
pub(crate) fn start(app: &App, cleanup_interval: Duration) -> Background {
    let tasks = vec![
        every("reload of manifests", RELOAD_INTERVAL, app, reload_tools),
        every("retention", cleanup_interval, app, retention),
        watch_machine(app),
    ];
    let checks = app.shared().http.enable_health_checks.then(|| app.shared().checks.start());
    Background { tasks, _checks: checks }
}

fn every<F>(name: &'static str, interval: Duration, app: &App, task: fn(App) -> F) -> JoinHandle<()>
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let app = app.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(interval.max(Duration::from_secs(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // A task of its own, so that a panic ends this turn and not all that come.
            match tokio::spawn(task(app.clone())).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(task = name, "{name} failed: {error}"),
                Err(panicked) => tracing::error!(task = name, "{name} panicked: {panicked}"),
            }
        }
    })
}

/// Looks at the process and the machine now and then, for metrics and for the check of resources.
fn watch_machine(app: &App) -> JoinHandle<()> {
    let app = app.clone();
    tokio::spawn(async move {
        let registry = Arc::clone(app.engine().metrics().registry());
        let (process, mut machine) = (ProcessMetrics::new(&registry), MachineMetrics::new(&registry));
        let process = Arc::new(process);
        let mut ticks = tokio::time::interval(MACHINE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let disk = app.engine().disk_space().await;
            let process = Arc::clone(&process);
            let looked = tokio::task::spawn_blocking(move || {
                process.look();
                let seen = machine.look(disk);
                (machine, seen)
            });
            let Ok((back, seen)) = looked.await else { return };
            machine = back;
            *app.shared().machine.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        }
    })
}

async fn reload_tools(app: App) -> Result<(), String> {
    let registry = app.engine().registry().clone();
    let looked = tokio::task::spawn_blocking(move || {
        let changed = registry.reload_if_changed();
        (changed, registry)
    });
    let (changed, registry) = looked.await.map_err(|error| error.to_string())?;
    if changed {
        let (tools, broken) = (registry.list().len(), registry.broken());
        tracing::info!(tools, broken = broken.len(), "the tools changed: {tools} are there now");
        for manifest in broken {
            let path = manifest.path.display();
            for fault in &manifest.faults {
                tracing::warn!("manifest {path}:{}:{}: {}", fault.line, fault.column, fault.message);
            }
        }
    }
    Ok(())
}

async fn retention(app: App) -> Result<(), String> {
    let removed = app.engine().retention_pass().await;
    // Also after a failure: the steps before it are done.
    app.shared().run_bodies.forget_all();
    removed.map(|_| ()).map_err(|error| error.to_string())
}
