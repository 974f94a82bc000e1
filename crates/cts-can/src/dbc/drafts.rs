//! What a DBC file says, statement by statement, before it is put together.
//!
//! Names and texts are borrowed from the file; signals, values and ranges stand in one list each, of which
//! the statements own stretches.

use std::ops::Range;

use super::NOTES_MAX;
use super::fault::{DbcNote, DbcNoteKind};
use super::words::Place;
use crate::signal::ByteOrder;

/// The id of the message that editors make up to keep signals without a message.
pub(super) const PSEUDO_MESSAGE_ID: u32 = 0xC000_0000;

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
    pub(super) long_names: Vec<LongNameDraft<'a>>,
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

pub(super) struct LongNameDraft<'a> {
    pub(super) id: u32,
    /// The signal that is meant, or none for the message itself.
    pub(super) signal: Option<&'a [u8]>,
    pub(super) name: &'a [u8],
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
