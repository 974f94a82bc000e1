//! Every dependency, direct or not, has a licence that `deny.toml` allows, and its licence expression is understood.
//!
//! `cargo deny` reads the same list; this check needs nothing but cargo.

use std::collections::BTreeSet;

use serde_json::Value;
use toml_edit::DocumentMut;

use crate::error::{Doing, Failed};
use crate::process::{cargo, output};

/// Checks the packages that cargo would build for any target.
pub(super) fn run() -> Result<(), Failed> {
    let path = crate::root::workspace().join("deny.toml");
    let text = std::fs::read_to_string(&path).doing(|| format!("cannot read {}", path.display()))?;
    let allowed = allowed(&text)?;
    let metadata = output(&mut cargo(["metadata", "--format-version", "1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().ok_or_else(|| Failed::new("cargo metadata names no packages"))?;
    let mut refused = Vec::new();
    for package in packages {
        let name = format!("{} {}", word(&package["name"]), word(&package["version"]));
        match package["license"].as_str() {
            Some(expression) if is_allowed(expression, &allowed) => {}
            Some(expression) => refused.push(format!("{name}: {expression}")),
            None => refused.push(format!("{name}: names no licence")),
        }
    }
    if refused.is_empty() {
        println!("{} packages, all with a licence of deny.toml's list", packages.len());
        Ok(())
    } else {
        Err(Failed::new(format!("licences that deny.toml does not allow:\n{}", refused.join("\n"))))
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn allowed(deny: &str) -> Result<BTreeSet<String>, Failed> {
    let deny: DocumentMut = deny.parse().doing(|| "deny.toml is no TOML".to_owned())?;
    let list = deny.get("licenses").and_then(|table| table.get("allow")).and_then(|list| list.as_array());
    let list = list.ok_or_else(|| Failed::new("deny.toml has no list licenses.allow"))?;
    Ok(list.iter().filter_map(|value| value.as_str()).map(str::to_owned).collect())
}

/// Returns whether an SPDX expression can be met: one side of an OR, both sides of an AND.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    // An old spelling of OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words, allowed);
    met && words.peek().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    match words.next() {
        Some("(") => {
            let met = any(words, allowed);
            words.next_if_eq(&")").is_some() && met
        }
        Some(name) => {
            let mut name = name.to_owned();
            if words.next_if_eq(&"WITH").is_some() {
                name = format!("{name} WITH {}", words.next().unwrap_or_default());
            }
            allowed.contains(&name)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_met_by_one_side_of_or_and_both_sides_of_and() {
        let list = allowed("[licenses]\nallow = [\"MIT\", \"Zlib\", \"Apache-2.0 WITH LLVM-exception\"]").unwrap();
        for (expression, expected) in [
            ("MIT", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0", false),
            ("MIT AND GPL-3.0", false),
            ("MIT AND Zlib", true),
            ("(MIT OR GPL-3.0) AND Zlib", true),
            ("(MIT OR GPL-3.0) AND ISC", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("MIT Zlib", false),
            ("(MIT", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(expression, &list), expected, "{expression}");
        }
    }
}
