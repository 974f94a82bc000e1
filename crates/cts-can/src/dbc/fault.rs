//! What is wrong with a DBC file, where, and how it is mended; and what was left out of it.

use std::fmt;

use thiserror::Error;

use super::{FILE_BYTES_MAX, MUX_DEPTH_MAX, NAME_BYTES_MAX};
use crate::frame::Address;
use crate::signal::{PAYLOAD_BYTES_MAX, SignalFault};

/// Why a file is not used: what is wrong, where, and what to do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}, column {column}: {kind}; {}", kind.remedy())]
pub struct DbcFault {
    /// Number of the line, from 1.
    pub line: u64,
    /// Number of the character in its line, from 1.
    pub column: u64,
    /// What is wrong there.
    pub kind: DbcFaultKind,
}

/// What is wrong with a file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DbcFaultKind {
    /// More than [`FILE_BYTES_MAX`].
    #[error("the file has more than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// It begins with the mark of another encoding.
    #[error("the file is in UTF-16")]
    Utf16,
    /// Nothing in it is a message.
    #[error("no line begins with BO_, so there is no message")]
    NoMessages,
    /// More of one thing than any file has.
    #[error("there are more than {limit} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A quote begins a text that the file does not end.
    #[error("the text that begins here has no closing quote")]
    OpenText,
    /// The unit of a signal goes on in the next line.
    #[error("the unit is not closed in its line")]
    OpenUnit,
    /// Another thing stands where one is needed.
    #[error("expected {wanted}, found {found}")]
    Expected {
        /// What should stand there.
        wanted: &'static str,
        /// What does, shortened.
        found: String,
    },
    /// More than [`NAME_BYTES_MAX`].
    #[error("the name has more than {NAME_BYTES_MAX} bytes")]
    LongName,
    /// No frame has such an address.
    #[error("the id {0} is no address of a frame")]
    BadId(u32),
    /// No protocol has such messages.
    #[error("a message of {0} bytes is longer than {PAYLOAD_BYTES_MAX}")]
    LongMessage(u32),
    /// A signal without the message that it belongs to.
    #[error("this signal belongs to no message")]
    SignalOutside,
    /// No such signal can be.
    #[error("{0}")]
    BadSignal(SignalFault),
    /// Two messages have the same address.
    #[error("a message with the address {address} stands in line {line} already")]
    SameAddress {
        /// Their address.
        address: Address,
        /// Where the other one is.
        line: u64,
    },
    /// Two signals of a message have the same name.
    #[error("the message has a signal {name} in line {line} already")]
    SameSignal {
        /// Their name.
        name: String,
        /// Where the other one is.
        line: u64,
    },
    /// The message has several switches, and nothing says which one this signal listens to.
    #[error("the message has several signals marked M, and {name} could listen to each of them")]
    AmbiguousSwitch {
        /// The multiplexed signal.
        name: String,
    },
    /// A signal would be there when two switches agree.
    #[error("{name} has a second switch")]
    SecondSwitch {
        /// The multiplexed signal.
        name: String,
    },
    /// Switches choose switches too deeply, or in a circle.
    #[error("the switches above {name} are more than {MUX_DEPTH_MAX}, or go round in a circle")]
    DeepSwitch {
        /// The multiplexed signal.
        name: String,
    },
}

impl DbcFaultKind {
    /// Returns what to do about it, as a lower-case fragment.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::TooLarge | Self::TooMany { .. } => "split the file into one for each bus",
            Self::Utf16 => "save it as UTF-8",
            Self::NoMessages => "give a DBC file",
            Self::OpenText | Self::OpenUnit => "close it with \"",
            Self::Expected { wanted, .. } => remedy_of_form(wanted),
            Self::LongName => "shorten it",
            Self::BadId(_) => {
                "write an address up to 536870911 as a decimal number, with 2147483648 added for an extended one"
            }
            Self::LongMessage(_) => "write its length in bytes",
            Self::SignalOutside => "put it below the BO_ line of its message",
            Self::BadSignal(SignalFault::Length(_)) => "write the signal as start|length@order",
            Self::BadSignal(SignalFault::FloatLength { .. }) => {
                "mend its length, or its SIG_VALTYPE_: 1 for 32 bits, 2 for 64"
            }
            Self::BadSignal(SignalFault::BeyondPayload) => "mend its start bit and length",
            Self::BadSignal(SignalFault::EndlessScale) => "write (factor,offset) as plain numbers",
            Self::SameAddress { .. } => "remove one of them",
            Self::SameSignal { .. } => "remove or rename one of them",
            Self::AmbiguousSwitch { .. } | Self::SecondSwitch { .. } => "say in one SG_MUL_VAL_ line which one it is",
            Self::DeepSwitch { .. } => "mend the SG_MUL_VAL_ lines",
        }
    }
}

