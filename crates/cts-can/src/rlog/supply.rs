//! Plain bytes where the parser can see them: one buffer that messages are parsed in without being copied.
//!
//! Two ways to fill it: on the caller's thread, or by a second thread that decompresses ahead. Both hold a
//! fixed number of buffers; only a message that is larger than a chunk makes a buffer grow, up to
//! [`MESSAGE_BYTES_MAX`](super::MESSAGE_BYTES_MAX).

use std::io::Read;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use super::decompress::{Decompressor, Filled, Format, StreamEnd};
use crate::Error;

/// Plain bytes that are decompressed at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Free bytes in front of a chunk that another thread filled: the beginning of a message that did not fit
/// into the chunk before is copied there.
const HEADROOM_BYTES: usize = 32 * 1024;

/// Chunks that may be filled ahead of the parser.
const CHUNKS_AHEAD: usize = 2;

/// A buffer that grew beyond this for a large message stays where it is and takes later chunks as copies: were it
/// handed back, several would grow one after another.
const PASSED_BUFFER_BYTES_MAX: usize = 2 * (HEADROOM_BYTES + CHUNK_BYTES);

/// Plain bytes that were decompressed and not yet used.
#[derive(Default)]
pub(super) struct PlainBuffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl PlainBuffer {
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Returns bytes that were consumed last; they stay until the next refill.
    pub(super) fn last(&self, count: usize) -> &[u8] {
        &self.bytes[self.start - count..self.start]
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end, "only bytes that are there can be consumed");
    }

    /// Makes room for a message that is larger than a chunk, and not for twice as much, as growing by and by does.
    /// Memory that a false claim asks for is never touched.
    pub(super) fn expect_message(&mut self, total: usize) {
        if total > CHUNK_BYTES {
            self.bytes.reserve_exact((total + CHUNK_BYTES).saturating_sub(self.bytes.len()));
        }
    }

    /// Moves the unread bytes to the front. They are never more than the last refill brought, as everything before
    /// belonged to a message that was consumed since; so moving takes no longer than reading does.
    fn move_to_front(&mut self) {
        if self.start == 0 {
            return;
        }
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
    }

    /// Takes a chunk over; returns the buffer that is free now.
    fn take(&mut self, mut chunk: Vec<u8>, filled: usize) -> Vec<u8> {
        let unread = self.end - self.start;
        if unread <= HEADROOM_BYTES && self.bytes.capacity() <= PASSED_BUFFER_BYTES_MAX {
            let start = HEADROOM_BYTES - unread;
            chunk[start..HEADROOM_BYTES].copy_from_slice(self.unread());
            mem::swap(&mut self.bytes, &mut chunk);
            self.start = start;
            self.end = HEADROOM_BYTES + filled;
        } else {
            self.move_to_front();
            self.bytes.truncate(self.end);
            self.bytes.extend_from_slice(&chunk[HEADROOM_BYTES..HEADROOM_BYTES + filled]);
            self.end = self.bytes.len();
        }
        chunk
    }
}

/// What a refill brought besides bytes.
pub(super) struct Refilled {
    /// Bytes of the input, as stored, that were read so far.
    pub(super) packed_bytes: u64,
    /// How the log is stored.
    pub(super) format: Option<Format>,
    /// Set once, together with the last bytes.
    pub(super) end: Option<StreamEnd>,
}

/// Where plain bytes come from.
pub(super) trait Supply {
    /// Adds bytes behind the unread ones of `buffer`.
    fn refill(&mut self, buffer: &mut PlainBuffer) -> Result<Refilled, Error>;
}

impl<R: Read> Supply for Decompressor<R> {
    fn refill(&mut self, buffer: &mut PlainBuffer) -> Result<Refilled, Error> {
        buffer.move_to_front();
        let room_ends = buffer.end + CHUNK_BYTES;
        if buffer.bytes.len() < room_ends {
            buffer.bytes.resize(room_ends, 0);
        }
        let Filled { bytes, end } = self.fill(&mut buffer.bytes[buffer.end..room_ends])?;
        buffer.end += bytes;
        Ok(Refilled { packed_bytes: self.packed_bytes(), format: self.format(), end })
    }
}

/// A chunk on its way to the parser.
struct Chunk {
    bytes: Vec<u8>,
    filled: usize,
    refilled: Refilled,
}

/// Chunks from the thread that decompresses ahead; both are there until this is dropped.
struct Ahead<'scope> {
    chunks: Option<Receiver<Result<Chunk, Error>>>,
    used: SyncSender<Vec<u8>>,
    is_abandoned: Arc<AtomicBool>,
    thread: Option<ScopedJoinHandle<'scope, ()>>,
}

