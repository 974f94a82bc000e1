//! The doctor on data directories that were never used, that are broken, and beside somebody who holds the lock.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cts_config::Kind;
use cts_model::Timestamp;

use super::*;
use crate::lock::ServiceLock;

fn sources(folder: &Path, settings: &[(&str, &str)]) -> Sources {
    let own = [
        ("base_storage_path", folder.join("data").display().to_string()),
        ("temp_directory", folder.join("temp").display().to_string()),
        ("min_free_disk_mb", "0".to_owned()),
        ("port", "0".to_owned()),
    ];
    let given = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
    Sources {
        kind: Kind::Service,
        config: None,
        flags: own.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value)).collect(),
        environment: Vec::new(),
        unreadable_variables: Vec::new(),
        home: Some(folder.to_owned()),
        current_dir: folder.to_owned(),
        system_config_dir: folder.join("etc"),
    }
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
            found.insert(entry.path(), None);
        } else {
            found.insert(entry.path(), std::fs::read(entry.path()).ok());
        }
    }
    found
}

/// Diagnoses and holds that nothing below the folder changed.
async fn diagnosed(folder: &Path, settings: &[(&str, &str)]) -> Diagnosis {
    let before = files(folder);
    let diagnosis = diagnose(sources(folder, settings)).await;
    assert_eq!(files(folder), before, "nothing changed");
    diagnosis
}

fn wrong(diagnosis: &Diagnosis) -> Vec<&str> {
    let wrong = diagnosis.findings.iter().filter(|finding| finding.state == State::Wrong);
    wrong.map(|finding| finding.check.as_str()).collect()
}

fn message<'a>(diagnosis: &'a Diagnosis, check: &str) -> &'a str {
    &diagnosis.findings.iter().find(|finding| finding.check == check).unwrap().message
}

#[tokio::test]
async fn what_was_never_started_is_well_and_stays_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let diagnosis = diagnosed(folder.path(), &[]).await;
    assert!(diagnosis.is_well(), "{:?}", diagnosis.findings);
    assert!(message(&diagnosis, "database").contains("the first start makes it"));
    assert!(message(&diagnosis, "base_storage_path").contains("the start makes it"));
    for check in [
        "configuration",
        "file_system",
        "artifact_store",
        "tool_registry",
        "resource_usage",
        "isolation",
        "port",
        "versions",
    ] {
        assert!(diagnosis.findings.iter().any(|finding| finding.check == check), "{check}");
    }
    assert_eq!(diagnosis.json()["healthy"], true);
}

#[tokio::test]
async fn each_thing_that_is_wrong_is_found_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (data, temp) = (folder.path().join("data"), folder.path().join("temp"));
    std::fs::create_dir_all(data.join("tools.d")).unwrap();
    std::fs::write(data.join("tools.d/bad.toml"), "id = 3").unwrap();
    std::fs::write(data.join("cts.db"), "not a database").unwrap();
    std::fs::write(data.join("blobs"), "a file in the way").unwrap();
    std::fs::create_dir(&temp).unwrap();
    std::fs::set_permissions(&temp, std::fs::Permissions::from_mode(0o777)).unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let settings = [
        ("environment", "production"),
        ("log_directory", &*folder.path().join("logs").display().to_string()),
        ("tools_directory", &*data.join("tools.d").display().to_string()),
        ("min_free_disk_mb", "900000000"),
        ("port", &port),
    ];
    let diagnosis = diagnosed(folder.path(), &settings).await;
    let expected = ["configuration", "database", "file_system", "artifact_store", "tool_registry", "port"];
    assert_eq!(wrong(&diagnosis), expected, "{:?}", diagnosis.findings);
    assert!(message(&diagnosis, "configuration").contains("temp_directory"));
    assert!(message(&diagnosis, "tool_registry").contains("bad.toml"));
    let [(_, listener)] = diagnosis.taken.as_slice() else { panic!("{:?}", diagnosis.taken) };
    assert_eq!(listener.address, taken.local_addr().unwrap());
    for finding in diagnosis.findings.iter().filter(|finding| finding.state == State::Wrong) {
        assert!(finding.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty()), "{finding:?}");
    }
    assert_eq!(diagnosis.json()["healthy"], false);
}

#[tokio::test]
async fn faults_of_the_configuration_are_told_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("max_concurrent_runs", "0"), ("host", "0.0.0.0"), ("prot", "1")];
    let diagnosis = diagnosed(folder.path(), &settings).await;
    assert_eq!(wrong(&diagnosis), ["configuration"; 3], "{:?}", diagnosis.findings);
    assert!(diagnosis.findings.iter().any(|finding| finding.check == "database" && finding.state == State::Unknown));
}

#[tokio::test]
async fn with_a_rule_broken_everything_else_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let diagnosis = diagnosed(folder.path(), &[("host", "0.0.0.0")]).await;
    assert_eq!(wrong(&diagnosis), ["configuration"], "{:?}", diagnosis.findings);
    assert!(message(&diagnosis, "database").contains("the first start makes it"));
    assert!(diagnosis.findings.iter().all(|finding| finding.state != State::Unknown));
}

#[tokio::test]
async fn a_running_service_is_found_without_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let lock = ServiceLock::take(&data).unwrap();
    lock.announce("http://127.0.0.1:4", Some("http://127.0.0.1:5".to_owned()), Timestamp::from_ms(0)).unwrap();
    let diagnosis = diagnosed(folder.path(), &[("port", "4"), ("metrics_port", "5")]).await;
    assert_eq!(diagnosis.service.as_ref().unwrap().pid, std::process::id());
    assert!(message(&diagnosis, "port").contains("http://127.0.0.1:4"));
    assert!(message(&diagnosis, "metrics_port").contains("http://127.0.0.1:5"));
    drop(lock);
    assert!(diagnosed(folder.path(), &[]).await.service.is_none());
}
