//! Manifests right and wrong: every rule has a line here, and no text whatever breaks the reader.

use expect_test::{Expect, expect, expect_file};
use proptest::prelude::*;

use super::*;

mod published;

/// Every key there is, each with a value.
const FULL: &str = r##"
id = "word-count"
name = "Word count"
description = "Counts words"
version = "1.2"
category = "analyzer"
tags = ["text", "count"]
command = [
    "python3",
    "{manifest_dir}/count.py",
    ["--start", "{param.start}"],
    { when = "deep", args = ["--deep"] },
    { when = "mode", is = "fast", args = ["--fast"] },
    { each = "skip", args = ["--skip={item}"] },
    "--map={param.map}",
    "--out={out_dir}/{input.stem}.csv",
    "{{literal}}",
    "{input}",
]
success_exit_codes = [0, 1]
stdout = "result/out.txt"
only_declared_outputs = true
timeout = "5m"
concurrency = 2
concurrency_key = ["mode"]
concurrency_per_key = 1
allow_environment = ["TZ"]

[input]
required = true
many = false
extensions = [".txt", ".md"]
description = "A text"

[params.start]
type = "float"
description = "Where to begin"
minimum = 0
maximum = 60.5
unit = "s"
examples = [1, 2.5]

[params.deep]
type = "bool"
default = false

[params.mode]
type = "str"
choices = ["fast", "good"]
default = "good"

[params.skip]
type = "list"
items = "str"
pattern = "[a-z]+"
maximum = 5

[params.map]
type = "file"
required = true

[params.token]
type = "str"
secret = true

[[outputs]]
pattern = "*.csv"
required = true
media_type = "text/csv"

[[outputs]]
pattern = "plots/**/*.svg"

[limits]
memory = "512 MB"
processes = 4
open_files = 64
output_size = "1 GB"
artifact_size = 100000000
log_size = "10 MB"
log_lines_per_second = 1000
stop_grace = "2s"

[retry]
attempts = 3
delay = 1.5
retry_on_lost = true

[fallback]
mode = "fast"

[access]
network = true
read = ["/data", "./lib"]
write = ["/var/spool/count"]
devices = ["/dev/ttyUSB0"]
unconfined = false

[environment]
LC_ALL = "C"
TOKEN = "Bearer {param.token}"
KEY = "{secret.COUNT_KEY}"
PROXY = "{env.HTTPS_PROXY}"
"##;

fn read_here(text: &str) -> Result<Tool, Vec<ManifestFault>> {
    check_manifest(Path::new("/etc/cts/tools.d/t.toml"), text)
}

/// Reads a manifest that consists of a good beginning and of `rest`.
fn check(rest: &str, expected: Expect) {
    let text = format!("id = \"t\"\nname = \"T\"\ndescription = \"d\"\n{rest}");
    expected.assert_eq(&match read_here(&text) {
        Ok(_) => "good\n".to_owned(),
        Err(faults) => faults.iter().map(|fault| format!("{fault}\n")).collect(),
    });
}

#[test]
fn a_full_manifest_is_understood() {
    let tool = read_here(FULL).unwrap();
    expect_file!["tests/full.txt"].assert_eq(&format!("{tool:#?}\n"));
}

#[test]
fn the_smallest_manifest_is_three_texts_and_a_command() {
    let tool = read_here("id = \"t\"\nname = \"T\"\ndescription = \"d\"\ncommand = [\"true\"]").unwrap();
    assert!(tool.spec.input.none && !tool.spec.retry.retry_on_lost);
    assert_eq!((tool.spec.version.as_str(), tool.spec.category), ("1", ToolCategory::Tool));
}

