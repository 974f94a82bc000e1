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

/// The same where every row says what it likes, also those of one time.
fn rows_of_any_segment() -> impl Strategy<Value = Vec<Row>> {
    let segment = prop_oneof![6 => Just("window"), 1 => Just("pre"), 1 => Just("post")];
    (rows(), prop::collection::vec(segment, 60)).prop_map(|(mut rows, segments)| {
        rows.iter_mut().zip(segments).for_each(|(row, segment)| row.segment = segment);
        rows
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

/// The stretch of a moment: of the rows up to it the last one, where of equal times the name decides.
fn segment_at(rows: &[Row], time: f64) -> &'static str {
    let mut named: Vec<(f64, &str)> = rows.iter().map(|row| (row.time, row.segment)).collect();
    named.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let last = named.into_iter().rfind(|(of, _)| *of <= time);
    let (_, segment) = last.expect("the moment is that of a row");
    ["post", "pre", "window"].into_iter().find(|name| *name == segment).unwrap()
}

/// The pulses of the toggles of a bit; each has the time and the level after it.
fn compat_pulses(toggles: &[(f64, bool)], start: f64, end: f64) -> Vec<f64> {
    let mut level = toggles.iter().rfind(|(time, _)| *time <= start).is_some_and(|(_, level)| *level);
    let (mut pulses, mut risen) = (Vec::new(), None);
    for (time, value) in toggles.iter().filter(|(time, _)| start <= *time && *time <= end) {
        if *value && !level {
            risen = Some(*time);
        }
        if !*value && level {
            pulses.extend(risen.take().map(|risen| time - risen));
        }
        level = *value;
    }
    if level && end > start {
        pulses.extend(risen.map(|risen| end - risen));
    }
    pulses
}

/// The files of the candidates and of their pulses, as the Python tool makes them.
fn compat_files(rows: &[Row], window_start: Option<f64>) -> (String, String) {
    let is_window = |row: &&Row| row.segment == "window";
    let first = rows.iter().find(is_window).or(rows.first()).map_or(0.0, |row| row.time);
    let start = window_start.unwrap_or(first);
    let end = rows.iter().rfind(is_window).or(rows.last()).map_or(0.0, |row| row.time);
    let mut found = Vec::new();
    for address in [0x10, 0x11] {
        for index in 0..64 {
            let mut toggles = Vec::new();
            let mut before = None;
            for (number, row) in rows.iter().enumerate().filter(|(_, row)| row.address == address) {
                let level = bit(&row.data, index).unwrap_or(false);
                if before.is_some_and(|before| before != level) {
                    toggles.push((number, (row.time, level)));
                }
                before = Some(level);
            }
            let is_candidate = toggles.iter().all(|(_, (time, _))| segment_at(rows, *time) == "window");
            if let Some((number, _)) = toggles.first().filter(|_| is_candidate) {
                let toggles: Vec<(f64, bool)> = toggles.iter().map(|(_, toggle)| *toggle).collect();
                found.push((*number, index, address, toggles));
            }
        }
    }
    found.sort_by_key(|(number, index, ..)| (*number, *index));
    let mut candidates = String::from("address,global_idx,toggles\r\n");
    let mut hunt = String::from("address,global_idx,pulses,valid_three_2s\r\n");
    for (_, index, address, toggles) in found {
        write!(candidates, "0x{address:03X},{index},{}\r\n", toggles.len()).unwrap();
        let pulses = compat_pulses(&toggles, start, end);
        let is_valid = pulses.len() == 3 && pulses.iter().all(|pulse| (1.5..=2.5).contains(pulse));
        let quote = if pulses.len() > 1 { "\"" } else { "" };
        let valid = if is_valid { "True" } else { "False" };
        write!(hunt, "0x{address:03X},{index},{quote}{pulses:?}{quote},{valid}\r\n").unwrap();
    }
    (candidates, hunt)
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
    fn the_pulses_of_the_window_are_those_of_the_slow_way(rows in rows()) {
        let analysis = analyze(&table(&rows), &BitwatchOptions::default()).unwrap();
        let end = rows.iter().rfind(|row| row.segment == "window").map(|row| row.time);
        for found in analysis.candidates() {
            let is_own = |row: &&Row| (row.address, row.bus) == (found.address.0, found.bus.0);
            let own: Vec<&Row> = rows.iter().filter(is_own).collect();
            let edges = edges(&own, |data| bit(data, usize::from(found.bit)));
            // Every second edge comes back to the level at rest.
            let mut pulses: Vec<f64> = edges.chunks_exact(2).map(|pair| pair[1].0 - pair[0].0).collect();
            let unfinished = edges.chunks_exact(2).remainder().first().map(|(begun, ..)| end.unwrap() - begun);
            pulses.extend(unfinished.filter(|length| *length > 0.0));
            let [window] = found.pulses.as_slice() else { panic!("there is one window: {found:?}") };
            prop_assert_eq!(&window.pulses, &pulses);
            prop_assert_eq!(window.is_active_high, edges[0].1);
            prop_assert_eq!(window.is_unfinished, unfinished.is_some_and(|length| length > 0.0));
            let shows = pulses.len() == 3 && pulses.iter().all(|pulse| (1.5..=2.5).contains(pulse));
            prop_assert_eq!((found.toggles, window.shows_pattern), (edges.len() as u64, shows));
        }
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
    fn the_compat_candidates_and_pulses_are_those_of_the_slow_way(
        rows in prop_oneof![rows(), rows_of_any_segment()],
        window_start in prop::option::of((0_u8..40).prop_map(|half| f64::from(half) / 2.0)),
    ) {
        let options = BitwatchOptions { window_start, ..compat(&[]) };
        let analysis = analyze(&table(&rows), &options).unwrap();
        let (candidates, hunt) = compat_files(&rows, window_start);
        prop_assert_eq!(file(&analysis, Table::Candidates), candidates);
        prop_assert_eq!(file(&analysis, Table::Pulses), hunt);
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
