//! Toggles and times of a bit, held against looking at every moment.

use proptest::prelude::*;

use super::super::super::plan::{EngagedClock, Plan, padded};
use super::super::super::{Run, Stretch};
use super::*;

fn run(start: f64, end: f64) -> Run {
    Run { start, end, is_begun_before: false, is_unfinished: false }
}

fn plan(windows: &[Stretch], presses: &[Run], engaged: &[Run]) -> Plan {
    Plan {
        log: Stretch::default(),
        parts: Parts::new(windows),
        presses: padded(presses, 0.0, 0.0),
        engaged: EngagedClock::new(engaged),
    }
}

fn measure(plan: &Plan, frames: &[(f64, Vec<u8>)]) -> StreamBits {
    let mut bits = StreamBits::default();
    let mut room = Room::default();
    for (time, payload) in frames {
        bits.change(payload, &plan.moment(*time), &plan.parts, &mut room);
    }
    bits
}

fn found(bits: &StreamBits, wanted: u16) -> Option<BitFound> {
    let mut told = None;
    bits.each(|bit, found| {
        if bit == wanted {
            told = Some(found);
        }
    });
    told
}

#[test]
fn rises_and_falls_are_as_they_were() {
    let plan = plan(&[], &[], &[]);
    let frames: Vec<(f64, Vec<u8>)> =
        [(0.0, 1), (1.0, 0), (2.0, 1), (3.0, 0)].map(|(time, level)| (time, vec![0, level])).into();
    let told = found(&measure(&plan, &frames), 8).unwrap();
    assert_eq!((told.rises, told.falls), (1, 2));
    assert_eq!(told.high((3.0, 0.0)).0, 2.0);
    assert!(found(&measure(&plan, &frames), 9).is_none(), "a bit that never toggles is not told");
}

#[test]
fn the_moments_of_few_toggles_are_kept_and_those_of_many_are_given_back() {
    let plan = plan(&[], &[], &[]);
    let mut bits = StreamBits::default();
    let mut room = Room::default();
    let count = u32::try_from(TOGGLES_KEPT_MAX).unwrap();
    for number in 0..=count {
        let slow = u8::from((10..20).contains(&number));
        let payload = [u8::try_from(number & 1).unwrap() | (2 - 2 * slow)];
        bits.change(&payload, &plan.moment(f64::from(number)), &plan.parts, &mut room);
    }
    let fast = bits.levels(0, &room).unwrap();
    assert_eq!((fast.is_high_first, fast.toggles.len(), fast.toggles[0]), (false, TOGGLES_KEPT_MAX, 1.0));
    assert_eq!(bits.levels(1, &room), Some(Levels { is_high_first: true, toggles: vec![10.0, 20.0] }));
    assert_eq!(room.moments, TOGGLES_KEPT_MAX + 2);
    let last = f64::from(count + 1);
    bits.change(&[3], &plan.moment(last), &plan.parts, &mut room);
    assert_eq!((bits.levels(0, &room), bits.levels(2, &room), bits.levels(64, &room)), (None, None, None));
    assert_eq!((room.moments, room.free.len()), (2, 1), "the place of the fast one is free");
    let toggles = bits.toggles();
    assert_eq!((toggles.len(), toggles[0].all, toggles[1].all), (8, count + 1, 2));
}

#[test]
fn a_bit_whose_moments_are_dropped_gives_its_place_to_the_next_one() {
    let plan = plan(&[], &[], &[]);
    let mut bits = StreamBits::default();
    let mut room = Room::default();
    let mut level = 0;
    for number in 0..2000_u32 {
        level ^= 1 << (number / 500);
        bits.change(&[level], &plan.moment(f64::from(number)), &plan.parts, &mut room);
    }
    assert_eq!((room.histories.len(), room.moments), (1, 0));
    bits.change(&[level ^ 16], &plan.moment(2000.0), &plan.parts, &mut room);
    assert_eq!(bits.levels(4, &room).unwrap().toggles, [2000.0]);
    assert_eq!(bits.levels(3, &room), None);
}

#[test]
fn no_moments_are_kept_where_there_is_no_room_for_them() {
    let plan = plan(&[], &[], &[]);
    let mut bits = StreamBits::default();
    let mut room = Room { moments: MOMENTS_MAX - 1, ..Room::default() };
    for (time, payload) in [(0.0, 0), (1.0, 1), (2.0, 3), (3.0, 1)] {
        bits.change(&[payload], &plan.moment(time), &plan.parts, &mut room);
    }
    assert_eq!(bits.levels(0, &room).unwrap().toggles, [1.0]);
    assert_eq!(bits.levels(1, &room), None, "it could not be kept from the beginning");
    assert_eq!(room.moments, MOMENTS_MAX);
}

