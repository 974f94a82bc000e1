//! Taking what has to come next, or telling what stands there instead.

use std::str::FromStr;

use super::{Reader, ends_statement};
use crate::dbc::NAME_BYTES_MAX;
use crate::dbc::fault::{DbcFault, DbcFaultKind};
use crate::dbc::words::{Lexeme, Place, Token, decoded};

impl<'a> Reader<'a> {
    pub(super) fn number<N: FromStr>(&mut self, wanted: &'static str) -> Result<N, DbcFault> {
        match self.words.peek()?.and_then(|next| parsed(next.token)) {
            Some(number) => {
                self.words.take()?;
                Ok(number)
            }
            None => Err(self.wrong(wanted)),
        }
    }

    pub(super) fn name(&mut self, wanted: &'static str) -> Result<&'a [u8], DbcFault> {
        match self.words.peek()? {
            Some(lexeme @ Lexeme { token: Token::Word(name), place, .. }) if !ends_statement(&lexeme) => {
                if name.len() > NAME_BYTES_MAX {
                    return Err(self.fault(place, DbcFaultKind::LongName));
                }
                self.words.take()?;
                Ok(name)
            }
            _ => Err(self.wrong(wanted)),
        }
    }

    pub(super) fn mark(&mut self, mark: u8, wanted: &'static str) -> Result<(), DbcFault> {
        match self.words.peek()? {
            Some(next) if next.is_mark(mark) => self.words.take().map(|_| ()),
            _ => Err(self.wrong(wanted)),
        }
    }

    pub(super) fn limit(&self, place: Place, count: usize, what: &'static str, limit: usize) -> Result<(), DbcFault> {
        if count > limit { Err(self.fault(place, DbcFaultKind::TooMany { what, limit })) } else { Ok(()) }
    }

    pub(super) fn fault(&self, place: Place, kind: DbcFaultKind) -> DbcFault {
        place.fault(self.drafts.file, kind)
    }

    /// Returns the fault that the next token is another one than is wanted. Where that one begins the next
    /// statement, something is missing at the end of this one.
    pub(super) fn wrong(&mut self, wanted: &'static str) -> DbcFault {
        let (place, found) = match self.words.peek() {
            Err(fault) => return fault,
            Ok(None) => (self.words.last_end(), "the end of the file".to_owned()),
            Ok(Some(next)) if next.starts_line && ends_statement(&next) => {
                (self.words.last_end(), "the end of the line".to_owned())
            }
            Ok(Some(next)) => (next.place, shown(next.token)),
        };
        self.fault(place, DbcFaultKind::Expected { wanted, found })
    }
}

/// Returns a word as a number.
pub(super) fn parsed<N: FromStr>(token: Token<'_>) -> Option<N> {
    let Token::Word(word) = token else { return None };
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Returns a token as it is shown to people: short, and without what would disturb a terminal.
pub(super) fn shown(token: Token<'_>) -> String {
    const CHARACTERS_MAX: usize = 32;
    const BYTES_MAX: usize = 4 * CHARACTERS_MAX;
    let stored = match token {
        Token::Mark(mark) => return format!("`{}`", char::from(mark)),
        Token::Text(text) => text,
        Token::Word(word) => word,
    };
    let text = decoded(&stored[..stored.len().min(BYTES_MAX)]);
    let mut text: String = text.chars().take(CHARACTERS_MAX).flat_map(char::escape_debug).collect();
    if stored.len() > CHARACTERS_MAX {
        text.push('…');
    }
    if matches!(token, Token::Text(_)) { format!("the text \"{text}\"") } else { format!("`{text}`") }
}
