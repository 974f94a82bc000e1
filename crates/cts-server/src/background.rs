//! The table of periodic tasks. Each is idempotent and takes what is there when it comes; a failure is logged and the
//! next turn comes all the same.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use cts_observe::checks::Running;
use cts_observe::metrics::{MachineMetrics, ProcessMetrics};
use cts_store::StoreError;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::access::tokens;
use crate::app::App;
use crate::state::Shared;

/// How often the folder of manifests is looked at.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

/// How often the machine is looked at.
const MACHINE_INTERVAL: Duration = Duration::from_secs(10);
/// How often the rows of the tokens are looked at: what another process takes back is good that long at most.
const TOKENS_INTERVAL: Duration = Duration::from_secs(1);
/// How often is written down when tokens were used last.
const USES_INTERVAL: Duration = Duration::from_secs(30);

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
        every("look at the tokens", TOKENS_INTERVAL, app, look_at_tokens),
        every("last uses of tokens", USES_INTERVAL, app, write_uses),
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
    let pruned = prune_access(app.shared()).await;
    removed.map(|_| ()).map_err(|error| error.to_string())?;
    pruned.map_err(|error| error.to_string())
}

/// Removes tokens that have been good for nothing for a while, and old entries of the audit log.
async fn prune_access(shared: &Shared) -> Result<(), StoreError> {
    let now = shared.clock.now();
    tokens::prune(&shared.access.keyring, now).await?;
    let before = now.minus(shared.http.audit_retention);
    shared.engine.db().write(move |tx| Box::pin(tx.prune_audit(before))).await.map(|_| ())
}

async fn look_at_tokens(app: App) -> Result<(), String> {
    if !app.shared().http.require_authentication {
        return Ok(());
    }
    app.shared().access.keyring.refresh().await.map_err(|error| error.to_string())
}

/// Writes down when tokens were used last.
pub(crate) async fn write_uses(app: App) -> Result<(), String> {
    app.shared().access.keyring.write_uses().await.map_err(|error| error.to_string())
}
