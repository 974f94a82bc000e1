//! Uploads: pending, then ready, once.

use std::time::Duration;

use cts_model::{Sha256, Upload, UploadId, UploadState};

use crate::support::{Bench, on_both};

fn upload(bench: &Bench) -> Upload {
    Upload {
        id: UploadId::new(&bench.ids),
        filename: "drive 1.zst".to_owned(),
        size: 1 << 40,
        sha256: None,
        state: UploadState::Pending,
        created_at: bench.now(),
        expires_at: bench.now().plus(Duration::from_hours(24)),
    }
}

on_both! {
    async fn an_upload_becomes_ready_once(bench: &Bench) {
        let mut upload = upload(bench);
        let (id, stored, sum) = (upload.id, upload.clone(), Sha256([9; 32]));
        bench.write(move |tx| Box::pin(async move { tx.insert_upload(&stored).await })).await;
        assert_eq!(bench.db.upload(id).await.unwrap(), Some(upload.clone()));
        assert!(bench.write(move |tx| Box::pin(tx.set_upload_sha256(id, Sha256([1; 32])))).await);
        let expires_at = bench.now().plus(Duration::from_hours(7 * 24));
        assert!(bench.write(move |tx| Box::pin(tx.set_upload_ready(id, sum, expires_at))).await);
        upload = Upload { state: UploadState::Ready, sha256: Some(sum), expires_at, ..upload };
        assert_eq!(bench.write(move |tx| Box::pin(tx.upload(id))).await, Some(upload));
        assert!(!bench.write(move |tx| Box::pin(tx.set_upload_ready(id, sum, expires_at))).await);
        assert!(!bench.write(move |tx| Box::pin(tx.set_upload_sha256(id, sum))).await);
    }

    async fn an_upload_whose_time_is_over_is_found_and_removed(bench: &Bench) {
        let (first, second) = (upload(bench), upload(bench));
        let (id, ready) = (first.id, second.id);
        let later = first.expires_at;
        bench.write(move |tx| Box::pin(async move {
            tx.insert_upload(&first).await?;
            tx.insert_upload(&second).await?;
            tx.set_upload_ready(ready, Sha256([0; 32]), later.plus(Duration::from_secs(1))).await
        })).await;
        assert!(bench.db.expired_uploads(bench.now(), 10).await.unwrap().is_empty());
        assert_eq!(bench.db.expired_uploads(later, 10).await.unwrap(), [id]);
        assert!(bench.write(move |tx| Box::pin(tx.delete_upload(id))).await);
        assert!(!bench.write(move |tx| Box::pin(tx.delete_upload(id))).await);
        assert_eq!(bench.db.upload_ids_exist(&[id, ready]).await.unwrap(), [ready]);
    }
}
