//! Artifacts while a run goes on, and what may become one.

use cts_model::RunState;

use super::Bench;

#[tokio::test]
async fn finished_files_show_while_the_tool_still_runs() {
    let script = "echo first > first.txt; echo '::cts {\"artifact\": \"first.txt\"}'; sleep 60";
    let bench = Bench::new(&[("early", script, "")]).await;
    let run = bench.submit("early").await;
    let view = bench.until(run, |view| view.run.artifacts.len() == 1).await;
    assert_eq!(view.run.state, RunState::Running);
    bench.engine.cancel(&super::cx(), run).await.unwrap();
    bench.end_of(run).await;
    bench.end().await;
}

#[tokio::test]
async fn a_file_that_changes_after_it_was_taken_is_taken_again() {
    let script = "echo one > a.txt; sleep 0.5; echo two > a.txt; sleep 0.05; echo end > b.txt";
    let bench = Bench::new(&[("rewrites", script, "")]).await;
    let run = bench.submit("rewrites").await;
    bench.until(run, |view| view.run.artifacts.len() == 1).await;
    let view = bench.end_of(run).await;
    assert_eq!(view.run.state, RunState::Completed);
    let artifacts = bench.engine.artifacts(run).await.unwrap();
    let path = bench.engine.blobs().local_path(cts_store::BlobKey::Artifact(artifacts[0].id)).unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "two\n");
    bench.end().await;
}

#[tokio::test]
async fn links_devices_and_paths_outside_never_become_artifacts() {
    let script = "ln -s /etc/passwd link; mkfifo pipe; ln -s / root; echo '::cts {\"artifact\": \"../../../cts.db\"}'; \
                  (echo x > /etc/cts-test-escape) 2>/dev/null; echo x > good.txt; exit 0";
    let bench = Bench::new(&[("escape", script, "")]).await;
    let view = bench.end_of(bench.submit("escape").await).await;
    assert_eq!(view.run.state, RunState::Completed, "{view:?}");
    let artifacts = bench.engine.artifacts(view.run.id).await.unwrap();
    assert_eq!(artifacts.iter().map(|a| a.path.as_str()).collect::<Vec<_>>(), ["good.txt"]);
    assert!(!std::path::Path::new("/etc/cts-test-escape").exists(), "the sandbox holds");
    let log = bench.log(view.run.id).await.join("\n");
    assert!(log.contains("is not an artifact") && log.contains("not a regular file"), "{log}");
    bench.end().await;
}

#[tokio::test]
async fn standard_output_can_become_a_file() {
    let bench = Bench::new(&[("prints", "seq 1 20000; echo note >&2", "stdout = \"result.txt\"")]).await;
    let view = bench.end_of(bench.submit("prints").await).await;
    assert_eq!(view.run.state, RunState::Completed, "{view:?}");
    let artifacts = bench.engine.artifacts(view.run.id).await.unwrap();
    assert_eq!((artifacts[0].path.as_str(), artifacts[0].size), ("result.txt", 108_894));
    assert_eq!(bench.log(view.run.id).await, ["INFO tool stderr note"]);
    bench.end().await;
}

#[tokio::test]
async fn a_file_that_was_taken_early_and_is_not_there_in_the_end_is_no_artifact() {
    let script = "echo 1 > a.part; echo 2 > kept.txt; echo '::cts {\"artifact\": \"kept.txt\"}'; sleep 0.6; \
                  mv a.part a.txt; rm kept.txt";
    let bench = Bench::new(&[("renames", script, "")]).await;
    let run = bench.submit("renames").await;
    bench.until(run, |view| view.run.artifacts.len() == 2).await;
    let view = bench.end_of(run).await;
    assert_eq!(view.run.state, RunState::Completed);
    let artifacts = bench.engine.artifacts(run).await.unwrap();
    let mut paths: Vec<&str> = artifacts.iter().map(|a| a.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["a.txt", "kept.txt"], "what the tool called finished stays");
    bench.end().await;
}

#[tokio::test]
async fn a_file_that_grew_too_large_leaves_no_smaller_one_behind() {
    let script = "echo 1 > a.bin; sleep 0.6; head -c 2000000 /dev/zero > a.bin";
    let bench = Bench::new(&[("grows", script, "[limits]\nartifact_size = \"1 MB\"")]).await;
    let run = bench.submit("grows").await;
    bench.until(run, |view| view.run.artifacts.len() == 1).await;
    let view = bench.end_of(run).await;
    assert_eq!(view.run.fault.map(|fault| fault.code), Some(cts_model::Code::ArtifactTooLarge));
    assert!(bench.engine.artifacts(run).await.unwrap().is_empty());
    bench.end().await;
}

#[tokio::test]
async fn a_file_with_a_second_name_outside_is_copied_and_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("input.txt");
    std::fs::write(&outside, "one").unwrap();
    std::fs::set_permissions(&outside, std::fs::Permissions::from_mode(0o644)).unwrap();
    let script = "ln \"$1\" second.txt";
    let bench = Bench::with(&[("links", script, "[input]\nrequired = true")], |options| {
        options.sandbox = false;
    })
    .await;
    let mut wanted = super::request("links", serde_json::json!({}));
    let value = outside.to_str().unwrap().to_owned();
    wanted.inputs = vec![cts_model::InputRef { kind: cts_model::InputKind::Path, value }];
    let run = bench.engine.submit(&super::cx(), wanted).await.unwrap().view.run.id;
    let view = bench.end_of(run).await;
    assert_eq!(view.run.state, RunState::Completed, "{view:?}");
    assert_eq!(std::fs::metadata(&outside).unwrap().permissions().mode() & 0o777, 0o644);
    std::fs::write(&outside, "changed later").unwrap();
    let artifact = &bench.engine.artifacts(run).await.unwrap()[0];
    let path = bench.engine.blobs().local_path(cts_store::BlobKey::Artifact(artifact.id)).unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "one");
    bench.end().await;
}
