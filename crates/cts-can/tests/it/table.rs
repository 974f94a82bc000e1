//! A conversion in one call, for tests.

use cts_can::segments::WindowRule;
use cts_can::table::{Summary, TableOptions, write_table};

/// Returns the table of a log and what was found in it.
pub(crate) fn table(log: &[u8], options: &TableOptions) -> (String, Summary) {
    let mut out = Vec::new();
    let summary = write_table(log, &mut out, options, |_| {}).unwrap();
    assert_eq!(summary.output_bytes, out.len() as u64);
    let table = String::from_utf8(out).unwrap();
    assert_eq!(summary.rows, table.lines().count() as u64 - 1);
    assert_eq!(summary.buses.iter().map(|bus| bus.rows).sum::<u64>(), summary.rows);
    let segments = summary.segments;
    assert_eq!(segments.pre + segments.window + segments.post, summary.rows);
    (table, summary)
}

/// The window of the edge logs' goldens.
pub(crate) fn first_second() -> TableOptions {
    TableOptions { window: WindowRule::new(Some(0.0), Some(1.0)), ..TableOptions::default() }
}
