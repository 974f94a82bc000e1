//! The logs of runs: appended by the one attempt that runs, read by anyone from any number.
//!
//! Invariants: a line is in the file before a reader sees it; numbers begin at 1 and have no gap, counted over all
//! attempts; a slow reader holds up nobody, because every reader reads from its own position. The last lines of a
//! running run are kept in memory too, so that following needs no file.

mod file;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cts_model::{Level, LogLine, RunId};
use tokio::sync::watch;

use crate::attempt::output::NewLine;
use crate::error::EngineError;
use crate::metrics::LogMetrics;
use file::{LogCursor, LogWriter};

/// Most bytes of log that one page reads from the file.
const PAGE_BYTES_MAX: u64 = 1024 * 1024;
/// Most bytes that a filtered page looks through before it answers with what it has.
const SEARCH_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most bytes of messages that are kept in memory for one running run.
const BUFFER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Which lines of a log are wanted.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// Only lines of this level.
    pub level: Option<Level>,
    /// Only lines that hold this text, upper and lower case alike.
    pub text: Option<String>,
}

impl LogFilter {
    fn lets_through(&self, line: &LogLine) -> bool {
        self.level.is_none_or(|level| line.level == level)
            && self.text.as_ref().is_none_or(|text| line.message.to_lowercase().contains(text))
    }

    fn is_open(&self) -> bool {
        self.level.is_none() && self.text.is_none()
    }
}

/// Some lines of a log, in order.
#[derive(Debug, Clone, Default)]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<Arc<LogLine>>,
    /// Where the next page begins.
    pub next_from: u64,
    /// Whether lines are stored that this page did not reach.
    pub has_more: bool,
    /// Number of the first line that there is: above 1 only when the log was removed by age.
    pub first_seq: u64,
    /// Number of the last line that is stored; 0 for none.
    pub last_seq: u64,
}

/// The logs of all runs.
#[derive(Debug, Clone)]
pub struct LogHub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    buffer_lines: usize,
    metrics: LogMetrics,
    live: Mutex<HashMap<RunId, Arc<LiveLog>>>,
}

/// The log of a run that is running here.
#[derive(Debug)]
struct LiveLog {
    last_seq: watch::Sender<u64>,
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    lines: VecDeque<Arc<LogLine>>,
    bytes: usize,
}

impl LogHub {
    pub(crate) fn new(folder: PathBuf, buffer_lines: usize, metrics: LogMetrics) -> Self {
        Self { shared: Arc::new(Shared { folder, buffer_lines, metrics, live: Mutex::default() }) }
    }

    fn path(&self, run: RunId) -> PathBuf {
        let id = run.to_string();
        // The last two digits are random, the first are the time.
        self.shared.folder.join(&id[id.len() - 2..]).join(format!("{id}.log"))
    }

    fn live(&self, run: RunId) -> Option<Arc<LiveLog>> {
        self.shared.live.lock().unwrap_or_else(PoisonError::into_inner).get(&run).cloned()
    }

    /// Opens the log for the one attempt that writes it; the file is made only by the first line.
    ///
    /// # Errors
    /// [`EngineError::Log`] when what earlier attempts stored cannot be read.
    pub(crate) async fn appender(&self, run: RunId, attempt: u32) -> Result<LogAppender, EngineError> {
        let path = self.path(run);
        let (last_seq, stored_bytes) = if attempt <= 1 {
            (0, 0)
        } else {
            let path = path.clone();
            let look = move || Ok((file::last_seq(&path)?, std::fs::metadata(&path).map_or(0, |meta| meta.len())));
            let looked = tokio::task::spawn_blocking(look).await;
            looked
                .map_err(|error| EngineError::Panicked(error.to_string()))?
                .map_err(|source| EngineError::Log { run, source })?
        };
        let live = Arc::new(LiveLog { last_seq: watch::Sender::new(last_seq), recent: Mutex::default() });
        self.shared.live.lock().unwrap_or_else(PoisonError::into_inner).insert(run, Arc::clone(&live));
        Ok(LogAppender { hub: self.clone(), run, path, writer: None, stored_bytes, live })
    }

