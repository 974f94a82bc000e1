//! The arrows between crates, read from each `Cargo.toml`, against the table in `ARCHITECTURE.md`; and the libraries
//! that only one crate may know.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::DocumentMut;

use crate::tidy::map::{self, Floor, Room};
use crate::tidy::{Fault, Tree};

/// Libraries and the crates that may depend on them.
const OWNERS: [(&str, &[&str]); 10] = [
    ("axum", &["cts-server"]),
    ("sqlx", &["cts-store"]),
    ("object_store", &["cts-store"]),
    ("clap", &["cts-cli", "cts-server"]),
    ("reqwest", &["cts-cli", "cts-observe"]),
    ("utoipa", &["cts-api", "cts-server"]),
    ("landlock", &["cts-engine"]),
    ("dotenvy", &["cts-config"]),
    ("prometheus", &["cts-observe"]),
    ("tracing-subscriber", &["cts-observe"]),
];

/// Crates that do no IO, and the libraries that would.
const PURE: [&str; 2] = ["cts-model", "cts-can"];
const IO_LIBRARIES: [&str; 6] = ["tokio", "sqlx", "object_store", "reqwest", "rustix", "libc"];

/// Arrows that do not go down a floor, each for a reason that `ARCHITECTURE.md` gives.
const LEVEL_ARROWS: [(&str, &str); 1] = [("cts-cli", "cts-server")];

const MAP: &str = "ARCHITECTURE.md";

/// Checks every crate's dependencies.
pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Some(map) = tree.text(MAP) else { return vec![Fault::in_file(MAP, "the map is missing")] };
    let rooms = map::rooms(map);
    let mut crates = BTreeSet::new();

    for (path, text) in tree.ending_with("/Cargo.toml") {
        let manifest = match text.parse::<DocumentMut>() {
            Ok(manifest) => manifest,
            Err(error) => {
                faults.push(Fault::in_file(path, format!("is no TOML: {error}")));
                continue;
            }
        };
        let uses = dependencies(&manifest, "dependencies");
        if path == "xtask/Cargo.toml" {
            for name in uses.iter().filter(|name| name.starts_with("cts-")) {
                faults.push(Fault::in_file(
                    path,
                    format!("uses {name}: the automation is built first and uses none of ours"),
                ));
            }
        }
        let Some(folder) = path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/Cargo.toml")) else {
            continue;
        };
        let name = manifest.get("package").and_then(|package| package.get("name")).and_then(|name| name.as_str());
        if name != Some(folder) {
            faults.push(Fault::in_file(path, format!("the package is not named `{folder}` like its folder")));
        }
        crates.insert(folder.to_owned());
        let tests_use = dependencies(&manifest, "dev-dependencies");
        let Some(room) = rooms.get(folder) else {
            faults.push(Fault::in_file(MAP, format!("the table of crates does not name `{folder}`")));
            continue;
        };
        check_arrows(folder, room, &rooms, path, &uses, &tests_use, &mut faults);
        check_owners(folder, path, uses.union(&tests_use), &mut faults);
        if PURE.contains(&folder) {
            for library in IO_LIBRARIES.iter().filter(|library| uses.contains(**library)) {
                faults.push(Fault::in_file(path, format!("uses {library}: {folder} does no IO")));
            }
        }
    }
    for (name, room) in rooms.iter().filter(|(name, _)| !crates.contains(*name)) {
        faults.push(Fault::at(MAP, room.line, format!("names `{name}`, which does not exist")));
    }
    check_clap(tree, &mut faults);
    faults
}

fn dependencies(manifest: &DocumentMut, table: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |item: Option<&toml_edit::Item>| {
        if let Some(table) = item.and_then(|item| item.as_table_like()) {
            names.extend(table.iter().map(|(name, _)| name.to_owned()));
        }
    };
    add(manifest.get(table));
    if let Some(targets) = manifest.get("target").and_then(|targets| targets.as_table_like()) {
        for (_, target) in targets.iter() {
            add(target.get(table));
        }
    }
    names
}

