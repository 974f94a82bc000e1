//! `cargo xtask bench`: measures the figures of `docs/benchmarks.md` with release builds, each beside the ceiling that
//! is measured in the same run.
//!
//! It prints one table, writes `target/bench/<figure>.json`, and fails when a figure misses its limit. Figures are
//! measured one after the other; the machine should do nothing else.

mod analyzer;
mod download;
mod logs;
pub(crate) mod long_log;
mod machine;
mod operability;
mod reads;
mod report;
mod runs;
mod samples;
mod start;
pub(crate) mod tool_process;
mod tools;

use std::path::PathBuf;
use std::process::Command;

pub(crate) use crate::bench::logs::{TOOL, write_timed_lines};
use crate::bench::report::{Report, Row};
use crate::error::Failed;
use crate::process::{cargo, command, run as build};
use crate::root;

/// What is measured with.
struct Plan {
    /// A long driving log; none for one that is made by repeating the sample.
    log: Option<PathBuf>,
}

struct Figure {
    name: &'static str,
    what: &'static str,
    /// Packages and their examples that measure a ceiling or prepare.
    examples: &'static [(&'static str, &'static str)],
    measure: fn(&Plan) -> Result<Vec<Row>, Failed>,
}

const FIGURES: [Figure; 10] = [
    Figure { name: "start", what: "service start to ready; idle memory", examples: &[], measure: start::measure },
    Figure { name: "queue", what: "queued to running on an idle service", examples: &[], measure: runs::queue },
    Figure {
        name: "throughput",
        what: "no-op command runs completed a second",
        examples: &[("cts-engine", "spawn_rate"), ("cts-store", "commit_ceiling")],
        measure: runs::throughput,
    },
    Figure {
        name: "logs",
        what: "a tool's write to the line at a reader of Server-Sent Events",
        examples: &[],
        measure: logs::measure,
    },
    Figure {
        name: "get",
        what: "GET of one run, against an empty route",
        examples: &[("cts-server", "empty_route")],
        measure: reads::get,
    },
    Figure {
        name: "list",
        what: "a filtered page of a million runs",
        examples: &[("cts-store", "seed_runs")],
        measure: reads::list,
    },
    Figure {
        name: "download",
        what: "an artifact of 100 MB, against cat to a socket",
        examples: &[],
        measure: download::measure,
    },
    Figure {
        name: "analyzer",
        what: "rlog-to-csv on a long log, against zstd and write",
        examples: &[],
        measure: analyzer::measure,
    },
    Figure {
        name: "operability",
        what: "what it costs to be watched: metrics, layers, scrapes, probes",
        examples: &[("cts-observe", "metric_cost"), ("cts-server", "layers_cost")],
        measure: operability::measure,
    },
    Figure {
        name: "tools",
        what: "every native tool on one minute and twenty minutes of log",
        examples: &[],
        measure: tools::measure,
    },
];

/// Returns a command that runs a built example.
fn example(name: &str) -> Command {
    command(root::built("release", "examples").join(name))
}

/// Builds what is measured, and measures the named figures or all.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failed> {
    let mut plan = Plan { log: None };
    let mut chosen: Vec<&Figure> = Vec::new();
    let mut build_first = true;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--list" => {
                for figure in &FIGURES {
                    println!("{:12}{}", figure.name, figure.what);
                }
                return Ok(());
            }
            "--no-build" => build_first = false,
            "--log" => {
                let path = words.next().ok_or_else(|| Failed::new("--log wants the path of a log"))?;
                plan.log = Some(std::path::absolute(path)?);
            }
            name => chosen.push(FIGURES.iter().find(|figure| figure.name == name).ok_or_else(|| {
                Failed::new(format!("there is no figure `{name}`; `cargo xtask bench --list` names them"))
            })?),
        }
    }
    if chosen.is_empty() {
        chosen.extend(&FIGURES);
    }
    if build_first {
        build(&mut cargo(["build", "--release", "--package", "cts-server", "--package", "cts-cli", "--bins"]))?;
        for (package, example) in chosen.iter().flat_map(|figure| figure.examples) {
            build(&mut cargo(["build", "--release", "--package", package, "--example", example]))?;
        }
    }

    let mut report = Report::new(machine::describe());
    for figure in chosen {
        println!("\n== {}: {}", figure.name, figure.what);
        report.add(figure.name, (figure.measure)(&plan)?)?;
    }
    report.print();
    match report.missed() {
        0 => Ok(()),
        count => Err(Failed::new(format!("{count} figure(s) missed their limit"))),
    }
}
