//! Logs that are cut, corrupt or made to harm: what is whole is kept, and nothing panics.

use std::io::{self, Read as _};

use cts_can::Error;
use cts_can::rlog::{Damage, DamageReason, Format, LogReader, MESSAGE_BYTES_MAX};
use cts_can::table::{TableOptions, write_table};
use proptest::prelude::*;

use crate::shared::{edge_logs, example, fixture, same_cases};
use crate::table::{first_second, table};
use crate::writer::message::{Tree, Value, message};
use crate::writer::{CAN, MadeEvent, event, log};

fn damage_of(log: &[u8]) -> Option<Damage> {
    table(log, &first_second()).1.logs[0].end.damage.clone()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    bzip2::read::BzEncoder::new(bytes, bzip2::Compression::fast()).read_to_end(&mut out).unwrap();
    out
}

fn frames(seconds: u64) -> Vec<MadeEvent> {
    (0..seconds).map(|n| MadeEvent::can(n * 1_000_000_000, &[(0x100, 0, &n.to_le_bytes()), (0x200, 1, &[])])).collect()
}

#[test]
fn damage_is_told_with_its_place_and_what_it_costs() {
    let reason = |reason, byte, message, plain_bytes_lost, packed_bytes_lost| {
        Some(Damage { reason, byte, message, plain_bytes_lost, packed_bytes_lost })
    };
    let rows = [
        ("shapes.rlog", None),
        ("empty.rlog.zst", None),
        ("two_streams.rlog.bz2", None),
        ("garbage_tail.rlog.zst", reason(DamageReason::TooManySegments(1 << 32), 216, 1, 64, 0)),
        ("truncated_body.rlog.zst", reason(DamageReason::CutMessage, 216, 1, 205, 0)),
        ("truncated_header.rlog.zst", reason(DamageReason::CutMessage, 216, 1, 3, 0)),
        ("cut_frame.rlog.zst", reason(DamageReason::CutZstd, 0, 0, 0, 0)),
    ];
    for (name, expected) in rows {
        assert_eq!(damage_of(&fixture(&format!("edge/{name}"))), expected, "{name}");
    }
}

#[test]
fn an_unknown_kind_is_skipped_and_counted() {
    let (found, summary) = table(&fixture("edge/unknown_union.rlog.zst"), &first_second());
    let log = &summary.logs[0];
    assert_eq!(log.unknown_events, 1);
    assert_eq!(log.unknown_kinds.values().sum::<u64>(), 1);
    assert!(log.is_whole());
    assert_eq!(log.can_frames, found.lines().count() as u64 - 1);
    assert!(log.can_events >= 1);
}

#[test]
fn strict_reading_ends_with_the_first_fault_and_keeps_the_rows_before() {
    let options = TableOptions { strict: true, ..first_second() };
    let run = |log: &[u8]| {
        let mut out = Vec::new();
        let result = write_table(log, &mut out, &options, |_| {});
        (result, String::from_utf8(out).unwrap().lines().count())
    };
    let (result, lines) = run(&fixture("edge/garbage_tail.rlog.zst"));
    assert_eq!(lines, 6);
    let text = result.unwrap_err().to_string();
    assert_eq!(text, "the log is damaged at byte 216: a message claims 4294967296 segments, the limit is 512");

    let (result, lines) = run(&fixture("edge/unknown_union.rlog.zst"));
    assert_eq!(lines, 6);
    assert!(matches!(result, Err(Error::UnknownEvent { message: 1, kind: 148.. })), "{result:?}");

    let (result, _) = run(&fixture("edge/shapes.rlog.zst"));
    assert!(result.unwrap().is_whole());
}

#[test]
fn an_event_that_is_broken_inside_costs_only_itself() {
    let mut bytes = log(&frames(3));
    let event_bytes = bytes.len() / 3;
    // The payload pointer of the second frame of the second event.
    let pointer = event_bytes + 8 + 8 * 8;
    bytes[pointer..pointer + 8].copy_from_slice(&[1, 0, 0, 0x10, 0x42, 0, 0, 0]);
    let (found, summary) = table(&bytes, &TableOptions::default());
    let times: Vec<&str> = found.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    assert_eq!(times, ["0.000000", "0.000000", "2.000000", "2.000000"]);
    assert_eq!((summary.logs[0].bad_events, summary.logs[0].end.damage.clone()), (1, None));
    assert!(!summary.is_whole());

    let strict = TableOptions { strict: true, ..TableOptions::default() };
    let error = write_table(bytes.as_slice(), io::sink(), &strict, |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "message 1 is damaged inside: a pointer leads out of its segment");
}

#[test]
fn what_is_no_log_is_called_so() {
    let zeros = [0; 4096];
    for bytes in
        [b"window,segment,timestamp\r\n".as_slice(), &zeros, b"\x7fELF\x02\x01\x01\0\0\0\0\0", b"\x89PNG\r\n\x1a\n"]
    {
        for bytes in [bytes.to_vec(), zstd(bytes), bzip2(bytes)] {
            let damage = damage_of(&bytes).unwrap();
            assert_eq!((damage.reason, damage.byte), (DamageReason::NotALog, 0));
        }
    }
}

