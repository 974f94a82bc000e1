//! The statements of a DBC file, taken apart but not yet put together.
//!
//! A statement begins with its keyword. One that is not needed ends with `;`, or where a line begins with the next
//! keyword: files leave the `;` out, and some statements have none. Nothing is resolved here, because files name
//! signals before they declare them.

use super::drafts::{Drafts, MessageDraft, Notes, PSEUDO_MESSAGE_ID};
use super::fault::{DbcFault, DbcFaultKind, DbcNoteKind, wanted};
use super::words::{Lexeme, Place, Token, Words};
use super::{FILE_BYTES_MAX, MESSAGES_MAX};
use crate::signal::PAYLOAD_BYTES_MAX;
use expect::shown;

mod about;
mod expect;
mod signal;

/// The keywords of statements that are not needed.
const SKIPPED: [&[u8]; 27] = [
    b"VERSION",
    b"BS_",
    b"BU_",
    b"CM_",
    b"BA_DEF_",
    b"BA_DEF_DEF_",
    b"BA_DEF_REL_",
    b"BA_REL_",
    b"BA_DEF_DEF_REL_",
    b"BA_DEF_SGTYPE_",
    b"BA_SGTYPE_",
    b"BU_SG_REL_",
    b"BU_EV_REL_",
    b"BU_BO_REL_",
    b"BO_TX_BU_",
    b"CAT_DEF_",
    b"CAT_",
    b"EV_",
    b"EV_DATA_",
    b"ENVVAR_DATA_",
    b"FILTER",
    b"NS_DESC_",
    b"SGTYPE_",
    b"SGTYPE_VAL_",
    b"SIG_GROUP_",
    b"SIG_TYPE_REF_",
    b"SIGTYPE_VALTYPE_",
];

/// The keywords of statements that are read.
const READ: [&[u8]; 8] = [b"NS_", b"BO_", b"SG_", b"VAL_", b"VAL_TABLE_", b"SIG_VALTYPE_", b"SG_MUL_VAL_", b"BA_"];

fn is_keyword(word: &[u8]) -> bool {
    READ.contains(&word) || SKIPPED.contains(&word)
}

/// Which message a signal line belongs to.
#[derive(Clone, Copy)]
enum Current {
    /// None: no message came yet, or something came that nobody knows.
    Nothing,
    /// The last one.
    Message,
    /// The one that editors make up to keep signals without a message.
    Pseudo,
}

struct Reader<'a> {
    words: Words<'a>,
    drafts: Drafts<'a>,
    current: Current,
}

/// Takes a file apart.
pub(super) fn drafts(file: &[u8]) -> Result<Drafts<'_>, DbcFault> {
    let fault = |kind| Err(Place::default().fault(file, kind));
    if file.len() > FILE_BYTES_MAX {
        return fault(DbcFaultKind::TooLarge);
    }
    if file.starts_with(&[0xFF, 0xFE]) || file.starts_with(&[0xFE, 0xFF]) {
        return fault(DbcFaultKind::Utf16);
    }
    let start = if file.starts_with(&[0xEF, 0xBB, 0xBF]) { 3 } else { 0 };
    let drafts = Drafts {
        file,
        messages: Vec::new(),
        signals: Vec::new(),
        values: Vec::new(),
        tables: Vec::new(),
        descriptions: Vec::new(),
        types: Vec::new(),
        ranges: Vec::new(),
        switches: Vec::new(),
        long_names: Vec::new(),
        notes: Notes::default(),
    };
    let mut reader = Reader { words: Words::new(file, start), drafts, current: Current::Nothing };
    while let Some(lexeme) = reader.words.take()? {
        reader.statement(lexeme)?;
    }
    // Files without any message cannot be told from files that are no DBC files.
    if matches!(reader.current, Current::Nothing) && reader.drafts.messages.is_empty() {
        return fault(DbcFaultKind::NoMessages);
    }
    Ok(reader.drafts)
}

