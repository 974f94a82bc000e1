//! "Did you mean": the nearest known name to one that is not known.

/// How unlike two names may be to be called near: Damerau-Levenshtein distance, at least 2 and half of the length.
fn distance_max(name: &str) -> usize {
    (name.chars().count() / 2).clamp(2, 6)
}

/// Returns the known names that are near `name`, the nearest first, at most `count`.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let name: String = name.chars().take(128).collect::<String>().to_lowercase();
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&name, &lower);
            let within = name.len() >= 3 && (lower.contains(&name) || name.contains(&lower));
            (within || distance <= distance_max(&name)).then_some((distance, candidate))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().take(count).map(|(_, candidate)| candidate).collect()
}

/// Returns `; did you mean "x"?` for the nearest known name, or nothing.
#[must_use]
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known, 1).first().map(|near| format!("; did you mean {near:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_comes_first() {
        let known = ["rlog-to-csv", "can-bitwatch", "word-count"];
        assert_eq!(nearest("rlog2csv", known, 3), ["rlog-to-csv"]);
        assert_eq!(nearest("bitwatch", known, 3), ["can-bitwatch"]);
        assert_eq!(nearest("quite-another", known, 3), [""; 0]);
        assert_eq!(did_you_mean("word-cuont", known), "; did you mean \"word-count\"?");
    }
}
