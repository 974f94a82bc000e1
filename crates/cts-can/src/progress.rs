//! How far an analysis is, told to whoever waits for it.

/// How far an analysis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Number of the log that is being read, from 0.
    pub log: usize,
    /// Bytes of that log, as stored, that were read so far.
    pub packed_bytes: u64,
    /// Events of all logs so far.
    pub events: u64,
    /// Rows so far.
    pub rows: u64,
}
