//! What needs neither a service nor a run.

use expect_test::expect;

use crate::support::{Place, Said};

#[test]
fn help_and_version_are_no_errors_and_a_wrong_line_is_1() {
    let place = Place::new();
    assert!(place.cts(&["--help"]).ends(0).out.contains("Exit codes:"));
    assert!(place.cts(&["--version"]).ends(0).out.starts_with("cts "));
    assert!(place.cts(&["rnu"]).ends(1).err.contains("run"), "the nearest command is named");
    place.cts(&[]).ends(1);
    place.cts(&["run"]).ends(1);
}

#[test]
fn completions_and_manual_pages_are_made() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.cts(&["completions", shell]).ends(0).out.contains("rerun"), "{shell}");
    }
    place.cts(&["man", "pages"]).ends(0);
    let page = std::fs::read_to_string(place.path("work/pages/cts-runs-wait.1")).unwrap();
    assert!(page.contains("Wait until a run has ended"));
    assert!(place.path("work/pages/cts.1").exists());
}

#[test]
fn a_manifest_is_explained_with_line_column_and_mark() {
    let place = Place::new();
    let text = "id = \"t\"\nname = \"T\"\ndescription = \"A tool.\"\ncommand = [\"true\"]\n\ttimeot = \"5m\"\n";
    std::fs::write(place.path("work/bad.toml"), text).unwrap();
    let said = place.cts(&["tools", "check", "bad.toml", "../data/tools.d/shell.toml"]).ends(1);
    expect![[r#"
        ✗ bad.toml:5:2: unknown key timeot in the manifest; did you mean "timeout"?
          5 | 	timeot = "5m"
            | 	^^^^^^
        ✓ ../data/tools.d/shell.toml: shell, 2 parameters
        1 fault
    "#]]
    .assert_eq(&said.out);
    let said = place.cts(&["tools", "check", "bad.toml", "--json"]).ends(1);
    assert_eq!(said.json()[0]["faults"][0]["line"], 5);
    let said = place.cts(&["tools", "check", "none.toml"]).ends(1);
    assert!(said.err.contains("cannot read none.toml"), "{}", said.err);
}

#[test]
fn a_wrong_configuration_is_told_before_anything_else() {
    let place = Place::new();
    let said = Said::from(place.command(&["cap"]).env("CTS_MAX_CONCURENT_RUNS", "3").output().unwrap()).ends(1);
    assert!(said.err.contains("CTS_MAX_CONCURRENT_RUNS"), "{}", said.err);
    let said = place.cts(&["cap", "--url", "ftp://x"]).ends(1);
    assert!(said.err.contains("url must be"), "{}", said.err);
}

#[test]
fn nobody_there_is_1_and_says_so() {
    let place = Place::new();
    // Port 9 of this machine is free in any sane place; nobody listens there.
    let said = place.cts(&["cap", "--url", "http://127.0.0.1:9"]).ends(1);
    assert!(said.err.contains("cannot talk to http://127.0.0.1:9"), "{}", said.err);
    let said = place.cts(&["ping"]).ends(1);
    assert!(said.err.contains("cts serve"), "{}", said.err);
    let said = place.cts(&["ping", "--json"]).ends(1);
    assert!(said.json()["error"]["detail"].as_str().unwrap().contains("no service"));
}

#[test]
fn a_data_directory_that_cannot_be_used_is_2_and_left_as_it_is() {
    let place = Place::new();
    std::fs::write(place.path("data/cts.db"), "this is no database").unwrap();
    let said = place.cts(&["run", "shell", "-p", "script=true"]).ends(2);
    assert!(said.err.contains("is not a SQLite database"), "{}", said.err);
    assert_eq!(std::fs::read_to_string(place.path("data/cts.db")).unwrap(), "this is no database");
}