#[test]
fn a_bit_of_a_longer_frame_keeps_its_level_until_it_comes_again() {
    let plan = plan(&[], &[], &[]);
    let frames = [(0.0, vec![0, 1]), (1.0, vec![0]), (2.0, vec![0, 1]), (3.0, vec![0, 0]), (4.0, vec![0; 9])];
    let told = found(&measure(&plan, &frames), 8).unwrap();
    assert_eq!((told.rises, told.falls, told.high((4.0, 0.0)).0), (0, 1, 3.0));
}

#[test]
fn words_beyond_the_room_are_refused_and_counted() {
    let plan = plan(&[], &[], &[]);
    let mut room = Room { words: WORDS_MAX - 1, ..Room::default() };
    let mut bits = StreamBits::default();
    for (time, level) in [(0.0, 0), (1.0, 1), (2.0, 0)] {
        assert!(bits.change(&[level; 16], &plan.moment(time), &plan.parts, &mut room));
    }
    assert_eq!((room.words, room.refused), (WORDS_MAX, 1));
    assert!(found(&bits, 0).is_some() && found(&bits, 64).is_none());
    let mut notes = Vec::new();
    room.note(&mut notes);
    assert_eq!(notes.len(), 1);
}

#[test]
fn a_bit_has_fifty_six_bytes() {
    assert!(size_of::<Bit>() <= 56, "{}", size_of::<Bit>());
}

proptest! {
    #[test]
    fn times_and_hits_are_those_of_looking_at_every_moment(
        levels in prop::collection::vec(any::<bool>(), 2..120),
        engaged in prop::collection::vec((1_u8..20, 1_u8..20), 0..5),
        windows in prop::collection::vec((0_u8..100, 0_u8..30), 0..5),
        presses in prop::collection::vec((0_u8..20, 0_u8..5), 0..5),
    ) {
        let mut time = 0.0;
        let mut runs_of = |steps: &[(u8, u8)]| -> Vec<Run> {
            time = 0.0;
            steps.iter().map(|(gap, length)| {
                let start = time + f64::from(*gap) + 0.5;
                time = start + f64::from(*length);
                run(start, time)
            }).collect()
        };
        let engaged = runs_of(&engaged);
        let presses = runs_of(&presses);
        let mut windows: Vec<Stretch> = windows
            .iter()
            .map(|(start, length)| Stretch { start: f64::from(*start) + 0.5, end: f64::from(*start) + f64::from(*length) + 0.5 })
            .collect();
        windows.sort_by(|a, b| a.start.total_cmp(&b.start));
        let plan = plan(&windows, &presses, &engaged);
        // One frame each second; so a level lasts a second, and a second is engaged by its overlap.
        let frames: Vec<(f64, Vec<u8>)> =
            levels.iter().enumerate().map(|(second, on)| (second as f64, vec![u8::from(*on)])).collect();
        let toggles: Vec<f64> = (1..levels.len()).filter(|at| levels[*at] != levels[at - 1]).map(|at| at as f64).collect();
        let bits = measure(&plan, &frames);
        let Some(told) = found(&bits, 0) else {
            prop_assert!(toggles.is_empty());
            return Ok(());
        };
        let end = levels.len() as f64 - 1.0;
        let overlap = |second: f64| -> f64 {
            engaged.iter().map(|of| (of.end.min(second + 1.0) - of.start.max(second)).max(0.0)).sum()
        };
        let on = (0..levels.len() - 1).filter(|at| levels[*at]);
        let high: f64 = on.clone().count() as f64;
        let both: f64 = on.map(|at| overlap(at as f64)).sum();
        let (found_high, found_both) = told.high((end, plan.engaged.at(end)));
        prop_assert!((found_high - high).abs() < 1e-9 && (found_both - both).abs() < 1e-9);
        prop_assert_eq!(told.rises + told.falls, toggles.len() as u64);
        let rises = (1..levels.len()).filter(|at| levels[*at] && !levels[at - 1]).count() as u64;
        prop_assert_eq!(told.rises, rises);
        let inside = |of: &Stretch| toggles.iter().filter(|time| of.start <= **time && **time <= of.end).count() as u64;
        let hit = windows.iter().filter(|of| inside(of) > 0).count() as u64;
        let in_any = toggles.iter().filter(|time| windows.iter().any(|of| of.start <= **time && **time <= of.end)).count();
        prop_assert_eq!((told.windows_hit, told.window_toggles), (hit, in_any as u64));
        let pressed = plan.presses.iter().filter(|of| inside(of) > 0).count() as u64;
        let press_toggles: u64 = plan.presses.iter().map(inside).sum();
        prop_assert_eq!((told.presses_hit, told.press_toggles), (pressed, press_toggles));
    }
}
