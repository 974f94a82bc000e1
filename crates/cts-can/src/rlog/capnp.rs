//! The part of Cap'n Proto that logs need: stream framing, structs, lists of structs, bytes, far pointers.
//!
//! Nothing here trusts a message. Every pointer is checked against its segment before it is followed, chains
//! of far pointers are at most two long, and a [`Budget`] keeps a message from leading to more content than
//! it has. Nothing is copied, and no message makes it allocate more than the table of its segments. Printing a part
//! of a message for debugging prints sizes and no content, which may be about a person.

use std::fmt;

use super::damage::DamageReason;
use super::{MESSAGE_BYTES_MAX, MESSAGE_SEGMENTS_MAX};
use crate::PointerFault;

const WORD: usize = 8;

/// What a list of zero-sized structs may cost without having any content.
const EMPTY_ELEMENTS_MAX: u64 = 64;

/// Where a segment lies in the bytes after the table of segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

/// What the bytes at the front of a stream are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// A message of `total` bytes whose content begins at `body`; all of it is there.
    Whole { body: usize, total: usize },
    /// The beginning of a message; more is known once `needed` bytes are there.
    Partial { needed: usize },
    /// Nothing that can be a message.
    Bad(DamageReason),
}

/// Reads the table of segments at the front of `bytes` into `spans`.
pub(super) fn frame(bytes: &[u8], spans: &mut Vec<Span>) -> Framing {
    let Some(first) = u32_at(bytes, 0) else { return Framing::Partial { needed: WORD } };
    let count = u64::from(first) + 1;
    if count > MESSAGE_SEGMENTS_MAX {
        return Framing::Bad(DamageReason::TooManySegments(count));
    }
    let count = first as usize + 1;
    let body = (4 + 4 * count).next_multiple_of(WORD);
    spans.clear();
    let mut end: u64 = 0;
    for index in 0..count {
        let Some(words) = u32_at(bytes, 4 + 4 * index) else { return Framing::Partial { needed: body } };
        let start = end;
        end += u64::from(words) * WORD as u64;
        if end > MESSAGE_BYTES_MAX {
            return Framing::Bad(DamageReason::MessageTooLarge(end));
        }
        let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else {
            return Framing::Bad(DamageReason::MessageTooLarge(end));
        };
        spans.push(Span { start, end });
    }
    let (first, last) = (spans[0], spans[spans.len() - 1]);
    if first.end == 0 {
        return Framing::Bad(DamageReason::EmptyMessage);
    }
    let total = body + last.end;
    if bytes.len() < total { Framing::Partial { needed: total } } else { Framing::Whole { body, total } }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

/// How much content a message may still lead to, in words.
///
/// Objects of a message never share bytes, so its own size is enough for everything that a writer makes.
#[derive(Debug)]
pub(super) struct Budget(u64);

impl Budget {
    pub(super) fn for_message(message: Message<'_>) -> Self {
        Self((message.body.len() / WORD) as u64 + EMPTY_ELEMENTS_MAX)
    }

    fn spend(&mut self, words: u64) -> Result<(), PointerFault> {
        self.0 = self.0.checked_sub(words).ok_or(PointerFault::TooMuchContent)?;
        Ok(())
    }
}

/// A message whose bytes are all there.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    body: &'a [u8],
    spans: &'a [Span],
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} bytes in {} segments)", self.body.len(), self.spans.len())
    }
}

impl<'a> Message<'a> {
    pub(super) fn new(body: &'a [u8], spans: &'a [Span]) -> Self {
        Self { body, spans }
    }

    fn segment(self, id: u32) -> Result<&'a [u8], PointerFault> {
        let span = self.spans.get(id as usize).ok_or(PointerFault::NoSuchSegment)?;
        Ok(&self.body[span.start..span.end])
    }

    /// Returns the struct at the root; a null root is a struct without content, so all defaults.
    pub(super) fn root(self) -> Result<Struct<'a>, PointerFault> {
        let segment = self.segment(0)?;
        Pointer { message: self, segment, at: 0 }.to_struct()
    }
}

/// The eight bytes of a pointer.
#[derive(Clone, Copy)]
struct Word([u8; WORD]);

impl Word {
    fn read(segment: &[u8], at: usize) -> Result<Self, PointerFault> {
        let word = segment.get(at..).and_then(|rest| rest.first_chunk()).ok_or(PointerFault::OutOfBounds)?;
        Ok(Self(*word))
    }

    fn is_null(self) -> bool {
        self.0 == [0; WORD]
    }

    fn low(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_le_bytes([a, b, c, d])
    }

    fn high(self) -> u32 {
        let [.., e, f, g, h] = self.0;
        u32::from_le_bytes([e, f, g, h])
    }

    fn kind(self) -> Kind {
        match self.low() & 3 {
            0 => Kind::Struct,
            1 => Kind::List,
            2 => Kind::Far,
            _ => Kind::Other,
        }
    }

