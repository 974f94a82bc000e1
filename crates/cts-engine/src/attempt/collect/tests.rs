//! What becomes an artifact and what never does.

use super::*;

#[test]
fn links_and_special_files_are_never_artifacts() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "x").unwrap();
    let root = folder.path().join("run");
    std::fs::create_dir_all(root.join("sub/deep")).unwrap();
    std::fs::write(root.join("sub/deep/a.csv"), "1").unwrap();
    std::os::unix::fs::symlink(&secret, root.join("link")).unwrap();
    std::os::unix::fs::symlink("/", root.join("root")).unwrap();
    let (found, notes) = walk(&root).unwrap();
    assert_eq!(found.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["sub/deep/a.csv"]);
    assert_eq!(notes.len(), 2);
    assert!(hash_file(&root.join("link")).is_err());
}

fn collector(root: &Path) -> Collector {
    let (kind, category) = (cts_model::ToolKind::Command, cts_model::ToolCategory::Tool);
    let spec = ToolSpec::new("demo".parse().unwrap(), kind, category, "demo", "1", "");
    Collector::new(root.to_owned(), &spec, 1_000_000)
}

#[tokio::test]
async fn a_scan_that_fails_in_the_middle_loses_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    std::fs::create_dir_all(&root).unwrap();
    let names: Vec<String> = (0..40).map(|number| format!("{number:02}.txt")).collect();
    names.iter().for_each(|name| std::fs::write(root.join(name), name).unwrap());
    let blobs = Blobs::local(&folder.path().join("blobs"), false).unwrap();
    // A quarter of the folders that blobs go to cannot be made.
    let shards = folder.path().join("blobs/artifacts");
    std::fs::create_dir_all(&shards).unwrap();
    let blocked: Vec<PathBuf> = (0..64).map(|shard| shards.join(format!("{shard:02x}"))).collect();
    blocked.iter().for_each(|shard| std::fs::write(shard, "").unwrap());
    let ids = Ids::new(std::sync::Arc::new(cts_model::SystemClock));
    let (mut collector, mut rows) = (collector(&root), Vec::new());
    for _ in 0..3 {
        let (back, drafts, _) = collector.scan(&blobs, &ids).await;
        collector = back;
        rows.extend(drafts);
    }
    blocked.iter().for_each(|shard| std::fs::remove_file(shard).unwrap());
    let collected = collector.collect(&blobs, &ids).await;
    assert!(collected.failure.is_none() && collected.gone.is_empty());
    rows.extend(collected.drafts);
    let mut found: Vec<&str> = rows.iter().map(|draft| draft.path.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, names);
}

#[test]
fn countless_names_are_looked_at_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..2 * ARTIFACTS_MAX + 100 {
        std::fs::write(folder.path().join(number.to_string()), "").unwrap();
    }
    for number in 0..100 {
        std::os::unix::fs::symlink("/", folder.path().join(format!("link{number}"))).unwrap();
    }
    let (found, notes) = walk(folder.path()).unwrap();
    assert_eq!(found.len(), 2 * ARTIFACTS_MAX + 1);
    assert!(notes.len() <= NOTES_MAX);
}

#[test]
fn what_a_tool_declares_stays_below_its_directory() {
    let spec = ToolSpec::new(
        "demo".parse().unwrap(),
        cts_model::ToolKind::Command,
        cts_model::ToolCategory::Tool,
        "demo",
        "1",
        "",
    );
    let mut collector = Collector::new("/run/a".into(), &spec, 10);
    assert!(collector.declare("out.csv", Some("text/csv".into())));
    assert!(collector.declare("/run/a/b.csv", None));
    assert!(collector.declare("./c.csv", Some("no\r\nheader".into())));
    for bad in ["/etc/passwd", "../x", "a/../../x", ""] {
        assert!(!collector.declare(bad, None), "{bad}");
    }
    assert_eq!(collector.media_type(&"c.csv".parse().unwrap()), "text/csv; charset=utf-8");
}
