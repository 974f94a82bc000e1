//! What is removed when it is old or too much: artifacts, logs, runs, uploads, keys. Pinned runs are kept.
//!
//! Each step is bounded and idempotent: rows go first, then bytes; bytes that are left by a death in between are found
//! by the sweep at the next start.

use std::time::Duration;

use cts_model::{Artifact, ArtifactId, Ctx, Timestamp};

use crate::error::EngineError;
use crate::submit::IDEMPOTENCY_KEPT;
use crate::{Engine, Inner};

/// How many rows are removed in one transaction.
const BATCH: u32 = 200;
/// Most batches of one pass, so that it ends; the next pass goes on.
const BATCHES_MAX: u32 = 500;
/// Events are kept for this long: long enough for every reader to come back.
const EVENTS_KEPT: Duration = Duration::from_hours(24 * 7);

/// What one pass removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Artifacts.
    pub artifacts: u64,
    /// Runs with their logs.
    pub runs: u64,
    /// Logs of runs that are kept.
    pub logs: u64,
    /// Uploads.
    pub uploads: u64,
}

impl Engine {
    /// Removes what is old or too much.
    ///
    /// # Errors
    /// The first step that failed; the steps before it are done.
    pub async fn retention_pass(&self) -> Result<Removed, EngineError> {
        let inner = &self.inner;
        let now = inner.clock.now();
        let mut removed = Removed::default();
        inner.remove_runs(now, &mut removed).await?;
        inner.remove_expired_artifacts(now, &mut removed).await?;
        inner.remove_oldest_artifacts(&mut removed).await?;
        inner.remove_logs(now, &mut removed).await?;
        removed.uploads = self.uploads().remove_expired(now).await?;
        let (keys_before, events_before) = (now.minus(IDEMPOTENCY_KEPT), now.minus(EVENTS_KEPT));
        inner
            .db
            .write(move |tx| {
                Box::pin(async move {
                    tx.prune_keys(keys_before).await?;
                    tx.prune_events(events_before).await?;
                    Ok(())
                })
            })
            .await?;
        inner.metrics.removed(&removed);
        if removed != Removed::default() {
            tracing::info!(
                artifacts = removed.artifacts,
                runs = removed.runs,
                logs = removed.logs,
                uploads = removed.uploads,
                "retention removed {} artifacts, {} runs, {} logs, {} uploads",
                removed.artifacts,
                removed.runs,
                removed.logs,
                removed.uploads
            );
        }
        Ok(removed)
    }
}

