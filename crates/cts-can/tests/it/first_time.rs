//! Segments that are given in any order are read in that of time.

use std::cell::Cell;
use std::io::{self, Read};

use cts_can::rlog::{FIRST_TIME_SEARCH_BYTES_MAX, first_can_time, time_order};
use cts_can::table::{Conversion, TableOptions};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::framing::message_ends;
use crate::shared::{edge_logs, example, same_cases};
use crate::table::table;
use crate::writer::message::{Tree, Value, message};
use crate::writer::{CAN, INIT_DATA, MadeEvent, SENDCAN, event, log};

const SENTINEL: u16 = 71;
const CAR_PARAMS: u16 = 67;
const CLOCKS: u16 = 34;

fn first_time(log: &[u8]) -> Option<u64> {
    first_can_time(log).unwrap()
}

/// What every segment of a drive begins with: parameters with the time of the boot.
fn boot() -> Vec<u8> {
    message(event(3, INIT_DATA, Value::Struct(Tree::default())), [])
}

fn empty(mono_time: u64, kind: u16) -> Vec<u8> {
    message(event(mono_time, kind, Value::Null), [])
}

#[test]
fn the_first_can_event_tells_when_a_log_begins() {
    let can = |time| log(&[MadeEvent::can(time, &[(1, 0, &[1])])]);
    let sent = |time| log(&[MadeEvent::new(time, SENDCAN, &[(1, 0, &[1])])]);
    let rows = [
        ("nothing", vec![], None),
        ("no log", b"window,segment,timestamp\r\n".repeat(100), None),
        ("only what every segment repeats", [boot(), empty(9, CAR_PARAMS), empty(8, SENTINEL)].concat(), None),
        ("frames after other events", [boot(), empty(9, CLOCKS), sent(6), can(7), can(5)].concat(), Some(7)),
        ("no frames were received", [boot(), empty(8, SENTINEL), sent(6), empty(5, CLOCKS)].concat(), Some(6)),
        ("the first event has no frames", [empty(4, CAN), can(5)].concat(), Some(4)),
        ("cut behind the first frames", [can(5), vec![0, 0, 0, 0, 9]].concat(), Some(5)),
        ("cut before any frames", [empty(5, CLOCKS), can(6)[..30].to_vec()].concat(), Some(5)),
    ];
    for (what, plain, expected) in rows {
        assert_eq!(first_time(&plain), expected, "{what}");
        assert_eq!(first_time(&zstd::encode_all(plain.as_slice(), 3).unwrap()), expected, "{what}");
    }
}

#[test]
fn a_log_begins_where_its_table_begins() {
    for (name, bytes) in edge_logs() {
        let zero = table(&bytes, &TableOptions::default()).1.time_zero;
        assert!(zero.is_none() || first_time(&bytes) == zero, "{name}");
    }
}

#[test]
fn frames_that_cannot_be_read_begin_no_log() {
    let mut broken = log(&[MadeEvent::can(5, &[(1, 0, &[1])])]);
    let payload_pointer = 8 + 6 * 8;
    broken[payload_pointer..payload_pointer + 4].copy_from_slice(&[1, 0, 0, 0x10]);
    let bytes = [broken, log(&[MadeEvent::can(6, &[])])].concat();
    assert_eq!((table(&bytes, &TableOptions::default()).1.time_zero, first_time(&bytes)), (Some(6), Some(6)));
}

/// Tells how many bytes were read, and never ends.
struct Endless<'a> {
    pattern: &'a [u8],
    at: usize,
    read: &'a Cell<u64>,
}

impl Read for Endless<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        for byte in out.iter_mut() {
            *byte = self.pattern[self.at];
            self.at = (self.at + 1) % self.pattern.len();
        }
        self.read.set(self.read.get() + out.len() as u64);
        Ok(out.len())
    }
}

