//! Real and synthetic drives: the values of the goldens, in every layout and format.

use std::fs;
use std::io::BufRead;

use super::*;

/// The sets of the goldens: log, DBC file, bus.
const SETS: [(&str, &str, &str, u8); 3] = [
    ("real-bus0-toyota_new_mc_pt_generated", "real/real.rlog.zst", "toyota_new_mc_pt_generated", 0),
    ("real-bus1-toyota_adas", "real/real.rlog.zst", "toyota_adas", 1),
    (
        "subaru-bus0-subaru_global_2020_hybrid_generated",
        "synth/subaru.rlog.zst",
        "subaru_global_2020_hybrid_generated",
        0,
    ),
];

/// Where the next value of a message stands in its table.
struct Cursor {
    table: Table,
    row: usize,
    seen: Vec<bool>,
}

impl Cursor {
    /// Returns the cells of the time and of the next value of a signal.
    fn next(&mut self, signal: &str) -> (&str, &str) {
        let column = self.table.columns.iter().position(|name| name == signal).unwrap();
        if std::mem::replace(&mut self.seen[column], true) {
            self.row += 1;
            self.seen.fill(false);
            self.seen[column] = true;
        }
        (&self.table.rows[self.row][0], &self.table.rows[self.row][column])
    }
}

#[test]
fn every_value_of_the_goldens_stands_in_the_table_of_its_message() {
    let Some(shared) = shared::folder() else { return };
    for (set, log, dbc, bus) in SETS {
        let log = fs::read(shared.join("data").join(log)).unwrap();
        let options = TableOptions {
            filter: FrameFilter { buses: vec![Bus(bus)], ..FrameFilter::default() },
            ..TableOptions::default()
        };
        let (files, summary) = messages(&log, &options, &given(&[(dbc, None)]), SignalFormat::CsvNumbers);
        let mut cursors: BTreeMap<String, Cursor> = BTreeMap::new();
        for message in &summary.signals.unwrap().messages {
            let table = Table::of_csv(&files[message.file.as_ref().unwrap()]);
            assert_eq!(table.rows.len() as u64, message.frames, "{}", message.name);
            let seen = vec![false; table.columns.len()];
            cursors.insert(message.name.clone(), Cursor { table, row: 0, seen });
        }
        let golden = fs::File::open(shared.join("golden/dbc").join(set).join("signals.csv.zst")).unwrap();
        let golden = io::BufReader::new(zstd::Decoder::new(golden).unwrap());
        let mut compared = 0;
        for line in golden.lines().skip(1) {
            let line = line.unwrap();
            let [time, _, message, signal, value] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let (found_time, found) = cursors.get_mut(message).unwrap().next(signal);
            let (found, value): (f64, f64) = (found.parse().unwrap(), value.parse().unwrap());
            // The golden has doubles, a table the decimals that they stand for.
            assert!((found - value).abs() <= 1e-12 * value.abs().max(1.0), "{set}: {found} is not that of {line}");
            assert_eq!(found_time, time, "{set}: {line}");
            compared += 1;
        }
        assert!(compared > 200_000, "{set}: {compared} values");
    }
}

#[test]
fn a_wide_table_holds_the_last_value_of_every_signal() {
    let log = shared::example("toyota-5s.rlog.zst");
    let dbcs = given(&[("toyota_new_mc_pt_generated", Some(0)), ("toyota_adas", Some(1))]);
    let options = TableOptions::default();
    let (files, summary) = messages(&log, &options, &dbcs, SignalFormat::CsvNumbers);
    let (csv, wide_summary) = wide(&log, &options, &dbcs, SignalFormat::CsvNumbers);
    assert_eq!(summary.rows, wide_summary.rows);
    let found = Table::of_csv(&csv);

    // What the tables of the messages say at each time, in the order of the wide table.
    let mut by_time: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
    let mut columns = vec!["timestamp".to_owned()];
    let messages = summary.signals.unwrap().messages;
    for message in &messages {
        let table = Table::of_csv(&files[message.file.as_ref().unwrap()]);
        let begin = columns.len();
        let is_alone = messages.iter().filter(|other| other.name == message.name).count() == 1;
        let label = if is_alone { message.name.clone() } else { format!("{}@{}", message.name, message.source) };
        columns.extend(table.columns[1..].iter().map(|signal| format!("{label}.{signal}")));
        for row in &table.rows {
            let time = format!("{:0>20}", row[0]);
            let values = row[1..].iter().enumerate().map(|(index, text)| (begin + index, text.clone()));
            by_time.entry(time).or_default().extend(values.filter(|(_, text)| !text.is_empty()));
        }
    }
    assert_eq!(found.columns, columns);
    assert_eq!(found.rows.len(), by_time.len());
    let mut held = vec![String::new(); columns.len()];
    for (row, (time, news)) in found.rows.iter().zip(by_time) {
        for (column, text) in news {
            held[column] = text;
        }
        assert_eq!(format!("{:0>20}", row[0]), time);
        assert_eq!(row[1..], held[1..], "{time}");
    }
}

#[test]
fn parquet_has_the_numbers_of_csv() {
    let log = shared::example("toyota-60s.rlog.zst");
    let dbcs = given(&[("toyota_new_mc_pt_generated", Some(0)), ("toyota_adas", Some(1))]);
    let options = TableOptions::default();
    let (csv, _) = messages(&log, &options, &dbcs, SignalFormat::CsvNumbers);
    let (parquet, _) = messages(&log, &options, &dbcs, SignalFormat::Parquet);
    assert_eq!(csv.keys().collect::<Vec<_>>(), parquet.keys().collect::<Vec<_>>());
    assert!(csv.len() > 50, "{} messages", csv.len());
    for (name, bytes) in parquet {
        let expected = Table::of_csv(&csv[&name]);
        assert!(read_parquet(bytes) == (expected.columns.clone(), expected.numbers()), "{name}");
    }
    let (csv, _) = wide(&log, &options, &dbcs, SignalFormat::CsvNumbers);
    let (parquet, _) = wide(&log, &options, &dbcs, SignalFormat::Parquet);
    let expected = Table::of_csv(&csv);
    assert!(read_parquet(parquet) == (expected.columns.clone(), expected.numbers()));
}
