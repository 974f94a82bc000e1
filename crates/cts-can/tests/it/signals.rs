//! Signals as tables: against the goldens, against each other, and in made logs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use cts_can::Error;
use cts_can::dbc::{Dbc, shipped};
use cts_can::filter::FrameFilter;
use cts_can::frame::{Address, Bus};
use cts_can::table::signals::{GivenDbc, SignalFormat, SignalSummary};
use cts_can::table::{Conversion, Summary, TableOptions};
use expect_test::{Expect, expect};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use crate::shared;
use crate::writer::{MadeEvent, SENDCAN, log};

mod golden;
mod made;

/// The files that were written, by name.
type Files = BTreeMap<String, Vec<u8>>;

/// A file in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn given(dbcs: &[(&str, Option<u8>)]) -> Arc<[GivenDbc]> {
    let dbc = |(text, bus): &(&str, Option<u8>)| {
        let text = shipped(text).unwrap_or(text);
        GivenDbc { dbc: Dbc::parse(text.as_bytes()).unwrap(), bus: bus.map(Bus) }
    };
    dbcs.iter().map(dbc).collect()
}

fn try_messages(
    log: &[u8],
    options: &TableOptions,
    dbcs: &Arc<[GivenDbc]>,
    format: SignalFormat,
) -> Result<(Files, Summary), Error> {
    let made: Rc<RefCell<BTreeMap<String, Memory>>> = Rc::default();
    let files = Rc::clone(&made);
    let make = move |name: &str| {
        let file = Memory::default();
        let before = files.borrow_mut().insert(name.to_owned(), file.clone());
        assert!(before.is_none(), "two tables are called {name}");
        Ok(file)
    };
    let mut conversion = Conversion::messages(options, Arc::clone(dbcs), format, Box::new(make));
    conversion.add_log(log, &mut |_| {})?;
    let summary = conversion.finish()?;
    let files: Files =
        made.borrow().iter().map(|(name, file)| (name.clone(), file.0.lock().unwrap().clone())).collect();
    assert_eq!(summary.output_bytes, files.values().map(|bytes| bytes.len() as u64).sum::<u64>());
    let found = summary.signals.as_ref().unwrap();
    assert_eq!(found.frames(), summary.rows);
    let named: Vec<&String> = found.messages.iter().map(|message| message.file.as_ref().unwrap()).collect();
    assert!(named.len() == files.len() && named.iter().all(|name| files.contains_key(*name)));
    Ok((files, summary))
}

/// Writes a table for each message.
fn messages(log: &[u8], options: &TableOptions, dbcs: &Arc<[GivenDbc]>, format: SignalFormat) -> (Files, Summary) {
    try_messages(log, options, dbcs, format).unwrap()
}

fn survey(log: &[u8], options: &TableOptions, dbcs: &Arc<[GivenDbc]>) -> SignalSummary {
    let mut survey = Conversion::survey(options, Arc::clone(dbcs));
    survey.add_log(log, &mut |_| {}).unwrap();
    let summary = survey.finish().unwrap();
    assert_eq!(summary.output_bytes, 0);
    summary.signals.unwrap()
}

fn try_wide(
    log: &[u8],
    options: &TableOptions,
    dbcs: &Arc<[GivenDbc]>,
    format: SignalFormat,
) -> Result<(Vec<u8>, Summary), Error> {
    let found = survey(log, options, dbcs);
    let mut out = Vec::new();
    let mut conversion = Conversion::wide(&mut out, options, Arc::clone(dbcs), format, &found)?;
    conversion.add_log(log, &mut |_| {})?;
    let summary = conversion.finish()?;
    assert_eq!(summary.output_bytes, out.len() as u64);
    let again = summary.signals.clone().unwrap();
    assert_eq!(SignalSummary { wide_rows: 0, ..again }, found, "both readings find the same");
    Ok((out, summary))
}

/// Writes one table of all messages.
fn wide(log: &[u8], options: &TableOptions, dbcs: &Arc<[GivenDbc]>, format: SignalFormat) -> (Vec<u8>, Summary) {
    try_wide(log, options, dbcs, format).unwrap()
}

/// A table: its columns, and its rows of texts, empty where there is no value.
#[derive(Debug, PartialEq)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn of_csv(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).unwrap();
        let mut lines = text.strip_suffix("\r\n").unwrap().split("\r\n");
        let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let columns = cells(lines.next().unwrap());
        let rows: Vec<Vec<String>> = lines.map(cells).collect();
        assert!(rows.iter().all(|row| row.len() == columns.len()));
        Self { columns, rows }
    }

    /// Returns the numbers of a table, with times of six decimals.
    fn numbers(&self) -> Vec<Vec<Option<f64>>> {
        let number = |text: &String| (!text.is_empty()).then(|| text.parse().unwrap());
        self.rows.iter().map(|row| row.iter().map(number).collect()).collect()
    }
}

/// Returns the columns of a Parquet file and its numbers, with times of six decimals.
fn read_parquet(bytes: Vec<u8>) -> (Vec<String>, Vec<Vec<Option<f64>>>) {
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let columns = schema.columns().iter().map(|column| column.name().to_owned()).collect();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let mut numbers = Vec::new();
        for (_, field) in row.unwrap().into_columns() {
            numbers.push(match field {
                Field::Double(number) => Some(number),
                Field::Null => None,
                other => panic!("{other:?} is no number"),
            });
        }
        numbers[0] = Some(format!("{:.6}", numbers[0].unwrap()).parse().unwrap());
        numbers
    });
    (columns, rows.collect())
}
