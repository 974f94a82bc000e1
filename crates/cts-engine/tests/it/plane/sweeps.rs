//! What a death in the middle leaves: found at the next start, or made good by the next request.

use std::sync::Arc;
use std::time::Duration;

use cts_model::{Ids, RunId, SystemClock, UploadId};
use cts_store::BlobKey;

use super::{Bench, options, start};

async fn until_gone(path: &std::path::Path) {
    let deadline = tokio::time::Instant::now() + super::PATIENCE;
    while path.exists() {
        assert!(tokio::time::Instant::now() < deadline, "{} is still there", path.display());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn bytes_of_uploads_and_logs_that_no_row_names_are_removed_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("tools.d")).unwrap();
    let ids = Ids::new(Arc::new(SystemClock));
    let blobs = cts_store::Blobs::local(&folder.path().join("blobs"), false).unwrap();
    let blob = BlobKey::Upload(UploadId::new(&ids));
    blobs.put_bytes(blob, "x".into()).await.unwrap();
    let part = folder.path().join(format!("uploads/{}.part", UploadId::new(&ids)));
    let run = RunId::new(&ids).to_string();
    let log = folder.path().join(format!("logs/{}/{run}.log", &run[run.len() - 2..]));
    let foreign = folder.path().join("uploads/notes.txt");
    for file in [&part, &log, &foreign] {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "x").unwrap();
    }
    let (engine, db) = start(folder.path(), options(folder.path()), Arc::new(SystemClock)).await;
    until_gone(&blobs.local_path(blob).unwrap()).await;
    until_gone(&part).await;
    until_gone(&log).await;
    assert!(foreign.exists(), "what is not ours is left alone");
    Bench { folder, engine, db }.end().await;
}

#[tokio::test]
async fn what_belongs_to_a_row_outlives_a_start() {
    let bench = Bench::new(&[("says", "echo 1 > a.txt; echo line", "")]).await;
    let run = bench.submit("says").await;
    bench.end_of(run).await;
    let uploads = bench.engine.uploads();
    let new = cts_engine::NewUpload { filename: "a".into(), size: 2, sha256: None, idempotency: None };
    let (upload, _) = uploads.create(&super::cx(), new).await.unwrap();
    let body = futures_util::stream::iter([Ok::<_, &str>(bytes::Bytes::from_static(b"x"))]);
    uploads.append(upload.id, None, body).await.unwrap();
    let Bench { folder, engine, .. } = bench;
    engine.drain(super::PATIENCE).await.unwrap();
    // Something that is swept last, so that its end is the end of the sweep.
    let ids = Ids::new(Arc::new(SystemClock));
    let orphan = RunId::new(&ids).to_string();
    let log = folder.path().join(format!("logs/{}/{orphan}.log", &orphan[orphan.len() - 2..]));
    std::fs::create_dir_all(log.parent().unwrap()).unwrap();
    std::fs::write(&log, "x").unwrap();
    let (engine, db) = start(folder.path(), options(folder.path()), Arc::new(SystemClock)).await;
    until_gone(&log).await;
    let bench = Bench { folder, engine, db };
    assert_eq!(bench.log(run).await, ["INFO tool stdout line"]);
    assert_eq!(bench.engine.uploads().offset(upload.id).await.unwrap(), 1);
    bench.end().await;
}
