//! What the service tells of itself beside requests and runs: its build, its start, its checks, its writes, its users.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use cts_model::Timestamp;
use cts_observe::checks::{CheckResult, Status};
use cts_observe::metrics::{Counter, FloatGauge, Gauge, Registry, WRITE_SECONDS};
use cts_observe::{Counts, LogWatch};
use cts_store::Db;

/// How long somebody counts as a user after a request.
const USER_MS: i64 = 24 * 3_600_000;

/// The metrics of the service as a whole.
#[derive(Debug)]
pub(crate) struct ServiceMetrics {
    started: Instant,
    uptime: FloatGauge,
    users: Gauge,
    log: LogWatch,
    /// What is told of it already.
    log_told: Mutex<Counts>,
    lines_dropped: Counter,
    lines_held_back: Counter,
    panics: Counter,
    checks: HashMap<&'static str, OfCheck>,
}

#[derive(Debug)]
struct OfCheck {
    healthy: Gauge,
    seconds: FloatGauge,
}

impl ServiceMetrics {
    /// Adds them to a registry, for a service that starts now and has these checks.
    pub(crate) fn new(registry: &Registry, now: Timestamp, checks: &[CheckResult], log: LogWatch) -> Self {
        let build = registry.gauges("cts_build_info", "Always 1; the labels tell what runs", &["version", "git_sha"]);
        build.with(&[env!("CARGO_PKG_VERSION"), option_env!("CTS_GIT_SHA").unwrap_or("unknown")]).set(1);
        let start = registry
            .float_gauge("process_start_time_seconds", "When this process started, in seconds since 1970 (UTC)");
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
        start.set(now.as_ms() as f64 / 1000.0);
        let healthy = registry.gauges(
            "cts_health_check_healthy",
            "Whether the check passed when it looked last: 1 or 0; 0 also before it has looked",
            &["check"],
        );
        let seconds = registry.float_gauges(
            "cts_health_check_duration_seconds",
            "How long the check took when it looked last, in seconds",
            &["check"],
        );
        let of_check = |check: &CheckResult| {
            let labels = [check.name];
            (check.name, OfCheck { healthy: healthy.with(&labels), seconds: seconds.with(&labels) })
        };
        Self {
            started: Instant::now(),
            uptime: registry.float_gauge("cts_uptime_seconds", "Time since the service started, in seconds"),
            users: registry.gauge(
                "cts_users_active",
                "Tokens with which somebody came within the last 24 hours; 0 while no token is asked for",
            ),
            log,
            log_told: Mutex::default(),
            lines_dropped: registry
                .counter("cts_log_lines_dropped_total", "Lines of the service's own log that nobody took in time"),
            lines_held_back: registry.counter(
                "cts_log_lines_held_back_total",
                "Lines of the service's own log that repeated others and were only counted",
            ),
            panics: registry.counter("cts_panics_total", "Panics in handlers and tasks, each of which was caught"),
            checks: checks.iter().map(of_check).collect(),
        }
    }

    /// Sets what is known in memory and only has to be written down.
    pub(crate) fn look(&self, now: Timestamp, checks: &[CheckResult], users_since: impl FnOnce(Timestamp) -> usize) {
        self.uptime.set(self.started.elapsed().as_secs_f64());
        let users = users_since(Timestamp::from_ms(now.as_ms() - USER_MS));
        self.users.set(i64::try_from(users).unwrap_or(i64::MAX));
        {
            let mut told = self.log_told.lock().unwrap_or_else(PoisonError::into_inner);
            let counts = self.log.counts();
            self.lines_dropped.inc_by(counts.lines_dropped - told.lines_dropped);
            self.lines_held_back.inc_by(counts.lines_held_back - told.lines_held_back);
            self.panics.inc_by(counts.panics - told.panics);
            *told = counts;
        }
        for check in checks {
            if let Some(of) = self.checks.get(check.name) {
                of.healthy.set(i64::from(check.status == Status::Healthy));
                of.seconds.set(check.duration.as_secs_f64());
            }
        }
    }
}

/// Counts and times the writes to a database.
pub(crate) fn observe_writes(registry: &Registry, db: &Db) {
    let seconds = registry.histogram(
        "cts_store_write_duration_seconds",
        "Time from a write to its durable commit, as its caller waits for it, in seconds",
        WRITE_SECONDS,
    );
    let failed = registry.counter("cts_store_write_failures_total", "Writes that were refused or could not be made");
    db.observe_writes(move |took, is_durable| {
        seconds.observe(took.as_secs_f64());
        if !is_durable {
            failed.inc();
        }
    });
}

#[cfg(test)]
mod reference;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use cts_model::{Clock, SystemClock};
    use cts_observe::checks::{Check, Checks, Pace};
    use cts_store::StoreError;

    use super::*;

    #[tokio::test]
    async fn checks_users_and_times_are_told() {
        let registry = Registry::new();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let pace = Pace { interval: Duration::from_secs(30), timeout: Duration::from_secs(5) };
        let good = Check::new("good", "", || async { Ok(Default::default()) });
        let bad = Check::new("bad", "", || async { Err("no".to_owned()) });
        let checks = Checks::new(vec![good, bad], pace, clock);
        let now = Timestamp::from_ms(1_700_000_000_500);
        let metrics = ServiceMetrics::new(&registry, now, &checks.results(), LogWatch::default());
        let healthy = |check| registry.snapshot().total_where("cts_health_check_healthy", "check", check);
        metrics.look(now, &checks.results(), |_| 0);
        assert_eq!((healthy("good"), healthy("bad")), (0.0, 0.0));
        metrics.look(now, &checks.look_once().await, |since| {
            assert_eq!(since, Timestamp::from_ms(1_700_000_000_500 - 86_400_000));
            3
        });
        assert_eq!((healthy("good"), healthy("bad")), (1.0, 0.0));
        let snapshot = registry.snapshot();
        assert_eq!(snapshot.total("cts_users_active"), 3.0);
        assert_eq!(snapshot.total("process_start_time_seconds"), 1_700_000_000.5);
        assert_eq!(snapshot.total_where("cts_build_info", "version", env!("CARGO_PKG_VERSION")), 1.0);
    }

    #[tokio::test]
    async fn writes_are_counted_with_those_that_fail() {
        let registry = Registry::new();
        let db = Db::open_memory().await.unwrap();
        observe_writes(&registry, &db);
        db.write(|_| Box::pin(async { Ok(()) })).await.unwrap();
        let refused = db.clone().write(|_| Box::pin(async { Err::<(), _>(StoreError::Closed) })).await;
        assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
        let snapshot = registry.snapshot();
        assert_eq!(snapshot.total("cts_store_write_duration_seconds"), 2.0);
        assert_eq!(snapshot.total("cts_store_write_failures_total"), 1.0);
    }
}
