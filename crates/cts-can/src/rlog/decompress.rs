//! The plain bytes of a log, whatever it is compressed with.
//!
//! The format is told by the first bytes and never by a name: zstd (also several frames one after another),
//! bzip2 (also several streams), else plain. Memory is bounded by the constants below. Damage is an end like
//! any other, not an error: what was decompressed before it is good and has been handed out.

use std::io::{self, ErrorKind, Read};

use bzip2::{Decompress as Bzip2, Status};
use zstd::zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd::zstd_safe::{self, DCtx, DParameter, InBuffer, OutBuffer};

use super::damage::DamageReason;
use crate::Error;

/// Bytes that are read from the input at once; a zstd block with its header fits.
const INPUT_BYTES: usize = 128 * 1024 + 16;

/// The logarithm of the largest zstd window that is taken (32 MiB): what `zstd -20` writes. Larger ones would
/// break the bound on memory.
pub(super) const ZSTD_WINDOW_LOG_MAX: u32 = 25;

/// How many times its size decompressing a log may take, past the first [`EFFORT_BYTES_FREE`]. Logs of a car that
/// stands still reach some hundred times; what is made to harm reaches thousands (zstd) or a million (bzip2).
pub(super) const EFFORT_PER_BYTE_MAX: u64 = 1000;

/// Bytes that are handed out or prepared however few stored ones they come from.
const EFFORT_BYTES_FREE: u64 = 256 * 1024 * 1024;

/// The memory that is prepared for each bzip2 stream, however short it is.
const BZIP2_STREAM_BYTES: u64 = 900_000 * 4;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
const ZSTD_SKIPPABLE_MAGIC: [u8; 3] = [0x2A, 0x4D, 0x18];
const BZIP2_MAGIC: [u8; 3] = *b"BZh";

/// How a log is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Not compressed.
    Plain,
    /// One or more zstd frames.
    Zstd,
    /// One or more bzip2 streams.
    Bzip2,
}

impl Format {
    /// Returns the format that a file with these first four bytes (or fewer, when it is shorter) has.
    #[must_use]
    pub fn detect(first: &[u8]) -> Self {
        match first {
            [a @ 0x50..=0x5F, rest @ ..] if *a & 0xF0 == 0x50 && rest.starts_with(&ZSTD_SKIPPABLE_MAGIC) => Self::Zstd,
            _ if first.starts_with(&ZSTD_MAGIC) => Self::Zstd,
            _ if first.starts_with(&BZIP2_MAGIC) && matches!(first.get(3), Some(b'1'..=b'9')) => Self::Bzip2,
            _ => Self::Plain,
        }
    }

    /// Returns `plain`, `zstd` or `bzip2`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
        }
    }
}

/// How a stream of plain bytes ended.
#[derive(Clone, Debug)]
pub(super) enum StreamEnd {
    Clean,
    Damaged { reason: DamageReason, packed_bytes_lost: u64 },
}

/// What one call of [`Decompressor::fill`] did.
#[derive(Debug)]
pub(super) struct Filled {
    /// Plain bytes that were written to the front of the buffer.
    pub(super) bytes: usize,
    /// Set once, together with the last bytes.
    pub(super) end: Option<StreamEnd>,
}

/// Reads a log and hands out its plain bytes.
pub(super) struct Decompressor<R> {
    input: Input<R>,
    codec: Codec,
    /// Plain bytes that were handed out, and bytes of memory that were prepared for that.
    effort: u64,
}

enum Codec {
    Unknown,
    Plain,
    Zstd {
        context: DCtx<'static>,
        inside_frame: bool,
    },
    /// The stream is missing between two streams.
    Bzip2 {
        stream: Option<Bzip2>,
    },
}