    /// Returns lines from number `from` on, at most `limit`.
    ///
    /// # Errors
    /// [`EngineError::Log`] when the file cannot be read.
    pub async fn page(&self, run: RunId, from: u64, limit: usize, filter: LogFilter) -> Result<LogPage, EngineError> {
        self.reader(run, from).page(limit, filter).await
    }

    /// Returns a reader that begins at number `from` and keeps its place.
    #[must_use]
    pub fn reader(&self, run: RunId, from: u64) -> LogReader {
        LogReader { hub: self.clone(), run, next_seq: from.max(1), cursor: None }
    }

    /// Returns a watch on the number of the last stored line, which ends when the attempt ends; none while nothing
    /// writes here.
    #[must_use]
    pub fn watch(&self, run: RunId) -> Option<watch::Receiver<u64>> {
        self.live(run).map(|live| live.last_seq.subscribe())
    }

    /// Removes the log of a run.
    pub(crate) fn remove(&self, run: RunId) -> io::Result<()> {
        match std::fs::remove_file(self.path(run)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns the folder, for the pass that removes old logs.
    pub(crate) fn folder(&self) -> &Path {
        &self.shared.folder
    }
}

/// Reads the log of one run from its own position.
#[derive(Debug)]
pub struct LogReader {
    hub: LogHub,
    run: RunId,
    next_seq: u64,
    cursor: Option<LogCursor>,
}

impl LogReader {
    /// Returns the number of the line that comes next.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Moves the reader to number `from`.
    pub fn seek(&mut self, from: u64) {
        self.next_seq = from.max(1);
        self.cursor = None;
    }

    /// Returns the next lines, at most `limit`; an empty page when nothing new is stored.
    ///
    /// # Errors
    /// [`EngineError::Log`] when the file cannot be read.
    pub async fn page(&mut self, limit: usize, mut filter: LogFilter) -> Result<LogPage, EngineError> {
        filter.text = filter.text.map(|text| text.to_lowercase());
        if let Some(page) = self.recent(limit, &filter) {
            self.next_seq = page.next_from;
            return Ok(page);
        }
        let live = self.hub.live(self.run);
        let upto = live.as_ref().map_or(u64::MAX, |live| *live.last_seq.borrow());
        let path = self.hub.path(self.run);
        let (from, cursor) = (self.next_seq, self.cursor.take());
        let read = move || read_page(&path, cursor, from, upto, limit, &filter);
        let (page, cursor) = tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| EngineError::Panicked(error.to_string()))?
            .map_err(|source| EngineError::Log { run: self.run, source })?;
        self.cursor = cursor;
        self.next_seq = page.next_from;
        Ok(page)
    }

    /// Returns the next lines from memory, when all of them are there.
    fn recent(&self, limit: usize, filter: &LogFilter) -> Option<LogPage> {
        let live = self.hub.live(self.run)?;
        let recent = live.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let first = recent.lines.front()?.seq;
        let last = recent.lines.back()?.seq;
        if self.next_seq < first || !filter.is_open() {
            return None;
        }
        let skip = usize::try_from(self.next_seq - first).unwrap_or(usize::MAX);
        let lines: Vec<Arc<LogLine>> = recent.lines.iter().skip(skip).take(limit).cloned().collect();
        let next_from = lines.last().map_or(self.next_seq, |line| line.seq + 1);
        Some(LogPage { lines, next_from, has_more: next_from <= last, first_seq: 1, last_seq: last })
    }
}

fn read_page(
    path: &Path,
    cursor: Option<LogCursor>,
    from: u64,
    upto: u64,
    limit: usize,
    filter: &LogFilter,
) -> io::Result<(LogPage, Option<LogCursor>)> {
    // The last line is looked up first, so that `has_more` is never behind what the page holds.
    let last_seq = if upto == u64::MAX { file::last_seq(path)? } else { upto };
    let cursor = match cursor.filter(|cursor| cursor.next_seq() == from) {
        Some(cursor) => Some(cursor),
        None => LogCursor::open(path, from)?,
    };
    let mut page = LogPage { next_from: from, first_seq: 1, last_seq, ..LogPage::default() };
    let Some(mut cursor) = cursor else { return Ok((page, None)) };
    let bytes_max = if filter.is_open() { PAGE_BYTES_MAX } else { SEARCH_BYTES_MAX };
    cursor.read(last_seq, bytes_max, |line| {
        if page.lines.len() >= limit {
            return false;
        }
        if filter.lets_through(&line) {
            page.lines.push(Arc::new(line));
        }
        true
    })?;
    page.next_from = cursor.next_seq().max(from);
    page.has_more = page.next_from <= last_seq;
    Ok((page, Some(cursor)))
}

/// Appends to the log of one run: owned by its attempt. Dropping it ends the watches of its readers.
#[derive(Debug)]
pub(crate) struct LogAppender {
    hub: LogHub,
    run: RunId,
    path: PathBuf,
    writer: Option<LogWriter>,
    stored_bytes: u64,
    live: Arc<LiveLog>,
}

impl LogAppender {
    /// Returns how many bytes earlier attempts have stored.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    /// Stores lines, then wakes the readers.
    ///
    /// # Errors
    /// [`EngineError::Log`] when the disk does not take them; nothing is announced then.
    pub(crate) async fn append(&mut self, lines: Vec<NewLine>) -> Result<(), EngineError> {
        if lines.is_empty() {
            return Ok(());
        }
        let (path, writer, run) = (self.path.clone(), self.writer.take(), self.run);
        let metrics = self.hub.shared.metrics.clone();
        let write = move || -> (Option<LogWriter>, io::Result<Vec<Arc<LogLine>>>) {
            let mut writer = match writer.map_or_else(|| LogWriter::open(&path), Ok) {
                Ok(writer) => writer,
                Err(error) => return (None, Err(error)),
            };
            let mut buffer = Vec::with_capacity(lines.len() * 128);
            let first = writer.last_seq + 1;
            let numbered: Vec<Arc<LogLine>> =
                (first..).zip(lines).map(|(seq, line)| Arc::new(number(seq, line))).collect();
            numbered.iter().for_each(|line| file::encode(line, &mut buffer));
            let last = first + numbered.len() as u64 - 1;
            let result = writer.write(&buffer, last).map(|()| numbered);
            if let Ok(stored) = &result {
                metrics.lines.inc_by(stored.len() as u64);
                metrics.bytes.inc_by(buffer.len() as u64);
            }
            (Some(writer), result)
        };
        let (writer, result) =
            tokio::task::spawn_blocking(write).await.map_err(|error| EngineError::Panicked(error.to_string()))?;
        self.writer = writer;
        let numbered = result.map_err(|source| EngineError::Log { run, source })?;
        let last = numbered.last().map_or(0, |line| line.seq);
        self.live.remember(numbered, self.hub.shared.buffer_lines);
        self.live.last_seq.send_replace(last);
        Ok(())
    }
}

impl Drop for LogAppender {
    fn drop(&mut self) {
        let mut live = self.hub.shared.live.lock().unwrap_or_else(PoisonError::into_inner);
        // A next attempt may have put its own in the place.
        if live.get(&self.run).is_some_and(|present| Arc::ptr_eq(present, &self.live)) {
            live.remove(&self.run);
        }
    }
}

fn number(seq: u64, line: NewLine) -> LogLine {
    let NewLine { timestamp, level, origin, stream, message } = line;
    LogLine { seq, timestamp, level, origin, stream, message }
}

impl LiveLog {
    fn remember(&self, lines: Vec<Arc<LogLine>>, most: usize) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines {
            recent.bytes += line.message.len();
            recent.lines.push_back(line);
        }
        while recent.lines.len() > most.max(1) || (recent.bytes > BUFFER_BYTES_MAX && recent.lines.len() > 1) {
            let Some(oldest) = recent.lines.pop_front() else { break };
            recent.bytes -= oldest.message.len();
        }
    }
}