#[test]
fn every_fault_is_told_at_once_with_its_place() {
    let text = r#"
id = "Word Count"
description = ""
comand = ["wc"]
timeout = "5 minutes"
concurrency = 0
tags = "text"
stdout = "../x"

[input]
reqired = true
extensions = ["txt", ""]
timeout = "5m"

[params.Start]
type = "string"

[limits]
memory = "lots"
processes = 1.5
"#;
    let faults = read_here(text).unwrap_err();
    let shown: String =
        faults.iter().map(|fault| format!("{fault} | {} ({})\n", fault.source_line, fault.width)).collect();
    expect![[r#"
        1:1: the manifest needs the key name |  (1)
        1:1: the manifest needs the key command |  (1)
        2:6: id is "Word Count", not 1 to 64 characters from a-z 0-9 - _ . that begin with a letter or digit | id = "Word Count" (12)
        3:15: description is empty | description = "" (2)
        4:1: unknown key comand in the manifest; did you mean "command"? | comand = ["wc"] (6)
        5:11: timeout is not a duration such as "90s", "5m" or "1h 30m", or a number of seconds, at most 365 days | timeout = "5 minutes" (11)
        6:15: concurrency is 0; allowed is 1 to 10000 | concurrency = 0 (1)
        7:8: tags is a text, not a list of texts | tags = "text" (6)
        8:10: stdout is not a relative path below the run's directory, such as "result.txt" | stdout = "../x" (6)
        11:1: unknown key reqired in [input]; did you mean "required"? | reqired = true (7)
        12:15: an extension begins with its dot: ".txt" | extensions = ["txt", ""] (5)
        12:22: extensions holds an empty text | extensions = ["txt", ""] (2)
        13:1: unknown key timeout in [input]; it belongs to the top of the file, above the first [table] | timeout = "5m" (7)
        15:9: the parameter name "Start" is not snake_case: a letter, then letters, digits and _ | [params.Start] (5)
        16:8: type is "string", not one of str, int, float, bool, list, file; did you mean "str"? | type = "string" (8)
        19:10: memory is not a size such as "512 MB" or "64 MiB", or a number of bytes | memory = "lots" (6)
        20:13: processes is a number, not a whole number | processes = 1.5 (3)
    "#]].assert_eq(&shown);
}

#[test]
fn commands_are_checked() {
    check(
        "command = \"wc -l\"",
        expect![[r#"
        4:11: command is a text, not a list: ["program", "argument", …]
    "#]],
    );
    check(
        "command = []",
        expect![[r#"
        4:11: command is empty; its first text is the program
    "#]],
    );
    check(
        "command = [\"wc -l\"]",
        expect![[r#"
        4:12: the program has a space in its name; each argument is a text of its own: ["program", "argument"]
    "#]],
    );
    check(
        "command = [\"{input}\", 3, [], [\"x\"], [[\"y\"]], \"a}\", \"{inptus}\", { args = [\"x\"] }]",
        expect![[r#"
        4:12: the program is a fixed name or path, without placeholders; a relative path such as ./tool begins at the manifest's folder
        4:23: an argument is a whole number, not a text; write it in quotes
        4:26: a group of arguments is empty
        4:30: nothing in this group can be missing, so it never vanishes: write its texts without the list, or use { when = "PARAM", args = […] }
        4:38: a group holds a list; it takes texts only
        4:48: a single }; a brace that is meant as text is doubled: }}
        4:53: unknown placeholder {inptus}; did you mean {inputs}? (a brace that is meant as text is doubled: {{)
        4:64: a group with a condition needs the key when
    "#]],
    );
    check(
        "command = [\"wc\", \"é {out_dir} {param.strat}\"]\n[params.start]\ntype = \"int\"",
        expect![[r#"
        4:31: {param.strat}: no parameter is named strat; did you mean "start"?
        5:9: the parameter start is used nowhere: put {param.start} into command or [environment]
    "#]],
    );
    check(
        "command = [\"wc\", \"{item}\", \"{secret.X}\", \"{env.X}\"]",
        expect![[r#"
        4:19: {item} has a value only in { each = "PARAM", args = […] }
        4:29: {secret.X} may only stand in [environment]: every user of the machine can read arguments
        4:43: {env.X} may only stand in [environment]: every user of the machine can read arguments
    "#]],
    );
    check(
        "command = [\"wc\", \"a\\tb {nope}\"]",
        expect![[r#"
        4:18: unknown placeholder {nope}; there are {inputs}, {input}, {input.name}, {input.stem}, {out_dir}, {tmp_dir}, {run_id}, {manifest_dir}, {item}, {param.NAME}, {env.NAME} and {secret.NAME} (a brace that is meant as text is doubled: {{)
    "#]],
    );
}

#[test]
fn inputs_are_used_as_they_are_given() {
    check(
        "command = [\"wc\", \"{inputs}\"]",
        expect![[r#"
        4:19: {inputs}: the tool takes no input; add a table [input]
    "#]],
    );
    check(
        "command = [\"wc\"]\n[input]",
        expect![[r#"
        5:2: no argument holds the input: put {input} or {inputs} into command
    "#]],
    );
    check(
        "command = [\"wc\", \"--in={inputs}\"]\n[input]\nmany = true",
        expect![[r#"
        4:24: {inputs} becomes as many arguments as there are inputs, so it stands alone in its argument; {input} is the path of a single one
    "#]],
    );
    check(
        "command = [\"wc\", \"{input}\"]\n[input]\nmany = true",
        expect![[r#"
        4:19: {input} is for tools with one input; with many = true use {inputs}
    "#]],
    );
    check(
        "command = [\"wc\", \"{input}\"]\n[input]\nrequired = false",
        expect![[r#"
        4:19: {input} may have no value: put the argument into a list ["{input}"], which then vanishes, or set required = true
    "#]],
    );
    check(
        "command = [\"wc\", [\"-f\", \"{input}\"]]\n[input]\nrequired = false",
        expect![[r#"
        good
    "#]],
    );
    check(
        "command = [\"wc\", \"{inputs}\"]\n[input]\nrequired = false",
        expect![[r#"
        good
    "#]],
    );
}

#[test]
fn a_value_that_may_be_missing_stands_in_a_group() {
    let param = "\n[params.start]\ntype = \"int\"";
    check(
        &format!("command = [\"wc\", \"{{param.start}}\"]{param}"),
        expect![[r#"
        4:19: start may have no value: give it a default, set required = true, or put the argument into a list, which vanishes without a value: ["--start", "{param.start}"]
    "#]],
    );
    check(
        &format!("command = [\"wc\", [\"{{param.start}}\"]]{param}"),
        expect![[r#"
        good
    "#]],
    );
    check(
        &format!("command = [\"wc\", \"{{param.start}}\"]{param}\ndefault = 3"),
        expect![[r#"
        good
    "#]],
    );
    check(
        &format!("command = [\"wc\", \"{{param.start}}\"]{param}\nrequired = true"),
        expect![[r#"
        good
    "#]],
    );
    check(
        &format!("command = [\"wc\", {{ when = \"start\", is = \"x\", args = [\"-x\"] }}]{param}"),
        expect![[r#"
        4:41: is: start is "x", not a whole number
    "#]],
    );
    check(
        &format!("command = [\"wc\", {{ when = \"strat\", args = [\"-x\"] }}]{param}"),
        expect![[r#"
        4:27: no parameter is named strat; did you mean "start"?
        5:9: the parameter start is used nowhere: put {param.start} into command or [environment]
    "#]],
    );
    check(
        &format!("command = [\"wc\", {{ each = \"start\", args = [\"-x\"] }}]{param}"),
        expect![[r#"
        4:18: no argument of this group has {item} in it
        4:27: start is of the type int, not a list
    "#]],
    );
    check(
        &format!("command = [\"wc\"]{param}"),
        expect![[r#"
        5:9: the parameter start is used nowhere: put {param.start} into command or [environment]
    "#]],
    );
}

#[test]
fn parameters_are_checked() {
    let with = |param: &str| format!("command = [\"wc\", [\"{{param.x}}\"]]\n[params.x]\n{param}");
    check(
        &with("type = \"int\"\nminimum = 5\nmaximum = 3"),
        expect![[r#"
        8:11: maximum 3 is below minimum 5
    "#]],
    );
    check(
        &with("type = \"int\"\nminimum = 5\ndefault = 3"),
        expect![[r#"
        8:11: default: x is 3; at least 5 is allowed
    "#]],
    );
    check(
        &with("type = \"int\"\nrequired = true\ndefault = 3"),
        expect![[r#"
        8:1: a required parameter has no default: it is always given
    "#]],
    );
    check(
        &with("type = \"int\"\nchoices = [1, \"two\", 3]\ndefault = 2"),
        expect![[r#"
        7:15: choices: x is "two", not a whole number
        8:11: default: x is 2, not one of 1, 3
    "#]],
    );
    check(
        &with("type = \"str\"\npattern = \"[a\""),
        expect![[r#"
        7:11: pattern is not a regular expression: non-empty character class has no closing bracket
    "#]],
    );
    check(
        &with("type = \"str\"\npattern = \"[a-z]+\"\ndefault = \"A\"\nminimum = -1\nexamples = [3]"),
        expect![[r#"
        8:11: default: x is "A", which does not match [a-z]+
        9:11: minimum is a length here: a whole number from 0
        10:13: examples: x is 3, not a text
    "#]],
    );
    check(
        &with("type = \"bool\"\nminimum = 1\nitems = \"str\"\nchoices = [true]\npattern = \"x\""),
        expect![[r#"
        7:1: minimum is for numbers, texts and lists, not for bool
        8:1: items is for parameters of the type list
        9:1: choices are not for bool
        10:1: pattern is for texts and lists of texts
    "#]],
    );
    check(
        &with("type = \"list\"\nitems = \"int\"\ndefault = [1, \"x\"]\nmaximum = 1.5"),
        expect![[r#"
        8:11: default: x is "x", not a whole number
        9:11: maximum is a length here: a whole number from 0
    "#]],
    );
    check(
        &with("type = \"float\"\nmaximum = nan\ndefault = inf"),
        expect![[r#"
        7:11: maximum is not a finite number
        8:11: default is neither text, finite number, true or false, list nor table
    "#]],
    );
    check(
        &with("type = \"int\"\ndefault = 1979-05-27"),
        expect![[r#"
        7:11: default is neither text, finite number, true or false, list nor table
    "#]],
    );
    check(
        &with("description = \"no type\""),
        expect![[r#"
            5:1: [params.x] needs the key type
        "#]],
    );
    check(
        "command = [\"wc\"]\nparams = 3\nfallback = []\nenvironment = 1\noutputs = {}",
        expect![[r#"
        5:10: params is a whole number, not a table
        6:1: fallback names no parameter
        6:12: fallback is a list, not a table
        7:15: environment is a whole number, not a table
        8:11: outputs is a table; each of them is a table [[outputs]]
    "#]],
    );
}

#[test]
fn a_secret_goes_by_the_environment_only() {
    let with = |command: &str, rest: &str| {
        format!("command = [\"wc\", {command}]\n[params.key]\ntype = \"str\"\nsecret = true\n{rest}")
    };
    check(
        &with("\"{param.key}\"", ""),
        expect![[r#"
        4:19: key is secret, and every user of the machine can read arguments: give it to the tool in [environment]
    "#]],
    );
    check(
        &with("[\"--key\", \"{param.key}\"]", ""),
        expect![[r#"
        4:29: key is secret, and every user of the machine can read arguments: give it to the tool in [environment]
    "#]],
    );
    check(
        &with("{ when = \"key\", args = [\"-k\"] }", ""),
        expect![[r#"
        4:27: key is secret; the arguments of a tool must not tell about it
    "#]],
    );
    check(
        &with("\"-k\"", "default = \"x\"\n[environment]\nKEY = \"{param.key}\""),
        expect![[r#"
        8:1: a secret parameter has no default: everybody who may list the tools could read it
    "#]],
    );
    check(
        &with("\"-k\"", "[environment]\nKEY = \"{param.key}\""),
        expect![[r#"
        good
    "#]],
    );
    check(
        "concurrency_key = [\"key\"]\ncommand = [\"wc\"]\n[params.key]\ntype = \"str\"\nsecret = true\n[environment]\nKEY = \"{param.key}\"\n[fallback]\nkey = \"x\"",
        expect![[r#"
        4:20: key is secret and cannot be part of a key that is stored
        12:1: fallback: a secret parameter stays as it was given
    "#]],
    );
}

#[test]
fn the_environment_is_checked() {
    check(
        "command = [\"wc\"]\nallow_environment = [\"LD_PRELOAD\", \"PATH\", \"CTS_URL\", \"1x\", \"TZ\"]",
        expect![[r#"
        5:22: a request must not set LD_PRELOAD: it decides which code the tool runs
        5:36: a request must not set PATH: it decides which code the tool runs
        5:44: CTS_URL is set by the service
        5:55: "1x" cannot be the name of a variable: letters, digits and _
    "#]],
    );
    check(
        "command = [\"wc\"]\n[environment]\nCTS_RUN_ID = \"x\"\n\"A B\" = \"x\"\nN = 3\nX = \"{nope}\"\nI = \"{inputs}\"",
        expect![[r#"
        6:1: CTS_RUN_ID is set by the service
        7:1: "A B" cannot be the name of a variable: letters, digits and _
        8:5: N is a whole number, not a text
        9:6: unknown placeholder {nope}; there are {inputs}, {input}, {input.name}, {input.stem}, {out_dir}, {tmp_dir}, {run_id}, {manifest_dir}, {item}, {param.NAME}, {env.NAME} and {secret.NAME} (a brace that is meant as text is doubled: {{)
        10:6: {inputs}: the tool takes no input; add a table [input]
    "#]],
    );
}

#[test]
fn the_rest_is_checked() {
    check(
        "command = [\"wc\"]\nsuccess_exit_codes = [0, 256, \"1\"]\nconcurrency_per_key = 1\nonly_declared_outputs = true",
        expect![[r#"
        5:26: success_exit_codes is 256; allowed is 0 to 255
        5:31: success_exit_codes is a text, not a whole number
        6:1: concurrency_per_key needs concurrency_key: the parameters that make the key
        7:1: only_declared_outputs without [[outputs]] would keep no file at all
    "#]],
    );
    check(
        "command = [\"wc\"]\nconcurrency_key = [\"x\"]\ntimeout = 0\n[fallback]\ny = 1",
        expect![[r#"
        5:20: concurrency_key: no parameter is named x
        6:11: timeout is zero; give a duration such as "90s", "5m" or "1h 30m", or a number of seconds
        8:1: fallback: no parameter is named y
    "#]],
    );
    check(
        "command = [\"wc\"]\n[[outputs]]\npattern = \"../*.csv\"\n[[outputs]]\npattern = \"[\"\n[[outputs]]\npattern = \"a\"\nmedia_type = \"csv\"",
        expect![[r#"
            6:11: pattern is relative to the run's directory, without . and ..
            8:11: pattern is not a glob: unclosed character class; missing ']'
            11:14: media_type is "csv", not a media type such as "text/csv"
        "#]],
    );
    check(
        "command = [\"wc\"]\n[access]\nread = [\"~/x\", \"$HOME\"]\ndevices = [\"ttyUSB0\"]\nnetwork = \"yes\"",
        expect![[r#"
        6:9: read holds "~/x"; write the whole path, nothing is expanded here
        6:16: read holds "$HOME"; write the whole path, nothing is expanded here
        7:12: a device is named by its path below /dev, for example "/dev/ttyUSB0"
        8:11: network is a text, not true or false
    "#]],
    );
    check(
        "command = [\"wc\"]\n[retry]\nattempts = 0\ndelay = \"soon\"\nretry_on_lost = 1",
        expect![[r#"
        6:12: attempts is 0; allowed is 1 to 100
        7:9: delay is not a duration such as "90s", "5m" or "1h 30m", or a number of seconds, at most 365 days
        8:17: retry_on_lost is a whole number, not true or false
    "#]],
    );
}

#[test]
fn what_is_not_toml_is_told_with_its_place() {
    check(
        "command = [\"wc\"",
        expect![[r#"
        4:16: not valid TOML: unclosed array, expected `]`
    "#]],
    );
    check(
        "command = [\"wc\"]\nid = \"u\"",
        expect![[r#"
        5:1: not valid TOML: duplicate key
    "#]],
    );
    check(
        "x = \"abc",
        expect![[r#"
        4:9: not valid TOML: invalid basic string, expected `"`
    "#]],
    );
    check(
        "= 3",
        expect![[r#"
        4:1: not valid TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`
    "#]],
    );
    check(
        "",
        expect![[r#"
        1:1: the manifest needs the key command
    "#]],
    );
}

#[test]
fn a_text_that_is_too_deep_or_too_long_is_refused() {
    for text in [
        format!("{} = 1", "a.".repeat(100_000) + "a"),
        format!("x = {{ {} = 1 }}", "a.".repeat(100_000) + "a"),
        format!("\"x\".{} = 1", "a.".repeat(100_000) + "a"),
        format!("[{}]", "a.".repeat(100_000) + "a"),
        format!("x = {}", "[".repeat(100_000)),
        format!("x = {}", "{a=".repeat(50_000)),
        "a".repeat(MANIFEST_BYTES_MAX + 1),
    ] {
        let faults = read_here(&text).unwrap_err();
        assert!(!faults.is_empty() && faults.iter().all(|fault| fault.line == 1), "{}", &text[..20]);
    }
    let many = (0..5000).map(|n| format!("k{n} = 1\n")).collect::<String>();
    assert_eq!(read_here(&many).unwrap_err().len(), section::FAULTS_MAX);
}

fn faults_lie_within(text: &str) -> Result<(), TestCaseError> {
    if let Err(faults) = read_here(text) {
        prop_assert!(!faults.is_empty());
        let lines: Vec<&str> = text.split('\n').collect();
        for fault in faults {
            prop_assert!((1..=lines.len()).contains(&fault.line), "{fault:?}");
            let line = lines[fault.line - 1];
            prop_assert!(fault.column >= 1 && fault.column <= line.chars().count() + 1, "{fault:?}");
            prop_assert!(line.starts_with(&fault.source_line), "{fault:?}");
            prop_assert!(fault.width >= 1 && !fault.message.is_empty());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_within_itself(text in "\\PC{0,200}|[a-z=\\[\\]{}.\"'\n#, 0-9]{0,200}") {
        faults_lie_within(&text)?;
    }

    #[test]
    fn a_good_manifest_that_was_damaged_is_read_or_refused_within_itself(
        at in 0..FULL.len(), length in 0_usize..40, put in "\\PC{0,6}|[\n\"\\[\\]{}=]{0,3}",
    ) {
        let end = (at + length).min(FULL.len());
        if FULL.is_char_boundary(at) && FULL.is_char_boundary(end) {
            faults_lie_within(&format!("{}{put}{}", &FULL[..at], &FULL[end..]))?;
        }
    }

    #[test]
    fn lines_in_any_order_are_read_or_refused_within_themselves(
        order in prop::collection::vec(0_usize..100, 0..60), end in "\r?\n?",
    ) {
        let lines: Vec<&str> = FULL.lines().collect();
        let text: Vec<&str> = order.iter().map(|n| lines[n % lines.len()]).collect();
        faults_lie_within(&(text.join("\n") + &end))?;
    }
}
