//! Fetches an artifact into a file: into a temporary one beside it first, resumed by range after a broken connection,
//! checked by size and sha256, and only then under its name.

use std::path::{Path, PathBuf};

use cts_api::Artifact;
use cts_model::Sha256;
use futures_util::StreamExt as _;
use http::StatusCode;
use http::header::{ACCEPT, IF_RANGE, RANGE};
use sha2::Digest as _;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::retry::Backoff;
use super::watch::may_pass;
use super::{Call, Client, encode};
use crate::error::CliError;

/// How often a file is fetched anew whose bytes differ.
const WHOLE_TRIES_MAX: u32 = 2;
/// Piece in which an existing file is read.
const READ_BYTES: usize = 256 * 1024;

/// What is fetched, and where to.
#[derive(Debug)]
pub(crate) struct Download<'a> {
    /// The artifact.
    pub(crate) artifact: &'a Artifact,
    /// The file it becomes.
    pub(crate) target: PathBuf,
}

/// What was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Ends of lines, of a text.
    pub(crate) lines: u64,
    /// The same file was there already.
    pub(crate) was_there: bool,
}

/// A file that grows.
struct Part {
    file: tokio::fs::File,
    size: u64,
    lines: u64,
    sum: sha2::Sha256,
}

impl Part {
    async fn begin_anew(&mut self) -> std::io::Result<()> {
        self.file.set_len(0).await?;
        self.file.rewind().await?;
        (self.size, self.lines, self.sum) = (0, 0, sha2::Sha256::new());
        Ok(())
    }

    async fn add(&mut self, piece: &[u8]) -> std::io::Result<()> {
        self.file.write_all(piece).await?;
        self.size += piece.len() as u64;
        self.lines += newlines(piece);
        self.sum.update(piece);
        Ok(())
    }
}

impl Client {
    /// Fetches an artifact; `arrived` sees how many bytes are there.
    pub(crate) async fn fetch(
        &self,
        download: &Download<'_>,
        mut arrived: impl FnMut(u64),
    ) -> Result<Fetched, CliError> {
        let Download { artifact, target } = download;
        let folder = target.parent().unwrap_or(Path::new("."));
        tokio::fs::create_dir_all(folder).await.map_err(CliError::file("make the folder", folder))?;
        if let Some(lines) = same_file(target, artifact).await {
            arrived(artifact.size);
            return Ok(Fetched { lines, was_there: true });
        }
        // Beside the target, so that the last step is a rename; gone when this is broken off.
        let temporary = tempfile::Builder::new().prefix(".cts-").suffix(".part").tempfile_in(folder);
        let temporary = temporary.map_err(CliError::file("write into", folder))?;
        let file = temporary.reopen().map_err(CliError::file("write into", folder))?;
        let mut part = Part { file: tokio::fs::File::from_std(file), size: 0, lines: 0, sum: sha2::Sha256::new() };
        let mut tries = 0;
        loop {
            self.fetch_bytes(artifact, target, &mut part, &mut arrived).await?;
            let found = Sha256(part.sum.clone().finalize().into()).to_string();
            if part.size == artifact.size && found == artifact.sha256 {
                break;
            }
            tries += 1;
            if tries >= WHOLE_TRIES_MAX {
                let (name, expected) = (artifact.filename.clone(), artifact.sha256.clone());
                return Err(CliError::Checksum { name, found, expected, attempts: tries });
            }
            part.begin_anew().await.map_err(CliError::file("write", target))?;
        }
        let lines = part.lines;
        finish(part, temporary, target.clone()).await.map_err(CliError::file("write", target))?;
        Ok(Fetched { lines, was_there: false })
    }

    /// Adds bytes until there are as many as the artifact has, over broken connections.
    async fn fetch_bytes(
        &self,
        artifact: &Artifact,
        target: &Path,
        part: &mut Part,
        arrived: &mut impl FnMut(u64),
    ) -> Result<(), CliError> {
        let mut backoff = Backoff::new();
        while part.size < artifact.size {
            backoff.begins();
            let before = part.size;
            let failure = match self.fetch_piece(artifact, target, part, arrived).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if part.size > before {
                backoff.succeeded();
            }
            if !may_pass(&failure) || !backoff.wait().await {
                return Err(failure);
            }
        }
        Ok(())
    }

