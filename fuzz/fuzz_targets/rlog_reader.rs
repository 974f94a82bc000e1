//! Any bytes as a log: reading ends without a panic, its account of the bytes adds up, and no event leads to more than
//! it holds.

#![no_main]

use std::thread;

use cts_can::rlog::{Event, EventKind, LogEnd, LogReader, first_can_time};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|log: &[u8]| {
    let (found, end) = read(LogReader::new(log));
    assert_eq!(end.packed_bytes, log.len() as u64, "the log is read to its end, whatever is in it");
    assert!(found.payload_bytes <= end.plain_bytes, "no payload is handed out twice");
    match &end.damage {
        Some(damage) => {
            assert_eq!(damage.byte + damage.plain_bytes_lost, end.plain_bytes);
            assert_eq!(damage.message, end.messages);
            assert!(damage.packed_bytes_lost <= end.packed_bytes);
        }
        None => assert_eq!(end.plain_bytes % 8, 0, "messages are made of words"),
    }
    let ahead = thread::scope(|scope| read(LogReader::ahead(scope, log)));
    assert_eq!((&found, &end), (&ahead.0, &ahead.1), "a second thread changes nothing");

    let first_time = first_can_time(log).expect("memory is always readable");
    if found.first_can.is_some() {
        assert_eq!(first_time, found.first_can);
    }
});

/// What was found in a log.
#[derive(Debug, Default, PartialEq)]
struct Found {
    frames: u64,
    payload_bytes: u64,
    states: u64,
    first_can: Option<u64>,
}

fn read(mut log: LogReader<'_>) -> (Found, LogEnd) {
    let mut found = Found::default();
    while let Some(event) = log.next_event().expect("memory is always readable") {
        let Ok(event) = event else { continue };
        add_frames(&event, &mut found);
        found.states += states(&event);
    }
    assert!(log.next_event().expect("the end stays").is_none());
    let end = log.end().expect("there is no next event").clone();
    assert!(found.states <= end.plain_bytes / 8 + end.messages * 4097, "no state is handed out twice");
    (found, end)
}

fn add_frames(event: &Event<'_>, found: &mut Found) {
    let Ok(frames) = event.frames() else { return };
    if event.kind == EventKind::Can {
        found.first_can.get_or_insert(event.mono_time);
    }
    let count = frames.len();
    let mut seen = 0;
    for frame in frames {
        seen += 1;
        found.payload_bytes += frame.data.len() as u64;
    }
    assert_eq!(seen, count);
    found.frames += seen as u64;
}

/// Reads every kind of state; returns how many there are.
fn states(event: &Event<'_>) -> u64 {
    let mut count = 0;
    count += u64::from(event.car_state().is_ok_and(|state| state.is_some()));
    count += u64::from(event.selfdrive_state().is_ok_and(|state| state.is_some()));
    if let Ok(Some(car)) = event.car_params() {
        let configs = car.safety_configs();
        let expected = configs.len();
        assert_eq!(configs.map(|config| config.model.to_string()).count(), expected);
        count += 1 + expected as u64;
    }
    if let Ok(pandas) = event.panda_states() {
        let expected = pandas.len();
        assert_eq!(pandas.map(|panda| panda.safety_model.to_string()).count(), expected);
        count += expected as u64;
    }
    count
}
