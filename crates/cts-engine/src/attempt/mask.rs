//! What must not appear in a log: the secrets of a run, wherever a line holds them.
//!
//! A secret of several lines is printed as several lines, so each of its lines is masked. Never masks what is shorter
//! than [`MASKED_LENGTH_MIN`]: it would mask half of any text.

use cts_model::Secret;
use cts_model::secret::MASK;

/// Shortest piece that is masked, in bytes.
const MASKED_LENGTH_MIN: usize = 4;
/// Longest piece that a cut of a long line is moved for.
const HELD_BYTES_MAX: usize = 32 * 1024;

/// The pieces of the secrets, the longest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Masks {
    pieces: Vec<Secret>,
}

impl Masks {
    /// Returns the masks of these secrets.
    pub(crate) fn new(secrets: &[Secret]) -> Self {
        let lines = secrets.iter().flat_map(|secret| secret.reveal().lines());
        let mut pieces: Vec<&str> = lines.filter(|line| line.len() >= MASKED_LENGTH_MIN).collect();
        pieces.sort_unstable_by(|left, right| right.len().cmp(&left.len()).then(left.cmp(right)));
        pieces.dedup();
        Self { pieces: pieces.into_iter().map(|piece| Secret::new(piece.to_owned())).collect() }
    }

    /// Returns the text with every piece masked.
    pub(crate) fn mask(&self, mut text: String) -> String {
        for piece in &self.pieces {
            if text.contains(piece.reveal()) {
                text = text.replace(piece.reveal(), MASK);
            }
        }
        text
    }

    /// Returns how many bytes at the end may be the beginning of a piece that goes on: a cut there would hide it.
    pub(crate) fn begun(&self, bytes: &[u8]) -> usize {
        let begun = |piece: &Secret| {
            let piece = piece.reveal().as_bytes();
            let most = piece.len().saturating_sub(1).min(bytes.len().saturating_sub(1)).min(HELD_BYTES_MAX);
            (1..=most).rev().find(|length| bytes.ends_with(&piece[..*length])).unwrap_or(0)
        };
        self.pieces.iter().map(begun).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_secret_is_masked_and_short_ones_are_not() {
        let masks = Masks::new(&[Secret::new("first-line\r\nsecond\n}\n".into()), Secret::new("abc".into())]);
        assert_eq!(masks.mask("x first-line y second } abc".into()), "x *** y *** } abc");
        assert!(!format!("{masks:?}").contains("first"));
    }

    #[test]
    fn the_beginning_of_a_secret_at_the_end_is_seen() {
        let masks = Masks::new(&[Secret::new("hunter2".into()), Secret::new("unterwegs".into())]);
        for (text, begun) in [("xhunt", 4), ("xhunter2", 0), ("xhunterw", 7), ("xu", 1), ("x", 0), ("", 0)] {
            assert_eq!(masks.begun(text.as_bytes()), begun, "{text}");
        }
    }
}
