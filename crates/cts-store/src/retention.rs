//! What retention removes. When is decided by the engine; pinned runs and runs that have not ended are left alone here.

use cts_model::{ArtifactId, RunId, RunState, Timestamp};

use crate::db::Db;
use crate::error::StoreError;
use crate::sql::sql;
use crate::tx::Tx;

impl Db {
    /// Returns runs that ended before `ended_before` and are not pinned, the oldest end first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn runs_to_delete(&self, ended_before: Timestamp, limit: u32) -> Result<Vec<RunId>, StoreError> {
        let select = "SELECT id FROM runs WHERE ended_at_ms IS NOT NULL AND pinned = 0 AND ended_at_ms < $1
            ORDER BY ended_at_ms LIMIT $2";
        let select = sql(select).bind(ended_before).bind(limit);
        self.all(select).await?.iter().map(|row| row.parsed("id")).collect()
    }
}

impl Tx {
    /// Removes a run that has ended and is not pinned, with everything that belongs to it, and returns the artifacts
    /// whose bytes can go. None when there is no such run.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_run(&mut self, id: RunId, now: Timestamp) -> Result<Option<Vec<ArtifactId>>, StoreError> {
        let Some(run) = self.run(id).await? else { return Ok(None) };
        if run.pinned || !RunState::is_terminal(run.state) {
            return Ok(None);
        }
        self.change(sql("DELETE FROM runs WHERE id = $1").bind_id(id)).await?;
        self.add_run_event(now, &run, "deleted");
        Ok(Some(run.artifacts))
    }
}
