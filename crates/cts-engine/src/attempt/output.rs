//! The bytes that a tool prints, as lines: split, bounded, counted; the child is never blocked.
//!
//! Pure but for the time that comes in. A line ends at LF (a CR before it is dropped), at the end of the stream, or
//! after [`LINE_BYTES_MAX`]; what comes after such a cut is a line of its own that begins with [`CONTINUED`]. Invalid
//! UTF-8 and NUL are replaced, so that every store and every reader can take a line.
//!
//! Beyond the limits of a run the head and the tail are kept: the rest is counted in a marker.

use std::collections::VecDeque;

use cts_model::{Level, LogOrigin, OutputStream};
use cts_model::{Timestamp, child_line};

use crate::attempt::mask::Masks;

/// Longest line, in bytes before replacement.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;
/// What a line begins with when the one before was cut.
pub(crate) const CONTINUED: &str = "↳ ";
/// Lines of the tail that are kept when the lines of one second are too many.
const RATE_TAIL_LINES: usize = 50;
/// Share of the log's limit that the tail may take, and its highest size: it waits in memory.
const TAIL_BYTES_MAX: u64 = 1024 * 1024;

/// Splits the bytes of one stream into lines.
#[derive(Debug, Default)]
pub(crate) struct LineSplitter {
    partial: Vec<u8>,
    continued: bool,
    masks: Masks,
}

impl LineSplitter {
    /// Returns a splitter that never cuts a line within one of these.
    pub(crate) fn new(masks: Masks) -> Self {
        Self { masks, ..Self::default() }
    }

    /// Takes bytes and gives every line that is complete.
    pub(crate) fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(String)) {
        while !bytes.is_empty() {
            let room = LINE_BYTES_MAX - self.partial.len();
            match memchr(bytes) {
                Some(end) if end <= room => {
                    if self.partial.is_empty() {
                        line(self.text(&bytes[..end]));
                    } else {
                        self.partial.extend_from_slice(&bytes[..end]);
                        let partial = std::mem::take(&mut self.partial);
                        line(self.text(&partial));
                    }
                    self.continued = false;
                    bytes = &bytes[end + 1..];
                }
                _ if bytes.len() < room => {
                    self.partial.extend_from_slice(bytes);
                    return;
                }
                _ => {
                    self.partial.extend_from_slice(&bytes[..room]);
                    bytes = &bytes[room..];
                    // A cut never splits a character or a secret.
                    let mut partial = std::mem::take(&mut self.partial);
                    let whole = partial.len() - incomplete_tail(&partial).max(self.masks.held(&partial));
                    self.partial = partial.split_off(whole);
                    line(self.text(&partial));
                    self.continued = true;
                }
            }
        }
    }

    /// Gives what is left at the end of the stream.
    pub(crate) fn finish(&mut self, mut line: impl FnMut(String)) {
        if !self.partial.is_empty() {
            let partial = std::mem::take(&mut self.partial);
            line(self.text(&partial));
            self.continued = false;
        }
    }

    fn text(&self, bytes: &[u8]) -> String {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes);
        let text = if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text.into_owned() };
        if self.continued { format!("{CONTINUED}{text}") } else { text }
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

/// Returns how many bytes at the end are the beginning of a character that goes on.
fn incomplete_tail(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    for back in 1..=bytes.len() - from {
        let byte = bytes[bytes.len() - back];
        if byte & 0xC0 == 0x80 {
            continue;
        }
        let length = match byte {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            _ => 1,
        };
        return if length > back { back } else { 0 };
    }
    0
}

/// A line that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewLine {
    /// When it was read.
    pub(crate) timestamp: Timestamp,
    /// How grave.
    pub(crate) level: Level,
    /// Who wrote it.
    pub(crate) origin: LogOrigin,
    /// Where the tool wrote it.
    pub(crate) stream: Option<OutputStream>,
    /// The text.
    pub(crate) message: String,
}

impl NewLine {
    /// Returns a line of CTS itself about the run.
    pub(crate) fn system(timestamp: Timestamp, level: Level, message: String) -> Self {
        Self { timestamp, level, origin: LogOrigin::System, stream: None, message }
    }

    /// What it costs in the log file, about.
    fn cost(&self) -> u64 {
        self.message.len() as u64 + 80
    }
}

