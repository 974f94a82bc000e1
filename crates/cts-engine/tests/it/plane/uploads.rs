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
    let early = uploads.finalize(upload.id, None).await.unwrap_err();
    assert!(matches!(early, EngineError::UploadIncomplete { present: 5, size: 11 }), "{early:?}");
    let mut using = request("reads", json!({}));
    using.inputs = vec![InputRef { kind: InputKind::Upload, value: upload.id.to_string() }];
    let unready = bench.engine.submit(&cx(), using.clone()).await.unwrap_err();
    assert!(matches!(unready, EngineError::InvalidInput(_)), "{unready:?}");
    assert_eq!(uploads.append(upload.id, Some(5), body(&[" ", "world"])).await.unwrap(), 11);
    assert_eq!(uploads.finalize(upload.id, None).await.unwrap().state, UploadState::Ready);
    assert_eq!(uploads.finalize(upload.id, None).await.unwrap().state, UploadState::Ready, "once more is no error");
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
    let refused = uploads.finalize(upload.id, None).await.unwrap_err();
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
