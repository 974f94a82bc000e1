//! The configuration from outside: what explains it, what refuses it, what a running service tells of it.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::service::{Place, bare};
use crate::support::{binary, files_below};

/// What a secret could be; it stands where settings are read and must come out nowhere.
const CANARY: &str = "canary-7d1f";

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

/// A folder with a file, a `.env` and a variable that say something about the same setting.
fn layered() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), "max_concurrent_runs = 2\nport = 0\n").unwrap();
    std::fs::write(folder.path().join(".env"), format!("CTS_MAX_CONCURRENT_RUNS=3\nOTHER={CANARY}\n")).unwrap();
    folder
}

fn run(program: &str, folder: &tempfile::TempDir, args: &[&str]) -> Output {
    let mut command = bare(&binary(program), folder.path());
    command.env("CTS_MAX_CONCURRENT_RUNS", "4").env("CTS_API_KEY", CANARY);
    command.args(["--config", "c.toml"]).args(args).output().unwrap()
}

#[test]
fn each_value_is_explained_with_its_origin_and_all_that_it_overrode() {
    let folder = layered();
    let flags = ["--check-config", "--json", "--max-concurrent-runs", "6"];
    let lite = run("cts-lite", &folder, &flags);
    assert_eq!(lite.status.code(), Some(0), "{}", text(&lite));
    let explained = run("cts", &folder, &["config", "explain", "--json", "--set", "max_concurrent_runs=6"]);
    assert_eq!(explained.status.code(), Some(0), "{}", text(&explained));
    for output in [&lite, &explained] {
        let report = json_of(output);
        assert_eq!((report["ok"].clone(), report["file"].as_str().unwrap().ends_with("c.toml")), (json!(true), true));
        let settings = report["settings"].as_array().unwrap();
        let runs = settings.iter().find(|setting| setting["name"] == "max_concurrent_runs").unwrap();
        let layers: Vec<(i64, &str)> = std::iter::once(runs)
            .chain(runs["overrode"].as_array().unwrap())
            .map(|layer| (layer["value"].as_i64().unwrap(), layer["origin"].as_str().unwrap()))
            .collect();
        let expected = [
            (6, "--max-concurrent-runs"),
            (4, "CTS_MAX_CONCURRENT_RUNS"),
            (3, ".env:1"),
            (2, "c.toml:1:23"),
            (1, "default of development"),
        ];
        assert_eq!(layers, expected);
        assert_eq!(
            (runs["type"].clone(), runs["minimum"].clone(), runs["maximum"].clone()),
            (json!("int"), json!(1), json!(1024))
        );
        assert!(!runs["description"].as_str().unwrap().is_empty());
    }
    let page = run("cts-lite", &folder, &["--check-config"]);
    let page = String::from_utf8(page.stdout).unwrap();
    let line = page.lines().find(|line| line.starts_with("max_concurrent_runs")).unwrap();
    assert!(
        line.contains("= 4 ")
            && line.contains("CTS_MAX_CONCURRENT_RUNS, over 3 from .env:1, over 2 from c.toml:1:23, over 1"),
        "{line}"
    );
    // The page is a file that means the same.
    std::fs::write(folder.path().join("again.toml"), &page).unwrap();
    let again =
        bare(&binary("cts-lite"), folder.path()).args(["--config", "again.toml", "--check-config"]).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", text(&again));
    for file in files_below(folder.path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(["c.toml", ".env", "again.toml"].contains(&&*name), "{name} was made");
    }
    assert!(!page.contains(CANARY));
}

#[test]
fn one_setting_is_explained_with_its_schema_and_an_unknown_one_names_the_nearest() {
    let folder = layered();
    let one = run("cts", &folder, &["config", "explain", "CTS_MAX_CONCURRENT_RUNS"]);
    assert_eq!(one.status.code(), Some(0), "{}", text(&one));
    for part in ["max_concurrent_runs = 4", "over 3 from .env:1", "a whole number from 1 to 1024", "production: 5"] {
        assert!(text(&one).contains(part), "{part} is missing in {}", text(&one));
    }
    let report = json_of(&run("cts", &folder, &["config", "explain", "port", "--json"]));
    assert_eq!(report["settings"].as_array().unwrap().len(), 1);
    assert_eq!(report["settings"][0]["value"], 0);
    let unknown = run("cts", &folder, &["config", "explain", "max_concurent_runs"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown).contains("Did you mean max_concurrent_runs"), "{}", text(&unknown));
}

