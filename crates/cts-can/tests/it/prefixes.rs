//! Logs that are cut anywhere, stored in any way: every whole event before the cut is kept, and the rest is accounted
//! for to the byte.

use std::borrow::Cow;
use std::io::Read;
use std::thread;

use cts_can::rlog::{LogEnd, LogReader};
use proptest::test_runner::TestRunner;

use crate::damage::{bzip2, zstd};
use crate::framing::message_ends;
use crate::shared::{self, edge_logs, example, same_cases};

/// A number for everything that was read up to an event, after each event; and how the log ended.
fn read(mut log: LogReader<'_>) -> (Vec<u64>, LogEnd) {
    let mut sums = Vec::new();
    let mut sum: u64 = 0;
    let add = |sum: u64, value: u64| (sum.rotate_left(7) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    while let Some(event) = log.next_event().unwrap() {
        match event.and_then(|event| Ok((event, event.frames()?))) {
            Ok((event, frames)) => {
                sum = add(sum, event.mono_time);
                for frame in frames {
                    sum = add(sum, u64::from(frame.address.0) << 8 | u64::from(frame.bus.0));
                    sum = frame.data.chunks(8).fold(sum, |sum, bytes| {
                        add(sum, bytes.iter().fold(bytes.len() as u64, |word, byte| word << 8 | u64::from(*byte)))
                    });
                }
            }
            Err(fault) => sum = add(sum, fault.to_string().len() as u64),
        }
        sums.push(sum);
    }
    (sums, log.end().unwrap().clone())
}

/// What a decoder other than the reader's makes of the stored bytes: everything up to the end or the damage.
fn decoded(stored: &[u8]) -> Cow<'_, [u8]> {
    let mut plain = Vec::new();
    // What was decoded before an error stays in the vector.
    let _ = match stored {
        [0x28, 0xB5, 0x2F, 0xFD, ..] => zstd::Decoder::new(stored).unwrap().read_to_end(&mut plain),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => bzip2::read::MultiBzDecoder::new(stored).read_to_end(&mut plain),
        stored => return Cow::Borrowed(stored),
    };
    Cow::Owned(plain)
}

/// A log that is cut again and again.
struct Cut {
    name: String,
    stored: Vec<u8>,
    /// Where its messages end when it is decompressed, and what was read up to each of them.
    ends: Vec<usize>,
    sums: Vec<u64>,
}

impl Cut {
    fn new(name: String, stored: Vec<u8>) -> Self {
        let ends = message_ends(&decoded(&stored));
        let (sums, _) = read(LogReader::new(stored.as_slice()));
        assert_eq!(sums.len(), ends.len(), "{name}");
        Self { name, stored, ends, sums }
    }

    /// Reads the first bytes and holds what is found against the whole log.
    fn check(&self, length: usize) {
        let name = format!("{} cut at {length}", self.name);
        let stored = &self.stored[..length];
        let plain_bytes = decoded(stored).len();
        let whole = self.ends.partition_point(|end| *end <= plain_bytes);
        let kept = self.ends[..whole].last().copied().unwrap_or(0);
        let reader = |stored| if length.is_multiple_of(2) { read(LogReader::new(stored)) } else { read_ahead(stored) };
        let (sums, end) = reader(stored);
        assert_eq!(end.messages, whole as u64, "{name}");
        assert!(sums == self.sums[..whole], "{name}");
        assert_eq!((end.packed_bytes, end.plain_bytes), (length as u64, plain_bytes as u64), "{name}");
        match &end.damage {
            None => assert_eq!(plain_bytes, kept, "{name}"),
            Some(damage) => {
                let expected = (whole as u64, kept as u64, (plain_bytes - kept) as u64);
                assert_eq!((damage.message, damage.byte, damage.plain_bytes_lost), expected, "{name}");
            }
        }
    }

    /// The same for a number of lengths, the same ones in every run.
    fn check_some(&self, lengths: u32) {
        let mut runner = TestRunner::new(same_cases(lengths));
        let result = runner.run(&(0..=self.stored.len()), |length| {
            self.check(length);
            Ok(())
        });
        result.unwrap();
    }
}

fn read_ahead(stored: &[u8]) -> (Vec<u64>, LogEnd) {
    thread::scope(|scope| read(LogReader::ahead(scope, stored)))
}

#[test]
fn every_prefix_of_every_edge_log_keeps_its_whole_events() {
    for (name, stored) in edge_logs() {
        let plain = decoded(&stored).into_owned();
        let (zstd, bzip2) = (zstd(&plain), bzip2(&plain));
        for (form, stored) in [("as stored", stored), ("plain", plain), ("zstd", zstd), ("bzip2", bzip2)] {
            let log = Cut::new(format!("{name} {form}"), stored);
            (0..=log.stored.len()).for_each(|length| log.check(length));
        }
    }
}

fn minute() -> Vec<u8> {
    decoded(&example("toyota-60s.rlog.zst")).into_owned()
}

#[test]
fn a_thousand_prefixes_of_a_real_log_keep_their_whole_events() {
    Cut::new("plain".to_owned(), minute()).check_some(1000);
}

#[test]
fn compressed_prefixes_of_a_real_log_keep_their_whole_events() {
    Cut::new("zstd".to_owned(), example("toyota-60s.rlog.zst")).check_some(100);
    Cut::new("bzip2".to_owned(), bzip2(&minute())).check_some(12);
}

#[test]
fn a_cut_at_every_byte_of_the_last_messages_of_a_real_log_keeps_every_whole_event() {
    let plain = minute();
    let ends = message_ends(&plain);
    assert_eq!(ends.last(), Some(&plain.len()));
    // The last one that is in several segments, and the very last.
    let far = (0..ends.len() - 1).rfind(|number| plain[ends[*number]] != 0).unwrap();
    for last in [far + 1, ends.len() - 1] {
        let log = Cut::new(format!("message {last}"), plain[..ends[last]].to_vec());
        let lengths = ends[last - 1]..ends[last];
        // Nine kilobytes of a picture need not be cut at each of them.
        let step = if lengths.len() > 1024 { 16 } else { 1 };
        lengths.clone().step_by(step).chain(lengths.end - 8..=lengths.end).for_each(|length| log.check(length));
    }
}

#[test]
fn prefixes_of_logs_that_are_cut_already_keep_their_whole_events() {
    let Some(shared) = shared::folder() else { return };
    for (name, lengths) in [("cut_real.rlog.zst", 50), ("cut_real.rlog.bz2", 10)] {
        let stored = std::fs::read(shared.join("data/edge").join(name)).unwrap();
        Cut::new(name.to_owned(), stored).check_some(lengths);
    }
}
