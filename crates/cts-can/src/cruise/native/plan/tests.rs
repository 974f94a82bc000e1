//! Parts, stretches and the clock, held against looking at every moment.

use proptest::prelude::*;

use super::*;

fn stretch(start: f64, end: f64) -> Stretch {
    Stretch { start, end }
}

fn run(start: f64, end: f64) -> Run {
    Run { start, end, is_begun_before: false, is_unfinished: false }
}

#[test]
fn both_ends_belong_to_a_window_and_gaps_lie_beside_it() {
    let windows = [stretch(1.0, 2.0), stretch(2.0, 3.0), stretch(5.0, 5.0)];
    let parts = Parts::new(&windows);
    let of = |time| parts.windows(parts.part(time)).to_vec();
    let rows = [
        (0.9, vec![]),
        (1.0, vec![0]),
        (1.9, vec![0]),
        (2.0, vec![0, 1]),
        (2.1, vec![1]),
        (3.0, vec![1]),
        (4.0, vec![]),
        (5.0, vec![2]),
        (5.1, vec![]),
    ];
    for (time, expected) in rows {
        assert_eq!(of(time), expected, "{time}");
    }
    let log = stretch(0.5, 4.5);
    let gap = |part| parts.stretch(part, log);
    let (before, after) = parts.gaps(1);
    assert_eq!((gap(before), gap(after)), (stretch(0.5, 1.0), stretch(3.0, 4.5)));
    let (before, after) = parts.gaps(2);
    assert_eq!((gap(before), gap(after)), (stretch(3.0, 4.5), stretch(4.5, 4.5)), "behind the log");
    assert_eq!(Parts::new(&[]).count(), 1);
}

#[test]
fn margins_join_what_touches() {
    let runs = [run(1.0, 2.0), run(2.5, 3.0), run(9.0, 9.0)];
    assert_eq!(padded(&runs, 0.25, 0.25), [stretch(0.75, 3.25), stretch(8.75, 9.25)]);
    assert!((share(&padded(&runs, 0.0, 0.0), stretch(0.0, 10.0)) - 0.15).abs() < 1e-12);
    assert_eq!(share(&[], stretch(1.0, 1.0)), 0.0);
}

/// Starts and lengths in eighths, so that every sum is exact.
fn runs_of(steps: &[(u8, u8)]) -> Vec<Run> {
    let mut time = 0.0;
    let eighths = |steps: u8| f64::from(steps) / 8.0;
    let mut runs = Vec::new();
    for (gap, length) in steps {
        let start = time + eighths(*gap) + 0.125;
        time = start + eighths(*length);
        runs.push(run(start, time));
    }
    runs
}

proptest! {
    #[test]
    fn the_clock_shows_the_sum_of_what_lies_before(
        steps in prop::collection::vec((0_u8..20, 0_u8..20), 0..20),
        at in 0_u16..900,
    ) {
        let runs = runs_of(&steps);
        let time = f64::from(at) / 8.0;
        let slowly: f64 = runs.iter().map(|run| (run.end.min(time) - run.start).max(0.0)).sum();
        prop_assert_eq!(EngagedClock::new(&runs).at(time), slowly);
        let stretches = padded(&runs, 0.0, 0.0);
        prop_assert_eq!(lies_in(&stretches, time), runs.iter().any(|run| run.start <= time && time <= run.end));
    }

    #[test]
    fn a_moment_lies_in_the_windows_that_hold_it(
        steps in prop::collection::vec((0_u8..40, 0_u8..30), 0..12),
        at in 0_u8..80,
    ) {
        let mut windows: Vec<Stretch> = steps
            .iter()
            .map(|(start, length)| stretch(f64::from(*start), f64::from(*start) + f64::from(*length)))
            .collect();
        windows.sort_by(|a, b| a.start.total_cmp(&b.start));
        let parts = Parts::new(&windows);
        let time = f64::from(at);
        let part = parts.part(time);
        let expected: Vec<u16> =
            (0_u16..).zip(&windows).filter(|(_, of)| of.start <= time && time <= of.end).map(|(index, _)| index).collect();
        prop_assert_eq!(parts.windows(part), expected.as_slice());
        for (index, window) in (0_u16..).zip(&windows) {
            let (before, after) = parts.gaps(usize::from(index));
            prop_assert!(parts.windows(before).is_empty() && parts.windows(after).is_empty());
            prop_assert!(before < parts.first(index) && after > parts.part(window.end));
        }
    }
}
