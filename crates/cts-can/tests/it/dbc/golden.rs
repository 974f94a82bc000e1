//! Values against those of cantools: every signal of every frame, in the order of the log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};

use cts_can::dbc::{Dbc, DbcMessage, shipped};
use cts_can::frame::{Bus, Frame};
use cts_can::rlog::{EventKind, LogReader};
use serde_json::Value;

use crate::shared;

/// What one golden says.
struct Golden<'a> {
    dbc: &'a str,
    bus: Bus,
    log: Box<dyn Read>,
    rows: Box<dyn BufRead>,
    /// How many frames of each message have rows.
    frames_max: u64,
}

#[derive(Debug, Default, PartialEq)]
struct Counts {
    frames_decoded: u64,
    frames_skipped: u64,
    values: u64,
    messages: BTreeMap<String, u64>,
}

/// The values of a frame by the names of the signals.
fn values<'d>(message: &'d DbcMessage, payload: &[u8]) -> BTreeMap<&'d str, String> {
    let mut values = BTreeMap::new();
    let mut doubles = Vec::new();
    message.decode(payload, |index, value| doubles.push((index, value)));
    let mut doubles = doubles.into_iter();
    message.decode_exact(payload, |index, value| {
        assert_eq!(doubles.next(), Some((index, value.nearest())), "both ways of decoding agree");
        values.insert(message.signals[index].name.as_str(), value.to_string());
    });
    values
}

/// Compares every row of a golden with the values of the log's frames.
fn compare(golden: Golden<'_>) -> Counts {
    let dbc = Dbc::parse(shipped(golden.dbc).unwrap().as_bytes()).unwrap();
    let mut rows = golden.rows.lines().map(Result::unwrap);
    assert_eq!(rows.next().unwrap(), "t,address,message,signal,value");
    let mut counts = Counts::default();
    for_each_frame(golden.log, |seconds, frame| {
        if frame.bus != golden.bus {
            return;
        }
        // Where a payload is too short, cantools gives no value of the frame at all.
        let message = dbc.message(frame.address);
        let Some(message) = message.filter(|message| usize::from(message.length_bytes) <= frame.data.len()) else {
            counts.frames_skipped += 1;
            return;
        };
        let frames = counts.messages.entry(message.name.clone()).or_default();
        if *frames == golden.frames_max {
            return;
        }
        *frames += 1;
        counts.frames_decoded += 1;
        let mut values = values(message, frame.data);
        while !values.is_empty() {
            let row = rows.next().expect("the golden has a row for every value");
            let signal = row.split(',').nth(3).unwrap();
            let value = values.remove(signal).unwrap_or_else(|| panic!("no value for {row}"));
            let expected = format!("{seconds:.6},{},{},{signal},{value}", frame.address, message.name);
            assert_eq!(expected, row);
            counts.values += 1;
        }
    });
    assert_eq!(rows.next(), None, "every row is found");
    counts
}

/// Gives every frame of the `can` events with its seconds after the first event.
fn for_each_frame(log: impl Read, mut each: impl FnMut(f64, Frame<'_>)) {
    let mut log = LogReader::new(log);
    let mut begin = None;
    while let Some(event) = log.next_event().unwrap() {
        let event = event.unwrap();
        if event.kind == EventKind::Can {
            let seconds = (event.mono_time - *begin.get_or_insert(event.mono_time)) as f64 / 1e9;
            event.frames().unwrap().for_each(|frame| each(seconds, frame));
        }
    }
}

#[test]
fn values_of_the_sample_log_are_found() {
    for (dbc, bus, expected) in [("toyota_new_mc_pt_generated", 0, (22, 262)), ("toyota_adas", 1, (33, 358))] {
        let counts = compare(Golden {
            dbc,
            bus: Bus(bus),
            log: Box::new(Cursor::new(shared::example("toyota-5s.rlog.zst"))),
            rows: Box::new(Cursor::new(shared::fixture(&format!("dbc/{dbc}.csv")))),
            frames_max: 2,
        });
        assert_eq!((counts.messages.len(), counts.values), expected, "{dbc}");
    }
}

#[test]
fn every_value_of_the_goldens_is_found() {
    let Some(shared) = shared::folder() else { return };
    let mut compared = Vec::new();
    let mut folders: Vec<_> =
        std::fs::read_dir(shared.join("golden/dbc")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let info: Value = serde_json::from_slice(&std::fs::read(folder.join("info.json")).unwrap()).unwrap();
        let log = File::open(shared.join(info["log"].as_str().unwrap())).unwrap();
        let rows = zstd::Decoder::new(File::open(folder.join("signals.csv.zst")).unwrap()).unwrap();
        let found = compare(Golden {
            dbc: info["dbc"].as_str().unwrap(),
            bus: Bus(info["bus"].as_u64().unwrap().try_into().unwrap()),
            log: Box::new(log),
            rows: Box::new(BufReader::new(rows)),
            frames_max: u64::MAX,
        });
        let count = |name: &str| info[name].as_u64().unwrap();
        let messages = info["messages"].as_object().unwrap().iter();
        let expected = Counts {
            frames_decoded: count("frames_decoded"),
            frames_skipped: count("frames_skipped"),
            values: count("values"),
            messages: messages.map(|(name, frames)| (name.clone(), frames.as_u64().unwrap())).collect(),
        };
        assert_eq!(found, expected, "{}", folder.display());
        compared.push(found.values);
    }
    assert_eq!(compared, [206_314, 213_000, 287_100]);
}

#[test]
fn the_set_speed_of_the_subaru_is_0_or_55() {
    let Some(shared) = shared::folder() else { return };
    let dbc = Dbc::parse(shipped("subaru_global_2020_hybrid_generated").unwrap().as_bytes()).unwrap();
    let status = dbc.message_named("Cruise_Status").unwrap();
    let set_speed = status.signal("Cruise_Set_Speed").unwrap();
    let mut frames_of = BTreeMap::new();
    for_each_frame(File::open(shared.join("data/synth/subaru.rlog.zst")).unwrap(), |_, frame| {
        if frame.bus == Bus(0) && frame.address == status.address {
            let value = set_speed.signal.exact(frame.data).unwrap().to_string();
            *frames_of.entry(value).or_insert(0) += 1;
        }
    });
    assert_eq!(frames_of.keys().collect::<Vec<_>>(), ["0", "55"]);
    assert_eq!(frames_of.values().sum::<i32>(), 1200);
}
