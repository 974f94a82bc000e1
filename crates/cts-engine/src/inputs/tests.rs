//! What clients name, right and wrong, against real files.

use std::os::unix::fs::symlink;

use cts_model::ParamKind;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A folder `allowed` with files in it, and a folder `outside` beside it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        for file in [
            "allowed/seg--0--rlog.zst",
            "allowed/seg--2--rlog.zst",
            "allowed/seg--10--rlog.zst",
            "allowed/notes.txt",
            "allowed/.hidden.zst",
            "allowed/route--1/rlog.zst",
            "allowed/route--12/rlog.zst",
            "allowed/route--3/rlog.zst",
            "allowed/route--3/deep/er/rlog.zst",
            "allowed/odd[1].zst",
            "outside/secret.zst",
        ] {
            place.write(file);
        }
        symlink(place.path("outside/secret.zst"), place.path("allowed/link.zst")).unwrap();
        symlink(place.path("outside"), place.path("allowed/out")).unwrap();
        symlink(place.path("outside/not-there"), place.path("allowed/dangling.zst")).unwrap();
        symlink(place.path("allowed/notes.txt"), place.path("allowed/inner.txt")).unwrap();
        fs::create_dir(place.path("allowed/empty")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }

    fn roots(&self) -> InputRoots {
        InputRoots::below(vec![self.path("allowed"), self.path("not-mounted")])
    }

    fn input(&self, name: &str) -> InputRef {
        InputRef { kind: InputKind::Path, value: self.path(name).to_str().unwrap().to_owned() }
    }

    fn shown(&self, result: Result<Vec<ResolvedInput>, Vec<FieldFault>>) -> String {
        let text: String = match result {
            Ok(files) => {
                files.iter().map(|file| format!("{} {} {}\n", file.reference.value, file.size, file.name)).collect()
            }
            Err(faults) => faults.iter().map(|f| format!("{} {}: {}\n", f.pointer, f.code, f.message)).collect(),
        };
        text.replace(self.folder.path().to_str().unwrap(), "")
    }

    fn check(&self, names: &[&str], spec: &InputSpec, expected: Expect) {
        let inputs: Vec<InputRef> = names.iter().map(|name| self.input(name)).collect();
        expected.assert_eq(&self.shown(resolve(&inputs, spec, &self.roots(), &StoredInputs::new())));
    }
}

fn logs() -> InputSpec {
    InputSpec { many: true, extensions: vec![".zst".into()], ..InputSpec::default() }
}

