//! Both modes against a slow and obvious reference: every frame in memory, every bit for itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cts_can::bitwatch::{BitwatchOptions, Table};
use proptest::prelude::*;

use super::{analyze, compat, file};

#[derive(Clone, Debug)]
struct Row {
    time: f64,
    segment: &'static str,
    bus: u8,
    address: u32,
    data: Vec<u8>,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    // Few addresses, bits and steps of time, so that all of them meet.
    let payload =
        prop_oneof![prop::collection::vec(0_u8..4, 0..3), prop::collection::vec(0_u8..2, 10), Just(vec![0xFF]),];
    let row = (0_u8..3, 0_u8..2, 0x10_u32..0x12, payload);
    (prop::collection::vec(row, 0..60), 0.0_f64..20.0, 0.0_f64..20.0).prop_map(|(rows, start, length)| {
        let mut time = 0.0;
        let mut made = Vec::new();
        for (step, bus, address, data) in rows {
            time += f64::from(step) / 2.0;
            let segment = if time < start {
                "pre"
            } else if time <= start + length {
                "window"
            } else {
                "post"
            };
            made.push(Row { time, segment, bus, address, data });
        }
        made
    })
}

fn table(rows: &[Row]) -> Vec<u8> {
    let mut text = String::from("segment,timestamp,address,bus,data\n");
    for row in rows {
        let data: String = row.data.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{},{:?},{},{},{data}", row.segment, row.time, row.address, row.bus).unwrap();
    }
    text.into_bytes()
}

fn bit(data: &[u8], bit: usize) -> Option<bool> {
    data.get(bit / 8).map(|byte| byte >> (bit % 8) & 1 == 1)
}

/// Time, whether it rose, and the row's segment, for every edge of a bit.
fn edges(rows: &[&Row], bit_of: impl Fn(&[u8]) -> Option<bool>) -> Vec<(f64, bool, &'static str)> {
    let mut level = None;
    let mut edges = Vec::new();
    for row in rows {
        let Some(value) = bit_of(&row.data) else { continue };
        if level.is_some_and(|level| level != value) {
            edges.push((row.time, value, row.segment));
        }
        level = Some(value);
    }
    edges
}

fn cells(text: &str, columns: &[usize]) -> Vec<Vec<String>> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        columns.iter().map(|column| cells[*column].to_owned()).collect()
    };
    text.lines().skip(1).map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn edges_and_candidates_are_those_of_the_slow_way(rows in rows()) {
        let watch: Vec<String> = (0..80).map(|bit| format!("0x10:{bit}")).collect();
        let options = BitwatchOptions {
            watch: watch.iter().map(|text| text.parse().unwrap()).collect(),
            ..BitwatchOptions::default()
        };
        let analysis = analyze(&table(&rows), &options).unwrap();
        let mut expected_edges = Vec::new();
        let mut expected_bits = BTreeMap::new();
        for (address, bus) in [(0x10, 0), (0x10, 1), (0x11, 0), (0x11, 1)] {
            let own: Vec<&Row> = rows.iter().filter(|row| (row.address, row.bus) == (address, bus)).collect();
            for index in 0..80 {
                let edges = edges(&own, |data| bit(data, index));
                if !edges.is_empty() && edges.iter().all(|(_, _, segment)| *segment == "window") {
                    expected_bits.insert((address, bus, index), edges.len());
                }
                if address == 0x10 {
                    expected_edges.extend(edges.into_iter().map(|(time, is_rise, segment)| {
                        let change = if is_rise { "0->1" } else { "1->0" };
                        [bus.to_string(), index.to_string(), format!("{time:?}"), change.into(), segment.into()].to_vec()
                    }));
                }
            }
        }
        let mut found = cells(&file(&analysis, Table::BitEdges), &[1, 5, 6, 8, 9]);
        found.sort();
        expected_edges.sort();
        prop_assert_eq!(found, expected_edges);
        prop_assume!(analysis.fields().is_empty());
        let found: BTreeMap<_, _> = analysis
            .candidates()
            .iter()
            .map(|found| ((found.address.0, found.bus.0, usize::from(found.bit)), usize::try_from(found.toggles).unwrap()))
            .collect();
        prop_assert_eq!(found, expected_bits);
    }

    #[test]
    fn the_compat_edges_are_those_of_the_slow_way(rows in rows()) {
        let watch: Vec<String> = (0..64).map(|bit| format!("0x10:{bit}")).collect();
        let watch: Vec<&str> = watch.iter().map(String::as_str).collect();
        let analysis = analyze(&table(&rows), &compat(&watch)).unwrap();
        let own: Vec<&Row> = rows.iter().filter(|row| row.address == 0x10).collect();
        let mut expected = Vec::new();
        for index in 0..64 {
            // A short payload counts as zeros.
            for (time, is_rise, segment) in edges(&own, |data| Some(bit(data, index).unwrap_or(false))) {
                let change = if is_rise { "0->1" } else { "1->0" };
                expected.push(vec![index.to_string(), format!("{time:?}"), change.to_owned(), segment.to_owned()]);
            }
        }
        let mut found = cells(&file(&analysis, Table::BitEdges), &[4, 5, 7, 8]);
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn rows_in_any_order_give_the_same_files_but_for_first_appearances(rows in rows(), seed: u64) {
        let mut spread = rows;
        // Distinct times: of equal ones the order of the input decides.
        for (index, row) in spread.iter_mut().enumerate() {
            row.time += f64::from(u32::try_from(index).unwrap()) / 1024.0;
        }
        let mut mixed = spread.clone();
        for index in (1..mixed.len()).rev() {
            let other = usize::try_from(seed.rotate_left(u32::try_from(index % 64).unwrap()) % (index as u64 + 1)).unwrap();
            mixed.swap(index, other);
        }
        let options = BitwatchOptions { watch: vec!["0x10:0".parse().unwrap()], ..BitwatchOptions::default() };
        let (ordered, mixed) = (analyze(&table(&spread), &options), analyze(&table(&mixed), &options));
        let (ordered, mixed) = (ordered.unwrap(), mixed.unwrap());
        for kind in [Table::Counts, Table::BitEdges, Table::Candidates, Table::Pulses] {
            prop_assert_eq!(file(&ordered, kind), file(&mixed, kind));
        }
    }
}
