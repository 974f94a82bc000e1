//! Uploads: a row for each file that a client sends. Its bytes become a blob when it is ready.

use cts_model::{Sha256, Timestamp, Upload, UploadId, UploadState};

use crate::db::Db;
use crate::error::StoreError;
use crate::sql::{Row, sql};
use crate::tx::Tx;

const SELECT: &str =
    "SELECT id, filename, size, sha256, state, created_at_ms, expires_at_ms FROM uploads WHERE id = $1";

impl Tx {
    /// Writes a new upload.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_upload(&mut self, upload: &Upload) -> Result<(), StoreError> {
        let insert = "INSERT INTO uploads (id, filename, size, sha256, state, created_at_ms, expires_at_ms)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let insert = sql(insert)
            .bind_id(upload.id)
            .bind(upload.filename.as_str())
            .bind(upload.size)
            .bind_optional_id(upload.sha256)
            .bind(upload.state.as_str())
            .bind(upload.created_at)
            .bind(upload.expires_at);
        self.change(insert).await.map(|_| ())
    }

    /// Returns an upload.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn upload(&mut self, id: UploadId) -> Result<Option<Upload>, StoreError> {
        self.one(sql(SELECT).bind_id(id)).await?.as_ref().map(upload).transpose()
    }

    /// Writes the declared sum of an upload that is not yet ready. False when there is none such.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_upload_sha256(&mut self, id: UploadId, sha256: Sha256) -> Result<bool, StoreError> {
        let update = "UPDATE uploads SET sha256 = $2 WHERE id = $1 AND state = 'pending'";
        Ok(self.change(sql(update).bind_id(id).bind_id(sha256)).await? == 1)
    }

    /// Makes an upload ready, with the sum of its bytes. False when there is none that is pending.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_upload_ready(
        &mut self,
        id: UploadId,
        sha256: Sha256,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = "UPDATE uploads SET state = 'ready', sha256 = $2, expires_at_ms = $3
            WHERE id = $1 AND state = 'pending'";
        Ok(self.change(sql(update).bind_id(id).bind_id(sha256).bind(expires_at)).await? == 1)
    }

    /// Removes an upload's row. False when it was gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_upload(&mut self, id: UploadId) -> Result<bool, StoreError> {
        Ok(self.change(sql("DELETE FROM uploads WHERE id = $1").bind_id(id)).await? == 1)
    }
}

impl Db {
    /// Returns an upload.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn upload(&self, id: UploadId) -> Result<Option<Upload>, StoreError> {
        self.one(sql(SELECT).bind_id(id)).await?.as_ref().map(upload).transpose()
    }

    /// Returns uploads whose time is over, the most overdue first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expired_uploads(&self, now: Timestamp, limit: u32) -> Result<Vec<UploadId>, StoreError> {
        let select = "SELECT id FROM uploads WHERE expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT $2";
        self.all(sql(select).bind(now).bind(limit)).await?.iter().map(|row| row.parsed("id")).collect()
    }

    /// Returns those of the ids that have a row, for the sweep of bytes without one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn upload_ids_exist(&self, ids: &[UploadId]) -> Result<Vec<UploadId>, StoreError> {
        self.existing("uploads", ids).await
    }
}

fn upload(row: &Row) -> Result<Upload, StoreError> {
    Ok(Upload {
        id: row.parsed("id")?,
        filename: row.text("filename")?,
        size: row.number("size")?,
        sha256: row.optional_parsed("sha256")?,
        state: row.word("state", UploadState::from_word)?,
        created_at: row.time("created_at_ms")?,
        expires_at: row.time("expires_at_ms")?,
    })
}
