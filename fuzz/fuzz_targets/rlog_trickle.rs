//! Any bytes as a log: nothing panics, memory stays bounded, and the table is the same however the bytes arrive.

#![no_main]

use std::io::Read;

use cts_can::table::{Summary, TableOptions, write_table};
use libfuzzer_sys::fuzz_target;

/// Gives a few bytes at a time, as a slow pipe does.
struct Trickle<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.step = self.step % 7 + 1;
        let most = self.step.min(into.len());
        self.bytes.read(&mut into[..most])
    }
}

fn table(log: impl Read + Send) -> (Vec<u8>, Option<Summary>) {
    let mut table = Vec::new();
    let summary = write_table(log, &mut table, &TableOptions::default(), |_| {}).ok();
    (table, summary)
}

fuzz_target!(|bytes: &[u8]| {
    let (whole, summary) = table(bytes);
    let (trickled, other) = table(Trickle { bytes, step: 0 });
    assert_eq!(summary.is_some(), other.is_some(), "the same bytes are a log or are none");
    if let Some(summary) = summary {
        assert_eq!(whole, trickled, "the table depends on how the bytes arrive");
        assert_eq!(summary.output_bytes, whole.len() as u64, "the summary counts what was written");
    }
});
