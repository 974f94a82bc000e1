//! What can go wrong while the log is set up.

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Another log is already in place in this process.
    #[error("this process already has a log")]
    AlreadySet,
    /// The thread that writes the lines could not be started.
    #[error("cannot start the thread that writes the log")]
    Thread(#[source] std::io::Error),
}