impl<'a> Reader<'a> {
    fn statement(&mut self, lexeme: Lexeme<'a>) -> Result<(), DbcFault> {
        let place = lexeme.place;
        match lexeme.token {
            Token::Mark(b';') => Ok(()),
            Token::Word(b"BO_") => self.message(place),
            Token::Word(b"SG_") => self.signal(place),
            Token::Word(b"VAL_") => self.description(place),
            Token::Word(b"VAL_TABLE_") => self.table(place),
            Token::Word(b"SIG_VALTYPE_") => self.value_type(place),
            Token::Word(b"SG_MUL_VAL_") => self.switch(place),
            Token::Word(b"BA_") => self.long_name(place),
            Token::Word(b"NS_") => self.skip_symbols(),
            Token::Word(word) if SKIPPED.contains(&word) => self.skip_statement(),
            token => {
                let Drafts { notes, .. } = &mut self.drafts;
                notes.push(place, || DbcNoteKind::UnknownKeyword(shown(token)));
                // It may be a message with a slip of the pen; its signals are not those of the one before.
                self.current = Current::Nothing;
                self.skip_statement()
            }
        }
    }

    /// `BO_ id name : length sender`
    fn message(&mut self, place: Place) -> Result<(), DbcFault> {
        let id = self.number(wanted::MESSAGE_ID)?;
        let name = self.name(wanted::MESSAGE_NAME)?;
        self.mark(b':', wanted::MESSAGE_COLON)?;
        let length_place = self.words.peek()?.map_or(place, |lexeme| lexeme.place);
        let length: u32 = self.number(wanted::MESSAGE_LENGTH)?;
        let length_bytes = u16::try_from(length).ok().filter(|length| *length <= PAYLOAD_BYTES_MAX);
        let Some(length_bytes) = length_bytes else {
            return Err(self.fault(length_place, DbcFaultKind::LongMessage(length)));
        };
        self.skip_line()?;
        if id == PSEUDO_MESSAGE_ID {
            self.current = Current::Pseudo;
            return Ok(());
        }
        self.current = Current::Message;
        let signals = self.drafts.signals.len()..self.drafts.signals.len();
        let message = MessageDraft { place, id, name, length_bytes, signals };
        self.drafts.messages.push(message);
        self.limit(place, self.drafts.messages.len(), "messages", MESSAGES_MAX)
    }

    /// Skips the names below `NS_ :`, most of which are keywords, but each alone in its line.
    fn skip_symbols(&mut self) -> Result<(), DbcFault> {
        while let Some(next) = self.words.peek()? {
            match next.token {
                Token::Mark(_) => {}
                Token::Word(_) if !next.starts_line || self.words.ends_line() => {}
                Token::Word(_) | Token::Text(_) => return Ok(()),
            }
            self.words.take()?;
        }
        Ok(())
    }

    /// Skips what is left of a statement.
    fn skip_statement(&mut self) -> Result<(), DbcFault> {
        while let Some(next) = self.words.peek()? {
            let is_end = ends_statement(&next);
            if is_end && !next.is_mark(b';') {
                break;
            }
            self.words.take()?;
            if is_end {
                break;
            }
        }
        Ok(())
    }

    /// Skips what is left of a line, and of the ones after it as long as a comma says that they belong to it.
    fn skip_line(&mut self) -> Result<(), DbcFault> {
        let mut goes_on = false;
        while let Some(next) = self.words.peek()? {
            let begins = next.starts_line && !goes_on || matches!(next.token, Token::Word(b"BO_" | b"SG_"));
            if begins {
                break;
            }
            goes_on = next.is_mark(b',');
            self.words.take()?;
        }
        Ok(())
    }
}

/// Returns whether a statement ends before the token, or with it.
fn ends_statement(lexeme: &Lexeme<'_>) -> bool {
    match lexeme.token {
        Token::Mark(mark) => mark == b';',
        Token::Word(word) => lexeme.starts_line && is_keyword(word),
        Token::Text(_) => false,
    }
}
