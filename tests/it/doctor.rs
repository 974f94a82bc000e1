//! `cts doctor` before a service was ever started, beside a running one, and where something is wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::support::service::{Place, Service, bare};
use crate::support::{binary, files_below, until};

fn doctor(place: &Place, args: &[&str]) -> (Option<i32>, Value) {
    doctor_as(place, &[], args)
}

fn doctor_as(place: &Place, variables: &[(&str, &str)], args: &[&str]) -> (Option<i32>, Value) {
    let mut command = bare(&binary("cts"), place.folder.path());
    command.envs(variables.iter().copied());
    command.args(["doctor", "--json", "--data-dir"]).arg(place.data());
    command.arg("--temp-directory").arg(place.folder.path().join("temp"));
    let output: Output = command.args(["--port", "0"]).args(args).output().unwrap();
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), report)
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let found = report["checks"].as_array().unwrap().iter().find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {report}"))
}

fn wrong(report: &Value) -> Vec<&str> {
    let wrong = report["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "wrong");
    wrong.map(|check| check["check"].as_str().unwrap()).collect()
}

/// Every file with its bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files_below(folder).into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap_or_default())).collect()
}

fn ready(service: &Service) {
    until("it is ready", || (service.try_send("GET", "/health/ready", None).unwrap().status == 200).then_some(()));
}

#[test]
fn before_the_first_start_all_is_well_and_nothing_is_made() {
    let place = Place::new();
    std::fs::remove_dir_all(place.data()).unwrap();
    let (code, report) = doctor(&place, &[]);
    assert_eq!((code, wrong(&report)), (Some(0), Vec::new()), "{report}");
    assert_eq!((report["healthy"].clone(), report["service"].clone()), (Value::Bool(true), Value::Null));
    assert_eq!(std::fs::read_dir(place.folder.path()).unwrap().count(), 0, "nothing was made");
    // And after a service was there.
    assert_eq!(place.start().stop().code(), Some(0));
    let before = contents(place.folder.path());
    let (code, report) = doctor(&place, &[]);
    assert_eq!((code, wrong(&report)), (Some(0), Vec::new()), "{report}");
    assert_eq!(check(&report, "database")["details"]["schema"], check(&report, "database")["details"]["known_schema"]);
    assert_eq!(contents(place.folder.path()), before, "nothing changed");
}

#[test]
fn beside_a_running_service_its_own_checks_are_told() {
    let place = Place::new();
    let service = place.start();
    ready(&service);
    let (code, report) = doctor(&place, &[]);
    assert_eq!((code, wrong(&report)), (Some(0), Vec::new()), "{report}");
    assert_eq!(report["service"]["pid"], service.pid());
    assert!(check(&report, "port")["message"].as_str().unwrap().contains(&service.address), "{report}");
    for name in ["service", "service.database", "service.event_system", "service.cache", "service.configuration"] {
        assert_eq!(check(&report, name)["state"], "good", "{report}");
    }
    assert_eq!(service.stop().code(), Some(0), "it was left alone");
}

#[test]
fn a_closed_service_shows_its_checks_to_who_has_a_token() {
    let place = Place::new().set("require_authentication", "true");
    let made = place.command().args(["token", "create", "--role", "viewer", "--name", "looks"]).output().unwrap();
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let service = place.start();
    ready(&service);
    let (code, report) = doctor(&place, &[]);
    assert_eq!((code, wrong(&report)), (Some(0), Vec::new()), "{report}");
    assert_eq!(check(&report, "service")["state"], "good");
    let told = check(&report, "service.checks");
    assert!(told["message"].as_str().unwrap().contains("it is ready"), "{told}");
    assert!(told["remedy"].as_str().unwrap().contains("CTS_API_KEY"), "{told}");
    let (code, report) = doctor_as(&place, &[("CTS_API_KEY", &token)], &[]);
    assert_eq!((code, wrong(&report)), (Some(0), Vec::new()), "{report}");
    assert_eq!(check(&report, "service.database")["state"], "good");
    assert!(!report.to_string().contains(&token[27..]));
}

#[test]
fn a_service_that_was_killed_leaves_what_can_be_looked_at() {
    let place = Place::new();
    place.start().kill();
    let before = contents(place.folder.path());
    let (code, report) = doctor(&place, &[]);
    assert_eq!((code, wrong(&report)), (Some(0), Vec::new()), "{report}");
    assert_eq!(report["service"], Value::Null, "its service.json is not believed");
    assert_eq!(contents(place.folder.path()), before, "nothing changed");
    assert_eq!(place.start().stop().code(), Some(0));
}

#[test]
fn what_is_wrong_is_told_with_a_remedy_and_a_code() {
    let other = Place::new();
    let service = other.start();
    let port = service.address.rsplit(':').next().unwrap().to_owned();
    let place = Place::new();
    std::fs::write(place.data().join("tools.d/bad.toml"), "id = 3").unwrap();
    let (code, report) = doctor(&place, &["--port", &port, "--min-free-disk-mb", "900000000"]);
    assert_eq!((code, wrong(&report)), (Some(1), vec!["file_system", "tool_registry", "port"]), "{report}");
    let taken = check(&report, "port")["message"].as_str().unwrap();
    assert!(taken.contains("cts-lite") && taken.contains("a CTS service, version"), "{taken}");
    let remedies = report["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "wrong");
    assert!(remedies.into_iter().all(|check| !check["remedy"].as_str().unwrap().is_empty()));
    drop(service);

    let (code, report) = doctor(&place, &["--set", "max_concurrent_runs=0", "--set", "prot=1"]);
    assert_eq!((code, wrong(&report)), (Some(1), vec!["configuration"; 2]), "{report}");

    let mut command = bare(&binary("cts"), place.folder.path());
    let page = command.args(["doctor", "--port", "x"]).output().unwrap();
    assert_eq!(page.status.code(), Some(1));
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains("FAIL") && page.contains("port must be a whole number"), "{page}");
}
