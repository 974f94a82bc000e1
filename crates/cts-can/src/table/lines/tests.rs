//! Lines of every format against a plain way to write the same.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::frame::{Address, Origin};
use crate::segments::Segment;
use crate::table::candump::CandumpLine;
use crate::table::csv::{CabanaLine, CsvLine};
use crate::table::ndjson::NdjsonLine;

fn written(line: impl Line, physical_buses: bool, head: &RowHead, frames: &[Frame<'_>]) -> String {
    let mut out = Vec::new();
    let mut rows = LineWriter::new(&mut out, line, physical_buses);
    rows.begin_event(head);
    for frame in frames {
        rows.row(frame).unwrap();
    }
    rows.flush().unwrap();
    assert_eq!(rows.bytes_written(), rows.out.len() as u64);
    String::from_utf8(out).unwrap()
}

fn basic(head: &RowHead, frames: &[Frame<'_>]) -> String {
    written(CsvLine::basic(), false, head, frames)
}

const BASIC_HEADER: &str = "window,segment,timestamp,address,bus,data_hex\r\n";

fn digits(data: &[u8]) -> String {
    data.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02X}").unwrap();
        text
    })
}

fn plain_csv(head: &RowHead, frame: &Frame<'_>) -> String {
    let (segment, time) = (head.segment.name(), head.time as f64 / 1e9);
    format!("1,{segment},{time:.6},{},{},{}\r\n", frame.address, frame.bus, digits(frame.data))
}

fn plain_cabana(head: &RowHead, frame: &Frame<'_>) -> String {
    let time = head.time as f64 / 1e9;
    format!("{time:.3},{:#x},{},0x{}\n", frame.address.0, frame.bus, digits(frame.data))
}

fn plain_ndjson(head: &RowHead, frame: &Frame<'_>) -> String {
    let (time, mono_time, segment) = (head.time as f64 / 1e9, head.mono_time, head.segment.name());
    let origin = head.origin.unwrap_or(frame.bus.origin()).name();
    let data = digits(frame.data);
    format!(
        "{{\"timestamp\":{time:.6},\"log_mono_time\":{mono_time},\"segment\":\"{segment}\",\"address\":\"{}\",\
         \"bus\":{},\"origin\":\"{origin}\",\"data\":\"{data}\"}}\n",
        frame.address, frame.bus
    )
}

fn plain_candump(head: &RowHead, frame: &Frame<'_>) -> String {
    let Address(address) = frame.address;
    let id = if address > 0x7FF { format!("{address:08X}") } else { format!("{address:03X}") };
    let mark = if frame.data.len() > 8 { "##0" } else { "#" };
    format!("({:.6}) can{} {id}{mark}{}\n", head.time as f64 / 1e9, frame.bus, digits(frame.data))
}

const HEAD: RowHead = RowHead { segment: Segment::Window, time: 1_500_000_000, mono_time: 7, origin: None };

#[test]
fn every_standard_address_and_every_bus_has_its_text() {
    for number in 0..=0x1000_u32 {
        let bus = Bus(number.to_le_bytes()[0]);
        let frame = Frame { address: Address(number), bus, data: &[] };
        assert_eq!(basic(&HEAD, &[frame]), format!("{BASIC_HEADER}{}", plain_csv(&HEAD, &frame)));
        let cabana = written(CabanaLine::default(), false, &HEAD, &[frame]);
        assert_eq!(cabana, format!("time,addr,bus,data\n{}", plain_cabana(&HEAD, &frame)));
        assert_eq!(written(CandumpLine::default(), false, &HEAD, &[frame]), plain_candump(&HEAD, &frame));
    }
}

