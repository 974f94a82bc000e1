//! Waits for the end of a run and tells its changes on the way, over broken connections and restarts of the service.

use std::time::Duration;

use cts_api::Run;

use super::Client;
use super::retry::Backoff;
use crate::error::CliError;

impl Client {
    /// Waits until a run has ended. `changed` sees every answer; while nothing changes one comes each `interval`.
    pub(crate) async fn watch(
        &self,
        run: &str,
        interval: Duration,
        mut changed: impl FnMut(&Run),
    ) -> Result<Run, CliError> {
        let mut backoff = Backoff::new();
        loop {
            backoff.begins();
            match self.run(run, Some(interval)).await {
                Ok(run) => {
                    backoff.succeeded();
                    changed(&run);
                    if run.status.is_terminal() {
                        return Ok(run);
                    }
                }
                Err(error) => {
                    if !may_pass(&error) || !backoff.wait().await {
                        return Err(error);
                    }
                }
            }
        }
    }
}

/// Returns whether the same request may go well a little later.
pub(super) fn may_pass(error: &CliError) -> bool {
    match error {
        CliError::Connection { source, .. } => source.may_pass(),
        // Busy, stopping, or a page of a proxy while the service starts anew.
        CliError::Problem(problem) => matches!(problem.status, 429 | 502..=504),
        _ => false,
    }
}
