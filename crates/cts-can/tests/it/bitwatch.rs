//! The hunt for bits, from inputs to files.

mod golden;
mod native;
mod slow;

use cts_can::Error;
use cts_can::bitwatch::{Analysis, Bitwatch, BitwatchOptions, Mode, Table};

/// Analyzes an input; one that is not in the order of time a second time, as the tool does.
pub(crate) fn analyze(input: &[u8], options: &BitwatchOptions) -> Result<Analysis, Error> {
    let mut bitwatch = Bitwatch::new(options.clone());
    match bitwatch.add(input, &mut |_| {}) {
        Err(Error::OutOfOrder { .. }) if !options.holds_rows => {
            return analyze(input, &BitwatchOptions { holds_rows: true, ..options.clone() });
        }
        added => added?,
    };
    bitwatch.finish()
}

pub(crate) fn file(analysis: &Analysis, table: Table) -> String {
    let mut out = Vec::new();
    analysis.write(table, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Returns every file with its name.
pub(crate) fn files(analysis: &Analysis) -> Vec<(&'static str, String)> {
    analysis.tables().iter().map(|table| (table.suffix(), file(analysis, *table))).collect()
}

pub(crate) fn compat(watch: &[&str]) -> BitwatchOptions {
    let watch = watch.iter().map(|text| text.parse().unwrap()).collect();
    BitwatchOptions { mode: Mode::Compat, watch, ..BitwatchOptions::default() }
}
