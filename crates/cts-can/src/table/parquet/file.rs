//! A Parquet file that is written group by group, if wanted with a thread that encodes beside the one that gathers.
//!
//! Groups stand in the file in the order in which they were given. At most three are in memory: one that is gathered,
//! one that is encoded, one that waits in between.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{Builder, JoinHandle};

use ::parquet::errors::ParquetError;
use ::parquet::file::writer::SerializedFileWriter;

use super::column::{self, Column};
use super::encode::{Encoded, Encoding, Group};
use crate::Error;

/// Groups that the encoder has and has not given back.
const GROUPS_AWAY_MAX: usize = 2;

type Done<G> = (G, Result<Encoded, ParquetError>);

/// Writes groups.
pub(super) struct ParquetFile<W: Write + Send, G: Group> {
    out: SerializedFileWriter<W>,
    encoding: Encoding,
    has_thread: bool,
    encoder: Option<Encoder<G>>,
    is_finished: bool,
}

/// The thread that encodes.
struct Encoder<G> {
    groups: SyncSender<G>,
    done: Receiver<Done<G>>,
    away: usize,
    thread: JoinHandle<()>,
}

impl<W: Write + Send, G: Group> ParquetFile<W, G> {
    /// Begins a file whose groups are encoded on a thread of its own.
    ///
    /// # Errors
    /// When the beginning cannot be written.
    pub(super) fn new(out: W, columns: &[Column]) -> Result<Self, Error> {
        Self::begin(out, columns, true)
    }

    /// Begins a file whose groups are encoded by the caller's thread.
    ///
    /// # Errors
    /// When the beginning cannot be written.
    pub(super) fn on_this_thread(out: W, columns: &[Column]) -> Result<Self, Error> {
        Self::begin(out, columns, false)
    }

    fn begin(out: W, columns: &[Column], has_thread: bool) -> Result<Self, Error> {
        let schema = Arc::new(column::schema(columns).map_err(refused)?);
        let properties = Arc::new(column::properties(columns).map_err(refused)?);
        let out = SerializedFileWriter::new(out, schema.root_schema_ptr(), Arc::clone(&properties));
        let encoding = Encoding { schema, properties };
        Ok(Self { out: out.map_err(refused)?, encoding, has_thread, encoder: None, is_finished: false })
    }

    /// Returns how many bytes were written.
    pub(super) fn bytes_written(&self) -> u64 {
        self.out.bytes_written() as u64
    }

    /// Takes a group; returns an empty one.
    ///
    /// # Errors
    /// When this or an earlier one cannot be written.
    pub(super) fn put(&mut self, group: G) -> Result<G, Error> {
        if self.has_thread && self.encoder.is_none() {
            self.encoder = Encoder::start(self.encoding.clone());
        }
        let Some(encoder) = &mut self.encoder else {
            // So it was wanted, or the system gives no thread.
            let encoded = self.encoding.encode(&group);
            return self.write((group, encoded));
        };
        encoder.groups.send(group).expect("the encoder takes groups until it is dropped");
        encoder.away += 1;
        if encoder.away < GROUPS_AWAY_MAX {
            return Ok(G::default());
        }
        let done = encoder.take();
        self.write(done)
    }

    /// Writes what is still encoded, and the end of the file; a second time does nothing.
    ///
    /// # Errors
    /// When something cannot be written.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        if self.is_finished {
            return Ok(());
        }
        self.is_finished = true;
        while let Some(encoder) = self.encoder.as_mut().filter(|encoder| encoder.away > 0) {
            let done = encoder.take();
            self.write(done)?;
        }
        if let Some(encoder) = self.encoder.take() {
            encoder.stop();
        }
        self.out.finish().map_err(refused)?;
        Ok(())
    }

    fn write(&mut self, (mut group, encoded): Done<G>) -> Result<G, Error> {
        let write = || {
            let Encoded { bytes, columns } = encoded?;
            let mut out = self.out.next_row_group()?;
            for column in columns {
                out.append_column(&bytes, column)?;
            }
            out.close().map(|_| ())
        };
        write().map_err(refused)?;
        group.clear();
        Ok(group)
    }
}

impl<G: Group> Encoder<G> {
    /// Starts the thread; none where the system gives none.
    fn start(encoding: Encoding) -> Option<Self> {
        let (groups, waiting) = mpsc::sync_channel::<G>(GROUPS_AWAY_MAX);
        let (give, done) = mpsc::sync_channel(GROUPS_AWAY_MAX);
        let work = move || {
            for group in waiting {
                let encoded = encoding.encode(&group);
                if give.send((group, encoded)).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new().name("parquet encoder".into()).spawn(work).ok()?;
        Some(Self { groups, done, away: 0, thread })
    }

    /// Waits for the group that was given first.
    fn take(&mut self) -> Done<G> {
        self.away -= 1;
        self.done.recv().expect("the encoder gives every group back")
    }

    fn stop(self) {
        drop(self.groups);
        self.thread.join().expect("the encoder does not panic");
    }
}

/// Returns the error of a file that could not be written, with the system's own reason where there is one.
fn refused(error: ParquetError) -> Error {
    Error::Write(match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(cause) => io::Error::other(cause),
        },
        error => io::Error::other(error),
    })
}