impl<R: Read> Decompressor<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: Input::new(input), codec: Codec::Unknown, effort: 0 }
    }

    /// Returns how many bytes of the input, as stored, were read so far.
    pub(super) fn packed_bytes(&self) -> u64 {
        self.input.read
    }

    /// Returns how the log is stored, once its first bytes were read.
    pub(super) fn format(&self) -> Option<Format> {
        match self.codec {
            Codec::Unknown => None,
            Codec::Plain => Some(Format::Plain),
            Codec::Zstd { .. } => Some(Format::Zstd),
            Codec::Bzip2 { .. } => Some(Format::Bzip2),
        }
    }

    /// Writes the next plain bytes to `out`. Writes none only together with an end.
    ///
    /// What was decompressed before the reader failed is written first; the error comes with the next call.
    pub(super) fn fill(&mut self, out: &mut [u8]) -> Result<Filled, Error> {
        debug_assert!(!out.is_empty(), "an empty buffer can never be filled");
        if matches!(self.codec, Codec::Unknown) {
            self.codec = self.detect()?;
        }
        self.fill_or_fail(out).map_err(|source| Error::Read { packed_bytes: self.input.read, source })
    }

    fn fill_or_fail(&mut self, out: &mut [u8]) -> io::Result<Filled> {
        if self.input.is_damaged {
            return self.input.fail(0);
        }
        let filled = match &mut self.codec {
            Codec::Unknown => unreachable!("the format was detected above"),
            Codec::Plain => self.input.copy_to(out),
            Codec::Zstd { context, inside_frame } => fill_zstd(&mut self.input, context, inside_frame, out),
            Codec::Bzip2 { stream } => fill_bzip2(&mut self.input, stream, &mut self.effort, out),
        }?;
        self.effort += filled.bytes as u64;
        if filled.end.is_none() && is_bomb(self.effort, self.input.used()) {
            return self.input.damaged(filled.bytes, DamageReason::DecompressionBomb);
        }
        Ok(filled)
    }

    fn detect(&mut self) -> Result<Codec, Error> {
        if let Err(source) = self.input.fill_to(4) {
            return Err(Error::Read { packed_bytes: self.input.read, source });
        }
        Ok(match Format::detect(self.input.unread()) {
            Format::Plain => Codec::Plain,
            Format::Bzip2 => Codec::Bzip2 { stream: None },
            Format::Zstd => {
                let fail = |reason| Error::Decoder { format: Format::Zstd.name(), reason };
                let mut context = DCtx::try_create().ok_or_else(|| fail("out of memory"))?;
                context
                    .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))
                    .map_err(|code| fail(zstd_safe::get_error_name(code)))?;
                Codec::Zstd { context, inside_frame: false }
            }
        })
    }
}

/// Returns whether so few stored bytes take so much effort that they were made to harm.
fn is_bomb(effort: u64, used: u64) -> bool {
    effort > EFFORT_BYTES_FREE && effort / EFFORT_PER_BYTE_MAX > used
}

fn fill_zstd<R: Read>(
    input: &mut Input<R>,
    context: &mut DCtx<'static>,
    inside_frame: &mut bool,
    out: &mut [u8],
) -> io::Result<Filled> {
    let mut written = 0;
    while written < out.len() {
        input.refill_if_empty();
        let mut source = InBuffer::around(input.unread());
        let mut target = OutBuffer::around(&mut out[written..]);
        let result = context.decompress_stream(&mut target, &mut source);
        let (taken, given) = (source.pos(), target.pos());
        input.consume(taken);
        written += given;
        match result {
            Ok(hint) => {
                // At the end of a frame the hint is 0. A call without any input leaves the state as it was.
                if taken > 0 || given > 0 {
                    *inside_frame = hint != 0;
                } else if input.failure.is_some() && input.is_empty() {
                    return input.fail(written);
                } else if input.at_end && input.is_empty() {
                    let end = match *inside_frame {
                        true => StreamEnd::Damaged { reason: DamageReason::CutZstd, packed_bytes_lost: 0 },
                        false => StreamEnd::Clean,
                    };
                    return Ok(Filled { bytes: written, end: Some(end) });
                } else if !input.is_empty() {
                    return input.damaged(written, DamageReason::CorruptZstd("no progress"));
                }
            }
            Err(code) if zstd_safe::is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_memory_allocation) => {
                return Err(ErrorKind::OutOfMemory.into());
            }
            Err(code) => {
                let name = zstd_safe::get_error_name(code);
                let reason =
                    match zstd_safe::is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) {
                        true => DamageReason::ZstdWindow,
                        false => DamageReason::CorruptZstd(name),
                    };
                return input.damaged(written, reason);
            }
        }
    }
    Ok(Filled { bytes: written, end: None })
}

