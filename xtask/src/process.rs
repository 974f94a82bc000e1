//! Starting other programs: each is printed before it starts, and a failure says how it ended.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Doing, Failed};

/// Returns a command that starts in the workspace's folder.
#[expect(clippy::disallowed_methods, reason = "the automation starts cargo and other programs")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(crate::root::workspace());
    command
}

/// Returns a command of one of the product's own binaries. They refuse variables that they do not know, so those of
/// the tests do not reach them.
pub(crate) fn product(binary: impl AsRef<OsStr>) -> Command {
    let mut command = command(binary);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CTS_TEST_")) {
        command.env_remove(name);
    }
    command
}

/// Returns a command of the cargo that started us.
pub(crate) fn cargo<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = command(program);
    command.args(arguments);
    command
}

/// Returns the command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!("{}={}", name.to_string_lossy(), quoted(&value.to_string_lossy())));
        }
    }
    let program = Path::new(command.get_program());
    let in_toolchain = program.is_absolute() && program.file_stem() == Some(OsStr::new("cargo"));
    words.push(if in_toolchain { "cargo".to_owned() } else { quoted(&program.to_string_lossy()) });
    words.extend(command.get_args().map(|argument| quoted(&argument.to_string_lossy())));
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Prints the command, runs it with our terminal, and fails unless it ends with 0.
pub(crate) fn run(command: &mut Command) -> Result<(), Failed> {
    let line = shown(command);
    println!("\x1b[2m$ {line}\x1b[0m");
    let status = command.status().doing(|| format!("cannot start `{line}`"))?;
    if status.success() { Ok(()) } else { Err(Failed::new(format!("`{line}` ended with {status}"))) }
}

/// Runs the command silently and returns what it wrote to its standard output; fails unless it ends with 0.
pub(crate) fn output(command: &mut Command) -> Result<String, Failed> {
    let line = shown(command);
    let output = command.stdin(Stdio::null()).output().doing(|| format!("cannot start `{line}`"))?;
    if output.status.success() {
        String::from_utf8(output.stdout).doing(|| format!("`{line}` wrote bytes that are no UTF-8"))
    } else {
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(Failed::new(format!("`{line}` ended with {}\n{errors}", output.status)))
    }
}

/// Returns whether a program of that name is found in `PATH`.
pub(crate) fn is_installed(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Returns whether cargo has that subcommand.
pub(crate) fn cargo_has(subcommand: &str) -> bool {
    is_installed(&format!("cargo-{subcommand}"))
        || std::env::home_dir()
            .is_some_and(|home| home.join(".cargo/bin").join(format!("cargo-{subcommand}")).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_command_can_be_typed() {
        let mut command = command("wrk");
        command.env("A", "b c").args(["-t2", "it's", ""]);
        assert_eq!(shown(&command), r"A='b c' wrk -t2 'it'\''s' ''");
    }

    #[test]
    fn a_command_that_ends_with_another_status_than_0_fails() {
        let failed = output(command("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err().to_string();
        assert!(failed.contains("exit status: 3") && failed.contains("no"), "{failed}");
    }
}
