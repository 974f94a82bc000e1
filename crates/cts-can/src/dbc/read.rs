//! The statements of a DBC file, taken apart but not yet put together.
//!
//! A statement begins with its keyword. One that is not needed ends with `;`, or where a line begins with the next
//! keyword: files leave the `;` out, and some statements have none. Nothing is resolved here, because files name
//! signals before they declare them.

use std::ops::Range;

use super::fault::{DbcFault, DbcFaultKind, DbcNote, DbcNoteKind, wanted};
use super::words::{Lexeme, Place, Token, Words, decoded};
use super::{FILE_BYTES_MAX, LINES_MAX, MESSAGES_MAX, NAME_BYTES_MAX, NOTES_MAX, RANGES_MAX, VALUES_MAX};
use crate::signal::{ByteOrder, PAYLOAD_BYTES_MAX};

mod signal;

/// What was read from a file.
pub(super) struct Drafts<'a> {
    pub(super) file: &'a [u8],
    pub(super) messages: Vec<MessageDraft<'a>>,
    /// Those of all messages; the ones of a message stand together.
    pub(super) signals: Vec<SignalDraft<'a>>,
    /// Raw numbers and what they mean, of all tables and signals.
    pub(super) values: Vec<(i64, &'a [u8])>,
    pub(super) tables: Vec<(&'a [u8], Range<usize>)>,
    pub(super) descriptions: Vec<DescriptionDraft<'a>>,
    pub(super) types: Vec<TypeDraft<'a>>,
    pub(super) ranges: Vec<(u64, u64)>,
    pub(super) switches: Vec<SwitchDraft<'a>>,
    pub(super) notes: Notes,
}

pub(super) struct MessageDraft<'a> {
    pub(super) place: Place,
    pub(super) id: u32,
    pub(super) name: &'a [u8],
    pub(super) length_bytes: u16,
    pub(super) signals: Range<usize>,
}

pub(super) struct SignalDraft<'a> {
    pub(super) place: Place,
    pub(super) name: &'a [u8],
    pub(super) mark: MuxMark,
    pub(super) start: u16,
    pub(super) length: u16,
    pub(super) order: ByteOrder,
    pub(super) is_signed: bool,
    pub(super) factor: f64,
    pub(super) offset: f64,
    pub(super) unit: &'a [u8],
}

/// What stands between the name of a signal and its colon.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct MuxMark {
    /// `M`: other signals listen to it.
    pub(super) is_switch: bool,
    /// `m3`: it is there while its switch has this value.
    pub(super) value: Option<u64>,
}

/// A signal that a line is about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) place: Place,
    pub(super) id: u32,
    pub(super) name: &'a [u8],
}

pub(super) struct DescriptionDraft<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) values: Values<'a>,
}

pub(super) enum Values<'a> {
    Own(Range<usize>),
    Table(&'a [u8]),
}

pub(super) struct TypeDraft<'a> {
    pub(super) subject: Subject<'a>,
    /// 0 and 3 leave the signal a whole number, 1 and 2 make it a float of 32 and 64 bits.
    pub(super) number: u8,
}

pub(super) struct SwitchDraft<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) switch: &'a [u8],
    pub(super) ranges: Range<usize>,
}

/// The first notes of a file, and how many more there were.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) kept: Vec<DbcNote>,
    pub(super) left_out: u64,
}

impl Notes {
    pub(super) fn push(&mut self, place: Place, kind: impl FnOnce() -> DbcNoteKind) {
        if self.kept.len() < NOTES_MAX {
            self.kept.push(DbcNote { line: place.line(), kind: kind() });
        } else {
            self.left_out += 1;
        }
    }
}

/// The keywords of statements that are not needed.
const SKIPPED: [&[u8]; 28] = [
    b"VERSION",
    b"BS_",
    b"BU_",
    b"CM_",
    b"BA_DEF_",
    b"BA_",
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
const READ: [&[u8]; 7] = [b"NS_", b"BO_", b"SG_", b"VAL_", b"VAL_TABLE_", b"SIG_VALTYPE_", b"SG_MUL_VAL_"];

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

/// The id of the message that editors make up to keep signals without a message.
pub(super) const PSEUDO_MESSAGE_ID: u32 = 0xC000_0000;

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

    /// `VAL_ id signal number "text" … ;`, or with the name of a table instead of numbers and texts.
    fn description(&mut self, place: Place) -> Result<(), DbcFault> {
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
    fn table(&mut self, place: Place) -> Result<(), DbcFault> {
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
    fn value_type(&mut self, place: Place) -> Result<(), DbcFault> {
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
    fn switch(&mut self, place: Place) -> Result<(), DbcFault> {
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
        self.limit(place, self.drafts.switches.len(), "SG_MUL_VAL_ lines", LINES_MAX)
    }

    /// `id signal`
    fn subject(&mut self, place: Place) -> Result<Subject<'a>, DbcFault> {
        let id = self.number(wanted::MESSAGE_ID)?;
        let name = self.name(wanted::SIGNAL_NAME)?;
        Ok(Subject { place, id, name })
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

    fn number<N: std::str::FromStr>(&mut self, wanted: &'static str) -> Result<N, DbcFault> {
        match self.words.peek()?.and_then(|next| parsed(next.token)) {
            Some(number) => {
                self.words.take()?;
                Ok(number)
            }
            None => Err(self.wrong(wanted)),
        }
    }

    fn name(&mut self, wanted: &'static str) -> Result<&'a [u8], DbcFault> {
        match self.words.peek()? {
            Some(Lexeme { token: Token::Word(name), place, .. }) if !is_keyword(name) => {
                if name.len() > NAME_BYTES_MAX {
                    return Err(self.fault(place, DbcFaultKind::LongName));
                }
                self.words.take()?;
                Ok(name)
            }
            _ => Err(self.wrong(wanted)),
        }
    }

    fn mark(&mut self, mark: u8, wanted: &'static str) -> Result<(), DbcFault> {
        match self.words.peek()? {
            Some(next) if next.is_mark(mark) => self.words.take().map(|_| ()),
            _ => Err(self.wrong(wanted)),
        }
    }

    fn limit(&self, place: Place, count: usize, what: &'static str, limit: usize) -> Result<(), DbcFault> {
        if count > limit { Err(self.fault(place, DbcFaultKind::TooMany { what, limit })) } else { Ok(()) }
    }

    fn fault(&self, place: Place, kind: DbcFaultKind) -> DbcFault {
        place.fault(self.drafts.file, kind)
    }

    /// Returns the fault that the next token is another one than is wanted. Where that one begins the next
    /// statement, something is missing at the end of this one.
    fn wrong(&mut self, wanted: &'static str) -> DbcFault {
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

/// Returns whether a statement ends before the token, or with it.
fn ends_statement(lexeme: &Lexeme<'_>) -> bool {
    match lexeme.token {
        Token::Mark(mark) => mark == b';',
        Token::Word(word) => lexeme.starts_line && is_keyword(word),
        Token::Text(_) => false,
    }
}

fn parsed<N: std::str::FromStr>(token: Token<'_>) -> Option<N> {
    let Token::Word(word) = token else { return None };
    std::str::from_utf8(word).ok()?.parse().ok()
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

/// Returns a token as it is shown to people: short, and without what would disturb a terminal.
fn shown(token: Token<'_>) -> String {
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