fn check_arrows(
    name: &str,
    room: &Room,
    rooms: &BTreeMap<String, Room>,
    path: &str,
    uses: &BTreeSet<String>,
    tests_use: &BTreeSet<String>,
    faults: &mut Vec<Fault>,
) {
    let Some(floor) = room.floor else {
        faults.push(Fault::at(MAP, room.line, format!("`{name}` stands on no floor: ground, base, planes or doors")));
        return;
    };
    let ours: BTreeSet<String> = uses.iter().filter(|name| name.starts_with("cts-")).cloned().collect();
    for other in ours.difference(&room.uses) {
        faults.push(Fault::in_file(path, format!("uses {other}, which the table in {MAP} does not say")));
    }
    for other in room.uses.difference(&ours) {
        faults.push(Fault::at(MAP, room.line, format!("says that `{name}` uses `{other}`, which it does not")));
    }
    let tests_ours = tests_use.iter().filter(|other| other.starts_with("cts-") && *other != name);
    for (other, in_tests) in ours.iter().map(|other| (other, false)).chain(tests_ours.map(|other| (other, true))) {
        let Some(other_floor) = rooms.get(other).and_then(|room| room.floor) else { continue };
        let level = LEVEL_ARROWS.contains(&(name, other.as_str())) || (in_tests && other_floor == floor);
        if other_floor >= floor && !level {
            faults.push(Fault::in_file(path, format!("uses {other}, which does not stand on a lower floor")));
        }
        if other == "cts-api" && floor < Floor::Doors {
            faults.push(Fault::in_file(path, "uses cts-api: wire types serve the doors only"));
        }
    }
}

fn check_owners<'a>(name: &str, path: &str, uses: impl Iterator<Item = &'a String>, faults: &mut Vec<Fault>) {
    for library in uses {
        let Some((_, owners)) = OWNERS.iter().find(|(owned, _)| *owned == library) else { continue };
        if !owners.contains(&name) {
            faults.push(Fault::in_file(path, format!("uses {library}, which only {} may know", owners.join(" and "))));
        }
    }
}

