//! What tests share: logs from the crate's own fixtures and the large ones beside the project where they exist, and
//! how properties are tried.

use std::fs;
use std::path::PathBuf;

use proptest::test_runner::{Config, RngSeed};

/// Returns the configuration of a property that is tried with the same cases in every run.
pub(crate) fn same_cases(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(0x5BA2), ..Config::default() }
}

/// Returns the bytes of a fixture.
pub(crate) fn fixture(path: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// Returns every log of the fixtures with its name.
pub(crate) fn edge_logs() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/edge");
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() >= 18, "the fixtures are complete");
    names.into_iter().map(|name| (name.clone(), fixture(&format!("edge/{name}")))).collect()
}

/// Returns a sample log of the repository.
pub(crate) fn example(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// Returns the folder `shared` beside the project; without it the test is skipped, or fails where everything
/// is required.
#[expect(clippy::disallowed_methods, reason = "the switch for tests is no setting of the service")]
#[expect(clippy::print_stdout, reason = "a skipped test says so in its output")]
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    if folder.join("golden").is_dir() {
        return Some(folder);
    }
    let required = std::env::var("CTS_TEST_REQUIRE_ALL").is_ok_and(|value| value == "1");
    assert!(!required, "{} is missing and CTS_TEST_REQUIRE_ALL is set", folder.display());
    println!("skipped: {} is missing", folder.display());
    None
}
