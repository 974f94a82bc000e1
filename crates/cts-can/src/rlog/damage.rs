//! Where a log stops making sense, why, and how much of it is lost by that.
//!
//! Everything before [`Damage::byte`] was read and is good; everything after it was not used.

use thiserror::Error;

use super::decompress::{EFFORT_PER_BYTE_MAX, ZSTD_WINDOW_LOG_MAX};
use super::{MESSAGE_BYTES_MAX, MESSAGE_SEGMENTS_MAX};

/// The damaged tail of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Why reading stopped.
    pub reason: DamageReason,
    /// Where in the decompressed log the last whole message ends.
    pub byte: u64,
    /// How many whole messages come before; so the number of the first one that is lost.
    pub message: u64,
    /// Decompressed bytes after `byte` that could not be used.
    pub plain_bytes_lost: u64,
    /// Bytes of the file, as stored, that could not be decompressed. What a cut took away is not counted.
    pub packed_bytes_lost: u64,
}

/// Why a log could not be read to its end.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageReason {
    /// The log ends before its last message does.
    #[error("the log ends inside a message")]
    CutMessage,
    /// Nothing at the beginning looks like a message.
    #[error("this is not a driving log")]
    NotALog,
    /// A message's table claims more segments than any writer makes.
    #[error("a message claims {0} segments, the limit is {MESSAGE_SEGMENTS_MAX}")]
    TooManySegments(u64),
    /// A message's table claims more bytes than any event has.
    #[error("a message claims {0} bytes, the limit is {MESSAGE_BYTES_MAX}")]
    MessageTooLarge(u64),
    /// A message has no place for its content; runs of zero bytes look like that.
    #[error("a message is empty")]
    EmptyMessage,
    /// The file ends inside a zstd frame.
    #[error("the file ends inside a zstd frame")]
    CutZstd,
    /// A zstd frame asks for more memory than the reader gives.
    #[error("a zstd frame needs a window of more than {} MiB", 1_u32 << (ZSTD_WINDOW_LOG_MAX - 20))]
    ZstdWindow,
    /// The bytes are no zstd data.
    #[error("the zstd data is corrupt ({0})")]
    CorruptZstd(&'static str),
    /// The file is so small for what it takes to decompress it that it was made to harm.
    #[error("decompressing the file takes more than {EFFORT_PER_BYTE_MAX} times its size")]
    DecompressionBomb,
    /// The file ends inside a bzip2 stream.
    #[error("the file ends inside a bzip2 stream")]
    CutBzip2,
    /// The bytes are no bzip2 data.
    #[error("the bzip2 data is corrupt ({0})")]
    CorruptBzip2(&'static str),
}
