//! What arguments and variables come out of a command, value by value.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::tools::check_manifest;

const MANIFEST: &str = r#"
id = "t"
name = "T"
description = "d"
command = [
    "sh",
    "--fixed",
    ["--start", "{param.start}"],
    { when = "deep", args = ["--deep"] },
    { when = "mode", is = "fast", args = ["-f", "{param.mode}"] },
    { each = "skip", args = ["--skip={item}"] },
    ["--cols={param.cols}"],
    "--name={param.name}",
    ["--dbc", "{param.dbc}"],
    "--out={out_dir}/{run_id}",
    "--",
    "{inputs}",
]
[input]
required = false
many = true
[params.start]
type = "float"
[params.deep]
type = "bool"
[params.mode]
type = "str"
[params.skip]
type = "list"
[params.cols]
type = "list"
items = "int"
[params.name]
type = "str"
default = "x y"
[params.dbc]
type = "file"
[params.token]
type = "str"
secret = true
[environment]
TOKEN = "Bearer {param.token}"
KEY = "{secret.KEY}"
PROXY = "{env.PROXY}"
"#;

fn resolve(
    manifest: &str,
    params: Value,
    secrets: &[(&str, &str)],
    inputs: &[&str],
) -> Result<ResolvedCommand, CommandError> {
    let tool = check_manifest(Path::new("/etc/tools.d/t.toml"), manifest).unwrap();
    let Value::Object(mut params) = params else { panic!("an object") };
    for spec in &tool.spec.params {
        if let Some(default) = &spec.default {
            params.entry(spec.name.clone()).or_insert_with(|| default.clone());
        }
    }
    let environment = ServiceEnvironment::new([("KEY".into(), "hunter2".into())]);
    let inputs: Vec<PathBuf> = inputs.iter().map(PathBuf::from).collect();
    let values = Placeholders {
        params: &params,
        secrets: &secrets.iter().map(|(name, value)| ((*name).to_owned(), Secret::new((*value).to_owned()))).collect(),
        files: &BTreeMap::from([("dbc".to_owned(), vec![PathBuf::from("/data/a.dbc")])]),
        inputs: &inputs,
        out_dir: Path::new("/run/out"),
        tmp_dir: Path::new("/run/tmp"),
        run_id: "0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11".parse().unwrap(),
        environment: &environment,
    };
    tool.command().unwrap().resolve(&values)
}

fn check(params: Value, secrets: &[(&str, &str)], inputs: &[&str], expected: Expect) {
    expected.assert_eq(&match resolve(MANIFEST, params, secrets, inputs) {
        Ok(command) => {
            let args = command.args.iter().map(|arg| format!("{}\n", arg.display())).collect::<String>();
            let environment = command.environment.iter();
            let environment: String =
                environment.map(|(name, value)| format!("{name}={}\n", value.reveal().display())).collect();
            format!("{args}{environment}")
        }
        Err(error) => format!("{error}\n"),
    });
}

