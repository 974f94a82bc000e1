//! What is wrong with a car profile, where, and how it is mended.

use thiserror::Error;

use super::{ITEMS_MAX, NAME_BYTES_MAX, PROFILE_BYTES_MAX, SpeedUnit};

/// Characters of a text that a fault repeats.
const SHOWN_MAX: usize = 60;

/// Why a profile is not used: what is wrong, where, and what to do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {kind}; {}", kind.remedy())]
pub struct CarFault {
    /// Number of the line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub kind: CarFaultKind,
}

/// What is wrong with a profile.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CarFaultKind {
    /// More than [`PROFILE_BYTES_MAX`].
    #[error("the profile has more than {PROFILE_BYTES_MAX} bytes")]
    TooLarge,
    /// Its bytes are no text.
    #[error("the profile is not in UTF-8")]
    NotText,
    /// It cannot be read at all.
    #[error("not valid TOML: {0}")]
    NotToml(String),
    /// A key that no profile has here.
    #[error("there is no key {key} here")]
    UnknownKey {
        /// The key.
        key: String,
        /// The keys that there can be.
        known: &'static str,
    },
    /// A key that must be there.
    #[error("there is no {0}")]
    Missing(&'static str),
    /// A value of another kind.
    #[error("{key} is not {wanted}")]
    WrongKind {
        /// The key.
        key: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// Empty, or more than [`NAME_BYTES_MAX`].
    #[error("{0} is no name of 1 to {NAME_BYTES_MAX} bytes")]
    BadName(String),
    /// More than [`ITEMS_MAX`].
    #[error("{0} has more than {ITEMS_MAX} items")]
    TooMany(&'static str),
    /// Nothing in it.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// It names no signal.
    #[error("{0:?} names no signal")]
    BadPlace(String),
    /// No bus has this number.
    #[error("{0:?} is no bus")]
    BadBus(String),
    /// It compares with nothing.
    #[error("{0:?} is no comparison")]
    BadTest(String),
    /// Not a unit that is known.
    #[error("{0:?} is no unit of speed")]
    BadUnit(String),
    /// The signals of the speed come with different frames.
    #[error("the signals of the speed are not all of one message")]
    SeveralMessages,
}

impl CarFaultKind {
    /// Returns what to do about it, as a lower-case fragment.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::TooLarge => "give a file with a car profile".to_owned(),
            Self::NotText => "save it as UTF-8".to_owned(),
            Self::NotToml(_) => "mend the line".to_owned(),
            Self::UnknownKey { known, .. } => format!("leave it out, or use one of {known}"),
            Self::Missing("name") => "write name = \"my_car\" at the top".to_owned(),
            Self::Missing("dbc") => {
                "write [[dbc]] and below it the name of a DBC file and the bus that it describes".to_owned()
            }
            Self::Missing(key) => format!("write {key} here"),
            Self::WrongKind { wanted, .. } => format!("write {wanted}"),
            Self::BadName(_) => "shorten it, or write something".to_owned(),
            Self::TooMany(_) => "leave some out".to_owned(),
            Self::Empty(_) => "write at least one item, or leave the key out".to_owned(),
            Self::BadPlace(_) => {
                "write MESSAGE.SIGNAL as the DBC file has them, with @1 behind it for bus 1".to_owned()
            }
            Self::BadBus(_) => "write a number from 0 to 255".to_owned(),
            Self::BadTest(_) => "write ==, !=, <, <=, > or >= and a number".to_owned(),
            Self::BadUnit(_) => format!("write one of {}", SpeedUnit::WORDS.join(", ")),
            Self::SeveralMessages => "name signals of one message".to_owned(),
        }
    }
}

/// Returns a text as a fault repeats it.
pub(super) fn shortened(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
