//! What an attempt prints, on its way into the log; and the look at its directory while it runs.
//!
//! [`Pump::next`] waits and may be dropped at any time; [`Pump::handle`] works and must be awaited to its end. The
//! child is never blocked: beyond the limits, or when the log cannot be stored, its output is read and dropped.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use cts_model::child_line::ChildLine;
use cts_model::{Level, LogOrigin, OutputStream, Progress, Run};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::Inner;
use crate::attempt::collect::{ARTIFACTS_MAX, Collector};
use crate::attempt::mask::Masks;
use crate::attempt::output::{LineSplitter, LogGate, NewLine, log_line};
use crate::attempt::process::ChildOutput;
use crate::attempt::start::Prepared;
use crate::error::EngineError;
use crate::logs::LogAppender;

/// How much is read at once; a pipe holds as much.
const READ_BYTES: usize = 64 * 1024;
/// Most bytes of the last lines of standard error that a fault tells.
const STDERR_TAIL_BYTES: usize = 4096;
/// How often lines that the rate limit holds back are looked at.
const HELD_INTERVAL: Duration = Duration::from_millis(250);
/// Most reports of finished files that wait for the next scan.
const DECLARED_MAX: usize = ARTIFACTS_MAX;
/// Longest path in such a report; no path below the run's directory is longer.
const DECLARED_PATH_BYTES_MAX: usize = 8192;

type Scanned = (Collector, Result<(), EngineError>);

/// What happened.
#[derive(Debug)]
pub(crate) enum Turn {
    /// A stream can be read.
    Readable(OutputStream),
    /// Lines were held back for long enough.
    Held,
    /// It is time to look at the directory.
    ScanDue,
    /// The look at the directory is over.
    Scanned(Box<Scanned>),
}

/// One stream of the child.
#[derive(Debug)]
struct Source {
    pipe: Option<Receiver>,
    splitter: LineSplitter,
}

/// What is left when the child has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The log, for last words.
    pub(crate) log: LogAppender,
    /// The collector, for the last look.
    pub(crate) collector: Collector,
    /// Last lines of standard error.
    pub(crate) stderr: String,
    /// What the tool itself said was wrong.
    pub(crate) said: Option<(String, Option<String>)>,
    /// What it told last of how far it is, when that was read after its end.
    pub(crate) progress: Option<Progress>,
    /// Whether everything that was read could be stored.
    pub(crate) stored: Result<(), EngineError>,
}

/// Reads the streams of one attempt.
#[derive(Debug)]
pub(crate) struct Pump<'a> {
    inner: &'a Arc<Inner>,
    run: &'a Run,
    stdout: Source,
    stderr: Source,
    buffer: Vec<u8>,
    stdout_file: Option<tokio::fs::File>,
    masks: Masks,
    gate: LogGate,
    log: LogAppender,
    pending: Vec<NewLine>,
    progress: Option<Progress>,
    stderr_tail: VecDeque<String>,
    stderr_bytes: usize,
    said: Option<(String, Option<String>)>,
    failed: Option<EngineError>,
    failure_told: bool,
    collector: Option<Collector>,
    scan: Option<JoinHandle<Scanned>>,
    declared: Vec<(String, Option<String>)>,
    refused_told: bool,
    scan_at: Instant,
    held_at: Instant,
}

impl<'a> Pump<'a> {
    /// Opens the log and what standard output goes to.
    pub(crate) async fn open(inner: &'a Arc<Inner>, run: &'a Run, prepared: &Prepared) -> Result<Self, EngineError> {
        let log = inner.logs.appender(run.id, run.attempt).await?;
        let stdout_file = match &prepared.stdout {
            Some(path) => Some(open_new(path).await.map_err(EngineError::file("make", path.clone()))?),
            None => None,
        };
        let (limits, now, masks) = (&prepared.limits, Instant::now(), Masks::new(&prepared.secrets));
        Ok(Self {
            inner,
            run,
            stdout: Source { pipe: None, splitter: LineSplitter::new(masks.clone()) },
            stderr: Source { pipe: None, splitter: LineSplitter::new(masks.clone()) },
            buffer: vec![0; READ_BYTES],
            stdout_file,
            masks,
            gate: LogGate::new(limits.log_bytes, limits.log_lines_per_second, log.stored_bytes()),
            log,
            pending: Vec::new(),
            progress: None,
            stderr_tail: VecDeque::new(),
            stderr_bytes: 0,
            said: None,
            failed: None,
            failure_told: false,
            collector: Some(prepared.collector.clone()),
            scan: None,
            declared: Vec::new(),
            refused_told: false,
            scan_at: now + inner.options.artifact_scan_interval,
            held_at: now + HELD_INTERVAL,
        })
    }

