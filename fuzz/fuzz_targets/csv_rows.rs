//! Any bytes as a log, made into a table with any options: rows are well formed and counted right.

#![no_main]

use cts_can::filter::FrameFilter;
use cts_can::frame::{Address, Bus};
use cts_can::segments::WindowRule;
use cts_can::table::{Columns, TableFormat, TableOptions, TimeOrigin, write_table};
use libfuzzer_sys::fuzz_target;

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
});

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
