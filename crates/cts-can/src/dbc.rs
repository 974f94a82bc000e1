//! DBC files: which messages a bus has, and which signals lie in them.
//!
//! [`Dbc::parse`] takes what is needed to read signals from payloads and skips the rest of the file, so that what
//! vendors add does not keep a file from being used. What cannot be understood, or could be understood in two
//! ways, is a [`DbcFault`] with its place; what was left out without harm to other signals is a [`DbcNote`].
//! Time is linear in the length of the file, and everything that is kept has a limit.
//!
//! ```
//! use cts_can::dbc::{Dbc, shipped};
//! use cts_can::frame::Address;
//!
//! # fn main() -> Result<(), cts_can::dbc::DbcFault> {
//! let file = shipped("subaru_global_2020_hybrid_generated").expect("it comes with the crate");
//! let dbc = Dbc::parse(file.as_bytes())?;
//! let message = dbc.message(Address(0x13C)).expect("the brakes have a message");
//! assert_eq!((message.name.as_str(), message.length_bytes), ("Brake_Status", 8));
//!
//! let payload = [0xDF, 0x07, 0xE6, 0x02, 0x00, 0xA1, 0x21, 0x47];
//! message.decode(&payload, |index, value| {
//!     let signal = &message.signals[index];
//!     println!("{} is {value} {}", signal.name, signal.unit);
//! });
//! let checksum = message.signal("CHECKSUM").expect("it has one");
//! assert_eq!(checksum.signal.value(&payload), Some(223.0));
//! # Ok(())
//! # }
//! ```

use crate::frame::Address;

mod build;
mod drafts;
mod fault;
mod message;
mod read;
mod shipped;
mod words;

pub use fault::{DbcFault, DbcFaultKind, DbcNote, DbcNoteKind};
pub use message::{DbcMessage, DbcSignal, Mux};
pub use shipped::{SHIPPED, shipped};

/// The largest file that is read. The largest databases of vendors have a few megabytes.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most messages of a file.
pub const MESSAGES_MAX: usize = 131_072;

/// The most signals of a file, those of all messages together.
pub const SIGNALS_MAX: usize = 262_144;

/// The most descriptions of values of a file; a table counts each time that a signal uses it.
pub const VALUES_MAX: usize = 1_048_576;

/// The most lines of one kind about signals: `VAL_`, `VAL_TABLE_`, `SIG_VALTYPE_`, and long names.
pub const LINES_MAX: usize = 262_144;

/// The most ranges of values of switches, those of all `SG_MUL_VAL_` lines together.
pub const RANGES_MAX: usize = 262_144;

/// The longest name of a message, a signal or a table.
pub const NAME_BYTES_MAX: usize = 256;

/// How deep switches may choose switches.
pub const MUX_DEPTH_MAX: usize = 8;

/// The most notes that are kept; further ones are counted.
pub const NOTES_MAX: usize = 100;

/// The messages of a bus.
#[derive(Clone, Debug, PartialEq)]
pub struct Dbc {
    messages: Vec<DbcMessage>,
    notes: Vec<DbcNote>,
    notes_left_out: u64,
}

impl Dbc {
    /// Reads a file, in UTF-8 or, where its bytes are none, in the code page 1252 of Windows, which holds Latin-1.
    ///
    /// # Errors
    /// With the place and what is wrong there, when the file is too large, is no DBC file, or describes a message
    /// or a signal that cannot be or that is described twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, DbcFault> {
        build::dbc(read::drafts(bytes)?)
    }

    /// Returns the messages in the order of their addresses, of which no two are equal.
    #[must_use]
    pub fn messages(&self) -> &[DbcMessage] {
        &self.messages
    }

    /// Returns the message with this address.
    #[must_use]
    pub fn message(&self, address: Address) -> Option<&DbcMessage> {
        let index = self.messages.binary_search_by_key(&address, |message| message.address).ok()?;
        self.messages.get(index)
    }

    /// Returns the message with this name; the one with the lowest address where several have it.
    #[must_use]
    pub fn message_named(&self, name: &str) -> Option<&DbcMessage> {
        self.messages.iter().find(|message| message.name == name)
    }

    /// Returns what was left out or is doubtful, in the order of the file, at most [`NOTES_MAX`].
    #[must_use]
    pub fn notes(&self) -> &[DbcNote] {
        &self.notes
    }

    /// Returns how many more notes there would have been.
    #[must_use]
    pub fn notes_left_out(&self) -> u64 {
        self.notes_left_out
    }
}

#[cfg(test)]
mod tests;
