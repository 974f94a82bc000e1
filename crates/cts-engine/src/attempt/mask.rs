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

    /// Returns how many bytes at the end of a long line go into its next part, so that the cut hides no piece: one may
    /// begin here and go on.
    pub(crate) fn held(&self, bytes: &[u8]) -> usize {
        let mut held = self.pieces.iter().map(|piece| begun(piece.reveal().as_bytes(), bytes)).max().unwrap_or(0);
        // That cut may fall into a piece that is here as a whole.
        while let Some(more) = self.pieces.iter().find_map(|piece| across(piece.reveal().as_bytes(), bytes, held)) {
            if more > HELD_BYTES_MAX {
                break;
            }
            held = more;
        }
        held
    }
}

/// Returns the length of the longest end of `bytes` that is a beginning of `piece`.
fn begun(piece: &[u8], bytes: &[u8]) -> usize {
    let most = piece.len().saturating_sub(1).min(bytes.len().saturating_sub(1)).min(HELD_BYTES_MAX);
    (1..=most).rev().find(|length| bytes.ends_with(&piece[..*length])).unwrap_or(0)
}

/// Returns how much must be held so that the cut comes before a piece that lies across it; none where none does.
fn across(piece: &[u8], bytes: &[u8], held: usize) -> Option<usize> {
    let cut = bytes.len() - held;
    let first = (cut + 1).saturating_sub(piece.len());
    let found = (first..cut).find(|start| bytes[*start..].starts_with(piece))?;
    Some(bytes.len() - found)
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
        for (text, held) in [("xhunt", 4), ("xhunter2", 0), ("xhunterw", 6), ("xu", 1), ("x", 0), ("", 0)] {
            assert_eq!(masks.held(text.as_bytes()), held, "{text}");
        }
    }

    #[test]
    fn a_cut_moves_before_a_secret_that_repeats_itself() {
        let masks = Masks::new(&[Secret::new("abcabc".into())]);
        for (text, held) in [("xxabcabc", 6), ("xxabcab", 5), ("abcabcxabc", 3)] {
            assert_eq!(masks.held(text.as_bytes()), held, "{text}");
        }
    }
}
