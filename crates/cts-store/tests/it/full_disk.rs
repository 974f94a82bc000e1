//! A full disk: writes fail with a clear word, nothing that was acknowledged is lost, and all goes on when there is
//! room.

use std::path::Path;
use std::process::Command;

use cts_store::{BlobKey, Blobs, Db, PutHow, SqliteOptions, StoreError};

/// A small file system of its own, gone when the test ends.
struct Mount(tempfile::TempDir);

impl Mount {
    /// None when this user may not mount.
    #[expect(clippy::disallowed_methods, reason = "mounting needs the system's program")]
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder)),
            _ => None,
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    #[expect(clippy::disallowed_methods, reason = "unmounting needs the system's program")]
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            println!("{} stays mounted", self.0.path().display());
        }
    }
}

fn mount() -> Option<Mount> {
    let mount = Mount::new();
    if mount.is_none() {
        assert!(!crate::support::must_run_all(), "this user may not mount a small file system");
        println!("skipped: this user may not mount a small file system");
    }
    mount
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let Some(mount) = mount() else { return };
    let ballast = mount.path().join("ballast");
    let db = Db::open_sqlite(&mount.path().join("cts.db"), &SqliteOptions::default()).await.unwrap();
    std::fs::write(&ballast, vec![0; 300 << 10]).unwrap();
    let bench = crate::support::sqlite().await;
    let mut acknowledged = Vec::new();
    let error = loop {
        let mut run = bench.run_of(bench.request("t"));
        run.request.name = Some("x".repeat(2000));
        let id = run.id;
        match db.write(move |tx| Box::pin(async move { tx.insert_run(&run).await })).await {
            Ok(()) => acknowledged.push(id),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 10_000, "the disk never fills");
    };
    assert!(matches!(error, StoreError::DiskFull(_)), "{error:?}");
    assert_eq!(error.fault().code.as_str(), "DISK_FULL");
    assert_eq!(db.run_ids_exist(&acknowledged).await.unwrap().len(), acknowledged.len());
    std::fs::remove_file(ballast).unwrap();
    let run = bench.run_of(bench.request("t"));
    acknowledged.push(run.id);
    db.write(move |tx| Box::pin(async move { tx.insert_run(&run).await })).await.unwrap();
    assert_eq!(db.run_ids_exist(&acknowledged).await.unwrap().len(), acknowledged.len());
    assert_eq!(db.last_event_seq().await.unwrap(), i64::try_from(acknowledged.len()).unwrap());
    db.close().await;
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_that_does_not_fit_leaves_nothing_behind() {
    let Some(mount) = mount() else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let source = elsewhere.path().join("big");
    std::fs::write(&source, vec![7; 3 << 20]).unwrap();
    let blobs = Blobs::local(mount.path(), true).unwrap();
    let bench = crate::support::sqlite().await;
    for how in [PutHow::Copy, PutHow::Move] {
        let key = BlobKey::Artifact(cts_model::ArtifactId::new(&bench.ids));
        let error = blobs.put_file(key, &source, how).await.unwrap_err();
        assert_eq!(error.fault().code.as_str(), "DISK_FULL", "{error:?}");
        assert_eq!(blobs.size(key).await.unwrap(), None);
    }
    assert!(source.exists(), "what could not be moved is where it was");
    let small = elsewhere.path().join("small");
    std::fs::write(&small, vec![7; 500 << 10]).unwrap();
    let key = BlobKey::Artifact(cts_model::ArtifactId::new(&bench.ids));
    blobs.put_file(key, &small, PutHow::Move).await.unwrap();
    assert!(!small.exists(), "moved from one file system to another");
    bench.end().await;
}
