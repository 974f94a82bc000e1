//! Any bytes as a log: reading ends without a panic, and its account of the bytes adds up.

#![no_main]

use std::thread;

use cts_can::rlog::{LogEnd, LogReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|log: &[u8]| {
    let (frames, payload, end) = read(LogReader::new(log));
    assert_eq!(end.packed_bytes, log.len() as u64, "the log is read to its end, whatever is in it");
    assert!(payload <= end.plain_bytes, "no payload is handed out twice");
    match &end.damage {
        Some(damage) => {
            assert_eq!(damage.byte + damage.plain_bytes_lost, end.plain_bytes);
            assert_eq!(damage.message, end.messages);
            assert!(damage.packed_bytes_lost <= end.packed_bytes);
        }
        None => assert_eq!(end.plain_bytes % 8, 0, "messages are made of words"),
    }
    let ahead = thread::scope(|scope| read(LogReader::ahead(scope, log)));
    assert_eq!((frames, payload, end), ahead, "a second thread changes nothing");
});

fn read(mut log: LogReader<'_>) -> (u64, u64, LogEnd) {
    let (mut frames, mut payload) = (0, 0);
    while let Some(event) = log.next_event().expect("memory is always readable") {
        let Ok(found) = event.and_then(|event| event.frames()) else { continue };
        let count = found.len();
        let mut seen = 0;
        for frame in found {
            seen += 1;
            payload += frame.data.len() as u64;
        }
        assert_eq!(seen, count);
        frames += seen as u64;
    }
    assert!(log.next_event().expect("the end stays").is_none());
    let end = log.end().expect("there is no next event").clone();
    (frames, payload, end)
}
