//! The fuzz targets of `fuzz/`, each for a bounded time, with libFuzzer on the stable compiler.
//!
//! `fuzz/` is a workspace of its own: it is built with coverage counters, which the rest of the tree never is. A target
//! starts from its seeds, which are small files of the tree; what it finds lands below `target/fuzz/artifacts`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Doing, Failed};
use crate::process::{cargo, command, run as start};
use crate::root;

/// Time for each target in CI; `cargo xtask soak` gives more.
const SECONDS: u64 = 20;

/// The same seed in every run of CI.
const SEED: u32 = 20;

/// Longest input.
const INPUT_BYTES_MAX: u32 = 65_536;

/// A reader that takes more for such an input does not stream.
const MEMORY_MB_MAX: u32 = 512;

/// An input that takes longer hangs. What unpacks most, to a hundred megabytes, takes some two seconds on a quiet machine.
const HANG_SECONDS: u32 = 60;

/// Small logs with which the reader is tested.
const EDGE_LOGS: &str = "crates/cts-can/tests/fixtures/edge";

/// Small logs that earlier fuzzing found to reach what the others do not.
const FOUND_LOGS: &str = "fuzz/corpus/rlog_reader";

/// Small tables of frames.
const TABLES: &str = "crates/cts-can/tests/fixtures/bitwatch";

/// The DBC files that come with the crate, and a small one with what those do not have.
const DBC_FILES: [&str; 2] = ["crates/cts-can/dbc", "fuzz/corpus/dbc"];

/// The folders of the seeds of each target; one that is not here starts from nothing.
const SEEDS: [(&str, &[&str]); 9] = [
    ("bitwatch", &[TABLES, EDGE_LOGS, FOUND_LOGS]),
    ("car_profile", &["crates/cts-can/cars"]),
    ("cruise_native", &[TABLES, EDGE_LOGS, FOUND_LOGS]),
    ("csv_rows", &[EDGE_LOGS, FOUND_LOGS]),
    ("dbc", &DBC_FILES),
    ("rlog_reader", &[EDGE_LOGS, FOUND_LOGS]),
    ("rlog_trickle", &[EDGE_LOGS, FOUND_LOGS]),
    ("summary", &[TABLES, EDGE_LOGS, FOUND_LOGS]),
    ("watch_words", &["fuzz/corpus/watch_words"]),
];

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

/// Runs all targets one after the other, for so many seconds in all.
pub(crate) fn all_targets(seconds: u64) -> Result<(), Failed> {
    let count = names(&root::workspace().join("fuzz").join("fuzz_targets"))?.len() as u64;
    targets(seconds.div_ceil(count), None)
}

/// Runs every target for that many seconds.
fn targets(seconds: u64, seed: Option<u32>) -> Result<(), Failed> {
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
            .arg(format!("-timeout={HANG_SECONDS}"))
            .arg("-print_final_stats=1")
            .arg("-verbosity=0")
            .arg(format!("-artifact_prefix={}/", artifacts.display()));
        if let Some(seed) = seed {
            fuzz.arg(format!("-seed={seed}"));
        }
        fuzz.arg(&corpus);
        fuzz.args(seeds(name).iter().map(|folder| root::workspace().join(folder)));
        start(&mut fuzz)?;
    }
    Ok(())
}

fn seeds(target: &str) -> &'static [&'static str] {
    SEEDS.iter().find(|(name, _)| *name == target).map_or(&[], |(_, folders)| folders)
}

fn names(folder: &Path) -> Result<Vec<String>, Failed> {
    let files = fs::read_dir(folder).doing(|| format!("cannot list {}", folder.display()))?;
    let files: Vec<PathBuf> = files.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let mut names: Vec<String> =
        files.iter().filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    if names.is_empty() { Err(Failed::new("fuzz/ has no target")) } else { Ok(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_lies_in_the_tree_and_belongs_to_a_target() {
        let targets = names(&root::workspace().join("fuzz").join("fuzz_targets")).unwrap();
        for (target, folders) in SEEDS {
            assert!(targets.iter().any(|name| name == target), "{target} is no target");
            for folder in folders {
                let seeds: Vec<_> = fs::read_dir(root::workspace().join(folder)).unwrap().collect();
                assert!(!seeds.is_empty(), "{folder} has no seeds");
            }
        }
    }

    #[test]
    fn the_seeds_that_fuzzing_found_are_small() {
        let mut bytes = 0;
        for target in fs::read_dir(root::workspace().join("fuzz").join("corpus")).unwrap() {
            for seed in fs::read_dir(target.unwrap().path()).unwrap() {
                bytes += seed.unwrap().metadata().unwrap().len();
            }
        }
        assert!(bytes <= 200 * 1024, "{bytes} bytes of seeds");
    }
}
