//! Words that do not belong into the tree: promises of later work, hidden lints, skipped tests, other spellings of the
//! glossary's words.

use crate::tidy::{Fault, Tree};

/// The one file that has to name them.
const THIS_FILE: &str = "xtask/src/tidy/words.rs";

/// Words in Rust code, and what to do instead. Compared without regard to case when `any_case` is set.
struct Word {
    text: &'static str,
    any_case: bool,
    instead: &'static str,
}

const IN_CODE: [Word; 9] = [
    Word { text: concat!("to", "do!("), any_case: false, instead: "finish it" },
    Word { text: concat!("un", "implemented!("), any_case: false, instead: "finish it" },
    Word { text: "TODO", any_case: false, instead: "finish it, or write an issue" },
    Word { text: "XXX", any_case: false, instead: "finish it, or write an issue" },
    Word { text: concat!("for", " now"), any_case: true, instead: "say what is, not what will be" },
    Word { text: concat!("#[all", "ow("), any_case: false, instead: "use #[expect(lint, reason = \"…\")]" },
    Word { text: concat!("#![all", "ow("), any_case: false, instead: "use #![expect(lint, reason = \"…\")]" },
    Word { text: concat!("#[ign", "ore"), any_case: false, instead: "a test runs, or says why it was skipped" },
    Word { text: concat!("assert!(", "true"), any_case: false, instead: "a check must be able to fail" },
];

/// Words in every text.
const EVERYWHERE: [Word; 2] = [
    Word { text: concat!("cance", "lled"), any_case: true, instead: "write `canceled`" },
    Word { text: concat!("cance", "lling"), any_case: true, instead: "write `canceling`" },
];

/// Checks every text file.
pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| *path != THIS_FILE && *path != "Cargo.lock") {
        let words = IN_CODE.iter().filter(|_| path.ends_with(".rs")).chain(&EVERYWHERE);
        for word in words {
            for (index, _) in text.lines().enumerate().filter(|(_, line)| stands_in(word, line)) {
                faults.push(Fault::at(path, index + 1, format!("`{}`: {}", word.text, word.instead)));
            }
        }
    }
    faults
}

fn stands_in(word: &Word, line: &str) -> bool {
    if !word.any_case {
        return line.contains(word.text);
    }
    // A function of a library is called as it is called.
    let line = line.to_lowercase().replace(concat!("cance", "lled()"), "");
    line.contains(word.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_in_code() {
        for word in IN_CODE.iter().chain(&EVERYWHERE) {
            let tree = Tree::of(&[("crates/cts-can/src/csv.rs", &format!("//! x\n    {}\n", word.text))]);
            let faults = check(&tree);
            assert_eq!(faults.len(), 1, "{}: {faults:?}", word.text);
            assert_eq!(faults[0].line, Some(2));
        }
    }

    #[test]
    fn spelling_counts_in_documents_too_and_other_words_do_not() {
        let text = format!("The run was {}. This is enough {}.\n", EVERYWHERE[0].text.to_uppercase(), IN_CODE[4].text);
        let faults = check(&Tree::of(&[("docs/guides/runs.md", &text)]));
        assert_eq!(faults.len(), 1, "{faults:?}");
    }

    #[test]
    fn a_library_spells_its_functions_as_it_likes() {
        let text = format!("//! x\ntoken.{}().await;\n", EVERYWHERE[0].text);
        assert_eq!(check(&Tree::of(&[("crates/cts-engine/src/pump.rs", &text)])), []);
    }
}
