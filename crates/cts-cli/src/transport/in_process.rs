//! To the own process: the same app that a service is, with the same database, and without a socket.

use std::time::Duration;

use bytes::Bytes;
use cts_config::{Loaded, Sources};
use cts_server::App;
use cts_server::embedded::{self, Body};
use futures_util::StreamExt as _;
use http::Request;

use super::{Answer, TransportError};
use crate::error::CliError;

/// How long the last spans of a command are waited for.
const TRACES_WAIT_MAX: Duration = Duration::from_secs(2);

/// An app in the own process.
#[derive(Debug)]
pub(crate) struct InProcess {
    app: App,
}

impl InProcess {
    /// Starts the app on the data directory of a configuration.
    pub(crate) async fn start(loaded: &Loaded, sources: &Sources) -> Result<Self, CliError> {
        let app = embedded::start(loaded, sources).await.map_err(|error| {
            let remedy = error.remedy();
            let report = error.report();
            // The report ends with the remedy, which is told apart here.
            let what = remedy.as_deref().and_then(|remedy| report.strip_suffix(remedy)).unwrap_or(&report);
            CliError::InProcess { what: what.trim_end().to_owned(), remedy }
        })?;
        Ok(Self { app })
    }

    /// Sends a request and returns the head of the answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Answer, TransportError> {
        let answer = self.app.handle(request.map(Body::from)).await;
        let (parts, body) = answer.into_parts();
        let body =
            body.into_data_stream().map(|piece| piece.map_err(|error| TransportError::broken(error.to_string())));
        Ok(Answer { status: parts.status, headers: parts.headers, body: Box::pin(body) })
    }

    /// Ends what runs at once, and with it the app.
    pub(crate) async fn kill(&self) -> Result<(), CliError> {
        self.app
            .engine()
            .stop_now()
            .await
            .map_err(|error| CliError::InProcess { what: error.to_string(), remedy: None })
    }

    /// Ends the app when nothing runs any more, or makes an end of it.
    pub(crate) async fn close(&self) -> Result<(), CliError> {
        self.app.close_streams();
        let killed = self.kill().await;
        self.app.engine().tracer().end(TRACES_WAIT_MAX).await;
        killed
    }
}
