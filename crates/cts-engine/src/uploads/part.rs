//! The file in which an upload grows, open for one request.
//!
//! The right to write goes with the file into each write: a request that is dropped meanwhile keeps others out until
//! its last write is over, so that nothing lands behind what the next one has written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::WriteGuard;
use crate::error::EngineError;

/// The file of an upload and the right to write it.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    anew: bool,
    /// Opened by the first write.
    file: Option<File>,
    _guard: Arc<WriteGuard>,
}

impl Part {
    /// Returns the part at `path`; with `anew` what is there goes away with the first write.
    pub(super) fn new(path: PathBuf, anew: bool, guard: Arc<WriteGuard>) -> Self {
        Self { path, anew, file: None, _guard: guard }
    }

    /// Appends the bytes and gives the part back.
    ///
    /// # Errors
    /// When the disk does not take them; a part of them may be in the file then.
    pub(super) async fn write(mut self, bytes: Vec<u8>) -> Result<Self, EngineError> {
        let written = tokio::task::spawn_blocking(move || {
            let result = self.write_now(&bytes);
            (self, result)
        });
        let (part, result) = written.await.map_err(|error| EngineError::Panicked(error.to_string()))?;
        result.map_err(EngineError::file("write", part.path.clone()))?;
        Ok(part)
    }

    fn write_now(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(open(&self.path, self.anew)?);
        }
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }
}

fn open(path: &Path, anew: bool) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    let file = options.open(path)?;
    if anew {
        file.set_len(0)?;
    }
    Ok(file)
}
