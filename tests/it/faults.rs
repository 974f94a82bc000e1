//! What surrounds the service goes wrong: full disk, read-only directory, broken database, a second service.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use crate::support::service::{Place, bare};
use crate::support::{binary, skip, until};

/// A small file system that is unmounted at the end.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mut mount = bare(Path::new("/bin/mount"), at.parent().unwrap());
        let status = mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at).status();
        status.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = bare(Path::new("/bin/umount"), Path::new("/")).arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_fails_runs_clearly_and_the_service_recovers_when_there_is_space() {
    let place = Place::new().set("min_free_disk_mb", "0").set("run_attempts", "1");
    let Some(_disk) = SmallDisk::mount(&place.data(), "24m") else {
        return skip("a small file system cannot be mounted");
    };
    std::fs::create_dir_all(place.data().join("tools.d")).unwrap();
    place.tool("fills", "head -c 60000000 /dev/zero > big.bin", "");
    place.tool("small", "echo x > small.txt", "");
    let service = place.start();
    let run = service.submit("fills", json!({}));
    let ended = service.end_of(&run);
    assert_eq!(ended["status"], "failed", "{ended}");
    // What was written is gone with the attempt, so there is space again.
    let run = until("a run can be submitted again", || {
        let answer = service.try_send("POST", "/v1/runs", Some(&json!({"tool_id": "small"}))).ok()?;
        (answer.status == 201).then(|| answer.json()["run_id"].as_str().unwrap().to_owned())
    });
    assert_eq!(service.end_of(&run)["status"], "completed");
    let full = std::fs::write(place.data().join("ballast"), vec![0; 30_000_000]);
    assert!(full.is_err(), "the disk is full now");
    let answer = service.try_send("POST", "/v1/runs", Some(&json!({"tool_id": "small"}))).unwrap();
    if answer.status == 201 {
        // A page of the database was still free: then the run itself must end, one way or the other.
        service.end_of(answer.json()["run_id"].as_str().unwrap());
    } else {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.json()["error_code"], "DISK_FULL");
    }
    assert_eq!(service.get("/v1/health")["version"], env!("CARGO_PKG_VERSION"));
    std::fs::remove_file(place.data().join("ballast")).unwrap();
    let run = until("a run can be submitted again", || {
        let answer = service.try_send("POST", "/v1/runs", Some(&json!({"tool_id": "small"}))).ok()?;
        (answer.status == 201).then(|| answer.json()["run_id"].as_str().unwrap().to_owned())
    });
    assert_eq!(service.end_of(&run)["status"], "completed");
    assert_eq!(service.stop().code(), Some(0));
}

#[test]
fn a_low_disk_takes_no_new_runs() {
    let place = Place::new().set("min_free_disk_mb", "100000000");
    place.tool("small", "true", "");
    let service = place.start();
    let answer = service.try_send("POST", "/v1/runs", Some(&json!({"tool_id": "small"}))).unwrap();
    assert_eq!((answer.status, answer.json()["error_code"].as_str()), (503, Some("DISK_FULL")));
}

#[test]
fn a_second_service_on_one_data_directory_is_refused_and_told_of_the_first() {
    let place = Place::new();
    let service = place.start();
    let (status, text) = place.start_to_end();
    assert_eq!(status.code(), Some(2), "{text}");
    assert!(text.contains(&service.address) && text.contains(&service.pid().to_string()), "{text}");
    assert_eq!(service.get("/v1/health")["status"], "healthy", "the first goes on");
}

#[test]
fn a_database_that_is_none_is_refused_and_left_as_it_is() {
    for (name, bytes) in [
        ("garbage", b"this is no database at all, but it is long enough to look like one".to_vec()),
        ("cut", b"SQLite format 3\0\x10\0\x01\x01\0".to_vec()),
    ] {
        let place = Place::new();
        let path = place.data().join("cts.db");
        std::fs::write(&path, &bytes).unwrap();
        let (status, text) = place.start_to_end();
        assert_ne!(status.code(), Some(0), "{name}: {text}");
        assert!(text.contains("cts.db"), "{name}: the file is named: {text}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name}: nothing is overwritten");
    }
}

#[test]
fn a_data_directory_that_cannot_be_written_is_told_with_what_to_do() {
    if !rustix::process::getuid().is_root() {
        return skip("only root can become another user");
    }
    let place = Place::new();
    std::fs::set_permissions(place.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(place.data(), std::fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = bare(Path::new("/usr/bin/setpriv"), place.folder.path());
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(readable_copy(&place));
    command.args(["--port", "0", "--data-dir"]).arg(place.data());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(&place.data().display().to_string()) && text.to_lowercase().contains("permission"), "{text}");
}

/// The built binary may lie in a folder that others cannot enter.
fn readable_copy(place: &Place) -> std::path::PathBuf {
    let copy = place.folder.path().join("cts-lite");
    std::fs::copy(binary("cts-lite"), &copy).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

#[test]
fn an_ordinary_user_runs_the_service_with_its_sandbox() {
    if !rustix::process::getuid().is_root() {
        return skip("the other tests run as an ordinary user already");
    }
    let place = Place::new();
    place.tool("who", "id -u; echo x > made.txt", "");
    let mut own = bare(Path::new("/bin/chown"), place.folder.path());
    assert!(own.arg("-R").arg("65534:65534").arg(place.folder.path()).status().unwrap().success());
    let mut command = bare(Path::new("/usr/bin/setpriv"), place.folder.path());
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(readable_copy(&place));
    command.args(["--port", "0", "--data-dir"]).arg(place.data());
    command.arg("--set").arg(format!("temp_directory={}", place.folder.path().join("temp").display()));
    let mut child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let address = until("the service listens", || {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        let text = std::fs::read(place.data().join("service.json")).ok()?;
        let told: serde_json::Value = serde_json::from_slice(&text).ok()?;
        Some(told["url"].as_str()?.trim_start_matches("http://").to_owned())
    });
    let body = json!({"tool_id": "who"}).to_string();
    let headers = [("Content-Type", "application/json")];
    let answer = crate::support::http::send(&address, "POST", "/v1/runs", &headers, body.as_bytes()).unwrap();
    let run = answer.json()["run_id"].as_str().unwrap().to_owned();
    let ended = until("the run ends", || {
        let answer = crate::support::http::send(&address, "GET", &format!("/v1/runs/{run}"), &[], b"").ok()?;
        crate::support::service::is_terminal(&answer.json()).then(|| answer.json())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ended["status"], "completed", "{ended}");
    assert_ne!(ended["isolation"]["level"], "off", "{ended}");
}
