//! What was published about manifests is true: the schema, the guide, the examples.

use std::path::{Path, PathBuf};

use cts_model::ParamKind;
use expect_test::{expect, expect_file};
use serde_json::{Value as Json, json};

use super::{FULL, read_here};
use crate::tools::manifest::keys::{self, Key, Shape};
use crate::tools::manifest::{check_manifest, manifest_schema, tree};

/// Returns every key with the path to it.
fn all_keys(keys: &'static [Key], path: &str) -> Vec<String> {
    keys.iter()
        .flat_map(|key| {
            let inner = match key.shape {
                Shape::Table(inner) | Shape::Tables(inner) | Shape::Named(_, inner) => {
                    all_keys(inner, &format!("{path}{}.", key.name))
                }
                _ => Vec::new(),
            };
            std::iter::once(format!("{path}{}", key.name)).chain(inner)
        })
        .collect()
}

#[test]
fn the_full_manifest_has_every_key() {
    let toml: toml_edit::DocumentMut = FULL.parse().unwrap();
    for path in all_keys(keys::MANIFEST, "") {
        let parts: Vec<&str> = path.split('.').collect();
        let root = toml.as_table();
        let found = match parts.as_slice() {
            [key] => root.contains_key(key),
            ["params", key] => root["params"].as_table().unwrap().iter().any(|(_, param)| param.get(key).is_some()),
            ["outputs", key] => {
                root["outputs"].as_array_of_tables().unwrap().iter().any(|table| table.contains_key(key))
            }
            [table, key] => root[table].get(key).is_some(),
            _ => false,
        };
        assert!(found, "{path} is in the full manifest");
    }
}

#[test]
fn the_words_of_the_model_and_of_the_manifest_are_the_same() {
    let kinds: Vec<&str> = ParamKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let Shape::Choice(words) = keys::PARAM[0].shape else { panic!("the first key is the type") };
    assert_eq!(words, kinds);
}

fn as_json(text: &str) -> Option<Json> {
    tree::read(text).ok()?.json()
}

#[test]
fn the_published_schema_is_that_of_the_code() {
    let schema = serde_json::to_string_pretty(&manifest_schema()).unwrap() + "\n";
    expect_file!["../../../../../../docs/reference/manifest.schema.json"].assert_eq(&schema);
}

#[test]
fn the_schema_agrees_with_the_reader() {
    let schema = jsonschema::draft202012::new(&manifest_schema()).unwrap();
    let full = as_json(FULL).unwrap();
    assert!(schema.is_valid(&full), "{:?}", schema.iter_errors(&full).map(|e| e.to_string()).collect::<Vec<_>>());
    // Each change makes the manifest wrong for both.
    let changes: [(&str, Json); 24] = [
        ("/id", json!("Word Count")),
        ("/name", json!("")),
        ("/version", json!(1)),
        ("/category", json!("wrapper")),
        ("/tags", json!("text")),
        ("/tags/0", json!("")),
        ("/command", json!([])),
        ("/command/0", json!(1)),
        ("/command/1", json!(1)),
        ("/command/2", json!([])),
        ("/command/3", json!({"args": ["x"]})),
        ("/success_exit_codes", json!([])),
        ("/success_exit_codes/0", json!(256)),
        ("/timeout", json!("5 minutes")),
        ("/timeout", json!(0)),
        ("/concurrency", json!(0)),
        ("/input/required", json!("yes")),
        ("/params/start/type", json!("string")),
        ("/params/start/minimum", json!("0")),
        ("/params/mode/choices", json!([])),
        ("/outputs/0/media_type", json!("csv")),
        ("/limits/memory", json!("lots")),
        ("/environment/LC_ALL", json!(1)),
        ("/fallback", json!({})),
    ];
    for (pointer, value) in changes {
        let mut json = full.clone();
        *json.pointer_mut(pointer).unwrap() = value.clone();
        assert!(!schema.is_valid(&json), "{pointer} = {value} for the schema");
        let text = toml_edit::ser::to_string(&json).unwrap();
        assert!(read_here(&text).is_err(), "{pointer} = {value} for the reader");
    }
    let unchanged = toml_edit::ser::to_string(&full).unwrap();
    assert_eq!(read_here(&unchanged), read_here(FULL));
    for pointer in ["", "/input", "/params/start", "/outputs/0", "/limits", "/retry", "/access"] {
        let mut json = full.clone();
        json.pointer_mut(pointer).unwrap()["unknown"] = json!(1);
        assert!(!schema.is_valid(&json), "an unknown key in {pointer:?} for the schema");
        assert!(read_here(&toml_edit::ser::to_string(&json).unwrap()).is_err(), "an unknown key in {pointer:?}");
    }
}

/// The folder of the repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_examples_are_good_and_fit_the_schema() {
    let schema = jsonschema::draft202012::new(&manifest_schema()).unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(repository().join("examples/tools.d")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(schema.is_valid(&as_json(&text).unwrap()), "{}", path.display());
        if let Err(faults) = check_manifest(&path, &text) {
            panic!("{}: {faults:?}", path.display());
        }
        count += 1;
    }
    assert!(count >= 3, "{count} examples");
}

