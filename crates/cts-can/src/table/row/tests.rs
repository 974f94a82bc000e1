//! Rows against a plain way to write the same.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn written(columns: Columns, physical_buses: bool, head: &RowHead, frames: &[Frame<'_>]) -> String {
    let mut out = Vec::new();
    let mut rows = RowWriter::new(&mut out, columns, physical_buses);
    rows.begin_event(head);
    for frame in frames {
        rows.row(frame).unwrap();
    }
    rows.flush().unwrap();
    assert_eq!(rows.bytes_written(), rows.out.len() as u64);
    String::from_utf8(out).unwrap()
}

fn plainly(head: &RowHead, frame: &Frame<'_>) -> String {
    let mut row = format!("1,{},{:.6},", head.segment.name(), head.time as f64 / 1e9);
    write!(row, "{},{},", frame.address, frame.bus).unwrap();
    for byte in frame.data {
        write!(row, "{byte:02X}").unwrap();
    }
    row + "\r\n"
}

const HEAD: RowHead = RowHead { segment: Segment::Window, time: 1_500_000_000, mono_time: 7, origin: None };

#[test]
fn every_standard_address_and_every_bus_has_its_text() {
    for number in 0..=0x1000_u32 {
        let bus = Bus(number.to_le_bytes()[0]);
        let frame = Frame { address: Address(number), bus, data: &[] };
        let expected = format!("window,segment,timestamp,address,bus,data_hex\r\n{}", plainly(&HEAD, &frame));
        assert_eq!(written(Columns::Basic, false, &HEAD, &[frame]), expected);
    }
}

#[test]
fn extended_columns_tell_what_the_basic_ones_hide() {
    let frame = |address, bus, data| Frame { address: Address(address), bus: Bus(bus), data };
    let frames =
        [frame(0x123, 0, &[1][..]), frame(0x18DA_F110, 129, &[0; 12]), frame(0x800, 192, &[]), frame(1, 4, &[0; 64])];
    let text = written(Columns::Extended, true, &HEAD, &frames);
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
    let text = written(Columns::Extended, false, &requested, &[frame(u32::MAX, 255, &[0; 9])]);
    assert!(text.ends_with(",255,000000000000000000,18446744073709551615,requested,extended_fd\r\n"), "{text}");
}

#[test]
fn a_payload_that_no_bus_can_carry_is_written_whole() {
    for length in [QUICK_PAYLOAD_BYTES_MAX, QUICK_PAYLOAD_BYTES_MAX + 1, BUFFER_BYTES, 3 * BUFFER_BYTES + 1] {
        let data: Vec<u8> = (0..=255).cycle().take(length).collect();
        let frame = Frame { address: Address(9), bus: Bus(0), data: &data };
        let text = written(Columns::Basic, false, &HEAD, &[frame]);
        assert_eq!(text.split_once("\r\n").unwrap().1, plainly(&HEAD, &frame), "{length} bytes");
    }
}

proptest! {
    #[test]
    fn rows_are_what_plain_formatting_writes(
        time in -(1_i128 << 64)..(1 << 64),
        address: u32,
        shift in 0_u32..32,
        bus: u8,
        data in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let head = RowHead { segment: Segment::Pre, time, mono_time: 0, origin: None };
        let frame = Frame { address: Address(address >> shift), bus: Bus(bus), data: &data };
        let eight = Frame { data: &[data.as_slice(), &[0; 8]].concat()[..8], ..frame };
        let text = written(Columns::Basic, false, &head, &[frame, eight]);
        let expected = plainly(&head, &frame) + &plainly(&head, &eight);
        prop_assert_eq!(text.split_once("\r\n").unwrap().1, expected);
    }
}