#[test]
fn a_claim_of_a_huge_message_is_damage_and_takes_no_memory() {
    let mut bytes = log(&frames(1));
    let good = bytes.len() as u64;
    bytes.extend([0_u32, 0x0020_0001].iter().flat_map(|number| number.to_le_bytes()));
    let damage = damage_of(&bytes).unwrap();
    assert_eq!((damage.reason, damage.byte), (DamageReason::MessageTooLarge(MESSAGE_BYTES_MAX + 8), good));
}

#[test]
fn frames_without_any_bytes_are_not_made_out_of_nothing() {
    // Elements of a list may have no size at all; a writer of canonical messages makes some, but never thousands.
    let none = Tree::default();
    let event = |count| {
        let elements = vec![none.clone(); count];
        message(event(7, CAN, Value::Structs { data_words: 0, pointer_count: 0, elements }), [])
    };
    let (_, summary) = table(&event(60), &first_second());
    assert_eq!((summary.rows, summary.is_whole()), (60, true));
    let bytes = event(4000);
    let (_, summary) = table(&bytes, &first_second());
    assert_eq!((summary.rows, summary.logs[0].bad_events), (0, 1), "{} bytes", bytes.len());
}

#[test]
fn a_few_bytes_that_become_very_many_are_damage() {
    // Messages of a megabyte that say nothing, again and again.
    let mut plain = log(&frames(1));
    let good = message(event(1, 65, Value::Bytes(vec![0; 1 << 20])), []);
    plain.extend(good.repeat(8));
    let packed = zstd::encode_all(plain.as_slice(), 19).unwrap();
    assert!(packed.len() < 4096, "{} bytes", packed.len());
    let bomb = packed.repeat(100);
    let (_, summary) = table(&bomb, &first_second());
    let end = &summary.logs[0].end;
    let damage = end.damage.as_ref().unwrap();
    assert_eq!(damage.reason, DamageReason::DecompressionBomb);
    assert!((256 << 20..270 << 20).contains(&end.plain_bytes), "{} bytes were decompressed", end.plain_bytes);
    assert_eq!((end.packed_bytes, damage.packed_bytes_lost > 100), (bomb.len() as u64, true));
    assert_eq!(summary.rows % 2, 0);
    // A tenth of a gigabyte out of nothing harms nobody.
    let (_, summary) = table(&packed.repeat(16), &first_second());
    assert!(summary.is_whole());
}

#[test]
fn bzip2_streams_that_hold_nothing_are_damage_when_there_are_very_many() {
    // Each is fourteen bytes and makes the decoder prepare some megabytes.
    let empty = bzip2(&[]);
    let plain = log(&frames(1));
    let (_, summary) = table(&[bzip2(&plain), empty.repeat(70)].concat(), &first_second());
    assert!(summary.is_whole());
    let (_, summary) = table(&[bzip2(&plain), empty.repeat(10_000)].concat(), &first_second());
    let damage = summary.logs[0].end.damage.clone().unwrap();
    assert_eq!((damage.reason, damage.message, summary.rows), (DamageReason::DecompressionBomb, 1, 2));
    assert!(damage.packed_bytes_lost > 100_000, "{} bytes lost", damage.packed_bytes_lost);
}

#[test]
fn a_large_message_between_small_ones_is_read() {
    for payload in [30_000, 40_000, 300_000, 2_000_000, usize::try_from(MESSAGE_BYTES_MAX).unwrap() - 64] {
        let mut events = frames(2);
        let data: Vec<u8> = (0..=255).cycle().take(payload).collect();
        events.insert(1, MadeEvent::new(500_000_000, 65, &[(1, 0, &data)]));
        events.insert(1, MadeEvent::can(400_000_000, &[(1, 0, &data[..payload / 2])]));
        let plain = log(&events);
        let (expected, _) = table(&log(&[events[0].clone(), events[1].clone(), events[3].clone()]), &first_second());
        for bytes in [plain.clone(), zstd(&plain)] {
            let (found, summary) = table(&bytes, &first_second());
            assert!(summary.is_whole());
            assert!(found == expected, "payload of {payload} bytes");
        }
    }
}