/// Turns what a line of standard output or error says into a log line, or hands the report back.
pub(crate) fn log_line(now: Timestamp, stream: OutputStream, text: &str) -> Result<NewLine, child_line::ChildLine> {
    let said = match stream {
        OutputStream::Stdout => child_line::parse(text),
        OutputStream::Stderr => child_line::text(text),
    };
    match said {
        child_line::ChildLine::Log { level, message } => {
            Ok(NewLine { timestamp: now, level, origin: LogOrigin::Tool, stream: Some(stream), message })
        }
        report => Err(report),
    }
}

/// Lets through what the limits of a run allow.
#[derive(Debug)]
pub(crate) struct LogGate {
    bytes_max: u64,
    lines_per_second_max: u32,
    /// Bytes that were let through.
    bytes: u64,
    /// The second that is counted, and what it has let through and left out.
    second: i64,
    second_lines: u32,
    second_dropped: u64,
    second_tail: VecDeque<NewLine>,
    /// What comes after the log is full.
    tail: VecDeque<NewLine>,
    tail_bytes: u64,
    dropped: u64,
    full: bool,
}

impl LogGate {
    /// Returns a gate; `bytes` were stored by earlier attempts.
    pub(crate) fn new(bytes_max: u64, lines_per_second_max: u32, bytes: u64) -> Self {
        Self {
            bytes_max,
            lines_per_second_max: lines_per_second_max.max(1),
            bytes,
            second: i64::MIN,
            second_lines: 0,
            second_dropped: 0,
            second_tail: VecDeque::new(),
            tail: VecDeque::new(),
            tail_bytes: 0,
            dropped: 0,
            full: false,
        }
    }

    fn tail_bytes_max(&self) -> u64 {
        (self.bytes_max / 4).min(TAIL_BYTES_MAX)
    }

    /// Takes a line; gives the lines to store now.
    pub(crate) fn push(&mut self, line: NewLine, store: &mut Vec<NewLine>) {
        let second = line.timestamp.as_ms().div_euclid(1000);
        if second != self.second {
            self.close_second(line.timestamp, store);
            self.second = second;
            self.second_lines = 0;
        }
        self.second_lines = self.second_lines.saturating_add(1);
        if self.second_lines <= self.lines_per_second_max {
            self.pass(line, store);
            return;
        }
        self.second_tail.push_back(line);
        if self.second_tail.len() > RATE_TAIL_LINES {
            self.second_tail.pop_front();
            self.second_dropped += 1;
        }
    }

    /// Returns whether lines of the present second are held back.
    pub(crate) fn is_holding(&self) -> bool {
        !self.second_tail.is_empty()
    }

    /// Stores what the second held back; called by the next line, by a tick, and at the end.
    pub(crate) fn close_second(&mut self, now: Timestamp, store: &mut Vec<NewLine>) {
        if self.second_dropped > 0 {
            let message = format!(
                "{} lines were left out: more than {} a second",
                self.second_dropped, self.lines_per_second_max
            );
            self.second_dropped = 0;
            self.pass(NewLine::system(now, Level::Warning, message), store);
        }
        for line in std::mem::take(&mut self.second_tail) {
            self.pass(line, store);
        }
    }

    fn pass(&mut self, line: NewLine, store: &mut Vec<NewLine>) {
        let cost = line.cost();
        if !self.full && self.bytes + cost <= self.bytes_max - self.tail_bytes_max() {
            self.bytes += cost;
            store.push(line);
            return;
        }
        if !self.full {
            self.full = true;
            let message = format!(
                "the log is full ({} bytes): what follows is counted, and its last part is kept for the end",
                self.bytes_max
            );
            store.push(NewLine::system(line.timestamp, Level::Warning, message));
        }
        self.tail_bytes += cost;
        self.tail.push_back(line);
        while self.tail_bytes > self.tail_bytes_max() {
            let Some(oldest) = self.tail.pop_front() else { break };
            self.tail_bytes -= oldest.cost();
            self.dropped += 1;
        }
    }

    /// Gives the marker and the tail at the end of the attempt.
    pub(crate) fn finish(&mut self, now: Timestamp, store: &mut Vec<NewLine>) {
        self.close_second(now, store);
        if self.dropped > 0 {
            let message = format!("{} lines were left out here: the log was full", self.dropped);
            store.push(NewLine::system(now, Level::Warning, message));
        }
        self.dropped = 0;
        self.bytes += self.tail_bytes;
        self.tail_bytes = 0;
        store.extend(std::mem::take(&mut self.tail));
    }
}

#[cfg(test)]
mod tests;
