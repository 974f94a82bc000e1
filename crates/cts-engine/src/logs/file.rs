//! The file of one run's log: one JSON object a line, numbers ascending without a gap.
//!
//! Because numbers ascend with the offset, any line is found by bisection; no index is kept. Everything here blocks:
//! callers are on a blocking thread. A torn last line (power loss, kill) is cut off when the file is opened again.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use cts_model::{Level, LogLine, LogOrigin, OutputStream, Timestamp};
use serde::{Deserialize, Serialize};

use crate::attempt::output::LINE_BYTES_MAX;

/// Longest line of the file: every byte of a message may take six as JSON, or three as a replacement character.
const RECORD_BYTES_MAX: u64 = LINE_BYTES_MAX as u64 * 6 + 4096;

/// One line as it stands in the file. The number comes first, so that bisection reads little.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    n: u64,
    t: i64,
    l: char,
    o: char,
    #[serde(borrow)]
    m: std::borrow::Cow<'a, str>,
}

fn level_char(level: Level) -> char {
    match level {
        Level::Debug => 'D',
        Level::Info => 'I',
        Level::Warning => 'W',
        Level::Error => 'E',
    }
}

fn origin_char(origin: LogOrigin, stream: Option<OutputStream>) -> char {
    match (origin, stream) {
        (LogOrigin::System, _) => 's',
        (LogOrigin::Tool, Some(OutputStream::Stderr)) => '2',
        (LogOrigin::Tool, _) => '1',
    }
}

/// Appends the line to `buffer` as it stands in the file.
pub(super) fn encode(line: &LogLine, buffer: &mut Vec<u8>) {
    let record = Record {
        n: line.seq,
        t: line.timestamp.as_ms(),
        l: level_char(line.level),
        o: origin_char(line.origin, line.stream),
        m: line.message.as_str().into(),
    };
    serde_json::to_writer(&mut *buffer, &record).expect("a record has only text keys, and a Vec takes every byte");
    buffer.push(b'\n');
}

fn decode(bytes: &[u8]) -> Option<LogLine> {
    let record: Record<'_> = serde_json::from_slice(bytes).ok()?;
    let level = Level::ALL.into_iter().find(|level| level_char(*level) == record.l)?;
    let (origin, stream) = match record.o {
        's' => (LogOrigin::System, None),
        '2' => (LogOrigin::Tool, Some(OutputStream::Stderr)),
        _ => (LogOrigin::Tool, Some(OutputStream::Stdout)),
    };
    let timestamp = Timestamp::from_ms(record.t);
    Some(LogLine { seq: record.n, timestamp, level, origin, stream, message: record.m.into_owned() })
}

/// Reads the number at the beginning of a line, without the rest.
fn number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.strip_prefix(b"{\"n\":")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

/// The file, open for its one writer.
#[derive(Debug)]
pub(super) struct LogWriter {
    file: File,
    /// Bytes in the file.
    pub(super) bytes: u64,
    /// Number of the last line; 0 in an empty file.
    pub(super) last_seq: u64,
}

impl LogWriter {
    /// Opens the file for appending, makes it where it is missing, and cuts off a torn last line.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let length = file.metadata()?.len();
        let (bytes, last_seq) = last_whole_line(&mut file, length)?;
        if bytes < length {
            file.set_len(bytes)?;
        }
        Ok(Self { file, bytes, last_seq })
    }

    /// Writes whole lines.
    ///
    /// When the disk takes only a part, the file is cut back to its last whole line and the error is returned.
    pub(super) fn write(&mut self, lines: &[u8], last_seq: u64) -> io::Result<()> {
        match self.file.write_all(lines) {
            Ok(()) => {
                self.bytes += lines.len() as u64;
                self.last_seq = last_seq;
                Ok(())
            }
            Err(error) => {
                self.file.set_len(self.bytes)?;
                Err(error)
            }
        }
    }
}

/// How much of the end is looked at first for the last line; it doubles until one is found.
const TAIL_BYTES: u64 = 64 * 1024;

/// Returns the end of the last whole line and its number.
fn last_whole_line(file: &mut File, length: u64) -> io::Result<(u64, u64)> {
    let mut window = TAIL_BYTES;
    loop {
        let from = length.saturating_sub(window);
        let mut tail = vec![0; usize::try_from(length - from).unwrap_or(usize::MAX)];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut tail)?;
        let mut end = tail.len();
        while let Some(feed) = tail[..end].iter().rposition(|byte| *byte == b'\n') {
            let start = tail[..feed].iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
            if let Some(line) = decode(&tail[start..feed]) {
                return Ok((from + feed as u64 + 1, line.seq));
            }
            end = feed;
        }
        if from == 0 {
            return Ok((0, 0));
        }
        window *= 2;
    }
}

