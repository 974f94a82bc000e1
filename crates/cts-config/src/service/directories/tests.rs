//! Real directories below a temporary one: made for the own user, refused or warned of where others may write.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::service::{DirectoryState, Loaded, ServiceConfig};
use crate::sources::{Kind, Sources};

fn load(dir: &std::path::Path, environment: &str) -> Loaded {
    let path = |name: &str| dir.join(name).display().to_string();
    let pairs = [
        ("CTS_ENVIRONMENT", environment.to_owned()),
        ("CTS_ALLOW_UNAUTHENTICATED", "true".to_owned()),
        ("CTS_BASE_STORAGE_PATH", path("a/data")),
        ("CTS_TEMP_DIRECTORY", path("tmp")),
        ("CTS_LOG_DIRECTORY", path("logs")),
    ];
    let sources = Sources {
        kind: Kind::Service,
        config: None,
        flags: Vec::new(),
        environment: pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        unreadable_variables: Vec::new(),
        home: None,
        current_dir: dir.to_path_buf(),
        system_config_dir: PathBuf::from("/nowhere"),
    };
    ServiceConfig::load(&sources).unwrap()
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn missing_directories_are_made_for_the_own_user_alone() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(load(dir.path(), "production").prepare_directories().unwrap(), []);
    for made in ["a", "a/data", "a/data/tools.d", "tmp", "logs"] {
        assert_eq!(mode(&dir.path().join(made)), 0o700, "{made}");
    }
}

#[test]
fn a_directory_that_everybody_may_write_is_refused_in_production_and_warned_of_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let open = dir.path().join("tmp");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o1777)).unwrap();
    let faults = load(dir.path(), "production").prepare_directories().unwrap_err();
    assert_eq!(faults.0.len(), 1);
    assert!(faults.0[0].to_string().starts_with("CTS_TEMP_DIRECTORY: temp_directory "), "{faults}");
    assert!(faults.0[0].message.ends_with("is open to everybody for writing"), "{faults}");
    let warnings = load(dir.path(), "development").prepare_directories().unwrap();
    assert_eq!(warnings.len(), 1);
}

#[test]
fn a_file_in_the_way_is_a_clear_fault_for_each_directory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), "").unwrap();
    std::fs::write(dir.path().join("logs"), "").unwrap();
    let faults = load(dir.path(), "development").prepare_directories().unwrap_err();
    let settings: Vec<_> = faults.0.iter().filter_map(|fault| fault.setting.as_deref()).collect();
    assert_eq!(settings, ["base_storage_path", "log_directory", "tools_directory"]);
    assert!(faults.0.iter().all(|fault| fault.message.contains("cannot be created")), "{faults}");
    assert!(faults.0.iter().all(|fault| fault.remedy.starts_with("a file stands in the way")), "{faults}");
}

#[test]
fn a_directory_that_the_own_user_may_not_write_is_a_clear_fault() {
    let dir = tempfile::tempdir().unwrap();
    let closed = dir.path().join("logs");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).unwrap();
    let prepared = load(dir.path(), "production").prepare_directories();
    if rustix::process::geteuid().is_root() {
        assert_eq!(prepared.unwrap(), [], "root may write everywhere");
        return;
    }
    let faults = prepared.unwrap_err();
    assert_eq!(faults.0.len(), 1);
    assert!(faults.0[0].message.ends_with("cannot be used: Permission denied (os error 13)"), "{faults}");
    assert!(faults.0[0].remedy.starts_with("give the service's user the right"), "{faults}");
}

#[test]
fn looking_tells_the_same_as_preparing_and_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let states = |environment: &str| -> Vec<String> {
        let word = |state: &DirectoryState| match state {
            DirectoryState::Usable => "usable".to_owned(),
            DirectoryState::Missing => "missing".to_owned(),
            DirectoryState::Unmakeable(fault) => format!("unmakeable: {}", fault.remedy),
            DirectoryState::Doubtful(warning) => format!("doubtful: {}", warning.message),
            DirectoryState::Refused(fault) => format!("refused: {}", fault.message),
        };
        let found = load(dir.path(), environment).look_at_directories();
        let shown = found.iter().map(|found| format!("{} {}", found.setting, word(&found.state)));
        shown.map(|text| text.replace(&dir.path().display().to_string(), "DIR")).collect()
    };
    let missing = ["base_storage_path", "temp_directory", "log_directory", "tools_directory"];
    assert_eq!(states("production"), missing.map(|name| format!("{name} missing")));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");

    std::fs::create_dir(dir.path().join("tmp")).unwrap();
    std::fs::set_permissions(dir.path().join("tmp"), std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::write(dir.path().join("logs"), "").unwrap();
    std::fs::write(dir.path().join("a"), "").unwrap();
    let open = "temp_directory DIR/tmp is open to everybody for writing";
    let (production, development) = (states("production"), states("development"));
    assert_eq!(production[1], format!("temp_directory refused: {open}"));
    assert_eq!(development[1], format!("temp_directory doubtful: {open}"));
    assert!(
        production[2].starts_with("log_directory refused: log_directory DIR/logs cannot be used"),
        "{production:?}"
    );
    assert!(production[0].ends_with("cannot be looked at: Not a directory (os error 20)"), "{production:?}");
}
