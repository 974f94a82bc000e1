//! What can go wrong while a log is read or a result is written.
//!
//! A damaged log is not an error by itself: the reader keeps what is whole and tells the rest as
//! [`Damage`](crate::rlog::Damage). It becomes an error only where the caller asked to be strict.

use std::io;

use thiserror::Error;

use crate::rlog::Damage;

/// What ends an analysis early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The input could not be read; the bytes it gave before are not in doubt.
    #[error("cannot read the log after {packed_bytes} bytes")]
    Read {
        /// Bytes of the input, as stored, that were read before.
        packed_bytes: u64,
        /// What the reader said.
        #[source]
        source: io::Error,
    },
    /// The output did not take the bytes.
    #[error("cannot write the rows")]
    Write(#[source] io::Error),
    /// The decoder of a compressed log could not be made.
    #[error("cannot set up the {format} decoder: {reason}")]
    Decoder {
        /// The compression, as in [`Format::name`](crate::rlog::Format::name).
        format: &'static str,
        /// What the library said.
        reason: &'static str,
    },
    /// Strict reading met a damaged tail.
    #[error("the log is damaged at byte {}: {}", .0.byte, .0.reason)]
    Damaged(Damage),
    /// Strict reading met an event of a kind that the schema does not know.
    #[error("message {message} is an event of the unknown kind {kind}")]
    UnknownEvent {
        /// Number of the message in its log, from 0.
        message: u64,
        /// The event's discriminant.
        kind: u16,
    },
    /// Strict reading met a message whose frame is whole but whose inside is not.
    #[error("message {message} is damaged inside: {fault}")]
    BadEvent {
        /// Number of the message in its log, from 0.
        message: u64,
        /// What is wrong with it.
        fault: PointerFault,
    },
}

/// What is wrong with a pointer inside a message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PointerFault {
    /// The target does not lie in its segment.
    #[error("a pointer leads out of its segment")]
    OutOfBounds,
    /// The pointer names a segment that the message does not have.
    #[error("a pointer names a missing segment")]
    NoSuchSegment,
    /// The pointer leads to another kind of thing than the schema says.
    #[error("a pointer leads to an unexpected kind of value")]
    UnexpectedKind,
    /// A list of structs is longer than the words that hold it.
    #[error("a list is longer than its content")]
    ListOverrun,
    /// Pointers lead to more content than the message has: the same bytes were reached again and again.
    #[error("pointers lead to the same content too often")]
    TooMuchContent,
}
