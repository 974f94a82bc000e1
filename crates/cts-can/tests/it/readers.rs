//! Whom the bytes come from and go to: readers that are slow, interrupted or fail, writers that take no more.

use std::error::Error as _;
use std::io::{self, Read};
use std::thread;

use cts_can::Error;
use cts_can::rlog::LogReader;
use cts_can::table::{TableOptions, write_table};

use crate::damage::{bzip2, zstd};
use crate::shared::{edge_logs, example, fixture};
use crate::table::{first_second, table};
use crate::writer::{MadeEvent, log};

/// Hands out a few bytes at a time, with interruptions, and fails at the end if it is told to.
struct Dripping<'a> {
    rest: &'a [u8],
    calls: usize,
    fails: bool,
}

impl Read for Dripping<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.rest.is_empty() && self.fails {
            return Err(io::Error::other("the disk is gone"));
        }
        let count = self.rest.len().min(out.len()).min(1 + self.calls % 7);
        out[..count].copy_from_slice(&self.rest[..count]);
        self.rest = &self.rest[count..];
        Ok(count)
    }
}

#[test]
fn a_reader_may_give_its_bytes_in_any_pieces() {
    for (name, bytes) in edge_logs() {
        let (expected, _) = table(&bytes, &first_second());
        let mut out = Vec::new();
        let dripping = Dripping { rest: &bytes, calls: 0, fails: false };
        write_table(dripping, &mut out, &first_second(), |_| {}).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{name}");
    }
}

#[test]
fn a_reader_that_fails_is_an_error_and_not_damage() {
    for bytes in [fixture("edge/shapes.rlog"), fixture("edge/shapes.rlog.zst"), fixture("edge/two_streams.rlog.bz2")] {
        let dripping = Dripping { rest: &bytes, calls: 0, fails: true };
        let error = write_table(dripping, io::sink(), &first_second(), |_| {}).unwrap_err();
        let Error::Read { packed_bytes, .. } = error else { panic!("{error}") };
        assert_eq!(packed_bytes, bytes.len() as u64);
    }
}

/// Reads until the reader fails; returns how many events came before.
fn events_before_the_failure(mut log: LogReader<'_>) -> u64 {
    let failure = loop {
        match log.next_event() {
            Ok(event) => assert!(event.is_some(), "the log has no end"),
            Err(failure) => break failure,
        }
    };
    assert_eq!(failure.source().unwrap().to_string(), "the disk is gone");
    let again = log.next_event().unwrap_err();
    assert_eq!(again.to_string(), failure.to_string(), "a log that failed stays failed");
    assert_eq!(again.source().unwrap().to_string(), "reading it has failed before");
    assert_eq!(log.end(), None);
    log.messages()
}

#[test]
fn what_came_before_a_reader_fails_is_used() {
    let plain = log(&(0..100).map(|time| MadeEvent::can(time, &[(1, 0, &[7; 8])])).collect::<Vec<_>>());
    for bytes in [zstd(&plain), bzip2(&plain), plain] {
        let dripping = || Dripping { rest: &bytes, calls: 0, fails: true };
        assert_eq!(events_before_the_failure(LogReader::new(dripping())), 100);
        assert_eq!(thread::scope(|scope| events_before_the_failure(LogReader::ahead(scope, dripping()))), 100);
        let mut out = Vec::new();
        write_table(dripping(), &mut out, &first_second(), |_| {}).unwrap_err();
        assert_eq!(out.split(|byte| *byte == b'\n').count(), 102);
    }
}

/// Takes some bytes, then no more.
struct Full(usize);

impl io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.0);
        self.0 -= count;
        if count == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(count) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_takes_no_more_ends_the_reading_at_once() {
    let sample = example("toyota-5s.rlog.zst");
    for room in [0, 10, 100_000] {
        let error = write_table(sample.as_slice(), Full(room), &TableOptions::default(), |_| {}).unwrap_err();
        assert!(matches!(&error, Error::Write(cause) if cause.kind() == io::ErrorKind::StorageFull), "{error:?}");
    }
}

#[test]
fn a_reader_that_fails_behind_damage_is_an_error_too() {
    let plain = log(&(0..100).map(|time| MadeEvent::can(time, &[(1, 0, &[7; 8])])).collect::<Vec<_>>());
    let garbage = [0xAB; 300_000];
    for bytes in [[zstd(&plain), garbage.to_vec()].concat(), [bzip2(&plain), garbage.to_vec()].concat()] {
        let dripping = || Dripping { rest: &bytes, calls: 0, fails: true };
        assert_eq!(events_before_the_failure(LogReader::new(dripping())), 100);
        assert_eq!(thread::scope(|scope| events_before_the_failure(LogReader::ahead(scope, dripping()))), 100);
    }
}
