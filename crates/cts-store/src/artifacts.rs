//! Artifacts: a row for each file that a run made. The bytes are in [`crate::Blobs`] under the artifact's id.
//!
//! Bytes are stored before the row is written and removed after the row is gone, so that a row never lacks its bytes.

use cts_model::{Artifact, ArtifactDraft, ArtifactId, RunId, Timestamp};

use crate::db::Db;
use crate::error::StoreError;
use crate::sql::{Row, sql, sql_built, sql_locking};
use crate::tx::Tx;

/// Most ids in one question.
const IDS_MAX: usize = 256;

/// The columns of an artifact. While its run is pinned it does not expire.
macro_rules! artifact_columns {
    () => {
        "a.id, a.run_id, a.attempt, a.path, a.media_type, a.size, a.sha256, a.created_at_ms, \
         CASE WHEN r.pinned = 1 THEN NULL ELSE a.expires_at_ms END AS expires_at_ms \
         FROM artifacts a JOIN runs r ON r.id = a.run_id "
    };
}

/// What became of the row of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArtifactInsert {
    /// The attempt is not the present one of a running run: nothing is written, the new blob can go.
    Fenced,
    /// It is written.
    Written {
        /// The artifact that stood for the same path before; its row is gone, its blob can go.
        replaced: Option<ArtifactId>,
    },
}

impl Tx {
    /// Writes the row of an artifact whose bytes are stored. One of the same path is replaced.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_artifact(
        &mut self,
        run_id: RunId,
        attempt: u32,
        draft: &ArtifactDraft,
        now: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<ArtifactInsert, StoreError> {
        // The run's row is locked, so that the attempt cannot end between this look and the commit.
        let look = sql_locking!(
            "SELECT (SELECT a.id FROM artifacts a WHERE a.run_id = runs.id AND a.path = $3) AS replaced
               FROM runs WHERE id = $1 AND attempt = $2 AND status = 'running'"
        );
        let look = look.bind_id(run_id).bind(attempt).bind(draft.path.as_str());
        let Some(row) = self.one(look).await? else { return Ok(ArtifactInsert::Fenced) };
        let replaced: Option<ArtifactId> = row.optional_parsed("replaced")?;
        let insert = "INSERT INTO artifacts
                (id, run_id, attempt, path, media_type, size, sha256, created_at_ms, expires_at_ms)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (run_id, path) DO UPDATE SET id = excluded.id, attempt = excluded.attempt,
                media_type = excluded.media_type, size = excluded.size, sha256 = excluded.sha256,
                created_at_ms = excluded.created_at_ms, expires_at_ms = excluded.expires_at_ms";
        let insert = sql(insert)
            .bind_id(draft.id)
            .bind_id(run_id)
            .bind(attempt)
            .bind(draft.path.as_str())
            .bind(draft.media_type.as_str())
            .bind(draft.size)
            .bind_id(draft.sha256)
            .bind(now)
            .bind(expires_at);
        self.change(insert).await?;
        Ok(ArtifactInsert::Written { replaced: replaced.filter(|&replaced| replaced != draft.id) })
    }

    /// Removes the row of an artifact. False when it was gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_artifact(&mut self, id: ArtifactId) -> Result<bool, StoreError> {
        Ok(self.change(sql("DELETE FROM artifacts WHERE id = $1").bind_id(id)).await? == 1)
    }

    /// Removes the rows of what an attempt made, and returns which they were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_artifacts_of_attempt(
        &mut self,
        run_id: RunId,
        attempt: u32,
    ) -> Result<Vec<ArtifactId>, StoreError> {
        let delete = "DELETE FROM artifacts WHERE run_id = $1 AND attempt = $2 RETURNING id";
        self.all(sql(delete).bind_id(run_id).bind(attempt)).await?.iter().map(|row| row.parsed("id")).collect()
    }
}

impl Db {
    /// Returns what a run made, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn artifacts(&self, run_id: RunId) -> Result<Vec<Artifact>, StoreError> {
        let select = concat!("SELECT ", artifact_columns!(), "WHERE a.run_id = $1 ORDER BY a.id");
        self.all(sql(select).bind_id(run_id)).await?.iter().map(artifact).collect()
    }

    /// Returns an artifact.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn artifact(&self, id: ArtifactId) -> Result<Option<Artifact>, StoreError> {
        let select = concat!("SELECT ", artifact_columns!(), "WHERE a.id = $1");
        self.one(sql(select).bind_id(id)).await?.as_ref().map(artifact).transpose()
    }

    /// Returns artifacts whose time is over, the most overdue first; none of pinned runs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expired_artifacts(&self, now: Timestamp, limit: u32) -> Result<Vec<Artifact>, StoreError> {
        let select = concat!(
            "SELECT ",
            artifact_columns!(),
            "WHERE a.expires_at_ms <= $1 AND r.pinned = 0 ORDER BY a.expires_at_ms LIMIT $2"
        );
        self.all(sql(select).bind(now).bind(limit)).await?.iter().map(artifact).collect()
    }

    /// Returns the oldest artifacts of runs that have ended and are not pinned.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn oldest_artifacts(&self, limit: u32) -> Result<Vec<Artifact>, StoreError> {
        let select = concat!(
            "SELECT ",
            artifact_columns!(),
            "WHERE r.pinned = 0 AND r.ended_at_ms IS NOT NULL ORDER BY a.id LIMIT $1"
        );
        self.all(sql(select).bind(limit)).await?.iter().map(artifact).collect()
    }

    /// Returns the bytes of all artifacts together.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn artifact_bytes_total(&self) -> Result<u64, StoreError> {
        let select = "SELECT CAST(coalesce(sum(size), 0) AS BIGINT) AS number FROM artifacts";
        Ok(u64::try_from(self.number(sql(select)).await?).unwrap_or(0))
    }

    /// Returns those of the ids that have a row, for the sweep of blobs without one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn artifact_ids_exist(&self, ids: &[ArtifactId]) -> Result<Vec<ArtifactId>, StoreError> {
        self.existing("artifacts", ids).await
    }

    /// Returns those of the ids that are in a table of the crate's own.
    pub(crate) async fn existing<I>(&self, table: &'static str, ids: &[I]) -> Result<Vec<I>, StoreError>
    where
        I: std::fmt::Display + std::str::FromStr<Err: std::fmt::Display>,
    {
        let mut found = Vec::new();
        for some in ids.chunks(IDS_MAX) {
            let places: Vec<String> = (1..=some.len()).map(|place| format!("${place}")).collect();
            let select = format!("SELECT id FROM {table} WHERE id IN ({})", places.join(", "));
            let select = some.iter().fold(sql_built(select), |select, id| select.bind_id(id));
            for row in self.all(select).await? {
                found.push(row.parsed("id")?);
            }
        }
        Ok(found)
    }
}

fn artifact(row: &Row) -> Result<Artifact, StoreError> {
    Ok(Artifact {
        id: row.parsed("id")?,
        run_id: row.parsed("run_id")?,
        attempt: row.number("attempt")?,
        path: row.parsed("path")?,
        media_type: row.text("media_type")?,
        size: row.number("size")?,
        sha256: row.parsed("sha256")?,
        created_at: row.time("created_at_ms")?,
        expires_at: row.optional_time("expires_at_ms")?,
    })
}