impl Inner {
    /// Returns when an artifact that is made now expires.
    pub(crate) fn artifact_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        let kept = self.options.artifact_retention;
        (!kept.is_zero()).then(|| now.plus(kept))
    }

    async fn remove_runs(&self, now: Timestamp, removed: &mut Removed) -> Result<(), EngineError> {
        if self.options.run_retention.is_zero() {
            return Ok(());
        }
        let before = now.minus(self.options.run_retention);
        for _ in 0..BATCHES_MAX {
            let old = self.db.runs_to_delete(before, BATCH).await?;
            if old.is_empty() {
                return Ok(());
            }
            let (gone, blobs) = self
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        let (mut gone, mut blobs) = (Vec::new(), Vec::new());
                        for id in old {
                            // One that was pinned meanwhile stays.
                            if let Some(artifacts) = tx.delete_run(id, now).await? {
                                gone.push(id);
                                blobs.extend(artifacts);
                            }
                        }
                        Ok((gone, blobs))
                    })
                })
                .await?;
            self.delete_blobs(blobs).await;
            removed.runs += gone.len() as u64;
            gone.iter().for_each(|run| self.announce(*run));
            let logs = self.logs.clone();
            let remove = move || {
                for run in gone {
                    if let Err(error) = logs.remove(run) {
                        tracing::warn!(run.id = %run, %error, "cannot remove the log of run {run}");
                    }
                }
            };
            tokio::task::spawn_blocking(remove).await.map_err(|error| EngineError::Panicked(error.to_string()))?;
        }
        Ok(())
    }

    async fn remove_expired_artifacts(&self, now: Timestamp, removed: &mut Removed) -> Result<(), EngineError> {
        for _ in 0..BATCHES_MAX {
            let expired = self.db.expired_artifacts(now, BATCH).await?;
            if expired.is_empty() {
                return Ok(());
            }
            removed.artifacts += self.remove_artifacts(expired, None).await?;
        }
        Ok(())
    }

    async fn remove_oldest_artifacts(&self, removed: &mut Removed) -> Result<(), EngineError> {
        let most = self.options.artifact_storage_bytes_max;
        if most == 0 {
            return Ok(());
        }
        for _ in 0..BATCHES_MAX {
            let total = self.db.artifact_bytes_total().await?;
            if total <= most {
                return Ok(());
            }
            let mut over = total - most;
            let oldest = self.db.oldest_artifacts(BATCH).await?.into_iter();
            let chosen: Vec<Artifact> = oldest
                .take_while(|artifact| {
                    let needed = over > 0;
                    over = over.saturating_sub(artifact.size);
                    needed
                })
                .collect();
            if chosen.is_empty() {
                tracing::warn!(
                    total,
                    most,
                    "artifacts take {total} bytes, more than {most}, and all of them are pinned"
                );
                return Ok(());
            }
            removed.artifacts += self.remove_artifacts(chosen, None).await?;
        }
        Ok(())
    }

    /// Removes rows, then bytes; `cx` is whose change it is, where it is not the service's own.
    pub(crate) async fn remove_artifacts(&self, artifacts: Vec<Artifact>, cx: Option<Ctx>) -> Result<u64, EngineError> {
        let ids: Vec<ArtifactId> = artifacts.iter().map(|artifact| artifact.id).collect();
        let (rows, now) = (ids.clone(), self.clock.now());
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    for id in rows {
                        tx.delete_artifact(id).await?;
                    }
                    if let Some(cx) = cx {
                        tx.record_change(&cx, now, &[]).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        let count = ids.len() as u64;
        self.delete_blobs(ids).await;
        artifacts.iter().for_each(|artifact| self.wakeups.wake(artifact.run_id));
        Ok(count)
    }

    /// Removes log files by the age of their last line. A run that is pinned or not ended keeps its log.
    async fn remove_logs(&self, now: Timestamp, removed: &mut Removed) -> Result<(), EngineError> {
        let (logs_kept, runs_kept) = (self.options.log_retention, self.options.run_retention);
        if logs_kept.is_zero() || (!runs_kept.is_zero() && logs_kept >= runs_kept) {
            // Logs go with their runs.
            return Ok(());
        }
        let folder = self.logs.folder().to_owned();
        let before = now.minus(logs_kept);
        let old = tokio::task::spawn_blocking(move || old_logs(&folder, before))
            .await
            .map_err(|error| EngineError::Panicked(error.to_string()))?;
        for run in old {
            let keep = self.db.run(run).await?.is_some_and(|run| run.pinned || !run.state.is_terminal());
            if keep {
                continue;
            }
            let logs = self.logs.clone();
            let gone = tokio::task::spawn_blocking(move || logs.remove(run)).await;
            match gone.map_err(|error| EngineError::Panicked(error.to_string()))? {
                Ok(()) => removed.logs += 1,
                Err(error) => tracing::warn!(run.id = %run, %error, "cannot remove the log of run {run}"),
            }
        }
        Ok(())
    }
}

/// Lists the runs whose log file was last written before `before`.
fn old_logs(folder: &std::path::Path, before: Timestamp) -> Vec<cts_model::RunId> {
    use std::os::unix::fs::MetadataExt;
    let Ok(shards) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = shards.flatten().filter_map(|shard| std::fs::read_dir(shard.path()).ok()).flatten().flatten();
    files
        .filter_map(|file| {
            let run = file.file_name().to_str()?.strip_suffix(".log")?.parse().ok()?;
            let written_ms = file.metadata().ok()?.mtime().saturating_mul(1000);
            (written_ms < before.as_ms()).then_some(run)
        })
        .collect()
}
