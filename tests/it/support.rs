//! Starts binaries, kills them, looks again. A small HTTP client that can cut its socket where a test wants it.

pub(crate) mod collector;
pub(crate) mod http;
pub(crate) mod service;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest wait for anything in these tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Returns the built binary of that name, which lies beside the test's own folder.
pub(crate) fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the test knows its own file");
    let folder = own.parent().and_then(Path::parent).expect("a test lies in target/PROFILE/deps");
    let path = folder.join(name);
    assert!(path.exists(), "{} is not there: build it first with `cargo build --bins`", path.display());
    path
}

/// Returns the root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the project").to_owned()
}

/// Says that a test was skipped; fails where every test must run.
pub(crate) fn skip(why: &str) {
    #[expect(clippy::disallowed_methods, reason = "the one switch of the tests")]
    let require_all = std::env::var("CTS_TEST_REQUIRE_ALL").is_ok_and(|value| value == "1");
    assert!(!require_all, "cannot be skipped here: {why}");
    println!("skipped: {why}");
}

/// Looks until `found` gives something.
pub(crate) fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Lists the processes whose environment holds a text, but for this one.
pub(crate) fn processes_with(text: &str) -> Vec<i32> {
    let own = std::process::id().cast_signed();
    let entries = std::fs::read_dir("/proc").expect("/proc is there").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| *pid != own)
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let is_zombie = stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
            !is_zombie && environment.windows(text.len()).any(|window| window == text.as_bytes())
        })
        .collect()
}

/// Lists the files below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}
