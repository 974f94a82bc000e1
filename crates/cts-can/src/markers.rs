//! Windows that a driver marks with the blinkers: left when it begins, right when it ends.
//!
//! A left blinker that goes on begins a mark, also in place of one that has begun; hazard lights begin one too. A right
//! blinker that goes on ends it, unless the timeout has passed: then the mark is forgotten. A mark that has begun and
//! never ends is told as an incomplete window around its beginning. Times are seconds of any clock, and a state that is
//! the same as before is no change.

use crate::bitwatch::Window;

/// How marks become windows, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkerRule {
    /// How long before its mark a window begins.
    pub pre: f64,
    /// How long after its mark it ends.
    pub post: f64,
    /// The longest time from left to right.
    pub timeout: f64,
}

impl Default for MarkerRule {
    fn default() -> Self {
        Self { pre: 1.5, post: 1.5, timeout: 15.0 }
    }
}

/// The state of both blinkers from a moment on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlinkerChange {
    /// The moment.
    pub time: f64,
    /// Whether the left one is on.
    pub left: bool,
    /// Whether the right one is on.
    pub right: bool,
}

/// A window and the marks that made it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlinkerWindow {
    /// When the left blinker went on.
    pub begun: f64,
    /// When the right blinker went on; none where it never did.
    pub ended: Option<f64>,
    /// The window around them.
    pub window: Window,
}

/// Finds windows while the changes come; nothing is kept but the mark that has begun.
#[derive(Clone, Debug)]
pub(crate) struct BlinkerMarks {
    rule: MarkerRule,
    earliest: f64,
    left: bool,
    right: bool,
    begun: Option<f64>,
}

impl BlinkerMarks {
    /// Begins with both blinkers off.
    pub(crate) fn new(rule: &MarkerRule, earliest: f64) -> Self {
        Self { rule: *rule, earliest, left: false, right: false, begun: None }
    }

    /// Takes the state of a moment; returns the window that ends with it.
    pub(crate) fn change(&mut self, change: &BlinkerChange) -> Option<BlinkerWindow> {
        let BlinkerChange { time, left, right } = *change;
        if (left, right) == (self.left, self.right) {
            return None;
        }
        let (left_goes_on, right_goes_on) = (left && !self.left, right && !self.right);
        (self.left, self.right) = (left, right);
        if left_goes_on {
            self.begun = Some(time);
            return None;
        }
        let begun = self.begun?;
        if time - begun > self.rule.timeout {
            self.begun = None;
            return None;
        }
        right_goes_on.then(|| {
            self.begun = None;
            self.window(begun, Some(time))
        })
    }

    /// Ends the search; returns the incomplete window of a mark that has begun.
    pub(crate) fn finish(self) -> Option<BlinkerWindow> {
        self.begun.map(|begun| self.window(begun, None))
    }

    fn window(&self, begun: f64, ended: Option<f64>) -> BlinkerWindow {
        let start = (begun - self.rule.pre).max(self.earliest);
        BlinkerWindow { begun, ended, window: Window { start, end: ended.unwrap_or(begun) + self.rule.post } }
    }
}

