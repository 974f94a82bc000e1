use proptest::prelude::*;

use super::*;
use crate::stream_numbers::STREAMS_MAX;

fn window(start: f64, end: f64) -> Window {
    Window { start, end }
}

type MadeFrame = (f64, u32, Vec<u8>);

fn quickly(windows: &[Window], frames: &[MadeFrame]) -> Vec<Vec<AddressChanges>> {
    let mut found = WindowChanges::new(windows.to_vec());
    for (time, address, data) in frames {
        found.frame(*time, Address(*address), data);
    }
    let (found, left_out) = found.finish();
    assert_eq!(left_out, 0);
    found
}

/// Whether two payloads differ, as the rule says it.
fn differ(before: &[u8], now: &[u8]) -> bool {
    let common = before.len().min(now.len());
    before[..common] != now[..common] || before[common..].iter().chain(&now[common..]).any(|byte| *byte != 0)
}

/// Keeps all frames, and for each window and address looks at all of them.
fn slowly(windows: &[Window], frames: &[MadeFrame]) -> Vec<Vec<AddressChanges>> {
    let mut addresses: Vec<u32> = Vec::new();
    for (_, address, _) in frames {
        if !addresses.contains(address) {
            addresses.push(*address);
        }
    }
    let of_window = |window: &Window| {
        let mut changed = Vec::new();
        for address in &addresses {
            let inside: Vec<&Vec<u8>> = frames
                .iter()
                .filter(|(_, of, _)| of == address)
                .filter(|(time, _, _)| window.start <= *time && *time <= window.end)
                .map(|(_, _, data)| data)
                .collect();
            let changes = inside.windows(2).filter(|pair| differ(pair[0], pair[1])).count();
            if changes > 0 {
                let (frames, changes) = (u32::try_from(inside.len()).unwrap(), u32::try_from(changes).unwrap());
                changed.push(AddressChanges { address: Address(*address), frames, changes });
            }
        }
        changed.sort_by_key(|address| std::cmp::Reverse(address.changes));
        changed
    };
    windows.iter().map(of_window).collect()
}

fn texts(found: &[Vec<AddressChanges>]) -> Vec<String> {
    let text = |window: &Vec<AddressChanges>| {
        let texts: Vec<_> = window.iter().map(|a| format!("{} {}/{}", a.address, a.changes, a.frames)).collect();
        texts.join(", ")
    };
    found.iter().map(text).collect()
}

fn frame(time: f64, address: u32, data: &[u8]) -> MadeFrame {
    (time, address, data.to_vec())
}

#[test]
fn both_ends_belong_to_a_window() {
    let frames = [0.999, 1.0, 2.0, 2.001].map(|time| frame(time, 0x10, &time.to_le_bytes()));
    assert_eq!(texts(&quickly(&[window(1.0, 2.0)], &frames)), ["0x010 1/2"]);
}

#[test]
fn one_frame_or_equal_frames_are_no_change() {
    let frames = [frame(1.0, 0x10, &[1]), frame(1.0, 0x20, &[1]), frame(2.0, 0x20, &[1]), frame(3.0, 0x20, &[2])];
    assert_eq!(texts(&quickly(&[window(1.0, 2.0), window(1.0, 3.0)], &frames)), ["", "0x020 1/3"]);
}

#[test]
fn the_busiest_comes_first_and_then_the_one_that_was_first_in_the_log() {
    // 0x30 comes first in the log, though not in the window.
    let mut frames = vec![frame(0.0, 0x30, &[0])];
    for (address, values) in [(0x10, [1, 2, 2]), (0x20, [1, 2, 3]), (0x30, [1, 1, 2])] {
        frames.extend((1_u32..).zip(values).map(|(second, value)| frame(f64::from(second), address, &[value])));
    }
    assert_eq!(texts(&quickly(&[window(1.0, 3.0)], &frames)), ["0x020 2/3, 0x030 1/3, 0x010 1/3"]);
}

#[test]
fn windows_that_overlap_count_for_themselves() {
    let frames: Vec<_> = (0_u8..10).map(|second| frame(f64::from(second), 0x7FF, &[second])).collect();
    let windows = [window(0.0, 9.0), window(2.0, 5.0), window(5.0, 5.0), window(5.0, 7.5), window(20.0, 30.0)];
    assert_eq!(texts(&quickly(&windows, &frames)), ["0x7FF 9/10", "0x7FF 3/4", "", "0x7FF 2/3", ""]);
}

#[test]
fn a_window_that_ends_before_it_begins_is_empty() {
    let frames = [frame(1.0, 1, &[1]), frame(2.0, 1, &[2]), frame(3.0, 1, &[3])];
    assert_eq!(texts(&quickly(&[window(3.0, 1.0)], &frames)), [""]);
}

#[test]
fn frames_of_too_many_addresses_are_left_out() {
    let mut found = WindowChanges::new(vec![window(1.0, 2.0)]);
    for value in [0, 1] {
        for address in 0..u32::try_from(STREAMS_MAX).unwrap() + 3 {
            found.frame(1.0, Address(0x7F0 + address), &[value]);
        }
    }
    found.frame(3.0, Address(0), &[0]);
    let (found, left_out) = found.finish();
    assert_eq!((found[0].len(), left_out), (STREAMS_MAX, 6));
}

#[test]
fn cells_of_all_windows_have_a_limit() {
    let windows = WINDOW_ADDRESSES_MAX / STREAMS_MAX + 1;
    let mut found = WindowChanges::new(vec![window(1.0, 2.0); windows]);
    for value in [0, 1] {
        for address in 0..u32::try_from(STREAMS_MAX).unwrap() {
            found.frame(1.0, Address(address), &[value]);
        }
    }
    let (found, left_out) = found.finish();
    assert_eq!(found.iter().map(Vec::len).sum::<usize>(), WINDOW_ADDRESSES_MAX);
    assert_eq!(left_out, 2 * (windows * STREAMS_MAX - WINDOW_ADDRESSES_MAX) as u64);
}

proptest! {
    #[test]
    fn changes_in_windows_are_those_of_the_slow_way(
        bounds in prop::collection::vec((0_u32..60, 0_u32..30), 0..6),
        frames in prop::collection::vec(
            (
                0_u32..80,
                prop::sample::select(vec![0x10, 0x7FF, 0x800, 0x18DA_F110]),
                prop::collection::vec(0_u8..2, 0..10),
            ),
            0..200,
        ),
        is_ordered: bool,
    ) {
        let windows: Vec<_> =
            bounds.iter().map(|(from, length)| window(f64::from(*from), f64::from(from + length))).collect();
        let mut frames: Vec<MadeFrame> =
            frames.into_iter().map(|(time, address, data)| (f64::from(time), address, data)).collect();
        if is_ordered {
            frames.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        prop_assert_eq!(quickly(&windows, &frames), slowly(&windows, &frames));
    }
}
