//! Any bytes as a log or a table that is summarized: counts add up, and every stream is a row.

#![no_main]

use cts_can::filter::FrameFilter;
use cts_can::frame::{Address, Bus};
use cts_can::summary::{PAYLOAD_BYTES_KEPT, STREAMS_MAX, Summarizer, SummaryOptions, SummaryTable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut summarizer = Summarizer::new(&options(input));
    if let Err(error) = summarizer.add(input, &mut |_| {}) {
        assert!(!error.to_string().is_empty());
    }
    let found = summarizer.finish();
    let streams = found.streams();
    assert!(streams.len() <= STREAMS_MAX);
    assert!(streams.is_sorted_by(|a, b| (a.bus, a.address) < (b.bus, b.address)));
    assert_eq!(streams.iter().map(|stream| stream.frames).sum::<u64>(), found.frames());
    assert_eq!(found.buses().iter().map(|bus| bus.frames).sum::<u64>(), found.frames());
    if let [input] = found.inputs() {
        assert_eq!(found.frames() + found.frames_filtered() + found.frames_left_out(), input.rows);
    }
    for stream in streams {
        assert!(stream.first_time <= stream.last_time && stream.length_min <= stream.length_max, "{stream:?}");
        assert_eq!(stream.periods + stream.frames_late + 1, stream.frames, "{stream:?}");
        assert_eq!(stream.longest_gap.is_some(), stream.periods > 0, "{stream:?}");
        assert!(stream.period_median <= stream.period_p95, "{stream:?}");
        assert_eq!(stream.changed.len(), stream.length_max.min(PAYLOAD_BYTES_KEPT), "{stream:?}");
        assert!(
            (stream.length_min.min(PAYLOAD_BYTES_KEPT)..=stream.changed.len()).contains(&stream.last_payload.len())
        );
        for field in &stream.fields {
            assert!(usize::from(field.first_bit + field.bits) <= 8 * stream.changed.len(), "{stream:?}");
        }
    }
    let silences = found.silences();
    assert!(silences.is_sorted_by(|a, b| a.seconds >= b.seconds) && silences.len() <= 2 * streams.len());
    for table in SummaryTable::ALL {
        let mut out = Vec::new();
        found.write(table, &mut out).expect("memory takes everything");
        let text = String::from_utf8(out).expect("tables are text");
        match table {
            SummaryTable::Csv => assert_eq!(text.matches("\r\n").count(), streams.len() + 1),
            SummaryTable::Text => assert!(text.lines().count() > streams.len()),
        }
    }
});

/// The last two bytes of the input choose the options.
fn options(input: &[u8]) -> SummaryOptions {
    let [.., flags, value] = input else { return SummaryOptions::default() };
    let flag = |bit: u8| flags >> bit & 1 == 1;
    let filter = FrameFilter {
        buses: if flag(0) { vec![Bus(*value), Bus(0)] } else { Vec::new() },
        addresses: if flag(1) { vec![Address(u32::from(*value)), Address(0x123)] } else { Vec::new() },
        from: flag(2).then_some(0.0),
        to: flag(3).then_some(f64::from(*value) / 16.0),
    };
    SummaryOptions { filter, strict: flag(4) }
}
