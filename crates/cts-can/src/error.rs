//! What can go wrong while a log is read or a result is written.
//!
//! A damaged log is not an error by itself: the reader keeps what is whole and tells the rest as
//! [`Damage`]. It becomes an error only where the caller asked to be strict.

use std::io;

use thiserror::Error;

use crate::rlog::Damage;

/// What is wrong with a row of a table of frames.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowFault {
    /// The row does not say whether it lies before, in or after the window.
    #[error("there is no segment pre, window or post")]
    NoSegment,
    /// The row has no such cell.
    #[error("there is no time")]
    NoTime,
    /// Its text is no number.
    #[error("the time is no number")]
    BadTime,
    /// Infinite, or not a number at all.
    #[error("the time is not finite")]
    EndlessTime,
    /// The row has no such cell.
    #[error("there is no address")]
    NoAddress,
    /// Its text is no address.
    #[error("the address is no number of 32 bits")]
    BadAddress,
    /// Its text is no bus.
    #[error("the bus is no number from 0 to 255")]
    BadBus,
    /// Its text is not made of hexadecimal digits.
    #[error("the payload is not hexadecimal")]
    BadPayload,
    /// No table of frames has such rows.
    #[error("the row is too long")]
    TooLong,
}

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
    /// The file of one of several tables could not be made.
    #[error("cannot make the table {name}")]
    Make {
        /// What it is called.
        name: String,
        /// What the caller, who makes files, said.
        #[source]
        source: io::Error,
    },
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
    /// A row of a table is no frame.
    #[error("line {line}: {fault}")]
    BadRow {
        /// Number of the line in its table, from 1.
        line: u64,
        /// What is wrong with it.
        fault: RowFault,
    },
    /// Frames came in another order than that of time, and were not to be held until the end.
    #[error("the frames are not in the order of time: {time} s comes after {after} s")]
    OutOfOrder {
        /// The time of the frame that came late.
        time: f64,
        /// The time of the frame before it.
        after: f64,
    },
    /// More messages than files can be open at one time.
    #[error("there are more than {0} messages, and each has a table of its own")]
    TooManyTables(usize),
    /// More signals than the columns of one table.
    #[error("the messages have {signals} signals, and one table has at most {limit}")]
    TooManyColumns {
        /// How many there are.
        signals: usize,
        /// How many there may be.
        limit: usize,
    },
    /// More signals than the columns of all tables.
    #[error("the messages have more than {0} signals")]
    TooManySignals(usize),
    /// More addresses than any car has.
    #[error("there are more than {0} addresses")]
    TooManyAddresses(usize),
    /// Inputs that are read twice were not the same both times.
    #[error("the inputs changed while they were read: {first} frames the first time, {second} the second")]
    ChangedInput {
        /// Frames of the first reading.
        first: u64,
        /// Frames of the second one.
        second: u64,
    },
    /// The segments of a table begin windows too often.
    #[error("there are more than {0} windows")]
    TooManyWindows(usize),
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
