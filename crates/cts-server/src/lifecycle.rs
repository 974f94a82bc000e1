//! Signals and the end of the service: the first asks for an end in order, the second ends everything at once.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::App;
use crate::error::ServerError;

/// The signals that ask for the end.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens for them.
    pub(crate) fn listen() -> Result<Self, ServerError> {
        let listen = |kind| signal(kind).map_err(ServerError::Runtime);
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for the next one and returns its number.
    pub(crate) async fn next(&mut self) -> u8 {
        let kind = tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        };
        u8::try_from(kind.as_raw_value()).unwrap_or(0)
    }
}

/// How the service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// In order.
    Clean,
    /// At once, because of this signal.
    AtOnce(u8),
}

/// Finishes what runs, within `patience`; what still runs then is stopped. Another signal ends everything at once.
pub(crate) async fn drain(app: &App, signals: &mut Signals, patience: Duration) -> Result<End, ServerError> {
    let engine = app.engine();
    engine.begin_drain();
    tokio::select! {
        drained = engine.drain(patience) => drained.map(|()| End::Clean).map_err(ServerError::Engine),
        number = signals.next() => {
            tracing::warn!("a second signal came: everything that runs is ended");
            if let Err(error) = engine.stop_now().await {
                tracing::error!("cannot record the end of what ran: {error}");
            }
            Ok(End::AtOnce(number))
        }
    }
}
