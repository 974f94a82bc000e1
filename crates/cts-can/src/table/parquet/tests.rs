//! Files of frames, read back with the library's own reader.

use std::sync::{Arc, Mutex};

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;

use super::*;
use crate::frame::{Address, Bus};

/// What stands in a row.
#[derive(Clone, Debug, PartialEq)]
struct Row(f64, i64, String, u32, u8, String, Vec<u8>);

fn read(file: Vec<u8>) -> (Vec<Row>, Vec<i64>) {
    let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
    let groups = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let fields: Vec<Field> = row.unwrap().into_columns().into_iter().map(|(_, field)| field).collect();
        match <[Field; 7]>::try_from(fields).unwrap() {
            [
                Field::Double(time),
                Field::Long(mono_time),
                Field::Str(segment),
                Field::UInt(address),
                Field::UByte(bus),
                Field::Str(origin),
                Field::Bytes(data),
            ] => Row(time, mono_time, segment, address, bus, origin, data.data().to_vec()),
            other => panic!("{other:?}"),
        }
    });
    (rows.collect(), groups)
}

fn head(time: i128, segment: Segment, origin: Option<Origin>) -> RowHead {
    RowHead { segment, time, mono_time: 10_000_000_000 + u64::try_from(time).unwrap(), origin }
}

fn written(physical_buses: bool, events: &[(RowHead, Vec<Frame<'_>>)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rows = ParquetRows::new(&mut out, physical_buses).unwrap();
    for (head, frames) in events {
        rows.begin_event(head);
        for frame in frames {
            rows.row(frame).unwrap();
        }
    }
    rows.finish().unwrap();
    rows.finish().unwrap();
    let bytes = rows.bytes_written();
    drop(rows);
    assert_eq!(bytes, out.len() as u64);
    out
}

fn frame(address: u32, bus: u8, data: &[u8]) -> Frame<'_> {
    Frame { address: Address(address), bus: Bus(bus), data }
}

#[test]
fn every_column_comes_back() {
    let events = [
        (head(0, Segment::Pre, None), vec![frame(0x123, 0, &[1, 2]), frame(0x18DA_F110, 129, &[3; 64])]),
        (head(1_500_000_001, Segment::Window, None), vec![frame(u32::MAX, 255, &[])]),
        (head(2_000_000_000, Segment::Post, Some(Origin::Requested)), vec![frame(0, 2, &[0xFF; 300])]),
    ];
    let word = str::to_owned;
    let expected = [
        Row(0.0, 10_000_000_000, word("pre"), 0x123, 0, word("received"), vec![1, 2]),
        Row(0.0, 10_000_000_000, word("pre"), 0x18DA_F110, 129, word("echoed"), vec![3; 64]),
        Row(1.500_000_001, 11_500_000_001, word("window"), u32::MAX, 255, word("rejected"), vec![]),
        Row(2.0, 12_000_000_000, word("post"), 0, 2, word("requested"), vec![0xFF; 300]),
    ];
    assert_eq!(read(written(false, &events)).0, expected);
    let buses: Vec<u8> = read(written(true, &events)).0.iter().map(|row| row.4).collect();
    assert_eq!(buses, [0, 1, 63, 2]);
}

#[test]
fn groups_have_a_bound_and_stand_in_their_order() {
    let payloads: Vec<[u8; 4]> = (0..3 * 131_072 + 5_u32).map(u32::to_le_bytes).collect();
    let frames = payloads.iter().map(|payload| frame(7, 0, payload)).collect();
    let file = written(false, &[(head(0, Segment::Pre, None), frames)]);
    let (rows, groups) = read(file);
    assert_eq!(groups, [131_072, 131_072, 131_072, 5]);
    assert!(rows.iter().map(|row| row.6.as_slice()).eq(payloads.iter().map(<[u8; 4]>::as_slice)));
}

#[test]
fn payloads_of_damaged_logs_end_a_group_early() {
    let large = vec![0xAB; 7 * 1024 * 1024];
    let frames = vec![frame(1, 0, &large); 4];
    let (rows, groups) = read(written(false, &[(head(0, Segment::Pre, None), frames)]));
    assert_eq!(groups, [3, 1]);
    assert!(rows.iter().all(|row| row.6 == large));
}

#[test]
fn the_same_frames_give_the_same_bytes() {
    let payload = [1, 2, 3];
    let events: Vec<_> = (0..200_u8)
        .map(|n| (head(i128::from(n), Segment::Pre, None), vec![frame(u32::from(n), n, &payload); 1000]))
        .collect();
    let first = written(false, &events);
    assert!((0..3).all(|_| written(false, &events) == first));
}

#[test]
fn a_file_without_rows_is_a_file() {
    assert_eq!(read(written(false, &[])), (vec![], vec![]));
}

/// A disk that is full after some bytes.
#[derive(Clone)]
struct Full(Arc<Mutex<usize>>);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut left = self.0.lock().unwrap();
        if *left < bytes.len() {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        *left -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_as_such() {
    for room in [0, 100, 100_000] {
        let mut rows = ParquetRows::new(Full(Arc::new(Mutex::new(room))), false).unwrap();
        rows.begin_event(&head(0, Segment::Pre, None));
        let mut write = || {
            for number in 0..600_000_u32 {
                rows.row(&frame(1, 0, &number.wrapping_mul(0x9E37_79B9).to_le_bytes()))?;
            }
            rows.finish()
        };
        let Err(Error::Write(error)) = write() else { panic!("there was room for {room} bytes only") };
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{room} bytes");
    }
}