/// Returns the number of the last whole line; 0 where there is none, or no file.
pub(super) fn last_seq(path: &Path) -> io::Result<u64> {
    match File::open(path) {
        Ok(mut file) => {
            let length = file.metadata()?.len();
            Ok(last_whole_line(&mut file, length)?.1)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Reads lines from a number on; keeps its place, so that following costs nothing but the new bytes.
#[derive(Debug)]
pub(super) struct LogCursor {
    file: File,
    offset: u64,
    next_seq: u64,
}

impl LogCursor {
    /// Opens the file at the first line whose number is at least `from`; none where there is no file.
    pub(super) fn open(path: &Path, from: u64) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let offset = if from <= 1 { 0 } else { bisect(&file, from)? };
        Ok(Some(Self { file, offset, next_seq: from.max(1) }))
    }

    /// Returns the number of the line that comes next.
    pub(super) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Gives lines to `take` until it answers false, the file ends, or `bytes_max` bytes were read.
    ///
    /// Lines above `upto` are left for later: they may be half written.
    pub(super) fn read(&mut self, upto: u64, bytes_max: u64, mut take: impl FnMut(LogLine) -> bool) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.offset))?;
        let mut reader = BufReader::with_capacity(64 * 1024, (&self.file).take(bytes_max.max(RECORD_BYTES_MAX)));
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let length = reader.read_until(b'\n', &mut bytes)?;
            if bytes.last() != Some(&b'\n') {
                return Ok(());
            }
            let Some(line) = decode(&bytes) else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line of the log file cannot be read"));
            };
            if line.seq > upto {
                return Ok(());
            }
            if line.seq >= self.next_seq {
                let seq = line.seq;
                if !take(line) {
                    return Ok(());
                }
                self.next_seq = seq + 1;
            }
            self.offset += length as u64;
        }
    }
}

/// Returns the offset of the first line whose number is at least `from`.
fn bisect(file: &File, from: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0, file.metadata()?.len());
    // Invariant: every line that begins before `low` has a smaller number; one that begins at or after `high` has not.
    while low < high {
        let middle = low + (high - low) / 2;
        match line_at_or_after(file, middle, high)? {
            Some((start, seq, end)) if seq < from => {
                debug_assert!(start >= low, "the search goes forward");
                low = end;
            }
            Some((start, ..)) if start < high && start > low && middle > low => high = middle,
            Some((start, ..)) if start == low => return Ok(low),
            _ => {
                // No line begins between middle and high: look at the one at low.
                match line_at_or_after(file, low, high)? {
                    Some((_, seq, end)) if seq < from => low = end,
                    _ => return Ok(low),
                }
            }
        }
    }
    Ok(low)
}

/// Returns start, number and end of the first line that begins at or after `offset` and before `high`.
fn line_at_or_after(file: &File, offset: u64, high: u64) -> io::Result<Option<(u64, u64, u64)>> {
    let start = if offset == 0 {
        0
    } else {
        match next_feed(file, offset - 1)? {
            Some(feed) => feed + 1,
            None => return Ok(None),
        }
    };
    if start >= high {
        return Ok(None);
    }
    let mut head = [0; 32];
    let length = file.read_at(&mut head, start)?;
    let Some(seq) = number(&head[..length]) else { return Ok(None) };
    Ok(next_feed(file, start)?.map(|feed| (start, seq, feed + 1)))
}

/// Returns the offset of the first line feed at or after `offset`.
fn next_feed(file: &File, mut offset: u64) -> io::Result<Option<u64>> {
    let mut buffer = [0; 4096];
    loop {
        let length = file.read_at(&mut buffer, offset)?;
        if length == 0 {
            return Ok(None);
        }
        if let Some(at) = buffer[..length].iter().position(|byte| *byte == b'\n') {
            return Ok(Some(offset + at as u64));
        }
        offset += length as u64;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(seq: u64, message: &str) -> LogLine {
        LogLine {
            seq,
            timestamp: Timestamp::from_ms(1000),
            level: Level::Warning,
            origin: LogOrigin::Tool,
            stream: Some(OutputStream::Stderr),
            message: message.to_owned(),
        }
    }

    fn write(path: &Path, messages: &[String]) -> Vec<LogLine> {
        let lines: Vec<LogLine> = (1..).zip(messages).map(|(seq, message)| line(seq, message)).collect();
        let mut writer = LogWriter::open(path).unwrap();
        let mut buffer = Vec::new();
        lines.iter().for_each(|line| encode(line, &mut buffer));
        writer.write(&buffer, lines.len() as u64).unwrap();
        lines
    }

    fn read(path: &Path, from: u64) -> Vec<LogLine> {
        let mut found = Vec::new();
        let Some(mut cursor) = LogCursor::open(path, from).unwrap() else { return found };
        cursor
            .read(u64::MAX, u64::MAX, |line| {
                found.push(line);
                true
            })
            .unwrap();
        found
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_numbers_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        write(&path, &["one".into(), "two".into()]);
        let whole = std::fs::metadata(&path).unwrap().len();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"n\":3,\"t\":1,\"l").unwrap();
        let writer = LogWriter::open(&path).unwrap();
        assert_eq!((writer.bytes, writer.last_seq), (whole, 2));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), whole);
    }

    #[test]
    fn a_reader_keeps_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        write(&path, &["one".into(), "two".into(), "three".into()]);
        let mut cursor = LogCursor::open(&path, 1).unwrap().unwrap();
        let mut seen = Vec::new();
        for _ in 0..4 {
            cursor
                .read(2, u64::MAX, |line| {
                    seen.push(line.seq);
                    false
                })
                .unwrap();
            cursor
                .read(2, u64::MAX, |line| {
                    seen.push(line.seq);
                    true
                })
                .unwrap();
        }
        assert_eq!(seen, [1, 1, 2], "a refused line comes again, lines above the limit wait");
        assert_eq!(cursor.next_seq(), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_number_is_found_by_bisection(
            messages in prop::collection::vec("[a-z\"\\\\\n€]{0,300}|[a-z]{9000}", 0..40), from in 0_u64..45
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.log");
            let lines = write(&path, &messages);
            let expected: Vec<LogLine> = lines.into_iter().filter(|line| line.seq >= from).collect();
            prop_assert_eq!(read(&path, from), expected);
        }
    }
}