#[test]
fn every_fault_is_told_at_once_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), "prot = 1\ntool_timeout_seconds = \"5s\"\n[http]\n").unwrap();
    std::fs::write(folder.path().join(".env"), "CTS_HOST=a:1\n").unwrap();
    let lite = |args: &[&str]| {
        let mut command = bare(&binary("cts-lite"), folder.path());
        command.env("CTS_MAX_CONCURRENT_RUNS", "none");
        command.args(["--config", "c.toml", "--port", "x"]).args(args).output().unwrap()
    };
    for args in [&[][..], &["--check-config"]] {
        let refused = lite(args);
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
        assert_eq!(String::from_utf8_lossy(&refused.stdout), "");
        let told = text(&refused);
        for part in [
            "has 6 faults",
            "c.toml:1:1: unknown setting \"prot\"; did you mean \"port\"?",
            "c.toml:2:24: tool_timeout_seconds must be",
            "c.toml:3:2: unknown table \"http\"",
            ".env:1: host must be",
            "CTS_MAX_CONCURRENT_RUNS: max_concurrent_runs must be",
            "--port: port must be",
        ] {
            assert!(told.contains(part), "{part} is missing in {told}");
        }
    }
    let report = json_of(&lite(&["--check-config", "--json"]));
    assert_eq!(report["ok"], false);
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 6);
    assert!(faults.iter().all(|fault| !fault["remedy"].as_str().unwrap().is_empty()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing was made");
    let mut command = bare(&binary("cts"), folder.path());
    let explained = command.args(["config", "explain", "--config", "c.toml"]).output().unwrap();
    assert_eq!(explained.status.code(), Some(1));
    assert!(text(&explained).contains("fault: c.toml:1:1"), "{}", text(&explained));
}

#[test]
fn production_refuses_what_it_cannot_stand_for() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let lite = |args: &[&str]| {
        let mut command = bare(&binary("cts-lite"), folder.path());
        let below = |name: &str| folder.path().join(name).display().to_string();
        command.args(["--environment", "production", "--port", "0", "--data-dir", &below("data")]);
        command.args(["--temp-directory", &below("temp"), "--log-directory", &below("logs"), "--check-config"]);
        command.args(args).output().unwrap()
    };
    assert_eq!(lite(&[]).status.code(), Some(0), "{}", text(&lite(&[])));
    let open = open.display().to_string();
    for (args, part) in [
        (&["--cors-allowed-origins", "*"][..], "cors_allowed_origins has \"*\""),
        (&["--enable-metrics", "false"], "enable_metrics is off in production"),
        (&["--require-authentication", "false"], "require_authentication is off in production"),
        (&["--temp-directory", &open], "is open to everybody for writing"),
    ] {
        let refused = lite(args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}: {}", text(&refused));
        assert!(text(&refused).contains(part), "{part} is missing in {}", text(&refused));
    }
    let meant = lite(&["--require-authentication", "false", "--allow-unauthenticated", "true"]);
    assert_eq!(meant.status.code(), Some(0), "{}", text(&meant));
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_running_service_tells_its_configuration_and_in_production_no_path() {
    let place = Place::new().set("max_concurrent_runs", "3");
    let service = place.start();
    let status = service.get("/v1/config/status");
    assert_eq!(service.get("/config/status"), status);
    assert_eq!(
        [
            &status["environment"],
            &status["debug"],
            &status["max_concurrent_runs"],
            &status["metrics_enabled"],
            &status["health_checks_enabled"]
        ],
        [&json!("development"), &json!(true), &json!(3), &json!(true), &json!(true)]
    );
    let setting = |status: &Value, name: &str| {
        status["settings"].as_array().unwrap().iter().find(|setting| setting["name"] == name).unwrap().clone()
    };
    let base = setting(&status, "base_storage_path");
    assert_eq!(
        (base["value"].as_str().unwrap(), base["origin"].as_str()),
        (place.data().to_str().unwrap(), Some("--base-storage-path"))
    );
    assert_eq!(service.stop().code(), Some(0));

    let folder = place.folder.path().to_owned();
    std::fs::write(folder.join("c.toml"), "run_attempts = 2\n").unwrap();
    let place = place
        .set("environment", "production")
        .set("require_authentication", "false")
        .set("allow_unauthenticated", "true")
        .set("log_directory", &folder.join("logs").display().to_string())
        .set("allowed_input_roots", &folder.display().to_string())
        .arg("--config")
        .arg(&folder.join("c.toml").display().to_string());
    let service = place.start();
    let status = service.get("/v1/config/status");
    assert_eq!((status["environment"].as_str(), status["debug"].as_bool()), (Some("production"), Some(false)));
    assert!(!status.to_string().contains(folder.to_str().unwrap()), "{status}");
    let roots = setting(&status, "allowed_input_roots");
    assert_eq!((roots["value"].clone(), roots["masked"].clone()), (Value::Null, json!(true)));
    assert_eq!(setting(&status, "run_attempts")["origin"], "c.toml:1:16");
}

#[test]
fn a_file_that_would_not_start_again_is_told_by_a_check() {
    let place = Place::new().set("health_check_interval_seconds", "1");
    let file = place.folder.path().join("c.toml");
    std::fs::write(&file, "run_attempts = 2\n").unwrap();
    let place = place.arg("--config").arg(&file.display().to_string());
    let service = place.start();
    let check = || {
        let health = service.get("/health/detailed");
        health["checks"].as_array().unwrap().iter().find(|check| check["name"] == "configuration").unwrap().clone()
    };
    crate::support::until("it passes", || (check()["status"] == "healthy").then_some(()));
    std::fs::write(&file, "run_attempts = 0\n").unwrap();
    let failed = crate::support::until("it fails", || Some(check()).filter(|check| check["status"] == "unhealthy"));
    assert!(failed["message"].as_str().unwrap().contains("(run_attempts)"), "{failed}");
    assert!(failed["remedy"].as_str().unwrap().contains("--check-config"), "{failed}");
    std::fs::write(&file, "run_attempts = 5\n").unwrap();
    let well = crate::support::until("it passes again", || Some(check()).filter(|check| check["status"] == "healthy"));
    assert_eq!(well["details"]["changed_since_start"], json!(["run_attempts"]));
}
