//! What a user can choose about a table.

use std::io;

use cts_can::filter::FrameFilter;
use cts_can::frame::{Address, Bus};
use cts_can::segments::WindowRule;
use cts_can::table::{Columns, Conversion, TableFormat, TableOptions, TimeOrigin, write_table};
use expect_test::{Expect, expect};

use crate::table::table;
use crate::writer::{MadeEvent, SENDCAN, log};

const SECOND: u64 = 1_000_000_000;

/// A sent frame before the first `can` event, then three seconds of frames with an echo and a refused one.
fn drive() -> Vec<u8> {
    log(&[
        MadeEvent::new(9 * SECOND, SENDCAN, &[(0x2E4, 0, &[0xAA])]),
        MadeEvent::can(10 * SECOND, &[(0x123, 0, &[1, 2]), (0x18DA_F110, 1, &[3; 12])]),
        MadeEvent::can(11 * SECOND, &[(0x2E4, 128, &[0xAA]), (0x7FF, 2, &[])]),
        MadeEvent::new(11 * SECOND + 500, SENDCAN, &[(0x343, 0, &[0xBB])]),
        MadeEvent::can(12 * SECOND, &[(0x343, 192, &[0xBB]), (0x123, 0, &[4])]),
    ])
}

#[expect(clippy::needless_pass_by_value, reason = "the macro makes a value")]
fn check(options: &TableOptions, expected: Expect) {
    let (table, _) = table(&drive(), options);
    assert_eq!(table.matches("\r\n").count(), table.lines().count());
    expected.assert_eq(&table.replace("\r\n", "\n"));
}

#[test]
fn by_default_only_seen_frames_are_rows() {
    check(
        &TableOptions::default(),
        expect![[r"
        window,segment,timestamp,address,bus,data_hex
        1,pre,0.000000,0x123,0,0102
        1,pre,0.000000,0x18DAF110,1,030303030303030303030303
        1,pre,1.000000,0x2E4,128,AA
        1,pre,1.000000,0x7FF,2,
        1,pre,2.000000,0x343,192,BB
        1,pre,2.000000,0x123,0,04
    "]],
    );
}

#[test]
fn sent_frames_join_in_their_place_and_leave_the_times_as_they_are() {
    let options = TableOptions {
        include_sendcan: true,
        physical_buses: true,
        format: TableFormat::Csv(Columns::Extended),
        ..TableOptions::default()
    };
    check(
        &options,
        expect![[r"
        window,segment,timestamp,address,bus,data_hex,log_mono_time,origin,format
        1,pre,-1.000000,0x2E4,0,AA,9000000000,requested,standard
        1,pre,0.000000,0x123,0,0102,10000000000,received,standard
        1,pre,0.000000,0x18DAF110,1,030303030303030303030303,10000000000,received,extended_fd
        1,pre,1.000000,0x2E4,0,AA,11000000000,echoed,standard
        1,pre,1.000000,0x7FF,2,,11000000000,received,standard
        1,pre,1.000001,0x343,0,BB,11000000500,requested,standard
        1,pre,2.000000,0x343,0,BB,12000000000,rejected,standard
        1,pre,2.000000,0x123,0,04,12000000000,received,standard
    "]],
    );
}

#[test]
fn filters_choose_rows_and_the_window_names_them() {
    let filter = FrameFilter {
        buses: vec![Bus(0), Bus(192)],
        addresses: vec![Address(0x123), Address(0x343)],
        from: Some(0.0),
        to: Some(2.0),
    };
    let window = WindowRule::new(Some(0.5), Some(1.5));
    let options = TableOptions { filter, window, time_origin: TimeOrigin::Boot, ..TableOptions::default() };
    check(
        &options,
        expect![[r"
        window,segment,timestamp,address,bus,data_hex
        1,pre,10.000000,0x123,0,0102
        1,window,12.000000,0x343,192,BB
        1,window,12.000000,0x123,0,04
    "]],
    );
    let (_, summary) = table(&drive(), &options);
    assert_eq!((summary.rows_left_out, summary.segments.pre, summary.segments.window), (3, 1, 2));
    assert_eq!((summary.first_time, summary.last_time, summary.time_zero), (Some(0.0), Some(2.0), Some(10 * SECOND)));
}

#[test]
fn a_time_filter_leaves_whole_events_out() {
    let filter = FrameFilter { from: Some(0.5), to: Some(1.5), ..FrameFilter::default() };
    let (_, summary) = table(&drive(), &TableOptions { filter, ..TableOptions::default() });
    assert_eq!((summary.rows, summary.rows_left_out), (2, 4));
    assert_eq!(summary.buses.iter().map(|bus| (bus.bus.0, bus.rows)).collect::<Vec<_>>(), [(2, 1), (128, 1)]);
}

#[test]
fn without_a_can_event_the_first_sent_frame_sets_the_time() {
    let sent = |time| MadeEvent::new(time, SENDCAN, &[(1, 0, &[])]);
    let bytes = log(&[sent(5 * SECOND), sent(6 * SECOND)]);
    let options = TableOptions { include_sendcan: true, ..TableOptions::default() };
    let (found, summary) = table(&bytes, &options);
    assert!(found.ends_with("1,pre,0.000000,0x001,0,\r\n1,pre,1.000000,0x001,0,\r\n"), "{found}");
    assert_eq!(summary.time_zero, Some(5 * SECOND));
}

#[test]
fn too_many_sent_frames_before_the_first_can_event_do_not_pile_up() {
    let sent: Vec<MadeEvent> = (0..40_000).map(|n| MadeEvent::new(n * 1_000_000, SENDCAN, &[(1, 0, &[])])).collect();
    let options = TableOptions { include_sendcan: true, ..TableOptions::default() };
    let (_, summary) = table(&log(&sent), &options);
    assert_eq!((summary.rows, summary.time_zero), (40_000, Some(0)));
    assert_eq!((summary.first_time, summary.last_time), (Some(0.0), Some(39.999)));
}

#[test]
fn several_logs_share_the_time_of_the_first_can_event() {
    let frame = |seconds| log(&[MadeEvent::can(seconds * SECOND, &[(1, 0, &[])])]);
    let mut out = Vec::new();
    let mut conversion = Conversion::new(&mut out, &TableOptions::default()).unwrap();
    let none = log(&[MadeEvent::new(3 * SECOND, 0, &[])]);
    for bytes in [none, frame(100), vec![0xFF; 64], frame(160), frame(90)] {
        conversion.add_log(bytes.as_slice(), &mut |_| {}).unwrap();
    }
    let summary = conversion.finish().unwrap();
    let table = String::from_utf8(out).unwrap();
    let times: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    assert_eq!(times, ["0.000000", "60.000000", "-10.000000"]);
    let whole: Vec<bool> = summary.logs.iter().map(|log| log.is_whole()).collect();
    assert_eq!(whole, [true, true, false, true, true]);
    assert_eq!((summary.first_time, summary.last_time), (Some(-10.0), Some(60.0)));
}

#[test]
fn progress_ends_with_every_byte_of_the_log() {
    let bytes = drive();
    let mut told = Vec::new();
    let summary = write_table(bytes.as_slice(), io::sink(), &TableOptions::default(), |progress| told.push(progress));
    let last = told.last().unwrap();
    assert_eq!((last.packed_bytes, last.rows, last.events), (bytes.len() as u64, 6, 5));
    assert_eq!(summary.unwrap().events, 5);
}