fn fill_bzip2<R: Read>(
    input: &mut Input<R>,
    stream: &mut Option<Bzip2>,
    effort: &mut u64,
    out: &mut [u8],
) -> io::Result<Filled> {
    let mut written = 0;
    while written < out.len() {
        input.refill_if_empty();
        let at_end = input.at_end && input.is_empty();
        let failed = input.failure.is_some() && input.is_empty();
        if stream.is_none() && at_end {
            return Ok(Filled { bytes: written, end: Some(StreamEnd::Clean) });
        }
        if stream.is_none() && failed {
            return input.fail(written);
        }
        if stream.is_none() {
            *effort += BZIP2_STREAM_BYTES;
            if is_bomb(*effort, input.used()) {
                return input.damaged(written, DamageReason::DecompressionBomb);
            }
        }
        let decoder = stream.get_or_insert_with(|| Bzip2::new(false));
        let (taken_before, given_before) = (decoder.total_in(), decoder.total_out());
        let result = decoder.decompress(input.unread(), &mut out[written..]);
        let taken = to_usize(decoder.total_in() - taken_before);
        let given = to_usize(decoder.total_out() - given_before);
        input.consume(taken);
        written += given;
        match result {
            Ok(Status::StreamEnd) => *stream = None,
            // The machine's fault and not the log's.
            Ok(Status::MemNeeded) => return Err(ErrorKind::OutOfMemory.into()),
            Ok(_) if taken > 0 || given > 0 => {}
            Ok(_) if failed => return input.fail(written),
            Ok(_) if at_end => {
                let end = StreamEnd::Damaged { reason: DamageReason::CutBzip2, packed_bytes_lost: 0 };
                return Ok(Filled { bytes: written, end: Some(end) });
            }
            Ok(_) => return input.damaged(written, DamageReason::CorruptBzip2("no progress")),
            Err(bzip2::Error::DataMagic) => {
                return input.damaged(written, DamageReason::CorruptBzip2("a stream has no header"));
            }
            Err(_) => return input.damaged(written, DamageReason::CorruptBzip2("a block is not valid")),
        }
    }
    Ok(Filled { bytes: written, end: None })
}

/// A difference of two totals of one call; it is never more than the length of a slice.
fn to_usize(count: u64) -> usize {
    usize::try_from(count).expect("one call handles no more bytes than its slices hold")
}

/// The stored bytes: what was read and not yet used.
struct Input<R> {
    reader: R,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    read: u64,
    at_end: bool,
    /// Why the reader gives no more, until that was told.
    failure: Option<io::Error>,
    /// Set when what follows is of no use.
    is_damaged: bool,
}

impl<R: Read> Input<R> {
    fn new(reader: R) -> Self {
        let (bytes, failure) = (Vec::new(), None);
        Self { reader, bytes, start: 0, end: 0, read: 0, at_end: false, failure, is_damaged: false }
    }

    fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Returns how many bytes were read and used.
    fn used(&self) -> u64 {
        self.read - self.unread().len() as u64
    }

    fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end, "a decoder took more than it was given");
    }

    /// Reads the next bytes once the ones before are used up. That there are none is told by `at_end` or `failure`.
    fn refill_if_empty(&mut self) {
        if !self.is_empty() || self.at_end || self.failure.is_some() {
            return;
        }
        self.bytes.resize(INPUT_BYTES, 0);
        self.start = 0;
        self.end = 0;
        match self.read_to_free(0) {
            Ok(count) => self.end = count,
            Err(failure) => self.failure = Some(failure),
        }
    }

    /// Reads until there are at least `count` unread bytes, fewer only when the input has no more.
    fn fill_to(&mut self, count: usize) -> io::Result<()> {
        self.bytes.resize(INPUT_BYTES, 0);
        while self.end < count && !self.at_end {
            self.end += self.read_to_free(self.end)?;
        }
        Ok(())
    }

    fn read_to_free(&mut self, from: usize) -> io::Result<usize> {
        let count = read_some(&mut self.reader, &mut self.bytes[from..])?;
        self.read += count as u64;
        self.at_end = count == 0;
        Ok(count)
    }

    /// Hands out what was decompressed before the reader failed, and the failure once there is nothing.
    fn fail(&mut self, bytes: usize) -> io::Result<Filled> {
        if bytes > 0 {
            return Ok(Filled { bytes, end: None });
        }
        Err(self.failure.take().unwrap_or_else(|| io::Error::other("reading has failed before")))
    }

    /// Hands out bytes as they are, without the detour through the own buffer once it is empty.
    fn copy_to(&mut self, out: &mut [u8]) -> io::Result<Filled> {
        let mut bytes = self.unread().len().min(out.len());
        if bytes > 0 {
            out[..bytes].copy_from_slice(&self.bytes[self.start..self.start + bytes]);
            self.consume(bytes);
        } else {
            bytes = read_some(&mut self.reader, out)?;
            self.read += bytes as u64;
        }
        Ok(Filled { bytes, end: (bytes == 0).then_some(StreamEnd::Clean) })
    }

    /// Ends the stream and counts the stored bytes that are lost, to the end of the input.
    fn damaged(&mut self, bytes: usize, reason: DamageReason) -> io::Result<Filled> {
        self.is_damaged = true;
        let mut packed_bytes_lost = 0;
        loop {
            self.refill_if_empty();
            if self.is_empty() {
                break;
            }
            packed_bytes_lost += self.unread().len() as u64;
            self.start = self.end;
        }
        if self.failure.is_some() {
            return self.fail(bytes);
        }
        Ok(Filled { bytes, end: Some(StreamEnd::Damaged { reason, packed_bytes_lost }) })
    }
}

/// Reads once, again when a signal came in between.
fn read_some(reader: &mut impl Read, out: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(out) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
