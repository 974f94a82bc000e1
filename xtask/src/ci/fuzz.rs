//! The fuzz targets of `fuzz/`, each for a bounded time, with libFuzzer on the stable compiler.
//!
//! `fuzz/` is a workspace of its own: it is built with coverage counters, which the rest of the tree never is. A target
//! starts from the small logs of the fixtures; what it finds lands below `target/fuzz/artifacts`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Doing, Failed};
use crate::process::{cargo, command, run as start};
use crate::root;

/// Time for each target in CI; `cargo xtask soak` gives more.
const SECONDS: u64 = 30;

/// The same seed in every run of CI.
const SEED: u32 = 20;

/// Longest input.
const INPUT_BYTES_MAX: u32 = 65_536;

/// A reader that takes more for such an input does not stream.
const MEMORY_MB_MAX: u32 = 512;

/// The targets that read logs start from the small logs with which the reader is tested.
const LOG_TARGETS: [&str; 3] = ["rlog_reader", "rlog_trickle", "csv_rows"];
const LOGS: &str = "crates/cts-can/tests/fixtures/edge";

/// What makes LLVM count which branches an input reaches.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Runs every target for the time of CI.
pub(super) fn run() -> Result<(), Failed> {
    targets(SECONDS, Some(SEED))
}

/// Runs every target for that many seconds.
pub(crate) fn targets(seconds: u64, seed: Option<u32>) -> Result<(), Failed> {
    let folder = root::target().join("fuzz");
    let triple = crate::process::output(command("rustc").args(["-vV"]))?;
    let triple = triple.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or("x86_64-unknown-linux-gnu");
    start(
        cargo([
            "build",
            "--release",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--locked",
            "--target",
            triple,
            "--target-dir",
        ])
        .arg(&folder)
        .env("RUSTFLAGS", FLAGS),
    )?;
    let names = names(&root::workspace().join("fuzz").join("fuzz_targets"))?;
    for name in &names {
        let corpus = folder.join("corpus").join(name);
        let artifacts = folder.join("artifacts").join(name);
        for folder in [&corpus, &artifacts] {
            fs::create_dir_all(folder).doing(|| format!("cannot create {}", folder.display()))?;
        }
        let program = folder.join(triple).join("release").join(name);
        let mut fuzz = command(program);
        fuzz.arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={INPUT_BYTES_MAX}"))
            .arg(format!("-rss_limit_mb={MEMORY_MB_MAX}"))
            .arg("-timeout=10")
            .arg("-print_final_stats=1")
            .arg("-verbosity=0")
            .arg(format!("-artifact_prefix={}/", artifacts.display()));
        if let Some(seed) = seed {
            fuzz.arg(format!("-seed={seed}"));
        }
        fuzz.arg(&corpus);
        if LOG_TARGETS.contains(&name.as_str()) {
            fuzz.arg(root::workspace().join(LOGS));
        }
        start(&mut fuzz)?;
    }
    Ok(())
}

fn names(folder: &Path) -> Result<Vec<String>, Failed> {
    let files = fs::read_dir(folder).doing(|| format!("cannot list {}", folder.display()))?;
    let files: Vec<PathBuf> = files.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let mut names: Vec<String> =
        files.iter().filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    if names.is_empty() { Err(Failed::new("fuzz/ has no target")) } else { Ok(names) }
}