    async fn fetch_piece(
        &self,
        artifact: &Artifact,
        target: &Path,
        part: &mut Part,
        arrived: &mut impl FnMut(u64),
    ) -> Result<(), CliError> {
        let mut call = Call::get(&format!("/v1/artifacts/{}/download", encode(&artifact.id))).header(ACCEPT, "*/*");
        if part.size > 0 {
            call = call
                .header(RANGE, &format!("bytes={}-", part.size))
                .header(IF_RANGE, &format!("\"{}\"", artifact.sha256));
        }
        let mut answer = self.send(call).await?;
        let begins_at = match answer.status {
            StatusCode::PARTIAL_CONTENT => answer.header("content-range").and_then(range_start),
            _ => Some(0),
        };
        if begins_at != Some(part.size) {
            // A whole answer to a request for the rest, or another range than was asked for.
            part.begin_anew().await.map_err(CliError::file("write", target))?;
            if begins_at != Some(0) {
                return Err(
                    self.lost(crate::transport::TransportError::broken("the answer is not the range asked for"))
                );
            }
        }
        while let Some(piece) = answer.body.next().await {
            let piece = piece.map_err(|error| self.lost(error))?;
            part.add(&piece).await.map_err(CliError::file("write", target))?;
            arrived(part.size);
            if part.size > artifact.size {
                break;
            }
        }
        if part.size < artifact.size {
            let why = format!("it broke off at byte {} of {}", part.size, artifact.size);
            return Err(self.lost(crate::transport::TransportError::broken(why)));
        }
        Ok(())
    }

    /// Writes an artifact to standard output; it is checked at the end, when it has been seen.
    pub(crate) async fn fetch_to(
        &self,
        artifact: &Artifact,
        out: &mut (impl tokio::io::AsyncWrite + Unpin),
    ) -> Result<(), CliError> {
        let call = Call::get(&format!("/v1/artifacts/{}/download", encode(&artifact.id))).header(ACCEPT, "*/*");
        let mut answer = self.send(call).await?;
        let mut sum = sha2::Sha256::new();
        while let Some(piece) = answer.body.next().await {
            let piece = piece.map_err(|error| self.lost(error))?;
            sum.update(&piece);
            match out.write_all(&piece).await {
                Ok(()) => {}
                // The reader has seen enough.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(CliError::file("write to", "standard output")(error)),
            }
        }
        out.flush().await.map_err(CliError::file("write to", "standard output"))?;
        let found = Sha256(sum.finalize().into()).to_string();
        if found != artifact.sha256 {
            let (name, expected) = (artifact.filename.clone(), artifact.sha256.clone());
            return Err(CliError::Checksum { name, found, expected, attempts: 1 });
        }
        Ok(())
    }
}

async fn finish(part: Part, temporary: tempfile::NamedTempFile, target: PathBuf) -> std::io::Result<()> {
    let mut file = part.file;
    file.flush().await?;
    file.sync_all().await?;
    drop(file);
    let renamed = tokio::task::spawn_blocking(move || {
        use std::os::unix::fs::PermissionsExt as _;
        // A temporary file is for its owner alone; a result is like any other file of the user.
        let mode = 0o666 & !umask();
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
        temporary.persist(&target).map_err(|error| error.error)?;
        Ok(())
    });
    renamed.await.map_err(std::io::Error::other)?
}

/// Returns the bits that the user takes away from new files.
fn umask() -> u32 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).unwrap_or(0o022)
}

/// Returns the number of lines when the file holds the very bytes of the artifact.
async fn same_file(path: &Path, artifact: &Artifact) -> Option<u64> {
    let mut file = tokio::fs::File::open(path).await.ok()?;
    let metadata = file.metadata().await.ok()?;
    if !metadata.is_file() || metadata.len() != artifact.size {
        return None;
    }
    let (mut sum, mut lines, mut buffer) = (sha2::Sha256::new(), 0, vec![0; READ_BYTES]);
    loop {
        let read = file.read(&mut buffer).await.ok()?;
        if read == 0 {
            break;
        }
        lines += newlines(&buffer[..read]);
        sum.update(&buffer[..read]);
    }
    (Sha256(sum.finalize().into()).to_string() == artifact.sha256).then_some(lines)
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Returns the first byte of `bytes 10-19/20`.
fn range_start(header: &str) -> Option<u64> {
    header.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_range_is_read() {
        assert_eq!(range_start("bytes 10-19/20"), Some(10));
        assert_eq!(range_start("bytes */20"), None);
        assert_eq!(range_start("rows 1-2/3"), None);
    }
}
