//! Made logs and made DBC files: every case in a few lines.

use std::fmt::Write as _;

use super::*;

const SECOND: u64 = 1_000_000_000;

/// A plain message, one with a switch, and one with words for its numbers.
const DBC: &str = "
BO_ 256 SPEED: 8 ECU
 SG_ KPH : 0|16@1+ (0.01,0) [0|0] \"km/h\" ECU
 SG_ timestamp : 16|8@1- (1,-5) [0|0] \"\" ECU
BO_ 512 SWITCHED: 8 ECU
 SG_ KIND M : 0|8@1+ (1,0) [0|0] \"\" ECU
 SG_ FIRST m0 : 8|8@1+ (0.5,0) [0|0] \"\" ECU
 SG_ SECOND m1 : 8|8@1+ (1,0) [0|0] \"\" ECU
BO_ 768 GEAR: 1 ECU
 SG_ SHIFT : 0|8@1+ (1,0) [0|0] \"\" ECU
VAL_ 768 SHIFT 0 \"P\" 1 \"N\" 2 \"drive, or D\" ;
BO_ 2147484672 LONG: 2 ECU
 SG_ A : 0|8@1+ (1,0) [0|0] \"\" ECU
";

/// Every message, some twice, on two buses, sent and refused, with two addresses that nobody knows.
fn drive() -> Vec<u8> {
    log(&[
        MadeEvent::can(10 * SECOND, &[(0x100, 0, &[0x10, 0x27, 7]), (0x300, 0, &[0]), (0x555, 0, &[1])]),
        MadeEvent::can(11 * SECOND, &[(0x200, 0, &[0, 9]), (0x100, 1, &[1, 0, 0]), (0x555, 0, &[1])]),
        MadeEvent::new(11 * SECOND + 1, SENDCAN, &[(0x100, 0, &[2, 0, 0])]),
        MadeEvent::can(12 * SECOND, &[(0x555, 0, &[]), (0x556, 1, &[])]),
        MadeEvent::can(13 * SECOND, &[(0x200, 0, &[1, 9]), (0x200, 0, &[2, 9]), (0x300, 0, &[2]), (0x300, 0, &[77])]),
        MadeEvent::can(14 * SECOND, &[(0x100, 128, &[3, 0, 0]), (0x400, 0, &[5, 0])]),
        MadeEvent::can(15 * SECOND, &[(0x100, 0, &[4, 0]), (0x200, 0, &[0]), (0x300, 0, &[])]),
    ])
}

fn shown(files: &Files) -> String {
    let mut text = String::new();
    for (name, bytes) in files {
        let table = std::str::from_utf8(bytes).unwrap().replace("\r\n", "\n");
        write!(text, "{name}\n{table}").unwrap();
    }
    text
}

#[expect(clippy::needless_pass_by_value, reason = "the macro makes a value")]
fn check_messages(options: &TableOptions, format: SignalFormat, expected: Expect) {
    let (files, _) = messages(&drive(), options, &given(&[(DBC, None)]), format);
    expected.assert_eq(&shown(&files));
}

#[expect(clippy::needless_pass_by_value, reason = "the macro makes a value")]
fn check_wide(options: &TableOptions, format: SignalFormat, expected: Expect) {
    let (table, _) = wide(&drive(), options, &given(&[(DBC, None)]), format);
    expected.assert_eq(&String::from_utf8(table).unwrap().replace("\r\n", "\n"));
}