#[test]
fn compression_is_told_by_content_in_every_form() {
    let plain = log(&frames(100));
    let (expected, _) = table(&plain, &first_second());
    let (first, second) = plain.split_at(plain.len() / 2 + 3);
    let skippable = [0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let rows = [
        (Format::Plain, plain.clone()),
        (Format::Zstd, zstd(&plain)),
        (Format::Zstd, [zstd(first), zstd(second), zstd(&[])].concat()),
        (Format::Zstd, [skippable.to_vec(), zstd(first), skippable.to_vec(), zstd(second)].concat()),
        (Format::Bzip2, bzip2(&plain)),
        (Format::Bzip2, [bzip2(first), bzip2(&[]), bzip2(second)].concat()),
    ];
    for (format, bytes) in rows {
        let (found, summary) = table(&bytes, &first_second());
        let end = &summary.logs[0].end;
        assert_eq!((found == expected, end.format, &end.damage), (true, format, &None));
        assert_eq!((end.packed_bytes, end.plain_bytes), (bytes.len() as u64, plain.len() as u64));
    }
}

#[test]
fn bytes_after_the_compressed_log_are_counted_as_lost() {
    let plain = log(&frames(10));
    let trailing = vec![0; 200_000];
    for (packed, reason) in [
        (zstd(&plain), DamageReason::CorruptZstd("Unknown frame descriptor")),
        (bzip2(&plain), DamageReason::CorruptBzip2("a stream has no header")),
    ] {
        let bytes = [packed, trailing.clone()].concat();
        let (_, summary) = table(&bytes, &first_second());
        let damage = summary.logs[0].end.damage.as_ref().unwrap();
        assert_eq!(summary.rows, 20);
        assert_eq!((damage.byte, damage.message, damage.plain_bytes_lost), (plain.len() as u64, 10, 0));
        assert_eq!(damage.reason, reason);
        // The decoder may have looked at a few bytes before it refused them.
        assert!((199_990..=200_000).contains(&damage.packed_bytes_lost), "{} lost", damage.packed_bytes_lost);
        assert_eq!(summary.logs[0].end.packed_bytes, bytes.len() as u64);
    }
}

#[test]
fn a_zstd_window_beyond_the_limit_is_refused_by_name() {
    // A frame header without a content size whose window descriptor asks for 64 MiB.
    let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, (26 - 10) << 3, 0x01, 0x00, 0x00];
    let damage = damage_of(&frame).unwrap();
    assert_eq!(damage.reason, DamageReason::ZstdWindow);
    assert_eq!(damage.reason.to_string(), "a zstd frame needs a window of more than 32 MiB");
    let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, (25 - 10) << 3, 0x01, 0x00, 0x00];
    assert_eq!(damage_of(&frame), None);
}

/// Reads everything on one thread; returns rows as a table would have them, to compare both ways of reading.
fn frames_on_one_thread(log: &[u8]) -> (u64, Option<Damage>) {
    let mut reader = LogReader::new(log);
    let mut frames = 0;
    while let Some(event) = reader.next_event().unwrap() {
        let Ok(event) = event else { continue };
        if event.kind == cts_can::rlog::EventKind::Can {
            frames += event.frames().map_or(0, |frames| frames.count() as u64);
        }
    }
    assert!(reader.next_event().unwrap().is_none(), "the end stays the end");
    (frames, reader.end().unwrap().damage.clone())
}

proptest! {
    #![proptest_config(same_cases(200))]

    #[test]
    fn random_prefixes_of_a_real_log_keep_their_rows(share in 0.0..1.0_f64, packed: bool) {
        thread_local! {
            static SAMPLE: (Vec<u8>, Vec<u8>, String) = {
                let packed = example("toyota-5s.rlog.zst");
                let plain = zstd::decode_all(packed.as_slice()).unwrap();
                let whole = table(&packed, &TableOptions::default()).0;
                (packed, plain, whole)
            };
        }
        SAMPLE.with(|(zst, plain, whole)| {
            let bytes = if packed { zst } else { plain };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the share is at most 1")]
            let length = (bytes.len() as f64 * share) as usize;
            let (found, summary) = table(&bytes[..length], &TableOptions::default());
            prop_assert!(whole.starts_with(&found));
            let end = &summary.logs[0].end;
            let lost = end.damage.as_ref().map_or(0, |damage| damage.plain_bytes_lost);
            prop_assert!(packed || end.plain_bytes == length as u64);
            prop_assert!(lost < 16_384, "at most one message of this log is lost");
            prop_assert_eq!(frames_on_one_thread(&bytes[..length]), (summary.rows, end.damage.clone()));
            Ok(())
        })?;
    }

    #[test]
    fn changed_bytes_never_panic(
        which in 0_usize..100,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let logs = edge_logs();
        let mut bytes = logs[which % logs.len()].1.clone();
        for (index, value) in changes {
            if !bytes.is_empty() {
                let at = index.index(bytes.len());
                bytes[at] = value;
            }
        }
        let (_, summary) = table(&bytes, &first_second());
        prop_assert_eq!(frames_on_one_thread(&bytes).1, summary.logs[0].end.damage.clone());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000), magic in 0_usize..4) {
        let magic: &[u8] = [&b""[..], &[0x28, 0xB5, 0x2F, 0xFD], b"BZh9", &[0, 0, 0, 0, 20, 0, 0, 0]][magic];
        table(&[magic, &bytes].concat(), &first_second());
    }
}
