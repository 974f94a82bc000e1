//! Any bytes as a log, made into a table with any options: rows are well formed and counted right, and the table in
//! another format, or of signals, has the same frames.

#![no_main]

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use cts_can::dbc::Dbc;
use cts_can::filter::FrameFilter;
use cts_can::frame::{Address, Bus};
use cts_can::segments::WindowRule;
use cts_can::table::signals::{GivenDbc, SignalFormat, SignalSummary};
use cts_can::table::{Columns, Conversion, TableFormat, TableOptions, TimeOrigin, write_table};
use libfuzzer_sys::fuzz_target;
use parquet::file::reader::{FileReader, SerializedFileReader};

fuzz_target!(|log: &[u8]| {
    let options = options(log);
    let mut table = Vec::new();
    let summary = write_table(log, &mut table, &options, |_| {}).expect("memory takes and gives everything");
    assert_eq!(summary.output_bytes, table.len() as u64);
    let columns = if options.format == TableFormat::Csv(Columns::Extended) { 9 } else { 6 };
    let text = std::str::from_utf8(&table).expect("rows are plain text").strip_suffix("\r\n").expect("rows are ended");
    let mut rows = 0;
    for row in text.split("\r\n") {
        assert_eq!(row.split(',').count(), columns, "{row}");
        rows += 1;
    }
    assert_eq!(summary.rows + 1, rows);
    assert_eq!(summary.buses.iter().map(|bus| bus.rows).sum::<u64>(), summary.rows);
    let segments = summary.segments;
    assert_eq!(segments.pre + segments.window + segments.post, summary.rows);
    let frames: u64 = summary.logs.iter().map(|log| log.can_frames).sum();
    let sent: u64 = summary.logs.iter().map(|log| log.sendcan_frames).sum();
    let expected = if options.include_sendcan { frames + sent } else { frames };
    assert_eq!(summary.rows + summary.rows_left_out, expected);

    let mut strict_table = Vec::new();
    let strict = TableOptions { strict: true, ..options };
    match write_table(log, &mut strict_table, &strict, |_| {}) {
        Ok(strict_summary) => {
            assert!(summary.is_whole() && summary.unknown_events() == 0);
            assert_eq!(strict_summary, summary);
        }
        Err(_) => assert!(!summary.is_whole() || summary.unknown_events() > 0),
    }
    assert!(table.starts_with(&strict_table));

    let options = TableOptions { strict: false, ..strict };
    match log.last().unwrap_or(&0) % 5 {
        0 => lines(log, &options, TableFormat::Ndjson, summary.rows, is_object),
        1 => lines(log, &options, TableFormat::Candump, summary.rows, is_candump),
        2 => lines(log, &options, TableFormat::Csv(Columns::Cabana), summary.rows + 1, is_cabana),
        3 => parquet(log, &options, summary.rows),
        _ => signals(log, &options, summary.rows),
    }
});

fn written(log: &[u8], options: &TableOptions, format: TableFormat) -> Vec<u8> {
    let mut table = Vec::new();
    let options = TableOptions { format, ..options.clone() };
    let summary = write_table(log, &mut table, &options, |_| {}).expect("memory takes and gives everything");
    assert_eq!(summary.output_bytes, table.len() as u64);
    table
}

/// Every frame is a line of the format.
fn lines(log: &[u8], options: &TableOptions, format: TableFormat, lines: u64, is_line: fn(&str) -> bool) {
    let table = written(log, options, format);
    let text = std::str::from_utf8(&table).expect("lines are plain text");
    assert!(text.is_empty() || text.ends_with('\n'));
    let mut found = 0;
    for line in text.lines() {
        assert!(is_line(line), "{line}");
        found += 1;
    }
    assert_eq!(found, lines);
}

const KEYS: [&str; 7] = ["timestamp", "log_mono_time", "segment", "address", "bus", "origin", "data"];

fn is_object(line: &str) -> bool {
    let object: serde_json::Value = serde_json::from_str(line).expect("a line is a JSON value");
    object
        .as_object()
        .is_some_and(|object| object.len() == KEYS.len() && KEYS.iter().all(|key| object.contains_key(*key)))
}

fn is_candump(line: &str) -> bool {
    let parts: Vec<&str> = line.split(' ').collect();
    let [time, bus, frame] = parts[..] else { return false };
    let seconds = time.strip_prefix('(').and_then(|time| time.strip_suffix(')')).map(str::parse::<f64>);
    let bus = bus.strip_prefix("can").map(str::parse::<u8>);
    let Some((id, data)) = frame.split_once('#') else { return false };
    let data = data.strip_prefix("#0").unwrap_or(data);
    matches!((seconds, bus), (Some(Ok(_)), Some(Ok(_)))) && [3, 8].contains(&id.len()) && is_hex(id) && is_hex(data)
}