#[test]
fn extended_columns_tell_what_the_basic_ones_hide() {
    let frame = |address, bus, data| Frame { address: Address(address), bus: Bus(bus), data };
    let frames =
        [frame(0x123, 0, &[1][..]), frame(0x18DA_F110, 129, &[0; 12]), frame(0x800, 192, &[]), frame(1, 4, &[0; 64])];
    let text = written(CsvLine::extended(), true, &HEAD, &frames);
    let ends: Vec<&str> = text.lines().map(|line| line.splitn(6, ',').nth(5).unwrap()).collect();
    let zeros = "00".repeat(64);
    let expected = [
        "data_hex,log_mono_time,origin,format".to_owned(),
        "01,7,received,standard".to_owned(),
        "000000000000000000000000,7,echoed,extended_fd".to_owned(),
        ",7,rejected,extended".to_owned(),
        format!("{zeros},7,received,standard_fd"),
    ];
    assert_eq!(ends, expected);
    let buses: Vec<&str> = text.lines().skip(1).map(|line| line.split(',').nth(4).unwrap()).collect();
    assert_eq!(buses, ["0", "1", "0", "4"]);

    let requested = RowHead { origin: Some(Origin::Requested), mono_time: u64::MAX, ..HEAD };
    let text = written(CsvLine::extended(), false, &requested, &[frame(u32::MAX, 255, &[0; 9])]);
    assert!(text.ends_with(",255,000000000000000000,18446744073709551615,requested,extended_fd\r\n"), "{text}");
}

#[test]
fn a_payload_that_no_bus_can_carry_is_written_whole() {
    for length in [QUICK_PAYLOAD_BYTES_MAX, QUICK_PAYLOAD_BYTES_MAX + 1, BUFFER_BYTES, 3 * BUFFER_BYTES + 1] {
        let data: Vec<u8> = (0..=255).cycle().take(length).collect();
        let frame = Frame { address: Address(9), bus: Bus(0), data: &data };
        let text = basic(&HEAD, &[frame]);
        assert_eq!(text.split_once("\r\n").unwrap().1, plain_csv(&HEAD, &frame), "{length} bytes");
        let text = written(NdjsonLine::default(), false, &HEAD, &[frame]);
        assert_eq!(text, plain_ndjson(&HEAD, &frame), "{length} bytes");
    }
}

#[test]
fn the_longest_line_of_every_format_fits() {
    let data = [0xFF; QUICK_PAYLOAD_BYTES_MAX];
    let frame = Frame { address: Address(u32::MAX), bus: Bus(255), data: &data };
    let head = RowHead {
        segment: Segment::Window,
        time: -i128::from(u64::MAX),
        mono_time: u64::MAX,
        origin: Some(Origin::Requested),
    };
    let frames = vec![frame; 2000];
    let expected = plain_ndjson(&head, &frame).repeat(frames.len());
    assert_eq!(written(NdjsonLine::default(), false, &head, &frames), expected);
    assert!(expected.len() / frames.len() - 2 * data.len() < BEFORE_BYTES_MAX, "the longest of all formats");
    let expected = plain_candump(&head, &frame).repeat(frames.len());
    assert_eq!(written(CandumpLine::default(), false, &head, &frames), expected);
}

proptest! {
    #[test]
    fn lines_are_what_plain_formatting_writes(
        time in -(1_i128 << 64)..(1 << 64),
        mono_time: u64,
        address: u32,
        shift in 0_u32..32,
        bus: u8,
        data in proptest::collection::vec(any::<u8>(), 0..80),
        is_requested: bool,
    ) {
        let origin = is_requested.then_some(Origin::Requested);
        let head = RowHead { segment: Segment::Pre, time, mono_time, origin };
        let frame = Frame { address: Address(address >> shift), bus: Bus(bus), data: &data };
        let eight = Frame { data: &[data.as_slice(), &[0; 8]].concat()[..8], ..frame };
        let frames = [frame, eight];
        let plainly = |plain: fn(&RowHead, &Frame<'_>) -> String| frames.map(|frame| plain(&head, &frame)).concat();
        prop_assert_eq!(basic(&head, &frames), BASIC_HEADER.to_owned() + &plainly(plain_csv));
        let cabana = written(CabanaLine::default(), false, &head, &frames);
        prop_assert_eq!(cabana, "time,addr,bus,data\n".to_owned() + &plainly(plain_cabana));
        prop_assert_eq!(written(NdjsonLine::default(), false, &head, &frames), plainly(plain_ndjson));
        prop_assert_eq!(written(CandumpLine::default(), false, &head, &frames), plainly(plain_candump));
    }
}
