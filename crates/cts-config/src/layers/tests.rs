//! Precedence, old names and masking, with a small list of declarations of their own.

use expect_test::{Expect, expect};

use super::*;
use crate::declaration::{Defaults, Section};
use crate::sources::Kind;
use crate::value::{Check, ValueType};

const ANY: Check = Check { test: |text| !text.is_empty(), expected: "a text" };
const LONG: Check = Check { test: |text| text.len() >= 12, expected: "a text of at least 12 characters" };

static DECLARATIONS: [Declaration; 3] = [
    Declaration::new("color", Section::Process, ValueType::Text(ANY), Defaults::same("red"), "A color."),
    Declaration {
        old_names: &["amount"],
        ..Declaration::new(
            "count",
            Section::Process,
            ValueType::Int { min: 1, max: 9 },
            Defaults::same("1"),
            "A count.",
        )
    },
    Declaration::new("key", Section::Process, ValueType::Text(LONG), Defaults::same("none"), "A key.")
        .optional("correct-horse-battery")
        .secret(),
];

/// Layers in the order of the five arguments, as `name=value` separated by blanks.
fn load(file: &str, dotenv: &str, environment: &str, flags: &str) -> (Resolved, Findings) {
    load_with(&DECLARATIONS, file, dotenv, environment, flags)
}

fn load_with(
    declarations: &'static [Declaration],
    file: &str,
    dotenv: &str,
    environment: &str,
    flags: &str,
) -> (Resolved, Findings) {
    let pairs = |text: &str| -> Vec<(String, String)> {
        text.split_whitespace().filter_map(|pair| pair.split_once('=')).map(|(a, b)| (a.into(), b.into())).collect()
    };
    let sources = Sources {
        kind: Kind::Service,
        config: None,
        flags: pairs(flags),
        environment: pairs(environment),
        unreadable_variables: Vec::new(),
        home: None,
        current_dir: "/work".into(),
        system_config_dir: "/etc/cts".into(),
    };
    let mut layers = Layers::new(declarations, &sources);
    layers.add_file(Path::new("/srv/cts-lite.toml"), file);
    layers.add_dotenv(Path::new("/srv/.env"), dotenv);
    layers.add_environment(true);
    layers.add_flags();
    layers.resolve(Some(Profile::Development))
}

