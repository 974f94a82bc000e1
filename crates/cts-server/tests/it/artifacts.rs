//! Bytes of artifacts: ranges, forms, what a browser may do with them.

use axum::body::Body;
use http::Method;
use serde_json::json;

use crate::app::TestApp;

/// Runs a script that makes one file and returns the artifact's metadata.
async fn made(app: &TestApp, script: &str) -> serde_json::Value {
    let run = app.run(script).await;
    assert_eq!(run["status"], "completed", "{run}");
    let artifacts = app.get(&format!("/v1/runs/{}/artifacts", run["run_id"].as_str().unwrap())).await.expect(200);
    artifacts[0].clone()
}

fn path(artifact: &serde_json::Value, end: &str) -> String {
    format!("/v1/artifacts/{}{end}", artifact["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_is_downloaded_whole_or_in_part() {
    let app = TestApp::new().await;
    let artifact = made(&app, "printf 0123456789 > 'a b.csv'").await;
    assert_eq!(app.get(&path(&artifact, "")).await.expect(200), artifact);
    assert_eq!(artifact["download_url"], format!("http://localhost:8080{}", path(&artifact, "/download")));
    let etag = format!("\"{}\"", artifact["sha256"].as_str().unwrap());
    let whole = app.get_with(&path(&artifact, "/download"), &[("accept-encoding", "gzip")]).await;
    assert_eq!((whole.status.as_u16(), whole.text().as_str()), (200, "0123456789"));
    let shown = [
        whole.header("etag"),
        whole.header("content-length"),
        whole.header("accept-ranges"),
        whole.header("content-encoding"),
    ];
    assert_eq!(shown, [etag.as_str(), "10", "bytes", ""]);
    assert_eq!(whole.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(whole.header("content-disposition"), "attachment; filename=\"a b.csv\"");
    let part = app.get_with(&path(&artifact, "/content"), &[("range", "bytes=3-5"), ("if-range", &etag)]).await;
    assert_eq!(
        (part.status.as_u16(), part.text().as_str(), part.header("content-range")),
        (206, "345", "bytes 3-5/10")
    );
    assert_eq!(part.header("content-disposition"), "inline; filename=\"a b.csv\"");
    let other = app.get_with(&path(&artifact, "/content"), &[("range", "bytes=3-5"), ("if-range", "\"x\"")]).await;
    assert_eq!((other.status.as_u16(), other.body.len()), (200, 10));
    let outside = app.get_with(&path(&artifact, "/content"), &[("range", "bytes=10-")]).await;
    assert_eq!(outside.problem(416), "RANGE_NOT_SATISFIABLE");
    assert_eq!(outside.header("content-range"), "bytes */10");
    let known = app.get_with(&path(&artifact, "/download"), &[("if-none-match", &etag)]).await;
    assert_eq!((known.status.as_u16(), known.body.len(), known.header("etag")), (304, 0, etag.as_str()));
    let head = app.call(Method::HEAD, &path(&artifact, "/download"), &[], Body::empty()).await;
    assert_eq!((head.status.as_u16(), head.body.len(), head.header("content-length")), (200, 0, "10"));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_could_act_is_put_into_a_sandbox() {
    let app = TestApp::new().await;
    for name in ["a.html", "a.svg"] {
        let artifact = made(&app, &format!("echo '<script>x</script>' > {name}")).await;
        for end in ["/content", "/download"] {
            let answer = app.get(&path(&artifact, end)).await;
            assert!(answer.header("content-security-policy").starts_with("sandbox"), "{name}{end}: {answer:?}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
    }
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_is_looked_into() {
    let app = TestApp::new().await;
    let table = made(&app, "printf 't,x\\n1,2\\n3,4\\n' > a.csv").await;
    let preview = app.get(&path(&table, "/preview?rows=1")).await.expect(200);
    assert_eq!(preview, json!({"kind": "table", "columns": ["t", "x"], "rows": [["1", "2"]], "truncated": true}));
    let tree = made(&app, "echo '{\"a\": [1]}' > a.json").await;
    assert_eq!(app.get(&path(&tree, "/preview")).await.expect(200)["json"], json!({"a": [1]}));
    let noise = made(&app, "printf '\\377\\000' > a.bin").await;
    assert_eq!(app.get(&path(&noise, "/preview")).await.expect(200)["kind"], "binary");
    let large = made(&app, "yes text | head -c 600000 > a.txt").await;
    let cut = app.get(&path(&large, "/preview")).await.expect(200);
    assert_eq!((cut["kind"].clone(), cut["truncated"].clone()), (json!("text"), json!(true)));
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_artifacts_come_in_one_archive() {
    let app = TestApp::new().await;
    let run = app.run("mkdir -p d; echo one > d/a.txt; head -c 300000 /dev/zero > b.bin").await;
    let answer = app.get(&format!("/v1/runs/{}/artifacts.zip", run["run_id"].as_str().unwrap())).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/zip"));
    #[expect(deprecated, reason = "what replaces it reads no archive that lies in memory")]
    let archive = async_zip::base::read::mem::ZipFileReader::new(answer.body.to_vec()).await.unwrap();
    let mut found = Vec::new();
    for index in 0..archive.file().entries().len() {
        let name = archive.file().entries()[index].filename().as_str().unwrap().to_owned();
        let mut bytes = Vec::new();
        let mut reader = archive.reader_with_entry(index).await.unwrap();
        reader.read_to_end_checked(&mut bytes).await.unwrap();
        found.push((name, bytes.len()));
    }
    found.sort();
    assert_eq!(found, [("b.bin".to_owned(), 300_000), ("d/a.txt".to_owned(), 4)]);
    let empty = app.run("true").await;
    let answer = app.get(&format!("/v1/runs/{}/artifacts.zip", empty["run_id"].as_str().unwrap())).await;
    assert_eq!(&answer.body[..4], b"PK\x05\x06", "an archive without files");
    app.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_artifact_is_gone_from_its_run_too() {
    let app = TestApp::new().await;
    let artifact = made(&app, "echo x > a.txt").await;
    let run = format!("/v1/runs/{}", artifact["run_id"].as_str().unwrap());
    assert_eq!(app.get(&run).await.expect(200)["artifacts"].as_array().unwrap().len(), 1);
    let removed = app.call(Method::DELETE, &path(&artifact, ""), &[], Body::empty()).await;
    assert_eq!((removed.status.as_u16(), removed.body.len()), (204, 0));
    assert_eq!(app.get(&run).await.expect(200)["artifacts"], json!([]));
    assert_eq!(app.get(&path(&artifact, "/download")).await.problem(404), "ARTIFACT_NOT_FOUND");
    let again = app.call(Method::DELETE, &path(&artifact, ""), &[], Body::empty()).await;
    assert_eq!(again.problem(404), "ARTIFACT_NOT_FOUND");
    app.end().await;
}