#[test]
fn every_message_has_a_table_for_each_bus() {
    check_messages(
        &TableOptions::default(),
        SignalFormat::CsvNumbers,
        expect![[r#"
        0-GEAR
        timestamp,SHIFT
        0.000000,0
        3.000000,2
        3.000000,77
        5.000000,
        0-LONG
        timestamp,A
        4.000000,5
        0-SPEED
        timestamp,KPH,SPEED.timestamp
        0.000000,100.00,2
        5.000000,0.04,
        0-SWITCHED
        timestamp,KIND,FIRST,SECOND
        1.000000,0,4.5,
        3.000000,1,,9
        3.000000,2,,
        5.000000,0,,
        1-SPEED
        timestamp,KPH,SPEED.timestamp
        1.000000,0.01,-5
        128-SPEED
        timestamp,KPH,SPEED.timestamp
        4.000000,0.03,-5
    "#]],
    );
}

#[test]
fn numbers_become_the_words_of_the_file() {
    let filter = FrameFilter { addresses: vec![Address(0x300)], ..FrameFilter::default() };
    let options = TableOptions { filter, ..TableOptions::default() };
    check_messages(
        &options,
        SignalFormat::CsvNames,
        expect![[r#"
        0-GEAR
        timestamp,SHIFT
        0.000000,P
        3.000000,"drive, or D"
        3.000000,77
        5.000000,
    "#]],
    );
}

#[test]
fn requested_frames_have_tables_of_their_own_and_echoes_join_their_bus_if_told_so() {
    let filter = FrameFilter { addresses: vec![Address(0x100)], ..FrameFilter::default() };
    let options = TableOptions { filter, include_sendcan: true, physical_buses: true, ..TableOptions::default() };
    check_messages(
        &options,
        SignalFormat::CsvNumbers,
        expect![[r#"
        0-SPEED
        timestamp,KPH,SPEED.timestamp
        0.000000,100.00,2
        4.000000,0.03,-5
        5.000000,0.04,
        1-SPEED
        timestamp,KPH,SPEED.timestamp
        1.000000,0.01,-5
        sendcan0-SPEED
        timestamp,KPH,SPEED.timestamp
        1.000000,0.02,-5
    "#]],
    );
}

#[test]
fn one_table_of_all_holds_values_and_tells_buses_apart() {
    let options = TableOptions { include_sendcan: true, ..TableOptions::default() };
    check_wide(
        &options,
        SignalFormat::CsvNumbers,
        expect![[r#"
        timestamp,SPEED@0.KPH,SPEED@0.timestamp,SWITCHED.KIND,SWITCHED.FIRST,SWITCHED.SECOND,GEAR.SHIFT,LONG.A,SPEED@1.KPH,SPEED@1.timestamp,SPEED@128.KPH,SPEED@128.timestamp,SPEED@sendcan0.KPH,SPEED@sendcan0.timestamp
        0.000000,100.00,2,,,,0,,,,,,,
        1.000000,100.00,2,0,4.5,,0,,0.01,-5,,,,
        1.000000,100.00,2,0,4.5,,0,,0.01,-5,,,0.02,-5
        3.000000,100.00,2,2,4.5,9,77,,0.01,-5,,,0.02,-5
        4.000000,100.00,2,2,4.5,9,77,5,0.01,-5,0.03,-5,0.02,-5
        5.000000,0.04,2,0,4.5,9,77,5,0.01,-5,0.03,-5,0.02,-5
    "#]],
    );
}

#[test]
fn parquet_has_a_null_where_csv_has_an_empty_cell() {
    let dbcs = given(&[(DBC, None)]);
    let options = TableOptions::default();
    let (csv, _) = messages(&drive(), &options, &dbcs, SignalFormat::CsvNumbers);
    let (parquet, _) = messages(&drive(), &options, &dbcs, SignalFormat::Parquet);
    for (name, bytes) in parquet {
        let expected = Table::of_csv(&csv[&name]);
        assert_eq!(read_parquet(bytes), (expected.columns.clone(), expected.numbers()), "{name}");
    }
    let expected = Table::of_csv(&wide(&drive(), &options, &dbcs, SignalFormat::CsvNumbers).0);
    let (parquet, _) = wide(&drive(), &options, &dbcs, SignalFormat::Parquet);
    assert_eq!(read_parquet(parquet), (expected.columns.clone(), expected.numbers()));
}

#[test]
fn a_file_for_one_bus_is_used_for_its_echoes_too_and_the_first_file_decides() {
    let other = "BO_ 256 OTHER: 8 ECU\n SG_ BYTE : 0|8@1+ (1,0) [0|0] \"\" ECU\n";
    let names = |dbcs: &[(&str, Option<u8>)]| {
        let found = survey(&drive(), &TableOptions::default(), &given(dbcs));
        let name = |message: &cts_can::table::signals::DecodedMessage| format!("{}-{}", message.source, message.name);
        found.messages.iter().filter(|message| message.address == Address(0x100)).map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(&[(other, Some(0)), (DBC, None)]), ["0-OTHER", "1-SPEED", "128-OTHER"]);
    assert_eq!(names(&[(DBC, None), (other, Some(0))]), ["0-SPEED", "1-SPEED", "128-SPEED"]);
    assert_eq!(names(&[(other, Some(1))]), ["1-OTHER"]);
}

#[test]
fn what_no_file_knows_is_counted() {
    let (_, summary) = messages(&drive(), &TableOptions::default(), &given(&[(DBC, None)]), SignalFormat::CsvNumbers);
    let found = summary.signals.unwrap();
    let unknown: Vec<(String, u32, u64)> =
        found.unknown.iter().map(|it| (it.source.to_string(), it.address.0, it.frames)).collect();
    assert_eq!(unknown, [("0".to_owned(), 0x555, 3), ("1".to_owned(), 0x556, 1)]);
    assert_eq!((found.frames(), found.unknown_frames(), summary.rows_left_out), (13, 4, 0));
}

#[test]
fn a_log_without_any_known_message_gives_no_table_and_a_wide_one_without_rows() {
    let dbcs = given(&[("BO_ 1 NEVER: 8 ECU\n SG_ A : 0|8@1+ (1,0) [0|0] \"\" ECU\n", None)]);
    let (files, summary) = messages(&drive(), &TableOptions::default(), &dbcs, SignalFormat::CsvNumbers);
    assert_eq!((files.len(), summary.rows), (0, 0));
    let (table, summary) = wide(&drive(), &TableOptions::default(), &dbcs, SignalFormat::CsvNumbers);
    assert_eq!((table.as_slice(), summary.rows), (b"timestamp\r\n".as_slice(), 0));
}

/// A file with messages from address 1 on, each with some signals.
fn made_dbc(messages: u32, signals: usize) -> String {
    let mut text = String::new();
    for message in 1..=messages {
        writeln!(text, "BO_ {message} M{message}: 8 ECU").unwrap();
        for signal in 0..signals {
            writeln!(text, " SG_ S{signal} : {}|1@1+ (1,0) [0|0] \"\" ECU", signal % 64).unwrap();
        }
    }
    text
}

fn every_address(messages: u32) -> Vec<u8> {
    let events: Vec<MadeEvent> =
        (1..=messages).map(|address| MadeEvent::can(u64::from(address), &[(address, 0, &[0xFF; 8])])).collect();
    log(&events)
}

#[test]
fn tables_and_columns_have_limits_that_are_told() {
    let options = TableOptions::default();
    let told = |messages: u32, signals: usize, is_wide: bool| {
        let dbcs = given(&[(&made_dbc(messages, signals), None)]);
        let log = every_address(messages);
        let result = if is_wide {
            try_wide(&log, &options, &dbcs, SignalFormat::CsvNumbers).map(|_| ())
        } else {
            try_messages(&log, &options, &dbcs, SignalFormat::CsvNumbers).map(|_| ())
        };
        result.err().map(|error| error.to_string())
    };
    assert_eq!(told(512, 1, false), None);
    assert_eq!(told(513, 1, false).unwrap(), "there are more than 512 messages, and each has a table of its own");
    assert_eq!(told(32, 32, true), None);
    assert_eq!(told(25, 41, true).unwrap(), "the messages have 1025 signals, and one table has at most 1024");
    assert_eq!(told(257, 256, false).unwrap(), "the messages have more than 65536 signals");
}

#[test]
fn many_values_do_not_pile_up() {
    // 96 messages of 64 signals and 400 frames of each: more values than may wait, so groups end early.
    let dbcs = given(&[(&made_dbc(96, 64), None)]);
    let frames: Vec<(u32, u8, &[u8])> = (1..=96).map(|address| (address, 0, [0xA5; 8].as_slice())).collect();
    let events: Vec<MadeEvent> = (0..400).map(|time| MadeEvent::can(time, &frames)).collect();
    let (files, _) = messages(&log(&events), &TableOptions::default(), &dbcs, SignalFormat::Parquet);
    let mut groups = 0;
    for bytes in files.into_values() {
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 400);
        groups += reader.num_row_groups();
    }
    assert!(groups > 96, "{groups} groups");
}

#[test]
fn a_table_that_cannot_be_made_is_named() {
    let make = |_: &str| -> io::Result<Vec<u8>> { Err(io::ErrorKind::PermissionDenied.into()) };
    let dbcs = given(&[(DBC, None)]);
    let mut conversion = Conversion::messages(&TableOptions::default(), dbcs, SignalFormat::CsvNumbers, Box::new(make));
    let error = conversion.add_log(drive().as_slice(), &mut |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "cannot make the table 0-SPEED");
    assert!(matches!(error, Error::Make { source, .. } if source.kind() == io::ErrorKind::PermissionDenied));
}

#[test]
fn messages_with_one_name_have_tables_with_addresses() {
    let dbc = "BO_ 256 SAME: 8 ECU\n SG_ A : 0|8@1+ (1,0) [0|0] \"\" ECU\n\
               BO_ 512 SAME: 8 ECU\n SG_ A : 0|8@1+ (1,0) [0|0] \"\" ECU\n";
    let dbcs = given(&[(dbc, None)]);
    let (files, _) = messages(&drive(), &TableOptions::default(), &dbcs, SignalFormat::CsvNumbers);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["0-SAME", "0-SAME-0x200", "1-SAME", "128-SAME"]);
    let (table, _) = wide(&drive(), &TableOptions::default(), &dbcs, SignalFormat::CsvNumbers);
    let columns = Table::of_csv(&table).columns;
    assert_eq!(columns[1..], ["SAME@0:0x100.A", "SAME@0:0x200.A", "SAME@1.A", "SAME@128.A"]);
}
