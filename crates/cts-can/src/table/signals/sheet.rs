//! A table of signal values: a time, and a column for each signal.
//!
//! Values come as the bits of a payload and become numbers, or words where the file describes them and words were
//! asked for, when a row is written. A signal that is not there is an empty cell, or a null.

use std::io::Write;
use std::sync::Arc;

use super::scale::Scale;
use super::streams::{GivenDbc, MessageIndex, message};
use crate::Error;
use crate::dbc::DbcSignal;
use crate::python::cell;
use crate::signal::Signal;
use crate::table::parquet::ParquetSheet;
use crate::text::Text;
use crate::time;

/// Bytes of a CSV file that wait. Some hundred files are written at one time.
const BUFFER_BYTES: usize = 16 * 1024;

/// The name of the first column.
pub(super) const TIMESTAMP: &str = "timestamp";

/// The moment of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RowTime {
    seconds: f64,
    text: Text<24>,
}

impl RowTime {
    pub(super) fn of(nanoseconds: i128) -> Self {
        let mut text = Text::default();
        time::push_seconds(&mut text, nanoseconds);
        Self { seconds: time::seconds(nanoseconds), text }
    }
}

/// A signal with a name for its column.
#[derive(Debug)]
pub(super) struct SignalColumn {
    name: String,
    signal: Signal,
    scale: Scale,
    /// Where its values are described.
    message: MessageIndex,
    index: usize,
}

impl SignalColumn {
    pub(super) fn new(name: String, signal: &DbcSignal, message: MessageIndex, index: usize) -> Self {
        Self { name, signal: signal.signal, scale: Scale::of(&signal.signal), message, index }
    }

    fn description<'d>(&self, dbcs: &'d [GivenDbc], bits: u64) -> Option<&'d str> {
        let signal = message(dbcs, self.message).signals.get(self.index)?;
        signal.description(self.signal.raw_of(bits))
    }
}

/// How the cells are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignalFormat {
    /// CSV with numbers that have the decimals of the DBC file.
    #[default]
    CsvNumbers,
    /// CSV with the words of the DBC file where it has one for a number.
    CsvNames,
    /// Parquet, every signal a double.
    Parquet,
}

/// Writes a table.
pub(super) struct Sheet<W: Write + Send> {
    columns: Vec<SignalColumn>,
    file: SheetFile<W>,
    rows: u64,
}

enum SheetFile<W: Write + Send> {
    Csv { file: CsvFile<W>, names: Option<Arc<[GivenDbc]>> },
    Parquet(Box<ParquetSheet<W>>),
}

struct CsvFile<W> {
    out: W,
    buffer: Vec<u8>,
    written: u64,
}

impl<W: Write + Send> Sheet<W> {
    pub(super) fn new(
        out: W,
        columns: Vec<SignalColumn>,
        format: SignalFormat,
        dbcs: &Arc<[GivenDbc]>,
    ) -> Result<Self, Error> {
        let names = (format == SignalFormat::CsvNames).then(|| Arc::clone(dbcs));
        let file = match format {
            SignalFormat::CsvNumbers | SignalFormat::CsvNames => {
                let mut file = CsvFile { out, buffer: Vec::with_capacity(BUFFER_BYTES), written: 0 };
                file.buffer.extend_from_slice(TIMESTAMP.as_bytes());
                for column in &columns {
                    file.cell(cell(&column.name).as_bytes())?;
                }
                file.end_row()?;
                SheetFile::Csv { file, names }
            }
            SignalFormat::Parquet => {
                let names = columns.iter().map(|column| column.name.as_str());
                SheetFile::Parquet(Box::new(ParquetSheet::new(out, TIMESTAMP, names)?))
            }
        };
        Ok(Self { columns, file, rows: 0 })
    }

    /// Returns how many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns how many bytes were written, without those that still wait.
    pub(super) fn bytes_written(&self) -> u64 {
        match &self.file {
            SheetFile::Csv { file, .. } => file.written,
            SheetFile::Parquet(file) => file.bytes_written(),
        }
    }

    /// Returns how many values wait in memory.
    pub(super) fn values_held(&self) -> usize {
        match &self.file {
            SheetFile::Csv { .. } => 0,
            SheetFile::Parquet(file) => file.values_held(),
        }
    }

    /// Writes a row; `bits` has a value for each column, none where the signal is not there.
    pub(super) fn row(&mut self, time: &RowTime, bits: &[Option<u64>]) -> Result<(), Error> {
        self.rows += 1;
        let cells = self.columns.iter().zip(bits);
        match &mut self.file {
            SheetFile::Csv { file, names } => {
                file.buffer.extend_from_slice(time.text.as_bytes());
                for (column, bits) in cells {
                    let description = names.as_ref().zip(*bits).and_then(|(dbcs, bits)| column.description(dbcs, bits));
                    match (description, *bits) {
                        (Some(word), _) => file.cell(cell(word).as_bytes())?,
                        (None, Some(bits)) => {
                            file.cell(b"")?;
                            column.scale.push(&mut file.buffer, &column.signal, bits);
                        }
                        (None, None) => file.cell(b"")?,
                    }
                }
                file.end_row()
            }
            SheetFile::Parquet(file) => {
                let number = |(column, bits): (&SignalColumn, &Option<u64>)| {
                    bits.map(|bits| column.scale.number(&column.signal, bits))
                };
                file.row(time.seconds, cells.map(number))
            }
        }
    }

    /// Hands on the values that wait.
    pub(super) fn end_group(&mut self) -> Result<(), Error> {
        match &mut self.file {
            SheetFile::Csv { .. } => Ok(()),
            SheetFile::Parquet(file) => file.end_group(),
        }
    }

    /// Writes everything that waits, and what the file ends with.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match &mut self.file {
            SheetFile::Csv { file, .. } => {
                file.write()?;
                file.out.flush().map_err(Error::Write)
            }
            SheetFile::Parquet(file) => file.finish(),
        }
    }
}

impl<W: Write> CsvFile<W> {
    /// Begins a cell with a comma and puts its text.
    fn cell(&mut self, text: &[u8]) -> Result<(), Error> {
        if self.buffer.len() + text.len() >= BUFFER_BYTES - 64 {
            self.write()?;
        }
        self.buffer.push(b',');
        self.buffer.extend_from_slice(text);
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Error> {
        self.buffer.extend_from_slice(b"\r\n");
        if self.buffer.len() >= BUFFER_BYTES - 64 { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), Error> {
        self.out.write_all(&self.buffer).map_err(Error::Write)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_BYTES);
        Ok(())
    }
}
