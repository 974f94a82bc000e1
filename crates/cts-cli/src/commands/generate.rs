//! Completions and manual pages, made from the declaration of the arguments.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;

use super::{Done, Report};
use crate::args::Cli;
use crate::error::CliError;

/// Returns the completions of a shell.
pub(crate) fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cts", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes the manual pages into a folder: one for `cts`, one for each command.
pub(crate) fn man(dir: &Path) -> Result<Done, CliError> {
    std::fs::create_dir_all(dir).map_err(CliError::file("make the folder", dir))?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut written = Vec::new();
    write(&command, dir, &mut written).map_err(CliError::file("write into", dir))?;
    written.sort();
    Ok(Done::well(Report::Written(written)))
}

fn write(command: &clap::Command, dir: &Path, written: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        write(sub, dir, written)?;
    }
    written.push(clap_mangen::Man::new(command.clone()).generate_to(dir)?);
    Ok(())
}
