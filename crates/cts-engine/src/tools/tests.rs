//! The registry against a real folder that changes.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use cts_model::{ToolCategory, ToolKind};

use super::*;

struct Place {
    folder: tempfile::TempDir,
    registry: Registry,
}

fn manifest(id: &str, extra: &str) -> String {
    format!("id = \"{id}\"\nname = \"{id}\"\ndescription = \"d\"\ncommand = [\"sh\"]\n{extra}\n")
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tools.d")).unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        let native =
            ToolSpec::new("built-in".parse().unwrap(), ToolKind::Native, ToolCategory::Analyzer, "Built in", "1", "d");
        let path: OsString = format!("/usr/bin:/bin:{}", folder.path().join("bin").display()).into();
        let environment = ServiceEnvironment::new([("PATH".into(), path)]);
        let registry = Registry::with_environment(vec![native], Some(folder.path().join("tools.d")), environment);
        Self { folder, registry }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("tools.d").join(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.folder.path().join("tools.d").join(name)).unwrap();
    }

    fn ids(&self) -> Vec<String> {
        self.registry.list().iter().map(|tool| tool.spec.id.to_string()).collect()
    }

    fn broken(&self) -> Vec<String> {
        let broken = self.registry.broken();
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        broken
            .iter()
            .flat_map(|broken| broken.faults.iter().map(|fault| format!("{}:{fault}", name(&broken.path))))
            .map(|text| text.replace(self.folder.path().to_str().unwrap(), ""))
            .collect()
    }
}

#[test]
fn a_file_that_is_dropped_into_the_folder_is_a_tool() {
    let place = Place::new();
    let watch = place.registry.watch();
    assert_eq!(place.ids(), ["built-in"]);
    place.write("a.toml", &manifest("word-count", ""));
    place.write(".a.toml.swp", "x");
    place.write(".b.toml", "x");
    place.write("readme.txt", "x");
    assert!(place.registry.reload_if_changed());
    assert_eq!(place.ids(), ["built-in", "word-count"]);
    assert!(watch.has_changed().unwrap());
    assert!(!place.registry.reload_if_changed(), "nothing changed");
    place.remove("a.toml");
    assert!(place.registry.reload_if_changed());
    assert_eq!(place.ids(), ["built-in"]);
    assert_eq!(place.registry.nearest("built-on"), ["built-in"]);
}

#[test]
fn a_broken_manifest_stops_no_other() {
    let place = Place::new();
    place.write("a.toml", "id = ");
    place.write("b.toml", &manifest("good", ""));
    place.write("c.toml", &manifest("bad", "tiemout = \"5m\""));
    fs::write(place.folder.path().join("tools.d/d.toml"), b"id = \"\xff\"").unwrap();
    fs::create_dir(place.folder.path().join("tools.d/folder.toml")).unwrap();
    std::os::unix::fs::symlink("/no/such", place.folder.path().join("tools.d/e.toml")).unwrap();
    place.registry.reload_if_changed();
    assert_eq!(place.ids(), ["built-in", "good"]);
    let broken = place.broken();
    assert_eq!(broken.len(), 4, "{broken:?}");
    assert_eq!(broken[1], "c.toml:5:1: unknown key tiemout in the manifest; did you mean \"timeout\"?");
    assert_eq!(broken[2], "d.toml:1:1: the file is not UTF-8 (line 1)");
    assert!(broken[3].starts_with("e.toml:1:1: the file cannot be read: "), "{broken:?}");
}

#[test]
fn a_manifest_that_breaks_stays_in_use_as_it_was() {
    let place = Place::new();
    place.write("a.toml", &manifest("one", "version = \"1\""));
    place.registry.reload_if_changed();
    place.write("a.toml", &manifest("one", "version = 2"));
    assert!(place.registry.reload_if_changed());
    assert_eq!(place.registry.get("one").unwrap().spec.version, "1");
    assert!(place.registry.broken()[0].last_good_in_use);
    place.write("a.toml", &manifest("one", "version = \"2\""));
    assert!(place.registry.reload_if_changed());
    assert_eq!(place.registry.get("one").unwrap().spec.version, "2");
    assert!(place.registry.broken().is_empty());
    // A broken file that goes away takes its tool with it.
    place.write("a.toml", "broken");
    place.registry.reload_if_changed();
    place.remove("a.toml");
    place.registry.reload_if_changed();
    assert_eq!(place.ids(), ["built-in"]);
}

#[test]
fn two_changes_at_once_of_the_same_size_are_both_seen() {
    let place = Place::new();
    for version in ["1", "2", "3", "4"] {
        place.write("a.toml", &manifest("one", &format!("version = \"{version}\"")));
        place.registry.reload_if_changed();
        assert_eq!(place.registry.get("one").unwrap().spec.version, version);
    }
}

#[test]
fn an_id_belongs_to_the_tool_that_has_it() {
    let place = Place::new();
    place.write("m.toml", &manifest("one", ""));
    place.registry.reload_if_changed();
    place.write("a.toml", &manifest("one", "version = \"9\""));
    place.write("b.toml", &manifest("built-in", ""));
    place.registry.reload_if_changed();
    assert_eq!(place.registry.get("one").unwrap().spec.version, "1", "m.toml had it first");
    assert_eq!(
        place.broken(),
        [
            "a.toml:1:6: the id one is taken by /tools.d/m.toml",
            "b.toml:1:6: the id built-in is that of a tool that is built in"
        ]
    );
    place.remove("m.toml");
    place.registry.reload_if_changed();
    assert_eq!(place.registry.get("one").unwrap().spec.version, "9");
}

#[test]
fn what_the_machine_lacks_is_told_and_seen_when_it_comes() {
    let place = Place::new();
    let text = manifest("one", "[access]\nread = [\"./data\"]").replace("sh", "my-program");
    place.write("a.toml", &text);
    place.registry.reload_if_changed();
    let reason = || place.registry.get("one").unwrap().spec.unavailable_reason.clone();
    assert_eq!(
        reason().unwrap(),
        "the program my-program is not installed, or not in the PATH of the service: install my-program"
    );
    let program = place.folder.path().join("bin/my-program");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(place.registry.reload_if_changed());
    assert!(
        reason().unwrap().ends_with("tools.d/data, which the tool reads, is not there: make it, or mend the manifest")
    );
    fs::create_dir(place.folder.path().join("tools.d/data")).unwrap();
    assert!(place.registry.reload_if_changed());
    assert_eq!(reason(), None);
}

#[test]
fn a_folder_that_is_not_there_has_no_tools() {
    let registry =
        Registry::with_environment(Vec::new(), Some("/no/such/folder".into()), ServiceEnvironment::default());
    assert!(registry.list().is_empty() && registry.broken().is_empty());
    assert!(Registry::with_environment(Vec::new(), None, ServiceEnvironment::default()).list().is_empty());
}
