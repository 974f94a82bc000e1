//! The pass over everything that lies on the disk, once after each start of a service: what no row names goes.
//!
//! Rows are written before the bytes of uploads and logs, so these can go at any age. Bytes of artifacts come before
//! their rows: young ones are left alone where another process may be about to write theirs.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cts_model::{ArtifactId, RunId, RunState, Timestamp, UploadId};
use cts_store::{BlobKey, BlobKind};
use futures_util::StreamExt;

use crate::Inner;
use crate::attempt::start::{RUNS_FOLDER, remove_folder};
use crate::error::EngineError;

/// Bytes without a row are left alone for this long while other workers live: they may be about to get one.
const ORPHAN_AGE: Duration = Duration::from_hours(1);
/// Most blobs whose rows are looked up at once.
const SWEEP_BATCH: usize = 500;

impl Inner {
    /// Removes directories of attempts that are over, and bytes without rows. Begins after recovery, in the background.
    pub(crate) async fn sweep(self: Arc<Self>) {
        if let Err(error) = self.sweep_folders().await {
            tracing::warn!(%error, "cannot remove the directories of old attempts");
        }
        if let Err(error) = self.sweep_blobs().await {
            tracing::warn!(%error, "cannot look for bytes without rows");
        }
        if let Err(error) = self.sweep_uploads().await {
            tracing::warn!(%error, "cannot look for uploads without rows");
        }
        if let Err(error) = self.sweep_logs().await {
            tracing::warn!(%error, "cannot look for logs without rows");
        }
    }

    async fn sweep_folders(&self) -> Result<(), EngineError> {
        let parents = [self.options.data_dir.join(RUNS_FOLDER), self.temp_root.clone()];
        for parent in parents {
            let listed = tokio::task::spawn_blocking(move || attempt_folders(&parent))
                .await
                .map_err(|error| EngineError::Panicked(error.to_string()))?;
            for (path, run, attempt) in listed {
                let running =
                    self.db.run(run).await?.is_some_and(|row| row.state == RunState::Running && row.attempt == attempt);
                if running || self.active.get(run).is_some() {
                    continue;
                }
                let removed = tokio::task::spawn_blocking(move || (remove_folder(&path), path)).await;
                if let Ok((Err(error), path)) = removed {
                    tracing::warn!(%error, "cannot remove {}", path.display());
                }
            }
        }
        Ok(())
    }

    async fn sweep_blobs(&self) -> Result<(), EngineError> {
        let others = self.db.workers().await?.iter().any(|row| row.id != self.worker);
        let own_start = created_ms(self.worker.uuid());
        let limit = if others { self.clock.now().minus(ORPHAN_AGE).as_ms() } else { own_start };
        self.blobs.sweep_half_stored(Timestamp::from_ms(limit)).await?;
        let blobs = self.blobs.clone();
        let mut entries = blobs.list(BlobKind::Artifact).chunks(SWEEP_BATCH);
        while let Some(batch) = entries.next().await {
            let old: Vec<ArtifactId> = batch
                .into_iter()
                .filter_map(|entry| match entry.ok()?.key {
                    BlobKey::Artifact(id) if created_ms(id.uuid()) < limit => Some(id),
                    _ => None,
                })
                .collect();
            let known: HashSet<ArtifactId> = self.db.artifact_ids_exist(&old).await?.into_iter().collect();
            let orphans: Vec<ArtifactId> = old.into_iter().filter(|id| !known.contains(id)).collect();
            if !orphans.is_empty() {
                tracing::info!(count = orphans.len(), "removing {} blobs that no row names", orphans.len());
            }
            self.delete_blobs(orphans).await;
        }
        Ok(())
    }

    /// Removes bytes of uploads that have no row: the row of a removed upload goes first.
    async fn sweep_uploads(&self) -> Result<(), EngineError> {
        let mut entries = self.blobs.list(BlobKind::Upload).chunks(SWEEP_BATCH);
        while let Some(batch) = entries.next().await {
            let ids: Vec<UploadId> = batch
                .into_iter()
                .filter_map(|entry| match entry.ok()?.key {
                    BlobKey::Upload(id) => Some(id),
                    _ => None,
                })
                .collect();
            let known: HashSet<UploadId> = self.db.upload_ids_exist(&ids).await?.into_iter().collect();
            for id in ids.into_iter().filter(|id| !known.contains(id)) {
                self.blobs.delete(BlobKey::Upload(id)).await?;
            }
        }
        let folder = self.options.data_dir.join("uploads");
        let parts: Vec<(PathBuf, UploadId)> = listed(move || files_named(&folder, ".part")).await?;
        for batch in parts.chunks(SWEEP_BATCH) {
            let ids: Vec<UploadId> = batch.iter().map(|(_, id)| *id).collect();
            let known: HashSet<UploadId> = self.db.upload_ids_exist(&ids).await?.into_iter().collect();
            remove_files(batch.iter().filter(|(_, id)| !known.contains(id)).map(|(path, _)| path.clone())).await?;
        }
        Ok(())
    }

    /// Removes logs of runs that are not there any more: the row of a removed run goes first.
    async fn sweep_logs(&self) -> Result<(), EngineError> {
        let folder = self.logs.folder().to_owned();
        let shards = listed(move || subfolders(&folder)).await?;
        for shard in shards {
            let logs: Vec<(PathBuf, RunId)> = listed(move || files_named(&shard, ".log")).await?;
            for batch in logs.chunks(SWEEP_BATCH) {
                let ids: Vec<RunId> = batch.iter().map(|(_, id)| *id).collect();
                let known: HashSet<RunId> = self.db.run_ids_exist(&ids).await?.into_iter().collect();
                remove_files(batch.iter().filter(|(_, id)| !known.contains(id)).map(|(path, _)| path.clone())).await?;
            }
        }
        Ok(())
    }
}

async fn listed<T: Send + 'static>(list: impl FnOnce() -> T + Send + 'static) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(list).await.map_err(|error| EngineError::Panicked(error.to_string()))
}

async fn remove_files(paths: impl Iterator<Item = PathBuf>) -> Result<(), EngineError> {
    let paths: Vec<PathBuf> = paths.collect();
    listed(move || {
        for path in paths {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(%error, "cannot remove {}", path.display());
                }
                _ => tracing::info!("removed {}, which no row names", path.display()),
            }
        }
    })
    .await
}

/// Lists the files `<id><end>`.
fn files_named<I: std::str::FromStr>(folder: &Path, end: &str) -> Vec<(PathBuf, I)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let named = entries.flatten().filter_map(|entry| {
        let id = entry.file_name().to_str()?.strip_suffix(end)?.parse().ok()?;
        Some((entry.path(), id))
    });
    named.collect()
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).collect()
}

/// The time in a `UUIDv7`, in milliseconds since 1970.
fn created_ms(uuid: uuid::Uuid) -> i64 {
    let time = uuid.get_timestamp().map_or((0, 0), |time| time.to_unix());
    i64::try_from(time.0).unwrap_or(0) * 1000 + i64::from(time.1 / 1_000_000)
}

/// Lists the folders `<run>.<attempt>`.
fn attempt_folders(parent: &Path) -> Vec<(PathBuf, RunId, u32)> {
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    let named = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let (run, attempt) = name.rsplit_once('.')?;
        Some((entry.path(), run.parse().ok()?, attempt.parse().ok()?))
    });
    named.collect()
}