    /// The content's distance in words from the end of a struct or list pointer.
    fn offset(self) -> i32 {
        self.low().cast_signed() >> 2
    }

    /// The same bits of a far pointer: where in its segment the landing pad lies.
    fn pad_at(self) -> usize {
        (self.low() >> 3) as usize * WORD
    }

    fn is_double_far(self) -> bool {
        self.low() & 4 != 0
    }

    fn data_bytes(self) -> usize {
        let [.., e, f, _, _] = self.0;
        usize::from(u16::from_le_bytes([e, f])) * WORD
    }

    fn pointer_count(self) -> u16 {
        let [.., g, h] = self.0;
        u16::from_le_bytes([g, h])
    }

    fn element_size(self) -> u32 {
        self.high() & 7
    }

    fn element_count(self) -> u32 {
        self.high() >> 3
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Struct,
    List,
    Far,
    Other,
}

const ELEMENT_SIZE_BYTE: u32 = 2;
const ELEMENT_SIZE_COMPOSITE: u32 = 7;

/// A place in a segment where a pointer stands.
#[derive(Clone, Copy)]
struct Pointer<'a> {
    message: Message<'a>,
    segment: &'a [u8],
    at: usize,
}

/// What a pointer leads to; `start` lies in `segment`, what follows is not yet checked.
struct Target<'a> {
    segment: &'a [u8],
    start: usize,
    word: Word,
}

impl<'a> Pointer<'a> {
    fn follow(self) -> Result<Option<Target<'a>>, PointerFault> {
        let word = Word::read(self.segment, self.at)?;
        if word.is_null() {
            return Ok(None);
        }
        match word.kind() {
            Kind::Struct | Kind::List => near(self.segment, self.at, word).map(Some),
            Kind::Far => self.follow_far(word),
            Kind::Other => Err(PointerFault::UnexpectedKind),
        }
    }

    #[cold]
    fn follow_far(self, far: Word) -> Result<Option<Target<'a>>, PointerFault> {
        let segment = self.message.segment(far.high())?;
        let pad = Word::read(segment, far.pad_at())?;
        if far.is_double_far() {
            let tag = Word::read(segment, far.pad_at() + WORD)?;
            if pad.kind() != Kind::Far || pad.is_double_far() || !matches!(tag.kind(), Kind::Struct | Kind::List) {
                return Err(PointerFault::UnexpectedKind);
            }
            let (segment, start) = (self.message.segment(pad.high())?, pad.pad_at());
            if start > segment.len() {
                return Err(PointerFault::OutOfBounds);
            }
            return Ok(Some(Target { segment, start, word: tag }));
        }
        match pad.kind() {
            _ if pad.is_null() => Ok(None),
            Kind::Struct | Kind::List => near(segment, far.pad_at(), pad).map(Some),
            Kind::Far | Kind::Other => Err(PointerFault::UnexpectedKind),
        }
    }

    fn to_struct(self) -> Result<Struct<'a>, PointerFault> {
        let Some(Target { segment, start, word }) = self.follow()? else { return Ok(Struct::empty(self.message)) };
        if word.kind() != Kind::Struct {
            return Err(PointerFault::UnexpectedKind);
        }
        let pointers_at = start + word.data_bytes();
        if segment.len() < pointers_at + usize::from(word.pointer_count()) * WORD {
            return Err(PointerFault::OutOfBounds);
        }
        let data = &segment[start..pointers_at];
        Ok(Struct { message: self.message, segment, data, pointers_at, pointer_count: word.pointer_count() })
    }
}

fn near<'a>(segment: &'a [u8], at: usize, word: Word) -> Result<Target<'a>, PointerFault> {
    let start = at as i64 + (i64::from(word.offset()) + 1) * WORD as i64;
    match usize::try_from(start) {
        Ok(start) if start <= segment.len() => Ok(Target { segment, start, word }),
        _ => Err(PointerFault::OutOfBounds),
    }
}

/// A struct; what an older writer left out reads as zero.
#[derive(Clone, Copy)]
pub(super) struct Struct<'a> {
    message: Message<'a>,
    segment: &'a [u8],
    data: &'a [u8],
    pointers_at: usize,
    pointer_count: u16,
}

impl fmt::Debug for Struct<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Struct({} bytes, {} pointers)", self.data.len(), self.pointer_count)
    }
}

impl<'a> Struct<'a> {
    /// Returns the struct whose fields are all at their defaults.
    fn empty(message: Message<'a>) -> Self {
        Self { message, segment: &[], data: &[], pointers_at: 0, pointer_count: 0 }
    }

    #[inline]
    fn data_at<const N: usize>(&self, at: usize) -> [u8; N] {
        self.data.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    #[inline]
    pub(super) fn u8(&self, at: usize) -> u8 {
        self.data.get(at).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.data_at(at))
    }