#[test]
fn only_the_beginning_of_a_log_is_searched() {
    let read = Cell::new(0);
    let found = |pattern: &[u8]| first_can_time(Endless { pattern, at: 0, read: &read }).unwrap();
    // Frames at once, then a camera that never ends.
    assert_eq!(found(&[empty(5, CAN), empty(6, CLOCKS).repeat(1000)].concat()), Some(5));
    assert!(read.take() <= 1024 * 1024, "as little as possible is read");
    // No frames at all; nothing but what every segment repeats; no log; zstd frames that hold nothing.
    let nothing = [0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0];
    for (pattern, expected) in [(empty(6, CLOCKS), Some(6)), (boot(), None), (vec![0xFF], None), (nothing.into(), None)]
    {
        assert_eq!(found(&pattern), expected);
        assert!(read.take() <= FIRST_TIME_SEARCH_BYTES_MAX, "the search has a bound");
    }
    // A few stored bytes that become many: a megabyte of events in each zstd frame of a few hundred bytes.
    let bomb = zstd::encode_all(empty(6, CLOCKS).repeat(1 << 15).as_slice(), 3).unwrap();
    assert_eq!(found(&bomb), Some(6));
    assert!(read.take() <= 1024 * 1024, "the search has a bound for what is decompressed, too");
}

#[test]
fn a_log_that_cannot_be_read_is_an_error() {
    struct Gone;
    impl Read for Gone {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    assert_eq!(first_can_time(Gone).unwrap_err().to_string(), "cannot read the log after 0 bytes");
}

#[test]
fn logs_without_a_time_keep_their_places() {
    let rows: [(&[Option<u64>], &[usize]); 5] = [
        (&[], &[]),
        (&[None, None], &[0, 1]),
        (&[Some(2), Some(1), Some(1)], &[1, 2, 0]),
        (&[Some(30), None, Some(10), None, Some(20)], &[2, 1, 4, 3, 0]),
        (&[None, Some(u64::MAX), Some(0)], &[0, 2, 1]),
    ];
    for (times, order) in rows {
        assert_eq!(time_order(times), order, "{times:?}");
    }
}

fn joined(segments: &[Vec<u8>], options: &TableOptions) -> String {
    let times: Vec<Option<u64>> = segments.iter().map(|segment| first_time(segment)).collect();
    let mut out = Vec::new();
    let mut conversion = Conversion::new(&mut out, options).unwrap();
    for number in time_order(&times) {
        conversion.add_log(segments[number].as_slice(), &mut |_| {}).unwrap();
    }
    conversion.finish().unwrap();
    String::from_utf8(out).unwrap()
}

proptest! {
    #![proptest_config(same_cases(200))]

    #[test]
    fn segments_in_any_order_give_the_table_of_the_whole_log(
        steps in vec((1_u64..20_000_000, 0_usize..4), 1..60),
        cuts in vec(any::<prop::sample::Index>(), 0..6),
        shuffle in vec(any::<u32>(), 7),
        with_sent: bool,
    ) {
        let mut time = 1_000_000_000;
        let events = steps.iter().map(|(step, frames)| {
            time += step;
            let frame = (u32::try_from(*step).unwrap() % 0x800, 0, &[7; 3][..*frames]);
            MadeEvent::new(time, if step % 5 == 0 { SENDCAN } else { CAN }, &vec![frame; *frames])
        });
        // The first event has frames, as in a drive whose segments all know when they begin.
        let events: Vec<MadeEvent> = [MadeEvent::can(1_000_000_000, &[])].into_iter().chain(events).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(events.len())).collect();
        cuts.extend([0, events.len()]);
        cuts.sort_unstable();
        let segment = |range: &[usize]| [boot(), log(&events[range[0]..range[1]])].concat();
        let segments: Vec<Vec<u8>> = cuts.windows(2).map(segment).collect();
        let mut order: Vec<usize> = (0..segments.len()).collect();
        order.sort_by_key(|number| shuffle[number % shuffle.len()]);
        let shuffled: Vec<Vec<u8>> = order.iter().map(|number| segments[*number].clone()).collect();
        let options = TableOptions { include_sendcan: with_sent, ..TableOptions::default() };
        prop_assert_eq!(joined(&shuffled, &options), table(&log(&events), &options).0);
    }
}

#[test]
fn segments_of_a_real_log_give_its_table_in_any_order() {
    let packed = example("toyota-5s.rlog.zst");
    let plain = zstd::decode_all(packed.as_slice()).unwrap();
    let ends = message_ends(&plain);
    let parts: Vec<&[u8]> =
        [0, ends[299], ends[303], ends[1200], plain.len()].windows(2).map(|cut| &plain[cut[0]..cut[1]]).collect();
    let (whole, _) = table(&packed, &TableOptions::default());
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
        let segments = order.map(|number| zstd::encode_all([&boot(), parts[number]].concat().as_slice(), 1).unwrap());
        assert!(joined(&segments, &TableOptions::default()) == whole, "{order:?}");
    }
}
