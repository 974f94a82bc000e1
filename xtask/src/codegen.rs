//! `cargo xtask codegen`: writes the committed generated files again, each by the test that checks it.
//!
//! A generated file is compared by a test with what the code gives; with `UPDATE_EXPECT=1` that test writes it instead.

use crate::error::Failed;
use crate::process::{cargo, run as start};

/// Packages whose tests write files, and the word that picks these tests.
const GENERATORS: [(&str, &str); 3] =
    [("cts-config", "the_committed_reference"), ("cts-engine", "the_published_schema"), ("cts-server", "openapi")];

/// Writes every generated file, or with `--check` fails when one is stale.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failed> {
    let check = match arguments {
        [] => false,
        [only] if only == "--check" => true,
        _ => return Err(Failed::new("codegen knows only --check")),
    };
    for (package, tests) in GENERATORS {
        let mut test = cargo(["test", "--quiet", "--package", package, "--", tests]);
        if check {
            test.env_remove("UPDATE_EXPECT");
        } else {
            test.env("UPDATE_EXPECT", "1");
        }
        start(&mut test)?;
    }
    Ok(())
}
