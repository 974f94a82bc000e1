//! The summary against a slow and obvious one: every frame in memory, every number from the whole list.

use std::collections::BTreeMap;

use cts_can::summary::{StreamSummary, SummaryTable};
use cts_can::table::TableOptions;
use proptest::prelude::*;

use super::{file, summary};
use crate::shared::same_cases;
use crate::table::table;
use crate::writer::{CAN, MadeEvent, MadeFrame, log};

/// Time in seconds and payload.
type Seen = (f64, Vec<u8>);

fn frame() -> impl Strategy<Value = MadeFrame> {
    let payload = prop_oneof![
        4 => prop::collection::vec(prop::sample::select(vec![0_u8, 1, 0x80, 0xFF]), 0..=3),
        1 => prop::collection::vec(any::<u8>(), 8..=9),
        1 => prop::collection::vec(any::<u8>(), 63..=65),
    ];
    (prop::sample::select(vec![0x10_u32, 0x7FF, 0x800]), prop::sample::select(vec![0_u8, 1, 128, 200]), payload)
        .prop_map(|(address, bus, data)| MadeFrame { address, bus, data })
}

/// Events of which most follow one another, and some come late.
fn events() -> impl Strategy<Value = Vec<MadeEvent>> {
    let step = prop_oneof![8 => 0_i64..=50_000_000, 1 => -40_000_000_i64..0, 1 => 0_i64..=3_000_000_000];
    prop::collection::vec((step, prop::collection::vec(frame(), 0..4)), 1..60).prop_map(|steps| {
        let mut time = 10_000_000_000_i64;
        let event = |(step, frames): (i64, Vec<MadeFrame>)| {
            time = (time + step).max(0);
            MadeEvent { mono_time: u64::try_from(time).unwrap(), kind: CAN, frames }
        };
        steps.into_iter().map(event).collect()
    })
}

fn bit(payload: &[u8], bit: usize) -> Option<bool> {
    payload.get(bit / 8).map(|byte| byte >> (bit % 8) & 1 == 1)
}

fn changes(seen: &[Seen], index: usize) -> bool {
    let levels: Vec<bool> = seen.iter().filter_map(|(_, payload)| bit(payload, index)).collect();
    levels.windows(2).any(|pair| pair[0] != pair[1])
}

/// Times from a frame to the next, with the time of the first, of those that are not late.
fn periods(seen: &[Seen]) -> Vec<(f64, f64)> {
    let mut latest = seen[0].0;
    let mut found = Vec::new();
    for (time, _) in &seen[1..] {
        if *time >= latest {
            found.push((time - latest, latest));
            latest = *time;
        }
    }
    found
}

fn rank(periods: &[(f64, f64)], percent: usize) -> Option<f64> {
    let mut lengths: Vec<f64> = periods.iter().map(|(length, _)| *length).collect();
    lengths.sort_by(f64::total_cmp);
    lengths.get((lengths.len() * percent).div_ceil(100).saturating_sub(1)).copied()
}

fn is_near(found: Option<f64>, exact: Option<f64>) -> bool {
    match (found, exact) {
        // Periods are counted in microseconds.
        (Some(found), Some(exact)) => (found - exact).abs() <= exact / 16.0 + 1.1e-6,
        (found, exact) => found == exact,
    }
}

fn check(found: &StreamSummary, seen: &[Seen]) -> Result<(), TestCaseError> {
    let periods = periods(seen);
    let times = || seen.iter().map(|(time, _)| *time);
    prop_assert_eq!(found.frames, seen.len() as u64);
    prop_assert_eq!(found.periods, periods.len() as u64);
    prop_assert_eq!(found.frames_late, (seen.len() - 1 - periods.len()) as u64);
    prop_assert_eq!(found.first_time, times().fold(f64::INFINITY, f64::min));
    prop_assert_eq!(found.last_time, times().fold(f64::NEG_INFINITY, f64::max));
    prop_assert!(is_near(found.period_median, rank(&periods, 50)), "{:?} {:?}", found, periods);
    prop_assert!(is_near(found.period_p95, rank(&periods, 95)), "{:?} {:?}", found, periods);
    let gap = periods.iter().copied().reduce(|longest, gap| if gap.0 > longest.0 { gap } else { longest });
    prop_assert_eq!(found.longest_gap.map(|gap| (gap.seconds, gap.start)), gap);
    let lengths = || seen.iter().map(|(_, payload)| payload.len());
    prop_assert_eq!(Some(found.length_min), lengths().min());
    prop_assert_eq!(Some(found.length_max), lengths().max());
    let last = &seen[seen.len() - 1].1;
    prop_assert_eq!(&found.last_payload, &last[..last.len().min(64)]);
    prop_assert_eq!(found.changed.len(), found.length_max.min(64));
    for (byte, changed) in found.changed.iter().enumerate() {
        for bit in 0..8 {
            prop_assert_eq!(changed >> bit & 1 == 1, changes(seen, 8 * byte + bit), "byte {} bit {}", byte, bit);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(same_cases(256))]

    #[test]
    fn every_number_is_that_of_the_slow_way(events in events()) {
        let log = log(&events);
        let found = summary(&log);
        let zero = events[0].mono_time;
        let mut seen: BTreeMap<(u8, u32), Vec<Seen>> = BTreeMap::new();
        for event in &events {
            #[expect(clippy::cast_precision_loss, reason = "the numbers are below 2^53")]
            let seconds = (event.mono_time as f64 - zero as f64) / 1e9;
            let shown: f64 = format!("{seconds:.6}").parse().unwrap();
            for frame in &event.frames {
                seen.entry((frame.bus, frame.address)).or_default().push((shown, frame.data.clone()));
            }
        }
        let keys: Vec<(u8, u32)> = found.streams().iter().map(|stream| (stream.bus.0, stream.address.0)).collect();
        prop_assert_eq!(keys, seen.keys().copied().collect::<Vec<_>>());
        for (stream, seen) in found.streams().iter().zip(seen.values()) {
            check(stream, seen)?;
        }
        let (rows, _) = table(&log, &TableOptions::default());
        prop_assert_eq!(file(&found, SummaryTable::Csv), file(&summary(rows.as_bytes()), SummaryTable::Csv));
    }
}
