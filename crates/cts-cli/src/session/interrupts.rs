//! Ctrl-C and the other signals that ask for the end: counted, so that the second means more than the first.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::error::CliError;
use crate::exit::Exit;

/// At this one nothing is waited for any more.
const LAST: u32 = 3;

/// How often the user asked for the end.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts(watch::Receiver<u32>);

impl Interrupts {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Self, CliError> {
        let listen =
            |kind| signal(kind).map_err(|error| CliError::usage(format!("cannot listen for signals: {error}")));
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let mut hang_up = listen(SignalKind::hangup())?;
        let (counted, count) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hang_up.recv() => {}
                }
                counted.send_modify(|count| *count += 1);
                if *counted.borrow() >= LAST {
                    std::process::exit(i32::from(Exit::Interrupted.code()));
                }
            }
        });
        Ok(Self(count))
    }

    /// Returns how many there were.
    pub(crate) fn count(&self) -> u32 {
        *self.0.borrow()
    }

    /// Waits until there were more than `seen`.
    pub(crate) async fn beyond(&self, seen: u32) {
        let mut count = self.0.clone();
        // The listener lives as long as the process.
        let _ = count.wait_for(|count| *count > seen).await;
    }
}
