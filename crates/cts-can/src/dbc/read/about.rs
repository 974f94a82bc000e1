//! The lines about signals that stand elsewhere: what their numbers mean, of which type they are, when they are there,
//! and their long names.

use std::ops::Range;

use super::expect::{parsed, shown};
use super::{Reader, ends_statement};
use crate::dbc::drafts::{DescriptionDraft, LongNameDraft, Subject, SwitchDraft, TypeDraft, Values};
use crate::dbc::fault::{DbcFault, DbcNoteKind, wanted};
use crate::dbc::words::{Place, Token, is_name};
use crate::dbc::{LINES_MAX, NAME_BYTES_MAX, RANGES_MAX, VALUES_MAX};

impl<'a> Reader<'a> {
    /// `VAL_ id signal number "text" … ;`, or with the name of a table instead of numbers and texts.
    pub(super) fn description(&mut self, place: Place) -> Result<(), DbcFault> {
        let of_signal = self.words.peek()?.is_some_and(|next| parsed::<u32>(next.token).is_some());
        if !of_signal {
            return self.skip_statement(); // of an environment variable
        }
        let subject = self.subject(place)?;
        let table = self.words.peek()?.and_then(|next| match next.token {
            Token::Word(word) if !starts_number(word) && !ends_statement(&next) => Some(word),
            _ => None,
        });
        let values = match table {
            Some(name) => {
                self.skip_statement()?;
                Values::Table(name)
            }
            None => Values::Own(self.values()?),
        };
        self.drafts.descriptions.push(DescriptionDraft { subject, values });
        self.limit(place, self.drafts.descriptions.len(), "VAL_ lines", LINES_MAX)
    }

    /// `VAL_TABLE_ name number "text" … ;`
    pub(super) fn table(&mut self, place: Place) -> Result<(), DbcFault> {
        let name = self.name(wanted::VALUES_NAME)?;
        let values = self.values()?;
        self.drafts.tables.push((name, values));
        self.limit(place, self.drafts.tables.len(), "VAL_TABLE_ lines", LINES_MAX)
    }

    /// `number "text" … ;`
    fn values(&mut self) -> Result<Range<usize>, DbcFault> {
        let first = self.drafts.values.len();
        while let Some(next) = self.words.peek()? {
            if ends_statement(&next) {
                break;
            }
            let number = match next.token {
                Token::Word(word) if starts_number(word) => word,
                _ => return Err(self.wrong(wanted::VALUE)),
            };
            self.words.take()?;
            let text = match self.words.peek()?.map(|next| next.token) {
                Some(Token::Text(text)) => text,
                _ => return Err(self.wrong(wanted::VALUE_TEXT)),
            };
            self.words.take()?;
            match raw_number(number) {
                Some(number) => {
                    self.drafts.values.push((number, text));
                    self.limit(next.place, self.drafts.values.len(), "descriptions of values", VALUES_MAX)?;
                }
                None => {
                    let note = || DbcNoteKind::BadValue(shown(Token::Word(number)));
                    self.drafts.notes.push(next.place, note);
                }
            }
        }
        self.skip_statement()?;
        Ok(first..self.drafts.values.len())
    }

    /// `SIG_VALTYPE_ id signal : number ;`
    pub(super) fn value_type(&mut self, place: Place) -> Result<(), DbcFault> {
        let subject = self.subject(place)?;
        if self.words.peek()?.is_some_and(|next| next.is_mark(b':')) {
            self.words.take()?;
        }
        let number = match self.words.peek()?.and_then(|next| parsed(next.token)) {
            Some(number @ 0..=3) => number,
            _ => return Err(self.wrong(wanted::VALUE_TYPE)),
        };
        self.skip_statement()?;
        self.drafts.types.push(TypeDraft { subject, number });
        self.limit(place, self.drafts.types.len(), "SIG_VALTYPE_ lines", LINES_MAX)
    }

    /// `SG_MUL_VAL_ id signal switch 0-3, 5-5 ;`
    pub(super) fn switch(&mut self, place: Place) -> Result<(), DbcFault> {
        let subject = self.subject(place)?;
        let switch = self.name(wanted::SWITCH)?;
        let first = self.drafts.ranges.len();
        while let Some(next) = self.words.peek()? {
            if ends_statement(&next) {
                break;
            }
            if !next.is_mark(b',') {
                let Some(range) = range(next.token) else { return Err(self.wrong(wanted::SWITCH_VALUES)) };
                self.drafts.ranges.push(range);
                self.limit(next.place, self.drafts.ranges.len(), "ranges of SG_MUL_VAL_", RANGES_MAX)?;
            }
            self.words.take()?;
        }
        if self.drafts.ranges.len() == first {
            return Err(self.wrong(wanted::SWITCH_VALUES));
        }
        self.skip_statement()?;
        let ranges = first..self.drafts.ranges.len();
        self.drafts.switches.push(SwitchDraft { subject, switch, ranges });
        Ok(())
    }

    /// `BA_ "SystemSignalLongSymbol" SG_ id signal "name" ;`, and the same for messages with `BO_`.
    ///
    /// Editors cut names to 32 characters and keep the whole ones in these attributes. Others are not needed, so
    /// one that looks otherwise is skipped.
    pub(super) fn long_name(&mut self, place: Place) -> Result<(), DbcFault> {
        let of_signal = match self.words.peek()?.map(|next| next.token) {
            Some(Token::Text(b"SystemSignalLongSymbol")) => true,
            Some(Token::Text(b"SystemMessageLongSymbol")) => false,
            _ => return self.skip_statement(),
        };
        let mut rest = [Token::Mark(b';'); 5];
        let wanted = if of_signal { 5 } else { 4 };
        for token in &mut rest[..wanted] {
            match self.words.peek()? {
                Some(next) if !ends_statement(&next) => *token = next.token,
                _ => break,
            }
            self.words.take()?;
        }
        self.skip_statement()?;
        let (id, signal, name) = match rest {
            [_, Token::Word(b"SG_"), id, Token::Word(signal), Token::Text(name)] => (id, Some(signal), name),
            [_, Token::Word(b"BO_"), id, Token::Text(name), _] => (id, None, name),
            _ => return Ok(()),
        };
        let Some(id) = parsed(id) else { return Ok(()) };
        if is_name(name) && name.len() <= NAME_BYTES_MAX {
            self.drafts.long_names.push(LongNameDraft { id, signal, name });
        }
        self.limit(place, self.drafts.long_names.len(), "long names", LINES_MAX)
    }

    /// `id signal`
    fn subject(&mut self, place: Place) -> Result<Subject<'a>, DbcFault> {
        let id = self.number(wanted::MESSAGE_ID)?;
        let name = self.name(wanted::SIGNAL_NAME)?;
        Ok(Subject { place, id, name })
    }
}

fn starts_number(word: &[u8]) -> bool {
    word.first().is_some_and(|first| first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.'))
}

/// Returns a raw number. Some tools write whole ones with a point.
fn raw_number(word: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(word).ok()?;
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number: f64 = text.parse().ok()?;
    let is_whole = number.fract() == 0.0 && number.abs() <= EXACT;
    #[expect(clippy::cast_possible_truncation, reason = "the number is whole and within the limits")]
    is_whole.then_some(number as i64)
}

/// Returns the two ends of `3-5`.
fn range(token: Token<'_>) -> Option<(u64, u64)> {
    let Token::Word(word) = token else { return None };
    let (least, greatest) = std::str::from_utf8(word).ok()?.split_once('-')?;
    let range = (least.parse().ok()?, greatest.parse().ok()?);
    (range.0 <= range.1).then_some(range)
}