    #[inline]
    pub(super) fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.data_at(at))
    }

    #[inline]
    pub(super) fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.data_at(at))
    }

    pub(super) fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.data_at(at))
    }

    pub(super) fn f32(&self, at: usize) -> f32 {
        f32::from_le_bytes(self.data_at(at))
    }

    /// Returns one bit of a byte, 0 being the least significant.
    pub(super) fn bit(&self, at: usize, bit: u8) -> bool {
        self.u8(at) >> bit & 1 == 1
    }

    /// Returns the content of the message that the struct belongs to.
    pub(super) fn message(&self) -> Message<'a> {
        self.message
    }

    #[inline]
    fn pointer(&self, index: u16) -> Option<Pointer<'a>> {
        let at = self.pointers_at + usize::from(index) * WORD;
        (index < self.pointer_count).then_some(Pointer { message: self.message, segment: self.segment, at })
    }

    #[inline]
    fn follow(&self, index: u16) -> Result<Option<Target<'a>>, PointerFault> {
        self.pointer(index).map_or(Ok(None), Pointer::follow)
    }

    /// Returns the struct that a pointer leads to; one of defaults where it is null.
    pub(super) fn structure(&self, index: u16) -> Result<Self, PointerFault> {
        self.pointer(index).map_or(Ok(Struct::empty(self.message)), Pointer::to_struct)
    }

    /// Returns the text that a pointer leads to, without the zero byte that ends it and up to the first byte that is
    /// not UTF-8; an empty one where it is null.
    pub(super) fn text(&self, index: u16) -> Result<&'a str, PointerFault> {
        let bytes = self.bytes(index)?;
        let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        let readable = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        Ok(readable)
    }

    /// Returns the bytes that a pointer leads to; none where it is null.
    #[inline]
    pub(super) fn bytes(&self, index: u16) -> Result<&'a [u8], PointerFault> {
        let Some(Target { segment, start, word }) = self.follow(index)? else { return Ok(&[]) };
        if word.kind() != Kind::List || word.element_size() != ELEMENT_SIZE_BYTE {
            return Err(PointerFault::UnexpectedKind);
        }
        let rest = &segment[start..];
        rest.get(..word.element_count() as usize).ok_or(PointerFault::OutOfBounds)
    }

    /// Returns the list of structs that a pointer leads to; an empty one where it is null.
    pub(super) fn structs(&self, index: u16) -> Result<StructList<'a>, PointerFault> {
        let empty =
            StructList { message: self.message, segment: &[], start: 0, len: 0, data_bytes: 0, pointer_count: 0 };
        let Some(Target { segment, start, word }) = self.follow(index)? else { return Ok(empty) };
        if word.kind() != Kind::List || word.element_size() != ELEMENT_SIZE_COMPOSITE {
            return Err(PointerFault::UnexpectedKind);
        }
        let content = u64::from(word.element_count()) * WORD as u64;
        let tag = Word::read(segment, start)?;
        let start = start + WORD;
        if ((segment.len() - start) as u64) < content {
            return Err(PointerFault::OutOfBounds);
        }
        if tag.kind() != Kind::Struct {
            return Err(PointerFault::UnexpectedKind);
        }
        let len = tag.offset().cast_unsigned() & (u32::MAX >> 2);
        let (data_bytes, pointer_count) = (tag.data_bytes(), tag.pointer_count());
        let list = StructList { message: self.message, segment, start, len, data_bytes, pointer_count };
        if u64::from(len) * list.element_bytes() as u64 > content {
            return Err(PointerFault::ListOverrun);
        }
        Ok(list)
    }
}

/// A list of structs whose elements all lie in its segment.
#[derive(Clone, Copy)]
pub(super) struct StructList<'a> {
    message: Message<'a>,
    segment: &'a [u8],
    start: usize,
    len: u32,
    data_bytes: usize,
    pointer_count: u16,
}

impl fmt::Debug for StructList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StructList({} of {} bytes)", self.len, self.element_bytes())
    }
}

impl<'a> StructList<'a> {
    fn element_bytes(&self) -> usize {
        self.data_bytes + usize::from(self.pointer_count) * WORD
    }

    pub(super) fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<Struct<'a>> {
        if index >= self.len {
            return None;
        }
        let start = self.start + index as usize * self.element_bytes();
        let pointers_at = start + self.data_bytes;
        Some(Struct {
            message: self.message,
            segment: self.segment,
            data: &self.segment[start..pointers_at],
            pointers_at,
            pointer_count: self.pointer_count,
        })
    }

    /// Checks once that there are not more elements than the message can hold.
    pub(super) fn check_len(&self, budget: &mut Budget) -> Result<(), PointerFault> {
        let element_words = (self.element_bytes() / WORD).max(1) as u64;
        budget.spend(u64::from(self.len) * element_words)
    }

    /// Checks every element's bytes at pointer `index` once, so that reading them again cannot fail.
    pub(super) fn check_bytes(&self, index: u16, budget: &mut Budget) -> Result<(), PointerFault> {
        self.check_len(budget)?;
        for element in (0..self.len).filter_map(|index| self.get(index)) {
            let words = element.bytes(index)?.len().div_ceil(WORD);
            budget.spend(words as u64)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
