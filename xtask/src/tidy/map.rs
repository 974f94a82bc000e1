//! The table of crates in `ARCHITECTURE.md`: which there are, on which floor each stands, and which it may use.
//!
//! A row is ``| `cts-store` | base | `cts-model` | … |``. Other columns are for people.

use std::collections::{BTreeMap, BTreeSet};

/// The floors from the lowest to the highest; arrows point down only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Floor {
    Ground,
    Base,
    Planes,
    Doors,
}

impl Floor {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "ground" => Some(Self::Ground),
            "base" => Some(Self::Base),
            "planes" => Some(Self::Planes),
            "doors" => Some(Self::Doors),
            _ => None,
        }
    }
}

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Where the row stands.
    pub(super) line: usize,
    /// The floor; none when the word is not one of the four.
    pub(super) floor: Option<Floor>,
    /// The crates of ours that it uses.
    pub(super) uses: BTreeSet<String>,
}

/// Returns the rows by crate.
pub(super) fn rooms(map: &str) -> BTreeMap<String, Room> {
    let mut rooms = BTreeMap::new();
    for (index, line) in map.lines().enumerate() {
        let mut cells = line.trim().trim_matches('|').split('|').map(str::trim);
        let (Some(name), Some(floor), Some(uses)) = (cells.next(), cells.next(), cells.next()) else { continue };
        let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else { continue };
        if !line.trim_start().starts_with('|') || !name.starts_with("cts-") {
            continue;
        }
        let uses = uses.split('`').filter(|word| word.starts_with("cts-")).map(str::to_owned).collect();
        rooms.insert(name.to_owned(), Room { line: index + 1, floor: Floor::from_word(floor), uses });
    }
    rooms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_a_crate_its_floor_and_what_it_uses() {
        let rooms = rooms(
            "# Map\n| crate | floor | uses |\n| --- | --- | --- |\n| `cts-a` | base | `cts-b`, `cts-c` | x |\n| `cts-b` | attic | — | |",
        );
        assert_eq!(rooms.len(), 2);
        assert_eq!(rooms["cts-a"].floor, Some(Floor::Base));
        assert_eq!(rooms["cts-a"].uses.iter().collect::<Vec<_>>(), ["cts-b", "cts-c"]);
        assert_eq!(rooms["cts-b"], Room { line: 5, floor: None, uses: BTreeSet::new() });
    }
}
