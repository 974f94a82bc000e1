//! How long a service needs until it answers, with an existing database and nothing to recover, and what it holds in
//! memory when it does nothing.

use std::time::Duration;

use crate::bench::Plan;
use crate::bench::report::Row;
use crate::bench::samples::Samples;
use crate::error::Failed;
use crate::service::{Service, Setup};

/// Starts that are timed.
const STARTS: usize = 15;

/// It does nothing for so long before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

/// Measures both.
pub(super) fn measure(_plan: &Plan) -> Result<Vec<Row>, Failed> {
    let setup = Setup { name: "bench-start", profile: "release", ..Setup::default() };
    Service::start(&setup)?.stop()?;
    let again = Setup { keep_data: true, ..setup };
    let mut samples = Samples::default();
    for _ in 0..STARTS {
        let service = Service::start(&again)?;
        samples.add(service.ready_after());
        service.stop()?;
    }
    let service = Service::start(&again)?;
    std::thread::sleep(IDLE);
    let idle = service.memory("RssAnon")?;
    service.stop()?;
    #[expect(clippy::cast_precision_loss, reason = "memory fits a double")]
    let idle_mb = idle as f64 / 1e6;
    Ok(vec![
        Row::at_most(format!("start to ready, p50 of {}", samples.len()), samples.percentile_ms(50), "ms", 150.0),
        Row::told("start to ready, worst", samples.percentile_ms(100), "ms"),
        Row::at_most("idle memory (RssAnon)", idle_mb, "MB", 40.0),
    ])
}
