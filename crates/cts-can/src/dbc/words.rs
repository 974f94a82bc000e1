//! The words, texts and marks of a DBC file, each with its place.
//!
//! Every byte is looked at a fixed number of times. Places are counted on the way; a column is only worked out
//! when something is wrong.

use super::fault::{DbcFault, DbcFaultKind};

/// Where something begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// Number of the byte in the file, from 0.
    at: usize,
    /// Number of the line, from 0.
    line: usize,
    /// Number of the first byte of that line.
    line_start: usize,
}

impl Place {
    /// Returns the number of the line, from 1.
    pub(super) fn line(self) -> u64 {
        self.line as u64 + 1
    }

    /// Returns the fault of this kind at this place of the file.
    pub(super) fn fault(self, file: &[u8], kind: DbcFaultKind) -> DbcFault {
        let before = file.get(self.line_start..self.at).unwrap_or_default();
        let characters = std::str::from_utf8(before).map_or(before.len(), |text| text.chars().count());
        DbcFault { line: self.line(), column: characters as u64 + 1, kind }
    }
}

/// What a file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Anything up to the next white space or mark: a keyword, a name, a number.
    Word(&'a [u8]),
    /// What stands between two quotes, as it is stored.
    Text(&'a [u8]),
    /// One of `: | @ ( ) [ ] , ;`.
    Mark(u8),
}

/// A token with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexeme<'a> {
    pub(super) token: Token<'a>,
    pub(super) place: Place,
    /// Whether it is the first one in its line.
    pub(super) starts_line: bool,
}

impl Lexeme<'_> {
    pub(super) fn is_mark(&self, mark: u8) -> bool {
        self.token == Token::Mark(mark)
    }
}

/// Reads the tokens of a file one after another.
pub(super) struct Words<'a> {
    file: &'a [u8],
    next: Place,
    peeked: Option<Lexeme<'a>>,
    /// Where the token that was taken last ends.
    last_end: Place,
}

impl<'a> Words<'a> {
    pub(super) fn new(file: &'a [u8], start: usize) -> Self {
        let next = Place { at: start, line: 0, line_start: start };
        Self { file, next, peeked: None, last_end: next }
    }

    /// Returns where the token that was taken last ends.
    pub(super) fn last_end(&self) -> Place {
        self.last_end
    }

    /// Takes the next token; returns none at the end of the file.
    pub(super) fn take(&mut self) -> Result<Option<Lexeme<'a>>, DbcFault> {
        let lexeme = match self.peeked.take() {
            Some(lexeme) => Some(lexeme),
            None => self.read()?,
        };
        self.last_end = self.next;
        Ok(lexeme)
    }

    /// Returns the next token and leaves it there.
    pub(super) fn peek(&mut self) -> Result<Option<Lexeme<'a>>, DbcFault> {
        if self.peeked.is_none() {
            self.peeked = self.read()?;
        }
        Ok(self.peeked)
    }

    /// Returns whether nothing follows in the line of the token that was taken or peeked last.
    pub(super) fn ends_line(&self) -> bool {
        let rest = self.file.get(self.next.at..).unwrap_or_default();
        rest.iter().find(|byte| !is_blank(**byte) || is_line_end(**byte)).is_none_or(|byte| is_line_end(*byte))
    }

    fn read(&mut self) -> Result<Option<Lexeme<'a>>, DbcFault> {
        let starts_line = self.skip_blanks();
        let place = self.next;
        let Some(first) = self.byte(place.at) else { return Ok(None) };
        let token = match first {
            b'"' => Token::Text(self.read_text()?),
            b':' | b'|' | b'@' | b'(' | b')' | b'[' | b']' | b',' | b';' => {
                self.next.at += 1;
                Token::Mark(first)
            }
            _ => {
                while self.byte(self.next.at).is_some_and(is_of_word) {
                    self.next.at += 1;
                }
                Token::Word(&self.file[place.at..self.next.at])
            }
        };
        Ok(Some(Lexeme { token, place, starts_line }))
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.file.get(at).copied()
    }

    /// Skips white space and remarks (`//` up to the end of the line); returns whether a line begins.
    fn skip_blanks(&mut self) -> bool {
        let mut starts_line = self.next.at == self.next.line_start;
        while let Some(byte) = self.byte(self.next.at) {
            if is_blank(byte) {
                starts_line |= self.pass(byte);
            } else if byte == b'/' && self.byte(self.next.at + 1) == Some(b'/') {
                while self.byte(self.next.at).is_some_and(|byte| !is_line_end(byte)) {
                    self.next.at += 1;
                }
            } else {
                break;
            }
        }
        starts_line
    }

    /// Goes past a byte; returns whether a line begins after it.
    fn pass(&mut self, byte: u8) -> bool {
        self.next.at += 1;
        let ends_line = byte == b'\n' || byte == b'\r' && self.byte(self.next.at) != Some(b'\n');
        if ends_line {
            self.next.line += 1;
            self.next.line_start = self.next.at;
        }
        ends_line
    }

    /// Reads a text with its quotes. A quote after a backslash belongs to the text.
    fn read_text(&mut self) -> Result<&'a [u8], DbcFault> {
        let begin = self.next;
        self.next.at += 1;
        let mut is_escaped = false;
        while let Some(byte) = self.byte(self.next.at) {
            self.pass(byte);
            if byte == b'"' && !is_escaped {
                return Ok(&self.file[begin.at + 1..self.next.at - 1]);
            }
            is_escaped = byte == b'\\';
        }
        Err(begin.fault(self.file, DbcFaultKind::OpenText))
    }
}

fn is_blank(byte: u8) -> bool {
    // With the zero bytes and the Control-Z with which old tools fill up a file.
    byte.is_ascii_whitespace() || matches!(byte, 0 | 0x0B | 0x1A)
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_of_word(byte: u8) -> bool {
    !is_blank(byte) && !matches!(byte, b'"' | b':' | b'|' | b'@' | b'(' | b')' | b'[' | b']' | b',' | b';')
}

/// Returns whether a text could stand as a word.
pub(super) fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && !text.starts_with(b"//") && text.iter().all(|byte| is_of_word(*byte))
}

/// Returns a text or a name of a file: UTF-8 where it is that, code page 1252 otherwise, with escaped quotes
/// as plain ones.
pub(super) fn decoded(stored: &[u8]) -> String {
    let text = match std::str::from_utf8(stored) {
        Ok(text) => text.to_owned(),
        Err(_) => stored.iter().map(|byte| of_page_1252(*byte)).collect(),
    };
    if text.contains("\\\"") { text.replace("\\\"", "\"") } else { text }
}

/// Returns the character of the code page 1252: Latin-1, but for 32 places, of which five are Latin-1 again.
fn of_page_1252(byte: u8) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    let odd = byte.checked_sub(0x80).and_then(|place| FROM_80.get(usize::from(place)));
    odd.copied().unwrap_or(char::from(byte))
}