#[test]
fn what_has_no_value_vanishes() {
    check(
        json!({}),
        &[],
        &[],
        expect![[r#"
        --fixed
        --name=x y
        --out=/run/out/0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11
        --
        KEY=hunter2
    "#]],
    );
}

#[test]
fn every_value_is_an_argument_of_its_own_whatever_it_holds() {
    check(
        json!({"start": 1.5, "deep": true, "mode": "fast", "skip": ["a b", "$(rm -rf /)"], "cols": [1, 2],
               "name": "\"; ls", "dbc": {"type": "path", "value": "/data/a.dbc"}}),
        &[("token", "s3cret")],
        &["/data/one file", "/data/-two"],
        expect![[r#"
            --fixed
            --start
            1.5
            --deep
            -f
            fast
            --skip=a b
            --skip=$(rm -rf /)
            --cols=1,2
            --name="; ls
            --dbc
            /data/a.dbc
            --out=/run/out/0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11
            --
            /data/one file
            /data/-two
            TOKEN=Bearer s3cret
            KEY=hunter2
        "#]],
    );
}

#[test]
fn a_condition_that_does_not_hold_adds_nothing() {
    check(
        json!({"deep": false, "mode": "slow", "skip": [], "cols": []}),
        &[],
        &["/a"],
        expect![[r#"
        --fixed
        --cols=
        --name=x y
        --out=/run/out/0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11
        --
        /a
        KEY=hunter2
    "#]],
    );
}

#[test]
fn a_secret_is_seen_by_the_child_and_by_nobody_else() {
    let command = resolve(MANIFEST, json!({}), &[("token", "s3cret")], &[]).unwrap();
    let printed = format!("{command:?}");
    assert!(!printed.contains("s3cret") && !printed.contains("hunter2"), "{printed}");
    let secrets: Vec<&str> = command.secrets.iter().map(Secret::reveal).collect();
    assert_eq!(secrets, ["s3cret", "hunter2"]);
}

#[test]
fn a_value_that_looks_like_an_option_is_refused() {
    let head = "id = \"t\"\nname = \"T\"\ndescription = \"d\"\n";
    let param = "\n[params.word]\ntype = \"str\"\nrequired = true\n";
    for (command, extra, refused) in [
        (r#"["sh", "{param.word}"]"#, "", true),
        (r#"["sh", "{param.word}.txt"]"#, "", true),
        (r#"["sh", "-v", "x", "{param.word}"]"#, "", true),
        (r#"["sh", "--", "{param.word}"]"#, "", false),
        (r#"["sh", "--word={param.word}"]"#, "", false),
        (r#"["sh", "-e", "{param.word}"]"#, "", false),
        (r#"["sh", ["-e", "{param.word}"]]"#, "", false),
        (r#"["sh", "{param.word}"]"#, "pattern = \".*\"\n", false),
    ] {
        let manifest = format!("{head}command = {command}\n{param}{extra}");
        let result = resolve(&manifest, json!({"word": "-rf"}), &[], &[]);
        assert_eq!(matches!(result, Err(CommandError::OptionLike(_))), refused, "{command} {extra}");
        assert!(resolve(&manifest, json!({"word": "rf"}), &[], &[]).is_ok());
    }
}

#[test]
fn a_file_name_never_becomes_an_option() {
    let manifest = "id = \"t\"\nname = \"T\"\ndescription = \"d\"\ncommand = [\"sh\", \"{input.stem}.csv\", \"{input.name}\"]\n[input]\n";
    let command = resolve(manifest, json!({}), &[], &["/up/-rf.tar"]).unwrap();
    assert_eq!(command.args, ["./-rf.csv", "./-rf.tar"]);
}

#[test]
fn a_command_that_the_system_would_not_take_is_refused() {
    let long = "x".repeat(ARGUMENT_BYTES_MAX);
    let error = resolve(MANIFEST, json!({"name": long}), &[], &[]).unwrap_err();
    assert!(matches!(error, CommandError::TooLong { .. }), "{error}");
    let path = format!("/{}", "x".repeat(4000));
    let paths = vec![path.as_str(); 500];
    let error = resolve(MANIFEST, json!({}), &[], &paths).unwrap_err();
    assert_eq!(error.fault().code, Code::InvalidInput, "{error}");
}

#[test]
fn a_missing_program_and_a_missing_secret_are_named() {
    let manifest = MANIFEST.replace("\"sh\"", "\"no-such-program\"");
    let error = resolve(&manifest, json!({}), &[], &[]).unwrap_err();
    assert_eq!(error.fault().code, Code::ProgramMissing);
    let manifest = MANIFEST.replace("{secret.KEY}", "{secret.OTHER}");
    let error = resolve(&manifest, json!({}), &[], &[]).unwrap_err();
    assert_eq!(error, CommandError::SecretMissing { name: "OTHER".into() });
    let tool = check_manifest(Path::new("/etc/t.toml"), &manifest).unwrap();
    let reason = tool.command().unwrap().unavailable_reason(&ServiceEnvironment::default()).unwrap();
    assert_eq!(reason, "the secret OTHER is missing: set it in the environment of the service");
}