/// In the server only the binary reads arguments.
fn check_clap(tree: &Tree, faults: &mut Vec<Fault>) {
    for (path, text) in tree.ending_with(".rs") {
        if path.starts_with("crates/cts-server/src/") && !path.starts_with("crates/cts-server/src/bin/") {
            for (index, _) in text.lines().enumerate().filter(|(_, line)| line.contains("clap::")) {
                faults.push(Fault::at(path, index + 1, "uses clap outside of the binary cts-lite"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const TABLE: &str = "| `cts-model` | ground | — |\n| `cts-store` | base | `cts-model` |\n\
        | `cts-engine` | planes | `cts-model`, `cts-store` |\n";

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{rest}")
    }

    fn check_with(changed: &str, rest: &str, expected: Expect) {
        let mut files = vec![(MAP.to_owned(), TABLE.to_owned())];
        for (name, uses) in [
            ("cts-model", ""),
            ("cts-store", "[dependencies]\ncts-model.workspace = true\nsqlx.workspace = true"),
            ("cts-engine", "[dependencies]\ncts-model.workspace = true\ncts-store.workspace = true"),
        ] {
            let uses = if name == changed { rest } else { uses };
            files.push((format!("crates/{name}/Cargo.toml"), manifest(name, uses)));
        }
        if !files.iter().any(|(path, _)| path.contains(changed)) || changed == MAP {
            files.retain(|(path, _)| path != changed);
            files.push((changed.to_owned(), rest.to_owned()));
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let faults: Vec<String> = check(&Tree::of(&files)).iter().map(ToString::to_string).collect();
        expected.assert_eq(&faults.join("\n"));
    }

    #[test]
    fn arrows_as_in_the_table_are_in_order() {
        check_with("README.md", "", expect![[""]]);
    }

    #[test]
    fn an_arrow_that_the_table_does_not_say_is_a_fault() {
        let rest = "[dependencies]\ncts-model.workspace = true\ncts-engine.workspace = true";
        check_with(
            "cts-store",
            rest,
            expect![[r#"
            crates/cts-store/Cargo.toml: uses cts-engine, which the table in ARCHITECTURE.md does not say
            crates/cts-store/Cargo.toml: uses cts-engine, which does not stand on a lower floor"#]],
        );
    }

    #[test]
    fn an_arrow_that_only_the_table_says_is_a_fault() {
        check_with(
            "cts-engine",
            "[dependencies]\ncts-store.workspace = true",
            expect![["ARCHITECTURE.md:3: says that `cts-engine` uses `cts-model`, which it does not"]],
        );
    }

    #[test]
    fn an_arrow_for_one_target_counts() {
        let rest = "[target.'cfg(unix)'.dependencies]\ncts-store.workspace = true";
        check_with(
            "cts-model",
            rest,
            expect![[r#"
            crates/cts-model/Cargo.toml: uses cts-store, which the table in ARCHITECTURE.md does not say
            crates/cts-model/Cargo.toml: uses cts-store, which does not stand on a lower floor"#]],
        );
    }

    #[test]
    fn tests_may_use_a_neighbor_but_nothing_above() {
        let rest = "[dependencies]\ncts-model.workspace = true\n[dev-dependencies]\ncts-engine.workspace = true";
        check_with(
            "cts-store",
            rest,
            expect![["crates/cts-store/Cargo.toml: uses cts-engine, which does not stand on a lower floor"]],
        );
    }

    #[test]
    fn a_library_has_its_owner() {
        check_with(
            "cts-engine",
            "[dependencies]\ncts-model = {}\ncts-store = {}\nsqlx = \"1\"",
            expect![["crates/cts-engine/Cargo.toml: uses sqlx, which only cts-store may know"]],
        );
    }

    #[test]
    fn the_ground_does_no_io() {
        check_with(
            "cts-model",
            "[dependencies]\ntokio.workspace = true",
            expect![["crates/cts-model/Cargo.toml: uses tokio: cts-model does no IO"]],
        );
    }

    #[test]
    fn the_map_names_exactly_the_crates_that_exist() {
        let map = "| `cts-model` | ground | — |\n| `cts-store` | base | `cts-model` |\n| `cts-ghost` | base | — |\n";
        check_with(
            MAP,
            map,
            expect![[r#"
            ARCHITECTURE.md: the table of crates does not name `cts-engine`
            ARCHITECTURE.md:3: names `cts-ghost`, which does not exist"#]],
        );
    }

    #[test]
    fn the_automation_uses_none_of_ours() {
        check_with(
            "xtask/Cargo.toml",
            "[dependencies]\ncts-model.workspace = true",
            expect![["xtask/Cargo.toml: uses cts-model: the automation is built first and uses none of ours"]],
        );
    }

    #[test]
    fn in_the_server_only_the_binary_knows_clap() {
        check_with(
            "crates/cts-server/src/app.rs",
            "//! App.\nuse clap::Parser;",
            expect![["crates/cts-server/src/app.rs:2: uses clap outside of the binary cts-lite"]],
        );
        check_with("crates/cts-server/src/bin/cts-lite.rs", "//! App.\nuse clap::Parser;", expect![[""]]);
    }

    #[test]
    fn wire_types_serve_the_doors_only() {
        let map = "| `cts-api` | base | — |\n| `cts-engine` | planes | `cts-api` |";
        let tree = Tree::of(&[
            (MAP, map),
            ("crates/cts-api/Cargo.toml", "[package]\nname = \"cts-api\""),
            ("crates/cts-engine/Cargo.toml", "[package]\nname = \"cts-engine\"\n[dependencies]\ncts-api.path = \"x\""),
        ]);
        assert_eq!(
            check(&tree),
            [Fault::in_file("crates/cts-engine/Cargo.toml", "uses cts-api: wire types serve the doors only")]
        );
    }
}
