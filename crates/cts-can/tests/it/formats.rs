//! The same frames in every format: what a reader of one finds, a reader of the others finds too.

use std::fs;

use cts_can::segments::WindowRule;
use cts_can::table::{Columns, TableFormat, TableOptions, TimeOrigin, write_table};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;

use crate::shared::{self, edge_logs};

/// What every format but candump and Cabana tells of a frame, as text.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    timestamp: String,
    mono_time: String,
    segment: String,
    address: u32,
    bus: String,
    origin: String,
    data: String,
}

fn options(format: TableFormat) -> TableOptions {
    TableOptions {
        format,
        window: WindowRule::new(Some(0.5), Some(20.0)),
        include_sendcan: true,
        ..TableOptions::default()
    }
}

fn bytes(log: &[u8], options: &TableOptions) -> Vec<u8> {
    let mut out = Vec::new();
    let summary = write_table(log, &mut out, options, |_| {}).unwrap();
    assert_eq!(summary.output_bytes, out.len() as u64);
    out
}

fn text(log: &[u8], options: &TableOptions) -> String {
    String::from_utf8(bytes(log, options)).unwrap()
}

fn hex(text: &str) -> u32 {
    u32::from_str_radix(text.strip_prefix("0x").unwrap(), 16).unwrap()
}

fn csv(log: &[u8]) -> Vec<Row> {
    let table = text(log, &options(TableFormat::Csv(Columns::Extended)));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        Row {
            timestamp: cells[2].to_owned(),
            mono_time: cells[6].to_owned(),
            segment: cells[1].to_owned(),
            address: hex(cells[3]),
            bus: cells[4].to_owned(),
            origin: cells[7].to_owned(),
            data: cells[5].to_owned(),
        }
    };
    table.lines().skip(1).map(row).collect()
}

fn ndjson(log: &[u8]) -> Vec<Row> {
    let row = |line: &str| {
        let object: Value = serde_json::from_str(line).unwrap();
        let word = |key: &str| object[key].as_str().unwrap().to_owned();
        Row {
            timestamp: format!("{:.6}", object["timestamp"].as_f64().unwrap()),
            mono_time: object["log_mono_time"].as_u64().unwrap().to_string(),
            segment: word("segment"),
            address: hex(&word("address")),
            bus: object["bus"].as_u64().unwrap().to_string(),
            origin: word("origin"),
            data: word("data"),
        }
    };
    text(log, &options(TableFormat::Ndjson)).lines().map(row).collect()
}

fn parquet(log: &[u8]) -> Vec<Row> {
    let file = bytes(log, &options(TableFormat::Parquet));
    let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let mut row = row.unwrap().into_columns().into_iter();
        let mut next = |name: &str| {
            let (found, field) = row.next().unwrap();
            assert_eq!(found, name);
            field
        };
        let Field::Double(timestamp) = next("timestamp") else { panic!("a time is a number") };
        let Field::Long(mono_time) = next("log_mono_time") else { panic!("a time is a number") };
        let Field::Str(segment) = next("segment") else { panic!("a segment is a word") };
        let Field::UInt(address) = next("address") else { panic!("an address is a number") };
        let Field::UByte(bus) = next("bus") else { panic!("a bus is a number") };
        let Field::Str(origin) = next("origin") else { panic!("an origin is a word") };
        let Field::Bytes(data) = next("data") else { panic!("a payload is bytes") };
        Row {
            timestamp: format!("{timestamp:.6}"),
            mono_time: mono_time.to_string(),
            segment,
            address,
            bus: bus.to_string(),
            origin,
            data: data.data().iter().map(|byte| format!("{byte:02X}")).collect(),
        }
    });
    rows.collect()
}

/// Time, bus, address, payload.
type Short = (String, String, u32, String);

fn candump(log: &[u8]) -> Vec<Short> {
    let told = TableOptions { time_origin: TimeOrigin::FirstCan, ..options(TableFormat::Candump) };
    let row = |line: &str| {
        let parts: Vec<&str> = line.split(' ').collect();
        let [time, bus, frame] = parts[..] else { panic!("{line}") };
        let time = time.strip_prefix('(').and_then(|time| time.strip_suffix(')')).unwrap();
        let (id, data) = frame.split_once('#').unwrap();
        let data = match data.strip_prefix("#0") {
            Some(data) => {
                assert!(data.len() > 16, "{line}");
                data
            }
            None => data,
        };
        let address = u32::from_str_radix(id, 16).unwrap();
        assert_eq!(id.len(), if address > 0x7FF { 8 } else { 3 }, "{line}");
        (time.to_owned(), bus.strip_prefix("can").unwrap().to_owned(), address, data.to_owned())
    };
    text(log, &told).lines().map(row).collect()
}

fn cabana(log: &[u8]) -> Vec<Short> {
    let table = text(log, &options(TableFormat::Csv(Columns::Cabana)));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let data = cells[3].strip_prefix("0x").unwrap().to_owned();
        assert_eq!(cells[1], cells[1].to_lowercase());
        (cells[0].to_owned(), cells[2].to_owned(), hex(cells[1]), data)
    };
    assert!(table.starts_with("time,addr,bus,data\n"));
    table.lines().skip(1).map(row).collect()
}

fn check(name: &str, log: &[u8]) -> usize {
    let rows = csv(log);
    assert_eq!(ndjson(log), rows, "{name}");
    assert_eq!(parquet(log), rows, "{name}");
    let short = |row: &Row| (row.timestamp.clone(), row.bus.clone(), row.address, row.data.clone());
    assert_eq!(candump(log), rows.iter().map(short).collect::<Vec<_>>(), "{name}");
    let cabana = cabana(log);
    assert_eq!(cabana.len(), rows.len(), "{name}");
    for (found, row) in cabana.iter().zip(&rows) {
        let (time, expected): (f64, f64) = (found.0.parse().unwrap(), row.timestamp.parse().unwrap());
        assert!((time - expected).abs() < 0.000_502, "{name}: {time}, {expected}");
        assert_eq!((&found.1, found.2, &found.3), (&row.bus, row.address, &row.data), "{name}");
    }
    rows.len()
}

#[test]
fn every_format_tells_the_frames_of_every_edge_log() {
    let frames: usize = edge_logs().iter().map(|(name, log)| check(name, log)).sum();
    assert!(frames > 100, "{frames} frames");
}

#[test]
fn every_format_tells_the_frames_of_whole_drives() {
    let Some(shared) = shared::folder() else { return };
    for (log, frames_min) in [("real/real.rlog.zst", 135_468), ("synth/subaru.rlog.zst", 145_750)] {
        let bytes = fs::read(shared.join("data").join(log)).unwrap();
        assert!(check(log, &bytes) >= frames_min, "{log}");
    }
}

#[test]
fn a_log_gives_the_same_bytes_every_time_in_every_format() {
    let log = shared::example("toyota-5s.rlog.zst");
    let csv = [Columns::Basic, Columns::Extended, Columns::Cabana].map(TableFormat::Csv);
    for format in [&csv[..], &[TableFormat::Ndjson, TableFormat::Candump, TableFormat::Parquet]].concat() {
        assert!(bytes(&log, &options(format)) == bytes(&log, &options(format)), "{format:?}");
    }
}