#[test]
fn a_folder_and_a_glob_come_in_numeric_order() {
    let place = Place::new();
    place.check(
        &["allowed"],
        &logs(),
        expect![[r#"
        /allowed/odd[1].zst 18 odd[1].zst
        /allowed/seg--0--rlog.zst 24 seg--0--rlog.zst
        /allowed/seg--2--rlog.zst 24 seg--2--rlog.zst
        /allowed/seg--10--rlog.zst 25 seg--10--rlog.zst
    "#]],
    );
    place.check(
        &["allowed/seg--*"],
        &logs(),
        expect![[r#"
        /allowed/seg--0--rlog.zst 24 seg--0--rlog.zst
        /allowed/seg--2--rlog.zst 24 seg--2--rlog.zst
        /allowed/seg--10--rlog.zst 25 seg--10--rlog.zst
    "#]],
    );
    place.check(
        &["allowed/route--*/rlog.zst"],
        &logs(),
        expect![[r#"
        /allowed/route--1/rlog.zst 25 rlog.zst
        /allowed/route--3/rlog.zst 25 rlog.zst
        /allowed/route--12/rlog.zst 26 rlog.zst
    "#]],
    );
    place.check(
        &["allowed/**/rlog.zst"],
        &logs(),
        expect![[r#"
        /allowed/route--1/rlog.zst 25 rlog.zst
        /allowed/route--3/deep/er/rlog.zst 33 rlog.zst
        /allowed/route--3/rlog.zst 25 rlog.zst
        /allowed/route--12/rlog.zst 26 rlog.zst
    "#]],
    );
    place.check(
        &["allowed/route--3/**"],
        &logs(),
        expect![[r#"
        /allowed/route--3/deep/er/rlog.zst 33 rlog.zst
        /allowed/route--3/rlog.zst 25 rlog.zst
    "#]],
    );
}

#[test]
fn a_file_is_itself_even_with_odd_characters_in_its_name() {
    let place = Place::new();
    place.check(
        &["allowed/odd[1].zst", "allowed/seg--2--rlog.zst"],
        &logs(),
        expect![[r#"
        /allowed/odd[1].zst 18 odd[1].zst
        /allowed/seg--2--rlog.zst 24 seg--2--rlog.zst
    "#]],
    );
    place.check(
        &["allowed/inner.txt"],
        &InputSpec::default(),
        expect![[r#"
        /allowed/inner.txt 17 inner.txt
    "#]],
    );
    place.check(
        &["allowed/.hidden.zst"],
        &logs(),
        expect![[r#"
        /allowed/.hidden.zst 19 .hidden.zst
    "#]],
    );
}

#[test]
fn the_same_file_is_taken_once() {
    let place = Place::new();
    place.check(
        &["allowed/seg--2--rlog.zst", "allowed/seg--*.zst", "allowed/empty/../seg--2--rlog.zst"],
        &logs(),
        expect![[r#"
        /allowed/seg--2--rlog.zst 24 seg--2--rlog.zst
        /allowed/seg--0--rlog.zst 24 seg--0--rlog.zst
        /allowed/seg--10--rlog.zst 25 seg--10--rlog.zst
    "#]],
    );
}

#[test]
fn every_bad_input_is_named_at_once() {
    let place = Place::new();
    let names = [
        "allowed/missing.zst",
        "allowed/notes.txt",
        "allowed/empty",
        "allowed/*.nothing",
        "allowed/[.zst",
        "outside/secret.zst",
        "outside/missing.zst",
        "outside/*.zst",
        "allowed/../outside/secret.zst",
        "allowed/../outside/missing.zst",
        "allowed/nowhere/../../outside/missing.zst",
        "allowed/*/../../outside/secret.zst",
        "allowed/link.zst",
        "allowed/dangling.zst",
        "allowed/out/secret.zst",
        "allowed/out/missing.zst",
        "allowed/out",
        "allowed/out/*.zst",
        "allowed/o*/secret.zst",
        "allowed/seg--2--rlog.zst/x",
    ];
    place.check(&names, &logs(), expect![[r#"
        /inputs/0 not_found: /allowed/missing.zst is not there
        /inputs/1 extension: notes.txt does not end in .zst
        /inputs/2 no_match: /allowed/empty has no file that ends in .zst (0 files were looked at)
        /inputs/3 no_match: no file matches /allowed/*.nothing
        /inputs/4 pattern: [.zst is not a glob: invalid range pattern
        /inputs/5 outside_roots: /outside/secret.zst is outside of the folders that inputs may come from
        /inputs/6 outside_roots: /outside/missing.zst is outside of the folders that inputs may come from
        /inputs/7 outside_roots: /outside is outside of the folders that inputs may come from
        /inputs/8 outside_roots: /allowed/../outside/secret.zst is outside of the folders that inputs may come from
        /inputs/9 outside_roots: /allowed/../outside/missing.zst is outside of the folders that inputs may come from
        /inputs/10 outside_roots: /allowed/nowhere/../../outside/missing.zst is outside of the folders that inputs may come from
        /inputs/11 pattern: a glob has no .. behind its first wildcard
        /inputs/12 outside_roots: /allowed/link.zst is outside of the folders that inputs may come from
        /inputs/13 outside_roots: /allowed/dangling.zst is outside of the folders that inputs may come from
        /inputs/14 outside_roots: /allowed/out/secret.zst is outside of the folders that inputs may come from
        /inputs/15 outside_roots: /allowed/out/missing.zst is outside of the folders that inputs may come from
        /inputs/16 outside_roots: /allowed/out is outside of the folders that inputs may come from
        /inputs/17 outside_roots: /allowed/out is outside of the folders that inputs may come from
        /inputs/18 no_match: no file matches /allowed/o*/secret.zst
        /inputs/19 not_found: /allowed/seg--2--rlog.zst/x is not there
    "#]]);
}

#[test]
fn how_many_inputs_are_taken_is_the_tools_word() {
    let place = Place::new();
    let one = InputSpec { required: true, ..InputSpec::default() };
    place.check(
        &[],
        &one,
        expect![[r#"
        /inputs required: the tool needs an input
    "#]],
    );
    place.check(
        &["allowed/seg--*"],
        &one,
        expect![[r#"
        /inputs too_many: the tool takes one input, and these are 3 files
    "#]],
    );
    place.check(
        &["allowed/notes.txt"],
        &InputSpec { none: true, ..InputSpec::default() },
        expect![[r#"
        /inputs unexpected: the tool takes no input
    "#]],
    );
    let bad = [
        InputRef { kind: InputKind::Path, value: "relative.zst".into() },
        InputRef { kind: InputKind::Path, value: format!("/{}", "x".repeat(5000)) },
    ];
    let found = resolve(&bad, &logs(), &InputRoots::anything(), &StoredInputs::new());
    expect![[r#"
        /inputs/0 relative: relative.zst is a relative path; give the whole path
        /inputs/1 length: the path has more than 4096 bytes
    "#]]
    .assert_eq(&place.shown(found));
}

#[test]
fn no_root_means_nothing_and_any_root_means_everything() {
    let place = Place::new();
    let inputs = [place.input("outside/secret.zst")];
    assert!(resolve(&inputs, &logs(), &InputRoots::anything(), &StoredInputs::new()).is_ok());
    let found = resolve(&inputs, &logs(), &InputRoots::below(Vec::new()), &StoredInputs::new());
    assert_eq!(found.unwrap_err()[0].code, "outside_roots");
}

#[test]
fn the_services_own_files_are_no_inputs_whatever_leads_there() {
    let place = Place::new();
    for file in ["data/cts.db", "data/blobs/ab/c.zst", "data/drives/a.zst", "elsewhere/log.zst"] {
        place.write(file);
    }
    symlink(place.path("data/cts.db"), place.path("allowed/own.zst")).unwrap();
    symlink(place.path("data"), place.path("allowed/own")).unwrap();
    symlink(place.path("data"), place.path("data-by-another-name")).unwrap();
    let own = || [place.path("data-by-another-name"), place.path("elsewhere"), place.path("not-made-yet")];
    let anything = InputRoots::anything().except(own());
    let any = InputSpec { many: true, ..InputSpec::default() };
    let mut table = String::new();
    for name in [
        "data/cts.db",
        "data",
        "data/../data/cts.db",
        "allowed/own.zst",
        "allowed/own/cts.db",
        "data/not-there.zst",
        "data/*",
        "data/**/*.zst",
        "elsewhere/log.zst",
        "*/cts.db",
        "allowed/notes.txt",
    ] {
        table +=
            &format!("{name}: {}", place.shown(resolve(&[place.input(name)], &any, &anything, &StoredInputs::new())));
    }
    let said = "lies among the service's own files, which no run reads; name an artifact or an upload by its id";
    expect![[r#"
        data/cts.db: /inputs/0 outside_roots: /data/cts.db OWN
        data: /inputs/0 outside_roots: /data OWN
        data/../data/cts.db: /inputs/0 outside_roots: /data/../data/cts.db OWN
        allowed/own.zst: /inputs/0 outside_roots: /allowed/own.zst OWN
        allowed/own/cts.db: /inputs/0 outside_roots: /allowed/own/cts.db OWN
        data/not-there.zst: /inputs/0 outside_roots: /data/not-there.zst OWN
        data/*: /inputs/0 outside_roots: /data OWN
        data/**/*.zst: /inputs/0 outside_roots: /data OWN
        elsewhere/log.zst: /inputs/0 outside_roots: /elsewhere/log.zst OWN
        */cts.db: /inputs/0 no_match: no file matches /*/cts.db
        allowed/notes.txt: /allowed/notes.txt 17 notes.txt
    "#]]
    .assert_eq(&table.replace(said, "OWN"));
    // A folder inside that somebody allowed by name is not theirs alone; one around it, or the same one, is.
    for (root, name, passes) in [
        ("data/drives", "data/drives/a.zst", true),
        ("data/drives", "data/cts.db", false),
        ("data", "data/drives/a.zst", false),
        ("", "data/drives/a.zst", false),
        ("", "allowed/notes.txt", true),
    ] {
        let roots = InputRoots::below(vec![place.path(root)]).except(own());
        let found = resolve(&[place.input(name)], &any, &roots, &StoredInputs::new());
        assert_eq!(found.is_ok(), passes, "{root:?} {name}");
    }
    // What the store hands out lies there, and may.
    let upload = InputRef { kind: InputKind::Upload, value: "a".into() };
    let path = place.path("data/blobs/ab/c.zst");
    let stored = StoredInputs::from([(upload.clone(), StoredInput::Ready { path, size: 1, name: "c.zst".into() })]);
    assert!(resolve(&[upload], &any, &anything, &stored).is_ok());
}

#[test]
fn a_root_may_itself_be_a_link() {
    let place = Place::new();
    symlink(place.path("allowed"), place.path("mount")).unwrap();
    let roots = InputRoots::below(vec![place.path("mount")]);
    for name in ["mount/notes.txt", "allowed/notes.txt"] {
        assert!(resolve(&[place.input(name)], &InputSpec::default(), &roots, &StoredInputs::new()).is_ok(), "{name}");
    }
}

#[test]
fn something_that_is_no_regular_file_is_refused_and_never_waited_for() {
    let place = Place::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, place.path("allowed/pipe.zst"), rustix::fs::Mode::from(0o600)).unwrap();
    place.check(
        &["allowed/pipe.zst"],
        &logs(),
        expect![[r#"
        /inputs/0 not_a_file: /allowed/pipe.zst is not a regular file
    "#]],
    );
    let device = InputRef { kind: InputKind::Path, value: "/dev/zero".into() };
    let found = resolve(&[device], &InputSpec::default(), &InputRoots::anything(), &StoredInputs::new());
    expect![[r#"
        /inputs/0 not_a_file: /dev/zero is not a regular file
    "#]]
    .assert_eq(&place.shown(found));
}

#[test]
fn a_file_that_was_replaced_by_a_link_is_found_out() {
    let place = Place::new();
    let file = place.input("allowed/seg--0--rlog.zst");
    let found = resolve(&[file], &logs(), &place.roots(), &StoredInputs::new()).unwrap();
    let references: Vec<InputRef> = found.into_iter().map(|file| file.reference).collect();
    assert!(resolve_again(&references, &place.roots(), &StoredInputs::new()).is_ok());
    fs::remove_file(&references[0].value).unwrap();
    symlink(place.path("outside/secret.zst"), &references[0].value).unwrap();
    let faults = resolve_again(&references, &place.roots(), &StoredInputs::new()).unwrap_err();
    assert_eq!(faults[0].code, "outside_roots");
}

#[test]
fn uploads_and_artifacts_are_what_the_store_says() {
    let place = Place::new();
    let upload = |value: &str| InputRef { kind: InputKind::Upload, value: value.into() };
    let ready = |name: &str| StoredInput::Ready { path: "/blobs/x".into(), size: 3, name: name.into() };
    let stored = StoredInputs::from([
        (upload("a"), ready("log.ZST")),
        (upload("b"), StoredInput::NotReady),
        (upload("c"), ready("log.txt")),
    ]);
    let found = resolve(&[upload("a")], &logs(), &place.roots(), &stored).unwrap();
    assert_eq!((found[0].path.as_path(), found[0].name.as_str()), (Path::new("/blobs/x"), "log.ZST"));
    let found = resolve(&["b", "c", "d"].map(upload), &logs(), &place.roots(), &stored);
    expect![[r#"
        /inputs/0 not_ready: upload b has not all its bytes yet, or was not finalized
        /inputs/1 extension: log.txt does not end in .zst
        /inputs/2 not_found: there is no upload d, or it expired
    "#]]
    .assert_eq(&place.shown(found));
}

#[test]
fn files_of_parameters_are_held_to_the_same_rules() {
    let place = Place::new();
    let specs = [
        ParamSpec::new("dbc", ParamKind::File, ""),
        ParamSpec { items: Some(ParamKind::File), ..ParamSpec::new("more", ParamKind::List, "") },
    ];
    let file = |name: &str| json!({"type": "path", "value": place.path(name)});
    let params = JsonMap::from_iter([
        ("dbc".to_owned(), file("allowed/notes.txt")),
        ("more".to_owned(), json!([file("allowed/seg--0--rlog.zst"), file("allowed/link.zst")])),
    ]);
    let files = file_params(&specs, &params);
    let faults = resolve_params(&files, &place.roots(), &StoredInputs::new()).unwrap_err();
    assert_eq!((faults[0].pointer.as_str(), faults[0].code.as_str()), ("/params/more", "outside_roots"));
    let found = resolve_params(&files[..2], &place.roots(), &StoredInputs::new()).unwrap();
    assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["dbc", "more"]);
}

#[test]
fn a_walk_has_an_end() {
    let place = Place::new();
    // A loop of links is not followed by **.
    symlink(place.path("allowed"), place.path("allowed/route--1/loop")).unwrap();
    let spec = InputSpec { many: true, ..InputSpec::default() };
    let pattern = format!("allowed/{}", "**/".repeat(200) + "rlog.zst");
    let found = resolve(&[place.input(&pattern)], &spec, &place.roots(), &StoredInputs::new()).unwrap();
    assert_eq!(found.len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_name_whatever_leads_out_of_the_roots(parts in prop::collection::vec(
        prop::sample::select(vec!["..", ".", "allowed", "outside", "out", "link.zst", "dangling.zst", "*", "**", "s*", "route--3",
            "seg--0--rlog.zst", "secret.zst", "missing", "?ut", "[o]ut", "", "a\n", "ö"]), 1..7))
    {
        thread_local!(static PLACE: Place = Place::new());
        PLACE.with(|place| {
            let inputs = [place.input(&parts.join("/"))];
            let spec = InputSpec { many: true, ..InputSpec::default() };
            let allowed = place.path("allowed").canonicalize().unwrap();
            match resolve(&inputs, &spec, &place.roots(), &StoredInputs::new()) {
                Ok(files) => for file in files {
                    prop_assert!(file.path.starts_with(&allowed), "{:?}", file.path);
                    prop_assert!(file.path.is_file());
                },
                // Nothing is told about what is outside.
                Err(faults) => for fault in faults {
                    let outside = place.path("outside");
                    let names_outside = fault.message.contains(outside.to_str().unwrap());
                    prop_assert!(!names_outside || fault.code != "not_found", "{}", fault.message);
                },
            }
            Ok(())
        })?;
    }
}
