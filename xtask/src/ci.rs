//! `cargo xtask ci`: everything that a change has to pass, stage by stage, each with its time.
//!
//! The first stage is the README's test command. All stages run even when one fails, so that one run tells everything;
//! the table at the end says which failed. A stage never passes because its tool is missing: what it needs is built,
//! installed by `.ci/run`, or named in the failure.

mod crash;
mod fuzz;
mod licences;
mod schemathesis;
mod ui;

use std::time::{Duration, Instant};

use crate::error::Failed;
use crate::process::{cargo, run as start};

/// A named part of the whole.
struct Stage {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<(), Failed>,
}

const STAGES: [Stage; 11] = [
    Stage { name: "test", what: "the README's test command", run: || crate::test::run(&[]) },
    Stage { name: "ui", what: "the web interface: its parts, its size, journeys of a browser", run: ui::run },
    Stage { name: "fmt", what: "rustfmt", run: fmt },
    Stage { name: "clippy", what: "lints of every target, warnings are errors", run: clippy },
    Stage { name: "tidy", what: "what rustc and clippy cannot see", run: crate::tidy::run },
    Stage { name: "doc", what: "the crates' documentation without a warning", run: doc },
    Stage {
        name: "codegen",
        what: "committed generated files are fresh",
        run: || crate::codegen::run(&["--check".to_owned()]),
    },
    Stage { name: "licences", what: "every dependency has a licence of deny.toml's list", run: licences::run },
    Stage { name: "crash", what: "kill the service at random moments; nothing acknowledged is lost", run: crash::run },
    Stage { name: "fuzz", what: "a bounded time for each fuzz target", run: fuzz::run },
    Stage {
        name: "schemathesis",
        what: "the service against the OpenAPI document that it serves",
        run: schemathesis::run,
    },
];

/// Runs all stages or the named ones.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failed> {
    if arguments.iter().any(|argument| argument == "--list") {
        for stage in &STAGES {
            println!("{:14}{}", stage.name, stage.what);
        }
        return Ok(());
    }
    if let Some(unknown) = arguments.iter().find(|name| STAGES.iter().all(|stage| stage.name != name.as_str())) {
        return Err(Failed::new(format!("there is no stage `{unknown}`; `cargo xtask ci --list` names them")));
    }
    let chosen = STAGES.iter().filter(|stage| arguments.is_empty() || arguments.iter().any(|name| name == stage.name));

    let began = Instant::now();
    let mut ended = Vec::new();
    for stage in chosen {
        println!("\n\x1b[1m== {}: {}\x1b[0m", stage.name, stage.what);
        let began = Instant::now();
        let result = (stage.run)();
        if let Err(failed) = &result {
            println!("{failed}");
        }
        let word = if result.is_ok() { "passed" } else { "FAILED" };
        println!("== {} {word} after {}", stage.name, shown(began.elapsed()));
        ended.push((stage.name, word, began.elapsed()));
    }

    println!("\n{:14}{:10}{:>8}", "stage", "", "time");
    for (name, word, time) in &ended {
        println!("{name:14}{word:10}{:>8}", shown(*time));
    }
    println!("{:14}{:10}{:>8}", "all", "", shown(began.elapsed()));
    let failed: Vec<&str> = ended.iter().filter(|(_, word, _)| *word == "FAILED").map(|(name, ..)| *name).collect();
    if failed.is_empty() { Ok(()) } else { Err(Failed::new(format!("failed: {}", failed.join(", ")))) }
}

/// Runs the crash test with that many kills.
pub(crate) fn crash_cycles(cycles: u32) -> Result<(), Failed> {
    crash::cycles(cycles)
}

/// Fuzzes all targets for that many seconds in all, from another seed each time.
pub(crate) fn fuzz_all_targets(seconds: u64) -> Result<(), Failed> {
    fuzz::all_targets(seconds)
}

fn shown(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

fn fmt() -> Result<(), Failed> {
    start(&mut cargo(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<(), Failed> {
    start(&mut cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn doc() -> Result<(), Failed> {
    start(cargo(["doc", "--workspace", "--no-deps", "--document-private-items"]).env("RUSTDOCFLAGS", "-D warnings"))
}