/// Decompresses ahead on a thread of `scope`, or on the caller's thread where the system gives no thread.
pub(super) fn ahead<'scope, R: Read + Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    decompressor: Decompressor<R>,
) -> Box<dyn Supply + 'scope> {
    // The decompressor follows the thread through a channel, so that it is not lost when there is no thread.
    let (hand_over, handed_over) = mpsc::sync_channel::<Decompressor<R>>(1);
    let (give, chunks) = mpsc::sync_channel(CHUNKS_AHEAD);
    let (used, recycled) = mpsc::sync_channel(CHUNKS_AHEAD + 2);
    let is_abandoned = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_abandoned);
    let work = move || {
        if let Ok(decompressor) = handed_over.recv() {
            decompress_all(decompressor, &give, &recycled, &told);
        }
    };
    match Builder::new().name("log decompressor".into()).spawn_scoped(scope, work) {
        Ok(thread) => {
            hand_over.send(decompressor).expect("the channel has room for one and the thread waits for it");
            Box::new(Ahead { chunks: Some(chunks), used, is_abandoned, thread: Some(thread) })
        }
        Err(_) => Box::new(decompressor),
    }
}

/// Fills chunks until the log ends, an error stops it or the parser is gone. Each but the last is full, so that a slow
/// reader costs no more exchanges between the threads than a fast one.
fn decompress_all<R: Read>(
    mut decompressor: Decompressor<R>,
    give: &SyncSender<Result<Chunk, Error>>,
    recycled: &Receiver<Vec<u8>>,
    is_abandoned: &AtomicBool,
) {
    loop {
        let mut bytes = recycled.try_recv().unwrap_or_default();
        bytes.resize(HEADROOM_BYTES + CHUNK_BYTES, 0);
        let mut filled = 0;
        let end = loop {
            match decompressor.fill(&mut bytes[HEADROOM_BYTES + filled..]) {
                Ok(more) => {
                    filled += more.bytes;
                    // A slow reader may need long for a chunk that nobody waits for.
                    if more.end.is_some() || filled == CHUNK_BYTES || is_abandoned.load(Ordering::Relaxed) {
                        break Ok(more.end);
                    }
                }
                Err(error) => break Err(error),
            }
        };
        let (end, failure) = match end {
            Ok(end) => (end, None),
            Err(error) => (None, Some(error)),
        };
        let is_last = end.is_some();
        let refilled = Refilled { packed_bytes: decompressor.packed_bytes(), format: decompressor.format(), end };
        // What came before an error is used.
        let is_gone = give.send(Ok(Chunk { bytes, filled, refilled })).is_err();
        if let Some(error) = failure {
            // The parser may be gone; then nobody asks for the error.
            let _ = give.send(Err(error));
            return;
        }
        if is_gone || is_last {
            return;
        }
    }
}

impl Supply for Ahead<'_> {
    fn refill(&mut self, buffer: &mut PlainBuffer) -> Result<Refilled, Error> {
        let chunks = self.chunks.as_ref().expect("the channel is there until the drop");
        let chunk = chunks.recv().expect("the thread sends until it has sent an end or an error")?;
        let free = buffer.take(chunk.bytes, chunk.filled);
        // The thread may have ended already; then nobody needs the buffer.
        let _ = self.used.try_send(free);
        Ok(chunk.refilled)
    }
}

impl Drop for Ahead<'_> {
    /// Waits for the thread itself: a scope waits for its work only, and the thread would outlive it a little.
    fn drop(&mut self) {
        // A thread that waits for room in the channel ends with the channel, one that fills a chunk with its next bytes.
        self.is_abandoned.store(true, Ordering::Relaxed);
        drop(self.chunks.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it has been passed on already, by the channel that broke.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io;

    use super::*;

    /// Gives one byte at a time, and counts what it has left.
    struct Drops<'a>(&'a Cell<usize>);

    impl Read for Drops<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let count = self.0.get().min(1);
            out[..count].fill(7);
            self.0.set(self.0.get() - count);
            Ok(count)
        }
    }

    #[test]
    fn chunks_are_full_however_slow_the_reader_is() {
        let (give, chunks) = mpsc::sync_channel(CHUNKS_AHEAD);
        let (_used, recycled) = mpsc::sync_channel(1);
        let left = Cell::new(CHUNK_BYTES + 10);
        decompress_all(Decompressor::new(Drops(&left)), &give, &recycled, &AtomicBool::new(false));
        drop(give);
        let chunks: Vec<Chunk> = chunks.iter().map(|chunk| chunk.ok().unwrap()).collect();
        let found: Vec<(usize, u64, bool)> =
            chunks.iter().map(|c| (c.filled, c.refilled.packed_bytes, c.refilled.end.is_some())).collect();
        assert_eq!(found, [(CHUNK_BYTES, CHUNK_BYTES as u64, false), (10, CHUNK_BYTES as u64 + 10, true)]);
    }

    #[test]
    fn a_chunk_that_nobody_waits_for_is_not_filled() {
        let (give, chunks) = mpsc::sync_channel(CHUNKS_AHEAD);
        let (_used, recycled) = mpsc::sync_channel(1);
        drop(chunks);
        let left = Cell::new(CHUNK_BYTES);
        decompress_all(Decompressor::new(Drops(&left)), &give, &recycled, &AtomicBool::new(true));
        // Four bytes tell the format.
        assert_eq!(left.get(), CHUNK_BYTES - 4);
    }
}