fn is_cabana(line: &str) -> bool {
    let cells: Vec<&str> = line.split(',').collect();
    let [time, address, bus, data] = cells[..] else { return false };
    let is_hex = |text: &str| text.strip_prefix("0x").is_some_and(is_hex);
    line == "time,addr,bus,data"
        || time.parse::<f64>().is_ok() && bus.parse::<u8>().is_ok() && is_hex(address) && is_hex(data)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Every frame is a row of a file that can be read.
fn parquet(log: &[u8], options: &TableOptions, rows: u64) {
    let file = written(log, options, TableFormat::Parquet);
    let reader = SerializedFileReader::new(Bytes::from(file)).expect("a file that was written can be read");
    let mut found = 0;
    for row in reader.get_row_iter(None).expect("a file has columns") {
        assert_eq!(row.expect("every row can be read").len(), KEYS.len());
        found += 1;
    }
    assert_eq!(found, rows);
}

/// Messages at the addresses of the seeds: plain, multiplexed, with a float and with words.
const DBC: &str = "
BO_ 291 PLAIN: 8 X
 SG_ A : 7|16@0- (0.01,-1) [0|0] \"\" X
 SG_ B : 56|8@1+ (1,0) [0|0] \"\" X
BO_ 256 SWITCHED: 8 X
 SG_ KIND M : 0|2@1+ (1,0) [0|0] \"\" X
 SG_ C m0 : 8|32@1- (1,0) [0|0] \"\" X
 SG_ D m1 : 8|8@1+ (3,0.5) [0|0] \"\" X
BO_ 2566844926 LONG: 64 X
 SG_ E : 500|12@1+ (1,0) [0|0] \"\" X
SIG_VALTYPE_ 256 C : 1;
VAL_ 291 B 0 \"none, or\" 255 \"all\" ;
";

/// Every frame of a message is decoded, the others are counted, and both layouts agree.
fn signals(log: &[u8], options: &TableOptions, rows: u64) {
    let dbcs: Arc<[GivenDbc]> = [GivenDbc { dbc: Dbc::parse(DBC.as_bytes()).expect("it is one"), bus: None }].into();
    let format = if log.len() % 2 == 0 { SignalFormat::CsvNames } else { SignalFormat::Parquet };
    let survey = Conversion::survey(options, Arc::clone(&dbcs));
    let found = finished(survey, log);
    assert_eq!(found.frames() + found.unknown_frames(), rows);
    let make = Box::new(|_: &str| Ok(Vec::new()));
    let messages: Conversion<Vec<u8>> = Conversion::messages(options, Arc::clone(&dbcs), format, make);
    let decoded = finished(messages, log);
    assert_eq!((decoded.frames(), decoded.messages.len()), (found.frames(), found.messages.len()));
    let mut table = Vec::new();
    let wide = Conversion::wide(&mut table, options, dbcs, format, &found).expect("there are few signals");
    let wide = finished(wide, log);
    assert_eq!(SignalSummary { wide_rows: 0, ..wide.clone() }, found);
    if format == SignalFormat::Parquet {
        let reader = SerializedFileReader::new(Bytes::from(table)).expect("a file that was written can be read");
        assert_eq!(reader.metadata().file_metadata().num_rows().cast_unsigned(), wide.wide_rows);
    }
}

fn finished<W: Write + Send>(mut conversion: Conversion<W>, log: &[u8]) -> SignalSummary {
    conversion.add_log(log, &mut |_| {}).expect("memory takes and gives everything");
    conversion.finish().expect("memory takes everything").signals.expect("the table is about signals")
}

fn options(log: &[u8]) -> TableOptions {
    let [.., flags, value] = log else { return TableOptions::default() };
    let flag = |bit: u8| flags >> bit & 1 == 1;
    let seconds = f64::from(*value) / 16.0;
    let filter = FrameFilter {
        buses: if flag(0) { vec![Bus(*value), Bus(0)] } else { Vec::new() },
        addresses: if flag(1) { vec![Address(u32::from(*value)), Address(0x123)] } else { Vec::new() },
        from: flag(2).then_some(0.0),
        to: flag(2).then_some(seconds),
    };
    TableOptions {
        window: WindowRule::new(flag(3).then_some(0.5), flag(3).then_some(seconds)),
        filter,
        include_sendcan: flag(4),
        physical_buses: flag(5),
        format: TableFormat::Csv(if flag(6) { Columns::Extended } else { Columns::Basic }),
        time_origin: if flag(7) { TimeOrigin::Boot } else { TimeOrigin::FirstCan },
        strict: false,
    }
}