/// Returns the windows that the driver marked, in the order of time.
///
/// Changes are in the order of time; both blinkers are off before the first. No window begins before `earliest`.
#[must_use]
pub fn blinker_windows(changes: &[BlinkerChange], rule: &MarkerRule, earliest: f64) -> Vec<BlinkerWindow> {
    let mut marks = BlinkerMarks::new(rule, earliest);
    let mut windows: Vec<BlinkerWindow> = changes.iter().filter_map(|change| marks.change(change)).collect();
    windows.extend(marks.finish());
    windows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn changes(states: &[(f64, bool, bool)]) -> Vec<BlinkerChange> {
        states.iter().map(|&(time, left, right)| BlinkerChange { time, left, right }).collect()
    }

    /// The marks alone: when each began, and ended.
    fn marks(states: &[(f64, bool, bool)]) -> Vec<(f64, Option<f64>)> {
        let windows = blinker_windows(&changes(states), &MarkerRule::default(), 0.0);
        windows.iter().map(|found| (found.begun, found.ended)).collect()
    }

    const OFF: (bool, bool) = (false, false);

    fn flash(time: f64, left: bool, right: bool) -> [(f64, bool, bool); 2] {
        [(time, left, right), (time + 0.4, OFF.0, OFF.1)]
    }

    #[test]
    fn left_then_right_is_a_window_with_its_margins() {
        let states = [flash(22.0, true, false), flash(34.0, false, true)].concat();
        let rule = MarkerRule { pre: 1.0, post: 2.0, timeout: 15.0 };
        let found = blinker_windows(&changes(&states), &rule, 0.0);
        let window = Window { start: 21.0, end: 36.0 };
        assert_eq!(found, [BlinkerWindow { begun: 22.0, ended: Some(34.0), window }]);
        let late = blinker_windows(&changes(&states), &rule, 21.5);
        assert_eq!(late[0].window.start, 21.5, "no window begins before the log");
    }

    #[test]
    fn a_mark_that_took_too_long_is_forgotten() {
        let states = [flash(2.0, true, false), flash(18.5, false, true)].concat();
        assert_eq!(marks(&states), []);
        let just = [(2.0, true, false), (17.0, true, true)];
        assert_eq!(marks(&just), [(2.0, Some(17.0))], "the timeout itself is in time");
    }

    #[test]
    fn each_flash_of_the_left_begins_again_and_a_lone_one_is_incomplete() {
        let states = [flash(42.0, true, false), flash(42.7, true, false), flash(45.0, false, true)].concat();
        assert_eq!(marks(&states), [(42.7, Some(45.0))]);
        let found = blinker_windows(&changes(&flash(56.0, true, false)), &MarkerRule::default(), 0.0);
        assert_eq!(found, [BlinkerWindow { begun: 56.0, ended: None, window: Window { start: 54.5, end: 57.5 } }]);
    }

    #[test]
    fn hazard_lights_begin_a_mark_and_do_not_end_it() {
        assert_eq!(marks(&flash(5.0, true, true)), [(5.0, None)]);
        assert_eq!(marks(&flash(5.0, false, true)), []);
    }

    #[test]
    fn a_new_left_takes_the_place_of_an_older_one_and_one_right_ends_one_mark() {
        assert_eq!(marks(&[(2.0, true, false), (3.0, true, true)]), [(2.0, Some(3.0))]);
        let states = [flash(2.0, true, false), flash(4.0, false, true), flash(6.0, false, true)].concat();
        assert_eq!(marks(&states), [(2.0, Some(4.0))]);
        assert_eq!(marks(&[(1.0, false, true), (2.0, true, true), (3.0, false, true)]), [(2.0, None)]);
    }

    #[test]
    fn only_a_change_can_come_too_late() {
        // Left goes off late, so nothing has begun when right goes on.
        assert_eq!(marks(&[(1.0, true, false), (17.0, false, false), (18.0, false, true)]), []);
        // The same state again is no change, however late: the mark is still there at the end.
        assert_eq!(marks(&[(1.0, true, false), (17.0, true, false)]), [(1.0, None)]);
    }

    /// What a window is, said without a state: the last left edge before a right edge, none of them used before,
    /// and not a single change between them that came too late.
    fn obviously(states: &[BlinkerChange], rule: &MarkerRule) -> Vec<(f64, Option<f64>)> {
        let before = |index: usize| index.checked_sub(1).map_or(OFF, |index| (states[index].left, states[index].right));
        let goes_left = |index: usize| states[index].left && !before(index).0;
        let goes_right = |index: usize| states[index].right && !before(index).1;
        let mut found = Vec::new();
        for start in (0..states.len()).filter(|&index| goes_left(index)) {
            let next_left = (start + 1..states.len()).find(|&index| goes_left(index)).unwrap_or(states.len());
            let late = (start + 1..next_left).find(|&i| states[i].time - states[start].time > rule.timeout);
            let right = (start + 1..late.unwrap_or(next_left)).find(|&index| goes_right(index));
            if let Some(right) = right {
                found.push((states[start].time, Some(states[right].time)));
            } else if late.is_none() && next_left == states.len() {
                found.push((states[start].time, None));
            }
        }
        found
    }

    proptest! {
        #[test]
        fn windows_are_those_of_the_obvious_way(
            steps in prop::collection::vec((0_u8..60, any::<bool>(), any::<bool>()), 0..60),
            timeout in 0_u8..200,
        ) {
            let mut time = 0.0;
            let mut all = Vec::new();
            for (step, left, right) in steps {
                time += f64::from(step) / 8.0;
                if all.last().map_or(OFF, |last: &BlinkerChange| (last.left, last.right)) != (left, right) {
                    all.push(BlinkerChange { time, left, right });
                }
            }
            let rule = MarkerRule { pre: 1.0, post: 2.0, timeout: f64::from(timeout) / 8.0 };
            let windows = blinker_windows(&all, &rule, 0.0);
            let found: Vec<_> = windows.iter().map(|found| (found.begun, found.ended)).collect();
            prop_assert_eq!(found, obviously(&all, &rule));
            for found in windows {
                prop_assert_eq!(found.window.start, (found.begun - 1.0).max(0.0));
                prop_assert_eq!(found.window.end, found.ended.unwrap_or(found.begun) + 2.0);
            }
        }
    }
}
