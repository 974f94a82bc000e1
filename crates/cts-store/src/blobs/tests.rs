use std::sync::Arc;

use cts_model::{Clock as _, Ids, SystemClock};
use object_store::memory::InMemory;

use super::*;

fn ids() -> Ids {
    Ids::new(Arc::new(SystemClock))
}

async fn bytes(stream: BlobStream) -> Vec<u8> {
    let pieces: Vec<Bytes> = stream.try_collect().await.unwrap();
    pieces.concat()
}

/// Each kind of store, and the folder that has to outlive it.
fn stores() -> Vec<(Blobs, tempfile::TempDir)> {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let local = Blobs::local(&folders[0].path().join("blobs"), true).unwrap();
    [local, Blobs::over(Arc::new(InMemory::new()))].into_iter().zip(folders).collect()
}

#[tokio::test]
async fn what_is_stored_is_read_back_whole_and_in_ranges() {
    let content: Vec<u8> = (0..600_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    for (blobs, folder) in stores() {
        let key = BlobKey::Artifact(ArtifactId::new(&ids()));
        let source = folder.path().join("out.bin");
        std::fs::write(&source, &content).unwrap();
        assert_eq!(blobs.put_file(key, &source, PutHow::Copy).await.unwrap(), 600_000);
        assert!(source.exists());
        assert_eq!(blobs.size(key).await.unwrap(), Some(600_000));
        assert_eq!(bytes(blobs.read(key, None).await.unwrap()).await, content);
        let range = 262_140..262_150;
        assert_eq!(bytes(blobs.read(key, Some(range)).await.unwrap()).await, content[262_140..262_150]);
        assert_eq!(bytes(blobs.read(key, Some(599_999..u64::MAX)).await.unwrap()).await, content[599_999..]);
        let outside = blobs.read(key, Some(600_000..600_001)).await.err().unwrap();
        assert!(matches!(outside, StoreError::BadRange { size: 600_000 }), "{outside}");
        assert!(blobs.delete(key).await.unwrap());
        assert!(matches!(blobs.read(key, None).await.err().unwrap(), StoreError::BlobNotFound(_)));
        assert_eq!(blobs.size(key).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_moved_file_is_gone_from_where_it_was() {
    for (blobs, folder) in stores() {
        let key = BlobKey::Upload(UploadId::new(&ids()));
        let source = folder.path().join("part");
        std::fs::write(&source, b"bytes").unwrap();
        std::fs::set_permissions(&source, std::os::unix::fs::PermissionsExt::from_mode(0o444)).unwrap();
        assert_eq!(blobs.put_file(key, &source, PutHow::Move).await.unwrap(), 5);
        assert!(!source.exists());
        assert_eq!(bytes(blobs.read(key, None).await.unwrap()).await, b"bytes");
    }
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    for (blobs, folder) in stores() {
        let key = BlobKey::Artifact(ArtifactId::new(&ids()));
        let source = folder.path().join("empty");
        std::fs::write(&source, b"").unwrap();
        assert_eq!(blobs.put_file(key, &source, PutHow::Move).await.unwrap(), 0);
        assert_eq!(bytes(blobs.read(key, None).await.unwrap()).await, b"");
        assert!(matches!(blobs.read(key, Some(0..1)).await.err().unwrap(), StoreError::BadRange { size: 0 }));
    }
}

#[tokio::test]
async fn a_symbolic_link_or_a_folder_does_not_become_a_blob() {
    for (blobs, folder) in stores() {
        std::fs::write(folder.path().join("secret"), b"secret").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("secret", &link).unwrap();
        for source in [&link, folder.path()] {
            for how in [PutHow::Move, PutHow::Copy] {
                let key = BlobKey::Artifact(ArtifactId::new(&ids()));
                let refused = blobs.put_file(key, source, how).await.unwrap_err();
                assert!(matches!(refused, StoreError::NotAFile(_)), "{refused}");
                assert_eq!(blobs.size(key).await.unwrap(), None);
            }
        }
    }
}

#[tokio::test]
async fn a_listing_tells_each_blob_of_its_kind() {
    for (blobs, _folder) in stores() {
        let ids = ids();
        let mut expected: Vec<BlobKey> = (0..20).map(|_| BlobKey::Log(RunId::new(&ids))).collect();
        for &key in &expected {
            blobs.put_bytes(key, Bytes::from_static(b"line\n")).await.unwrap();
        }
        blobs.put_bytes(BlobKey::Artifact(ArtifactId::new(&ids)), Bytes::from_static(b"x")).await.unwrap();
        let entries: Vec<BlobEntry> = blobs.list(BlobKind::Log).try_collect().await.unwrap();
        assert!(entries.iter().all(|entry| entry.size == 5));
        let mut listed: Vec<BlobKey> = entries.iter().map(|entry| entry.key).collect();
        listed.sort_by_key(ToString::to_string);
        expected.sort_by_key(ToString::to_string);
        assert_eq!(listed, expected);
    }
}

#[tokio::test]
async fn bytes_of_a_log_are_replaced() {
    for (blobs, _folder) in stores() {
        let key = BlobKey::Log(RunId::new(&ids()));
        for text in ["first", "second"] {
            blobs.put_bytes(key, Bytes::from_static(text.as_bytes())).await.unwrap();
            assert_eq!(bytes(blobs.read(key, None).await.unwrap()).await, text.as_bytes());
        }
    }
}

#[tokio::test]
async fn what_is_half_stored_is_swept_and_never_listed() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::local(folder.path(), false).unwrap();
    std::fs::write(folder.path().join(".incoming/1-0"), b"half").unwrap();
    assert_eq!(blobs.sweep_half_stored(Timestamp::from_ms(1)).await.unwrap(), 0);
    let later = SystemClock.now().plus(std::time::Duration::from_secs(5));
    assert_eq!(blobs.sweep_half_stored(later).await.unwrap(), 1);
    assert_eq!(blobs.list(BlobKind::Artifact).count().await, 0);
}
