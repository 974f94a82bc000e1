//! What the bytes of a driving log mean, without IO.
//!
//! Everything takes `impl Read` and gives `impl Write` or plain values; nothing opens a file, prints, or knows
//! the rest of CTS. Input is never trusted: whatever the bytes are, nothing panics, time is linear in the
//! length of the log and memory does not grow with it.
//!
//! A log to a table, with a window that the user marked:
//!
//! ```
//! use cts_can::table::{TableOptions, write_table};
//! use cts_can::segments::WindowRule;
//!
//! # fn main() -> Result<(), cts_can::Error> {
//! # let log: &[u8] = include_bytes!("../tests/fixtures/edge/garbage_tail.rlog.zst");
//! let options = TableOptions { window: WindowRule::new(Some(0.0), Some(1.0)), ..TableOptions::default() };
//! let mut table = Vec::new();
//! let summary = write_table(log, &mut table, &options, |progress| {
//!     // Draw a bar of `progress.packed_bytes` out of the size of the file.
//! #   let _ = progress;
//! })?;
//!
//! assert!(table.starts_with(b"window,segment,timestamp,address,bus,data_hex\r\n1,window,0.000000,0x123,0,"));
//! assert_eq!(summary.rows, 5);
//! let damage = summary.logs[0].end.damage.as_ref().expect("garbage follows the last event");
//! assert_eq!((damage.byte, damage.plain_bytes_lost), (216, 64));
//! # Ok(())
//! # }
//! ```
//!
//! Several logs become one table with [`table::Conversion`]; events are read one by one with
//! [`rlog::LogReader`].

mod error;
pub mod frame;
// The reading order: a frame, where it comes from, what is done with it.
pub mod rlog;

pub mod inputs;

pub mod signal;

pub mod dbc;

pub mod cars;
pub mod markers;

pub mod bitwatch;
pub mod cruise;
pub mod filter;
pub mod segments;
pub mod summary;
pub mod table;

pub mod report;

// What several of them need.
mod bit_counts;
mod fields;
mod payload_key;
pub mod progress;
mod python;
mod stream_numbers;
mod text;
mod time;

pub use error::{Error, PointerFault, RowFault};
