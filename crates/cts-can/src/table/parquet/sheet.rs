//! A Parquet file of signals: a time, and a column of doubles for each signal, null where the signal is not there.

use std::io::Write;

use super::GROUP_ROWS_MAX;
use super::column::Column;
use super::encode::{Group, GroupEncoder};
use super::file::ParquetFile;
use crate::Error;

/// Values of a group. With many columns a group has few rows, and with few rows the index of the file is large, so this
/// is most of the memory that a file takes.
const GROUP_VALUES_MAX: usize = 3 * 1024 * 1024;

/// Writes rows of signals, on the caller's thread: there may be hundreds of such files.
pub(in crate::table) struct ParquetSheet<W: Write + Send> {
    file: ParquetFile<W, SheetColumns>,
    columns: SheetColumns,
    group_rows_max: usize,
}

impl<W: Write + Send> ParquetSheet<W> {
    pub(in crate::table) fn new<'n>(out: W, time: &str, signals: impl Iterator<Item = &'n str>) -> Result<Self, Error> {
        let mut columns = vec![Column::double(time)];
        columns.extend(signals.map(Column::optional_double));
        let signals = vec![SignalValues::default(); columns.len() - 1];
        let group_rows_max = (GROUP_VALUES_MAX / columns.len()).clamp(1, GROUP_ROWS_MAX);
        let file = ParquetFile::on_this_thread(out, &columns)?;
        Ok(Self { file, columns: SheetColumns { times: Vec::new(), signals }, group_rows_max })
    }

    pub(in crate::table) fn bytes_written(&self) -> u64 {
        self.file.bytes_written()
    }

    /// Returns how many values wait.
    pub(in crate::table) fn values_held(&self) -> usize {
        self.columns.times.len() * (self.columns.signals.len() + 1)
    }

    pub(in crate::table) fn row(
        &mut self,
        seconds: f64,
        values: impl Iterator<Item = Option<f64>>,
    ) -> Result<(), Error> {
        let row = self.columns.times.len();
        self.columns.times.push(seconds);
        for (signal, value) in self.columns.signals.iter_mut().zip(values) {
            signal.push(row, value);
        }
        if row + 1 >= self.group_rows_max { self.end_group() } else { Ok(()) }
    }

    /// Encodes the rows that wait.
    pub(in crate::table) fn end_group(&mut self) -> Result<(), Error> {
        if self.columns.times.is_empty() {
            return Ok(());
        }
        self.columns = self.file.put(std::mem::take(&mut self.columns))?;
        Ok(())
    }

    /// Writes everything that waits, and the end of the file.
    pub(in crate::table) fn finish(&mut self) -> Result<(), Error> {
        self.end_group()?;
        self.file.finish()
    }
}

/// The values of a group.
#[derive(Debug, Default)]
struct SheetColumns {
    times: Vec<f64>,
    signals: Vec<SignalValues>,
}

/// The values of a signal.
#[derive(Clone, Debug, Default)]
struct SignalValues {
    /// Those that are there.
    values: Vec<f64>,
    /// For each row whether its value is there, as 1 or 0; empty while all are.
    levels: Vec<i16>,
}

impl SignalValues {
    #[inline]
    fn push(&mut self, row: usize, value: Option<f64>) {
        if value.is_none() && self.levels.is_empty() {
            self.levels.resize(row, 1);
        }
        // In the first row the levels are empty in either case.
        if value.is_none() || !self.levels.is_empty() {
            self.levels.push(i16::from(value.is_some()));
        }
        self.values.extend(value);
    }
}

impl Group for SheetColumns {
    fn encode(&self, encoder: &mut GroupEncoder) -> ::parquet::errors::Result<()> {
        encoder.doubles(&self.times)?;
        self.signals.iter().try_for_each(|signal| encoder.optional_doubles(&signal.values, &signal.levels))
    }

    fn clear(&mut self) {
        self.times.clear();
        for signal in &mut self.signals {
            signal.values.clear();
            signal.levels.clear();
        }
    }
}