/// The words for what is needed, each with the form of the line it belongs to.
pub(super) mod wanted {
    pub(in super::super) const MESSAGE_ID: &str = "the id of the message";
    pub(in super::super) const MESSAGE_NAME: &str = "the name of the message";
    pub(in super::super) const MESSAGE_COLON: &str = "`:` after the name of the message";
    pub(in super::super) const MESSAGE_LENGTH: &str = "the length of the message";
    pub(in super::super) const SIGNAL_NAME: &str = "the name of the signal";
    pub(in super::super) const SIGNAL_COLON: &str = "`:` or a multiplexing mark like M, m3 or m3M";
    pub(in super::super) const START: &str = "the start bit";
    pub(in super::super) const BAR: &str = "`|` between start bit and length";
    pub(in super::super) const LENGTH: &str = "the length in bits";
    pub(in super::super) const AT: &str = "`@` after the length";
    pub(in super::super) const ORDER: &str = "0 or 1 for the byte order, then + or -";
    pub(in super::super) const SCALE: &str = "the scale as (factor,offset)";
    pub(in super::super) const RANGE: &str = "the range as [least|greatest]";
    pub(in super::super) const UNIT: &str = "the unit in quotes";
    pub(in super::super) const VALUES_NAME: &str = "the name of the table";
    pub(in super::super) const VALUE: &str = "a raw number or `;`";
    pub(in super::super) const VALUE_TEXT: &str = "the description in quotes";
    pub(in super::super) const VALUE_TYPE: &str = "the type 0, 1, 2 or 3";
    pub(in super::super) const SWITCH: &str = "the name of the switch";
    pub(in super::super) const SWITCH_VALUES: &str = "values of the switch like 3-5";
}

fn remedy_of_form(wanted: &str) -> &'static str {
    match wanted {
        wanted::MESSAGE_ID | wanted::MESSAGE_NAME | wanted::MESSAGE_COLON | wanted::MESSAGE_LENGTH => {
            "write the message like `BO_ 291 NAME: 8 SENDER`"
        }
        wanted::VALUES_NAME => "write the table like `VAL_TABLE_ NAME 0 \"off\" 1 \"on\" ;`",
        wanted::VALUE | wanted::VALUE_TEXT => "write the values like `VAL_ 291 SIGNAL 0 \"off\" 1 \"on\" ;`",
        wanted::VALUE_TYPE => "write the type like `SIG_VALTYPE_ 291 SIGNAL : 1;`",
        wanted::SWITCH | wanted::SWITCH_VALUES => "write the line like `SG_MUL_VAL_ 291 SIGNAL SWITCH 0-3, 5-5;`",
        _ => "write the signal like `SG_ NAME : 7|16@0+ (0.01,0) [0|250] \"km/h\" RECEIVER`",
    }
}

/// Something that was left out or is doubtful, while the rest of the file is used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DbcNote {
    /// Number of the line, from 1.
    pub line: u64,
    /// What it is about.
    pub kind: DbcNoteKind,
}

impl fmt::Display for DbcNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.kind)
    }
}

/// What was left out or is doubtful.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DbcNoteKind {
    /// A line begins with a word that no DBC file has.
    #[error("skipped what begins with {0}")]
    UnknownKeyword(String),
    /// A line is about a signal that the file does not have.
    #[error("skipped what is said of {signal}, which message {id} does not have")]
    UnknownSignal {
        /// The id as the file writes it.
        id: u32,
        /// The name.
        signal: String,
    },
    /// A line names a table that the file does not have.
    #[error("skipped a table {0}, which the file does not have")]
    UnknownTable(String),
    /// The described number is not whole, or too large.
    #[error("skipped the description of {0}, which is no raw number")]
    BadValue(String),
    /// A signal is multiplexed, but the message has no switch; it is read from every payload.
    #[error("{0} is multiplexed, but no signal of its message is marked M; it is read from every payload")]
    NoSwitch(String),
    /// A signal lies partly or wholly beyond the length of its message.
    #[error("{signal} does not fit the {length_bytes} bytes of its message")]
    BeyondMessage {
        /// The signal.
        signal: String,
        /// The length of its message.
        length_bytes: u16,
    },
}
