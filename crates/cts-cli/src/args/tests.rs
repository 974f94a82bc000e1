use std::time::Duration;

use clap::{CommandFactory as _, Parser as _};
use expect_test::{Expect, expect};

use super::run::pair;
use super::{Cli, Command, RunsCommand, duration};

fn parse(line: &str) -> Result<Cli, String> {
    Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())
}

#[test]
fn the_declaration_of_the_arguments_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_and_option_has_help() {
    fn check(command: &clap::Command) {
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
        }
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            assert!(sub.get_about().is_some(), "{} has no help", sub.get_name());
            check(sub);
        }
    }
    check(&Cli::command());
}

#[test]
fn the_commands_are_those_of_the_guide() {
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    assert_eq!(
        names,
        [
            "ping",
            "cap",
            "run",
            "runs",
            "logs",
            "art",
            "upload",
            "tools",
            "token",
            "config",
            "doctor",
            "log-level",
            "serve",
            "completions",
            "man"
        ]
    );
}

#[test]
fn several_paths_and_parameters_are_taken() {
    let line =
        "cts run t --path a b -i c -p x=1 -p y=a=b --label k=v --priority -5 --timeout 5m --env N= -wf -o d --json";
    let cli = parse(line).unwrap();
    assert!(cli.global.json);
    let Command::Run(run) = cli.command else { panic!("not a run") };
    assert_eq!(run.paths.paths.len(), 3);
    assert_eq!(run.params.params, [("x".into(), "1".into()), ("y".into(), "a=b".into())]);
    assert_eq!(run.request.priority, Some(-5));
    assert_eq!(run.request.timeout, Some(Duration::from_mins(5)));
    assert_eq!(run.environment, [("N".into(), String::new())]);
    assert!(run.wait.wait && run.wait.follow);
}

#[test]
fn runs_without_a_command_are_listed() {
    let Command::Runs(runs) = parse("cts runs --status failed,canceled --limit 5").unwrap().command else { panic!() };
    assert!(runs.command.is_none());
    assert_eq!((runs.which.status.len(), runs.which.limit), (2, 5));
    let Command::Runs(runs) = parse("cts runs wait last --follow").unwrap().command else { panic!() };
    assert!(matches!(runs.command, Some(RunsCommand::Wait { .. })));
}

#[test]
fn serve_takes_the_options_of_the_service() {
    let cli = parse("cts serve --port 0 --data-dir d --set max_concurrent_runs=8 --config f").unwrap();
    assert_eq!(cli.global.config.as_deref(), Some(std::path::Path::new("f")));
    let Command::Serve(serve) = cli.command else { panic!() };
    let given: Vec<(&str, &str)> = serve.settings.0.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(given, [("port", "0"), ("base_storage_path", "d"), ("max_concurrent_runs", "8")]);
}

#[test]
fn what_is_wrong_is_said() {
    fn check(line: &str, expected: &Expect) {
        expected.assert_eq(parse(line).unwrap_err().lines().next().unwrap_or_default());
    }
    check(
        "cts run t -p x",
        &expect![[r#"error: invalid value 'x' for '--param <NAME=VALUE>': "x" is not NAME=VALUE"#]],
    );
    check(
        "cts run t --priority 101",
        &expect!["error: invalid value '101' for '--priority <PRIORITY>': 101 is not in -100..=100"],
    );
    check(
        "cts run t --timeout soon",
        &expect![[
            r#"error: invalid value 'soon' for '--timeout <TIME>': "soon" is not a time like 90s, 500ms, 5m, 2h"#
        ]],
    );
    check("cts rnus", &expect!["error: unrecognized subcommand 'rnus'"]);
    check(
        "cts logs last --from 0",
        &expect!["error: invalid value '0' for '--from <NUMBER>': 0 is not in 1..18446744073709551615"],
    );
}

#[test]
fn a_pair_is_split_at_its_first_sign() {
    assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
    assert_eq!(pair("a="), Ok(("a".into(), String::new())));
    assert!(pair("=b").is_err() && pair("a").is_err());
}

#[test]
fn a_time_has_a_unit_or_is_seconds() {
    let table =
        [("90", 90_000), ("90s", 90_000), ("500ms", 500), ("5m", 300_000), ("1.5h", 5_400_000), ("7d", 604_800_000)];
    for (text, ms) in table {
        assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
    }
    for bad in ["", "s", "-1s", "1 fortnight", "0s", "1e400d", "1.2.3s"] {
        assert!(duration(bad).is_err(), "{bad}");
    }
}