/// Runs an example on a file and returns its directory and what it printed.
#[expect(clippy::disallowed_methods, reason = "the test starts what the manifest says, without the engine around it")]
fn run_example(name: &str, params: Json, inputs: &[PathBuf]) -> (tempfile::TempDir, std::process::Output) {
    use crate::tools::{Placeholders, ServiceEnvironment};
    let path = repository().canonicalize().unwrap().join("examples/tools.d").join(format!("{name}.toml"));
    let tool = check_manifest(&path, &std::fs::read_to_string(&path).unwrap()).unwrap();
    let environment = ServiceEnvironment::of_process();
    assert_eq!(tool.unavailable_reason(&environment), None);
    let Json::Object(params) = params else { panic!("an object") };
    let params = cts_model::CheckedParams::check(&tool.spec.params, &params).unwrap().values;
    let folder = tempfile::tempdir().unwrap();
    let command = tool.command().unwrap();
    let resolved = command
        .resolve(&Placeholders {
            params: &params,
            secrets: &Default::default(),
            files: &Default::default(),
            inputs,
            out_dir: folder.path(),
            tmp_dir: folder.path(),
            run_id: "0193a5c0-7b1e-7c3a-9f00-2b7d1e5a4c11".parse().unwrap(),
            environment: &environment,
        })
        .unwrap();
    let variables = resolved.environment.iter().map(|(name, value)| (name, value.reveal()));
    let output = std::process::Command::new(resolved.program)
        .args(resolved.args)
        .envs(variables)
        .current_dir(folder.path())
        .output()
        .unwrap();
    if let Some(path) = &command.stdout {
        std::fs::write(folder.path().join(path.as_str()), &output.stdout).unwrap();
    }
    let globs: Vec<_> = tool.spec.outputs.iter().filter(|output| output.required).collect();
    let made = |pattern: &str| {
        let glob = globset::Glob::new(pattern).unwrap().compile_matcher();
        std::fs::read_dir(folder.path()).unwrap().any(|entry| glob.is_match(entry.unwrap().file_name()))
    };
    if output.status.success() {
        assert!(globs.iter().all(|output| made(&output.pattern)), "{name} keeps its promise");
    }
    (folder, output)
}

#[test]
fn the_examples_do_what_they_say() {
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (one, two) = (file("-one.txt", "1\n"), file("two words.txt", "2\n"));

    let (folder, output) = run_example("checksums", json!({"format": "bsd"}), &[one.clone(), two.clone()]);
    assert!(output.status.success(), "{output:?}");
    let sums = std::fs::read_to_string(folder.path().join("SHA256SUMS")).unwrap();
    assert!(sums.starts_with("SHA256 (") && sums.lines().count() == 2, "{sums}");

    let (folder, output) = run_example("archive", json!({"compression": "gzip", "exclude": ["two*"]}), &[one, two]);
    assert!(output.status.success(), "{output:?}");
    assert!(folder.path().join("archive.tar").metadata().unwrap().len() > 0);
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1, "the other file is left out");

    let csv = file(
        "frames.csv",
        "window,segment,timestamp,address,bus,data_hex\n1,pre,0.000000,0x0AA,0,00\n1,pre,1.000000,0x0AA,0,01\n1,pre,0.500000,0x0BB,1,\n",
    );
    let (folder, output) = run_example("can-address-counts", json!({}), std::slice::from_ref(&csv));
    assert!(output.status.success(), "{output:?}");
    expect![[r#"
        bus,address,frames,first_seconds,last_seconds,frames_per_second
        0,0x0AA,2,0.000000,1.000000,1.000
        1,0x0BB,1,0.500000,0.500000,0.000
    "#]]
    .assert_eq(&std::fs::read_to_string(folder.path().join("address-counts.csv")).unwrap());
    expect![[r#"
        INFO: 3 frames of 2 addresses
        ::cts {"progress": 100}
    "#]]
    .assert_eq(&String::from_utf8(output.stdout).unwrap());
    let (_folder, output) = run_example("can-address-counts", json!({"bus": 1, "from": 0.25}), &[csv]);
    assert!(String::from_utf8(output.stdout).unwrap().contains("1 frames of 1 addresses"));
    let (_folder, output) = run_example("can-address-counts", json!({}), &[file("bad.csv", "a,b\n1,2\n")]);
    assert_eq!(output.status.code(), Some(2));
    let printed = String::from_utf8(output.stdout).unwrap();
    let line = cts_model::child_line::parse(printed.lines().next().unwrap());
    assert!(matches!(line, cts_model::child_line::ChildLine::Error { .. }), "{printed}");
}

#[test]
fn the_guide_names_every_key_and_its_manifests_are_good() {
    let guide = std::fs::read_to_string(repository().join("docs/guides/command-tools.md")).unwrap();
    for path in all_keys(keys::MANIFEST, "") {
        let key = path.rsplit('.').next().unwrap();
        assert!(guide.contains(&format!("`{key}`")) || guide.contains(&format!("`[{key}]`")), "the guide names {path}");
    }
    for placeholder in crate::tools::template::PLACEHOLDERS {
        assert!(guide.contains(&format!("`{{{placeholder}}}`")), "the guide names {{{placeholder}}}");
    }
    let mut count = 0;
    for block in guide.split("```toml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        // A block without an id is a part of a manifest.
        if text.starts_with("id = ") {
            if let Err(faults) = read_here(text) {
                panic!("{text}\n{faults:?}");
            }
            count += 1;
        } else {
            assert!(tree::read(text).is_ok(), "{text}");
        }
    }
    assert!(count >= 2, "{count} whole manifests");
}
