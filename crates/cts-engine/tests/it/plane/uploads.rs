//! Uploads: in pieces, cut, resumed, checked, used.

use bytes::Bytes;
use cts_engine::{EngineError, NewUpload};
use cts_model::{InputKind, InputRef, RunState, UploadState};
use futures_util::stream;
use serde_json::json;

use super::{Bench, cx, request};

/// Sum of "hello world".
const SUM: &str = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

fn body(pieces: &[&'static str]) -> impl futures_util::Stream<Item = Result<Bytes, &'static str>> + Unpin + Send {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
    stream::iter(pieces)
}

fn new(size: u64) -> NewUpload {
    NewUpload { filename: "dir/note.txt".into(), size, sha256: Some(SUM.parse().unwrap()), idempotency: None }
}

#[tokio::test]
async fn a_cut_upload_goes_on_where_it_was_cut_and_becomes_an_input() {
    let more = "[input]\nrequired = true";
    let bench = Bench::new(&[("reads", "cat \"$1\" > copy.txt; basename \"$1\"", more)]).await;
    let uploads = bench.engine.uploads();
    let (upload, replayed) = uploads.create(&cx(), new(11)).await.unwrap();
    assert!(!replayed && upload.filename == "note.txt");
    let cut = stream::iter(vec![Ok(Bytes::from_static(b"hello")), Err("the connection was cut")]);
    let broken = uploads.append(upload.id, Some(0), cut).await.unwrap_err();
    assert!(matches!(broken, EngineError::BodyBroken(_)), "{broken:?}");
    assert_eq!(uploads.offset(upload.id).await.unwrap(), 5, "what has arrived is kept");
    let wrong = uploads.append(upload.id, Some(3), body(&["x"])).await.unwrap_err();
    assert!(matches!(wrong, EngineError::UploadOffset { present: 5, given: 3 }), "{wrong:?}");
    let early = uploads.finalize(&cx(), upload.id, None).await.unwrap_err();
    assert!(matches!(early, EngineError::UploadIncomplete { present: 5, size: 11 }), "{early:?}");
    let mut using = request("reads", json!({}));
    using.inputs = vec![InputRef { kind: InputKind::Upload, value: upload.id.to_string() }];
    let unready = bench.engine.submit(&cx(), using.clone()).await.unwrap_err();
    assert!(matches!(unready, EngineError::InvalidInput(_)), "{unready:?}");
    assert_eq!(uploads.append(upload.id, Some(5), body(&[" ", "world"])).await.unwrap(), 11);
    assert_eq!(uploads.finalize(&cx(), upload.id, None).await.unwrap().state, UploadState::Ready);
    assert_eq!(
        uploads.finalize(&cx(), upload.id, None).await.unwrap().state,
        UploadState::Ready,
        "once more is no error"
    );
    let view = bench.engine.submit(&cx(), using).await.unwrap().view;
    let view = bench.end_of(view.run.id).await;
    assert_eq!(view.run.state, RunState::Completed, "{view:?}");
    assert_eq!(bench.log(view.run.id).await, ["INFO tool stdout note.txt"], "it has the name that people know");
    let artifact = &bench.engine.artifacts(view.run.id).await.unwrap()[0];
    assert_eq!(artifact.sha256.to_string(), SUM);
    bench.end().await;
}

#[tokio::test]
async fn an_upload_with_another_sum_is_not_kept() {
    let bench = Bench::new(&[]).await;
    let uploads = bench.engine.uploads();
    let (upload, _) = uploads.create(&cx(), new(11)).await.unwrap();
    uploads.append(upload.id, None, body(&["hello", " xorld"])).await.unwrap();
    let refused = uploads.finalize(&cx(), upload.id, None).await.unwrap_err();
    assert!(matches!(refused, EngineError::ChecksumMismatch { .. }), "{refused:?}");
    assert!(matches!(uploads.get(upload.id).await, Err(EngineError::UploadNotFound(_))));
    assert!(super::files_below(&bench.folder.path().join("uploads")).is_empty());
    bench.end().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_and_while_it_comes() {
    let bench = Bench::new(&[]).await;
    let uploads = bench.engine.uploads();
    let before = uploads.create(&cx(), new(2 << 20)).await.unwrap_err();
    assert!(matches!(before, EngineError::UploadTooLarge { .. }), "{before:?}");
    let (upload, _) = uploads.create(&cx(), new(3)).await.unwrap();
    let while_it_comes = uploads.append(upload.id, None, body(&["four"])).await.unwrap_err();
    assert!(matches!(while_it_comes, EngineError::UploadTooLarge { limit: 3 }), "{while_it_comes:?}");
    bench.end().await;
}

#[tokio::test]
async fn an_empty_file_can_be_the_first_upload() {
    let bench = Bench::new(&[]).await;
    let uploads = bench.engine.uploads();
    let mut empty = new(0);
    empty.sha256 = None;
    let (upload, _) = uploads.create(&cx(), empty).await.unwrap();
    assert_eq!(uploads.finalize(&cx(), upload.id, None).await.unwrap().state, UploadState::Ready);
    bench.end().await;
}

#[tokio::test]
async fn a_death_between_the_bytes_and_their_row_is_made_good_by_the_next_request() {
    let bench = Bench::new(&[]).await;
    let uploads = bench.engine.uploads();
    let (upload, _) = uploads.create(&cx(), new(11)).await.unwrap();
    uploads.append(upload.id, None, body(&["hello world"])).await.unwrap();
    let part = bench.folder.path().join(format!("uploads/{}.part", upload.id));
    let key = cts_store::BlobKey::Upload(upload.id);
    bench.engine.blobs().put_file(key, &part, cts_store::PutHow::Move).await.unwrap();
    assert_eq!(uploads.offset(upload.id).await.unwrap(), 11);
    assert_eq!(uploads.append(upload.id, Some(11), body(&[])).await.unwrap(), 11);
    assert_eq!(uploads.finalize(&cx(), upload.id, None).await.unwrap().state, UploadState::Ready);
    assert_eq!(bench.engine.blobs().size(key).await.unwrap(), Some(11));
    bench.end().await;
}

#[tokio::test]
async fn a_key_whose_upload_is_gone_makes_a_new_one() {
    let bench = Bench::new(&[]).await;
    let uploads = bench.engine.uploads();
    let keyed = || NewUpload {
        idempotency: Some(cts_engine::IdempotencyKey {
            key: "k".into(),
            route: "POST /v1/uploads",
            body_sha256: "a".into(),
        }),
        ..new(11)
    };
    let (first, replayed) = uploads.create(&cx(), keyed()).await.unwrap();
    assert!(!replayed);
    uploads.append(first.id, None, body(&["hello xorld"])).await.unwrap();
    uploads.finalize(&cx(), first.id, None).await.unwrap_err();
    let (second, replayed) = uploads.create(&cx(), keyed()).await.unwrap();
    assert!(!replayed && second.id != first.id);
    let (again, replayed) = uploads.create(&cx(), keyed()).await.unwrap();
    assert!(replayed && again.id == second.id);
    bench.end().await;
}

#[tokio::test]
async fn a_request_that_is_dropped_while_it_writes_writes_nothing_after_the_next_one() {
    const PIECE: usize = 2 << 20;
    let bench = Bench::with(&[], |options| options.upload_bytes_max = 1 << 30).await;
    let uploads = bench.engine.uploads();
    for round in 0..40 {
        let size = (PIECE * 2) as u64;
        let (upload, _) = uploads.create(&cx(), NewUpload { sha256: None, ..new(size) }).await.unwrap();
        let pieces = || stream::iter([1_u8, 2].map(|byte| Ok::<_, &str>(Bytes::from(vec![byte; PIECE]))));
        let cut = tokio::time::timeout(
            std::time::Duration::from_micros(300 + 100 * round),
            uploads.append(upload.id, None, pieces()),
        );
        drop(cut.await);
        let deadline = tokio::time::Instant::now() + super::PATIENCE;
        let offset = loop {
            let offset = uploads.offset(upload.id).await.unwrap();
            let at = usize::try_from(offset).unwrap();
            let rest: Vec<_> = [1_u8, 2].iter().flat_map(|byte| vec![*byte; PIECE]).skip(at).collect();
            let rest = stream::iter([Ok::<_, &str>(Bytes::from(rest))]);
            match uploads.append(upload.id, Some(offset), rest).await {
                Ok(offset) => break offset,
                // The one before is not over yet, or was not when the offset was asked for.
                Err(EngineError::UploadBusy(_) | EngineError::UploadOffset { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
            assert!(tokio::time::Instant::now() < deadline);
            tokio::task::yield_now().await;
        };
        assert_eq!(offset, size);
        assert_eq!(uploads.offset(upload.id).await.unwrap(), size, "nothing came after the last byte");
        uploads.finalize(&cx(), upload.id, None).await.unwrap();
    }
    bench.end().await;
}
