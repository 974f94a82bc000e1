//! `cargo xtask codegen`: writes the committed generated files again, each by the test that checks it.
//!
//! The interface's types of the API follow its document; writing them needs Node, comparing them does not.
//! A generated file is compared by a test with what the code gives; with `UPDATE_EXPECT=1` that test writes it instead.

use crate::error::Failed;
use crate::process::{cargo, output, shown};

/// Packages whose tests write files, and the word that picks these tests.
const GENERATORS: [(&str, &str); 5] = [
    ("cts-config", "the_committed_reference"),
    ("cts-engine", "the_published_schema"),
    ("cts-tools", "the_pictures_of_the_guide"),
    ("cts-server", "openapi"),
    ("cts-server", "the_committed_reference_of_the_metrics"),
];

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
        println!("$ {}", shown(&test));
        let text = output(&mut test)?;
        match passed(&text) {
            0 => return Err(Failed::new(format!("{package} has no test `{tests}` any more"))),
            count => println!("{count} passed"),
        }
    }
    crate::ui::types(check)
}

/// Returns how many tests passed, over all test programs.
fn passed(text: &str) -> u32 {
    let results =
        text.lines().filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<u32>().ok());
    results.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_counted_over_all_programs() {
        let text = "running 1 test\n.\ntest result: ok. 1 passed; 0 failed\n\ntest result: ok. 0 passed\ntest result: ok. 3 passed";
        assert_eq!(passed(text), 4);
        assert_eq!(passed("running 0 tests"), 0);
    }
}
