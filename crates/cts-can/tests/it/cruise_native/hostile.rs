//! Logs that are broken, out of order, or made to hurt.

use cts_can::bitwatch::Window;
use cts_can::cruise::native::{
    CruiseOptions, CruiseTable, EngagedFrom, MarkFrom, Scan, TableFormat, WINDOWS_MAX, engaged_bit,
};
use cts_can::markers::MarkerRule;
use proptest::prelude::*;

use super::{CarInUse, analyze, car_of, notes, text, try_analyze};
use crate::shared;
use crate::writer::{MadeEvent, log};

#[test]
fn every_edge_log_is_analyzed_and_written() {
    for (name, log) in shared::edge_logs() {
        for car in ["subaru", "toyota"] {
            let options = CruiseOptions {
                marks: MarkFrom::Windows(vec![Window { start: 0.0, end: 0.5 }]),
                engaged: EngagedFrom::Bit(engaged_bit("0x123:0").unwrap()),
                watch: vec!["0x123:7".parse().unwrap()],
                ..CruiseOptions::default()
            };
            let result = try_analyze(&[&log], &options, car_of(&log, Some(car))).unwrap();
            for table in CruiseTable::ALL {
                let rows = text(&result, table, TableFormat::Csv).lines().count() - 1;
                let json: Vec<serde_json::Value> =
                    serde_json::from_str(&text(&result, table, TableFormat::Json)).unwrap();
                assert_eq!(rows, json.len(), "{name} {}", table.name());
            }
        }
    }
}

#[test]
fn damage_is_told_and_ends_a_strict_analysis() {
    let log = shared::fixture("edge/garbage_tail.rlog.zst");
    let result = analyze(&log, &CruiseOptions::default());
    assert!(result.inputs[0].log_end.as_ref().unwrap().damage.is_some());
    let strict = CruiseOptions { strict: true, ..CruiseOptions::default() };
    assert!(matches!(try_analyze(&[&log], &strict, CarInUse::default()), Err(cts_can::Error::Damaged(_))));
}

#[test]
fn an_input_that_changes_between_the_readings_is_refused() {
    let frames = |count: u64| {
        let events: Vec<MadeEvent> = (0..count).map(|tenth| MadeEvent::can(tenth, &[(0x10, 0, &[0])])).collect();
        log(&events)
    };
    let mut scan = Scan::new(CruiseOptions::default(), CarInUse::default());
    scan.add(frames(5).as_slice(), &mut |_| {}).unwrap();
    let mut measure = scan.finish();
    measure.add(frames(4).as_slice(), &mut |_| {}).unwrap();
    let error = measure.finish().unwrap_err();
    assert_eq!(error.to_string(), "the inputs changed while they were read: 5 frames the first time, 4 the second");
}

#[test]
fn frames_with_earlier_times_are_told() {
    let result = analyze(&shared::fixture("edge/out_of_order.rlog.zst"), &CruiseOptions::default());
    assert!(notes(&result).contains("frames come with an earlier time than the frame before"), "{}", notes(&result));
}

#[test]
fn more_windows_than_are_told_apart_are_told() {
    let marks: Vec<Window> =
        (0..300_u32).map(|number| Window { start: f64::from(number), end: f64::from(number) + 0.5 }).collect();
    let options = CruiseOptions { marks: MarkFrom::Windows(marks), ..CruiseOptions::default() };
    let result = try_analyze(&[&log(&[MadeEvent::can(0, &[(1, 0, &[])])])], &options, CarInUse::default()).unwrap();
    assert_eq!(result.windows.len(), WINDOWS_MAX);
    assert!(notes(&result).contains("there are 300 windows"));
}

#[test]
fn a_log_without_frames_says_so() {
    for log in [Vec::new(), shared::fixture("edge/no_can.rlog.zst")] {
        let result = analyze(&log, &CruiseOptions::default());
        assert!(notes(&result).contains("there are no frames"), "{}", notes(&result));
        assert!(result.streams.is_empty() && result.candidates.is_empty());
    }
}

fn made_frames() -> impl Strategy<Value = Vec<MadeEvent>> {
    let frame = (0_u32..4, prop::sample::select(vec![0_u8, 1, 128]), prop::collection::vec(any::<u8>(), 0..70));
    let event = (any::<u32>(), prop::collection::vec(frame, 0..4));
    prop::collection::vec(event, 0..40).prop_map(|events| {
        let made = |(time, frames): (u32, Vec<(u32, u8, Vec<u8>)>)| {
            let frames: Vec<(u32, u8, &[u8])> =
                frames.iter().map(|(address, bus, data)| (0x13A + *address, *bus, data.as_slice())).collect();
            MadeEvent::can(u64::from(time), &frames)
        };
        events.into_iter().map(made).collect()
    })
}

proptest! {
    #![proptest_config(shared::same_cases(200))]

    #[test]
    fn sums_add_up_whatever_the_frames_are(
        events in made_frames(),
        windows in prop::collection::vec((-1_i8..5, 0_u8..3), 0..4),
        pre in 0_u8..3,
    ) {
        let given: Vec<Window> = windows
            .iter()
            .map(|(start, length)| Window { start: f64::from(*start), end: f64::from(*start) + f64::from(*length) })
            .collect();
        let marks = if given.is_empty() { MarkFrom::Button("set".to_owned()) } else { MarkFrom::Windows(given) };
        let rule = MarkerRule { pre: f64::from(pre), post: 0.0, timeout: 1.0 };
        let options = CruiseOptions { marks, rule, filters_engaged: pre == 1, ..CruiseOptions::default() };
        let log = log(&events);
        let result = try_analyze(&[&log], &options, car_of(&log, Some("subaru"))).unwrap();
        let frames: usize = events.iter().map(|event| event.frames.len()).sum();
        prop_assert_eq!(result.streams.iter().map(|of| of.frames).sum::<u64>(), frames as u64);
        for stream in &result.streams {
            prop_assert!(stream.unique <= stream.frames && stream.changes < stream.frames);
            for window in &stream.windows {
                for part in [window.before, window.inside, window.after] {
                    prop_assert!(part.frames <= stream.frames);
                }
            }
        }
        for found in &result.candidates {
            prop_assert!((0.0..=100.0).contains(&found.score), "{found:?}");
            prop_assert!(found.rises.abs_diff(found.falls) <= 1);
            prop_assert!(found.high >= 0.0 && found.high <= found.seconds && found.high_engaged <= found.engaged);
            prop_assert!(found.window_toggles <= found.rises + found.falls);
        }
        for table in CruiseTable::ALL {
            let json: Vec<serde_json::Value> = serde_json::from_str(&text(&result, table, TableFormat::Json)).unwrap();
            prop_assert_eq!(json.len() + 1, text(&result, table, TableFormat::Csv).lines().count());
        }
    }
}