fn check((resolved, findings): (Resolved, Findings), expected: &Expect) {
    let mut lines = Vec::new();
    for entry in &resolved.entries {
        let mut line = format!("{} = {} ({})", entry.declaration.name, entry.written(&entry.value), entry.origin);
        for (origin, value) in entry.overrode.iter().rev() {
            line += &format!(" over {} ({origin})", entry.written(value));
        }
        lines.push(line);
    }
    match findings.settle() {
        Ok(warnings) => lines.extend(warnings.iter().map(|warning| format!("warning {warning}"))),
        Err(faults) => lines.extend(faults.0.iter().map(|fault| format!("fault {fault}"))),
    }
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn a_stronger_layer_wins_and_what_it_overrode_is_kept() {
    check(
        load("", "", "", ""),
        &expect![[r#"
        color = "red" (default of development)
        count = 1 (default of development)
        key = none (default of development)"#]],
    );
    check(
        load("color = \"f\"", "", "", ""),
        &expect![[r#"
            color = "f" (/srv/cts-lite.toml:1:9) over "red" (default of development)
            count = 1 (default of development)
            key = none (default of development)"#]],
    );
    check(
        load("color = \"f\"", "CTS_COLOR=d", "", ""),
        &expect![[r#"
            color = "d" (/srv/.env:1) over "f" (/srv/cts-lite.toml:1:9) over "red" (default of development)
            count = 1 (default of development)
            key = none (default of development)"#]],
    );
    check(
        load("color = \"f\"", "CTS_COLOR=d", "CTS_COLOR=e", ""),
        &expect![[r#"
            color = "e" (CTS_COLOR) over "d" (/srv/.env:1) over "f" (/srv/cts-lite.toml:1:9) over "red" (default of development)
            count = 1 (default of development)
            key = none (default of development)"#]],
    );
    check(
        load("color = \"f\"", "CTS_COLOR=d", "CTS_COLOR=e", "color=g"),
        &expect![[r#"
            color = "g" (--color) over "e" (CTS_COLOR) over "d" (/srv/.env:1) over "f" (/srv/cts-lite.toml:1:9) over "red" (default of development)
            count = 1 (default of development)
            key = none (default of development)"#]],
    );
    check(
        load("color = \"f\"", "", "CTS_COLOR=e", ""),
        &expect![[r#"
            color = "e" (CTS_COLOR) over "f" (/srv/cts-lite.toml:1:9) over "red" (default of development)
            count = 1 (default of development)
            key = none (default of development)"#]],
    );
}

#[test]
fn every_fault_of_every_layer_is_reported_at_once() {
    check(
        load_with(
            &DECLARATIONS[..2],
            "count = 0\ncolour = 1\n[size]\ncolor = 'x'\n[other]\n",
            "CTS_COUNT=ten\nCTS_COUNTS=1\nOTHER=1\nnonsense\n",
            "CTS_COUNT=-1 CTS_QUITE_DIFFERENT=1 CTS_URL=x PATH=/bin",
            "count=99 weight=1 colr=x",
        ),
        &expect![[r#"
            color = "red" (default of development)
            count = 1 (default of development)
            fault /srv/cts-lite.toml:1:9: count must be a whole number from 1 to 9, not 0; write for example count = 1
            fault /srv/cts-lite.toml:2:1: unknown setting "colour"; did you mean "color"?
            fault /srv/cts-lite.toml:3:2: unknown table "size", settings stand in none; write color at the top of the file, without a table around it
            fault /srv/cts-lite.toml:5:2: unknown table "other", settings stand in none; take the table out
            fault /srv/.env:1: count must be a whole number from 1 to 9, not "ten"; set for example CTS_COUNT=1
            fault /srv/.env:2: unknown variable "CTS_COUNTS"; did you mean "CTS_COUNT"?
            fault /srv/.env:4: not of the form NAME=value; write NAME=value, with quotes around a value that has quotes or lines in it
            fault CTS_QUITE_DIFFERENT: unknown variable "CTS_QUITE_DIFFERENT"; take it out; docs/reference/configuration.md lists every setting
            fault CTS_COUNT: count must be a whole number from 1 to 9, not "-1"; set for example CTS_COUNT=1
            fault --weight: unknown flag "weight"; take it out; docs/reference/configuration.md lists every setting
            fault --colr: unknown flag "colr"; did you mean "color"?
            fault --count: count must be a whole number from 1 to 9, not "99"; give for example --count 1"#]],
    );
}

#[test]
fn an_old_name_is_understood_with_a_warning() {
    check(
        load("amount = 3", "CTS_AMOUNT=4", "CTS_AMOUNT=5", "amount=6"),
        &expect![[r#"
            color = "red" (default of development)
            count = 6 (--amount) over 5 (CTS_AMOUNT) over 4 (/srv/.env:1) over 3 (/srv/cts-lite.toml:1:10) over 1 (default of development)
            key = none (default of development)
            warning /srv/cts-lite.toml:1:10: amount is an old name of count, write count
            warning /srv/.env:1: CTS_AMOUNT is an old name of count, write CTS_COUNT
            warning CTS_AMOUNT: CTS_AMOUNT is an old name of count, write CTS_COUNT
            warning --amount: amount is an old name of count, write count"#]],
    );
}

#[test]
fn a_sensitive_value_is_never_printed() {
    let secret = "hunter2";
    for (file, value) in [(format!("key = \"{secret}\""), ""), (String::new(), secret)] {
        let loaded =
            load(&file, &format!("CTS_KEY={value}{secret}"), &format!("CTS_KEY={secret}"), &format!("key={secret}"));
        assert!(!format!("{loaded:?}").contains(secret), "{loaded:?}");
        assert!(!loaded.1.faults.is_empty());
    }
    let long = "correct-horse-battery";
    let loaded = load(&format!("key = \"{long}\""), "", &format!("CTS_KEY={long}x"), "");
    assert!(!format!("{:?}", loaded.0).contains(long));
    check(
        loaded,
        &expect![[r#"
            color = "red" (default of development)
            count = 1 (default of development)
            key = *** (CTS_KEY) over *** (/srv/cts-lite.toml:1:7) over none (default of development)"#]],
    );
}

#[test]
fn none_takes_an_optional_setting_back() {
    check(
        load("key = \"correct-horse-battery\"", "", "CTS_KEY=none CTS_COUNT=none", ""),
        &expect![[r#"
            color = "red" (default of development)
            count = 1 (default of development)
            key = none (CTS_KEY) over *** (/srv/cts-lite.toml:1:7) over none (default of development)
            fault CTS_COUNT: count must be a whole number from 1 to 9, not "none"; set for example CTS_COUNT=1"#]],
    );
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    let key = |(resolved, _): &(Resolved, Findings)| match resolved.value("key") {
        Some(Value::Text(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    let good = file("good", "secret-zebra-battery\n", 0o600);
    let stronger = file("stronger", "secret-zebra-stapler", 0o600);
    let in_file = load(&format!("key_file = \"{good}\""), "", "", "");
    assert_eq!((key(&in_file).as_str(), in_file.1.warnings.len()), ("secret-zebra-battery", 0));
    let in_dotenv = load(&format!("key_file = \"{good}\""), &format!("CTS_KEY_FILE={stronger}"), "", "");
    assert_eq!(key(&in_dotenv), "secret-zebra-stapler");
    // Between layers the stronger one wins, whether it holds the text or names a file.
    let by_value = load("", "", &format!("CTS_KEY_FILE={good}"), "key=secret-zebra-value");
    assert_eq!(key(&by_value), "secret-zebra-value");
    let by_flag = load("key = \"secret-zebra-value\"", "", "", &format!("key-file={good}"));
    assert_eq!(key(&by_flag), "secret-zebra-battery");
    assert_eq!(by_flag.0.origin("key"), Origin::Flag("key-file".into()));

    let check = |loaded: (Resolved, Findings), expected: &str| {
        let said = match loaded.1.settle() {
            Ok(warnings) => warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            Err(faults) => faults.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        };
        let said = said.replace(&dir.path().display().to_string(), "DIR");
        assert!(said.starts_with(expected), "{said}");
        assert!(!said.contains("zebra"), "{said}");
    };
    let named = |path: &str| load("", "", &format!("CTS_KEY_FILE={path}"), "");
    check(named(&file("open", "secret-zebra-battery", 0o644)), "CTS_KEY_FILE: DIR/open holds a secret and is open");
    check(
        named(&file("short", "zebra", 0o600)),
        "CTS_KEY_FILE: key must be a text of at least 12 characters, or none; ",
    );
    check(named(&file("empty", "\n", 0o600)), "CTS_KEY_FILE: DIR/empty is empty; name a readable file");
    check(named(&dir.path().join("gone").display().to_string()), "CTS_KEY_FILE: DIR/gone cannot be read: ");
    check(named(&dir.path().display().to_string()), "CTS_KEY_FILE: DIR is no file");
    let both = load("", "", &format!("CTS_KEY=secret-zebra-value CTS_KEY_FILE={good}"), "");
    check(both, "CTS_KEY_FILE: key is given here and by CTS_KEY; keep the value or the file, not both");
    check(load("count_file = 1", "", "", ""), "/srv/cts-lite.toml:1:1: unknown setting");
}
