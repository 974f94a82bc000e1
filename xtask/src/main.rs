//! The project's automation: `cargo xtask <command>`.
//!
//! It is built before anything else can start, so it has few dependencies and none of our crates. It prints every
//! command that it starts, so that each can be repeated by hand.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for terminals")]

mod bench;
mod ci;
mod codegen;
mod demo;
mod dev;
mod error;
mod process;
mod root;
mod service;
mod soak;
mod test;
mod tidy;
mod ui;

use std::process::ExitCode;

use crate::error::Failed;

const HELP: &str = "\
cargo xtask <command>

  demo               build `cts` and analyse the sample log of examples/: the first thing to try
  test [filter…]     build the binaries and run every test
  ci [stage…]        everything that a change has to pass, or only the named stages (`ci --list`)
  tidy               check what rustc and clippy cannot: arrows between crates, module docs, words, links
  ui [--force]       build the web interface into ui/dist (needs Node.js), unless it is there already
  codegen [--check]  write the committed generated files again, or only say which are stale
  dev [option…]      build and start `cts-lite` with its data in target/dev
  bench [figure…]    measure the figures of docs/benchmarks.md with release builds (`bench --list`)
  soak [what…]       the long versions of CI: a log of 10 GB, 2 000 kills, hours of fuzzing (`soak log|crash|fuzz [hours]`)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    let result = match command {
        "demo" => demo::run(),
        "test" => test::run(rest),
        "ci" => ci::run(rest),
        "tidy" => tidy::run(),
        "ui" => ui::run(rest),
        "codegen" => codegen::run(rest),
        "dev" => dev::run(rest),
        "bench" => bench::run(rest),
        "soak" => soak::run(rest),
        bench::TOOL => bench::write_timed_lines(),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        unknown => Err(Failed::new(format!("there is no command `{unknown}`\n\n{HELP}"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("xtask: {failed}");
            ExitCode::FAILURE
        }
    }
}