    /// Takes the child's streams.
    pub(crate) fn attach(&mut self, output: ChildOutput) {
        self.stdout.pipe = Some(output.stdout);
        self.stderr.pipe = Some(output.stderr);
    }

    /// Adds a line of CTS itself; it is stored with the next turn or at the end.
    pub(crate) fn note(&mut self, line: NewLine) {
        self.gate.push(line, &mut self.pending);
    }

    /// Returns what stopped the log or the output's file, once.
    pub(crate) fn failure(&mut self) -> Option<&EngineError> {
        if self.failed.is_none() || std::mem::replace(&mut self.failure_told, true) {
            return None;
        }
        self.failed.as_ref()
    }

    /// Waits for something to do. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Turn {
        let (scan_at, held_at, holding) = (self.scan_at, self.held_at, self.gate.is_holding());
        tokio::select! {
            () = readable(self.stdout.pipe.as_ref()) => Turn::Readable(OutputStream::Stdout),
            () = readable(self.stderr.pipe.as_ref()) => Turn::Readable(OutputStream::Stderr),
            scanned = join(&mut self.scan) => Turn::Scanned(Box::new(scanned)),
            () = tokio::time::sleep_until(held_at), if holding => Turn::Held,
            () = tokio::time::sleep_until(scan_at), if self.collector.is_some() => Turn::ScanDue,
        }
    }

    /// Does it; gives the progress that the tool told, if it told any.
    pub(crate) async fn handle(&mut self, turn: Turn) -> Option<Progress> {
        match turn {
            Turn::Readable(stream) => self.read(stream).await,
            Turn::Held => {
                self.held_at = Instant::now() + HELD_INTERVAL;
                self.gate.close_second(self.inner.clock.now(), &mut self.pending);
            }
            Turn::ScanDue => self.begin_scan(),
            Turn::Scanned(scanned) => self.end_scan(*scanned),
        }
        self.store().await;
        self.progress.take()
    }

    /// Reads what is there and turns it into lines.
    async fn read(&mut self, stream: OutputStream) {
        let source = match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        };
        let Some(pipe) = &source.pipe else { return };
        let length = match pipe.try_read(&mut self.buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => 0,
        };
        if length == 0 {
            source.pipe = None;
        }
        let to_file = stream == OutputStream::Stdout && self.stdout_file.is_some();
        if let (true, Some(file)) = (to_file && length > 0, &mut self.stdout_file) {
            if let Err(error) = file.write_all(&self.buffer[..length]).await {
                self.failed.get_or_insert(EngineError::file("write", "standard output of the tool")(error));
            }
            return;
        }
        let mut lines = Vec::new();
        if length == 0 {
            source.splitter.finish(|line| lines.push(line));
        } else {
            source.splitter.push(&self.buffer[..length], |line| lines.push(line));
        }
        lines.iter().for_each(|line| self.take(stream, line));
    }

    fn take(&mut self, stream: OutputStream, text: &str) {
        let now = self.inner.clock.now();
        // Masked after it is understood: a report may write a secret with escapes.
        let line = |level, message| {
            let message = self.masks.mask(message);
            NewLine { timestamp: now, level, origin: LogOrigin::Tool, stream: Some(stream), message }
        };
        match log_line(now, stream, text) {
            Ok(NewLine { level, message, .. }) | Err(ChildLine::Log { level, message }) => {
                let line = line(level, message);
                if stream == OutputStream::Stderr {
                    self.remember_stderr(&line.message);
                }
                self.gate.push(line, &mut self.pending);
            }
            Err(ChildLine::Progress(progress)) => {
                let message = progress.message.map(|message| self.masks.mask(message));
                let unit = progress.unit.map(|unit| self.masks.mask(unit));
                self.progress = Some(Progress { message, unit, ..progress });
            }
            Err(ChildLine::Artifact { path, media_type }) => {
                if self.declared.len() < DECLARED_MAX && path.len() <= DECLARED_PATH_BYTES_MAX {
                    self.declared.push((path, media_type));
                    // A finished file shows at once, not with the next look.
                    self.scan_at = Instant::now();
                } else if !std::mem::replace(&mut self.refused_told, true) {
                    let text =
                        format!("reports of finished files were left out: more than {DECLARED_MAX}, or too long");
                    self.gate.push(NewLine::system(now, Level::Warning, text), &mut self.pending);
                }
            }
            Err(ChildLine::Error { message, hint }) => {
                let line = line(Level::Error, message);
                self.said = Some((line.message.clone(), hint.map(|hint| self.masks.mask(hint))));
                self.gate.push(line, &mut self.pending);
            }
        }
    }

    fn remember_stderr(&mut self, text: &str) {
        let text: String = text.chars().take(STDERR_TAIL_BYTES / 4).collect();
        self.stderr_bytes += text.len() + 1;
        self.stderr_tail.push_back(text);
        while self.stderr_bytes > STDERR_TAIL_BYTES && self.stderr_tail.len() > 1 {
            self.stderr_bytes -= self.stderr_tail.pop_front().map_or(0, |line| line.len() + 1);
        }
    }

    /// Stores what the gate let through.
    async fn store(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.pending);
        if self.failed.is_some() {
            return;
        }
        if let Err(error) = self.log.append(lines).await {
            tracing::error!(run.id = %self.run.id, %error, "cannot store the log of run {}", self.run.id);
            self.failed = Some(error);
        }
    }

    fn begin_scan(&mut self) {
        self.scan_at = Instant::now() + self.inner.options.artifact_scan_interval;
        if self.scan.is_some() {
            return;
        }
        let Some(mut collector) = self.collector.take() else { return };
        self.declare(&mut collector);
        let (inner, run) = (Arc::clone(self.inner), self.run.clone());
        // The rows are written there too: a database that is slow must not hold up the output.
        self.scan = Some(tokio::spawn(async move {
            let (from, begun) = (inner.clock.now(), Instant::now());
            let (mut collector, drafts, result) = collector.scan(&inner.blobs, &inner.ids).await;
            let is_stored = inner.store_artifacts(run.id, run.attempt, &drafts).await;
            inner.tell_stored(&run, from, begun.elapsed(), &drafts, (!is_stored).then_some("not stored"));
            if !is_stored {
                collector.forget(&drafts);
            }
            (collector, result)
        }));
    }

    fn declare(&mut self, collector: &mut Collector) {
        for (path, media_type) in std::mem::take(&mut self.declared) {
            if !collector.declare(&path, media_type) {
                let text = format!("{path:?} is no path below the run's directory: it is not an artifact");
                self.note(NewLine::system(self.inner.clock.now(), Level::Warning, text));
            }
        }
    }

    fn end_scan(&mut self, (collector, result): Scanned) {
        self.collector = Some(collector);
        if !self.declared.is_empty() {
            self.scan_at = Instant::now();
        }
        if let Err(error) = result {
            tracing::warn!(run.id = %self.run.id, %error, "cannot look for finished files");
        }
    }

    /// Reads what the ended child left in the pipes, for at most `wait`, and closes everything.
    pub(crate) async fn finish(mut self, wait: Duration) -> Finished {
        let end = Instant::now() + wait;
        while self.stdout.pipe.is_some() || self.stderr.pipe.is_some() {
            tokio::select! {
                () = readable(self.stdout.pipe.as_ref()) => self.read(OutputStream::Stdout).await,
                () = readable(self.stderr.pipe.as_ref()) => self.read(OutputStream::Stderr).await,
                () = tokio::time::sleep_until(end) => break,
            }
            self.store().await;
        }
        for stream in [OutputStream::Stdout, OutputStream::Stderr] {
            let mut lines = Vec::new();
            let source = if stream == OutputStream::Stdout { &mut self.stdout } else { &mut self.stderr };
            source.splitter.finish(|line| lines.push(line));
            lines.iter().for_each(|line| self.take(stream, line));
        }
        if let Some(mut file) = self.stdout_file.take()
            && let Err(error) = file.flush().await
        {
            self.failed.get_or_insert(EngineError::file("write", "standard output of the tool")(error));
        }
        if self.scan.is_some() {
            let scanned = join(&mut self.scan).await;
            self.end_scan(scanned);
        }
        let mut collector = self.collector.take().expect("a scan gives the collector back");
        self.declare(&mut collector);
        self.gate.finish(self.inner.clock.now(), &mut self.pending);
        self.store().await;
        Finished {
            log: self.log,
            collector,
            stderr: Vec::from(self.stderr_tail).join("\n"),
            said: self.said,
            progress: self.progress,
            stored: self.failed.map_or(Ok(()), Err),
        }
    }
}

/// Waits until the pipe can be read or is at its end; for ever when there is none.
async fn readable(pipe: Option<&Receiver>) {
    match pipe {
        // An error is found by the read that follows.
        Some(pipe) => drop(pipe.readable().await),
        None => std::future::pending().await,
    }
}

/// Waits for the scan; for ever when there is none. A scan that panicked is not hidden.
async fn join(scan: &mut Option<JoinHandle<Scanned>>) -> Scanned {
    match scan {
        Some(handle) => {
            let scanned = handle.await.expect("a scan returns its errors");
            *scan = None;
            scanned
        }
        None => std::future::pending().await,
    }
}

/// Makes a file that must not be there yet, and its folders.
async fn open_new(path: &std::path::Path) -> io::Result<tokio::fs::File> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    tokio::fs::OpenOptions::new().write(true).create_new(true).open(path).await
}
