//! Sends files to the service.

use std::path::{Path, PathBuf};

use cts_api::Upload;

use super::{Done, Report};
use crate::client::Sending;
use crate::error::CliError;
use crate::render::progress::Progress;
use crate::session::Session;

pub(crate) async fn upload(session: &Session, files: &[PathBuf]) -> Result<Done, CliError> {
    let mut uploads = Vec::new();
    for file in session.here.expand(files)? {
        uploads.push(send(session, &file).await?);
    }
    Ok(Done::well(Report::Uploads(uploads)))
}

/// Sends one file.
pub(crate) async fn send(session: &Session, file: &Path) -> Result<Upload, CliError> {
    let size = tokio::fs::metadata(file).await.map_err(CliError::file("read", file))?.len();
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let progress = Progress::of_bytes(&session.screen, &name, size);
    progress.doing("checking");
    let upload = session.client.upload(file, |sending| match sending {
        Sending::Summed(bytes) => progress.at(bytes),
        Sending::Sent(bytes) => {
            progress.doing("sending");
            progress.at(bytes);
        }
    });
    let upload = upload.await?;
    progress.done("sent", upload.size);
    Ok(upload)
}
